//! Blocks to bits (ITU T.81, F.1.2), in two passes: what is to be coded is noted and counted, and
//! then written with the codes that suit it best.

use super::super::jpeg_decoder::ZIGZAG;
use super::huffman::Codes;

/// Where each coefficient of a block in rows of eight comes in the order of the codes.
const ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0_u8;
    while at < 64 {
        order[ZIGZAG[at as usize] as usize] = at;
        at += 1;
    }
    order
};

/// Sixteen zeros, and the end of a block.
const ZEROS: u32 = 0xf0;
const END: u32 = 0;

/// A quantized block in rows of eight.
pub(super) struct Quantized {
    pub(super) values: [i16; 64],
    /// Which are not zero, from the lowest bit.
    pub(super) marks: u64,
}

/// Components with tables of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Brightness,
    Colour,
}

/// Notes what is to be coded.
pub(super) struct Notes {
    /// From the lowest: 16 bits for the value, 8 for the symbol, whose lower half is the value's
    /// length, 1 for whether it is not of the lowest frequency, 1 for the kind.
    notes: Vec<u32>,
    /// How often each symbol of each table comes.
    counts: Box<[u32; 1024]>,
}

impl Notes {
    pub(super) fn new() -> Self {
        Self { notes: Vec::new(), counts: Box::new([0; 1024]) }
    }

    pub(super) const fn len(&self) -> usize {
        self.notes.len()
    }

    #[inline(always)]
    fn note(&mut self, note: u32) {
        self.counts[(note >> 16 & 1023) as usize] += 1;
        self.notes.push(note);
    }

    /// Notes a block; the prediction is the lowest frequency of the one before of its component.
    #[inline(always)]
    pub(super) fn block(&mut self, kind: Kind, block: &Quantized, prediction: &mut i16) {
        let lowest = u32::from(kind == Kind::Colour) << 25;
        let higher = lowest | 1 << 24;
        let difference = i32::from(block.values[0]) - i32::from(*prediction);
        *prediction = block.values[0];
        let (size, bits) = sized(difference);
        self.note(lowest | size << 16 | bits);
        let mut order = 0_u64;
        let mut rest = block.marks & !1;
        while rest != 0 {
            order |= 1 << ORDER[rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        let mut next = 1;
        while order != 0 {
            let at = order.trailing_zeros();
            order &= order - 1;
            let mut run = at - next;
            while run > 15 {
                self.note(higher | ZEROS << 16);
                run -= 16;
            }
            let value = block.values[usize::from(ZIGZAG[at as usize & 63] & 63)];
            let (size, bits) = sized(i32::from(value));
            self.note(higher | (run << 4 | size) << 16 | bits);
            next = at + 1;
        }
        if next < 64 {
            self.note(higher | END << 16);
        }
    }

    /// Finds the codes: of the lowest frequency and of the higher ones, for brightness, then for
    /// colours if there are any.
    pub(super) fn codes(&self) -> Vec<Codes> {
        let tables = self.counts.as_chunks::<256>().0.iter();
        let used = tables.take_while(|counts| counts.iter().any(|count| *count > 0));
        used.map(Codes::of).collect()
    }

    /// Writes all that was noted behind what is there.
    pub(super) fn write(&self, codes: &[Codes], file: &mut Vec<u8>) {
        let mut entries = [0; 1024];
        for (to, codes) in entries.as_chunks_mut::<256>().0.iter_mut().zip(codes) {
            *to = codes.entries;
        }
        let of_one = |((at, entry), count): ((u32, &u32), &u32)| {
            u64::from(*count) * u64::from((entry & 0xff) + (at & 15))
        };
        let bits: u64 = (0..).zip(&entries).zip(&*self.counts).map(of_one).sum();
        // Of random bytes, one in 256 is followed by a zero.
        file.reserve(usize::try_from(bits / 8 + bits / 1024 + 64).unwrap_or_default());
        let mut writer = Writer { file, bits: 0, count: 0 };
        for note in &self.notes {
            let entry = entries[(note >> 16 & 1023) as usize];
            let size = note >> 16 & 15;
            let code = u64::from(entry >> 8) << size | u64::from(note & 0xffff);
            writer.put(code, (entry & 0xff) + size);
        }
        writer.finish();
    }
}

/// Returns the length of a value, and its bits (F.1.2.1).
#[inline(always)]
const fn sized(value: i32) -> (u32, u32) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    let below = value + (value >> 31);
    (size, below.cast_unsigned() & ((1 << size) - 1))
}

/// A writer of bits (F.1.2.3).
struct Writer<'f> {
    file: &'f mut Vec<u8>,
    /// Those that are not written, from the lowest.
    bits: u64,
    count: u32,
}

impl Writer<'_> {
    /// Adds at most 32 bits.
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.bits = self.bits << count | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            #[expect(clippy::cast_possible_truncation, reason = "the others are written later")]
            self.word((self.bits >> self.count) as u32);
        }
    }

    #[inline(always)]
    fn word(&mut self, word: u32) {
        const ONES: u32 = 0x0101_0101;
        // What is zero borrows from its highest bit.
        if (!word).wrapping_sub(ONES) & word & (ONES << 7) == 0 {
            self.file.extend_from_slice(&word.to_be_bytes());
        } else {
            for byte in word.to_be_bytes() {
                self.byte(byte);
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.file.push(byte);
        if byte == 0xff {
            self.file.push(0);
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) {
        let missing = (8 - self.count % 8) % 8;
        self.bits = self.bits << missing | ((1 << missing) - 1);
        self.count += missing;
        while self.count > 0 {
            self.count -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "one byte after the other")]
            self.byte((self.bits >> self.count) as u8);
        }
    }
}
