//! JPEG 2000, both ways (ISO/IEC 15444-1): boxed (`.jp2`, `.jpx`, `.jpf`) and bare codestreams
//! (`.j2k`, `.j2c`).
//!
//! Read are gray, sRGB, sYCC and CMYK pictures, palettes, and what an ICC profile describes, of 1
//! to 16 bits. Which component is which colour, and which is transparency, is what the file says
//! (`cdef`); where it says nothing, one component more than there are colours is transparency.
//! The boxes are read here, the codestream by a decoder without any unsafe code.

use std::io::{BufRead, Cursor, Read, Seek};

use hayro_jpeg2000::{DecodeError, DecodeSettings, DecoderContext, DecodingError, Image};

use super::boxes::{content, next_box, skip};
use super::{Header, SourceFormat, cut_short, damaged, divide_alpha, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, as_usize};
use crate::imaging::{ConvertError, Limits, PixelType};

mod codestream;
mod description;
mod sink;
#[cfg(test)]
mod tests;
mod write;

use codestream::Codestream;
use description::{Channel, Colour, Description, Layout};
pub(super) use write::encode;

/// How a codestream begins that stands in no box.
const BARE: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];

/// Most bytes of the boxes before the codestream, colour profile included.
const DESCRIPTION_BYTES: u64 = 16 << 20;

/// Most bytes of the codestream's own header that are looked at.
const HEADER_BYTES: u64 = 64 << 10;

/// Most boxes that are looked through for the codestream.
const BOXES: usize = 64;

/// What stands before the pixels.
struct Front {
    description: Description,
    codestream: Codestream,
    /// Where the codestream begins and ends in the file.
    at: (u64, Option<u64>),
}

impl Front {
    fn read<R: BufRead + Seek>(mut input: R) -> Result<Self, ConvertError> {
        let mut description = Description::default();
        let bare = input.fill_buf().map_err(ConvertError::Read)?.starts_with(&BARE);
        let mut found = bare.then_some((0, None));
        for _ in 0..BOXES {
            if found.is_some() {
                break;
            }
            let Some((kind, length)) = next_box(&mut input)? else { return Err(cut_short()) };
            if &kind == b"jp2c" {
                let start = input.stream_position().map_err(ConvertError::Read)?;
                found = Some((start, length.and_then(|length| start.checked_add(length))));
            } else if &kind == b"jp2h" {
                description = Description::parse(&content(&mut input, length, DESCRIPTION_BYTES)?)?;
            } else {
                skip(&mut input, length.ok_or_else(cut_short)?)?;
            }
        }
        let at = found
            .ok_or_else(|| damaged(phrase!("damage-no-picture", "it has no picture in it")))?;
        let mut front = Vec::new();
        input.take(HEADER_BYTES).read_to_end(&mut front).map_err(ConvertError::Read)?;
        Ok(Self { description, codestream: Codestream::parse(&front)?, at })
    }
}

pub(super) fn header<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Header, ConvertError> {
    let Front { description, codestream, .. } = Front::read(input)?;
    limits.allow(codestream.size, codestream.bytes_to_decode())?;
    let layout = description.layout(&codestream)?;
    Ok(Header {
        pixel_type: layout.pixel_type,
        bits: if layout.wide { 16 } else { 8 },
        alpha: layout.alpha.is_some(),
        dpi: description.dpi,
        profile: description.profile().map(Into::into),
        ..Header::new(SourceFormat::Jpeg2000, codestream.size)
    })
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let Front { description, codestream, at: (start, end) } = Front::read(Cursor::new(bytes))?;
    let layout = description.layout(&codestream)?;
    let start = usize::try_from(start).map_err(|_| cut_short())?;
    let end = end.map_or(Ok(bytes.len()), usize::try_from).map_err(|_| cut_short())?;
    let data = bytes.get(start..end).ok_or_else(cut_short)?;
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(data, &settings).map_err(error)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(error)?;
    let planes: Vec<Plane> = decoded
        .components()
        .iter()
        .map(|component| Plane { samples: component.samples(), bits: component.bit_depth() })
        .collect();
    let pixels = as_usize(header.size.width) * as_usize(header.size.height);
    if planes.iter().any(|plane| plane.samples.len() != pixels) {
        return Err(unsupported(phrase!(
            "source-jpeg-2000-components-different-sizes",
            "a JPEG 2000 whose components are of different sizes"
        )));
    }
    let mixer = Mixer { description: &description, layout: &layout, planes: &planes };
    // Chroma of a lower resolution was turned into RGB on the way.
    let turn = description.colour == Some(Colour::Sycc) && !codestream.halved;
    let samples = if layout.wide {
        Samples::Sixteen(mixer.mix(pixels, turn)?)
    } else {
        Samples::Eight(mixer.mix(pixels, turn)?)
    };
    Raster::new(header.size, header.pixel_type, Alpha::from_bool(header.alpha), samples).map_err(
        |_| {
            damaged(phrase!(
                "damage-pixels-fewer-than-header-says",
                "it does not have as many pixels as its header says"
            ))
        },
    )
}

