//! Tiles packed with LZW (TIFF 6.0, section 13), unpacked one tile at a time.
//!
//! The decoder asks for a tile row by row. Where all of it is one colour, what one code stands for
//! becomes longer than a row, and near the end of a tile it then believes that the data are over.

use weezl::BitOrder;
use weezl::decode::Configuration;

use super::{Pieces, cut_short, damaged, unsupported};
use crate::imaging::raster::as_usize;
use crate::imaging::{ConvertError, Limits, Size};

/// How the components lie in the tiles.
pub(super) struct Tiles {
    pub(super) page: Size,
    /// 1 to 16.
    pub(super) bits: usize,
    /// Components of a pixel in a tile.
    pub(super) components: usize,
    /// Sheets of tiles one behind the other.
    pub(super) planes: usize,
    /// Whether a component is the difference to the one before it in the row.
    pub(super) predicted: bool,
    /// Whether the lower byte of two comes first.
    pub(super) little: bool,
}

/// Unpacks all tiles into rows as wide as the page, which begin on bytes; components of two bytes
/// lie as in memory.
pub(super) fn decode(
    file: &[u8],
    tiles: &Tiles,
    pieces: &Pieces,
    limits: &Limits,
) -> Result<Vec<u8>, ConvertError> {
    let pixel = tiles.bits * tiles.components;
    let row_of = |width: u32| as_usize(width).checked_mul(pixel).map(|bits| bits.div_ceil(8));
    let height = as_usize(tiles.page.height);
    let allowed = |length: &usize| (*length as u64) <= limits.max_alloc;
    let too_large = || unsupported("a TIFF whose parts are too large");
    let row = row_of(tiles.page.width).ok_or_else(too_large)?;
    let length = row.checked_mul(height).and_then(|plane| plane.checked_mul(tiles.planes));
    let length = length.filter(allowed).ok_or_else(too_large)?;
    let tile_row = row_of(pieces.size.width).ok_or_else(too_large)?;
    let tile_length = tile_row.checked_mul(as_usize(pieces.size.height)).filter(allowed);
    let mut tile = vec![0; tile_length.ok_or_else(too_large)?];
    let mut out = vec![0; length];
    let across = as_usize(tiles.page.width.div_ceil(pieces.size.width));
    let down = as_usize(tiles.page.height.div_ceil(pieces.size.height));
    for number in 0..across * down * tiles.planes {
        unpack(pieces.data(file, number)?, &mut tile)?;
        let (plane, place) = (number / (across * down), number % (across * down));
        let top = place / across * as_usize(pieces.size.height);
        let left = place % across * tile_row;
        let used = tile_row.min(row - left);
        let rows = out[plane * row * height..].chunks_exact_mut(row).take(height).skip(top);
        for (row, packed) in rows.zip(tile.chunks_exact_mut(tile_row)) {
            restore(packed, tiles);
            row[left..left + used].copy_from_slice(&packed[..used]);
        }
    }
    Ok(out)
}

/// Fills a tile.
fn unpack(mut packed: &[u8], mut tile: &mut [u8]) -> Result<(), ConvertError> {
    let configuration = Configuration::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    while !tile.is_empty() {
        let result = decoder.decode_bytes(packed, tile);
        result.status.map_err(|_| damaged("its compressed data make no sense"))?;
        if result.consumed_in == 0 && result.consumed_out == 0 {
            return Err(cut_short());
        }
        packed = packed.get(result.consumed_in..).unwrap_or_default();
        tile = tile.get_mut(result.consumed_out..).unwrap_or_default();
    }
    Ok(())
}

/// Turns a row into components as they lie in memory.
fn restore(row: &mut [u8], tiles: &Tiles) {
    if tiles.bits == 16 {
        let mut before = vec![0_u16; tiles.components];
        let words = row.as_chunks_mut::<2>().0.iter_mut().enumerate();
        for (number, word) in words {
            let mut value =
                if tiles.little { u16::from_le_bytes(*word) } else { u16::from_be_bytes(*word) };
            if tiles.predicted {
                let sum = &mut before[number % tiles.components];
                *sum = sum.wrapping_add(value);
                value = *sum;
            }
            *word = value.to_ne_bytes();
        }
    } else if tiles.predicted {
        for at in tiles.components..row.len() {
            row[at] = row[at].wrapping_add(row[at - tiles.components]);
        }
    }
}
