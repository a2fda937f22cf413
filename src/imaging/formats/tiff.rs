//! TIFF, both ways (TIFF 6.0; the Photoshop and ICC tags).
//!
//! Read is one page (which, is said in `page`): gray, RGB, CMYK, palette, YCbCr and Lab, in strips
//! or tiles, pixels or planes, 1 to 16 bits (32-bit whole numbers and fractions of 1 lose their
//! lower half), packed in any way but old-style JPEG and a few that are rarer. The first extra
//! sample is alpha when the file calls it so: associated alpha is divided out, unassociated is
//! taken as it is. Extra samples the file calls nothing (Photoshop's saved selections) are not
//! transparency.
//!
//! The decoder knows no palettes, no Lab and no white that is 0 beside alpha: such a page is read
//! as if it were gray, and given its meaning here. Lab is delivered as sRGB of 16 bits.

use std::io::{BufRead, Cursor, Seek, SeekFrom};

use tiff::TiffError;
use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use tiff::tags::{Tag, Type, ValueBuffer};

use super::exif::{dots_per_inch, orientation_of};
use super::photoshop::{self, Resource};
use super::{Header, SourceFormat, cut_short, damaged, divide_alpha, read_error, unsupported};
use crate::diag::phrase;
use crate::imaging::color::LabToRgb;
use crate::imaging::hands::Hands;
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, as_usize, each_depth};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

mod fax;
mod packed;
mod page;
mod write;

use page::{Choice, Shown, View};
pub(super) use write::encode;

/// Most bytes of one tag's value: colour profiles and lists of strips.
const TAG_BYTES: usize = 32 << 20;

const XMP: Tag = Tag::Unknown(700);
const PHOTOSHOP: Tag = Tag::Unknown(34_377);

const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CMYK: u16 = 5;
const YCBCR: u16 = 6;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;
const ITU_LAB: u16 = 10;

/// Compressions; those of faxes are in `fax`.
const NONE: u16 = 1;
const LZW: u16 = 5;
const OLD_JPEG: u16 = 6;
const JPEG: u16 = 7;
/// Both numbers that deflate has.
const DEFLATE: u16 = 8;
const OLD_DEFLATE: u16 = 32_946;

/// How the samples of a page lie in the file.
struct Page {
    size: Size,
    photometric: u16,
    bits: u8,
    planar: bool,
    /// Components of a stored pixel.
    stored: usize,
    /// What the first extra sample is.
    alpha: AlphaKind,
    compression: u16,
    tiled: bool,
    /// Whether the first pixel is in the lowest bit of a byte.
    reversed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AlphaKind {
    None,
    /// The colour was multiplied by it.
    Associated,
    Unassociated,
}

impl Page {
    fn read<R: BufRead + Seek>(
        decoder: &mut Decoder<View<R>>,
        photometric: u16,
    ) -> Result<Self, ConvertError> {
        let width = tag(decoder, Tag::ImageWidth, 0)?;
        let height = tag(decoder, Tag::ImageLength, 0)?;
        let bits = first(decoder, Tag::BitsPerSample)?.unwrap_or(1);
        let format = first(decoder, Tag::SampleFormat)?.unwrap_or(1);
        let samples: u16 = tag(decoder, Tag::SamplesPerPixel, 1)?;
        let page = Self {
            size: Size::new(width, height),
            photometric,
            bits: u8::try_from(bits).unwrap_or(u8::MAX),
            planar: tag::<_, u16>(decoder, Tag::PlanarConfiguration, 1)? == 2,
            stored: usize::from(samples),
            alpha: match first(decoder, Tag::ExtraSamples)? {
                Some(1) => AlphaKind::Associated,
                Some(2) => AlphaKind::Unassociated,
                _ => AlphaKind::None,
            },
            compression: tag(decoder, Tag::Compression, NONE)?,
            tiled: decoder.find_tag(Tag::TileOffsets).map_err(error)?.is_some(),
            reversed: tag::<_, u16>(decoder, Tag::FillOrder, 1)? == 2,
        };
        page.check_numbers(bits, format)?;
        page.check_packing(decoder)?;
        if page.stored < page.wanted() {
            return Err(damaged(phrase!(
                "damage-fewer-components-than-colours-need",
                "it has fewer components than its colours need"
            )));
        }
        Ok(page)
    }

