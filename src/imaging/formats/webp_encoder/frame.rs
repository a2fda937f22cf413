//! A picture as one key frame (RFC 6386, 9), macroblock after macroblock.

use super::decide::Decider;
use super::header::{Choice, assemble, header};
use super::kernels::Kernels;
use super::macroblock::{Filled, IN_BLOCKS, Macroblock};
use super::planes::Planes;
use super::segments::{Analysis, analyse, chroma_blocks, luma_blocks};
use super::surroundings::Surroundings;
use super::tokens::{Kind, Tokens};

/// A picture that is to be coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub(super) planes: &'a Planes,
    pub(super) width: usize,
    pub(super) height: usize,
    /// From 0 to 100.
    pub(super) quality: u8,
    /// Bytes that the first partition may have.
    pub(super) first: usize,
    /// Whether decoders are to smooth the edges of blocks.
    pub(super) smoothing: bool,
}

/// What is left for the modes, so that the first partition does not get too long.
#[derive(Debug)]
struct Budget {
    /// In 256ths of a bit.
    left: u64,
    macroblocks: u64,
}

impl Budget {
    /// What the header takes at most, and what a macroblock does for its segment and whether it is empty.
    const HEADER: usize = 1500;
    const OTHERS: u64 = 3 * 256;
    /// What the cheapest modes cost.
    const LEAST: u64 = 965;

    fn new(bytes: usize, macroblocks: usize) -> Self {
        let macroblocks = macroblocks as u64;
        let bits = bytes.saturating_sub(Self::HEADER) as u64 * 8 * 256;
        Self { left: bits.saturating_sub(macroblocks * Self::OTHERS), macroblocks }
    }

    /// What the next macroblock may take: twice its share, and the others can go on.
    fn most(&self) -> u32 {
        let rest = self.left.saturating_sub(self.macroblocks * Self::LEAST);
        let share = Self::LEAST + (2 * rest / self.macroblocks.max(1)).min(rest);
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    fn take(&mut self, cost: u32) {
        self.left = self.left.saturating_sub(u64::from(cost));
        self.macroblocks -= 1;
    }
}

/// How strongly edges of blocks are to be smoothed, by segment and strength.
#[derive(Debug)]
struct Edges(Vec<[usize; 64]>);

impl Edges {
    /// One of so many macroblocks of a segment may stay visible.
    const SHARE: usize = 50;

    fn new(analysis: &Analysis) -> Self {
        Self(vec![[0; 64]; analysis.segments.len()])
    }

    fn take(&mut self, analysis: &Analysis, index: usize, edge: u16) {
        let step = usize::from(analysis.segments[index].second.step[0][1]);
        self.0[index][(usize::from(edge) * step / 8).min(63)] += 1;
    }

    /// Smooths more where that is needed.
    fn apply(&self, analysis: &mut Analysis) {
        for (segment, counts) in analysis.segments.iter_mut().zip(&self.0) {
            let mut rest = counts.iter().sum::<usize>() / Self::SHARE;
            for strength in (segment.filter..64).rev() {
                let count = counts[usize::from(strength)];
                if count > rest {
                    segment.filter = strength;
                    break;
                }
                rest -= count;
            }
        }
    }
}

/// What grows while a picture is coded.
#[derive(Debug)]
struct Pass {
    tokens: Tokens,
    choices: Vec<Choice>,
    around: Surroundings,
    budget: Budget,
}

impl Pass {
    fn new(order: &Order<'_>) -> Self {
        let count = order.planes.wide * order.planes.tall;
        Self {
            tokens: Tokens::new(count * 300),
            choices: Vec::with_capacity(count),
            around: Surroundings::new(order.planes.wide),
            budget: Budget::new(order.first, count),
        }
    }

