//! Photoshop documents, PSD and PSB, reading only (Adobe Photoshop File Formats Specification).
//!
//! Read is the merged picture at the end of the file, which Photoshop writes when "Maximize
//! Compatibility" is on; a document that says it has none is not supported. Bitmap, gray, indexed,
//! RGB, CMYK, Lab and duotone (as the gray picture its inks are made of), of 1, 8, 16 or 32 bits;
//! fractions of 32 bits lose what is above white and below 1/65,535, and are taken as they are
//! where no profile says that they are linear. Lab is delivered as sRGB of 16 bits.
//!
//! The first channel behind the colours is transparency only where the layer section says so (a
//! negative number of layers, or a block that says the transparency was saved); else it is a
//! selection somebody saved, and ignored. Photoshop puts the merged colours on white before it
//! writes them; that is undone here, or half-transparent edges would be too bright.

use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};

use flate2::read::ZlibDecoder;

use super::photoshop::{self, Resource};
use super::{Header, SourceFormat, cut_short, damaged, read_error, resolution, unsupported};
use crate::diag::phrase;
use crate::imaging::color::LabToRgb;
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, as_usize};
use crate::imaging::{ConvertError, PixelType, Size};

pub(super) const RESOLUTION: u16 = 1005;
pub(super) const PROFILE: u16 = 1039;
const TRANSPARENT_INDEX: u16 = 1047;
const VERSION_INFO: u16 = 1057;
/// The XMP packet.
pub(super) const XMP: u16 = 1060;

/// Bytes of the palette of an indexed document: 256 reds, greens, blues.
const PALETTE: u64 = 768;

/// Most blocks behind the layers that are looked at.
const MAX_BLOCKS: usize = 1000;

/// Blocks whose length takes eight bytes in a PSB.
const LONG_BLOCKS: [&[u8; 4]; 13] = [
    b"LMsk", b"Lr16", b"Lr32", b"Layr", b"Mt16", b"Mt32", b"Mtrn", b"Alph", b"FMsk", b"lnk2",
    b"FEid", b"FXid", b"PxSD",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bitmap,
    Gray,
    Indexed,
    Rgb,
    Cmyk,
    Lab,
}

/// The parts of a document before its pixels.
#[derive(Debug)]
struct Document {
    /// Whether it is a PSB: more fields of eight bytes.
    big: bool,
    channels: u16,
    size: Size,
    /// Bits per component.
    depth: u16,
    mode: Mode,
    /// Whether the first channel behind the colours is the picture's transparency.
    transparent: bool,
    /// Reds, greens and blues of an indexed document; else empty.
    palette: Vec<u8>,
    resources: Vec<Resource>,
    /// Where the merged picture begins.
    merged: u64,
}

impl Document {
    fn read<R: BufRead + Seek>(input: &mut R) -> Result<Self, ConvertError> {
        let [_, _, _, _, version @ ..] = bytes::<6, _>(input)?;
        let big = match u16::from_be_bytes(version) {
            1 => false,
            2 => true,
            n => {
                return Err(unsupported(phrase!(
                    "source-psd-version",
                    "a Photoshop document of version {n}",
                    n = n
                )));
            }
        };
        bytes::<6, _>(input)?;
        let channels = u16::from_be_bytes(bytes(input)?);
        let height = u32::from_be_bytes(bytes(input)?);
        let width = u32::from_be_bytes(bytes(input)?);
        let depth = u16::from_be_bytes(bytes(input)?);
        let mode = mode(u16::from_be_bytes(bytes(input)?), depth)?;

        let (colors, length) = section(input, false)?;
        let mut palette = Vec::new();
        if mode == Mode::Indexed {
            if length < PALETTE {
                return Err(damaged(phrase!(
                    "damage-palette-incomplete",
                    "its palette is incomplete"
                )));
            }
            input.take(PALETTE).read_to_end(&mut palette).map_err(read_error)?;
            if (palette.len() as u64) < PALETTE {
                return Err(cut_short());
            }
        }
        go_to(input, colors, length)?;

        let (start, length) = section(input, false)?;
        let wanted = [RESOLUTION, PROFILE, TRANSPARENT_INDEX, VERSION_INFO];
        let resources = photoshop::resources(input, length, |id| wanted.contains(&id));
        go_to(input, start, length)?;

        let (start, length) = section(input, big)?;
        let transparent = transparent(input, length, big)?;
        let merged = go_to(input, start, length)?;
        let size = Size::new(width, height);
        Ok(Self { big, channels, size, depth, mode, transparent, palette, resources, merged })
    }

    fn resource(&self, id: u16) -> Option<&[u8]> {
        self.resources.iter().find(|resource| resource.id == id).map(|found| &*found.data)
    }

