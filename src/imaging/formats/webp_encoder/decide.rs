//! Which guesses a macroblock is coded with.
//!
//! Modes of whole macroblocks and of chroma are ranked by the frequencies of what is left over, and only
//! the best is coded. Whether luma is coded in blocks is decided by rates and errors.

#![expect(clippy::cast_possible_truncation, reason = "there are four modes and sixteen places")]

use super::kernels::{Coded, Kernels, Lines, Quad, Sides};
use super::macroblock::{Context, Macroblock, Source};
use super::modes::AS_BLOCKS;
use super::second;
use super::segments::Segment;
use super::tokens::{Kind, Tokens};

/// With less than this for the modes of a macroblock only the cheapest are taken.
const HURRIED: u32 = 10 * 256;
/// Costs of the modes of whole macroblocks, the choice of them included, and of chroma.
const WHOLE_COSTS: [u32; 4] = [663, 872, 919, 919];
const CHROMA_COSTS: [u32; 4] = [302, 439, 642, 984];

/// Decides on macroblocks.
#[derive(Debug)]
pub(super) struct Decider<'a, K> {
    pub(super) kernels: K,
    pub(super) tokens: &'a Tokens,
    pub(super) segment: &'a Segment,
    /// What the modes may cost, in 256ths of a bit.
    pub(super) most: u32,
}

impl<K: Kernels> Decider<'_, K> {
    /// Decides on luma.
    #[inline(always)]
    pub(super) fn luma(&self, luma: [Quad; 4], context: &Context, out: &mut Macroblock) {
        let lines = luma.map(
            #[inline(always)]
            |quad| self.kernels.lines(&quad),
        );
        let mut texture = [[0; 4]; 4];
        for (texture, lines) in texture.iter_mut().zip(&lines) {
            *texture = self.kernels.texture(lines);
        }
        let source = Source { luma, lines, texture };
        self.whole(&source, context, out);
        self.blocks(&source, context, out);
    }

    /// How a texture differs, times its weight.
    #[inline(always)]
    pub(super) fn texture_error(&self, a: u32, b: u32) -> u32 {
        ((a.abs_diff(b) >> 5) * self.segment.lambda_texture + 128) >> 8
    }

    /// The mode that fits best, or the cheapest if there is no room for others.
    fn best(&self, ranks: [u32; 4]) -> usize {
        let fits = |mode: &usize| ranks[*mode];
        if self.most < HURRIED { 0 } else { (0..4).min_by_key(fits).unwrap_or(0) }
    }

    /// Codes luma as a whole.
    #[inline(always)]
    fn whole(&self, source: &Source, context: &Context, out: &mut Macroblock) {
        let sides = context.luma().rows();
        let mut ranks = [0; 4];
        for (lines, sides) in source.lines.iter().zip(&sides) {
            self.kernels.rank_parts(lines, sides, &mut ranks);
        }
        let mode = self.best(ranks);
        out.mode = mode as u8;
        out.block_modes = [AS_BLOCKS[mode]; 16];
        out.modes_cost = WHOLE_COSTS[mode];
        let (rate, error) = self.code_whole(source, context, (&sides, mode), out);
        out.score = u64::from(rate + WHOLE_COSTS[mode]) * u64::from(self.segment.lambda_choice)
            + 256 * u64::from(error);
    }

    /// Codes luma with a mode; what the levels cost and the error.
    #[inline(always)]
    fn code_whole(
        &self,
        source: &Source,
        context: &Context,
        (sides, mode): (&[Sides; 4], usize),
        out: &mut Macroblock,
    ) -> (u32, u32) {
        let mut guesses = [[[0; 16]; 4]; 4];
        let mut frequencies = [[[0; 16]; 4]; 4];
        let mut lowest = [0; 16];
        for row in 0..4 {
            guesses[row] = self.kernels.guess_part(&sides[row], mode);
            frequencies[row] = self.kernels.forward(&source.lines[row], &guesses[row]);
            let line = &frequencies[row][0];
            lowest[row * 4..][..4].copy_from_slice(&[line[0], line[8], line[4], line[12]]);
        }
        let (levels, values) = second::quantized(second::forward(lowest), &self.segment.second);
        let lowest = second::inverse(values);
        let amount = usize::from(context.some_left[8] + context.some_above[8]);
        let costs = &self.tokens.costs[Kind::Second as usize];
        let price = self.kernels.price(&levels, costs, 0, amount);
        (out.second, out.second_count) = (levels, price.count);
        let (mut rate, mut error, mut texture, mut filled) = (price.rate, 0, 0, 0);
        let mut above = context.some_above;
        for row in 0..4 {
            let mut coded = Coded::default();
            let lowest = lowest[row * 4..].first_chunk().copied();
            let both = (&source.lines[row], &guesses[row]);
            self.kernels.finish((&frequencies[row], lowest), &self.segment.luma, both, &mut coded);
            let mut left = context.some_left[row];
            let costs = &self.tokens.costs[Kind::LumaRest as usize];
            for (block, above) in above[..4].iter_mut().enumerate() {
                let amount = usize::from(left + *above);
                let price = self.kernels.price(&coded.levels[block], costs, 1, amount);
                rate += price.rate;
                left = u8::from(price.count > 0);
                *above = left;
                filled |= price.count;
                error += coded.error[block];
                texture += self.texture_error(coded.texture[block], source.texture[row][block]);
                out.luma_counts[row * 4 + block] = price.count;
            }
            out.luma[row * 4..][..4].copy_from_slice(&coded.levels);
            out.samples[row * 4..][..4].copy_from_slice(&coded.samples);
        }
        if filled == 0 && error > self.segment.least_error {
            let slow = [levels[1], levels[2], levels[4]].map(i16::unsigned_abs);
            out.edge = slow[0].max(slow[1]).max(slow[2]);
        }
        (rate, error + texture)
    }

    /// Codes chroma.
    #[inline(always)]
    pub(super) fn chroma(&self, planes: [Quad; 2], context: &Context, out: &mut Macroblock) {
        let sides = [context.chroma(0).all(), context.chroma(1).all()];
        let lines: [Lines; 2] = [self.kernels.lines(&planes[0]), self.kernels.lines(&planes[1])];
        let mut ranks = [0; 4];
        for (lines, sides) in lines.iter().zip(&sides) {
            self.kernels.rank_parts(lines, sides, &mut ranks);
        }
        let mode = self.best(ranks);
        out.chroma_mode = mode as u8;
        out.modes_cost += CHROMA_COSTS[mode];
        for (plane, (lines, sides)) in lines.iter().zip(&sides).enumerate() {
            let guesses = self.kernels.guess_part(sides, mode);
            let mut coded = Coded::default();
            let frequencies = self.kernels.forward(lines, &guesses);
            let matrix = &self.segment.chroma;
            self.kernels.finish((&frequencies, None), matrix, (lines, &guesses), &mut coded);
            for (levels, count) in coded.levels.iter().zip(&mut out.chroma_counts[plane * 4..]) {
                *count = count_of(levels);
            }
            out.chroma[plane * 4..][..4].copy_from_slice(&coded.levels);
            out.chroma_samples[plane] = coded.samples;
        }
    }
}

/// Up to where levels count.
#[inline(always)]
fn count_of(levels: &[i16; 16]) -> u8 {
    let mut mask = 0_u32;
    for (place, &level) in levels.iter().enumerate() {
        mask |= u32::from(level != 0) << place;
    }
    (32 - mask.leading_zeros()) as u8
}
