//! Writing: a codestream by OpenJPEG's encoder, in boxes of our own.
//!
//! Lossless is the reversible transform with everything kept. Lossy is the irreversible one, cut
//! where the picture is as near to the original as the quality asks: 24 dB of PSNR and a fifth of
//! a decibel more for each step of quality, 40 dB at 80, 44 dB at 100. Pictures of more than 4096
//! pixels a side are divided into tiles of that size, one in memory at a time.

use openjp2::openjpeg::{COLOR_SPACE, opj_cparameters, opj_image};
use openjp2::{CODEC_FORMAT, Codec, opj_image_comptparm};

use super::sink;
use crate::diag::phrase;
use crate::imaging::formats::boxes::boxed;
use crate::imaging::raster::{Raster, Samples, as_usize};
use crate::imaging::{ConvertError, PixelType, Size};

/// Longest side of a tile.
const TILE: u32 = 4096;

/// Longest side the format can hold; the encoder counts with signs.
const LONGEST: u32 = i32::MAX.unsigned_abs();

/// Most levels of resolution, the smallest included.
const LEVELS: u32 = 6;

/// Writes a JP2 of gray or RGB pixels; no quality is lossless.
pub(in crate::imaging::formats) fn encode(
    picture: &Raster,
    quality: Option<u8>,
    dpi: Option<f64>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the JPEG 2000 writer"));
    };
    let colour: u8 = match picture.pixel_type() {
        PixelType::Gray => 17,
        PixelType::Rgb => 16,
        PixelType::Cmyk => {
            return Err(ConvertError::unwritable(
                phrase!("reply-jpeg-2000-holds", "a JPEG 2000 holds RGB or gray only"),
                phrase!("help-use-fmt-tif-cmyk", "use fmt=tif,cmyk"),
            ));
        }
    };
    let size = picture.size();
    if size.width > LONGEST || size.height > LONGEST {
        return Err(ConvertError::too_large_for("JPEG 2000", LONGEST, size));
    }
    let (done, codestream) = sink::collect(|stream| {
        let mut codec = Codec::new_encoder(CODEC_FORMAT::OPJ_CODEC_J2K)?;
        let mut image = components(size, picture.channels())?;
        let mut parameters = parameters(size, picture.pixel_type(), quality);
        let fine = |answer: i32| (answer == 1).then_some(());
        fine(codec.setup_encoder(&mut parameters, &mut image))?;
        fine(codec.start_compress(&mut image, stream))?;
        for (number, tile) in (0..).zip(tiles(size)) {
            let planes = planes(samples, picture, tile);
            fine(codec.write_tile(number, &planes, stream))?;
        }
        fine(codec.end_compress(stream))?;
        stream.flush().ok()
    });
    done.ok_or_else(|| ConvertError::internal("the JPEG 2000 writer gave up"))?;
    Ok(file(picture, colour, dpi, &codestream))
}

/// Describes the components without any pixels.
fn components(size: Size, count: usize) -> Option<Box<opj_image>> {
    let component = opj_image_comptparm {
        dx: 1,
        dy: 1,
        w: size.width,
        h: size.height,
        prec: 8,
        bpp: 8,
        ..opj_image_comptparm::default()
    };
    let mut image =
        opj_image::tile_create(&vec![component; count], COLOR_SPACE::OPJ_CLRSPC_UNSPECIFIED)?;
    (image.x1, image.y1) = (size.width, size.height);
    Some(image)
}

fn parameters(size: Size, pixel_type: PixelType, quality: Option<u8>) -> opj_cparameters {
    let mut parameters = opj_cparameters::default();
    parameters.set_comment("exportd");
    let tile = Size::new(size.width.min(TILE), size.height.min(TILE));
    parameters.tile_size_on = 1;
    parameters.cp_tdx = tile.width.cast_signed();
    parameters.cp_tdy = tile.height.cast_signed();
    // Each level halves the picture, and the smallest has pixels still.
    let halvings = tile.width.min(tile.height).ilog2();
    parameters.numresolution = (halvings + 1).min(LEVELS).cast_signed();
    parameters.tcp_numlayers = 1;
    if pixel_type == PixelType::Rgb {
        parameters.tcp_mct = 1;
    }
    match quality {
        None => parameters.cp_disto_alloc = 1,
        Some(quality) => {
            parameters.irreversible = 1;
            parameters.cp_fixed_quality = 1;
            parameters.tcp_distoratio[0] = 24.0 + f32::from(quality) / 5.0;
        }
    }
    parameters
}

