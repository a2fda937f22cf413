//! One file format per file; nothing else in the engine knows a codec.
//!
//! Reading goes in two steps. `header` looks at the first bytes, whatever the file is called,
//! and at the header behind them; it allocates nothing that grows with the picture and refuses
//! what is over the limits. `decode` makes the pixels of what a header described, exactly or
//! with an error: a picture that is cut short or damaged is never half a picture. Stored pixels
//! stay as they lie in the file; turning them upright is the caller's.
//!
//! Writing is one step, `encode`: 8-bit pixels of the reply's type in, a whole file out, the
//! same bytes for the same input every time.

use std::io::{BufRead, ErrorKind, Read as _, Seek, SeekFrom};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hands::Hands;
use super::paths::Path;
use super::plan::{Encoding, Output};
use super::raster::{Raster, Sample};
use super::{ConvertError, Limits, Orientation, PixelType, Size};
use crate::diag::{Argument, Phrase, phrase};

mod alone;
mod avif;
mod bmp;
mod boxes;
mod eps;
mod eps_out;
mod exif;
mod gif;
mod jpeg;
mod jpeg2000;
mod jpeg_decoder;
mod jpeg_recode;
mod jpeg_reference;
mod jpeg_scans;
mod palette;
mod pdf;
mod pdf_out;
mod photoshop;
mod png;
mod psd;
mod svg;
#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers of generated pictures are small"
)]
mod tests;
mod tiff;
mod tiff_jpeg;
mod webp;
mod webp_encoder;

pub(crate) use jpeg::Shrink;
// For benches, which measure them by themselves.
#[doc(hidden)]
pub use alone::{decode_alone, encode_alone};
#[doc(hidden)]
pub use jpeg_reference::jpeg_difference;

/// A file format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// JPEG: gray, RGB, CMYK, YCCK.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// GIF, its first frame.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// AVIF, its still picture.
    Avif,
    /// JPEG 2000, boxed or bare.
    Jpeg2000,
    /// SVG, plain or gzip-compressed.
    Svg,
    /// PDF, page by page.
    Pdf,
    /// Encapsulated PostScript around a picture of pixels.
    Eps,
    /// Photoshop document, PSD or PSB: its merged picture.
    Psd,
}

impl SourceFormat {
    /// Returns the format that a file name extension promises, in any case.
    #[must_use]
    pub fn promised_by(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Self::Jpeg,
            "png" => Self::Png,
            "tif" | "tiff" => Self::Tiff,
            "gif" => Self::Gif,
            "webp" => Self::Webp,
            "bmp" | "dib" => Self::Bmp,
            "avif" => Self::Avif,
            "jp2" | "jpx" | "jpf" | "j2k" | "j2c" | "jpc" => Self::Jpeg2000,
            "svg" | "svgz" => Self::Svg,
            "pdf" => Self::Pdf,
            "eps" | "epsf" | "ps" => Self::Eps,
            "psd" | "psb" => Self::Psd,
            _ => return None,
        })
    }

    /// Names the format with its article, for a sentence.
    #[must_use]
    pub fn words(self) -> Phrase {
        match self {
            Self::Jpeg => phrase!("thing-picture", "a {format} picture", format = "JPEG"),
            Self::Png => phrase!("thing-picture", "a {format} picture", format = "PNG"),
            Self::Tiff => phrase!("thing-picture", "a {format} picture", format = "TIFF"),
            Self::Gif => phrase!("thing-picture", "a {format} picture", format = "GIF"),
            Self::Webp => phrase!("thing-picture", "a {format} picture", format = "WebP"),
            Self::Bmp => phrase!("thing-picture", "a {format} picture", format = "BMP"),
            Self::Avif => phrase!("thing-picture-an", "an {format} picture", format = "AVIF"),
            Self::Jpeg2000 => phrase!("thing-picture", "a {format} picture", format = "JPEG 2000"),
            Self::Svg => phrase!("thing-drawing-an", "an {format} drawing", format = "SVG"),
            Self::Pdf => phrase!("thing-document", "a {format} document", format = "PDF"),
            Self::Eps => phrase!("thing-document", "a {format} document", format = "PostScript"),
            Self::Psd => phrase!("thing-document", "a {format} document", format = "Photoshop"),
        }
    }
}

