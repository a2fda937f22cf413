//! Windows bitmaps, reading only.
//!
//! 1, 4, 8, 16, 24 and 32 bits, run-length coded or not, of Windows and of the first OS/2; palettes
//! become RGB. Only version 4 and 5 headers with an alpha mask have alpha.

use std::io::{BufRead, Cursor, Seek, SeekFrom};

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder, ImageError};

use super::{Header, SourceFormat, damaged, read_error, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// Where the file header ends and the pixels' resolution stands (`biXPelsPerMeter`).
const RESOLUTION_AT: usize = 38;

/// Tells whether the first bytes of a file go on with the length of a header there is.
pub(super) fn has_header(first: &[u8]) -> bool {
    matches!(first.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

pub(super) fn header<R: BufRead + Seek>(mut input: R) -> Result<Header, ConvertError> {
    let mut first = [0; RESOLUTION_AT + 4];
    let dpi = match input.read_exact(&mut first) {
        Ok(()) if first[14] >= 40 => {
            let [.., a, b, c, d] = first;
            super::resolution(f64::from(i32::from_le_bytes([a, b, c, d])) * 0.0254)
        }
        _ => None,
    };
    input.seek(SeekFrom::Start(0)).map_err(ConvertError::Read)?;
    let decoder = BmpDecoder::new(input).map_err(error)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    Ok(Header {
        pixel_type: if color == ColorType::L8 { PixelType::Gray } else { PixelType::Rgb },
        alpha: color.has_alpha(),
        dpi,
        ..Header::new(SourceFormat::Bmp, Size::new(width, height))
    })
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(error)?;
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| damaged(phrase!("damage-size-impossible", "its size is impossible")))?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(error)?;
    let alpha = Alpha::from_bool(header.alpha);
    Raster::new(header.size, header.pixel_type, alpha, Samples::Eight(samples)).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-header-says",
            "it does not have as many pixels as its header says"
        ))
    })
}

fn error(error: ImageError) -> ConvertError {
    match error {
        ImageError::IoError(error) => read_error(error),
        ImageError::Unsupported(_) => unsupported(phrase!("source-rare-bmp", "a rare kind of BMP")),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_) => damaged(phrase!(
            "damage-header-or-pixels-make-no",
            "its header or its pixels cannot be read"
        )),
    }
}
