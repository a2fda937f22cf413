//! Coefficients as decisions, how often these occur, and what they cost (RFC 6386, 13).

#![expect(
    clippy::cast_possible_truncation,
    reason = "contexts, levels and probabilities are small"
)]

use super::coder::Coder;
use super::tables::{BAND, COST, TOKEN_DEFAULT, TOKEN_UPDATE, TokenProbabilities};

/// Levels above cost as much as this one, but for the bits behind the token.
pub(super) const TOP: usize = 67;
/// Contexts: four kinds of blocks, eight bands, three amounts of neighbours.
const CONTEXTS: usize = 4 * 8 * 3;
/// Where fixed probabilities begin.
const FIXED: u16 = 11 * CONTEXTS as u16;
const ONE: u16 = 1 << 15;
/// Symbols counted in each context.
const SYMBOLS: usize = 32;
/// The symbol of the end of a block; the first ones are levels 0 to 4, with and without the question
/// whether the block ends here, those behind it the greater levels.
const END: usize = 10;

/// What kind of block is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Luma but for the lowest frequency.
    LumaRest,
    /// The lowest frequencies of 16 blocks.
    Second,
    /// Chroma.
    Chroma,
    /// Luma with its lowest frequency.
    Luma,
}

impl Kind {
    /// The first coefficient that is coded.
    pub(super) const fn first(self) -> usize {
        if matches!(self, Self::LumaRest) { 1 } else { 0 }
    }
}

/// What levels cost, by place in the order, context and level, in 256ths of a bit.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    /// By band, context and level: eight times three times 68, and some to spare.
    pub(super) level: Box<[u16; 2048]>,
    /// That the block ends, by band and context.
    pub(super) end: [[u16; 3]; 8],
    /// That the block does not end at once.
    pub(super) go_on: [u16; 2],
}

/// The decisions of a picture.
#[derive(Debug)]
pub(super) struct Tokens {
    list: Vec<u16>,
    used: usize,
    counts: Box<[u32; CONTEXTS * SYMBOLS]>,
    pub(super) probabilities: TokenProbabilities,
    pub(super) costs: [Costs; 4],
}

/// Branches taken for levels 0 to 4 behind the question whether the block ends.
const SHORT: [&[(u16, u16)]; 5] = [
    &[(1, 0)],
    &[(1, 1), (2, 0)],
    &[(1, 1), (2, 1), (3, 0), (4, 0)],
    &[(1, 1), (2, 1), (3, 0), (4, 1), (5, 0)],
    &[(1, 1), (2, 1), (3, 0), (4, 1), (5, 1)],
];
/// Branches of the greater levels, behind the same.
const LONG: [&[(u16, u16)]; 6] = [
    &[(1, 1), (2, 1), (3, 1), (6, 0), (7, 0)],
    &[(1, 1), (2, 1), (3, 1), (6, 0), (7, 1)],
    &[(1, 1), (2, 1), (3, 1), (6, 1), (8, 0), (9, 0)],
    &[(1, 1), (2, 1), (3, 1), (6, 1), (8, 0), (9, 1)],
    &[(1, 1), (2, 1), (3, 1), (6, 1), (8, 1), (10, 0)],
    &[(1, 1), (2, 1), (3, 1), (6, 1), (8, 1), (10, 1)],
];
/// Least level and probabilities of the bits behind the token.
const EXTRA: [(u32, &[u8]); 6] = [
    (5, &[159]),
    (7, &[165, 145]),
    (11, &[173, 148, 140]),
    (19, &[176, 155, 140, 135]),
    (35, &[180, 157, 141, 134, 130]),
    (67, &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129]),
];

/// The decisions for levels 0 to 4, after a zero (which cannot end a block) and else.
const RUNS: [([u16; 8], u16); 10] = runs();

const fn runs() -> [([u16; 8], u16); 10] {
    let mut runs = [([0; 8], 0); 10];
    let mut at = 0;
    while at < 10 {
        let (mut run, mut length) = ([0; 8], 0);
        if at < 5 {
            run[0] = ONE;
            length = 1;
        }
        let branches = SHORT[at % 5];
        let mut i = 0;
        while i < branches.len() {
            run[length] = branches[i].0 | branches[i].1 << 15;
            length += 1;
            i += 1;
        }
        runs[at] = (run, length as u16);
        at += 1;
    }
    runs
}

/// Most decisions of a block: for each coefficient those of the longest token, its bits and its sign.
const MOST: usize = 16 * 20;

fn cost(bit: u16, probability: u8) -> u16 {
    let p = usize::from(probability);
    COST[if bit == 0 { p } else { 256 - p }]
}

impl Tokens {
    pub(super) fn new(capacity: usize) -> Self {
        let costs = [0, 1, 2, 3].map(|kind| Costs::new(&TOKEN_DEFAULT[kind]));
        Self {
            list: vec![0; capacity.max(MOST)],
            used: 0,
            counts: Box::new([0; CONTEXTS * SYMBOLS]),
            probabilities: TOKEN_DEFAULT,
            costs,
        }
    }