/// What a file's header says of the picture as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub(crate) format: SourceFormat,
    /// Size before the orientation is applied.
    pub(crate) size: Size,
    pub(crate) pixel_type: PixelType,
    /// Bits per component as stored.
    pub(crate) bits: u8,
    pub(crate) alpha: bool,
    pub(crate) dpi: Option<f64>,
    pub(crate) orientation: Orientation,
    /// The embedded colour profile as found, valid or not.
    pub(crate) profile: Option<Arc<[u8]>>,
    /// Sizes of the pages of a document; empty for a picture.
    pub(crate) pages: Arc<[Size]>,
    /// The page that is meant, from 1; `None` for a picture.
    pub(crate) page: Option<u32>,
}

impl Header {
    /// Starts one that knows no more than that it is an opaque RGB picture of 8 bits.
    fn new(format: SourceFormat, size: Size) -> Self {
        Self {
            format,
            size,
            pixel_type: PixelType::Rgb,
            bits: 8,
            alpha: false,
            dpi: None,
            orientation: Orientation::Upright,
            profile: None,
            pages: Arc::default(),
            page: None,
        }
    }

    /// Turns to a page, from 1, or to the picture; `None` when there is no such page.
    pub(crate) fn on_page(&self, page: Option<u32>) -> Option<Self> {
        let size = match page {
            None => self.pages.is_empty().then_some(self.size)?,
            Some(number) => *self.pages.get(usize::try_from(number.checked_sub(1)?).ok()?)?,
        };
        Some(Self { size, page, ..self.clone() })
    }

    /// Counts the bytes of the decoded picture.
    const fn decoded_bytes(&self) -> u64 {
        let channels = self.pixel_type.components() as u64 + self.alpha as u64;
        let depth = match self.bits {
            ..=8 => 1,
            9..=16 => 2,
            // As stored, and beside it as 16 bits.
            _ => 6,
        };
        self.size.pixels().saturating_mul(channels * depth)
    }
}

/// Reads the header of a picture, whatever its format.
///
/// # Errors
/// [`ConvertError::Unknown`] when it is none, [`ConvertError::TooLarge`] when it is over a limit,
/// [`ConvertError::Unsupported`] for variants that are not read, [`ConvertError::Damaged`] when the
/// header is.
pub(crate) fn header<R: BufRead + Seek>(
    mut input: R,
    limits: &Limits,
) -> Result<Header, ConvertError> {
    let first = first_bytes(&mut input)?;
    let header = match recognise(&first) {
        Ok(SourceFormat::Jpeg) => jpeg::header(&mut input, limits),
        Ok(SourceFormat::Png) => png::header(input),
        Ok(SourceFormat::Tiff) => tiff::header(input, limits),
        Ok(SourceFormat::Gif) => gif::header(input, limits),
        Ok(SourceFormat::Webp) => webp::header(input),
        Ok(SourceFormat::Bmp) => bmp::header(input),
        Ok(SourceFormat::Avif) => avif::header(input, limits),
        Ok(SourceFormat::Jpeg2000) => jpeg2000::header(input, limits),
        Ok(SourceFormat::Svg) => svg::header(&mut input, limits),
        Ok(SourceFormat::Pdf) => pdf::header(&mut input, limits),
        Ok(SourceFormat::Eps) => eps::header(&mut input, limits),
        Ok(SourceFormat::Psd) => psd::header(input),
        Err(found) => Err(ConvertError::Unknown { found: found.to_owned() }),
    }?;
    if header.pages.is_empty() {
        limits.allow(header.size, header.decoded_bytes())?;
    }
    for (number, size) in (1..).zip(header.pages.iter()) {
        let page = Header { size: *size, ..header.clone() };
        limits.allow(*size, page.decoded_bytes()).map_err(|error| error.on_page(Some(number)))?;
    }
    Ok(header)
}

/// Decodes the picture a header described; `shrink` is obeyed by JPEG and ignored by the others.
///
/// # Errors
/// [`ConvertError::Damaged`] when not every pixel can be read, [`ConvertError::Unsupported`] for
/// variants only the pixel data reveal.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    shrink: Shrink,
    limits: &Limits,
) -> Result<Raster, ConvertError> {
    decode_by(bytes, header, shrink, limits, Hands::ALONE)
}

