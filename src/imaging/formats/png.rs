//! PNG, both ways (PNG specification, third edition).
//!
//! Palettes become RGB, transparency of every kind (alpha, `tRNS`) becomes alpha, 1, 2 and 4 bits
//! become 8, 16 bits stay 16. A picture is whole when its `IEND` is there.

use std::io::{BufRead, Cursor, Seek};

use png::{
    BitDepth, ColorType, Decoder, DecodingError, DeflateCompression, Encoder, Filter, Info,
    PixelDimensions, Reader, SrgbRenderingIntent, Transformations, Unit,
};

use super::exif::Exif;
use super::palette::{self, Edges, Indexed};
use super::{Header, SourceFormat, cut_short, damaged, read_error, unsupported, whole};
use crate::diag::phrase;
use crate::imaging::plan::Quantize;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// Most bytes the decoder may use for anything but pixels; profiles are inflated within it.
const CHUNK_BYTES: usize = 64 << 20;

fn open<R: BufRead + Seek>(input: R) -> Result<Reader<R>, ConvertError> {
    let mut decoder = Decoder::new_with_limits(input, png::Limits { bytes: CHUNK_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.read_info().map_err(error)
}

pub(super) fn header<R: BufRead + Seek>(input: R) -> Result<Header, ConvertError> {
    let reader = open(input)?;
    let info = reader.info();
    let (color, _) = reader.output_color_type();
    let exif = info.exif_metadata.as_deref().map(Exif::parse).unwrap_or_default();
    Ok(Header {
        pixel_type: match color {
            ColorType::Grayscale | ColorType::GrayscaleAlpha => PixelType::Gray,
            ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => PixelType::Rgb,
        },
        bits: info.bit_depth as u8,
        alpha: matches!(color, ColorType::GrayscaleAlpha | ColorType::Rgba),
        dpi: info.pixel_dims.and_then(dots_per_inch).or(exif.dpi),
        orientation: exif.orientation,
        profile: info.icc_profile.as_deref().map(Into::into),
        ..Header::new(SourceFormat::Png, Size::new(info.width, info.height))
    })
}

fn dots_per_inch(dims: PixelDimensions) -> Option<f64> {
    match dims.unit {
        Unit::Meter => super::resolution(f64::from(dims.xppu) * 0.0254),
        Unit::Unspecified => None,
    }
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let mut reader = open(Cursor::new(bytes))?;
    let length = reader
        .output_buffer_size()
        .ok_or_else(|| damaged(phrase!("damage-size-impossible", "its size is impossible")))?;
    let (_, depth) = reader.output_color_type();
    let samples = if depth == BitDepth::Sixteen {
        let mut samples = Vec::with_capacity(length / 2);
        if reader.info().interlaced {
            let mut bytes = vec![0; length];
            reader.next_frame(&mut bytes).map_err(error)?;
            samples.extend(bytes.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)));
        } else {
            while let Some(row) = reader.next_row().map_err(error)? {
                let pairs = row.data().as_chunks().0;
                samples.extend(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
            }
        }
        Samples::Sixteen(samples)
    } else {
        let mut samples = vec![0; length];
        reader.next_frame(&mut samples).map_err(error)?;
        Samples::Eight(samples)
    };
    reader.finish().map_err(error)?;
    Raster::new(header.size, header.pixel_type, Alpha::from_bool(header.alpha), samples).map_err(
        |_| {
            damaged(phrase!(
                "damage-pixels-fewer-than-header-says",
                "it does not have as many pixels as its header says"
            ))
        },
    )
}

fn error(error: DecodingError) -> ConvertError {
    match error {
        DecodingError::IoError(error) => read_error(error),
        DecodingError::Format(format) => {
            // The kinds of this error are private; its words are not.
            let words = format.to_string();
            if words.contains("unexpected end") || words.contains("Unexpected end") {
                cut_short()
            } else {
                damaged(phrase!(
                    "damage-header-or-compressed-data-make",
                    "its header or its compressed data cannot be read"
                ))
            }
        }
        DecodingError::Parameter(_) => damaged(phrase!(
            "damage-fewer-pixels-than-header-says",
            "it has fewer pixels than its header says"
        )),
        DecodingError::LimitsExceeded => unsupported(phrase!(
            "source-png-enormous-colour-profile",
            "a PNG with an enormous colour profile"
        )),
    }
}

/// Writes a PNG, every row with the filter that suits it best.
pub(super) fn encode(
    picture: &Raster,
    dpi: Option<f64>,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the PNG writer"));
    };
    let mut info = info(picture, dpi, profile);
    info.color_type = match (picture.pixel_type(), picture.has_alpha()) {
        (PixelType::Gray, false) => ColorType::Grayscale,
        (PixelType::Gray, true) => ColorType::GrayscaleAlpha,
        (PixelType::Rgb, false) => ColorType::Rgb,
        (PixelType::Rgb, true) => ColorType::Rgba,
        (PixelType::Cmyk, _) => {
            return Err(ConvertError::unwritable(
                phrase!("reply-png-cannot-hold-cmyk", "a PNG cannot hold CMYK"),
                phrase!("help-use-fmt-tif-cmyk", "use fmt=tif,cmyk"),
            ));
        }
    };
    filtered(&info, samples).map_err(|error| ConvertError::internal(error.to_string()))
}

