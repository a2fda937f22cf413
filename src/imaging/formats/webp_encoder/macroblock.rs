//! Macroblocks as they are coded, and what they are coded from.

use super::kernels::{Block, Levels, Lines, Quad};
use super::modes::Around;

/// A macroblock as it is coded.
#[derive(Clone, Debug, Default)]
pub(super) struct Macroblock {
    /// The mode of the whole; [`IN_BLOCKS`] where each block has its own.
    pub(super) mode: u8,
    /// The modes of blocks, or those that stand for that of the whole.
    pub(super) block_modes: [u8; 16],
    pub(super) chroma_mode: u8,
    pub(super) second: Levels,
    pub(super) luma: [Levels; 16],
    pub(super) chroma: [Levels; 8],
    /// Up to where levels count, of each block.
    pub(super) luma_counts: [u8; 16],
    pub(super) chroma_counts: [u8; 8],
    pub(super) second_count: u8,
    pub(super) samples: [Block; 16],
    pub(super) chroma_samples: [Quad; 2],
    /// What luma costs: errors times 256 and rates times their factor.
    pub(super) score: u64,
    /// What the modes cost in 256ths of a bit.
    pub(super) modes_cost: u32,
    /// The largest of the slowest changes, if as a whole nothing else were coded and one would see it.
    pub(super) edge: u16,
}

/// The mode of a macroblock whose blocks have their own.
pub(super) const IN_BLOCKS: u8 = 4;

impl Macroblock {
    /// Whether there is nothing to code but the modes.
    pub(super) fn is_empty(&self) -> bool {
        let blocks = self.luma_counts.iter().chain(&self.chroma_counts);
        blocks.fold(0, |all, count| all | count) == 0
            && (self.mode == IN_BLOCKS || self.second_count == 0)
    }
}

/// The luma of a macroblock, and what is computed from it once.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) luma: [Quad; 4],
    pub(super) lines: [Lines; 4],
    pub(super) texture: [[u32; 4]; 4],
}

/// What surrounds a macroblock.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// 16 samples above and four to the right of these.
    pub(super) above: [u8; 20],
    pub(super) left: [u8; 16],
    pub(super) corner: u8,
    pub(super) chroma_above: [[u8; 8]; 2],
    pub(super) chroma_left: [[u8; 8]; 2],
    pub(super) chroma_corner: [u8; 2],
    pub(super) has_above: bool,
    pub(super) has_left: bool,
    pub(super) modes_above: [u8; 4],
    pub(super) modes_left: [u8; 4],
    pub(super) some_above: Filled,
    pub(super) some_left: Filled,
}

/// Whether neighbours have levels: four of luma, two of each chroma plane, the second transform.
pub(super) type Filled = [u8; 9];

impl Context {
    /// What surrounds luma.
    pub(super) fn luma(&self) -> Around<16> {
        let mut above = [0; 16];
        above.copy_from_slice(&self.above[..16]);
        let (has_above, has_left) = (self.has_above, self.has_left);
        Around { above, left: self.left, corner: self.corner, has_above, has_left }
    }

    /// What surrounds a plane of chroma.
    pub(super) fn chroma(&self, plane: usize) -> Around<8> {
        Around {
            above: self.chroma_above[plane],
            left: self.chroma_left[plane],
            corner: self.chroma_corner[plane],
            has_above: self.has_above,
            has_left: self.has_left,
        }
    }
}
