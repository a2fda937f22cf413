//! TIFF, both ways (TIFF 6.0; the Photoshop and ICC tags).
//!
//! Read is the first page: gray, RGB, CMYK, palette and YCbCr, in strips or tiles, pixels or
//! planes, 1 to 16 bits (32-bit whole numbers and fractions of 1 lose their lower half), packed
//! in any way but old-style JPEG. The first extra sample is alpha when the file calls it so:
//! associated alpha is divided out, unassociated is taken as it is. Extra samples the file calls
//! nothing (Photoshop's saved selections) are not transparency.
//!
//! A palette is read as the gray picture of its indexes and looked up here, because the decoder
//! does not read palettes at all.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek};

use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use tiff::encoder::colortype::{CMYK8, ColorType, Gray8, RGB8, RGBA8};
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, Rational, TiffEncoder, TiffValue};
use tiff::tags::{PhotometricInterpretation, Predictor, ResolutionUnit, SampleFormat, Tag, Type};
use tiff::{TiffError, TiffResult};

use super::exif::{dots_per_inch, orientation_of};
use super::jpeg::Settings;
use super::{Embedded, Header, SourceFormat, damaged, read_error, tiff_jpeg, unsupported, whole};
use crate::imaging::plan::{Scans, TiffCompression};
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, as_usize};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Most bytes of one tag's value: colour profiles and lists of strips.
const TAG_BYTES: usize = 32 << 20;

const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CMYK: u16 = 5;
const YCBCR: u16 = 6;

/// How the samples of a page lie in the file.
struct Page {
    size: Size,
    photometric: u16,
    bits: u8,
    planar: bool,
    /// What the first extra sample is.
    alpha: AlphaKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AlphaKind {
    None,
    /// The colour was multiplied by it.
    Associated,
    Unassociated,
}

impl Page {
    fn read<R: BufRead + Seek>(decoder: &mut Decoder<R>) -> Result<Self, ConvertError> {
        let width = tag(decoder, Tag::ImageWidth, 0)?;
        let height = tag(decoder, Tag::ImageLength, 0)?;
        let photometric = tag(decoder, Tag::PhotometricInterpretation, BLACK_IS_ZERO)?;
        let bits = first(decoder, Tag::BitsPerSample)?.unwrap_or(1);
        let format = first(decoder, Tag::SampleFormat)?.unwrap_or(1);
        let samples: u16 = tag(decoder, Tag::SamplesPerPixel, 1)?;
        let page = Self {
            size: Size::new(width, height),
            photometric,
            bits: u8::try_from(bits).unwrap_or(u8::MAX),
            planar: tag::<_, u16>(decoder, Tag::PlanarConfiguration, 1)? == 2,
            alpha: match first(decoder, Tag::ExtraSamples)? {
                Some(1) => AlphaKind::Associated,
                Some(2) => AlphaKind::Unassociated,
                _ => AlphaKind::None,
            },
        };
        match (page.photometric, bits, format) {
            (PALETTE, 1 | 2 | 4 | 8, 1)
            | (WHITE_IS_ZERO | BLACK_IS_ZERO, 1 | 2 | 4 | 8 | 16 | 32, 1)
            | (RGB | CMYK, 8 | 16 | 32, 1)
            | (RGB | CMYK | BLACK_IS_ZERO, 32, 3)
            | (YCBCR, 8, 1) => {}
            (8..=10, ..) => return Err(unsupported("a TIFF in CIE Lab")),
            (WHITE_IS_ZERO..=CMYK | YCBCR, ..) => {
                return Err(unsupported(format!("a TIFF of {bits} bits a component")));
            }
            _ => return Err(unsupported("a TIFF in a rare colour space")),
        }
        let wanted = if page.photometric == PALETTE { 1 } else { page.pixel_type().components() };
        if usize::from(samples) < wanted + usize::from(page.alpha != AlphaKind::None) {
            return Err(damaged("it has fewer components than its colours need"));
        }
        Ok(page)
    }

    const fn pixel_type(&self) -> PixelType {
        match self.photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO => PixelType::Gray,
            CMYK => PixelType::Cmyk,
            _ => PixelType::Rgb,
        }
    }