/// As [`decode`], by several threads where the format lets them.
fn decode_by(
    bytes: &[u8],
    header: &Header,
    shrink: Shrink,
    limits: &Limits,
    hands: Hands<'_>,
) -> Result<Raster, ConvertError> {
    let picture = match header.format {
        SourceFormat::Jpeg => jpeg::decode(bytes, header, shrink),
        SourceFormat::Png => png::decode(bytes, header),
        SourceFormat::Tiff => tiff::decode(bytes, header, limits, hands),
        SourceFormat::Gif => gif::decode(bytes, header),
        SourceFormat::Webp => webp::decode(bytes, header),
        SourceFormat::Bmp => bmp::decode(bytes, header),
        SourceFormat::Avif => avif::decode(bytes, header),
        SourceFormat::Jpeg2000 => jpeg2000::decode(bytes, header),
        SourceFormat::Svg => svg::decode(bytes, header, limits),
        SourceFormat::Pdf => pdf::decode(bytes, header),
        SourceFormat::Eps => eps::decode(bytes, header, limits),
        SourceFormat::Psd => psd::decode(bytes, header),
    }?;
    Ok(picture.with_profile(header.profile.clone()))
}

/// Decodes the picture at each of some sizes, in their order, from one reading where that goes.
///
/// Where a part that only the larger sizes need is damaged, the smaller ones are still decoded, as
/// each would be alone.
pub(crate) fn decode_each(
    bytes: &[u8],
    header: &Header,
    shrinks: &[Shrink],
    limits: &Limits,
    hands: Hands<'_>,
) -> Vec<Result<Raster, ConvertError>> {
    let several = header.format == SourceFormat::Jpeg && shrinks.len() > 1;
    if several && let Ok(all) = jpeg::decode_each(bytes, header, shrinks) {
        let finished = |picture: Raster| Ok(picture.with_profile(header.profile.clone()));
        return all.into_iter().map(finished).collect();
    }
    shrinks.iter().map(|shrink| decode_by(bytes, header, *shrink, limits, hands)).collect()
}

/// Reads the paths saved with a picture, in fractions of the picture as it is stored.
///
/// They are worth no picture: what is damaged is not there.
pub(crate) fn paths<R: BufRead + Seek>(
    mut input: R,
    header: &Header,
    limits: &Limits,
) -> Vec<Path> {
    if input.seek(SeekFrom::Start(0)).is_err() {
        return Vec::new();
    }
    let resources = match header.format {
        SourceFormat::Jpeg => jpeg::resources(&mut input, photoshop::is_path),
        SourceFormat::Tiff => tiff::resources(input, limits, photoshop::is_path),
        SourceFormat::Psd => psd::resources(&mut input, photoshop::is_path),
        SourceFormat::Eps => eps::resources(&mut input, limits, photoshop::is_path),
        SourceFormat::Png
        | SourceFormat::Gif
        | SourceFormat::Webp
        | SourceFormat::Bmp
        | SourceFormat::Avif
        | SourceFormat::Jpeg2000
        | SourceFormat::Svg
        | SourceFormat::Pdf => return Vec::new(),
    };
    photoshop::paths(&resources)
}

/// Reads the XMP packet of a picture as it is. Of a JPEG it is the main packet, without what did
/// not fit into it.
pub(crate) fn xmp<R: BufRead + Seek>(
    mut input: R,
    header: &Header,
    limits: &Limits,
) -> Option<Vec<u8>> {
    input.seek(SeekFrom::Start(0)).ok()?;
    match header.format {
        SourceFormat::Jpeg => jpeg::xmp(&mut input),
        SourceFormat::Tiff => tiff::xmp(input, limits),
        SourceFormat::Psd => {
            let mut found = psd::resources(&mut input, |id| id == psd::XMP);
            found.pop().map(|resource| resource.data)
        }
        SourceFormat::Eps => {
            let mut found = eps::resources(&mut input, limits, |id| id == psd::XMP);
            found.pop().map(|resource| resource.data)
        }
        SourceFormat::Png
        | SourceFormat::Gif
        | SourceFormat::Webp
        | SourceFormat::Bmp
        | SourceFormat::Avif
        | SourceFormat::Jpeg2000
        | SourceFormat::Svg
        | SourceFormat::Pdf => None,
    }
}

/// What is written into a file beside its pixels.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Embedded<'a> {
    /// The colour profile.
    pub(crate) profile: Option<&'a [u8]>,
    /// The XMP packet.
    pub(crate) xmp: Option<&'a [u8]>,
    /// Paths in fractions of the picture; empty where there are none.
    pub(crate) paths: &'a [Path],
}

