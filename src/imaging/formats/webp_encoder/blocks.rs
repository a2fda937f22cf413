//! Macroblocks in blocks with a mode each: the four that look best are coded.

use super::decide::Decider;
use super::kernels::{Block, Coded, Kernels, ModeCosts};
use super::macroblock::{Context, IN_BLOCKS, Macroblock, Source};
use super::tables::{BLOCK_MODE, COST};
use super::tokens::Kind;

/// What it costs that each block has its own mode.
const IN_BLOCKS_COST: u32 = 211;
/// What a block with few levels costs more if it does not have the flat mode, so that flat areas are not
/// guessed in an intricate way.
const INTRICATE: u32 = 140;
/// Levels behind the lowest frequency that are few.
const FEW: u8 = 3;

/// The paths to the modes of blocks (11.2): branch and decision.
pub(super) const BLOCK_PATHS: [&[(u8, u8)]; 10] = [
    &[(0, 0)],
    &[(0, 1), (1, 0)],
    &[(0, 1), (1, 1), (2, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 0), (4, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 1), (6, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 0), (4, 1), (5, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 0), (4, 1), (5, 1)],
    &[(0, 1), (1, 1), (2, 1), (3, 1), (6, 1), (7, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 1), (6, 1), (7, 1), (8, 0)],
    &[(0, 1), (1, 1), (2, 1), (3, 1), (6, 1), (7, 1), (8, 1)],
];

/// What the modes of blocks cost, by the modes above and to the left.
static BLOCK_COSTS: [[ModeCosts; 10]; 10] = {
    let mut costs = [[[0; 16]; 10]; 10];
    let mut place = 0;
    while place < 1000 {
        let (above, left, mode) = (place / 100, place / 10 % 10, place % 10);
        let mut i = 0;
        while i < BLOCK_PATHS[mode].len() {
            let (branch, bit) = BLOCK_PATHS[mode][i];
            let p = BLOCK_MODE[above][left][branch as usize] as usize;
            costs[above][left][mode] += COST[if bit == 0 { p } else { 256 - p }];
            i += 1;
        }
        assert!(costs[above][left][mode] < 4096);
        place += 1;
    }
    costs
};

/// What is known of the blocks above and to the left of those that come.
#[derive(Debug)]
struct Neighbours {
    above_modes: [u8; 4],
    left_modes: [u8; 4],
    above_filled: [u8; 4],
    left_filled: [u8; 4],
}

impl Neighbours {
    fn new(context: &Context) -> Self {
        let luma = |filled: &[u8; 9]| [filled[0], filled[1], filled[2], filled[3]];
        Self {
            above_modes: context.modes_above,
            left_modes: context.modes_left,
            above_filled: luma(&context.some_above),
            left_filled: luma(&context.some_left),
        }
    }

    fn mode_costs(&self, (x, y): (usize, usize)) -> &'static ModeCosts {
        &BLOCK_COSTS[usize::from(self.above_modes[x])][usize::from(self.left_modes[y])]
    }

    fn amount(&self, (x, y): (usize, usize)) -> usize {
        usize::from(self.above_filled[x] + self.left_filled[y])
    }

    fn take(&mut self, (x, y): (usize, usize), mode: u8, filled: bool) {
        (self.above_modes[x], self.left_modes[y]) = (mode, mode);
        (self.above_filled[x], self.left_filled[y]) = (u8::from(filled), u8::from(filled));
    }
}

