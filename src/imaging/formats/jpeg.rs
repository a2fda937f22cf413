//! JPEG, read by our own decoder and written by libjpeg (ISO/IEC 10918-1; JFIF 1.02; Adobe
//! technical note 5116).
//!
//! What a header says to people is read here, marker by marker; the pixels come from
//! [`super::jpeg_decoder`]. Of damage it takes note as libjpeg does, whose warnings about the data,
//! such as a file that ends too early, are errors here: it would fill the rest with gray. Harmless
//! oddities (stray bytes between segments, odd version numbers) are ignored, and so is whatever
//! follows the end of the picture. Scans of a progressive picture that do not count at the wanted
//! size are passed over: damage in them is not found, the end of the file is looked for.
//!
//! Four-component files are stored inverted when the Adobe marker is there, as Photoshop writes
//! them, and as they are otherwise.

use std::io::{BufRead, Cursor, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use mozjpeg::qtable::{AnnexK_Chroma, AnnexK_Luma};
use mozjpeg::{ColorSpace, Compress, Marker, PixelDensity, PixelDensityUnit};
use mozjpeg_sys as sys;

use super::exif::Exif;
use super::jpeg_decoder::{Decoder, Error, Reading, UNEVEN};
use super::jpeg_scans::{rescanned, without_applications};
use super::photoshop::{self, Resource};
use super::{Embedded, Header, SourceFormat, cut_short, damaged, read_error, unsupported, whole};
use crate::diag::phrase;
use crate::imaging::plan::Scans;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Below this quality the standard's tables have numbers above 255, which no baseline file may hold.
const BASELINE_QUALITY: u8 = 24;
const ICC_NAME: &[u8] = b"ICC_PROFILE\0";
const XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP_NAME: &[u8] = b"Photoshop 3.0\0";

/// Longest payload of one marker segment.
const SEGMENT: usize = 65_533;

/// How much smaller a picture is decoded, by leaving out the fine part of its cosines.
///
/// Each step is exactly a power of two in both directions; a side that does not divide is rounded
/// up, its last pixel covering what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum Shrink {
    /// Every pixel.
    #[default]
    Full,
    /// A half of each side.
    Half,
    /// A quarter of each side.
    Quarter,
    /// An eighth of each side.
    Eighth,
}

impl Shrink {
    /// From the strongest to none.
    pub(crate) const STRONGEST_FIRST: [Self; 4] =
        [Self::Eighth, Self::Quarter, Self::Half, Self::Full];

