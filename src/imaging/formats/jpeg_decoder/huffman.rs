//! Huffman tables made ready for decoding (ITU T.81, annex C and F.2.2.3).

use super::error::Error;

/// Bits that are looked up at once.
pub(super) const LOOKED_UP: u32 = 10;
/// Bits that are looked up at once where coefficients are passed over.
pub(super) const SKIPPED: u32 = 12;
/// What the end of a block adds to the place of a coefficient: leads out of every block.
const END: u32 = 128;

/// A table as a segment describes it (B.2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// How many codes have 1 to 16 bits.
    pub(super) counts: [u8; 16],
    /// How many there are in all.
    pub(super) used: usize,
    /// What they stand for, in the order of the codes.
    pub(super) symbols: [u8; 256],
}

impl Default for Spec {
    fn default() -> Self {
        Self { counts: [0; 16], used: 0, symbols: [0; 256] }
    }
}

/// A code with what follows it, in 32 bits.
///
/// From the lowest: 8 bits for the length of code and value together, 8 for that of the code, 8
/// for how much further the next coefficient is, 8 for the symbol, whose lower half is the length of
/// the value. All zero: the code is longer than what was looked up, or is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step(u32);

impl Step {
    const fn of(length: u32, symbol: u8) -> Self {
        let (run, size) = (symbol as u32 >> 4, symbol as u32 & 15);
        // Without a value, a run of 15 stands for 16 zeros, any other for the end of the block.
        let run = if size == 0 && run != 15 { END } else { run + 1 };
        Self((length + size) | length << 8 | run << 16 | (symbol as u32) << 24)
    }

    /// Returns the bits of code and value together.
    pub(super) const fn length(self) -> u32 {
        self.0 & 63
    }

    /// Returns how much further the coefficient is.
    pub(super) const fn run(self) -> u32 {
        self.0 >> 16 & 0xff
    }

    /// Returns the symbol of the code.
    pub(super) const fn symbol(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Tells whether it has to be looked for by [`Table::long`].
    pub(super) const fn is_long(self) -> bool {
        self.0 == 0
    }

    /// Takes the value from the bits that begin with the code.
    #[inline(always)]
    pub(super) const fn value(self, bits: u64) -> i32 {
        extended(bits << (self.0 >> 8 & 63), self.0 >> 24 & 15)
    }
}

/// One or two coefficients, in 64 bits.
///
/// There are two when the first is known altogether from the bits that are looked up, and of the
/// second at least the code. From the lowest: 8 bits each for the length of everything, that of
/// everything before the value of the last, the length of that value, how much further the last
/// is, how much further the first is, and how far the first of two leads (beyond every block where
/// the code is longer or none), and 16 for the first value. The length is where a shift takes it
/// from: what comes next waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair(u64);

impl Pair {
    const LONG: Self = Self(64 << 40);

    const fn of(first: Option<(Step, i16)>, last: Step) -> Self {
        let (used, further, value) = match first {
            Some((step, value)) => (step.length(), step.run(), value),
            None => (0, 0, 0),
        };
        let ahead = used + (last.0 >> 8 & 0xff);
        let run = further + last.run();
        let where_first = if further == 0 { run } else { further };
        Self(
            (used as u64 + last.length() as u64)
                | (ahead as u64) << 8
                | (last.0 as u64 >> 24 & 15) << 16
                | (run as u64) << 24
                | (where_first as u64) << 32
                | (further as u64) << 40
                | (value.cast_unsigned() as u64) << 48,
        )
    }

    /// Returns the bits of everything.
    #[inline(always)]
    pub(super) const fn length(self) -> u32 {
        (self.0 & 63) as u32
    }

    /// Returns how much further the last coefficient is.
    #[inline(always)]
    pub(super) const fn run(self) -> u32 {
        (self.0 >> 24 & 0xff) as u32
    }

    /// Returns how far the first of two leads.
    #[inline(always)]
    pub(super) const fn reach(self) -> u32 {
        (self.0 >> 40 & 0xff) as u32
    }