impl<K: Kernels> Decider<'_, K> {
    /// Codes a macroblock in blocks, if that is better than what it has.
    #[inline(always)]
    pub(super) fn blocks(&self, source: &Source, context: &Context, out: &mut Macroblock) {
        let mut canvas = Canvas::new(context);
        let mut neighbours = Neighbours::new(context);
        let mut tried = Macroblock {
            mode: IN_BLOCKS,
            edge: out.edge,
            score: u64::from(IN_BLOCKS_COST) * u64::from(self.segment.lambda_choice),
            modes_cost: IN_BLOCKS_COST,
            ..Macroblock::default()
        };
        let weight = u16::try_from(self.segment.lambda_block).unwrap_or(u16::MAX);
        for block in 0..16 {
            let place = (block % 4, block / 4);
            let costs = neighbours.mode_costs(place);
            let lines = self.kernels.lines(&[source.luma[block / 4][block % 4]; 4]);
            let mut guesses = [[0; 16]; 12];
            let edge = canvas.edge(place);
            let order = self.kernels.guess(&edge, &lines, (costs, weight), &mut guesses);
            let [first, second, third, fourth, ..] = order;
            let modes = [first, second, third, fourth];
            let quad = modes.map(|mode| guesses[usize::from(mode)]);
            let mut coded = Coded::default();
            self.kernels.code(&lines, &quad, &self.segment.luma, &mut coded);
            let context = (costs, neighbours.amount(place), source.texture[block / 4][block % 4]);
            self.choose(block, (&coded, modes), context, &mut tried);
            if tried.score >= out.score || tried.modes_cost > self.most {
                return;
            }
            neighbours.take(place, tried.block_modes[block], tried.luma_counts[block] > 0);
            canvas.put(place, &tried.samples[block]);
        }
        *out = tried;
    }

    /// Takes the best of four guesses for a block.
    #[inline(always)]
    fn choose(
        &self,
        block: usize,
        (coded, modes): (&Coded, [u8; 4]),
        (costs, amount, texture): (&ModeCosts, usize, u32),
        out: &mut Macroblock,
    ) {
        let level_costs = &self.tokens.costs[Kind::Luma as usize];
        let (mut best, mut best_error, mut best_rate) = (u32::MAX, 0, 0);
        for (i, mode) in modes.into_iter().enumerate() {
            let levels = &coded.levels[i];
            let price = self.kernels.price(levels, level_costs, 0, amount);
            let error = coded.error[i] + self.texture_error(coded.texture[i], texture);
            let mut rate = price.rate + u32::from(costs[usize::from(mode)]);
            if mode > 0 && price.some - u8::from(levels[0] != 0) <= FEW {
                rate += INTRICATE;
            }
            let score = rate * self.segment.lambda_block + 256 * error;
            if score < best {
                (best, best_error, best_rate) = (score, error, rate);
                out.luma[block] = *levels;
                out.samples[block] = coded.samples[i];
                out.luma_counts[block] = price.count;
                out.block_modes[block] = mode;
            }
        }
        out.modes_cost += u32::from(costs[usize::from(out.block_modes[block])]);
        out.score += u64::from(best_rate) * u64::from(self.segment.lambda_choice)
            + 256 * u64::from(best_error);
    }
}

/// The samples of a macroblock as they come out, with those around them.
#[derive(Debug)]
struct Canvas([[u8; 32]; 17]);

impl Canvas {
    fn new(context: &Context) -> Self {
        let mut rows = [[0; 32]; 17];
        rows[0][3] = context.corner;
        rows[0][4..24].copy_from_slice(&context.above);
        for (row, &sample) in rows[1..].iter_mut().zip(&context.left) {
            row[3] = sample;
        }
        for row in [4, 8, 12] {
            rows[row][20..24].copy_from_slice(&context.above[16..]);
        }
        Self(rows)
    }

    /// What is around a block: from the lower left to the upper right, the ends twice.
    fn edge(&self, (x, y): (usize, usize)) -> [u8; 16] {
        let (row, column) = (y * 4, x * 4);
        let rows = &self.0;
        let left = |i: usize| rows[row + i][column + 3];
        let above = |i: usize| rows[row][column + 4 + i];
        [
            left(4),
            left(4),
            left(3),
            left(2),
            left(1),
            left(0),
            above(0),
            above(1),
            above(2),
            above(3),
            above(4),
            above(5),
            above(6),
            above(7),
            above(7),
            above(7),
        ]
    }

    fn put(&mut self, (x, y): (usize, usize), samples: &Block) {
        for (row, line) in samples.chunks_exact(4).enumerate() {
            self.0[y * 4 + row + 1][x * 4 + 4..][..4].copy_from_slice(line);
        }
    }
}