    /// Returns how many stored pixels one decoded pixel is wide.
    pub(crate) const fn divisor(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// Returns the size of the decoded picture.
    pub(crate) const fn applied(self, stored: Size) -> Size {
        let by = self.divisor();
        Size::new(stored.width.div_ceil(by), stored.height.div_ceil(by))
    }

    /// Returns how many decoded pixels in a row stand for eight stored ones.
    pub(super) const fn eighths(self) -> u8 {
        match self {
            Self::Full => 8,
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

// -- the header

/// What the markers before the first scan say.
#[derive(Default)]
struct Markers {
    frame: Option<Frame>,
    jfif_dpi: Option<f64>,
    exif: Exif,
    /// Numbered pieces of the profile, as they come.
    icc: Vec<(u8, Vec<u8>)>,
}

/// A frame header (SOF).
struct Frame {
    size: Size,
    components: u8,
    progressive: bool,
    /// Blocks of all components.
    blocks: u64,
}

impl Frame {
    /// Counts the bytes of coefficients that are kept until the last scan, the first being of so
    /// many components: two each, and two more a block for the lowest frequency alone; of a
    /// progressive picture also a bit each for those that are not zero.
    fn coefficients(&self, first_scan: u8) -> u64 {
        match (self.progressive, first_scan < self.components) {
            (true, _) => self.blocks * 138,
            (false, true) => self.blocks * 130,
            (false, false) => 0,
        }
    }
}

pub(super) fn header<R: BufRead + Seek>(
    input: &mut R,
    limits: &Limits,
) -> Result<Header, ConvertError> {
    let mut markers = Markers::default();
    read_exact::<2, _>(input)?;
    loop {
        match next_marker(input)? {
            0xda => break,
            0xd9 => {
                return Err(damaged(phrase!(
                    "damage-ends-before-first-pixel",
                    "it ends before its first pixel"
                )));
            }
            // Markers without a length.
            0x01 | 0xd0..=0xd8 => {}
            marker => segment(input, marker, &mut markers)?,
        }
    }
    let Some(frame) = markers.frame else {
        return Err(damaged(phrase!("damage-header-no-size", "its header gives no size")));
    };
    // A file that ends here is refused for its size first.
    let first_scan = read_exact(input).map_or(0, |[_, _, components]| components);
    limits.allow(frame.size, frame.coefficients(first_scan))?;
    Ok(Header {
        pixel_type: match frame.components {
            1 => PixelType::Gray,
            3 => PixelType::Rgb,
            4 => PixelType::Cmyk,
            n => {
                return Err(unsupported(phrase!(
                    "source-jpeg-components",
                    "a JPEG with {n} components",
                    n = n
                )));
            }
        },
        dpi: markers.jfif_dpi.or(markers.exif.dpi),
        orientation: markers.exif.orientation,
        profile: assemble(markers.icc),
        ..Header::new(SourceFormat::Jpeg, frame.size)
    })
}

fn next_marker<R: BufRead>(input: &mut R) -> Result<u8, ConvertError> {
    loop {
        // Stray bytes before a marker are skipped, as every decoder does.
        while read_exact::<1, _>(input)? != [0xff] {}
        let mut byte = [0xff];
        while byte == [0xff] {
            byte = read_exact(input)?;
        }
        if byte != [0] {
            return Ok(byte[0]);
        }
    }
}

fn segment<R: BufRead + Seek>(
    input: &mut R,
    marker: u8,
    markers: &mut Markers,
) -> Result<(), ConvertError> {
    let length = u16::from_be_bytes(read_exact(input)?);
    let Some(length) = length.checked_sub(2) else {
        return Err(damaged(phrase!(
            "damage-header-segment-impossible-length",
            "its header has a segment of impossible length"
        )));
    };
    let wanted =
        matches!(marker, 0xe0..=0xe2 | 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf);
    if !wanted {
        return input.seek_relative(i64::from(length)).map_err(read_error);
    }
    let mut data = vec![0; usize::from(length)];
    input.read_exact(&mut data).map_err(read_error)?;
    match marker {
        0xe0 => {
            if let [b'J', b'F', b'I', b'F', 0, _, _, unit, x0, x1, ..] = data[..] {
                let x = f64::from(u16::from_be_bytes([x0, x1]));
                // JFIF counts its units from 1 as TIFF does from 2.
                let unit = u16::from(unit) + 1;
                markers.jfif_dpi = super::exif::dots_per_inch(x, unit);
            }
        }
        0xe1 if data.starts_with(b"Exif\0\0") => markers.exif = Exif::parse(&data),
        0xe2 if data.starts_with(ICC_NAME) => {
            if let [number, _count, piece @ ..] = &data[ICC_NAME.len()..] {
                markers.icc.push((*number, piece.to_vec()));
            }
        }
        0xe1 | 0xe2 => {}
        0xc0..=0xc2 => markers.frame = Some(frame(&data, marker)?),
        _ => {
            return Err(unsupported(phrase!(
                "source-lossless-hierarchical-or-arithmetic-coded",
                "a lossless, hierarchical or arithmetic-coded JPEG"
            )));
        }
    }
    Ok(())
}

fn frame(data: &[u8], marker: u8) -> Result<Frame, ConvertError> {
    let [precision, h0, h1, w0, w1, components, list @ ..] = data else {
        return Err(damaged(phrase!("damage-header-too-short", "its header is too short")));
    };
    if *precision != 8 {
        return Err(unsupported(phrase!(
            "source-jpeg-bits",
            "a JPEG with {precision} bits per component",
            precision = *precision
        )));
    }
    let size = Size::new(
        u32::from(u16::from_be_bytes([*w0, *w1])),
        u32::from(u16::from_be_bytes([*h0, *h1])),
    );
    if size.height == 0 {
        return Err(unsupported(phrase!(
            "source-jpeg-without-height",
            "a JPEG that does not say how high it is"
        )));
    }
    let factors = || list.chunks_exact(3).map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15)));
    let (h, v) = factors().fold((1, 1), |(h, v), (ch, cv)| (h.max(ch), v.max(cv)));
    let units = u64::from(size.width).div_ceil(8 * h) * u64::from(size.height).div_ceil(8 * v);
    let blocks = factors().map(|(ch, cv)| units * ch * cv).sum();
    Ok(Frame { size, components: *components, progressive: marker == 0xc2, blocks })
}

/// Puts the pieces of a profile into order (ICC.1:2022, annex B.4); none when one is missing.
fn assemble(mut pieces: Vec<(u8, Vec<u8>)>) -> Option<Arc<[u8]>> {
    pieces.sort_by_key(|(number, _)| *number);
    let first = pieces.first()?.0;
    let whole = pieces.iter().zip(first..=u8::MAX).all(|((number, _), n)| *number == n);
    // Some writers count from 0.
    (whole && first <= 1).then(|| pieces.into_iter().flat_map(|(_, piece)| piece).collect())
}

/// Tells whether a baseline JPEG stores its components one after the other; some decoders get such
/// a picture wrong where the components differ in size.
pub(super) fn has_separate_scans(file: &[u8]) -> bool {
    let Some(mut input) = file.strip_prefix(&[0xff, 0xd8]) else { return false };
    let mut components = 0;
    while let Ok(marker) = next_marker(&mut input) {
        if matches!(marker, 0x01 | 0xd0..=0xd7) {
            continue;
        }
        let Ok(length) = read_exact::<2, _>(&mut input) else { break };
        let length = usize::from(u16::from_be_bytes(length)).saturating_sub(2);
        let Some((segment, rest)) = input.split_at_checked(length) else { break };
        input = rest;
        match (marker, segment) {
            (0xc0 | 0xc1, [_, _, _, _, _, count, ..]) => components = *count,
            (0xda, [count, ..]) => return *count < components,
            (0xd9 | 0xda, _) => break,
            _ => {}
        }
    }
    false
}

fn read_exact<const N: usize, R: BufRead>(input: &mut R) -> Result<[u8; N], ConvertError> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map_err(read_error)?;
    Ok(bytes)
}

