//! The codes of LZW as TIFF packs them (TIFF 6.0, section 13): from the highest bit down, nine to
//! twelve bits wide, and wider one code earlier than they have to be.
//!
//! What a code stands for has always been written out before, so the table holds no strings: it
//! holds where in the output one is, and how long. A string and the first byte of what follows it
//! are one behind the other there, so a new entry is the last one's place and its length plus one.
//! The 256 bytes lie before the output, and are places like all others.

use super::super::{cut_short, damaged};
use crate::diag::phrase;
use crate::imaging::ConvertError;

const CLEAR: usize = 256;
const END: usize = 257;
/// The first code that is made while unpacking.
const FIRST: usize = 258;
/// As many codes as twelve bits tell apart.
const CODES: usize = 4096;

/// Bytes before the output: one of every value.
const ROOTS: usize = 256;
/// Bytes that are copied at once, needed or not; what is too much lies behind and is written later.
const STRIDE: usize = 16;

/// Where a code's string is, and how many bytes it has.
#[derive(Clone, Copy, Default)]
struct Place {
    at: u32,
    length: u32,
}

/// Unpacks one piece after the other, in memory of its own.
pub(super) struct Unpacker {
    places: Box<[Place; CODES]>,
    /// The roots, the output, and room for one stride.
    bytes: Vec<u8>,
}

impl Unpacker {
    /// Makes one for pieces of at most so many bytes, less than 4 GiB.
    pub(super) fn new(most: u32) -> Self {
        let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
        bytes.resize(ROOTS + most as usize + STRIDE, 0);
        let mut places = Box::new([Place::default(); CODES]);
        for (place, at) in places.iter_mut().zip(0..256) {
            *place = Place { at, length: 1 };
        }
        Self { places, bytes }
    }

    /// Unpacks the first `length` bytes of a piece; what is left of it is not looked at.
    ///
    /// # Errors
    /// When the piece ends before, or holds a code that means nothing yet.
    pub(super) fn unpack(
        &mut self,
        packed: &[u8],
        length: usize,
    ) -> Result<&mut [u8], ConvertError> {
        let end = (ROOTS + length).min(self.bytes.len() - STRIDE);
        let mut codes = Codes::new(packed);
        let mut at = ROOTS;
        // None after a clearing code: no string has been written yet that could be lengthened.
        let mut last: Option<Place> = None;
        let mut next = FIRST;
        while at < end {
            let code = codes.next()?;
            let mut place = match code {
                CLEAR => {
                    (last, next, codes.width) = (None, FIRST, 9);
                    continue;
                }
                END => return Err(cut_short()),
                _ => self.places[code],
            };
            if let Some(last) = last.filter(|_| next < CODES) {
                let new = Place { at: last.at, length: last.length + 1 };
                self.places[next] = new;
                if code == next {
                    place = new;
                }
                next += 1;
                codes.widen(next);
            }
            if code >= next {
                return Err(damaged(phrase!(
                    "damage-compressed-data-make-no-sense",
                    "its compressed data cannot be read"
                )));
            }
            last = Some(Place { at: offset(at), ..place });
            at += self.copy(place, at, end);
        }
        Ok(&mut self.bytes[ROOTS..end])
    }

    /// Writes a string out once more; returns how many of its bytes are wanted.
    #[inline]
    fn copy(&mut self, place: Place, to: usize, end: usize) -> usize {
        let (from, length) = (place.at as usize, place.length as usize);
        if length <= STRIDE {
            let mut stride = [0; STRIDE];
            stride.copy_from_slice(&self.bytes[from..from + STRIDE]);
            self.bytes[to..to + STRIDE].copy_from_slice(&stride);
        } else {
            let length = length.min(end - to);
            self.bytes.copy_within(from..from + length, to);
        }
        // The one string that reaches into itself: its last byte is the first of this copy.
        if from + length > to && to + length <= end {
            self.bytes[to + length - 1] = self.bytes[to];
        }
        length.min(end - to)
    }
}

/// A place in memory that `Unpacker::new` has seen to be addressed by 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "see there")]
const fn offset(at: usize) -> u32 {
    at as u32
}

/// Codes one after the other.
struct Codes<'a> {
    packed: &'a [u8],
    /// Bits that are read and not used, at the top.
    bits: u64,
    count: u32,
    width: u32,
}

impl<'a> Codes<'a> {
    const fn new(packed: &'a [u8]) -> Self {
        Self { packed, bits: 0, count: 0, width: 9 }
    }

