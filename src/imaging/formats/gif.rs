//! GIF, both ways (GIF89a).
//!
//! The first frame is read on the canvas the file declares; what it does not cover, and its
//! transparent colour, are transparent. Written are pictures of one frame with one palette; those
//! with alpha have a key colour, whether any pixel is transparent or not.

use std::io::{BufRead, Seek};

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, Encoder, Frame, MemoryLimit};

use super::palette::{self, Edges, Indexed};
use super::{Header, SourceFormat, cut_short, damaged, read_error};
use crate::diag::phrase;
use crate::imaging::plan::Quantize;
use crate::imaging::raster::{Alpha, Raster, Samples, as_usize};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Largest side the format can hold.
const LONGEST: u32 = 65_535;

fn open<R: std::io::Read>(input: R, output: ColorOutput) -> Result<Decoder<R>, ConvertError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(output);
    options.check_frame_consistency(true);
    // Frames are checked against the limits before; this is for everything else.
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.read_info(input).map_err(error)
}

pub(super) fn header<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Header, ConvertError> {
    let mut decoder = open(input, ColorOutput::Indexed)?;
    let canvas = Size::new(u32::from(decoder.width()), u32::from(decoder.height()));
    limits.allow(canvas, canvas.pixels() * 4)?;
    let Some(frame) = decoder.next_frame_info().map_err(error)? else {
        return Err(damaged(phrase!("damage-no-picture", "it has no picture in it")));
    };
    Ok(Header {
        alpha: frame.transparent.is_some() || !covers(frame, canvas),
        ..Header::new(SourceFormat::Gif, canvas)
    })
}

fn covers(frame: &Frame, canvas: Size) -> bool {
    frame.left == 0
        && frame.top == 0
        && u32::from(frame.width) == canvas.width
        && u32::from(frame.height) == canvas.height
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let mut decoder = open(bytes, ColorOutput::Indexed)?;
    let Some(frame) = decoder.read_next_frame().map_err(error)?.cloned() else {
        return Err(damaged(phrase!("damage-no-picture", "it has no picture in it")));
    };
    let palette = decoder.palette().map_err(error)?.as_chunks::<3>().0;
    let (width, height) = (as_usize(header.size.width), as_usize(header.size.height));
    let channels = if header.alpha { 4 } else { 3 };
    let mut samples = vec![0; width * height * channels];
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let rows = frame.buffer.chunks_exact(usize::from(frame.width).max(1));
    for (row, indexes) in samples.chunks_exact_mut(width * channels).skip(top).zip(rows) {
        for (pixel, &index) in row.chunks_exact_mut(channels).skip(left).zip(indexes) {
            if frame.transparent == Some(index) {
                continue;
            }
            let color = palette.get(usize::from(index));
            let color = color.ok_or_else(|| {
                damaged(phrase!("damage-colours-missing", "it uses colours it does not have"))
            })?;
            pixel[..3].copy_from_slice(color);
            if let Some(alpha) = pixel.get_mut(3) {
                *alpha = 255;
            }
        }
    }
    let alpha = Alpha::from_bool(header.alpha);
    Raster::new(header.size, PixelType::Rgb, alpha, Samples::Eight(samples)).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-header-says",
            "it does not have as many pixels as its header says"
        ))
    })
}

fn error(error: DecodingError) -> ConvertError {
    match error {
        DecodingError::Io(error) => read_error(error),
        DecodingError::UnexpectedEof => cut_short(),
        _ => damaged(phrase!(
            "damage-header-or-compressed-data-make",
            "its header or its compressed data cannot be read"
        )),
    }
}

/// Writes a GIF of one frame; gray or RGB, alpha becomes transparent or opaque.
pub(super) fn encode(picture: &Raster, wanted: &Quantize) -> Result<Vec<u8>, ConvertError> {
    let Size { width, height } = picture.size();
    let (Ok(short_width), Ok(short_height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(ConvertError::too_large_for("GIF", LONGEST, picture.size()));
    };
    let indexed = palette::index(picture, wanted, Edges::Hard)?;
    write(short_width, short_height, indexed)
        .map_err(|error| ConvertError::internal(error.to_string()))
}

fn write(width: u16, height: u16, indexed: Indexed) -> Result<Vec<u8>, gif::EncodingError> {
    let transparent = indexed.clear();
    let colors: Vec<u8> = indexed.palette.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let mut file = Vec::with_capacity(indexed.indexes.len() / 2);
    let mut encoder = Encoder::new(&mut file, width, height, &colors)?;
    let buffer = indexed.indexes.into();
    encoder.write_frame(&Frame { width, height, buffer, transparent, ..Frame::default() })?;
    drop(encoder);
    Ok(file)
}
