//! WebP, both ways: read by a memory-safe decoder, written by an encoder of our own where it is lossy and
//! has no alpha, else by libwebp.
//!
//! Of an animation the first frame is read. Colour profiles are read and, as the reference has it,
//! never written; the resolution is, in an EXIF chunk of the extended form (RFC 9649, 2.7).

use std::io::{BufRead, Cursor, Seek};

use image::codecs::webp::WebPDecoder;
use image::{ImageDecoder, ImageError};
use webp::{Encoder, WebPConfig};

use super::exif::Exif;
use super::{Header, SourceFormat, damaged, read_error, unsupported, webp_encoder};
use crate::diag::phrase;
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
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| damaged(phrase!("damage-size-impossible", "its size is impossible")))?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(error)?;
    let alpha = Alpha::from_bool(header.alpha);
    Raster::new(header.size, PixelType::Rgb, alpha, Samples::Eight(samples)).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-header-says",
            "it does not have as many pixels as its header says"
        ))
    })
}

fn error(error: ImageError) -> ConvertError {
    match error {
        ImageError::IoError(error) => read_error(error),
        ImageError::Unsupported(_) => {
            unsupported(phrase!("source-rare-webp", "a rare kind of WebP"))
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_) => damaged(phrase!(
            "damage-header-or-compressed-data-make",
            "its header or its compressed data cannot be read"
        )),
    }
}

/// Writes a WebP of RGB pixels; no quality is lossless.
pub(super) fn encode(
    picture: &Raster,
    quality: Option<u8>,
    dpi: Option<f64>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the WebP writer"));
    };
    if picture.pixel_type() != PixelType::Rgb {
        return Err(ConvertError::unwritable(
            phrase!("reply-webp-holds-rgb-only", "a WebP holds RGB only"),
            phrase!("help-leave-pixel-type-out", "leave the pixel type out"),
        ));
    }
    let Size { width, height } = picture.size();
    if width > LONGEST || height > LONGEST {
        return Err(ConvertError::too_large_for("WebP", LONGEST, picture.size()));
    }
    let gave_up = || ConvertError::internal("the WebP writer gave up");
    let file = match quality {
        Some(quality) if !picture.has_alpha() => lossy(samples, picture.size(), quality),
        _ => None,
    };
    let file = match file {
        Some(file) => file,
        None => with_libwebp(picture, samples, quality).ok_or_else(gave_up)?,
    };
    match dpi {
        Some(dpi) => with_resolution(&file, picture, dpi).ok_or_else(gave_up),
        None => Ok(file),
    }
}

/// Writes a picture without alpha; none if the format has no room for it in this form.
fn lossy(samples: &[u8], size: Size, quality: u8) -> Option<Vec<u8>> {
    let side = |side: u32| usize::try_from(side).ok();
    webp_encoder::encode_rgb(samples, side(size.width)?, side(size.height)?, quality)
}

fn with_libwebp(picture: &Raster, samples: &[u8], quality: Option<u8>) -> Option<Vec<u8>> {
    let mut config = WebPConfig::new().ok()?;
    config.lossless = i32::from(quality.is_none());
    // Lossless quality is effort, not loss: libwebp's own choice.
    config.quality = quality.map_or(75.0, f32::from);
    let Size { width, height } = picture.size();
    let encoder = if picture.has_alpha() {
        Encoder::from_rgba(samples, width, height)
    } else {
        Encoder::from_rgb(samples, width, height)
    };
    Some(encoder.encode_advanced(&config).ok()?.to_vec())
}

/// Bytes before the first chunk: `RIFF`, the length of the rest, `WEBP`.
const RIFF_HEADER: usize = 12;

/// Puts the picture into the extended form, which says its size again, and an EXIF chunk behind it.
fn with_resolution(file: &[u8], picture: &Raster, dpi: f64) -> Option<Vec<u8>> {
    const ALPHA: u8 = 1 << 4;
    const EXIF: u8 = 1 << 3;
    let chunks = file.get(RIFF_HEADER..)?;
    // A picture with alpha that is not lossless comes in the extended form already.
    let chunks = if chunks.starts_with(b"VP8X") { chunks.get(18..)? } else { chunks };
    let Size { width, height } = picture.size();
    let mut features = vec![EXIF | if picture.has_alpha() { ALPHA } else { 0 }, 0, 0, 0];
    features.extend(&(width - 1).to_le_bytes()[..3]);
    features.extend(&(height - 1).to_le_bytes()[..3]);
    // WebP leaves out the name that stands before EXIF in a JPEG.
    let exif = super::exif::resolution_block(dpi);
    let body =
        [chunk(*b"VP8X", &features)?, chunks.to_vec(), chunk(*b"EXIF", exif.get(6..)?)?].concat();
    let length = u32::try_from(body.len() + 4).ok()?;
    Some([b"RIFF".as_slice(), &length.to_le_bytes(), b"WEBP", &body].concat())
}

/// Makes a chunk; those of odd length are followed by a zero.
fn chunk(name: [u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok()?;
    let mut chunk = [name.as_slice(), &length.to_le_bytes(), data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    Some(chunk)
}