    const fn pixel_type(&self) -> PixelType {
        match self.mode {
            Mode::Bitmap | Mode::Gray => PixelType::Gray,
            Mode::Indexed | Mode::Rgb | Mode::Lab => PixelType::Rgb,
            Mode::Cmyk => PixelType::Cmyk,
        }
    }

    /// Counts the channels that are stored for the colours.
    const fn colors(&self) -> u16 {
        match self.mode {
            Mode::Bitmap | Mode::Gray | Mode::Indexed => 1,
            Mode::Rgb | Mode::Lab => 3,
            Mode::Cmyk => 4,
        }
    }

    /// Returns the index that no colour is shown for.
    fn transparent_index(&self) -> Option<u8> {
        let data = self.resource(TRANSPARENT_INDEX).filter(|_| self.mode == Mode::Indexed)?;
        let [high, low] = *data.first_chunk::<2>()?;
        u8::try_from(u16::from_be_bytes([high, low])).ok()
    }

    /// Tells whether a channel behind the colours is transparency.
    fn has_alpha_channel(&self) -> bool {
        self.transparent
            && self.channels > self.colors()
            && !matches!(self.mode, Mode::Bitmap | Mode::Indexed)
    }
}

fn mode(number: u16, depth: u16) -> Result<Mode, ConvertError> {
    Ok(match (number, depth) {
        (0, 1) => Mode::Bitmap,
        // Duotone is a gray picture and a recipe for its inks.
        (1, 8 | 16 | 32) | (8, 8 | 16) => Mode::Gray,
        (2, 8) => Mode::Indexed,
        (3, 8 | 16 | 32) => Mode::Rgb,
        (4, 8 | 16) => Mode::Cmyk,
        (9, 8 | 16) => Mode::Lab,
        (7, _) => {
            return Err(unsupported(phrase!(
                "source-photoshop-document-multichannel-mode",
                "a Photoshop document in multichannel mode"
            )));
        }
        (0..=4 | 8 | 9, _) => {
            return Err(unsupported(phrase!(
                "source-psd-bits",
                "a Photoshop document with {depth} bits per component",
                depth = depth
            )));
        }
        _ => {
            return Err(damaged(phrase!(
                "damage-header-names-no-colour-mode",
                "its header names a colour mode that does not exist"
            )));
        }
    })
}

/// Reads the length of a section; returns where it begins, too.
fn section<R: BufRead + Seek>(input: &mut R, long: bool) -> Result<(u64, u64), ConvertError> {
    let length = length(input, long)?;
    Ok((input.stream_position().map_err(ConvertError::Read)?, length))
}

fn length<R: BufRead>(input: &mut R, long: bool) -> Result<u64, ConvertError> {
    Ok(if long {
        u64::from_be_bytes(bytes(input)?)
    } else {
        u64::from(u32::from_be_bytes(bytes(input)?))
    })
}

/// Goes to the end of a section.
fn go_to<R: Seek>(input: &mut R, start: u64, length: u64) -> Result<u64, ConvertError> {
    let end = start.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
    let end = end
        .ok_or_else(|| damaged(phrase!("damage-header-makes-no-sense", "its header is invalid")))?;
    input.seek(SeekFrom::Start(end)).map_err(read_error)
}

fn bytes<const N: usize, R: BufRead>(input: &mut R) -> Result<[u8; N], ConvertError> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map_err(read_error)?;
    Ok(bytes)
}

/// Tells from the layer section whether the merged picture's first further channel is its
/// transparency. Documents of 16 and 32 bits keep their layers in a block behind it.
fn transparent<R: BufRead + Seek>(
    input: &mut R,
    length_of_all: u64,
    big: bool,
) -> Result<bool, ConvertError> {
    let field = if big { 8 } else { 4 };
    if length_of_all < field {
        return Ok(false);
    }
    let (start, layers) = section(input, big)?;
    if layers >= 2 {
        return Ok(i16::from_be_bytes(bytes(input)?) < 0);
    }
    let end = (start - field).saturating_add(length_of_all);
    let mut at = go_to(input, start, layers)?;
    if at.saturating_add(4) > end {
        return Ok(false);
    }
    // What masks look like on the screen.
    let (start, masks) = section(input, false)?;
    at = go_to(input, start, masks)?;
    for _ in 0..MAX_BLOCKS {
        if at.saturating_add(12) > end {
            break;
        }
        let [s0, s1, s2, s3, key @ ..] = bytes::<8, _>(input)?;
        let long = big && LONG_BLOCKS.contains(&&key);
        let (start, length) = section(input, long)?;
        match (&[s0, s1, s2, s3], &key) {
            (b"8BIM" | b"8B64", b"Mtrn" | b"Mt16" | b"Mt32") => return Ok(true),
            (b"8BIM" | b"8B64", b"Layr" | b"Lr16" | b"Lr32") if length >= 2 => {
                return Ok(i16::from_be_bytes(bytes(input)?) < 0);
            }
            (b"8BIM" | b"8B64", _) => at = go_to(input, start, length.next_multiple_of(4))?,
            _ => break,
        }
    }
    Ok(false)
}

