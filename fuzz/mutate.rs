//! How inputs are made of seeds.

/// A small generator of random numbers (SplitMix64): the same order everywhere.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, 0 when that is 0.
    #[expect(clippy::cast_possible_truncation, reason = "it is smaller than a usize")]
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    /// Returns a number below 2 to the `powers`, small ones more often.
    fn small(&mut self, powers: usize) -> usize {
        let end = 1 << self.below(powers);
        self.below(end)
    }

    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// What an input is, which decides about the changes that make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Modifiers, names, drawings.
    Text,
    /// Files of pictures.
    Bytes,
}

/// Numbers at which code goes wrong.
const NUMBERS: [u32; 14] =
    [0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff];

/// Words at which code that reads text goes wrong, and some it knows.
const WORDS: [&str; 34] = [
    "&",
    "=",
    ",",
    "$",
    "%",
    "%26",
    "%00",
    "{",
    "}",
    "(",
    ")",
    "?",
    "-",
    ".",
    "0",
    "1e309",
    "NaN",
    "-0",
    "99999999999999999999",
    "é",
    "\u{1f4f7}",
    "\u{202e}",
    "\r\n",
    "0x",
    "wid=",
    "fmt=",
    "$p$",
    "layer=1",
    "rgn=0,0,1,1",
    "scl=",
    "perspective=",
    "<!ENTITY a \"&a;\">",
    "<g>",
    "transform=\"scale(1e9)\"",
];

/// Longest input, in bytes.
const LONGEST: usize = 1 << 16;

/// Makes an input of one seed, sometimes of two.
pub(crate) fn changed(seeds: &[Vec<u8>], kind: Kind, random: &mut Random) -> Vec<u8> {
    let mut input = random.one_of(seeds).cloned().unwrap_or_default();
    for _ in 0..1 + random.small(5) {
        match (kind, random.below(3)) {
            (Kind::Text, 0 | 1) => change_text(&mut input, random),
            (Kind::Text, _) | (Kind::Bytes, 0 | 1) => change_bytes(&mut input, random),
            (Kind::Bytes, _) => rearrange(&mut input, seeds, random),
        }
    }
    input.truncate(LONGEST);
    if random.below(4) != 0 {
        correct_sums(&mut input);
    }
    input
}

fn change_text(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let word = random.one_of(&WORDS).copied().unwrap_or_default();
    match random.below(3) {
        0 => drop(input.splice(at..at, word.bytes())),
        1 => {
            let end = (at + word.len()).min(input.len());
            drop(input.splice(at..end, word.bytes()));
        }
        // A digit more or less, a letter of the other case.
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = if byte.is_ascii_alphabetic() { *byte ^ 0x20 } else { b'0' + *byte % 10 };
            }
        }
    }
}

/// Changes values where they are. Headers are short and matter most: half of it happens there.
fn change_bytes(input: &mut [u8], random: &mut Random) {
    let end = if random.below(2) == 0 { input.len().min(96) } else { input.len() };
    let at = random.below(end);
    let number = random.one_of(&NUMBERS).copied().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    let half = number as u16;
    let value: &[u8] = match random.below(7) {
        0 => &[random.byte()],
        1 => &[half.to_le_bytes()[0]],
        2 => &half.to_le_bytes(),
        3 => &half.to_be_bytes(),
        4 => &number.to_le_bytes(),
        5 => &number.to_be_bytes(),
        _ => &[input.get(at).copied().unwrap_or_default() ^ (1 << random.below(8))],
    };
    for (to, from) in input.iter_mut().skip(at).zip(value) {
        *to = *from;
    }
}

/// Cuts, repeats and mixes.
fn rearrange(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let start = random.below(input.len());
    let length = random.small(8);
    let end = (start + length).min(input.len());
    match random.below(5) {
        0 => input.truncate(start),
        1 => drop(input.drain(start..end)),
        2 => {
            let part = input[start..end].to_vec();
            drop(input.splice(start..start, part));
        }
        3 => {
            let noise: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            drop(input.splice(start..start, noise));
        }
        _ => {
            let other = random.one_of(seeds).cloned().unwrap_or_default();
            let from = random.below(other.len());
            let to = (from + length).min(other.len());
            drop(input.splice(start..end, other[from..to].iter().copied()));
        }
    }
}

/// Makes the check sums of a PNG right again, or no change would come further than to them.
fn correct_sums(input: &mut [u8]) {
    let mut at = 8;
    while input.starts_with(b"\x89PNG") && at + 12 <= input.len() {
        let length = input[at..at + 4].iter().fold(0_usize, |sum, &b| sum << 8 | usize::from(b));
        let end = at + 8 + length;
        if end + 4 > input.len() {
            return;
        }
        let sum = crc32fast::hash(&input[at + 4..end]).to_be_bytes();
        input[end..end + 4].copy_from_slice(&sum);
        at = end + 4;
    }
}
