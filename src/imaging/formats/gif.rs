//! GIF, both ways (GIF89a).
//!
//! The first frame is read on the canvas the file declares; what it does not cover, and its
//! transparent colour, are transparent. Written are pictures of one frame without transparency:
//! the exact colours where there are at most 256, else a palette made by a neural network
//! (NeuQuant) with Floyd–Steinberg error diffusion, left to right in every row.

use std::collections::HashMap;
use std::io::{BufRead, Seek};

use color_quant::NeuQuant;
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, Encoder, Frame, MemoryLimit};

use super::{Header, SourceFormat, cut_short, damaged, read_error};
use crate::imaging::raster::{Alpha, Raster, Samples, as_usize};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Largest side the format can hold.
const LONGEST: u32 = 65_535;

/// The network learns from about so many pixels: large pictures are sampled, at least one in ten,
/// small ones are shown to it again and again.
const LESSONS: usize = 250_000;

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
        return Err(damaged("it has no picture in it"));
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
        return Err(damaged("it has no picture in it"));
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
            let color = color.ok_or_else(|| damaged("it uses colours it does not have"))?;
            pixel[..3].copy_from_slice(color);
            if let Some(alpha) = pixel.get_mut(3) {
                *alpha = 255;
            }
        }
    }
    let alpha = Alpha::from_bool(header.alpha);
    Raster::new(header.size, PixelType::Rgb, alpha, Samples::Eight(samples))
        .map_err(|_| damaged("its pixels are not as many as its header says"))
}

fn error(error: DecodingError) -> ConvertError {
    match error {
        DecodingError::Io(error) => read_error(error),
        DecodingError::UnexpectedEof => cut_short(),
        _ => damaged("its header or its compressed data make no sense"),
    }
}

/// Writes an opaque GIF of one frame.
pub(super) fn encode(picture: &Raster) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the GIF writer"));
    };
    let Size { width, height } = picture.size();
    let (Ok(short_width), Ok(short_height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(ConvertError::too_large_for("GIF", LONGEST, picture.size()));
    };
    let colors: Vec<[u8; 3]> = match (picture.pixel_type(), picture.has_alpha()) {
        (PixelType::Gray, false) => samples.iter().map(|&v| [v; 3]).collect(),
        (PixelType::Rgb, false) => samples.as_chunks().0.to_vec(),
        (PixelType::Cmyk, _) | (_, true) => {
            return Err(ConvertError::unwritable(
                "this GIF cannot be written: it holds opaque gray or RGB only",
                "leave the pixel type out",
            ));
        }
    };
    let (palette, indexes) = exact(&colors).unwrap_or_else(|| diffuse(&colors, picture.width()));
    write(short_width, short_height, &palette, indexes)
        .map_err(|error| ConvertError::internal(error.to_string()))
}

fn write(
    width: u16,
    height: u16,
    palette: &[u8],
    indexes: Vec<u8>,
) -> Result<Vec<u8>, gif::EncodingError> {
    let mut file = Vec::with_capacity(indexes.len() / 2);
    let mut encoder = Encoder::new(&mut file, width, height, palette)?;
    let frame = Frame { width, height, buffer: indexes.into(), ..Frame::default() };
    encoder.write_frame(&frame)?;
    drop(encoder);
    Ok(file)
}

/// Numbers the colours in order of appearance; none when there are more than 256.
fn exact(colors: &[[u8; 3]]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut numbers: HashMap<[u8; 3], u8> = HashMap::new();
    let mut palette = Vec::new();
    let mut indexes = Vec::with_capacity(colors.len());
    for color in colors {
        let index = if let Some(&index) = numbers.get(color) {
            index
        } else {
            let index = u8::try_from(numbers.len()).ok()?;
            numbers.insert(*color, index);
            palette.extend_from_slice(color);
            index
        };
        indexes.push(index);
    }
    Some((palette, indexes))
}

/// Maps to an adaptive palette, handing every pixel's error on to its neighbours.
fn diffuse(colors: &[[u8; 3]], width: usize) -> (Vec<u8>, Vec<u8>) {
    let one_in = i32::try_from((colors.len() / LESSONS).clamp(1, 10)).unwrap_or(10);
    let repeated = LESSONS.div_ceil(colors.len()).min(64);
    let shown = std::iter::repeat_n(colors, repeated).flatten();
    let rgba: Vec<u8> = shown.flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    let network = NeuQuant::new(one_in, 256, &rgba);
    drop(rgba);
    let palette = network.color_map_rgb();
    let table = palette.as_chunks::<3>().0;
    let mut indexes = Vec::with_capacity(colors.len());
    // Errors in sixteenths for this row and the next, one pixel of margin on both sides.
    let mut now = vec![[0_i32; 3]; width + 2];
    let mut next = now.clone();
    for row in colors.chunks_exact(width) {
        next.fill([0; 3]);
        for (x, color) in row.iter().enumerate() {
            let mut wanted = [0_u8; 3];
            for (c, wanted) in wanted.iter_mut().enumerate() {
                *wanted = clamp(i32::from(color[c]) + (now[x + 1][c] + 8).div_euclid(16));
            }
            let [r, g, b] = wanted;
            let index = network.index_of(&[r, g, b, 255]);
            for c in 0..3 {
                let error = i32::from(wanted[c]) - i32::from(table[index][c]);
                now[x + 2][c] += error * 7;
                next[x][c] += error * 3;
                next[x + 1][c] += error * 5;
                next[x + 2][c] += error;
            }
            #[expect(clippy::cast_possible_truncation, reason = "a palette of 256")]
            indexes.push(index as u8);
        }
        std::mem::swap(&mut now, &mut next);
    }
    (palette, indexes)
}

fn clamp(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or_default()
}
