//! What is around the macroblocks, as they are coded one after the other.

use super::macroblock::{Context, Filled, Macroblock};

/// What is above the macroblocks of the next row, and to the left of the next.
#[derive(Debug)]
pub(super) struct Surroundings {
    above: Vec<u8>,
    chroma_above: [Vec<u8>; 2],
    modes_above: Vec<[u8; 4]>,
    pub(super) some_above: Vec<Filled>,
    pub(super) left: Context,
}

impl Surroundings {
    pub(super) fn new(wide: usize) -> Self {
        Self {
            above: vec![127; wide * 16 + 4],
            chroma_above: [vec![127; wide * 8], vec![127; wide * 8]],
            modes_above: vec![[0; 4]; wide],
            some_above: vec![[0; 9]; wide],
            left: Context {
                above: [0; 20],
                left: [129; 16],
                corner: 127,
                chroma_above: [[0; 8]; 2],
                chroma_left: [[129; 8]; 2],
                chroma_corner: [127; 2],
                has_above: false,
                has_left: false,
                modes_above: [0; 4],
                modes_left: [0; 4],
                some_above: [0; 9],
                some_left: [0; 9],
            },
        }
    }

    /// Begins a row.
    pub(super) fn begin(&mut self, y: usize) {
        let left = &mut self.left;
        (left.left, left.chroma_left) = ([129; 16], [[129; 8]; 2]);
        left.corner = if y == 0 { 127 } else { 129 };
        left.chroma_corner = [left.corner; 2];
        (left.modes_left, left.some_left, left.has_left) = ([0; 4], [0; 9], false);
        left.has_above = y > 0;
        if y > 0 {
            let end = self.above.len() - 4;
            let last = self.above[end - 1];
            self.above[end..].fill(last);
        }
    }

    /// What is around the macroblock at a place of the row.
    pub(super) fn context(&mut self, x: usize) -> &Context {
        let context = &mut self.left;
        context.above.copy_from_slice(&self.above[x * 16..][..20]);
        for (out, above) in context.chroma_above.iter_mut().zip(&self.chroma_above) {
            out.copy_from_slice(&above[x * 8..][..8]);
        }
        context.modes_above = self.modes_above[x];
        context.some_above = self.some_above[x];
        context
    }

    /// Takes a macroblock.
    pub(super) fn take(&mut self, x: usize, done: &Macroblock) {
        let left = &mut self.left;
        left.has_left = true;
        left.corner = left.above[15];
        for (row, sample) in left.left.iter_mut().enumerate() {
            *sample = done.samples[row / 4 * 4 + 3][row % 4 * 4 + 3];
        }
        for (block, out) in done.samples[12..].iter().zip(self.above[x * 16..].chunks_exact_mut(4))
        {
            out.copy_from_slice(&block[12..]);
        }
        for plane in 0..2 {
            let quad = &done.chroma_samples[plane];
            left.chroma_corner[plane] = left.chroma_above[plane][7];
            for (row, sample) in left.chroma_left[plane].iter_mut().enumerate() {
                *sample = quad[row / 4 * 2 + 1][row % 4 * 4 + 3];
            }
            let out = &mut self.chroma_above[plane][x * 8..];
            out[..4].copy_from_slice(&quad[2][12..]);
            out[4..8].copy_from_slice(&quad[3][12..]);
        }
        let modes = &done.block_modes;
        left.modes_left = [modes[3], modes[7], modes[11], modes[15]];
        self.modes_above[x] = [modes[12], modes[13], modes[14], modes[15]];
    }
}