    const fn has_alpha(&self) -> bool {
        !matches!(self.alpha, AlphaKind::None) && self.photometric != PALETTE
    }
}

fn open<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Decoder<R>, ConvertError> {
    let mut own = TiffLimits::default();
    let most = usize::try_from(limits.max_alloc).unwrap_or(usize::MAX);
    own.decoding_buffer_size = most;
    own.intermediate_buffer_size = most;
    own.ifd_value_size = TAG_BYTES.min(most);
    Ok(Decoder::new(input).map_err(error)?.with_limits(own))
}

pub(super) fn header<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Header, ConvertError> {
    let mut decoder = open(input, limits)?;
    let page = Page::read(&mut decoder)?;
    let unit = tag(&mut decoder, Tag::ResolutionUnit, 2)?;
    // Neither is worth a picture.
    let resolution = match decoder.find_tag(Tag::XResolution) {
        Ok(Some(Value::Rational(n, d))) if d > 0 => Some(f64::from(n) / f64::from(d)),
        _ => None,
    };
    let profile = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
    Ok(Header {
        pixel_type: page.pixel_type(),
        bits: page.bits,
        alpha: page.has_alpha(),
        dpi: resolution.and_then(|value| dots_per_inch(value, unit)),
        orientation: orientation_of(tag(&mut decoder, Tag::Orientation, 1)?),
        profile: profile.map(Into::into),
        ..Header::new(SourceFormat::Tiff, page.size)
    })
}

fn tag<R: BufRead + Seek, T: TryFrom<u64>>(
    decoder: &mut Decoder<R>,
    tag: Tag,
    default: T,
) -> Result<T, ConvertError> {
    let found = decoder.find_tag_unsigned(tag).map_err(error)?;
    Ok(found.unwrap_or(default))
}

fn first<R: BufRead + Seek>(
    decoder: &mut Decoder<R>,
    tag: Tag,
) -> Result<Option<u16>, ConvertError> {
    let all = decoder.find_tag_unsigned_vec::<u16>(tag).map_err(error)?;
    Ok(all.and_then(|all| all.first().copied()))
}

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
) -> Result<Raster, ConvertError> {
    let page = Page::read(&mut open(Cursor::new(bytes), limits)?)?;
    if page.photometric == PALETTE {
        return decode_palette(bytes, header, limits);
    }
    let mut decoder = open(Cursor::new(bytes), limits)?;
    let stored = usize::from(decoder.colortype().map_err(error)?.num_samples());
    let wanted = page.pixel_type().components() + usize::from(page.has_alpha());
    let layout =
        Layout { pixels: as_usize(page.size.width) * as_usize(page.size.height), stored, wanted };
    let mut result = DecodingResult::U8(Vec::new());
    let buffer = decoder.read_image_to_buffer(&mut result).map_err(error)?;
    if page.planar && result.as_buffer(0).as_bytes().len() < buffer.complete_len {
        return Err(damaged("it has fewer components than its colours need"));
    }
    let mut samples = match result {
        DecodingResult::U8(packed) if page.bits < 8 => {
            Samples::Eight(unpack(&packed, page.size, page.bits, scale_of(page.bits)))
        }
        DecodingResult::U8(samples) => Samples::Eight(layout.arrange(samples, page.planar)),
        DecodingResult::U16(samples) => Samples::Sixteen(layout.arrange(samples, page.planar)),
        DecodingResult::U32(samples) => {
            let high = samples.into_iter().map(|v| (v >> 16) as u16).collect();
            Samples::Sixteen(layout.arrange(high, page.planar))
        }
        DecodingResult::F32(samples) => {
            let levels = samples.into_iter().map(|v| u16::round(v * u16::TOP)).collect();
            Samples::Sixteen(layout.arrange(levels, page.planar))
        }
        _ => return Err(unsupported("a TIFF with a rare kind of numbers")),
    };
    if let (YCBCR, Samples::Eight(samples)) = (page.photometric, &mut samples) {
        ycbcr_to_rgb(samples, wanted);
    }
    if page.alpha == AlphaKind::Associated {
        match &mut samples {
            Samples::Eight(samples) => divide_alpha(samples, wanted),
            Samples::Sixteen(samples) => divide_alpha(samples, wanted),
        }
    }
    Raster::new(page.size, page.pixel_type(), Alpha::from_bool(page.has_alpha()), samples)
        .map_err(|_| damaged("its pixels are not as many as its header says"))
}

