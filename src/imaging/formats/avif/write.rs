//! Writing: a few boxes around what the AV1 encoder makes.
//!
//! Which encoder that is, the build decides; see `rav1e` and `libaom`. Both work without threads and
//! with one tile, so that the bytes depend on the pixels alone. Quality is the scale of rav1e's authors,
//! 1–100; about 80 is hard to tell from the source. Transparency is coded finer than colour, half
//! way to 100, since errors in it show at every edge. How fine chroma is, the encoders say.
//!
//! The boxes are made here, because a reader that looks for colours at the container alone must
//! find them, and rav1e's own leave out what is the default anyway.

#[cfg(feature = "libaom")]
use super::libaom as encoder;
#[cfg(not(feature = "libaom"))]
use super::rav1e as encoder;
use super::sequence::Sequence;
use crate::diag::{Argument, phrase};
use crate::imaging::formats::boxes::{boxed, number};
use crate::imaging::raster::{Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

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
        return Err(ConvertError::unwritable(
            phrase!("reply-avif-holds-rgb-only", "an AVIF holds RGB only"),
            phrase!("help-leave-pixel-type-out", "leave the pixel type out"),
        ));
    }
    let Some(quality) = quality else {
        return Err(ConvertError::unwritable(
            phrase!(
                "reply-no-lossless-avif",
                "lossless AVIF is not supported by this installation"
            ),
            phrase!(
                "help-use-fmt-webp-lossless-fmt",
                "use fmt=webp,,lossless, fmt=jpeg2000,,lossless or fmt=png"
            ),
        ));
    };
    let size = picture.size();
    if size.width > LONGEST || size.height > LONGEST {
        return Err(ConvertError::too_large_for("AVIF", LONGEST, size));
    }
    if size.pixels() > MOST_PIXELS {
        let message = phrase!(
            "avif-too-many-pixels",
            "an AVIF written by this installation can have at most {most} pixels; this one \
             would have {size}",
            most = Argument::Count(MOST_PIXELS),
            size = format!("{} × {}", size.width, size.height),
        );
        let help = phrase!(
            "smaller-or-webp",
            "ask for a smaller size or another format, such as fmt=webp"
        );
        return Err(ConvertError::unwritable(message, help));
    }
    file(size, &encoder::code(picture, samples, quality.clamp(1, 100))?)
}

/// Returns the quality of the transparency that belongs to one of colour.
pub(super) fn finer(quality: f32) -> f32 {
    (quality + 100.0) / 2.0
}

pub(super) fn gave_up() -> ConvertError {
    ConvertError::internal("the AVIF writer gave up")
}

/// Lays out the file: what it is, what is in it, and the coded pictures, transparency last.
pub(super) fn file(size: Size, pictures: &[Vec<u8>]) -> Result<Vec<u8>, ConvertError> {
    let sequences: Result<Vec<Sequence>, ConvertError> =
        pictures.iter().map(|picture| Sequence::of(picture)).collect();
    let properties = properties(size, &sequences?);
    let kind = boxed(b"ftyp", &[b"avif\0\0\0\0avifmif1miafMA1A"]);
    // Where the pictures are depends on how long this is, which depends on nothing of that.
    let start = kind.len() + meta(pictures, &properties, 0).len() + 8;
    let bytes: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
    let data = boxed(b"mdat", &bytes);
    Ok([kind, meta(pictures, &properties, start), data].concat())
}

/// Describes the pictures; the first of them begins at `start`.
fn meta(pictures: &[Vec<u8>], properties: &[u8], start: usize) -> Vec<u8> {
    let transparent = pictures.len() > 1;
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
            properties,
        ],
    )
}

/// Says what the pictures are: 1 size, 2 coding, 3 depths, 4 colour; for transparency 5 coding,
/// 6 depth, 7 meaning.
fn properties(size: Size, sequences: &[Sequence]) -> Vec<u8> {
    let sides = [size.width.to_be_bytes(), size.height.to_be_bytes()].concat();
    let [colour, opacity] = [sequences.first(), sequences.get(1)].map(|one| one.map(coding));
    let meaning = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
    let mut list = vec![
        boxed(b"ispe", &[&[0; 4], &sides]),
        colour.unwrap_or_default(),
        boxed(b"pixi", &[&[0, 0, 0, 0, 3, 8, 8, 8]]),
        boxed(b"colr", &[b"nclx\0\x01\0\x0d\0\x06\x80"]),
    ];
    // Item, how many properties, their numbers; the highest bit is for those that must be known.
    let mut used = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4, 1, 0x82, 3, 4];
    if let Some(opacity) = opacity {
        list.extend([opacity, boxed(b"pixi", &[&[0, 0, 0, 0, 1, 8]]), boxed(b"auxC", &[meaning])]);
        used[7] = 2;
        used.extend([0, 2, 4, 1, 0x85, 6, 7]);
    }
    let list = boxed(b"ipco", &[&list.concat()]);
    boxed(b"iprp", &[&list, &boxed(b"ipma", &[&used])])
}

/// Repeats outside of a picture what it says of its coding.
fn coding(sequence: &Sequence) -> Vec<u8> {
    // Bits of the third byte: whose level, deep, deeper, gray, halved across, halved down.
    let (across, down) = sequence.halved;
    let layout = u8::from(sequence.monochrome) << 4 | u8::from(across) << 3 | u8::from(down) << 2;
    boxed(b"av1C", &[&[0x81, sequence.profile << 5 | sequence.level, layout, 0]])
}
