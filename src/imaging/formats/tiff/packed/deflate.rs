//! Pieces packed with deflate, as zlib writes it (TIFF Technical Notes of Photoshop, `Adobe Deflate`).

use flate2::{Decompress, FlushDecompress, Status};

use super::super::{cut_short, damaged};
use crate::diag::phrase;
use crate::imaging::ConvertError;

/// Unpacks one piece after the other, in memory of its own.
pub(super) struct Unpacker {
    inflate: Decompress,
    bytes: Vec<u8>,
}

impl Unpacker {
    /// Makes one for pieces of at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { inflate: Decompress::new(true), bytes: vec![0; most] }
    }

    /// Unpacks the first `length` bytes of a piece; what is left of it is not looked at.
    ///
    /// # Errors
    /// When the piece ends before, or makes no sense.
    pub(super) fn unpack(&mut self, packed: &[u8], length: usize) -> Result<&[u8], ConvertError> {
        self.inflate.reset(true);
        let length = length.min(self.bytes.len());
        let out = &mut self.bytes[..length];
        let mut done = 0;
        let mut read = 0;
        while done < length {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status =
                self.inflate.decompress(&packed[read..], &mut out[done..], FlushDecompress::None);
            let status = status.map_err(|_| {
                damaged(phrase!(
                    "damage-compressed-data-make-no-sense",
                    "its compressed data cannot be read"
                ))
            })?;
            let moved = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(0);
            let taken = moved(self.inflate.total_in(), before_in);
            let made = moved(self.inflate.total_out(), before_out);
            (read, done) = (read + taken, done + made);
            if done < length && (status == Status::StreamEnd || taken + made == 0) {
                return Err(cut_short());
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_back_piece_by_piece() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n / 700 * 31 % 251) as u8).collect();
        let mut unpacker = Unpacker::new(bytes.len());
        assert_eq!(unpacker.unpack(&packed(&bytes), bytes.len()).unwrap(), bytes);
        assert_eq!(unpacker.unpack(&packed(&[1, 2, 3]), 3).unwrap(), [1, 2, 3]);
        assert_eq!(unpacker.unpack(&packed(&bytes), 70_001).unwrap(), &bytes[..70_001]);
    }

    #[test]
    fn what_ends_early_or_makes_no_sense_is_an_error() {
        let whole = packed(&[5; 4000]);
        let mut unpacker = Unpacker::new(4001);
        assert!(unpacker.unpack(&whole, 4001).is_err(), "its end comes first");
        for cut in 0..6 {
            assert!(unpacker.unpack(&whole[..cut], 4000).is_err(), "{cut}");
        }
        assert!(unpacker.unpack(&[0xff; 40], 40).is_err());
        assert!(unpacker.unpack(&whole, 4000).is_ok(), "nothing is left of it");
    }
}