/// Where the wanted components of every pixel are.
struct Layout {
    pixels: usize,
    /// Components of a decoded pixel.
    stored: usize,
    /// The first of them that are kept.
    wanted: usize,
}

impl Layout {
    /// Brings planes together and drops the components nobody wants.
    fn arrange<S: Sample>(&self, samples: Vec<S>, planar: bool) -> Vec<S> {
        if planar {
            let planes: Vec<&[S]> = samples.chunks_exact(self.pixels).take(self.wanted).collect();
            let mut out = Vec::with_capacity(self.pixels * self.wanted);
            for pixel in 0..self.pixels {
                out.extend(planes.iter().map(|plane| plane[pixel]));
            }
            return out;
        }
        if self.stored == self.wanted {
            return samples;
        }
        let pixels = samples.chunks_exact(self.stored);
        pixels.flat_map(|pixel| pixel[..self.wanted].iter().copied()).collect()
    }
}

/// Returns what makes the highest value of 1, 2, 4 or 8 bits 255.
const fn scale_of(bits: u8) -> u8 {
    255 / (u8::MAX >> (8 - bits))
}

/// Spreads 1, 2 or 4 bits to bytes, multiplied by `scale`; every row starts on a byte.
fn unpack(packed: &[u8], size: Size, bits: u8, scale: u8) -> Vec<u8> {
    let width = as_usize(size.width);
    let row = (width * usize::from(bits)).div_ceil(8);
    let per_byte = usize::from(8 / bits);
    let mask = u8::MAX >> (8 - bits);
    let mut out = Vec::with_capacity(width * as_usize(size.height));
    for row in packed.chunks_exact(row) {
        out.extend((0..width).map(|x| {
            let shift = usize::from(bits) * (per_byte - 1 - x % per_byte);
            ((row[x / per_byte] >> shift) & mask) * scale
        }));
    }
    out
}

/// Converts with the full range of JFIF, as the JPEG that such files hold does.
fn ycbcr_to_rgb(samples: &mut [u8], channels: usize) {
    for pixel in samples.chunks_exact_mut(channels) {
        let (y, cb, cr) =
            (f32::from(pixel[0]), f32::from(pixel[1]) - 128.0, f32::from(pixel[2]) - 128.0);
        pixel[0] = u8::round(y + 1.402 * cr);
        pixel[1] = u8::round(y - 0.344_136 * cb - 0.714_136 * cr);
        pixel[2] = u8::round(y + 1.772 * cb);
    }
}

fn divide_alpha<S: Sample>(samples: &mut [S], channels: usize) {
    for pixel in samples.chunks_exact_mut(channels) {
        let (color, alpha) = pixel.split_at_mut(channels - 1);
        let alpha: f32 = alpha[0].into();
        for value in color {
            let premultiplied: f32 = (*value).into();
            *value =
                if alpha > 0.0 { S::round(premultiplied * S::TOP / alpha) } else { S::default() };
        }
    }
}

