//! Pages packed as faxes are (ITU-T T.4 and T.6; TIFF 6.0, sections 10 and 11).
//!
//! The three kinds are runs of white and black in every row (compression 2), the same with marks
//! between the rows or with differences to the row before (3), and differences alone (4). Here they
//! become a byte a pixel, 0 for white and 255 for black, whatever the file calls white.

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

use super::{Pieces, cut_short, damaged};
use crate::diag::phrase;
use crate::imaging::raster::as_usize;
use crate::imaging::{ConvertError, Size};

/// Compression 2.
pub(super) const RUNS: u16 = 2;
/// Compression 3.
pub(super) const GROUP_3: u16 = 3;
/// Compression 4.
pub(super) const GROUP_4: u16 = 4;

/// How a page is packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) compression: u16,
    /// `T4Options`: bit 0 is differences, bit 2 rows that end on a byte.
    pub(super) options: u32,
    /// Whether the first pixel is in the lowest bit of a byte.
    pub(super) reversed: bool,
}

/// Unpacks a page.
pub(super) fn decode(
    file: &[u8],
    page: Size,
    packing: Packing,
    pieces: &Pieces,
) -> Result<Vec<u8>, ConvertError> {
    let width = as_usize(page.width);
    let mut out = vec![0; width * as_usize(page.height)];
    let across = page.width.div_ceil(pieces.size.width);
    let places = (0..page.height.div_ceil(pieces.size.height))
        .flat_map(|down| (0..across).map(move |right| (right, down)));
    for (number, (right, down)) in places.enumerate() {
        let packed = pieces.data(file, number)?;
        let (left, top) = (right * pieces.size.width, down * pieces.size.height);
        // Tiles are whole, even where the picture ends; strips are as high as it is.
        let rows = if across == 1 {
            pieces.size.height.min(page.height - top)
        } else {
            pieces.size.height
        };
        let below = out.get_mut(as_usize(top) * width..).unwrap_or_default();
        let (left, end) = (as_usize(left), as_usize(left.saturating_add(pieces.size.width)));
        let rows_below = below.chunks_exact_mut(width);
        let mut sheet = Sheet { rows: rows_below, left, end: end.min(width), made: 0 };
        let mut context = DecoderContext::new(settings(packing, pieces.size.width, rows));
        let reversed: Vec<u8>;
        let packed = if packing.reversed {
            reversed = packed.iter().map(|byte| byte.reverse_bits()).collect();
            &reversed
        } else {
            packed
        };
        hayro_ccitt::decode(packed, &mut sheet, &mut context).map_err(|_| {
            damaged(phrase!(
                "damage-compressed-data-make-no-sense",
                "its compressed data cannot be read"
            ))
        })?;
        if sheet.made < rows {
            return Err(cut_short());
        }
    }
    Ok(out)
}

fn settings(packing: Packing, columns: u32, rows: u32) -> DecodeSettings {
    let encoding = match packing.compression {
        GROUP_4 => EncodingMode::Group4,
        GROUP_3 if packing.options & 1 != 0 => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    DecodeSettings {
        columns,
        rows,
        end_of_block: packing.compression != RUNS,
        // Found by itself where they are.
        end_of_line: false,
        rows_are_byte_aligned: match packing.compression {
            RUNS => true,
            GROUP_3 => packing.options & 4 != 0,
            _ => false,
        },
        encoding,
        strict: true,
    }
}

/// The rows of a picture below one place.
struct Sheet<'a> {
    rows: std::slice::ChunksExactMut<'a, u8>,
    left: usize,
    end: usize,
    made: u32,
}

impl Decoder for Sheet<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        self.made += 1;
        // What lies below or beside the picture belongs to a tile.
        let Some(row) = self.rows.next() else { return };
        let end = self.end;
        let place = |change: u32| as_usize(change).saturating_add(self.left).min(end);
        for black in changes.chunks(2) {
            let from = place(black[0]);
            row[from..black.get(1).map_or(end, |&to| place(to))].fill(255);
        }
    }
}