/// Writes a PNG with a palette, in as few bits as its number of colours needs; rows without a
/// filter, which makes nothing of indexes.
pub(super) fn encode_palette(
    picture: &Raster,
    wanted: &Quantize,
    dpi: Option<f64>,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, ConvertError> {
    let Indexed { palette, mut indexes } = palette::index(picture, wanted, Edges::Soft)?;
    // Entries with an opacity of their own come first, so that only they need one in the file.
    let (opaque, others): (Vec<usize>, Vec<usize>) =
        (0..palette.len()).partition(|&n| palette[n][3] == 255);
    let order = [others.as_slice(), &opaque].concat();
    let mut places = [0; 256];
    for (place, &n) in (0..=255).zip(&order) {
        places[n] = place;
    }
    for index in &mut indexes {
        *index = places[usize::from(*index)];
    }
    let mut info = info(picture, dpi, profile);
    info.color_type = ColorType::Indexed;
    info.bit_depth = match palette.len() {
        ..=2 => BitDepth::One,
        3..=4 => BitDepth::Two,
        5..=16 => BitDepth::Four,
        17.. => BitDepth::Eight,
    };
    info.palette = Some(order.iter().flat_map(|&n| palette[n][..3].to_vec()).collect());
    if !others.is_empty() {
        info.trns = Some(others.iter().map(|&n| palette[n][3]).collect());
    }
    let packed = pack(indexes, picture.width(), info.bit_depth as u8);
    write(info, &packed, Filter::NoFilter, SEARCHING)
        .map_err(|error| ConvertError::internal(error.to_string()))
}

/// Compresses rows of 8-bit components as a PNG does, for formats that can hold such data: deflate
/// in the wrapping of zlib, every row behind the number of its filter.
pub(super) fn deflate(
    size: Size,
    components: usize,
    samples: &[u8],
) -> Result<Vec<u8>, ConvertError> {
    let mut info = Info::with_size(size.width, size.height);
    info.bit_depth = BitDepth::Eight;
    // Only the number of bytes a pixel has matters to the filters.
    info.color_type = match components {
        1 => ColorType::Grayscale,
        2 => ColorType::GrayscaleAlpha,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    };
    let file =
        filtered(&info, samples).map_err(|error| ConvertError::internal(error.to_string()))?;
    // Behind the signature: length, name, data, checksum.
    let mut rest = &file[8..];
    let mut data = Vec::with_capacity(file.len());
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or_default();
        let Some((chunk, behind)) = behind.split_at_checked(length + 8) else { break };
        if chunk.starts_with(b"IDAT") {
            data.extend_from_slice(&chunk[4..4 + length]);
        }
        rest = behind;
    }
    Ok(data)
}

