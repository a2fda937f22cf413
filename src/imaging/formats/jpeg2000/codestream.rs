//! The header of a codestream: sizes and depths (`SIZ`), and how finely it is divided (`COD`).
//!
//! ISO/IEC 15444-1, annex A.

use super::super::boxes::{Bytes, nonsense};
use super::super::unsupported;
use crate::diag::phrase;
use crate::imaging::{ConvertError, Size};

const START: u16 = 0xff4f;
const SIZES: u16 = 0xff51;
const CODING: u16 = 0xff52;
const FIRST_TILE: u16 = 0xff90;

/// Most components; CMYK with transparency has five.
const COMPONENTS: u16 = 16;

/// What the decoder keeps of each code block, in bytes, roughly.
const BLOCK_BYTES: u64 = 256;

/// What a codestream says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codestream {
    pub(super) size: Size,
    /// Bits of each component.
    pub(super) bits: Vec<u8>,
    /// Whether some components are of a lower resolution.
    pub(super) halved: bool,
    tile_pixels: u64,
    /// Pixels of the smallest unit the components are divided into.
    block_pixels: u64,
}

impl Codestream {
    pub(super) fn parse(front: &[u8]) -> Result<Self, ConvertError> {
        let mut bytes = Bytes(front);
        if (bytes.short()?, bytes.short()?) != (START, SIZES) {
            return Err(nonsense());
        }
        let mut found = Self::sizes(segment(&mut bytes)?)?;
        loop {
            match bytes.short()? {
                CODING => found.block_pixels = block_pixels(segment(&mut bytes)?)?,
                FIRST_TILE => break,
                _ => _ = segment(&mut bytes)?,
            }
        }
        if found.block_pixels == 0 {
            return Err(nonsense());
        }
        Ok(found)
    }

    fn sizes(mut bytes: Bytes) -> Result<Self, ConvertError> {
        bytes.short()?;
        let (right, bottom) = (bytes.long()?, bytes.long()?);
        let (left, top) = (bytes.long()?, bytes.long()?);
        let (tile_width, tile_height) = (bytes.long()?, bytes.long()?);
        bytes.take(8)?;
        let width = right.checked_sub(left).ok_or_else(nonsense)?;
        let height = bottom.checked_sub(top).ok_or_else(nonsense)?;
        let size = Size::new(width, height);
        let count = bytes.short()?;
        if count == 0 || tile_width == 0 || tile_height == 0 {
            return Err(nonsense());
        }
        if count > COMPONENTS {
            return Err(unsupported(phrase!(
                "source-jpeg-2000-very-many-components",
                "a JPEG 2000 of very many components"
            )));
        }
        let mut bits = Vec::new();
        let mut halved = false;
        for number in 0..count {
            let (depth, across, down) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
            if depth >> 7 == 1 || depth & 0x7f > 15 {
                return Err(unsupported(phrase!(
                    "source-jpeg-2000-numbers",
                    "a JPEG 2000 with numbers below zero or of more than 16 bits"
                )));
            }
            if across == 0 || down == 0 {
                return Err(nonsense());
            }
            let whole = (across, down) == (1, 1);
            if number == 0 && !whole {
                return Err(unsupported(phrase!(
                    "source-jpeg-2000-stretched-grid",
                    "a JPEG 2000 with a stretched grid"
                )));
            }
            halved |= !whole;
            bits.push((depth & 0x7f) + 1);
        }
        let tile = Size::new(tile_width.min(width), tile_height.min(height));
        Ok(Self { size, bits, halved, tile_pixels: tile.pixels(), block_pixels: 0 })
    }

    /// Estimates the bytes a decoder needs: all components, those of one tile again while they are
    /// put together, and what it keeps of each code block.
    pub(super) fn bytes_to_decode(&self) -> u64 {
        let components = self.bits.len() as u64;
        let pixels = self.size.pixels();
        let blocks = self.tile_pixels / self.block_pixels.max(1);
        let samples = pixels.saturating_add(self.tile_pixels).saturating_mul(4);
        samples.saturating_add(blocks.saturating_mul(BLOCK_BYTES)).saturating_mul(components)
    }
}

/// Takes the rest of a marker segment.
fn segment<'a>(bytes: &mut Bytes<'a>) -> Result<Bytes<'a>, ConvertError> {
    let length = usize::from(bytes.short()?).checked_sub(2).ok_or_else(nonsense)?;
    Ok(Bytes(bytes.take(length)?))
}

/// Returns how many pixels a code block has at least, which a precinct may cut smaller.
fn block_pixels(mut bytes: Bytes) -> Result<u64, ConvertError> {
    let style = bytes.byte()?;
    bytes.take(4)?;
    let levels = bytes.byte()?;
    // Exponents of two, less two (ISO/IEC 15444-1, table A.18).
    let (width, height) = (bytes.byte()?, bytes.byte()?);
    bytes.take(2)?;
    if levels > 32 || width > 8 || height > 8 {
        return Err(nonsense());
    }
    let mut smallest = u32::from(width + height) + 4;
    if style & 1 == 1 {
        // The last is for the full resolution, where nearly all pixels are; those before it are
        // divided as finely at most, or their pixels are few.
        let mut precinct = smallest;
        for level in 0..=levels {
            let size = bytes.byte()?;
            let coarser = 2 * u32::from(levels - level);
            let pixels = u32::from(size & 15) + u32::from(size >> 4);
            precinct = precinct.min(pixels + coarser);
        }
        smallest = smallest.min(precinct.saturating_sub(2));
    }
    Ok(1 << smallest)
}