    /// Returns where the first coefficient is and its value; of one, where it is and anything.
    #[inline(always)]
    pub(super) const fn first(self) -> (u32, i16) {
        ((self.0 >> 32 & 0xff) as u32, ((self.0 >> 48) as u16).cast_signed())
    }

    /// Takes the last value from the bits that begin with the first code.
    #[inline(always)]
    pub(super) const fn last(self, bits: u64) -> i32 {
        extended(bits << (self.0 >> 8 & 63), (self.0 >> 16 & 15) as u32)
    }
}

/// Takes a value of at most 15 bits from the highest (F.2.2.1, figure F.12).
#[inline(always)]
#[expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "two's complement is meant, and the value is short"
)]
const fn extended(bits: u64, size: u32) -> i32 {
    // A value that begins with 0 is negative and counts up from the lowest.
    let negative = !((bits as i64) >> 63) as i32;
    let value = (bits >> 1 >> (!size & 63)) as i32;
    value.wrapping_add(negative & ((-1_i32 << (size & 31)) + 1))
}

/// A table for decoding.
#[derive(Clone, Debug)]
pub(super) struct Table {
    steps: Box<[Step; 1 << LOOKED_UP]>,
    pairs: Option<Box<[Pair; 1 << LOOKED_UP]>>,
    /// 6 bits for the length, 6 for how much further several coefficients lead, the highest for
    /// the end of the block; all zero as in steps.
    skips: Option<Box<[u16; 1 << SKIPPED]>>,
    /// The first 16 bits that no code of 1 to 16 bits begins with.
    limits: [u32; 17],
    /// What leads from a code of so many bits to its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Table {
    /// Makes a table of what values of the lowest frequency are coded with (F.1.2.1).
    pub(super) fn dc(spec: Option<&Spec>) -> Result<Self, Error> {
        let spec = spec.ok_or(Error::Header("a scan whose Huffman table is missing"))?;
        if spec.symbols[..spec.used].iter().any(|symbol| *symbol > 15) {
            return Err(Error::Header("a Huffman table of impossible lengths"));
        }
        Self::new(spec)
    }

    /// Makes a table of what the other values are coded with (F.1.2.2).
    pub(super) fn ac(spec: Option<&Spec>) -> Result<Self, Error> {
        Self::new(spec.ok_or(Error::Header("a scan whose Huffman table is missing"))?)
    }