fn error(error: DecodeError) -> ConvertError {
    match error {
        DecodeError::Decoding(DecodingError::UnexpectedEof) => cut_short(),
        _ => damaged(phrase!(
            "damage-compressed-data-make-no-sense",
            "its compressed data cannot be read"
        )),
    }
}

/// A decoded component.
struct Plane<'a> {
    /// Whole numbers from 0 on.
    samples: &'a [f32],
    bits: u8,
}

/// Makes interleaved pixels of components.
struct Mixer<'a> {
    description: &'a Description,
    layout: &'a Layout,
    planes: &'a [Plane<'a>],
}

impl Mixer<'_> {
    fn mix<S: Sample>(&self, pixels: usize, turn: bool) -> Result<Vec<S>, ConvertError> {
        let order: Vec<Channel> =
            self.layout.colors.iter().chain(&self.layout.alpha).copied().collect();
        let mut samples = vec![S::default(); pixels * order.len()];
        for (place, channel) in order.iter().enumerate() {
            let plane = self.planes.get(channel.component).ok_or_else(missing)?;
            let into = samples.iter_mut().skip(place).step_by(order.len());
            match channel.column {
                None => {
                    let top = f32::from(u16::MAX >> (16 - u16::from(plane.bits.clamp(1, 16))));
                    for (to, &value) in into.zip(plane.samples) {
                        *to = S::round(value / top * S::TOP);
                    }
                }
                Some(column) => {
                    let table = self.description.column(column).ok_or_else(missing)?;
                    for (to, &index) in into.zip(plane.samples) {
                        *to = S::round(entry(table, index) * S::TOP);
                    }
                }
            }
        }
        if turn {
            sycc_to_rgb(&mut samples, order.len());
        }
        if self.layout.premultiplied {
            divide_alpha(&mut samples, order.len());
        }
        Ok(samples)
    }
}

fn missing() -> ConvertError {
    damaged(phrase!(
        "damage-fewer-components-than-header-says",
        "it has fewer components than its header says"
    ))
}

/// Looks up a palette; lossy coding may have pushed an index over its end.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped below")]
fn entry(table: &[f32], index: f32) -> f32 {
    let index = (index + 0.5).max(0.0) as usize;
    table.get(index).or(table.last()).copied().unwrap_or_default()
}

/// Turns luma and two differences into red, green and blue (IEC 61966-2-1, annex G).
fn sycc_to_rgb<S: Sample>(samples: &mut [S], channels: usize) {
    // The middle between the two halves of the range.
    let middle = (S::TOP + 1.0) / 2.0;
    for pixel in samples.chunks_exact_mut(channels) {
        let [y, cb, cr, ..] = pixel else { continue };
        let (luma, blue, red): (f32, f32, f32) = ((*y).into(), (*cb).into(), (*cr).into());
        let (blue, red) = (blue - middle, red - middle);
        *y = S::round(luma + 1.402 * red);
        *cb = S::round(luma - 0.344_136 * blue - 0.714_136 * red);
        *cr = S::round(luma + 1.772 * blue);
    }
}

/// Returns what the components of a profile mean (ICC.1:2022, 7.2.6).
fn type_of_profile(profile: &[u8]) -> Option<PixelType> {
    match profile.get(16..20)? {
        b"GRAY" => Some(PixelType::Gray),
        b"RGB " => Some(PixelType::Rgb),
        b"CMYK" => Some(PixelType::Cmyk),
        _ => None,
    }
}