/// Reads the image resources somebody wants; a long block lies in several segments.
pub(super) fn resources<R: BufRead + Seek>(
    input: &mut R,
    wanted: impl Fn(u16) -> bool,
) -> Vec<Resource> {
    let block = named_segments(input, 0xed, PHOTOSHOP_NAME).concat();
    photoshop::resources(&mut Cursor::new(&block), block.len() as u64, wanted)
}

/// Reads the XMP packet (XMP Specification, part 3, 1.1.3).
pub(super) fn xmp<R: BufRead + Seek>(input: &mut R) -> Option<Vec<u8>> {
    named_segments(input, 0xe1, XMP_NAME).into_iter().next()
}

/// Collects what the segments of a marker and a name hold, up to the first scan.
fn named_segments<R: BufRead + Seek>(input: &mut R, wanted: u8, name: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut room = photoshop::MOST;
    let mut next = || -> Result<Option<Vec<u8>>, ConvertError> {
        let marker = next_marker(input)?;
        if matches!(marker, 0xd9 | 0xda) {
            return Ok(None);
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            return Ok(Some(Vec::new()));
        }
        let length = u16::from_be_bytes(read_exact(input)?).saturating_sub(2);
        if marker != wanted {
            input.seek_relative(i64::from(length)).map_err(read_error)?;
            return Ok(Some(Vec::new()));
        }
        let mut data = vec![0; usize::from(length)];
        input.read_exact(&mut data).map_err(read_error)?;
        Ok(Some(data))
    };
    while let Ok(Some(data)) = next() {
        let Some(content) = data.strip_prefix(name) else { continue };
        let Some(rest) = room.checked_sub(content.len() as u64) else { break };
        room = rest;
        found.push(content.to_vec());
    }
    found
}

// -- the pixels

/// Decodes the picture at one size.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    shrink: Shrink,
) -> Result<Raster, ConvertError> {
    let mut all = decode_each(bytes, header, &[shrink])?;
    all.pop().ok_or_else(|| ConvertError::internal("a JPEG was decoded to nothing"))
}