    /// Takes the levels of a block, in their order, of which so many count.
    #[inline(always)]
    pub(super) fn block(&mut self, kind: Kind, context: usize, levels: &[i16; 16], count: usize) {
        if self.list.len() - self.used < MOST {
            self.list.resize(self.list.len() * 3 / 2 + MOST, 0);
        }
        let first = kind.first();
        let kind = kind as usize * 24;
        let Some(list) = self.list.get_mut(self.used..) else { return };
        let (mut at, mut context, mut asks) = (0, kind + BAND[first] * 3 + context, 0);
        for place in first..count {
            let value = levels[place];
            let level = usize::from(value.unsigned_abs());
            let base = context as u16 * 11;
            let counts = &mut self.counts[context * SYMBOLS..][..SYMBOLS];
            if level < 5 {
                let symbol = level + asks;
                counts[symbol] += 1;
                let (run, length) = &RUNS[symbol];
                if let Some(out) = list[at..].first_chunk_mut::<8>() {
                    *out = run.map(|token| token + base);
                }
                at += usize::from(*length);
            } else {
                at += long(level, asks, base, counts, &mut list[at..]);
            }
            list[at] = FIXED + 128 + if value < 0 { ONE } else { 0 };
            at += usize::from(level != 0);
            asks = if level == 0 { 5 } else { 0 };
            context = kind + BAND[(place + 1) & 15] * 3 + level.min(2);
        }
        if count < 16 {
            // Behind a zero nothing ends: the last level is none, unless there are no levels.
            self.counts[context * SYMBOLS + END] += 1;
            list[at] = context as u16 * 11;
            at += 1;
        }
        self.used += at;
    }

    /// How often each branch was taken: zeros and all.
    fn branches(&self, context: usize) -> [(u32, u32); 11] {
        let mut branches = [(0, 0); 11];
        let mut add = |branch: u16, bit: u16, count: u32| {
            let (zeros, all) = &mut branches[usize::from(branch)];
            *zeros += if bit == 0 { count } else { 0 };
            *all += count;
        };
        let counts = &self.counts[context * SYMBOLS..][..SYMBOLS];
        add(0, 0, counts[END]);
        for (level, path) in SHORT.iter().enumerate() {
            add(0, 1, counts[level]);
            path.iter()
                .for_each(|&(branch, bit)| add(branch, bit, counts[level] + counts[level + 5]));
        }
        for (class, path) in LONG.iter().enumerate() {
            let (asked, else_) = (counts[END + 1 + class], counts[END + 7 + class]);
            add(0, 1, asked);
            path.iter().for_each(|&(branch, bit)| add(branch, bit, asked + else_));
        }
        branches
    }

    /// Chooses the probabilities that are worth their place, by what was counted so far.
    pub(super) fn choose(&mut self) {
        for context in 0..CONTEXTS {
            let branches = self.branches(context);
            let (kind, band, amount) = (context / 24, context / 3 % 8, context % 3);
            for (branch, &(zeros, all)) in branches.iter().enumerate() {
                let old = TOKEN_DEFAULT[kind][band][amount][branch];
                let update = TOKEN_UPDATE[kind][band][amount][branch];
                let new = match all {
                    0 => old,
                    _ => ((u64::from(zeros) * 256 + u64::from(all) / 2) / u64::from(all))
                        .clamp(1, 255) as u8,
                };
                let price = |p: u8| {
                    u64::from(zeros) * u64::from(cost(0, p))
                        + u64::from(all - zeros) * u64::from(cost(1, p))
                };
                let kept = price(old) + u64::from(cost(0, update));
                let replaced = price(new) + u64::from(cost(1, update)) + 8 * 256;
                self.probabilities[kind][band][amount][branch] =
                    if replaced < kept { new } else { old };
            }
        }
    }

    /// Computes anew what levels cost.
    pub(super) fn refresh(&mut self) {
        self.choose();
        for (costs, probabilities) in self.costs.iter_mut().zip(&self.probabilities) {
            costs.set(probabilities);
        }
    }

    /// Writes all decisions.
    #[inline(always)]
    pub(super) fn write(&self) -> Vec<u8> {
        let mut table = [0; 2048];
        for (place, &p) in
            self.probabilities.as_flattened().as_flattened().as_flattened().iter().enumerate()
        {
            table[place] = p;
        }
        for p in 0..=255 {
            table[usize::from(FIXED) + usize::from(p)] = p;
        }
        let mut coder = Coder::new(self.used / 4);
        coder.put_all(self.list[..self.used].iter().map(
            #[inline(always)]
            |token| (u32::from(token >> 15), table[usize::from(token & 2047)]),
        ));
        coder.finish()
    }
}

/// The class of a level of at least five.
const fn class_of(level: usize) -> usize {
    match level {
        0..=6 => 0,
        7..=10 => 1,
        11..=18 => 2,
        19..=34 => 3,
        35..=66 => 4,
        _ => 5,
    }
}

