//! Pictures packed with LZW (TIFF 6.0, section 13) or deflate, one strip or tile at a time, by as
//! many threads as there are.
//!
//! The crate that reads everything else of a TIFF takes three times as long for LZW, mistakes
//! tiles of one colour for the end of the data, and knows one thread.

use super::{Pieces, unsupported};
use crate::diag::phrase;
use crate::imaging::hands::Hands;
use crate::imaging::raster::{Sample, as_usize};
use crate::imaging::{ConvertError, Limits, Size};

mod deflate;
mod lzw;

/// What the pieces are packed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Lzw,
    Deflate,
}

/// How the components lie in the pieces.
pub(super) struct Packing {
    pub(super) method: Method,
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

/// What rows are made of: bytes of one or several components, or components of two bytes.
pub(super) trait Unit: Sample {
    /// Reads as many as fit.
    fn read(bytes: &[u8], out: &mut [Self], little: bool);

    /// Adds, beginning anew at the end.
    fn plus(self, other: Self) -> Self;
}

impl Unit for u8 {
    fn read(bytes: &[u8], out: &mut [Self], _: bool) {
        out.copy_from_slice(&bytes[..out.len()]);
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Unit for u16 {
    fn read(bytes: &[u8], out: &mut [Self], little: bool) {
        let pairs = out.iter_mut().zip(bytes.as_chunks().0);
        if little {
            pairs.for_each(|(out, pair)| *out = Self::from_le_bytes(*pair));
        } else {
            pairs.for_each(|(out, pair)| *out = Self::from_be_bytes(*pair));
        }
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

enum Unpacker {
    Lzw(lzw::Unpacker),
    Deflate(deflate::Unpacker),
}

impl Unpacker {
    /// Makes one for pieces of at most so many bytes.
    fn new(method: Method, most: u32) -> Self {
        match method {
            Method::Lzw => Self::Lzw(lzw::Unpacker::new(most)),
            Method::Deflate => Self::Deflate(deflate::Unpacker::new(most as usize)),
        }
    }

    fn unpack(&mut self, packed: &[u8], length: usize) -> Result<&[u8], ConvertError> {
        match self {
            Self::Lzw(unpacker) => unpacker.unpack(packed, length).map(|bytes| &*bytes),
            Self::Deflate(unpacker) => unpacker.unpack(packed, length),
        }
    }
}

/// How long the rows are.
struct Lengths {
    /// Units of a row of the page.
    row: usize,
    /// Bytes of a row of a piece.
    packed: usize,
    /// Units of such a row.
    piece: usize,
    /// Rows of a piece.
    down: usize,
}

impl Lengths {
    /// Returns how many bytes to unpack of a piece in so many units of rows. The last strip has
    /// fewer rows; a tile has all of them, below the page, too, but of deflate they are left.
    fn of_piece(&self, rows: usize, packing: &Packing) -> usize {
        let whole = packing.tiled && packing.method == Method::Lzw;
        self.packed * if whole { self.down } else { rows / self.row }
    }

    /// Writes a piece into its rows; `side` counts those left of it.
    fn place<S: Unit>(&self, unpacked: &[u8], rows: &mut [S], side: usize, packing: &Packing) {
        let left = side * self.piece;
        let right = self.row.min(left + self.piece);
        for (row, unpacked) in
            rows.chunks_exact_mut(self.row).zip(unpacked.chunks_exact(self.packed))
        {
            let row = &mut row[left..right];
            S::read(unpacked, row, packing.little);
            if packing.predicted {
                add_up(row, packing.components);
            }
        }
    }
}

/// Unpacks all pieces into rows as wide as the page, which begin on units; `S` is a byte for up to
/// eight bits.
pub(super) fn decode<S: Unit>(
    file: &[u8],
    packing: &Packing,
    pieces: &Pieces,
    limits: &Limits,
    hands: Hands<'_>,
) -> Result<Vec<S>, ConvertError> {
    let Size { width, height } = packing.page;
    let pixel = packing.bits * packing.components;
    let row_of = |width: u32| as_usize(width).checked_mul(pixel).map(|bits| bits.div_ceil(8));
    let allowed = |length: &usize| (*length as u64) <= limits.max_alloc;
    let too_large =
        || unsupported(phrase!("source-tiff-parts-too-large", "a TIFF whose parts are too large"));
    let bytes = row_of(width).ok_or_else(too_large)?;
    let plane = bytes.checked_mul(as_usize(height)).ok_or_else(too_large)?;
    let length = plane.checked_mul(packing.planes).filter(allowed).ok_or_else(too_large)?;
    let packed = row_of(pieces.size.width).ok_or_else(too_large)?;
    let piece = packed.checked_mul(as_usize(pieces.size.height)).filter(allowed);
    let most = piece.and_then(|length| u32::try_from(length).ok()).filter(|most| *most < 1 << 31);
    let most = most.ok_or_else(too_large)?;
    let unit = size_of::<S>();
    let (row, down) = (bytes / unit, as_usize(pieces.size.height));
    let lengths = Lengths { row, packed, piece: packed / unit, down };
    let mut out = vec![S::default(); length / unit];
    // The sheets follow each other, and so do their pieces.
    let across = row.div_ceil(lengths.piece);
    let bands = out.chunks_exact_mut(plane / unit).flat_map(|sheet| sheet.chunks_mut(down * row));
    hands.taking(most as usize).try_each(
        bands.enumerate(),
        || Unpacker::new(packing.method, most),
        |unpacker, (number, rows)| {
            for side in 0..across {
                let data = pieces.data(file, number * across + side)?;
                let unpacked = unpacker.unpack(data, lengths.of_piece(rows.len(), packing))?;
                lengths.place(unpacked, rows, side, packing);
            }
            Ok(())
        },
    )?;
    Ok(out)
}

/// Turns differences to the component of the pixel before into components.
fn add_up<S: Unit>(row: &mut [S], components: usize) {
    match components {
        1 => add_up_of::<S, 1>(row),
        3 => add_up_of::<S, 3>(row),
        4 => add_up_of::<S, 4>(row),
        _ => {
            for at in components..row.len() {
                row[at] = row[at - components].plus(row[at]);
            }
        }
    }
}

/// Keeps the sums of all components of a pixel in registers.
fn add_up_of<S: Unit, const N: usize>(row: &mut [S]) {
    let Some((first, rest)) = row.split_first_chunk_mut::<N>() else { return };
    let mut sums = *first;
    for pixel in rest.as_chunks_mut::<N>().0 {
        for (sum, value) in sums.iter_mut().zip(&mut *pixel) {
            *sum = sum.plus(*value);
            *value = *sum;
        }
    }
}
