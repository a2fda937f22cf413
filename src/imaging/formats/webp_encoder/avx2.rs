//! The kernels with vectors of 256 bits.
//!
//! No closures but inlined ones: others would not be compiled into functions for a machine other than
//! the least.

mod colour;
mod guesses;
mod price;
mod transforms;
mod vectors;

use fearless_simd::Avx2;
use fearless_simd::prelude::*;

use super::kernels::{
    Block, Coded, Kernels, Levels, Lines, Lowest, Matrix, ModeCosts, Price, Quad, Sides,
};
use super::tokens::Costs;

impl Kernels for Avx2 {
    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        self.vectorize(work)
    }

    #[inline(always)]
    fn luma(self, row: &[u8], out: &mut [u8]) {
        colour::luma(self, row, out);
    }

    #[inline(always)]
    fn chroma(self, rows: [&[u8]; 2], blue: &mut [u8], red: &mut [u8]) {
        colour::chroma(self, rows, blue, red);
    }

    #[inline(always)]
    fn lines(self, blocks: &Quad) -> Lines {
        vectors::lines(self, blocks)
    }

    #[inline(always)]
    fn texture(self, source: &Lines) -> [u32; 4] {
        vectors::texture(self, source)
    }

    #[inline(always)]
    fn guess(
        self,
        edge: &[u8; 16],
        source: &Lines,
        costs: (&ModeCosts, u16),
        guesses: &mut [Block; 12],
    ) -> [u8; 16] {
        guesses::guess(self, edge, source, costs, guesses)
    }

    #[inline(always)]
    fn guess_part(self, sides: &Sides, mode: usize) -> Lines {
        guesses::guess_part(self, sides, mode)
    }

    #[inline(always)]
    fn rank_parts(self, source: &Lines, sides: &Sides, ranks: &mut [u32; 4]) {
        guesses::rank_parts(self, source, sides, ranks);
    }

    #[inline(always)]
    fn forward(self, source: &Lines, guesses: &Lines) -> Lines {
        transforms::forward(self, source, guesses)
    }

    #[inline(always)]
    fn finish(
        self,
        input: (&Lines, Lowest),
        matrix: &Matrix,
        both: (&Lines, &Lines),
        out: &mut Coded,
    ) {
        transforms::finish(self, input, matrix, both, out);
    }

    #[inline(always)]
    fn code(self, source: &Lines, guesses: &Quad, matrix: &Matrix, out: &mut Coded) {
        transforms::code(self, source, guesses, matrix, out);
    }

    #[inline(always)]
    fn price(self, levels: &Levels, costs: &Costs, first: usize, context: usize) -> Price {
        price::price(self, levels, costs, first, context)
    }

    #[inline(always)]
    fn spread(self, source: &Lines, sides: &Sides, counts: &mut [[u32; 5]; 2]) {
        guesses::spread(self, source, sides, counts);
    }
}