pub(super) fn header<R: BufRead + Seek>(mut input: R) -> Result<Header, ConvertError> {
    let document = Document::read(&mut input)?;
    if document.channels < document.colors() {
        return Err(damaged(phrase!(
            "damage-fewer-components-than-colours-need",
            "it has fewer components than its colours need"
        )));
    }
    // A version, then whether the merged picture is one.
    if let Some([_, _, _, _, 0, ..]) = document.resource(VERSION_INFO) {
        return Err(unsupported(phrase!(
            "source-photoshop-document-without-merged-picture",
            "a Photoshop document saved without \"Maximize Compatibility\""
        )));
    }
    // The unit behind it is the one it is shown in; the number is always in inches.
    let dpi = document.resource(RESOLUTION).and_then(<[u8]>::first_chunk::<4>);
    let dpi = dpi.map(|bytes| f64::from(u32::from_be_bytes(*bytes)) / 65_536.0);
    let profile = document.resource(PROFILE).filter(|_| document.mode != Mode::Lab);
    Ok(Header {
        pixel_type: document.pixel_type(),
        bits: match (document.mode, document.depth) {
            // What it is delivered in.
            (Mode::Lab, _) | (_, 16) => 16,
            (_, 1) => 1,
            (_, 8) => 8,
            _ => 32,
        },
        alpha: document.has_alpha_channel() || document.transparent_index().is_some(),
        // Some writers put next to nothing there.
        dpi: dpi.and_then(resolution).filter(|dpi| *dpi >= 1.0),
        profile: profile.map(Into::into),
        ..Header::new(SourceFormat::Psd, document.size)
    })
}

/// Reads the resources somebody wants, and no pixels.
pub(super) fn resources<R: BufRead + Seek>(
    input: &mut R,
    wanted: impl Fn(u16) -> bool,
) -> Vec<Resource> {
    let mut length = || {
        bytes::<26, _>(input)?;
        let (colors, length) = section(input, false)?;
        go_to(input, colors, length)?;
        section(input, false)
    };
    match length() {
        Ok((_, length)) => photoshop::resources(input, length, wanted),
        Err(_) => Vec::new(),
    }
}

pub(super) fn decode(file: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let document = Document::read(&mut Cursor::new(file))?;
    let merged = usize::try_from(document.merged).ok().and_then(|at| file.get(at..));
    let mut rows = Rows::begin(merged.unwrap_or_default(), &document)?;
    let alpha = Alpha::from_bool(header.alpha);
    let samples = match (document.mode, document.depth) {
        (Mode::Bitmap, _) => {
            // A set bit is ink.
            let spread = |row: &[u8], out: &mut Vec<u8>| {
                let bits = row.iter().flat_map(|byte| (0..8).map(move |n| byte << n));
                out.extend(bits.map(|bits| if bits & 0x80 == 0 { 255 } else { 0 }));
            };
            Samples::Eight(gather(&mut rows, &document, spread)?)
        }
        (Mode::Indexed, _) => {
            let indexes = gather(&mut rows, &document, |row, out| out.extend_from_slice(row))?;
            Samples::Eight(look_up(&indexes, &document.palette, document.transparent_index()))
        }
        (_, 8) => {
            let samples = gather(&mut rows, &document, |row, out| out.extend_from_slice(row))?;
            finished(samples, &document)?
        }
        (_, 16) => {
            let words = |row: &[u8], out: &mut Vec<u16>| {
                out.extend(row.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)));
            };
            finished(gather(&mut rows, &document, words)?, &document)?
        }
        _ => {
            let fractions = |row: &[u8], out: &mut Vec<u16>| {
                let fractions = row.as_chunks().0.iter().map(|bytes| f32::from_be_bytes(*bytes));
                out.extend(fractions.map(|v| u16::round(v * u16::TOP)));
            };
            finished(gather(&mut rows, &document, fractions)?, &document)?
        }
    };
    Raster::new(document.size, document.pixel_type(), alpha, samples).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-header-says",
            "it does not have as many pixels as its header says"
        ))
    })
}

