//! Writing: the AV1 encoder, and a few boxes around what it makes.
//!
//! The encoder works without threads and with one tile, so that the bytes depend on the pixels
//! alone. Quality is the scale of its authors, 1–100; about 80 is hard to tell from the source.
//! Transparency is coded finer than colour, half way to 100, since errors in it show at every
//! edge. Chroma keeps its full resolution.
//!
//! The boxes are made here, because a reader that looks for colours at the container alone must
//! find them, and the encoder's own leave out what is the default anyway.

use std::io::Cursor;

use ravif::{AlphaColorMode, BitDepth, Encoder, Img};
use rgb::RGBA8;

use super::description::Meta;
use crate::imaging::formats::boxes::{boxed, number};
use crate::imaging::raster::{Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// How the encoder trades time for size: 1 takes for ever, 10 is quickest.
const SPEED: u8 = 8;

/// Longest side the encoder can do.
const LONGEST: u32 = 65_535;

/// Most pixels the encoder can do in the memory of a worker.
const MOST_PIXELS: u64 = 24_000_000;

/// Writes an AVIF of RGB pixels; no quality would be lossless.
pub(in crate::imaging::formats) fn encode(
    picture: &Raster,
    quality: Option<u8>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the AVIF writer"));
    };
    if picture.pixel_type() != PixelType::Rgb {
        return Err(ConvertError::unwritable("an AVIF holds RGB only", "leave the pixel type out"));
    }
    let Some(quality) = quality else {
        return Err(ConvertError::unwritable(
            "lossless AVIF is not supported by this build",
            "use fmt=webp,,lossless, fmt=jpeg2000,,lossless or fmt=png",
        ));
    };
    let size = picture.size();
    if size.width > LONGEST || size.height > LONGEST {
        return Err(ConvertError::too_large_for("AVIF", LONGEST, size));
    }
    if size.pixels() > MOST_PIXELS {
        let message = format!(
            "an AVIF of this build has at most {MOST_PIXELS} pixels, this one would have {} × {}",
            size.width, size.height
        );
        return Err(ConvertError::unwritable(
            message,
            "ask for a smaller size or another format, such as fmt=webp",
        ));
    }
    let quality = f32::from(quality.clamp(1, 100));
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality((quality + 100.0) / 2.0)
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
    let color = meta.bytes(meta.primary()?, &made)?;
    let alpha = match meta.referring(b"auxl", meta.primary()?.number).next() {
        Some(number) => meta.bytes(meta.item(number)?, &made)?,
        None => Vec::new(),
    };
    Ok(file(size, [&color, &alpha]))
}

fn pixels(picture: &Raster, samples: &[u8]) -> Vec<RGBA8> {
    let opacity = |pixel: &[u8]| pixel.get(3).copied().unwrap_or(u8::MAX);
    let pixels = samples.chunks_exact(picture.channels());
    pixels.map(|pixel| RGBA8::new(pixel[0], pixel[1], pixel[2], opacity(pixel))).collect()
}

fn gave_up() -> ConvertError {
    ConvertError::internal("the AVIF writer gave up")
}

/// Lays out the file: what it is, what is in it, and the coded pictures; no bytes, no picture.
fn file(size: Size, pictures: [&[u8]; 2]) -> Vec<u8> {
    let kind = boxed(b"ftyp", &[b"avif\0\0\0\0avifmif1miafMA1A"]);
    // Where the pictures are depends on how long this is, which depends on nothing of that.
    let start = kind.len() + meta(size, pictures, 0).len() + 8;
    let data = boxed(b"mdat", &pictures);
    [kind, meta(size, pictures, start), data].concat()
}

/// Describes the pictures; the first of them begins at `start`.
fn meta(size: Size, pictures: [&[u8]; 2], start: usize) -> Vec<u8> {
    let transparent = !pictures[1].is_empty();
    let count = 1 + u8::from(transparent);
    let handler = boxed(b"hdlr", &[b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"]);
    let primary = boxed(b"pitm", &[b"\0\0\0\0\0\x01"]);
    let mut places = vec![0, 0, 0, 0, 0x44, 0, 0, count];
    let mut items = vec![0, 0, 0, 0, 0, count];
    let mut at = start;
    for (item, picture) in (1..=count).zip(pictures) {
        places.extend([0, item, 0, 0, 0, 1]);
        places.extend(number(at));
        places.extend(number(picture.len()));
        at += picture.len();
        items.extend(boxed(b"infe", &[&[2, 0, 0, 0, 0, item, 0, 0], b"av01\0"]));
    }
    let auxiliary = boxed(b"auxl", &[&[0, 2, 0, 1, 0, 1]]);
    let references = boxed(b"iref", &[&[0; 4], &auxiliary]);
    boxed(
        b"meta",
        &[
            &[0; 4],
            &handler,
            &primary,
            &boxed(b"iloc", &[&places]),
            &boxed(b"iinf", &[&items]),
            if transparent { &references } else { &[] },
            &properties(size, transparent),
        ],
    )
}

/// Says what the pictures are: 1 size, 2 coding, 3 depths, 4 colour; for transparency 5 coding,
/// 6 depth, 7 meaning.
fn properties(size: Size, transparent: bool) -> Vec<u8> {
    let sides = [size.width.to_be_bytes(), size.height.to_be_bytes()].concat();
    // Profile 1 for full chroma, 0 for gray; level 31, there is no upper bound. Bits of the third
    // byte: whose level, deep, deeper, gray, halved across, halved down.
    let coding = boxed(b"av1C", &[&[0x81, 1 << 5 | 31, 0, 0]]);
    let gray = boxed(b"av1C", &[&[0x81, 31, 0b1_1100, 0]]);
    let meaning = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
    let mut list = vec![
        boxed(b"ispe", &[&[0; 4], &sides]),
        coding,
        boxed(b"pixi", &[&[0, 0, 0, 0, 3, 8, 8, 8]]),
        boxed(b"colr", &[b"nclx\0\x01\0\x0d\0\x06\x80"]),
    ];
    // Item, how many properties, their numbers; the highest bit is for those that must be known.
    let mut used = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4, 1, 0x82, 3, 4];
    if transparent {
        list.extend([gray, boxed(b"pixi", &[&[0, 0, 0, 0, 1, 8]]), boxed(b"auxC", &[meaning])]);
        used[7] = 2;
        used.extend([0, 2, 4, 1, 0x85, 6, 7]);
    }
    let list = boxed(b"ipco", &[&list.concat()]);
    boxed(b"iprp", &[&list, &boxed(b"ipma", &[&used])])
}