#[cold]
fn long(level: usize, asks: usize, base: u16, counts: &mut [u32], out: &mut [u16]) -> usize {
    let class = class_of(level);
    counts[END + 1 + class + if asks == 0 { 0 } else { 6 }] += 1;
    let mut at = 0;
    if asks == 0 {
        out[0] = base | ONE;
        at = 1;
    }
    for &(branch, bit) in LONG[class] {
        out[at] = (base + branch) | bit << 15;
        at += 1;
    }
    let (least, probabilities) = EXTRA[class];
    let rest = level as u32 - least;
    for (place, &p) in probabilities.iter().enumerate() {
        let bit = rest >> (probabilities.len() - 1 - place) & 1;
        out[at] = (FIXED + u16::from(p)) | (bit as u16) << 15;
        at += 1;
    }
    at
}

impl Costs {
    fn new(probabilities: &[[[u8; 11]; 3]; 8]) -> Self {
        let mut costs = Self { level: Box::new([0; 2048]), end: [[0; 3]; 8], go_on: [0; 2] };
        costs.set(probabilities);
        costs
    }

    fn set(&mut self, probabilities: &[[[u8; 11]; 3]; 8]) {
        for (context, out) in self.level.chunks_exact_mut(68).take(24).enumerate() {
            let p = &probabilities[context / 3][context % 3];
            let path = |path: &[(u16, u16)]| {
                path.iter().map(|&(branch, bit)| cost(bit, p[usize::from(branch)])).sum::<u16>()
            };
            let asked = if context % 3 > 0 { cost(1, p[0]) } else { 0 };
            out[0] = asked + path(SHORT[0]);
            for level in 1..5 {
                out[level] = asked + path(SHORT[level]) + 256;
            }
            for (class, long) in LONG.iter().enumerate() {
                let base = asked + path(long) + 256;
                let (least, bits) = EXTRA[class];
                let end = EXTRA.get(class + 1).map_or(68, |next| next.0);
                for level in least..end {
                    let rest = level - least;
                    let extra: u16 = bits
                        .iter()
                        .enumerate()
                        .map(|(i, &p)| cost((rest >> (bits.len() - 1 - i) & 1) as u16, p))
                        .sum();
                    out[level as usize] = base + extra;
                }
            }
            self.end[context / 3][context % 3] = cost(0, p[0]);
        }
        self.go_on = [cost(1, probabilities[0][0][0]), cost(1, probabilities[1][0][0])];
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::TOKEN_DEFAULT;
    use super::{EXTRA, Kind, LONG, RUNS, SHORT, TOP, Tokens, class_of, cost};

    #[test]
    fn classes_begin_where_the_format_says() {
        for (class, (least, bits)) in EXTRA.iter().enumerate() {
            assert_eq!(class_of(*least as usize), class);
            let most = least + (1 << bits.len()) - 1;
            assert_eq!(class_of(most as usize), class);
        }
        assert_eq!(RUNS.map(|(_, length)| length), [2, 3, 5, 6, 6, 1, 2, 4, 5, 5]);
    }

    #[test]
    fn levels_cost_what_their_decisions_do() {
        let tokens = Tokens::new(0);
        let p = &TOKEN_DEFAULT[3][5][2];
        let costs = &tokens.costs[3];
        let of = |path: &[(u16, u16)]| -> u16 {
            path.iter().map(|&(branch, bit)| cost(bit, p[usize::from(branch)])).sum()
        };
        let level = |level: usize| costs.level[(5 * 3 + 2) * 68 + level];
        assert_eq!(level(0), cost(1, p[0]) + of(SHORT[0]));
        assert_eq!(level(3), cost(1, p[0]) + of(SHORT[3]) + 256);
        // Nine is seven and two: the bits are 1 and 0.
        assert_eq!(level(9), cost(1, p[0]) + of(LONG[1]) + cost(1, 165) + cost(0, 145) + 256);
        let zeros: u16 = EXTRA[5].1.iter().map(|&p| cost(0, p)).sum();
        assert_eq!(level(TOP), cost(1, p[0]) + of(LONG[5]) + zeros + 256);
    }

    #[test]
    fn probabilities_become_what_was_counted() {
        let mut tokens = Tokens::new(0);
        let mut levels = [0; 16];
        (levels[0], levels[1]) = (1, -1);
        for _ in 0..4000 {
            tokens.block(Kind::Luma, 0, &levels, 2);
        }
        tokens.refresh();
        let first = &tokens.probabilities[3][0][0];
        // Never ends, never zero, always one.
        assert_eq!((first[0], first[1], first[2]), (1, 1, 255));
        let costs = &tokens.costs[3];
        assert!(costs.level[1] < 300 && costs.level[2] > 2000);
        // What does not occur stays as it is.
        assert_eq!(tokens.probabilities[2], TOKEN_DEFAULT[2]);
    }
}