    #[inline]
    fn next(&mut self) -> Result<usize, ConvertError> {
        if self.count < self.width {
            self.fill();
            if self.count < self.width {
                return Err(cut_short());
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "twelve bits at most")]
        let code = (self.bits >> (64 - self.width)) as usize;
        self.bits <<= self.width;
        self.count -= self.width;
        Ok(code)
    }

    #[inline]
    fn fill(&mut self) {
        if let Some((eight, _)) = self.packed.split_first_chunk::<8>() {
            self.bits |= u64::from_be_bytes(*eight) >> self.count;
            let whole = (64 - self.count) / 8;
            self.packed = &self.packed[whole as usize..];
            self.count += whole * 8;
            // What was taken of the next byte comes again.
            if self.count < 64 {
                self.bits &= !(u64::MAX >> self.count);
            }
            return;
        }
        while self.count <= 56 {
            let Some((byte, rest)) = self.packed.split_first() else { return };
            self.bits |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            self.packed = rest;
        }
    }

    /// Makes codes wider once the next one to be made would not fit into all but the last.
    #[inline]
    fn widen(&mut self, next: usize) {
        if next + 1 >= 1 << self.width && self.width < 12 {
            self.width += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weezl::BitOrder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(bytes).unwrap()
    }

    /// What another decoder makes of a piece: as many bytes as asked for, or none.
    fn reference(mut packed: &[u8], length: usize) -> Option<Vec<u8>> {
        let configuration = weezl::decode::Configuration::with_tiff_size_switch(BitOrder::Msb, 8);
        let mut decoder = configuration.with_yield_on_full_buffer(true).build();
        let mut out = vec![0; length];
        let mut at = 0;
        while at < length {
            let result = decoder.decode_bytes(packed, &mut out[at..]);
            result.status.ok()?;
            if result.consumed_in == 0 && result.consumed_out == 0 {
                return None;
            }
            packed = &packed[result.consumed_in..];
            at += result.consumed_out;
        }
        Some(out)
    }

    fn unpacked(packed: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut unpacker = Unpacker::new(u32::try_from(length).unwrap());
        unpacker.unpack(packed, length).ok().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn what_was_packed_comes_back() {
        let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0];
        let cases: [Vec<u8>; 5] = [
            vec![7],
            vec![0; 100_000],
            b"abababababababababababababab".to_vec(),
            (0..200_000).map(noise).collect(),
            (0..200_000_u32).map(|n| (n / 700 * 31 % 251).to_le_bytes()[0]).collect(),
        ];
        for bytes in cases {
            let packed = packed(&bytes);
            assert_eq!(unpacked(&packed, bytes.len()).as_ref(), Some(&bytes));
            let part = bytes.len().div_ceil(3);
            assert_eq!(unpacked(&packed, part).unwrap(), bytes[..part], "only the beginning");
        }
    }

    #[test]
    fn pieces_do_not_remember_each_other() {
        let mut unpacker = Unpacker::new(64);
        let (first, second) = (packed(&[1; 64]), packed(&[2, 3, 2, 3, 2, 3]));
        assert_eq!(unpacker.unpack(&first, 64).unwrap(), [1; 64]);
        assert_eq!(unpacker.unpack(&second, 6).unwrap(), [2, 3, 2, 3, 2, 3]);
    }

    #[test]
    fn what_ends_early_or_makes_no_sense_is_an_error() {
        let whole = packed(&[5; 40]);
        assert!(unpacked(&whole, 41).is_none(), "its end comes first");
        assert!(unpacked(&whole[..3], 40).is_none(), "bytes are missing");
        assert!(unpacked(&[], 1).is_none());
        // Code 300, when there are none but the roots.
        assert!(unpacked(&[0b1001_0110, 0], 1).is_none());
        // A clearing code, then code 258, which nothing has made.
        assert!(unpacked(&[0b1000_0000, 0b0100_0000, 0b1000_0000], 1).is_none());
    }

    proptest! {
        #[test]
        fn whatever_it_is_the_other_decoder_agrees(
            mut bytes in prop::collection::vec(prop_oneof![Just(0_u8), 0..4_u8, any::<u8>()], 1..6000),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            more in 0..3_usize,
        ) {
            let mut packed = packed(&bytes);
            for (at, value) in damage {
                let at = at.index(packed.len());
                packed[at] = value;
            }
            bytes.resize(bytes.len() + more, 0);
            prop_assert_eq!(unpacked(&packed, bytes.len()), reference(&packed, bytes.len()));
        }
    }
}