/// Packs indexes of 1, 2 or 4 bits into bytes, the first in the highest bits; every row starts a
/// byte.
fn pack(indexes: Vec<u8>, width: usize, bits: u8) -> Vec<u8> {
    if bits == 8 {
        return indexes;
    }
    let per_byte = usize::from(8 / bits);
    let mut packed = Vec::with_capacity(indexes.len() / per_byte + indexes.len() / width);
    for row in indexes.chunks_exact(width) {
        for together in row.chunks(per_byte) {
            let byte = together.iter().fold(0, |byte, index| (byte << bits) | index);
            let missing = u8::try_from(per_byte - together.len()).unwrap_or_default();
            packed.push(byte << (bits * missing));
        }
    }
    packed
}

/// Says what holds for every kind: size, 8 bits, resolution, colour space.
fn info<'a>(picture: &Raster, dpi: Option<f64>, profile: Option<&'a [u8]>) -> Info<'a> {
    let size = picture.size();
    let mut info = Info::with_size(size.width, size.height);
    info.bit_depth = BitDepth::Eight;
    info.pixel_dims = dpi.map(|dpi| {
        let per_metre = whole(dpi / 0.0254, i32::MAX.unsigned_abs());
        PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }
    });
    match profile {
        Some(profile) => info.icc_profile = Some(profile.into()),
        None if picture.pixel_type() == PixelType::Rgb => {
            info.srgb = Some(SrgbRenderingIntent::RelativeColorimetric);
        }
        None => {}
    }
    info
}

/// Compression that looks for repetitions, zlib's level 4.
const SEARCHING: DeflateCompression = DeflateCompression::Level(4);

/// A filtered picture that shrinks below this share of its bytes, in hundredths, without a search
/// for repetitions is likely to have some.
const REPETITIVE: usize = 30;

/// Writes a picture, not of indexes.
///
/// In filtered photographs there is next to nothing that repeats: the search for it takes six times
/// as long as the rest and saves a twentieth. Drawings and screenshots become a third smaller by it.
fn filtered(info: &Info, samples: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let quick =
        write(info.clone(), samples, Filter::Adaptive, DeflateCompression::FdeflateUltraFast)?;
    if quick.len() * 100 > samples.len() * REPETITIVE {
        return Ok(quick);
    }
    let searched = write(info.clone(), samples, Filter::Adaptive, SEARCHING)?;
    Ok(if searched.len() < quick.len() { searched } else { quick })
}

fn write(
    info: Info,
    samples: &[u8],
    filter: Filter,
    compression: DeflateCompression,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::with_capacity(samples.len() / 2);
    let mut encoder = Encoder::with_info(&mut file, info)?;
    encoder.set_deflate_compression(compression);
    encoder.set_filter(filter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(samples)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(samples: &[u8], side: u32) -> (usize, usize) {
        let mut info = Info::with_size(side, side);
        (info.bit_depth, info.color_type) = (BitDepth::Eight, ColorType::Grayscale);
        let quick = DeflateCompression::FdeflateUltraFast;
        let quick = write(info.clone(), samples, Filter::Adaptive, quick).unwrap();
        (filtered(&info, samples).unwrap().len(), quick.len())
    }

    #[test]
    fn drawings_are_searched_for_repetitions_and_photographs_are_not() {
        // Letters of 8 by 8 on white, a quarter of the picture.
        let letter = |x: usize, y: usize| (x * 5 + y * 3) % 7;
        let dot = |x: usize, y: usize| {
            let ink =
                letter(x / 8, y / 8) < 2 && (x % 8 * 3 + y % 8 * letter(x / 8, y / 8)) % 5 < 2;
            if ink { 0 } else { 255 }
        };
        let drawing: Vec<u8> = (0..256 * 256).map(|at| dot(at % 256, at / 256)).collect();
        let (made, quick) = both(&drawing, 256);
        assert!(made < quick / 2, "{made} {quick}");

        let mut state = 1_u32;
        let grain = (0..256 * 256_u32).map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (at / 1024 + (state >> 28)).to_le_bytes()[0]
        });
        let (made, quick) = both(&grain.collect::<Vec<_>>(), 256);
        assert_eq!(made, quick);
    }
}
