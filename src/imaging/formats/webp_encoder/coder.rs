//! The boolean coder (RFC 6386, 7).

#![expect(clippy::cast_possible_truncation, reason = "what is above is the carry")]

/// What is not written yet.
#[derive(Clone, Copy, Debug)]
struct State {
    /// So many bits and the eight of the range.
    low: u64,
    range: u32,
    pending: u32,
}

impl State {
    #[inline(always)]
    fn put(&mut self, bit: u32, probability: u8) {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let (added, range) = if bit == 0 { (0, split) } else { (split, self.range - split) };
        let shift = range.leading_zeros() - 24;
        self.range = range << shift;
        self.low = (self.low + u64::from(added)) << shift;
        self.pending += shift;
    }

    /// Takes 32 bits out, and what is to be added to those before.
    #[inline(always)]
    fn take(&mut self) -> (u32, bool) {
        self.pending -= 32;
        let rest = self.pending + 8;
        let top = self.low >> rest;
        self.low &= (1 << rest) - 1;
        (top as u32, top >> 32 != 0)
    }
}

/// Writes decisions by their probabilities.
#[derive(Debug)]
pub(super) struct Coder {
    out: Vec<u8>,
    state: State,
}

impl Coder {
    pub(super) fn new(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), state: State { low: 0, range: 255, pending: 0 } }
    }

    /// Writes a decision; the probability is that of a zero, in 256ths.
    #[inline(always)]
    pub(super) fn put(&mut self, bit: u32, probability: u8) {
        self.state.put(bit, probability);
        if self.state.pending >= 32 {
            let word = self.state.take();
            self.word(word);
        }
    }

    /// Writes many decisions.
    #[inline(always)]
    pub(super) fn put_all(&mut self, decisions: impl Iterator<Item = (u32, u8)>) {
        let mut state = self.state;
        for (bit, probability) in decisions {
            state.put(bit, probability);
            if state.pending >= 32 {
                self.word(state.take());
            }
        }
        self.state = state;
    }

    /// Writes a bit that may as well be the other.
    pub(super) fn put_even(&mut self, bit: u32) {
        self.put(bit, 128);
    }

    /// Writes a number of so many bits, the highest first.
    pub(super) fn put_bits(&mut self, value: u32, bits: u32) {
        for place in (0..bits).rev() {
            self.put_even(value >> place & 1);
        }
    }

    /// Writes a small number with a sign, or that it is zero.
    pub(super) fn put_signed(&mut self, value: i32, bits: u32) {
        self.put_even(u32::from(value != 0));
        if value != 0 {
            self.put_bits(value.unsigned_abs(), bits);
            self.put_even(u32::from(value < 0));
        }
    }

    fn word(&mut self, (word, carry): (u32, bool)) {
        if carry {
            self.carry();
        }
        self.out.extend(word.to_be_bytes());
    }

    /// Adds one to what is written.
    #[cold]
    fn carry(&mut self) {
        for byte in self.out.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.state.low >> (self.state.pending + 8) != 0 {
            self.carry();
        }
        let rest = self.state.pending + 8;
        let padded = (self.state.low << (64 - rest)).to_be_bytes();
        self.out.extend(&padded[..rest.div_ceil(8) as usize]);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::Coder;

    /// Reads decisions as RFC 6386, 7.3 has it.
    struct Reader<'a> {
        bytes: &'a [u8],
        value: u32,
        range: u32,
        bits: u32,
    }

    impl<'a> Reader<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            let mut reader = Self { bytes, value: 0, range: 255, bits: 0 };
            reader.value = u32::from(reader.byte()) << 8 | u32::from(reader.byte());
            reader
        }

        fn byte(&mut self) -> u8 {
            let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
            self.bytes = rest;
            *first
        }

        fn next(&mut self, probability: u8) -> u32 {
            let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
            let bit = u32::from(self.value >= split << 8);
            if bit == 1 {
                self.range -= split;
                self.value -= split << 8;
            } else {
                self.range = split;
            }
            while self.range < 128 {
                self.value <<= 1;
                self.range <<= 1;
                self.bits += 1;
                if self.bits == 8 {
                    self.bits = 0;
                    self.value |= u32::from(self.byte());
                }
            }
            bit
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as u32
        };
        for length in (0..60).chain([1000, 100_000]) {
            for likely in [1, 3, 200] {
                // Bits that are mostly ones where ones are unlikely carry far.
                let decisions: Vec<(u32, u8)> = (0..length)
                    .map(|_| (u32::from(random() % 200 < likely), (random() % 255 + 1) as u8))
                    .collect();
                let mut coder = Coder::new(0);
                let (one, many) = decisions.split_at(length / 2);
                one.iter().for_each(|&(bit, probability)| coder.put(bit, probability));
                coder.put_all(many.iter().copied());
                let bytes = coder.finish();
                let mut reader = Reader::new(&bytes);
                for &(bit, probability) in &decisions {
                    assert_eq!(reader.next(probability), bit);
                }
            }
        }
    }

    #[test]
    fn a_carry_goes_back_through_all_ones() {
        // As near below the next byte as can be, and then above.
        let mut coder = Coder::new(0);
        let mut decisions = vec![(0, 128); 3];
        decisions.extend([(1, 1); 80]);
        decisions.extend([(1, 255); 3]);
        decisions.iter().for_each(|&(bit, probability)| coder.put(bit, probability));
        let bytes = coder.finish();
        let mut reader = Reader::new(&bytes);
        assert!(decisions.iter().all(|&(bit, probability)| reader.next(probability) == bit));
    }

    #[test]
    fn numbers_have_a_sign_unless_they_are_zero() {
        let mut coder = Coder::new(0);
        coder.put_bits(0b1011, 4);
        coder.put_signed(-5, 4);
        coder.put_signed(0, 4);
        let bytes = coder.finish();
        let mut reader = Reader::new(&bytes);
        let read: Vec<u32> = (0..11).map(|_| reader.next(128)).collect();
        assert_eq!(read, [1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0]);
    }
}