    fn new(spec: &Spec) -> Result<Self, Error> {
        let mut table = Self {
            steps: Box::new([Step::default(); 1 << LOOKED_UP]),
            pairs: None,
            skips: None,
            limits: [0; 17],
            offsets: [0; 17],
            symbols: spec.symbols,
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(spec.counts) {
            code <<= 1;
            table.offsets[length as usize] =
                i32::try_from(place).unwrap_or_default() - code.cast_signed();
            for symbol in spec.symbols.iter().skip(place).take(usize::from(count)) {
                if length <= LOOKED_UP {
                    let free = LOOKED_UP - length;
                    let range = (code << free) as usize..((code + 1) << free) as usize;
                    // Codes beyond the table are found wrong below.
                    if let Some(steps) = table.steps.get_mut(range) {
                        steps.fill(Step::of(length, *symbol));
                    }
                }
                code += 1;
            }
            place += usize::from(count);
            if code >= 1 << length && count > 0 {
                return Err(Error::Header("a Huffman table of more codes than there are"));
            }
            table.limits[length as usize] = code << (16 - length);
        }
        Ok(table)
    }

    /// Makes the table by which two coefficients are decoded at once.
    #[expect(clippy::cast_possible_truncation, reason = "values of less than ten bits")]
    pub(super) fn with_pairs(mut self) -> Self {
        let mut pairs = Box::new([Pair::LONG; 1 << LOOKED_UP]);
        for (at, pair) in (0_u64..).zip(pairs.iter_mut()) {
            let bits = at << (64 - LOOKED_UP);
            let step = self.step(bits);
            if step.is_long() {
                continue;
            }
            *pair = Pair::of(None, step);
            if step.run() == END || step.length() >= LOOKED_UP {
                continue;
            }
            let next = self.step(bits << step.length());
            let known = step.length() + (next.0 >> 8 & 0xff) <= LOOKED_UP;
            if known && !next.is_long() {
                *pair = Pair::of(Some((step, step.value(bits) as i16)), next);
            }
        }
        self.pairs = Some(pairs);
        self
    }

    /// Returns the table by which two coefficients are decoded at once.
    #[inline(always)]
    pub(super) fn pairs(&self) -> Option<&[Pair; 1 << LOOKED_UP]> {
        self.pairs.as_deref()
    }

    /// Makes the table by which several coefficients are passed over at once.
    pub(super) fn with_skips(mut self) -> Self {
        let mut skips = Box::new([0; 1 << SKIPPED]);
        for (bits, skip) in (0_u32..).zip(skips.iter_mut()) {
            let (mut used, mut further, mut end) = (0, 0, false);
            while !end {
                let rest = bits << used & ((1 << SKIPPED) - 1);
                let step = self.step(u64::from(rest) << (64 - SKIPPED));
                let code = step.0 >> 8 & 0xff;
                if step.is_long() || used + code > SKIPPED || further + (step.run() & 31) > 63 {
                    break;
                }
                end = step.run() == END;
                further += step.run() & 31;
                used += step.length();
            }
            *skip = u16::try_from(used | further << 6 | u32::from(end) << 15).unwrap_or_default();
        }
        self.skips = Some(skips);
        self
    }

    /// Returns the table by which coefficients are passed over.
    pub(super) fn skips(&self) -> Option<&[u16; 1 << SKIPPED]> {
        self.skips.as_deref()
    }

    /// Looks the first bits up.
    #[inline(always)]
    pub(super) const fn step(&self, bits: u64) -> Step {
        self.steps[(bits >> (64 - LOOKED_UP)) as usize]
    }

    /// Finds the length and the symbol of the code that the bits begin with.
    #[cold]
    #[inline(never)]
    fn search(&self, bits: u64) -> Option<(u32, u8)> {
        let first = (bits >> 48) as u32;
        let length = (1..=16).find(|length| first < self.limits[*length])?;
        let code = (first >> (16 - length)).cast_signed();
        let place = usize::try_from(code + self.offsets[length]).ok()?;
        Some((u32::try_from(length).ok()?, *self.symbols.get(place)?))
    }

    /// Finds a code that is longer than what is looked up.
    #[cold]
    #[inline(never)]
    pub(super) fn long(&self, bits: u64) -> Option<Step> {
        self.search(bits).map(|(length, symbol)| Step::of(length, symbol))
    }

    /// Finds the length and the symbol of any code.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: u64) -> Option<(u32, u8)> {
        let step = self.step(bits);
        if step.is_long() {
            return self.search(bits);
        }
        Some((step.0 >> 8 & 0xff, step.symbol()))
    }
}

/// What a decoder makes of a wrong code where it does not look: the end of a block, 17 bits long.
pub(super) const WRONG: Step = Step(17 | 17 << 8 | END << 16);

/// Returns the table of the standard for motion pictures that leave it out (annex K.3).
pub(super) fn standard(ac: bool, colour: bool) -> Spec {
    let (counts, symbols): (_, &[u8]) = match (ac, colour) {
        (false, false) => (DC_COUNTS[0], &DC_SYMBOLS),
        (false, true) => (DC_COUNTS[1], &DC_SYMBOLS),
        (true, false) => (AC_COUNTS[0], &AC_BRIGHTNESS),
        (true, true) => (AC_COUNTS[1], &AC_COLOUR),
    };
    let mut spec = Spec { counts, used: symbols.len(), ..Spec::default() };
    spec.symbols[..symbols.len()].copy_from_slice(symbols);
    spec
}

const DC_COUNTS: [[u8; 16]; 2] = [
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
];
const DC_SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const AC_COUNTS: [[u8; 16]; 2] = [
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
    [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
];
#[rustfmt::skip]
const AC_BRIGHTNESS: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
    0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52,
    0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25,
    0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
    0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
    0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3,
    0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8,
    0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
#[rustfmt::skip]
const AC_COLOUR: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
    0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33,
    0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18,
    0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
    0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63,
    0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97,
    0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
    0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
    0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7,
    0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