/// Writes a picture of 8 bits whose components are those of `output`.
///
/// # Errors
/// [`ConvertError::Unwritable`] when the format cannot hold the picture.
pub(crate) fn encode(
    picture: &Raster,
    output: &Output,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    encode_by(picture, output, embedded, Hands::ALONE)
}

/// As [`encode`], by several threads where the format lets them; the bytes are the same.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_by(
    picture: &Raster,
    output: &Output,
    embedded: Embedded<'_>,
    hands: Hands<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let dpi = output.dpi;
    let profile = embedded.profile;
    match &output.encoding {
        &Encoding::Jpeg { quality, full_chroma, scans, most_bytes } => {
            let settings = jpeg::Settings { quality, full_chroma, scans };
            match most_bytes {
                Some(most) => jpeg::encode_within(picture, settings, most, dpi, embedded),
                None => jpeg::encode(picture, settings, dpi, embedded),
            }
        }
        Encoding::Png => png::encode(picture, dpi, profile),
        Encoding::Png8 { palette } => png::encode_palette(picture, palette, dpi, profile),
        &Encoding::Tiff { compression } => tiff::encode(picture, compression, dpi, embedded, hands),
        Encoding::Gif { palette } => gif::encode(picture, palette),
        &Encoding::Pdf { compression } => pdf_out::encode(picture, compression, dpi, profile),
        Encoding::Eps => eps_out::encode(picture, dpi, embedded),
        &Encoding::Webp { quality } => webp::encode(picture, quality, dpi),
        &Encoding::Avif { quality } => avif::encode(picture, quality),
        &Encoding::Jpeg2000 { quality } => jpeg2000::encode(picture, quality, dpi),
    }
}

/// Writes the reply of a picture none of whose pixels changes, straight from its file; none where
/// it has to be made of pixels. The output has the source's size, pixel type and colours.
pub(crate) fn recode(
    bytes: &[u8],
    header: &Header,
    output: &Output,
    embedded: Embedded<'_>,
) -> Option<Vec<u8>> {
    match output.encoding {
        Encoding::Jpeg { quality, full_chroma, scans, most_bytes: None }
            if header.format == SourceFormat::Jpeg =>
        {
            let settings = jpeg::Settings { quality, full_chroma, scans };
            jpeg_recode::recoded(bytes, header.size, settings, output.dpi, embedded)
        }
        _ => None,
    }
}

/// Reads up to 4 KiB and goes back to the start.
fn first_bytes<R: BufRead + Seek>(input: &mut R) -> Result<Vec<u8>, ConvertError> {
    let mut first = vec![0; 4096];
    let mut length = 0;
    while length < first.len() {
        match input.read(&mut first[length..]) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(ConvertError::Read(error)),
        }
    }
    first.truncate(length);
    input.seek(SeekFrom::Start(0)).map_err(ConvertError::Read)?;
    Ok(first)
}

/// Reads a file that says what it holds at its end, or anywhere.
fn read_whole<R: BufRead + Seek>(input: &mut R, most: u64) -> Result<Vec<u8>, ConvertError> {
    let length = input.seek(SeekFrom::End(0)).map_err(ConvertError::Read)?;
    input.seek(SeekFrom::Start(0)).map_err(ConvertError::Read)?;
    if length > most {
        return Err(unsupported(phrase!(
            "document-too-large",
            "a document of more than {most}",
            most = Argument::bytes(most)
        )));
    }
    let mut bytes = Vec::new();
    let capacity = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(capacity).map_err(|_| {
        unsupported(phrase!(
            "document-for-memory",
            "a document that needs more memory than is allowed"
        ))
    })?;
    // Not all there may be: a file that grows must not make us grow with it.
    input.take(length).read_to_end(&mut bytes).map_err(ConvertError::Read)?;
    Ok(bytes)
}

