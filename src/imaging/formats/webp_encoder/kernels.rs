//! What is computed for four blocks at a time.
//!
//! [`plain`](super::plain) says what is computed, [`avx2`](super::avx2) is the same with vectors.

use super::tokens::Costs;

/// Samples of a block, row by row.
pub(super) type Block = [u8; 16];
/// Four blocks.
pub(super) type Quad = [Block; 4];
/// Levels of a block in the order of coding.
pub(super) type Levels = [i16; 16];
/// A value for each of the four lines of four blocks. Samples come column by column, coefficients row
/// by row; in each line the second and third block change places, as vectors have them.
pub(super) type Lines = [[i16; 16]; 4];

/// Where in a line the values of a block are.
pub(super) const SLOT: [usize; 4] = [0, 2, 1, 3];

/// Steps of the coefficients, and how these are rounded, four blocks beside each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix {
    pub(super) step: [[u16; 16]; 4],
    /// 65,536 divided by the step.
    pub(super) inverse: [[u16; 16]; 4],
    /// What is added before the division.
    pub(super) offset: [[u16; 16]; 4],
}

/// Four blocks as they are coded and come out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) levels: [Levels; 4],
    pub(super) samples: Quad,
    /// Sums of squared differences.
    pub(super) error: [u32; 4],
    /// Weighted sums of the frequencies of the samples.
    pub(super) texture: [u32; 4],
}

/// What levels cost in 256ths of a bit, up to where they count, and how many are not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) rate: u32,
    pub(super) count: u8,
    pub(super) some: u8,
}

/// Four lowest frequencies that were coded apart.
pub(super) type Lowest = Option<[i16; 4]>;

/// What ten modes cost in 256ths of a bit, and nothing.
pub(super) type ModeCosts = [u16; 16];
/// Ranks are less than this.
pub(super) const RANKS: u16 = 4096;

/// What is around four blocks that are guessed as parts of a macroblock, block by block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub(super) above: [u8; 16],
    pub(super) left: [u8; 16],
    pub(super) corner: u8,
    /// The mean.
    pub(super) flat: u8,
}

/// What is computed.
pub(super) trait Kernels: Copy {
    /// Does some work with code made for this machine. What is to gain by it must be inlined.
    fn run<R>(self, work: impl FnOnce() -> R) -> R;
    /// Computes luma of a row of RGB.
    fn luma(self, row: &[u8], out: &mut [u8]);
    /// Computes chroma of two rows of RGB.
    fn chroma(self, rows: [&[u8]; 2], blue: &mut [u8], red: &mut [u8]);
    /// Turns blocks into columns.
    fn lines(self, blocks: &Quad) -> Lines;
    /// Weighted sums of frequencies.
    fn texture(self, source: &Lines) -> [u32; 4];
    /// The ten guesses for a block, which stands in the source four times, from what is around it
    /// (`modes.rs`), and their order: by half the sums
    /// of the absolute frequencies of differences, and what the modes cost.
    fn guess(
        self,
        edge: &[u8; 16],
        source: &Lines,
        costs: (&ModeCosts, u16),
        guesses: &mut [Block; 12],
    ) -> [u8; 16];
    /// Of the four guesses for parts of a macroblock one.
    fn guess_part(self, sides: &Sides, mode: usize) -> Lines;
    /// The ranks of all four, added to these.
    fn rank_parts(self, source: &Lines, sides: &Sides, ranks: &mut [u32; 4]);
    /// Frequencies of differences.
    fn forward(self, source: &Lines, guesses: &Lines) -> Lines;
    /// Quantizes frequencies and computes the samples they stand for; beside them the source and the
    /// guesses.
    fn finish(
        self,
        input: (&Lines, Lowest),
        matrix: &Matrix,
        both: (&Lines, &Lines),
        out: &mut Coded,
    );
    /// Does both with guesses for blocks.
    fn code(self, source: &Lines, guesses: &Quad, matrix: &Matrix, out: &mut Coded);
    /// What levels cost.
    fn price(self, levels: &Levels, costs: &Costs, first: usize, context: usize) -> Price;
    /// Of absolute frequencies divided by eight the largest, and how many are 0, 1, 2 and at least 31; of
    /// the flat guess and the slope.
    fn spread(self, source: &Lines, sides: &Sides, counts: &mut [[u32; 5]; 2]);
}