    fn check_numbers(&self, bits: u16, format: u16) -> Result<(), ConvertError> {
        match (self.photometric, bits, format) {
            (PALETTE, 1 | 2 | 4 | 8, 1)
            | (WHITE_IS_ZERO | BLACK_IS_ZERO, 1 | 2 | 4 | 8 | 16 | 32, 1)
            | (RGB | CMYK, 8 | 16 | 32, 1)
            | (WHITE_IS_ZERO | BLACK_IS_ZERO | RGB | CMYK, 16 | 32, 3)
            | (YCBCR, 8, 1) => Ok(()),
            // Its numbers are what the kind of Lab says, whatever else the file calls them.
            (CIE_LAB | ICC_LAB, 8 | 16, _) | (ITU_LAB, 8, _)
                if self.alpha != AlphaKind::Associated =>
            {
                Ok(())
            }
            (CIE_LAB..=ITU_LAB, 8 | 16, _) => Err(unsupported(phrase!(
                "source-tiff-rare-kind-cie-lab",
                "a TIFF in a rare kind of CIE Lab"
            ))),
            (WHITE_IS_ZERO..=CMYK | YCBCR | CIE_LAB..=ITU_LAB, ..) => {
                Err(unsupported(match format {
                    1 => phrase!(
                        "source-tiff-bits",
                        "a TIFF with {bits} bits per component",
                        bits = bits
                    ),
                    2 => phrase!(
                        "source-tiff-bits-signed",
                        "a TIFF with signed {bits}-bit values",
                        bits = bits
                    ),
                    3 => phrase!(
                        "source-tiff-bits-fractions",
                        "a TIFF with {bits}-bit floating-point values",
                        bits = bits
                    ),
                    _ => phrase!(
                        "source-tiff-bits-rare",
                        "a TIFF with {bits}-bit values of a rare kind",
                        bits = bits
                    ),
                }))
            }
            _ => Err(unsupported(phrase!(
                "source-tiff-rare-colour-space",
                "a TIFF in a rare colour space"
            ))),
        }
    }

    fn check_packing<R: BufRead + Seek>(
        &self,
        decoder: &mut Decoder<View<R>>,
    ) -> Result<(), ConvertError> {
        let name = match self.compression {
            fax::RUNS | fax::GROUP_3 | fax::GROUP_4 => {
                let gray = matches!(self.photometric, WHITE_IS_ZERO | BLACK_IS_ZERO);
                if !gray || self.bits != 1 || self.stored != 1 {
                    return Err(unsupported(phrase!(
                        "source-tiff-fax-not-black-and-white",
                        "a fax-compressed TIFF that is not black and white"
                    )));
                }
                return Ok(());
            }
            // The last is PackBits.
            NONE | LZW | JPEG | DEFLATE | OLD_DEFLATE | 32_773 => {
                if self.planar && self.tiled && self.stored > 1 && self.compression != LZW {
                    return Err(unsupported(phrase!(
                        "source-tiff-components-tiled-apart",
                        "a TIFF whose components are tiled apart"
                    )));
                }
                if self.reversed && self.compression != JPEG && !self.is_unpacked_bytes() {
                    return Err(unsupported(phrase!(
                        "source-packed-tiff-bits-reverse-order",
                        "a compressed TIFF with its bits in reverse order"
                    )));
                }
                if self.photometric == YCBCR && self.compression != JPEG {
                    let shares = decoder.find_tag_unsigned_vec::<u16>(Tag::ChromaSubsampling);
                    if shares.map_err(error)? != Some(vec![1, 1]) {
                        return Err(unsupported(phrase!(
                            "source-tiff-ycbcr-without-jpeg",
                            "a TIFF in YCbCr without JPEG compression"
                        )));
                    }
                }
                return Ok(());
            }
            OLD_JPEG => {
                return Err(unsupported(phrase!(
                    "source-tiff-old-jpeg",
                    "a TIFF with the old kind of JPEG compression"
                )));
            }
            33_003 | 33_005 | 34_712 => "JPEG 2000",
            34_887 => "LERC",
            34_925 => "LZMA",
            50_000 => "Zstandard",
            50_001 => "WebP",
            number => {
                return Err(unsupported(phrase!(
                    "source-tiff-packed-rarely",
                    "a TIFF with a rare compression ({number})",
                    number = number
                )));
            }
        };
        Err(unsupported(phrase!(
            "source-tiff-packed-as",
            "a TIFF with {name} compression",
            name = name
        )))
    }