fn decode_palette(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Raster, ConvertError> {
    let mut decoder = open(Cursor::new(bytes), limits)?;
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(error)?;
    let mut as_gray = bytes.to_vec();
    let at = value_of_tag(bytes, 262).ok_or_else(|| damaged("its header makes no sense"))?;
    let one = if bytes[0] == b'I' { [1, 0] } else { [0, 1] };
    as_gray[at..at + 2].copy_from_slice(&one);
    let mut decoder = open(Cursor::new(as_gray), limits)?;
    let mut result = DecodingResult::U8(Vec::new());
    decoder.read_image_to_buffer(&mut result).map_err(error)?;
    let indexes = match result {
        DecodingResult::U8(packed) if header.bits < 8 => {
            unpack(&packed, header.size, header.bits, 1)
        }
        DecodingResult::U8(indexes) => indexes,
        _ => return Err(unsupported("a TIFF with a palette of more than 256 colours")),
    };
    let stored = usize::from(decoder.colortype().map_err(error)?.num_samples());
    let colors = 1 << header.bits;
    let (red, rest) = map.split_at_checked(colors).unwrap_or_default();
    let (green, blue) = rest.split_at_checked(colors).unwrap_or_default();
    if blue.len() < colors {
        return Err(damaged("its palette is incomplete"));
    }
    // Some old writers put 8-bit values where 16-bit ones belong.
    let shift = if map.iter().all(|&v| v < 256) { 0 } else { 8 };
    let mut samples = Vec::with_capacity(indexes.len() / stored * 3);
    for pixel in indexes.chunks_exact(stored) {
        let index = usize::from(pixel[0]);
        #[expect(clippy::cast_possible_truncation, reason = "the upper half of 16 bits")]
        samples.extend([red, green, blue].map(|plane| (plane[index] >> shift) as u8));
    }
    Raster::new(header.size, PixelType::Rgb, Alpha::None, Samples::Eight(samples))
        .map_err(|_| damaged("its pixels are not as many as its header says"))
}

/// Finds where the value of a tag of the first directory stands (classic TIFF and `BigTIFF`).
fn value_of_tag(bytes: &[u8], wanted: u16) -> Option<usize> {
    let little = bytes.first()? == &b'I';
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        let value =
            if little { field.iter().rev().fold(0, add) } else { field.iter().fold(0, add) };
        usize::try_from(value).ok()
    };
    let big = number(2, 2)? == 43;
    let (start, counter, entry, value) = if big { (8, 8, 20, 12) } else { (4, 2, 12, 8) };
    let directory = number(start, if big { 8 } else { 4 })?;
    let count = number(directory, counter)?.min(4096);
    let first = directory.checked_add(counter)?;
    let at = (0..count)
        .map(|n| first.saturating_add(n * entry))
        .find(|&at| number(at, 2) == Some(usize::from(wanted)))?
        .checked_add(value)?;
    (at + 2 <= bytes.len()).then_some(at)
}

fn error(error: TiffError) -> ConvertError {
    match error {
        TiffError::IoError(error) => read_error(error),
        TiffError::FormatError(_) | TiffError::IntSizeError | TiffError::UsageError(_) => {
            damaged("its header or its compressed data make no sense")
        }
        TiffError::UnsupportedError(_) => unsupported("a rare kind of TIFF"),
        TiffError::LimitsExceeded => unsupported("a TIFF whose parts are too large"),
    }
}

// -- writing

/// Gray with alpha; the encoder has no type for it.
struct GrayA8;

impl ColorType for GrayA8 {
    type Inner = u8;
    const TIFF_VALUE: PhotometricInterpretation = PhotometricInterpretation::BlackIsZero;
    const BITS_PER_SAMPLE: &'static [u16] = &[8; 2];
    const SAMPLE_FORMAT: &'static [SampleFormat] = &[SampleFormat::Uint; 2];

    fn horizontal_predict(row: &[u8], result: &mut Vec<u8>) {
        predict::<2>(row, result);
    }
}

/// CMYK with alpha; the encoder has no type for it.
struct CmykA8;

impl ColorType for CmykA8 {
    type Inner = u8;
    const TIFF_VALUE: PhotometricInterpretation = PhotometricInterpretation::CMYK;
    const BITS_PER_SAMPLE: &'static [u16] = &[8; 5];
    const SAMPLE_FORMAT: &'static [SampleFormat] = &[SampleFormat::Uint; 5];

    fn horizontal_predict(row: &[u8], result: &mut Vec<u8>) {
        predict::<5>(row, result);
    }
}

/// Stores differences to the pixel on the left (TIFF 6.0, section 14).
fn predict<const N: usize>(row: &[u8], result: &mut Vec<u8>) {
    result.extend_from_slice(&row[..N]);
    result.extend(row.iter().zip(&row[N..]).map(|(left, here)| here.wrapping_sub(*left)));
}