    /// Codes the next macroblock.
    #[inline(always)]
    fn next<K: Kernels>(
        &mut self,
        kernels: K,
        planes: &Planes,
        analysis: &Analysis,
        (x, y): (usize, usize),
    ) -> Macroblock {
        let place = self.choices.len();
        // Costs follow what was coded so far; often enough, and never for a few macroblocks.
        if place > 0 && place.is_multiple_of((planes.wide * planes.tall / 8).max(96)) {
            self.tokens.refresh();
        }
        let segment = &analysis.segments[usize::from(analysis.map[place])];
        let most = self.budget.most();
        let decider = Decider { kernels, tokens: &self.tokens, segment, most };
        let context = self.around.context(x);
        let mut done = Macroblock::default();
        decider.luma(luma_blocks(planes, x, y), context, &mut done);
        let blue = chroma_blocks(&planes.blue, planes.wide, x, y);
        let red = chroma_blocks(&planes.red, planes.wide, x, y);
        decider.chroma([blue, red], context, &mut done);
        self.budget.take(done.modes_cost);
        let (above, left) = (&mut self.around.some_above[x], &mut self.around.left.some_left);
        let empty = done.is_empty();
        if empty {
            forget(&done, above);
            forget(&done, left);
        } else {
            record(&mut self.tokens, &done, above, left);
        }
        self.around.take(x, &done);
        let (mode, chroma_mode) = (done.mode, done.chroma_mode);
        self.choices.push(Choice { empty, mode, chroma_mode, block_modes: done.block_modes });
        done
    }
}

/// What is not coded has no levels; the second transform is as before where there is none.
fn forget(done: &Macroblock, filled: &mut Filled) {
    let second = if done.mode == IN_BLOCKS { filled[8] } else { 0 };
    *filled = [0, 0, 0, 0, 0, 0, 0, 0, second];
}

/// Codes levels, in the order of RFC 6386, 13.
#[inline(always)]
fn record(tokens: &mut Tokens, done: &Macroblock, above: &mut Filled, left: &mut Filled) {
    let mut put = |kind: Kind, (x, y): (usize, usize), levels: &[i16; 16], count: u8| {
        tokens.block(kind, usize::from(above[x] + left[y]), levels, usize::from(count));
        (above[x], left[y]) = (u8::from(count > 0), u8::from(count > 0));
    };
    let kind = if done.mode == IN_BLOCKS {
        Kind::Luma
    } else {
        put(Kind::Second, (8, 8), &done.second, done.second_count);
        Kind::LumaRest
    };
    for block in 0..16 {
        put(kind, (block % 4, block / 4), &done.luma[block], done.luma_counts[block]);
    }
    for block in 0..8 {
        let at = 4 + block / 4 * 2;
        let place = (at + block % 2, at + block / 2 % 2);
        put(Kind::Chroma, place, &done.chroma[block], done.chroma_counts[block]);
    }
}

/// Codes a picture and shows each macroblock; none if it is too large for the format.
pub(super) fn encode<K: Kernels>(
    kernels: K,
    order: &Order<'_>,
    show: impl FnMut((usize, usize), &Macroblock),
) -> Option<Vec<u8>> {
    kernels.run(
        #[inline(always)]
        || encode_all(kernels, order, show),
    )
}

#[inline(always)]
fn encode_all<K: Kernels>(
    kernels: K,
    order: &Order<'_>,
    mut show: impl FnMut((usize, usize), &Macroblock),
) -> Option<Vec<u8>> {
    let planes = order.planes;
    let mut analysis = analyse(kernels, planes, order.quality);
    let mut pass = Pass::new(order);
    let mut edges = Edges::new(&analysis);
    for y in 0..planes.tall {
        pass.around.begin(y);
        for x in 0..planes.wide {
            let done = pass.next(kernels, planes, &analysis, (x, y));
            edges.take(&analysis, usize::from(analysis.map[y * planes.wide + x]), done.edge);
            show((x, y), &done);
        }
    }
    if order.smoothing {
        edges.apply(&mut analysis);
    } else {
        analysis.segments.iter_mut().for_each(|segment| segment.filter = 0);
    }
    pass.tokens.choose();
    let first = header(&analysis, &pass.choices, planes.wide, &pass.tokens);
    if first.len() > order.first {
        return None;
    }
    assemble((order.width, order.height), &first, &pass.tokens.write())
}

#[cfg(test)]
mod tests {
    use super::super::macroblock::{IN_BLOCKS, Macroblock};
    use super::{Budget, forget};

    #[test]
    fn without_levels_only_the_second_transform_of_others_is_remembered() {
        let mut filled = [1; 9];
        forget(&Macroblock { mode: IN_BLOCKS, ..Macroblock::default() }, &mut filled);
        assert_eq!(filled, [0, 0, 0, 0, 0, 0, 0, 0, 1]);
        forget(&Macroblock::default(), &mut filled);
        assert_eq!(filled, [0; 9]);
    }

    #[test]
    fn what_one_takes_the_others_do_not_have() {
        let mut budget = Budget::new(Budget::HEADER + 1000, 10);
        let all = 1000 * 8 * 256 - 10 * Budget::OTHERS;
        let first = budget.most();
        assert_eq!(u64::from(first), Budget::LEAST + 2 * (all - 10 * Budget::LEAST) / 10);
        for _ in 0..9 {
            budget.take(budget.most());
        }
        assert!(u64::from(budget.most()) >= Budget::LEAST && budget.most() < first / 4);
        assert_eq!(u64::from(Budget::new(0, 10).most()), Budget::LEAST);
    }
}
