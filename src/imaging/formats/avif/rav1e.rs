//! The AV1 encoder of a build without the feature `libaom`: rav1e, all in Rust, in the settings of `ravif`.

use std::io::Cursor;

use ravif::{AlphaColorMode, BitDepth, Encoder, Img};
use rgb::RGBA8;

use super::description::Meta;
use super::write::{finer, gave_up};
use crate::imaging::ConvertError;
use crate::imaging::raster::Raster;

/// How the encoder trades time for size: 1 takes for ever, 10 is quickest.
const SPEED: u8 = 8;

/// Codes colour and, unless the picture is opaque, transparency.
pub(super) fn code(
    picture: &Raster,
    samples: &[u8],
    quality: u8,
) -> Result<Vec<Vec<u8>>, ConvertError> {
    let quality = f32::from(quality);
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(finer(quality))
        .with_speed(SPEED)
        .with_num_threads(Some(1))
        .with_bit_depth(BitDepth::Eight)
        .with_alpha_color_mode(AlphaColorMode::UnassociatedDirty);
    // An opaque picture has no second one for its transparency.
    let made = encoder
        .encode_rgba(Img::new(&pixels(picture, samples), picture.width(), picture.height()))
        .map_err(|_| gave_up())?
        .avif_file;
    let meta = Meta::read(Cursor::new(&made))?;
    let primary = meta.primary()?;
    let items = [Some(primary.number), meta.referring(b"auxl", primary.number).next()];
    let coded = |number| meta.bytes(meta.item(number)?, &made);
    items.into_iter().flatten().map(coded).collect()
}

fn pixels(picture: &Raster, samples: &[u8]) -> Vec<RGBA8> {
    let opacity = |pixel: &[u8]| pixel.get(3).copied().unwrap_or(u8::MAX);
    let pixels = samples.chunks_exact(picture.channels());
    pixels.map(|pixel| RGBA8::new(pixel[0], pixel[1], pixel[2], opacity(pixel))).collect()
}