    const fn is_unpacked_bytes(&self) -> bool {
        self.compression == NONE && self.bits <= 8
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

    /// Counts the components that are kept of a stored pixel.
    const fn wanted(&self) -> usize {
        let colors = if self.photometric == PALETTE { 1 } else { self.pixel_type().components() };
        colors + self.has_alpha() as usize
    }

    const fn is_lab(&self) -> bool {
        matches!(self.photometric, CIE_LAB..=ITU_LAB)
    }
}

const fn shown(photometric: u16) -> Shown {
    match photometric {
        WHITE_IS_ZERO | PALETTE => Shown::Gray,
        // Two of three components may be signed, which the decoder refuses.
        CIE_LAB..=ITU_LAB => Shown::UnsignedGray,
        _ => Shown::Plain,
    }
}

/// Opens the page that is the picture; returns its photometric interpretation, too.
fn open<R: BufRead + Seek>(
    mut input: R,
    limits: &Limits,
) -> Result<(Decoder<View<R>>, u16), ConvertError> {
    let mut own = TiffLimits::default();
    let most = usize::try_from(limits.max_alloc).unwrap_or(usize::MAX);
    own.decoding_buffer_size = most;
    own.intermediate_buffer_size = most;
    own.ifd_value_size = TAG_BYTES.min(most);
    input.seek(SeekFrom::Start(0)).map_err(ConvertError::Read)?;
    let choice = Choice::read(&mut input, shown)?;
    input.seek(SeekFrom::Start(0)).map_err(ConvertError::Read)?;
    let decoder = Decoder::new(choice.view(input)).map_err(error)?.with_limits(own);
    Ok((decoder, choice.photometric.unwrap_or(BLACK_IS_ZERO)))
}

pub(super) fn header<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Header, ConvertError> {
    let (mut decoder, photometric) = open(input, limits)?;
    let page = Page::read(&mut decoder, photometric)?;
    let unit = tag(&mut decoder, Tag::ResolutionUnit, 2)?;
    // Neither is worth a picture.
    let resolution = match decoder.find_tag(Tag::XResolution) {
        Ok(Some(Value::Rational(n, d))) if d > 0 => Some(f64::from(n) / f64::from(d)),
        _ => None,
    };
    // A profile of Lab has nothing to say of what it is delivered as.
    let profile = if page.is_lab() { None } else { block(&mut decoder, Tag::IccProfile) };
    Ok(Header {
        pixel_type: page.pixel_type(),
        bits: if page.is_lab() { 16 } else { page.bits },
        alpha: page.has_alpha(),
        dpi: resolution.and_then(|value| dots_per_inch(value, unit)),
        orientation: orientation_of(tag(&mut decoder, Tag::Orientation, 1)?),
        profile: profile.map(Into::into),
        ..Header::new(SourceFormat::Tiff, page.size)
    })
}

/// Reads the image resources somebody wants.
pub(super) fn resources<R: BufRead + Seek>(
    input: R,
    limits: &Limits,
    wanted: impl Fn(u16) -> bool,
) -> Vec<Resource> {
    let block = value(input, limits, PHOTOSHOP).unwrap_or_default();
    photoshop::resources(&mut Cursor::new(&block), block.len() as u64, wanted)
}

/// Reads the XMP packet.
pub(super) fn xmp<R: BufRead + Seek>(input: R, limits: &Limits) -> Option<Vec<u8>> {
    value(input, limits, XMP)
}

fn value<R: BufRead + Seek>(input: R, limits: &Limits, tag: Tag) -> Option<Vec<u8>> {
    block(&mut open(input, limits).ok()?.0, tag)
}

/// Reads a value of many bytes. Not through `get_tag_u8_vec`, which makes a number of each.
fn block<R: BufRead + Seek>(decoder: &mut Decoder<View<R>>, tag: Tag) -> Option<Vec<u8>> {
    let mut value = ValueBuffer::empty(Type::UNDEFINED);
    decoder.image_ifd().find_tag_buf(tag, &mut value).ok()??;
    matches!(value.data_type(), Type::UNDEFINED | Type::BYTE).then(|| value.as_bytes().to_vec())
}

fn tag<R: BufRead + Seek, T: TryFrom<u64>>(
    decoder: &mut Decoder<View<R>>,
    tag: Tag,
    default: T,
) -> Result<T, ConvertError> {
    let found = decoder.find_tag_unsigned(tag).map_err(error)?;
    Ok(found.unwrap_or(default))
}

fn first<R: BufRead + Seek>(
    decoder: &mut Decoder<View<R>>,
    tag: Tag,
) -> Result<Option<u16>, ConvertError> {
    let all = decoder.find_tag_unsigned_vec::<u16>(tag).map_err(error)?;
    Ok(all.and_then(|all| all.first().copied()))
}

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    hands: Hands<'_>,
) -> Result<Raster, ConvertError> {
    let (mut decoder, photometric) = open(Cursor::new(bytes), limits)?;
    let page = Page::read(&mut decoder, photometric)?;
    let mut samples = match page.compression {
        fax::RUNS | fax::GROUP_3 | fax::GROUP_4 => {
            Samples::Eight(faxed(bytes, &page, &mut decoder)?)
        }
        _ => {
            let (unpacked, components) = match packed(bytes, &page, &mut decoder, limits, hands)? {
                Some(unpacked) => (unpacked, page.stored),
                None => unpacked(&page, &mut decoder)?,
            };
            stored(&page, unpacked, components)?
        }
    };
    if page.alpha == AlphaKind::Associated && page.has_alpha() {
        each_depth!(&mut samples, s => divide_alpha(s, page.wanted()));
    }
    let samples = match (page.photometric, samples) {
        (WHITE_IS_ZERO, mut samples) => {
            each_depth!(&mut samples, s => invert(s, page.wanted()));
            samples
        }
        (PALETTE, Samples::Eight(indexes)) => {
            let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(error)?;
            Samples::Eight(look_up(&indexes, &map, 1 << page.bits)?)
        }
        (YCBCR, Samples::Eight(mut samples)) => {
            ycbcr_to_rgb(&mut samples, page.wanted());
            Samples::Eight(samples)
        }
        (_, samples) if page.is_lab() => {
            Samples::Sixteen(each_depth!(samples, s => lab_to_rgb(&s, &page)?))
        }
        (_, samples) => samples,
    };
    Raster::new(page.size, page.pixel_type(), Alpha::from_bool(header.alpha), samples).map_err(
        |_| {
            damaged(phrase!(
                "damage-pixels-fewer-than-header-says",
                "it does not have as many pixels as its header says"
            ))
        },
    )
}

/// Reads the components as they are stored, and says how many the decoder left of a pixel: it drops
/// some of those that are not colours.
fn unpacked<R: BufRead + Seek>(
    page: &Page,
    decoder: &mut Decoder<View<R>>,
) -> Result<(DecodingResult, usize), ConvertError> {
    let components = decoder.colortype().map_err(error)?.num_samples().into();
    let mut result = DecodingResult::U8(Vec::new());
    let buffer = decoder.read_image_to_buffer(&mut result).map_err(error)?;
    if page.planar && result.as_buffer(0).as_bytes().len() < buffer.complete_len {
        return Err(damaged(phrase!(
            "damage-fewer-components-than-colours-need",
            "it has fewer components than its colours need"
        )));
    }
    Ok((result, components))
}

/// Picks the components that are wanted of every pixel; those of less than 8 bits are spread to 8,
/// but indexes are not.
fn stored(
    page: &Page,
    unpacked: DecodingResult,
    components: usize,
) -> Result<Samples, ConvertError> {
    let layout = Layout {
        pixels: as_usize(page.size.width) * as_usize(page.size.height),
        stored: components,
        wanted: page.wanted(),
    };
    Ok(match unpacked {
        DecodingResult::U8(mut samples) => {
            if page.reversed && page.is_unpacked_bytes() {
                for byte in &mut samples {
                    *byte = byte.reverse_bits();
                }
            }
            if page.bits < 8 {
                let scale = if page.photometric == PALETTE { 1 } else { scale_of(page.bits) };
                let (in_row, planes) =
                    if page.planar { (1, layout.stored) } else { (layout.stored, 1) };
                let rows = Size::new(
                    page.size.width.saturating_mul(u32::try_from(in_row).unwrap_or(u32::MAX)),
                    page.size.height.saturating_mul(u32::try_from(planes).unwrap_or(u32::MAX)),
                );
                samples = unpack(&samples, rows, page.bits, scale);
            }
            Samples::Eight(layout.arrange(samples, page.planar))
        }
        DecodingResult::U16(samples) => Samples::Sixteen(layout.arrange(samples, page.planar)),
        DecodingResult::U32(samples) => {
            let high = samples.into_iter().map(|v| (v >> 16) as u16).collect();
            Samples::Sixteen(layout.arrange(high, page.planar))
        }
        DecodingResult::F16(samples) => {
            let levels = samples.into_iter().map(|v| u16::round(v.to_f32() * u16::TOP)).collect();
            Samples::Sixteen(layout.arrange(levels, page.planar))
        }
        DecodingResult::F32(samples) => {
            let levels = samples.into_iter().map(|v| u16::round(v * u16::TOP)).collect();
            Samples::Sixteen(layout.arrange(levels, page.planar))
        }
        _ => {
            return Err(unsupported(phrase!(
                "source-tiff-rare-kind-numbers",
                "a TIFF with a rare kind of numbers"
            )));
        }
    })
}

/// Where the strips or tiles of a page lie in the file.
struct Pieces {
    /// Size of a piece, no side 0; the last strip may be less high.
    size: Size,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

impl Pieces {
    fn read<R: BufRead + Seek>(
        page: &Page,
        decoder: &mut Decoder<View<R>>,
    ) -> Result<Self, ConvertError> {
        let Size { width, height } = page.size;
        let (size, offsets, lengths) = if page.tiled {
            let width = tag(decoder, Tag::TileWidth, width)?;
            let height = tag(decoder, Tag::TileLength, height)?;
            (Size::new(width, height), Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            let rows: u32 = tag(decoder, Tag::RowsPerStrip, height)?;
            (Size::new(width, rows.min(height)), Tag::StripOffsets, Tag::StripByteCounts)
        };
        if size.pixels() == 0 {
            return Err(damaged(phrase!("damage-header-makes-no-sense", "its header is invalid")));
        }
        Ok(Self {
            size,
            offsets: decoder.get_tag_u64_vec(offsets).map_err(error)?,
            lengths: decoder.get_tag_u64_vec(lengths).map_err(error)?,
        })
    }

    /// Returns what a piece is packed into.
    fn data<'a>(&self, file: &'a [u8], number: usize) -> Result<&'a [u8], ConvertError> {
        let piece = || {
            let at = usize::try_from(*self.offsets.get(number)?).ok()?;
            let length = usize::try_from(*self.lengths.get(number)?).ok()?;
            file.get(at..at.checked_add(length)?)
        };
        piece().ok_or_else(cut_short)
    }
}

fn faxed<R: BufRead + Seek>(
    bytes: &[u8],
    page: &Page,
    decoder: &mut Decoder<View<R>>,
) -> Result<Vec<u8>, ConvertError> {
    let packing = fax::Packing {
        compression: page.compression,
        // T4Options; those of T.6 say nothing that is in use.
        options: tag(decoder, Tag::Unknown(292), 0)?,
        reversed: page.reversed,
    };
    fax::decode(bytes, page.size, packing, &Pieces::read(page, decoder)?)
}

/// Unpacks LZW and deflate; none where the page is packed otherwise, or is one of the rarer kinds.
fn packed<R: BufRead + Seek>(
    bytes: &[u8],
    page: &Page,
    decoder: &mut Decoder<View<R>>,
    limits: &Limits,
    hands: Hands<'_>,
) -> Result<Option<DecodingResult>, ConvertError> {
    let method = match page.compression {
        LZW => packed::Method::Lzw,
        DEFLATE | OLD_DEFLATE => packed::Method::Deflate,
        _ => return Ok(None),
    };
    let predictor: u16 = tag(decoder, Tag::Predictor, 1)?;
    let whole = first(decoder, Tag::SampleFormat)?.unwrap_or(1) == 1;
    let usual = match predictor {
        1 => page.bits <= 16,
        2 => matches!(page.bits, 8 | 16),
        _ => false,
    };
    if !whole || !usual {
        return Ok(None);
    }
    let (components, planes) = if page.planar { (1, page.stored) } else { (page.stored, 1) };
    let packing = packed::Packing {
        method,
        page: page.size,
        tiled: page.tiled,
        bits: page.bits.into(),
        components,
        planes,
        predicted: predictor == 2,
        little: bytes.first() == Some(&b'I'),
    };
    let pieces = Pieces::read(page, decoder)?;
    Ok(Some(if page.bits == 16 {
        DecodingResult::U16(packed::decode(bytes, &packing, &pieces, limits, hands)?)
    } else {
        DecodingResult::U8(packed::decode(bytes, &packing, &pieces, limits, hands)?)
    }))
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

/// Exchanges white and black; alpha stays.
fn invert<S: Sample>(samples: &mut [S], channels: usize) {
    for pixel in samples.chunks_exact_mut(channels) {
        pixel[0] = pixel[0].inverted();
    }
}

fn look_up(indexes: &[u8], map: &[u16], colors: usize) -> Result<Vec<u8>, ConvertError> {
    let (red, rest) = map.split_at_checked(colors).unwrap_or_default();
    let (green, blue) = rest.split_at_checked(colors).unwrap_or_default();
    if blue.len() < colors {
        return Err(damaged(phrase!("damage-palette-incomplete", "its palette is incomplete")));
    }
    // Some old writers put 8-bit values where 16-bit ones belong.
    let shift = if map.iter().all(|&v| v < 256) { 0 } else { 8 };
    let mut samples = Vec::with_capacity(indexes.len() * 3);
    for &index in indexes {
        #[expect(clippy::cast_possible_truncation, reason = "the upper half of 16 bits")]
        samples.extend([red, green, blue].map(|plane| (plane[usize::from(index)] >> shift) as u8));
    }
    Ok(samples)
}

/// Converts Lab to sRGB; alpha stays.
fn lab_to_rgb<S: Sample>(samples: &[S], page: &Page) -> Result<Vec<u16>, ConvertError> {
    let numbers = |pixel: &[S]| lab(pixel, page.photometric);
    Ok(LabToRgb::new()?.pixels(samples, page.wanted(), numbers))
}

/// Returns the numbers of a stored colour (TIFF 6.0, section 23; Photoshop TIFF Technical Notes,
/// `ICCLab`; RFC 2301, `ITULab`).
fn lab<S: Sample>(pixel: &[S], kind: u16) -> [f32; 3] {
    let [l, a, b]: [f32; 3] = [0, 1, 2].map(|n| pixel[n].into());
    let (whole, unit) = if S::TOP > 255.0 { (65_536.0, 256.0) } else { (256.0, 1.0) };
    // The upper half of the numbers stands for those below 0.
    let signed = |v: f32| (if v >= whole / 2.0 { v - whole } else { v }) / unit;
    match kind {
        CIE_LAB => [l * 100.0 / S::TOP, signed(a), signed(b)],
        ITU_LAB => [l * 100.0 / S::TOP, (a - 128.0) * 170.0 / 255.0, (b - 96.0) * 200.0 / 255.0],
        // Of 16 bits, 100 is 255 times 256.
        _ => [l * 100.0 / (255.0 * unit), a / unit - 128.0, b / unit - 128.0],
    }
}

fn error(error: TiffError) -> ConvertError {
    match error {
        TiffError::IoError(error) => read_error(error),
        TiffError::FormatError(_) | TiffError::IntSizeError | TiffError::UsageError(_) => {
            damaged(phrase!(
                "damage-header-or-compressed-data-make",
                "its header or its compressed data cannot be read"
            ))
        }
        TiffError::UnsupportedError(_) => {
            unsupported(phrase!("source-rare-tiff", "a rare kind of TIFF"))
        }
        TiffError::LimitsExceeded => {
            unsupported(phrase!("source-tiff-parts-too-large", "a TIFF whose parts are too large"))
        }
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
}
