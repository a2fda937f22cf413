//! Pictures packed with LZW (TIFF 6.0, section 13), one strip or tile at a time.
//!
//! The crate that reads everything else of a TIFF takes three times as long for it, and mistakes
//! tiles of one colour for the end of the data.

use super::{Pieces, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::as_usize;
use crate::imaging::{ConvertError, Limits, Size};

mod codes;

use codes::Unpacker;

/// How the components lie in the pieces.
pub(super) struct Packing {
    pub(super) page: Size,
    pub(super) tiled: bool,
    /// 1 to 16.
    pub(super) bits: usize,
    /// Components of a pixel in a piece.
    pub(super) components: usize,
    /// Sheets of pieces one behind the other.
    pub(super) planes: usize,
    /// Whether a component is the difference to the one before it in the row.
    pub(super) predicted: bool,
    /// Whether the lower byte of two comes first.
    pub(super) little: bool,
}

/// Unpacks all pieces into rows as wide as the page, which begin on bytes; components of two bytes
/// lie as in memory.
pub(super) fn decode(
    file: &[u8],
    packing: &Packing,
    pieces: &Pieces,
    limits: &Limits,
) -> Result<Vec<u8>, ConvertError> {
    let Size { width, height } = packing.page;
    let pixel = packing.bits * packing.components;
    let row_of = |width: u32| as_usize(width).checked_mul(pixel).map(|bits| bits.div_ceil(8));
    let allowed = |length: &usize| (*length as u64) <= limits.max_alloc;
    let too_large =
        || unsupported(phrase!("source-tiff-parts-too-large", "a TIFF whose parts are too large"));
    let row = row_of(width).ok_or_else(too_large)?;
    let plane = row.checked_mul(as_usize(height)).ok_or_else(too_large)?;
    let length = plane.checked_mul(packing.planes).filter(allowed).ok_or_else(too_large)?;
    let packed_row = row_of(pieces.size.width).ok_or_else(too_large)?;
    let piece = packed_row.checked_mul(as_usize(pieces.size.height)).filter(allowed);
    let most = piece.and_then(|length| u32::try_from(length).ok()).filter(|most| *most < 1 << 31);
    let mut unpacker = Unpacker::new(most.ok_or_else(too_large)?);
    let mut out = vec![0; length];
    // The sheets follow each other, and so do their pieces.
    let mut number = 0;
    for sheet in out.chunks_exact_mut(plane) {
        let down = as_usize(pieces.size.height);
        for rows in sheet.chunks_mut(down * row) {
            for left in (0..row).step_by(packed_row) {
                // The last strip has fewer rows; a tile has all of them, below the page, too.
                let packed_rows = if packing.tiled { down } else { rows.len() / row };
                let length = packed_rows * packed_row;
                let unpacked = unpacker.unpack(pieces.data(file, number)?, length)?;
                number += 1;
                let used = packed_row.min(row - left);
                let unpacked = unpacked.chunks_exact_mut(packed_row);
                for (row, unpacked) in rows.chunks_exact_mut(row).zip(unpacked) {
                    restore(unpacked, packing);
                    row[left..left + used].copy_from_slice(&unpacked[..used]);
                }
            }
        }
    }
    Ok(out)
}

/// Turns a row into components as they lie in memory.
fn restore(row: &mut [u8], packing: &Packing) {
    match (packing.bits, packing.predicted) {
        (16, predicted) => {
            let words = row.as_chunks_mut().0;
            for word in &mut *words {
                let value = if packing.little {
                    u16::from_le_bytes(*word)
                } else {
                    u16::from_be_bytes(*word)
                };
                *word = value.to_ne_bytes();
            }
            if predicted {
                add_up(words, packing.components, |sum, word| {
                    u16::from_ne_bytes(sum).wrapping_add(u16::from_ne_bytes(word)).to_ne_bytes()
                });
            }
        }
        (_, true) => add_up(row, packing.components, u8::wrapping_add),
        _ => {}
    }
}

/// Turns differences to the component of the pixel before into components.
fn add_up<T: Copy>(row: &mut [T], components: usize, add: impl Fn(T, T) -> T) {
    match components {
        1 => add_up_of::<T, 1>(row, add),
        3 => add_up_of::<T, 3>(row, add),
        4 => add_up_of::<T, 4>(row, add),
        _ => {
            for at in components..row.len() {
                row[at] = add(row[at - components], row[at]);
            }
        }
    }
}

/// Keeps the sums of all components of a pixel in registers.
fn add_up_of<T: Copy, const N: usize>(row: &mut [T], add: impl Fn(T, T) -> T) {
    let Some((first, rest)) = row.split_first_chunk_mut::<N>() else { return };
    let mut sums = *first;
    for pixel in rest.as_chunks_mut::<N>().0 {
        for (sum, value) in sums.iter_mut().zip(&mut *pixel) {
            *sum = add(*sum, *value);
            *value = *sum;
        }
    }
}