/// Decodes the picture at several sizes, reading it once.
pub(super) fn decode_each(
    bytes: &[u8],
    header: &Header,
    shrinks: &[Shrink],
) -> Result<Vec<Raster>, ConvertError> {
    let decoder = Decoder::new(bytes, shrinks, Reading::Needed).map_err(complaint)?;
    let inverted = header.pixel_type == PixelType::Cmyk && decoder.has_adobe_marker();
    let all = decoder.decode().map_err(complaint)?;
    let all = all.into_iter().zip(shrinks).map(|(mut samples, shrink)| {
        if inverted {
            for sample in &mut samples {
                *sample = 255 - *sample;
            }
        }
        let size = shrink.applied(header.size);
        Raster::new(size, header.pixel_type, Alpha::None, Samples::Eight(samples)).map_err(|_| {
            damaged(phrase!(
                "damage-pixels-fewer-than-header-says",
                "it does not have as many pixels as its header says"
            ))
        })
    });
    all.collect()
}

fn complaint(error: Error) -> ConvertError {
    match error {
        Error::CutShort => cut_short(),
        Error::MissingData => {
            damaged(phrase!("damage-part-pixels-missing", "a part of its pixels is missing"))
        }
        Error::BadCode | Error::Restart { .. } => damaged(phrase!(
            "damage-compressed-data-make-no-sense",
            "its compressed data cannot be read"
        )),
        Error::Unsupported(UNEVEN) => unsupported(phrase!(
            "source-jpeg-uneven",
            "a JPEG whose sampling factors do not divide each other"
        )),
        // The header was looked at before.
        Error::Unsupported(kind) => unsupported(kind),
        Error::NotJpeg | Error::Header(_) | Error::TooManyScans => damaged(phrase!(
            "damage-header-or-compressed-data-make",
            "its header or its compressed data cannot be read"
        )),
    }
}

// -- libjpeg's way of complaining

/// The number of libjpeg's message; carried out of its functions by unwinding.
pub(super) struct Complaint(pub(super) std::ffi::c_int);

