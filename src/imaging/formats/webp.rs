//! WebP, both ways: read by a memory-safe decoder, written by libwebp.
//!
//! Of an animation the first frame is read. Colour profiles are read and, as the reference has it,
//! never written.

use std::io::{BufRead, Cursor, Seek};

use image::codecs::webp::WebPDecoder;
use image::{ImageDecoder, ImageError};
use webp::{Encoder, WebPConfig};

use super::exif::Exif;
use super::{Header, SourceFormat, damaged, read_error, unsupported};
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// Longest side the format can hold.
const LONGEST: u32 = 16_383;

pub(super) fn header<R: BufRead + Seek>(input: R) -> Result<Header, ConvertError> {
    let mut decoder = WebPDecoder::new(input).map_err(error)?;
    let (width, height) = decoder.dimensions();
    let exif = decoder.exif_metadata().map_err(error)?;
    let exif = exif.as_deref().map(Exif::parse).unwrap_or_default();
    Ok(Header {
        alpha: decoder.color_type().has_alpha(),
        dpi: exif.dpi,
        orientation: exif.orientation,
        profile: decoder.icc_profile().map_err(error)?.map(Into::into),
        ..Header::new(SourceFormat::Webp, Size::new(width, height))
    })
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(error)?;
    let length =
        usize::try_from(decoder.total_bytes()).map_err(|_| damaged("its size is impossible"))?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(error)?;
    let alpha = Alpha::from_bool(header.alpha);
    Raster::new(header.size, PixelType::Rgb, alpha, Samples::Eight(samples))
        .map_err(|_| damaged("its pixels are not as many as its header says"))
}

fn error(error: ImageError) -> ConvertError {
    match error {
        ImageError::IoError(error) => read_error(error),
        ImageError::Unsupported(_) => unsupported("a rare kind of WebP"),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_) => damaged("its header or its compressed data make no sense"),
    }
}

/// Writes a WebP of RGB pixels; no quality is lossless.
pub(super) fn encode(picture: &Raster, quality: Option<u8>) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the WebP writer"));
    };
    if picture.pixel_type() != PixelType::Rgb {
        return Err(ConvertError::unwritable("a WebP holds RGB only", "leave the pixel type out"));
    }
    let Size { width, height } = picture.size();
    if width > LONGEST || height > LONGEST {
        return Err(ConvertError::too_large_for("WebP", LONGEST, picture.size()));
    }
    let gave_up = || ConvertError::internal("the WebP writer gave up");
    let mut config = WebPConfig::new().map_err(|()| gave_up())?;
    config.lossless = i32::from(quality.is_none());
    // Lossless quality is effort, not loss: libwebp's own choice.
    config.quality = quality.map_or(75.0, f32::from);
    let encoder = if picture.has_alpha() {
        Encoder::from_rgba(samples, width, height)
    } else {
        Encoder::from_rgb(samples, width, height)
    };
    let file = encoder.encode_advanced(&config).map_err(|_| gave_up())?;
    Ok(file.to_vec())
}