/// A part of the picture: left and upper edge, and size.
type Tile = (u32, u32, Size);

/// Lists the tiles, row after row.
fn tiles(size: Size) -> impl Iterator<Item = Tile> {
    let starts = |length: u32| (0..length).step_by(as_usize(TILE));
    starts(size.height).flat_map(move |y| {
        starts(size.width).map(move |x| {
            (x, y, Size::new((size.width - x).min(TILE), (size.height - y).min(TILE)))
        })
    })
}

/// Takes the components of a tile apart.
fn planes(samples: &[u8], picture: &Raster, (x, y, size): Tile) -> Vec<u8> {
    let channels = picture.channels();
    let rows = || {
        let rows = samples.chunks_exact(picture.width() * channels);
        let columns = as_usize(x) * channels..as_usize(x + size.width) * channels;
        rows.skip(as_usize(y)).take(as_usize(size.height)).map(move |row| &row[columns.clone()])
    };
    let plane = |channel: usize| {
        rows().flat_map(move |row| row.iter().skip(channel).step_by(channels).copied())
    };
    (0..channels).flat_map(plane).collect()
}

/// Lays out the file (ISO/IEC 15444-1, annex I).
fn file(picture: &Raster, colour: u8, dpi: Option<f64>, codestream: &[u8]) -> Vec<u8> {
    let size = picture.size();
    let channels = [0, u8::try_from(picture.channels()).unwrap_or_default()];
    // 7 is 8 bits; 7 is also the one way of compression there is.
    let sides = [size.height.to_be_bytes(), size.width.to_be_bytes()].concat();
    let mut description = boxed(b"ihdr", &[&sides, &channels, &[7, 7, 0, 0]]);
    description.extend(boxed(b"colr", &[&[1, 0, 0, 0, 0, 0, colour]]));
    if picture.has_alpha() {
        let colors = channels[1] - 1;
        let mut rows = vec![0, channels[1]];
        for channel in 0..colors {
            rows.extend([0, channel, 0, 0, 0, channel + 1]);
        }
        // Opacity, of the whole picture.
        rows.extend([0, colors, 0, 1, 0, 0]);
        description.extend(boxed(b"cdef", &[&rows]));
    }
    if let Some(dpi) = dpi {
        let fraction = resolution(dpi);
        let both = [boxed(b"resc", &[&fraction]), boxed(b"resd", &[&fraction])].concat();
        description.extend(boxed(b"res ", &[&both]));
    }
    [
        boxed(b"jP  ", &[b"\r\n\x87\n"]),
        boxed(b"ftyp", &[b"jp2 \0\0\0\0jp2 "]),
        boxed(b"jp2h", &[&description]),
        boxed(b"jp2c", &[codestream]),
    ]
    .concat()
}

/// Returns pixels a metre as fractions with powers of ten, down and across.
///
/// Hundredths of a pixel an inch over 254 are hundreds of pixels a metre over 10,000.
fn resolution(dpi: f64) -> [u8; 10] {
    let mut above = crate::imaging::formats::whole(dpi * 100.0, u32::MAX);
    let mut exponent = 2_u8;
    while above > u32::from(u16::MAX) {
        above /= 10;
        exponent += 1;
    }
    let above = u16::try_from(above).unwrap_or(u16::MAX).to_be_bytes();
    let below = 254_u16.to_be_bytes();
    [
        above[0], above[1], below[0], below[1], above[0], above[1], below[0], below[1], exponent,
        exponent,
    ]
}