/// The rows of the merged picture, channel after channel.
enum Rows<'a> {
    Raw(&'a [u8]),
    /// PackBits; the lengths of all rows stand before the first.
    Packed {
        lengths: &'a [u8],
        field: usize,
        rest: &'a [u8],
    },
    /// Deflate; predicted rows hold differences of so many bytes a component.
    Zip {
        stream: ZlibDecoder<&'a [u8]>,
        predicted: Option<u16>,
    },
}

impl<'a> Rows<'a> {
    fn begin(merged: &'a [u8], document: &Document) -> Result<Self, ConvertError> {
        let (kind, rest) = merged.split_first_chunk::<2>().ok_or_else(cut_short)?;
        let zip = |predicted| Self::Zip { stream: ZlibDecoder::new(rest), predicted };
        Ok(match u16::from_be_bytes(*kind) {
            0 => Self::Raw(rest),
            1 => {
                let field = if document.big { 4 } else { 2 };
                let rows = usize::from(document.channels) * as_usize(document.size.height);
                let (lengths, rest) = rest.split_at_checked(rows * field).ok_or_else(cut_short)?;
                Self::Packed { lengths, field, rest }
            }
            2 => zip(None),
            3 => zip(Some(document.depth / 8)),
            _ => {
                return Err(damaged(phrase!(
                    "damage-packed-in-no-way",
                    "it uses an unknown compression"
                )));
            }
        })
    }