/// Makes an error manager for which damage is an error and nothing is printed.
pub(super) fn error_manager() -> sys::jpeg_error_mgr {
    sys::jpeg_error_mgr {
        error_exit: Some(leave),
        emit_message: Some(weigh),
        output_message: Some(ignore),
        format_message: None,
        reset_error_mgr: Some(ignore),
        msg_code: 0,
        msg_parm: sys::msg_parm_union { _bindgen_data_: [0; 20] },
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: std::ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: std::ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

extern "C-unwind" fn ignore(_: &mut sys::jpeg_common_struct) {}

extern "C-unwind" fn leave(decoder: &mut sys::jpeg_common_struct) {
    // Does not call the panic hook: this is libjpeg's ordinary way out.
    resume_unwind(Box::new(Complaint(message(decoder))));
}

/// Stops at a warning (level −1) that means lost pixels; other levels are traces.
extern "C-unwind" fn weigh(decoder: &mut sys::jpeg_common_struct, level: std::ffi::c_int) {
    let harmless = [
        sys::JWRN_EXTRANEOUS_DATA,
        sys::JWRN_JFIF_MAJOR,
        sys::JWRN_ADOBE_XFORM,
        sys::JWRN_BOGUS_PROGRESSION,
        sys::JWRN_BOGUS_ICC,
    ];
    if level < 0 && !harmless.contains(&message(decoder)) {
        leave(decoder);
    }
}

#[expect(unsafe_code, reason = "the number of the message is behind a pointer only C fills")]
fn message(decoder: &sys::jpeg_common_struct) -> std::ffi::c_int {
    // SAFETY: the pointer is the manager the decoder was created with, which outlives it.
    unsafe { decoder.err.as_ref() }.map_or(0, |manager| manager.msg_code)
}

// -- writing

/// How a JPEG is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) quality: u8,
    pub(super) full_chroma: bool,
    pub(super) scans: Scans,
}

/// Writes a JPEG: libjpeg-turbo's own quantisation tables, without trellis, with Huffman tables
/// made for the picture (3–6 % smaller for a tenth of the encoding time), without restart markers.
pub(super) fn encode(
    picture: &Raster,
    settings: Settings,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let file = attempt(picture, settings, Form::File(dpi, embedded))?;
    match settings.scans {
        Scans::Baseline | Scans::Progressive => Ok(file),
        Scans::Exactly(scans) => rescanned(&file, scans),
    }
}

/// Writes a JPEG of at most so many bytes, in the highest quality up to that of the settings with
/// which it fits.
///
/// # Errors
/// [`ConvertError::Unwritable`] when it does not fit in quality 1 either.
pub(super) fn encode_within(
    picture: &Raster,
    settings: Settings,
    most: u64,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let fits = |file: &Vec<u8>| file.len() as u64 <= most;
    let with = |quality| encode(picture, Settings { quality, ..settings }, dpi, embedded);
    let first = with(settings.quality)?;
    if fits(&first) {
        return Ok(first);
    }
    let mut best = with(1)?;
    if !fits(&best) {
        let message = phrase!(
            "jpeg-size-missed",
            "this picture cannot be a JPEG of {most} bytes: at quality 1 it still has {bytes}",
            most = most.to_string(),
            bytes = best.len(),
        );
        let help =
            phrase!("allow-more-bytes", "allow more with jpegSize, or ask for a smaller picture");
        return Err(ConvertError::unwritable(message, help));
    }
    // It fits in the lower one and does not in the upper one.
    let (mut lower, mut upper) = (1, settings.quality);
    while upper - lower > 1 {
        let quality = lower.midpoint(upper);
        let file = with(quality)?;
        if fits(&file) {
            (lower, best) = (quality, file);
        } else {
            upper = quality;
        }
    }
    Ok(best)
}

/// Writes the JPEG of one strip of a TIFF (TIFF Technical Note 2): with its tables, without
/// anything that the TIFF says itself; CMYK as it is.
pub(super) fn encode_strip(strip: &Raster, settings: Settings) -> Result<Vec<u8>, ConvertError> {
    Ok(without_applications(&attempt(strip, settings, Form::Strip)?))
}

fn attempt(picture: &Raster, settings: Settings, form: Form) -> Result<Vec<u8>, ConvertError> {
    let Size { width, height } = picture.size();
    if width > 65_500 || height > 65_500 {
        return Err(ConvertError::too_large_for("JPEG", 65_500, picture.size()));
    }
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the JPEG writer"));
    };
    if picture.has_alpha() {
        return Err(ConvertError::internal("transparent pixels reached the JPEG writer"));
    }
    catch_unwind(AssertUnwindSafe(|| {
        let result = write(picture, samples, settings, form);
        result.map_err(|error| ConvertError::internal(error.to_string()))
    }))
    .unwrap_or_else(|_| Err(ConvertError::internal("the JPEG writer gave up")))
}

/// What a JPEG is for.
#[derive(Clone, Copy)]
enum Form<'a> {
    /// To stand alone; four components are inverted, with their colours apart from brightness.
    File(Option<f64>, Embedded<'a>),
    /// To stand in a TIFF; four components are as they are.
    Strip,
}