/// Tells a format by its first bytes, or says in words what else they look like.
fn recognise(start: &[u8]) -> Result<SourceFormat, Phrase> {
    // Most formats say it at once; a document may have something before it.
    let first = &start[..start.len().min(32)];
    let brand = first.get(8..12).unwrap_or_default();
    match first {
        [0xff, 0xd8, 0xff, ..] => Ok(SourceFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(SourceFormat::Png),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(SourceFormat::Tiff),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(SourceFormat::Gif),
        [b'R', b'I', b'F', b'F', ..] if brand == b"WEBP" => Ok(SourceFormat::Webp),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Ok(SourceFormat::Bmp),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => {
            Ok(SourceFormat::Jpeg2000)
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if is_avif(first) => Ok(SourceFormat::Avif),
        // Icons and pointers of old have their place there; the length of the next header tells.
        [b'B', b'M', ..] if bmp::has_header(first) => Ok(SourceFormat::Bmp),
        [] => Err(phrase!("thing-empty", "an empty file")),
        [b'%', b'P', b'D', b'F', b'-', ..] => Ok(SourceFormat::Pdf),
        [b'%', b'!', b'P', b'S', ..] | [0xc5, 0xd0, 0xd3, 0xc6, ..] => Ok(SourceFormat::Eps),
        [b'8', b'B', b'P', b'S', ..] => Ok(SourceFormat::Psd),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Err(phrase!("thing-zip", "a ZIP archive")),
        // Whether it is one shows when it is unpacked.
        [0x1f, 0x8b, ..] => Ok(SourceFormat::Svg),
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => {
            Err(phrase!("thing-picture", "a {format} picture", format = "JPEG XL"))
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Err(match brand {
            b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" => {
                phrase!("thing-picture-an", "an {format} picture", format = "HEIC")
            }
            b"crx " => phrase!("thing-raw", "a camera raw file"),
            _ => phrase!("thing-video", "a video"),
        }),
        [b'R', b'I', b'F', b'F', ..] if brand == b"AVI " => Err(phrase!("thing-video", "a video")),
        [b'I', b'I', b'U', 0, ..] | [b'F', b'U', b'J', b'I', ..] => {
            Err(phrase!("thing-raw", "a camera raw file"))
        }
        [0, 0, 1, 0, ..] => Err(phrase!("thing-icon", "a Windows icon")),
        _ if svg::begins(start) => Ok(SourceFormat::Svg),
        [0xfe, 0xff, ..] | [0xef, 0xbb, 0xbf, ..] => Err(phrase!("thing-text", "a text file")),
        _ if first.iter().all(|&b| b == 0) => {
            Err(phrase!("thing-zeroes", "empty space only (zero bytes)"))
        }
        _ if first.trim_ascii_start().starts_with(b"<!DOC") => {
            Err(phrase!("thing-web-page", "a web page"))
        }
        _ if first.trim_ascii_start().starts_with(b"<html") => {
            Err(phrase!("thing-web-page", "a web page"))
        }
        // Readers of PDF accept up to 1 KiB of anything before it.
        _ if start.windows(5).take(1024).any(|window| window == b"%PDF-") => Ok(SourceFormat::Pdf),
        _ if is_text(first) => Err(phrase!("thing-text", "a text file")),
        _ => Err(phrase!("thing-unknown", "not a kind of picture exportd knows")),
    }
}

/// Tells whether AVIF is among the brands of a file that begins with them, as far as they go.
fn is_avif(first: &[u8]) -> bool {
    let length = first.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let brands = first.get(8..first.len().min(length)).unwrap_or_default();
    // The second is no brand but a version.
    let (brands, _) = brands.as_chunks::<4>();
    brands.iter().any(|brand| matches!(brand, b"avif" | b"avis"))
}

/// Tells whether bytes read as UTF-8 without control characters; the last character may be cut.
fn is_text(first: &[u8]) -> bool {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// Turns a reader's error into ours: the end of the file is damage, anything else the system's.
fn read_error(error: std::io::Error) -> ConvertError {
    if error.kind() == ErrorKind::UnexpectedEof {
        return cut_short();
    }
    // Decoders wrap what they find in the data as other or invalid data; the system does not.
    if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other) {
        return damaged(phrase!(
            "damage-compressed-data-make-no-sense",
            "its compressed data cannot be read"
        ));
    }
    ConvertError::Read(error)
}

fn cut_short() -> ConvertError {
    damaged(phrase!("ends-too-early", "it ends too early, the rest of the file is missing"))
}

fn damaged(detail: impl Into<Phrase>) -> ConvertError {
    ConvertError::Damaged { detail: detail.into() }
}

fn unsupported(detail: impl Into<Phrase>) -> ConvertError {
    ConvertError::Unsupported { detail: detail.into() }
}

/// Divides the colour by the alpha it was multiplied by.
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

/// Returns a resolution that can be one: finite and above 0.
fn resolution(dpi: f64) -> Option<f64> {
    (dpi.is_finite() && dpi > 0.0).then_some(dpi)
}

/// Rounds a resolution to whole units within 1 to `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn whole(value: f64, most: u32) -> u32 {
    value.round().clamp(1.0, f64::from(most)) as u32
}