    /// Fills the next row.
    fn next(&mut self, row: &mut [u8]) -> Result<(), ConvertError> {
        match self {
            Self::Raw(rest) => {
                let (bytes, after) = rest.split_at_checked(row.len()).ok_or_else(cut_short)?;
                row.copy_from_slice(bytes);
                *rest = after;
            }
            Self::Packed { lengths, field, rest } => {
                let (length, others) = lengths.split_at_checked(*field).ok_or_else(cut_short)?;
                *lengths = others;
                let length = length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
                let (packed, after) = rest.split_at_checked(length).ok_or_else(cut_short)?;
                *rest = after;
                unpack(packed, row).ok_or_else(|| {
                    damaged(phrase!(
                        "damage-compressed-data-make-no-sense",
                        "its compressed data cannot be read"
                    ))
                })?;
            }
            Self::Zip { stream, predicted } => {
                stream.read_exact(row).map_err(read_error)?;
                match predicted {
                    None | Some(0) => {}
                    Some(2) => add_words(row),
                    Some(1) => add_bytes(row),
                    Some(_) => {
                        add_bytes(row);
                        unshuffle(row);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Unpacks `PackBits` (TIFF 6.0, section 9) that must fill a row exactly.
fn unpack(mut packed: &[u8], mut row: &mut [u8]) -> Option<()> {
    while !row.is_empty() {
        let (&count, rest) = packed.split_first()?;
        packed = match count {
            0..=127 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(count) + 1)?;
                row.split_off_mut(..bytes.len())?.copy_from_slice(bytes);
                rest
            }
            128 => rest,
            129.. => {
                let (&byte, rest) = rest.split_first()?;
                row.split_off_mut(..257 - usize::from(count))?.fill(byte);
                rest
            }
        };
    }
    // Some writers fill up a row's bytes to an even number.
    Some(())
}

fn add_bytes(row: &mut [u8]) {
    let mut sum = 0_u8;
    for byte in row {
        sum = sum.wrapping_add(*byte);
        *byte = sum;
    }
}

fn add_words(row: &mut [u8]) {
    let mut sum = 0_u16;
    for word in row.as_chunks_mut::<2>().0 {
        sum = sum.wrapping_add(u16::from_be_bytes(*word));
        *word = sum.to_be_bytes();
    }
}

/// Puts the bytes of fractions together that lie by significance: all first ones, all second ones.
fn unshuffle(row: &mut [u8]) {
    let planes = row.to_vec();
    let values = row.len() / 4;
    for (n, value) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        *value = [0, 1, 2, 3].map(|byte| planes[byte * values + n]);
    }
}

/// Reads the channels somebody sees and puts their components together, pixel after pixel.
fn gather<S: Sample>(
    rows: &mut Rows<'_>,
    document: &Document,
    unpack: impl Fn(&[u8], &mut Vec<S>),
) -> Result<Vec<S>, ConvertError> {
    let channels = usize::from(document.colors()) + usize::from(document.has_alpha_channel());
    let width = as_usize(document.size.width);
    let mut row = vec![0; (width * usize::from(document.depth)).div_ceil(8)];
    let mut values = Vec::with_capacity(width + 7);
    let mut out = vec![S::default(); width * as_usize(document.size.height) * channels];
    for channel in 0..channels {
        for line in out.chunks_exact_mut(width * channels) {
            rows.next(&mut row)?;
            values.clear();
            unpack(&row, &mut values);
            for (pixel, value) in line.chunks_exact_mut(channels).zip(&values) {
                pixel[channel] = *value;
            }
        }
    }
    Ok(out)
}

fn look_up(indexes: &[u8], palette: &[u8], transparent: Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(indexes.len() * 4);
    for &index in indexes {
        out.extend([0, 256, 512].map(|plane| palette[plane + usize::from(index)]));
        if let Some(transparent) = transparent {
            out.push(if index == transparent { 0 } else { 255 });
        }
    }
    out
}

/// Takes the white from under the colours and turns them into what they mean.
fn finished<S: Sample>(mut samples: Vec<S>, document: &Document) -> Result<Samples, ConvertError> {
    let alpha = usize::from(document.has_alpha_channel());
    let colors = usize::from(document.colors());
    if alpha == 1 {
        // Inks are stored inverted: no ink is the highest value. Lab's other axes are 0 half way.
        let half = S::round(S::TOP / 2.0);
        let white = if document.mode == Mode::Lab { [S::MAX, half, half] } else { [S::MAX; 3] };
        for pixel in samples.chunks_exact_mut(colors + 1) {
            take_from_white(pixel, white);
        }
    }
    if document.mode == Mode::Cmyk {
        for pixel in samples.chunks_exact_mut(colors + alpha) {
            for value in &mut pixel[..colors] {
                *value = value.inverted();
            }
        }
    }
    if document.mode == Mode::Lab {
        return Ok(Samples::Sixteen(lab(&samples, colors + alpha)?));
    }
    Ok(S::wrap(samples))
}

/// Undoes the mixing of a colour with white; its alpha is the last component.
fn take_from_white<S: Sample>(pixel: &mut [S], white: [S; 3]) {
    let Some((alpha, color)) = pixel.split_last_mut() else { return };
    if *alpha == S::MAX {
        return;
    }
    let alpha: f32 = (*alpha).into();
    for (value, white) in color.iter_mut().zip(white.into_iter().cycle()) {
        if alpha > 0.0 {
            let (mixed, white): (f32, f32) = ((*value).into(), white.into());
            *value = S::round((mixed - white) * S::TOP / alpha + white);
        } else {
            *value = white;
        }
    }
}

/// Converts Lab to sRGB; alpha stays. The two axes of colour are 0 half way, and one unit is 1 of
/// 8 bits or 256 of 16.
fn lab<S: Sample>(samples: &[S], channels: usize) -> Result<Vec<u16>, ConvertError> {
    let (zero, unit) = if S::TOP > 255.0 { (32_768.0, 256.0) } else { (128.0, 1.0) };
    let numbers = |pixel: &[S]| {
        let [l, a, b]: [f32; 3] = [0, 1, 2].map(|n| pixel[n].into());
        [l * 100.0 / S::TOP, (a - zero) / unit, (b - zero) / unit]
    };
    Ok(LabToRgb::new()?.pixels(samples, channels, numbers))
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the numbers of generated files are small")]
pub(super) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::imaging::Limits;
    use crate::imaging::formats::photoshop::tests::resource;
    use crate::imaging::formats::{self, Shrink};
    use crate::imaging::paths::tests::rectangle;

    /// A document written part by part.
    #[derive(Clone)]
    struct Psd {
        big: bool,
        size: (u32, u32),
        depth: u16,
        mode: u16,
        colors: Vec<u8>,
        resources: Vec<u8>,
        layers: Vec<u8>,
        compression: u16,
        /// Rows of all channels, one behind the other.
        planes: Vec<Vec<u8>>,
    }

    impl Psd {
        /// Starts a document of 8 bits without compression.
        fn new(mode: u16, size: (u32, u32), planes: &[&[u8]]) -> Self {
            Self {
                big: false,
                size,
                depth: 8,
                mode,
                colors: Vec::new(),
                resources: Vec::new(),
                layers: Vec::new(),
                compression: 0,
                planes: planes.iter().map(|plane| plane.to_vec()).collect(),
            }
        }

        /// Gives it a layer section that says how many layers there are, and nothing of them.
        fn layered(mut self, count: i16) -> Self {
            self.layers = self.long(2);
            self.layers.extend(count.to_be_bytes());
            self
        }

        fn with(mut self, id: u16, data: &[u8]) -> Self {
            self.resources.extend(resource(id, "", data));
            self
        }

        fn packed(mut self, compression: u16) -> Self {
            self.compression = compression;
            self
        }

        fn long(&self, value: u64) -> Vec<u8> {
            let bytes = value.to_be_bytes();
            if self.big { bytes.to_vec() } else { bytes[4..].to_vec() }
        }

        fn finish(&self) -> Vec<u8> {
            let mut file = b"8BPS\0".to_vec();
            file.push(if self.big { 2 } else { 1 });
            file.extend([0; 6]);
            file.extend((self.planes.len() as u16).to_be_bytes());
            file.extend(self.size.1.to_be_bytes());
            file.extend(self.size.0.to_be_bytes());
            file.extend(self.depth.to_be_bytes());
            file.extend(self.mode.to_be_bytes());
            file.extend((self.colors.len() as u32).to_be_bytes());
            file.extend(&self.colors);
            file.extend((self.resources.len() as u32).to_be_bytes());
            file.extend(&self.resources);
            file.extend(self.long(self.layers.len() as u64));
            file.extend(&self.layers);
            file.extend(self.compression.to_be_bytes());
            file.extend(self.pixels());
            file
        }

        fn pixels(&self) -> Vec<u8> {
            let row = (self.size.0 as usize * usize::from(self.depth)).div_ceil(8);
            let all = self.planes.concat();
            let rows = all.chunks(row);
            match self.compression {
                0 => all,
                1 => {
                    let packed: Vec<Vec<u8>> = rows.map(pack).collect();
                    let field = if self.big { 0 } else { 2 };
                    let lengths = packed
                        .iter()
                        .flat_map(|row| (row.len() as u32).to_be_bytes()[field..].to_vec());
                    lengths.chain(packed.concat()).collect()
                }
                kind => {
                    let rows: Vec<u8> =
                        rows.flat_map(|row| predict(row, kind, self.depth)).collect();
                    let mut zip = ZlibEncoder::new(Vec::new(), Compression::fast());
                    zip.write_all(&rows).unwrap();
                    zip.finish().unwrap()
                }
            }
        }
    }

    /// Makes a document of 64 × 64 pixels with alpha.
    pub(in crate::imaging::formats) fn ramps(compression: u16) -> Vec<u8> {
        let planes = [1, 2, 3, 4]
            .map(|by| -> Vec<u8> { (0..64 * 64_u32).map(|n| (n * by / 64) as u8).collect() });
        let planes: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
        Psd::new(3, (64, 64), &planes).layered(-1).packed(compression).finish()
    }

    /// Packs runs of two and more as runs, the rest one by one.
    fn pack(row: &[u8]) -> Vec<u8> {
        let runs = row.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128));
        let packed = runs.flat_map(|run| match run.len() {
            1 => [0, run[0]],
            n => [(257 - n) as u8, run[0]],
        });
        // 128 is nothing.
        packed.chain([128]).collect()
    }

    fn predict(row: &[u8], kind: u16, depth: u16) -> Vec<u8> {
        let differences = |row: &[u8]| -> Vec<u8> {
            let before = [0].into_iter().chain(row.iter().copied());
            row.iter().zip(before).map(|(a, b)| a.wrapping_sub(b)).collect()
        };
        match (kind, depth) {
            (2, _) => row.to_vec(),
            (_, 8) => differences(row),
            (_, 16) => {
                let words: Vec<u16> =
                    row.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)).collect();
                let before = [0].into_iter().chain(words.iter().copied());
                let all = words.iter().zip(before).map(|(a, b)| a.wrapping_sub(b));
                all.flat_map(u16::to_be_bytes).collect()
            }
            _ => {
                let values = row.as_chunks::<4>().0;
                let planes = (0..4).flat_map(|n| values.iter().map(move |value| value[n]));
                differences(&planes.collect::<Vec<u8>>())
            }
        }
    }

    fn read(psd: &Psd) -> Result<(Header, Raster), ConvertError> {
        let (file, limits) = (psd.finish(), Limits::default());
        let header = formats::header(Cursor::new(&file), &limits)?;
        let picture = formats::decode(&file, &header, Shrink::Full, &limits)?;
        Ok((header, picture))
    }

    #[track_caller]
    fn eight(psd: &Psd) -> Vec<u8> {
        match read(psd).unwrap().1.into_samples() {
            Samples::Eight(samples) => samples,
            Samples::Sixteen(_) => panic!("16 bits"),
        }
    }

    #[track_caller]
    fn sixteen(psd: &Psd) -> Vec<u16> {
        match read(psd).unwrap().1.into_samples() {
            Samples::Sixteen(samples) => samples,
            Samples::Eight(_) => panic!("8 bits"),
        }
    }

    fn words(values: &[u16]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_be_bytes()).collect()
    }

    #[test]
    fn every_mode_is_read() {
        let rgb = Psd::new(3, (2, 1), &[&[1, 2], &[3, 4], &[5, 6]]);
        assert_eq!(eight(&rgb), [1, 3, 5, 2, 4, 6]);
        // Inks are stored inverted.
        let cmyk = Psd::new(4, (1, 1), &[&[255], &[0], &[200], &[55]]);
        let (header, _) = read(&cmyk).unwrap();
        assert_eq!((header.pixel_type, header.bits), (PixelType::Cmyk, 8));
        assert_eq!(eight(&cmyk), [0, 255, 55, 200]);
        // Gray, and duotone with its recipe.
        assert_eq!(eight(&Psd::new(1, (3, 1), &[&[7, 8, 9]])), [7, 8, 9]);
        let duotone = Psd { colors: vec![9; 500], ..Psd::new(8, (2, 1), &[&[7, 8]]) };
        assert_eq!(eight(&duotone), [7, 8]);
        // A bitmap of two rows that do not fill their bytes.
        let bitmap = Psd { depth: 1, ..Psd::new(0, (9, 2), &[&[0b0101_0000, 0x80, 0, 0x7f]]) };
        let row = [255, 0, 255, 0, 255, 255, 255, 255, 0];
        assert_eq!(eight(&bitmap), [row, [255; 9]].concat());
        assert_eq!(read(&bitmap).unwrap().0.bits, 1);
    }

    #[test]
    fn indexes_are_looked_up_and_one_may_be_nothing() {
        let mut colors = vec![0; 768];
        (colors[200], colors[456], colors[712]) = (11, 22, 33);
        let psd = Psd { colors, ..Psd::new(2, (2, 1), &[&[200, 0]]) };
        assert_eq!(eight(&psd), [11, 22, 33, 0, 0, 0]);
        let psd = psd.with(TRANSPARENT_INDEX, &[0, 200]);
        assert!(read(&psd).unwrap().0.alpha);
        assert_eq!(eight(&psd), [11, 22, 33, 0, 0, 0, 0, 255]);
        let short = Psd { colors: vec![0; 700], ..psd };
        assert!(matches!(read(&short), Err(ConvertError::Damaged { .. })));
    }

    #[test]
    fn lab_becomes_srgb() {
        // White, the gray of half brightness, sRGB's red.
        let psd = Psd::new(9, (3, 1), &[&[255, 137, 138], &[128, 128, 209], &[128, 128, 198]]);
        let (header, _) = read(&psd).unwrap();
        assert_eq!((header.pixel_type, header.bits), (PixelType::Rgb, 16));
        let found: Vec<u16> = sixteen(&psd).iter().map(|v| v / 257).collect();
        let wanted = [255, 255, 255, 128, 128, 128, 255, 0, 0];
        for (a, b) in found.iter().zip(wanted) {
            assert!(a.abs_diff(b) <= 3, "{found:?}");
        }
        let planes = [words(&[65_535, 0]), words(&[32_768; 2]), words(&[32_768; 2])];
        let planes: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
        let wide = Psd { depth: 16, ..Psd::new(9, (2, 1), &planes) };
        assert_eq!(sixteen(&wide), [65_535, 65_535, 65_535, 0, 0, 0]);
    }

    #[test]
    fn every_packing_gives_the_same_pixels() {
        for depth in [8, 16, 32] {
            let plane = |first: u16| -> Vec<u8> {
                let values = (0..35_u16).map(|n| first + n / 3 * 1000);
                match depth {
                    8 => values.map(|v| (v >> 8) as u8).collect(),
                    16 => values.flat_map(u16::to_be_bytes).collect(),
                    _ => values.flat_map(|v| (f32::from(v) / 65_535.0).to_be_bytes()).collect(),
                }
            };
            let planes = [plane(0), plane(9), plane(20_000)];
            let planes: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
            let raw = Psd { depth, ..Psd::new(3, (7, 5), &planes) };
            let (header, picture) = read(&raw).unwrap();
            assert_eq!(u16::from(header.bits), depth);
            for compression in 0..=3 {
                for big in [false, true] {
                    let psd = Psd { big, ..raw.clone() }.packed(compression);
                    let found = read(&psd).unwrap().1;
                    assert!(found == picture, "{depth} bits, packing {compression}, {big}");
                }
            }
            if depth != 8 {
                assert_eq!(sixteen(&raw)[3 * 34..], [11_000, 11_009, 31_000]);
            }
        }
        assert!(matches!(
            read(&Psd::new(1, (1, 1), &[&[7]]).packed(4)),
            Err(ConvertError::Damaged { .. })
        ));
    }

    #[test]
    fn only_merged_transparency_is_transparency() {
        // Red of half opacity on white, and nothing at all.
        let psd = Psd::new(3, (2, 1), &[&[255, 255], &[127, 255], &[127, 255], &[128, 0]]);
        assert_eq!(eight(&psd), [255, 127, 127, 255, 255, 255]);
        assert_eq!(eight(&psd.clone().layered(1)), [255, 127, 127, 255, 255, 255]);
        let layered = psd.clone().layered(-1);
        assert!(read(&layered).unwrap().0.alpha);
        assert_eq!(eight(&layered), [255, 0, 0, 128, 255, 255, 255, 0]);
        // Behind the layers of documents of 16 bits, and of documents without layers.
        for (key, content, transparent) in [
            (b"Lr16", (-2_i16).to_be_bytes().to_vec(), true),
            (b"Lr16", 2_i16.to_be_bytes().to_vec(), false),
            (b"Mtrn", vec![], true),
            (b"Anno", vec![1, 2, 3], false),
        ] {
            for big in [false, true] {
                let mut psd = Psd { big, ..psd.clone() };
                let mut layers = psd.long(0);
                layers.extend([0, 0, 0, 2, 9, 9]);
                layers.extend(b"8BIMPatt\0\0\0\x05abcde\0\0\0");
                layers.extend_from_slice(b"8BIM");
                layers.extend(key);
                layers.extend(if LONG_BLOCKS.contains(&key) {
                    psd.long(content.len() as u64)
                } else {
                    (content.len() as u32).to_be_bytes().to_vec()
                });
                layers.extend(content.clone());
                layers.extend([0; 8]);
                psd.layers = layers;
                assert_eq!(read(&psd).unwrap().0.alpha, transparent, "{key:?} {big}");
            }
        }
        // No ink is white, too.
        let cmyk = Psd::new(4, (1, 1), &[&[255], &[127], &[255], &[255], &[128]]).layered(-1);
        assert_eq!(eight(&cmyk), [0, 255, 0, 0, 128]);
        let lab = Psd::new(9, (1, 1), &[&[255], &[128], &[128], &[0]]).layered(-1);
        assert_eq!(sixteen(&lab), [65_535, 65_535, 65_535, 0]);
    }

    #[test]
    fn what_it_says_of_itself_is_read() {
        let path = rectangle("outline", [0.25, 0.5, 0.75, 1.0]);
        let mut psd = Psd::new(1, (1, 1), &[&[7]])
            .with(RESOLUTION, &[1, 44, 0x80, 0, 0, 1, 0, 1])
            .with(PROFILE, b"profile")
            .with(XMP, b"<x:xmpmeta/>")
            .with(VERSION_INFO, &[0, 0, 0, 1, 1]);
        psd.resources.extend(photoshop::block(std::slice::from_ref(&path)));
        let (header, _) = read(&psd).unwrap();
        assert_eq!(header.dpi, Some(300.5));
        assert_eq!(header.profile.as_deref(), Some(b"profile".as_slice()));
        let (file, limits) = (psd.finish(), Limits::default());
        assert_eq!(formats::paths(Cursor::new(&file), &header, &limits), [path]);
        let xmp = formats::xmp(Cursor::new(&file), &header, &limits);
        assert_eq!(xmp.as_deref(), Some(b"<x:xmpmeta/>".as_slice()));
    }

    #[test]
    fn what_is_not_read_says_why() {
        let hollow = Psd::new(1, (1, 1), &[&[255]]).with(VERSION_INFO, &[0, 0, 0, 1, 0]);
        let many = Psd::new(7, (1, 1), &[[255].as_slice(); 5]);
        let deep = Psd { depth: 32, ..Psd::new(4, (1, 1), &[[0; 4].as_slice(); 4]) };
        for (psd, words) in [(hollow, "Compatibility"), (many, "multichannel"), (deep, "32 bits")] {
            let error = read(&psd).unwrap_err();
            assert!(matches!(error, ConvertError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        for damaged in [Psd::new(3, (1, 1), &[[1].as_slice(); 2]), Psd::new(6, (1, 1), &[&[1]])] {
            assert!(matches!(read(&damaged), Err(ConvertError::Damaged { .. })));
        }
        let huge = Psd { size: (60_000, 60_000), ..Psd::new(1, (1, 1), &[&[1]]) };
        assert!(matches!(read(&huge), Err(ConvertError::TooLarge { .. })));
    }

    #[test]
    fn packed_rows_fill_their_rows_exactly() {
        let mut row = [0; 6];
        assert!(unpack(&[253, 7, 128, 1, 8, 9], &mut row).is_some());
        assert_eq!(row, [7, 7, 7, 7, 8, 9]);
        for wrong in [[253, 7, 2, 8, 9, 1].as_slice(), &[252, 7], &[249, 7], &[5, 1, 2], &[]] {
            assert!(unpack(wrong, &mut row).is_none(), "{wrong:?}");
        }
    }
}