/// Bytes whose meaning is the tag's alone.
struct Undefined<'a>(&'a [u8]);

impl TiffValue for Undefined<'_> {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::UNDEFINED;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0)
    }
}

/// Writes a TIFF of one page in strips of about a megabyte; LZW and deflate with prediction.
pub(super) fn encode(
    picture: &Raster,
    compression: TiffCompression,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the TIFF writer"));
    };
    let (compression, predictor) = match compression {
        TiffCompression::None => (Compression::Uncompressed, Predictor::None),
        TiffCompression::Lzw => (Compression::Lzw, Predictor::Horizontal),
        TiffCompression::Zip => {
            (Compression::Deflate(DeflateLevel::Balanced), Predictor::Horizontal)
        }
        TiffCompression::Jpeg { quality, full_chroma } => {
            let settings = Settings { quality, full_chroma, scans: Scans::Baseline };
            return tiff_jpeg::encode(picture, settings, dpi, embedded);
        }
    };
    let file = File { size: picture.size(), samples, compression, predictor, dpi, embedded };
    match (picture.pixel_type(), picture.has_alpha()) {
        (PixelType::Gray, false) => file.write::<Gray8>(),
        (PixelType::Gray, true) => file.write::<GrayA8>(),
        (PixelType::Rgb, false) => file.write::<RGB8>(),
        (PixelType::Rgb, true) => file.write::<RGBA8>(),
        (PixelType::Cmyk, false) => file.write::<CMYK8>(),
        (PixelType::Cmyk, true) => file.write::<CmykA8>(),
    }
    .map_err(|error| ConvertError::internal(error.to_string()))
}

struct File<'a> {
    size: Size,
    samples: &'a [u8],
    compression: Compression,
    predictor: Predictor,
    dpi: Option<f64>,
    embedded: Embedded<'a>,
}

impl File<'_> {
    fn write<C: ColorType<Inner = u8>>(&self) -> TiffResult<Vec<u8>> {
        let mut file = Cursor::new(Vec::with_capacity(self.samples.len() + 4096));
        let mut encoder = TiffEncoder::new(&mut file)?
            .with_compression(self.compression)
            .with_predictor(self.predictor);
        let mut image = encoder.new_image::<C>(self.size.width, self.size.height)?;
        let colors = match C::TIFF_VALUE {
            PhotometricInterpretation::BlackIsZero => 1,
            PhotometricInterpretation::CMYK => 4,
            _ => 3,
        };
        if C::BITS_PER_SAMPLE.len() > colors {
            // 2 is unassociated: the colour is not multiplied by it.
            image.encoder().write_tag(Tag::ExtraSamples, &[2_u16][..])?;
        }
        if let Some(dpi) = self.dpi {
            let hundredths = Rational { n: whole(dpi * 100.0, u32::MAX), d: 100 };
            image.resolution(ResolutionUnit::Inch, hundredths);
        }
        if let Some(profile) = self.embedded.profile {
            image.encoder().write_tag(Tag::IccProfile, Undefined(profile))?;
        }
        image.write_data(self.samples)?;
        Ok(file.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_spread_to_the_whole_range() {
        let size = Size::new(5, 1);
        assert_eq!(unpack(&[0b1010_1000], size, 1, scale_of(1)), [255, 0, 255, 0, 255]);
        let size = Size::new(3, 1);
        assert_eq!(unpack(&[0b0001_1011], size, 2, scale_of(2)), [0, 85, 170]);
        assert_eq!(unpack(&[0x0f, 0x10], size, 4, scale_of(4)), [0, 255, 17]);
    }

    #[test]
    fn alpha_is_divided_out() {
        let mut pixels = [64_u8, 0, 128, 128, 10, 20, 30, 0, 1, 2, 3, 255];
        divide_alpha(&mut pixels, 4);
        assert_eq!(pixels, [128, 0, 255, 128, 0, 0, 0, 0, 1, 2, 3, 255]);
    }
}