fn write(
    picture: &Raster,
    samples: &[u8],
    settings: Settings,
    form: Form,
) -> std::io::Result<Vec<u8>> {
    let inverted = picture.pixel_type() == PixelType::Cmyk && matches!(form, Form::File(..));
    let (dpi, embedded) = match form {
        Form::File(dpi, embedded) => (dpi, embedded),
        Form::Strip => (None, Embedded::default()),
    };
    let mut compress = Compress::new(match picture.pixel_type() {
        PixelType::Gray => ColorSpace::JCS_GRAYSCALE,
        PixelType::Rgb => ColorSpace::JCS_RGB,
        PixelType::Cmyk => ColorSpace::JCS_CMYK,
    });
    compress.set_size(picture.width(), picture.height());
    compress.set_fastest_defaults();
    match picture.pixel_type() {
        PixelType::Gray => {}
        PixelType::Rgb => compress.set_color_space(ColorSpace::JCS_YCbCr),
        PixelType::Cmyk if inverted => compress.set_color_space(ColorSpace::JCS_YCCK),
        PixelType::Cmyk => compress.set_color_space(ColorSpace::JCS_CMYK),
    }
    // Brightness keeps every pixel; the two chroma planes every one or every fourth. Inks keep all.
    let chroma = picture.pixel_type() == PixelType::Rgb;
    let fine = if chroma && !settings.full_chroma { 2 } else { 1 };
    for (n, component) in compress.components_mut().iter_mut().enumerate() {
        let factor = if n == 0 { fine } else { 1 };
        component.h_samp_factor = factor;
        component.v_samp_factor = factor;
    }
    let quality = f32::from(settings.quality);
    compress.set_quality(quality);
    if settings.quality < BASELINE_QUALITY {
        compress.set_luma_qtable(&AnnexK_Luma.scaled(quality, quality));
        compress.set_chroma_qtable(&AnnexK_Chroma.scaled(quality, quality));
    }
    compress.set_optimize_coding(true);
    if settings.scans == Scans::Progressive {
        compress.set_optimize_scans(false);
        compress.set_progressive_mode();
    }
    if let Some(dpi) = dpi {
        #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
        let x = whole(dpi, 65_535) as u16;
        compress.set_pixel_density(PixelDensity { unit: PixelDensityUnit::Inches, x, y: x });
    }
    let room = samples.len() / 8;
    let mut started = compress.start_compress(Vec::with_capacity(room))?;
    // JFIF has no four components: their resolution goes into EXIF.
    if let (PixelType::Cmyk, Some(dpi)) = (picture.pixel_type(), dpi) {
        started.write_marker(Marker::APP(1), &super::exif::resolution_block(dpi));
    }
    for (number, content) in kept(embedded) {
        started.write_marker(Marker::APP(number), &content);
    }
    if inverted {
        let row = picture.width() * 4;
        let mut inverted = vec![0; row * 16];
        for rows in samples.chunks(row * 16) {
            for (to, from) in inverted.iter_mut().zip(rows) {
                *to = 255 - from;
            }
            started.write_scanlines(&inverted[..rows.len()])?;
        }
    } else {
        started.write_scanlines(samples)?;
    }
    started.finish()
}

/// Returns what programs keep in a file, as the numbers of segments and what they hold.
fn kept(embedded: Embedded<'_>) -> Vec<(u8, Vec<u8>)> {
    // One segment has to hold it; a packet that is longer (its padding alone is kilobytes) would
    // have to be rewritten to be divided.
    let xmp = embedded.xmp.filter(|xmp| xmp.len() <= SEGMENT - XMP_NAME.len());
    let xmp = xmp.map(|xmp| (1, [XMP_NAME, xmp].concat()));
    let paths = photoshop::block(embedded.paths);
    let paths = paths.chunks(SEGMENT - PHOTOSHOP_NAME.len());
    let paths = paths.map(|piece| (13, [PHOTOSHOP_NAME, piece].concat()));
    // Counted from 1; the crate's own function counts from 0.
    let pieces = embedded.profile.unwrap_or_default().chunks(SEGMENT - ICC_NAME.len() - 2);
    let count = u8::try_from(pieces.len()).ok();
    let profile = count.into_iter().flat_map(|count| {
        (1..=count)
            .zip(pieces.clone())
            .map(move |(number, piece)| (2, [ICC_NAME, &[number, count], piece].concat()))
    });
    xmp.into_iter().chain(paths).chain(profile).collect()
}

/// Begins a file of one or three components without the encoder, as it would (JFIF 1.02).
pub(super) fn start(dpi: Option<f64>, embedded: Embedded<'_>) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
    let (unit, density) = dpi.map_or((0, 1), |dpi| (1, whole(dpi, 65_535) as u16));
    let [high, low] = density.to_be_bytes();
    let jfif = [&b"JFIF\0\x01\x01"[..], &[unit, high, low, high, low, 0, 0]].concat();
    let mut file = vec![0xff, 0xd8];
    for (number, content) in std::iter::once((0, jfif)).chain(kept(embedded)) {
        file.extend([0xff, 0xe0 | number]);
        let length = u16::try_from(content.len() + 2).unwrap_or_default();
        file.extend(length.to_be_bytes());
        file.extend(content);
    }
    file
}
