//! SVG drawings, plain or gzip-compressed, reading only (SVG 1.1 and the static parts of SVG 2).
//!
//! A drawing is taken at its natural size: what `width`, `height` and `viewBox` say at 96 dots per
//! inch, one unit a pixel, rounded to whole pixels that the drawing then fills. It becomes RGBA.
//!
//! What cannot be drawn as it is meant is refused, never left out in silence: text (there are no
//! fonts here), pictures and drawings that are not in the file itself, HTML. What moves stands
//! still, scripts do not run.
//!
//! A drawing can be small and ask for a lot. Elements, their nesting and the length of an unpacked
//! drawing are bounded here; entities and chains of `use` by the reader; what remains (layers upon
//! layers, filters) ends at the memory and the time a worker may have. `examine` looks at what is
//! written, `far` at what became of it.

use std::borrow::Cow;
use std::io::{BufRead, Read as _, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Error as XmlError, ParsingOptions};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree};

mod examine;
mod far;

use examine::examine;
use far::refuse_far;

use super::{Header, Shrink, SourceFormat, damaged, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Dots per inch of a drawing's natural size (CSS pixels).
const DPI: f64 = 96.0;

/// Longest drawing in bytes, unpacked.
const MAX_TEXT: u64 = 64 << 20;

/// Most elements, attributes' namespaces and texts of a drawing.
const MAX_NODES: u32 = 500_000;

/// Deepest nesting of drawings that are pictures in a drawing.
const MAX_DRAWINGS: u8 = 3;

/// Tells whether a file that begins like this is an SVG drawing: its first element says so, or the
/// document type. Declarations and comments may come before.
pub(super) fn begins(start: &[u8]) -> bool {
    let mut rest = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', b'D', b'O', b'C', b'T', b'Y', b'P', b'E', name @ ..] => {
                return starts_with_name(name.trim_ascii_start());
            }
            [b'<', name @ ..] => return starts_with_name(name),
            _ => return false,
        };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else {
            return false;
        };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
}

/// Tells whether text begins with the name `svg`, with or without a prefix.
fn starts_with_name(text: &[u8]) -> bool {
    let end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'[');
    let name = text.split(end).next().unwrap_or_default();
    name == b"svg" || name.ends_with(b":svg")
}

pub(super) fn header<R: BufRead + Seek>(
    input: &mut R,
    limits: &Limits,
) -> Result<Header, ConvertError> {
    let bytes = super::read_whole(input, MAX_TEXT)?;
    let text = unpacked(&bytes)?;
    // Pictures do not change the size; whether they can be read shows when they are drawn.
    let tree = parse(&text, limits, MAX_DRAWINGS, None)?;
    Ok(Header {
        alpha: true,
        dpi: Some(DPI),
        ..Header::new(SourceFormat::Svg, natural_size(tree.size()))
    })
}

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
) -> Result<Raster, ConvertError> {
    let text = unpacked(bytes)?;
    let failure = Arc::new(Mutex::new(None));
    let tree = parse(&text, limits, MAX_DRAWINGS, Some(&failure))?;
    if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    let size = header.size;
    let Some(mut canvas) = Pixmap::new(size.width, size.height) else {
        return Err(damaged(phrase!("damage-size-impossible", "its size is impossible")));
    };
    #[expect(clippy::cast_precision_loss, reason = "sides below 2^24, and the renderer's type")]
    let scale = Transform::from_scale(
        size.width as f32 / tree.size().width(),
        size.height as f32 / tree.size().height(),
    );
    refuse_far(&tree, scale)?;
    resvg::render(&tree, scale, &mut canvas.as_mut());
    let samples = Samples::Eight(canvas.take_demultiplied());
    Raster::new(size, PixelType::Rgb, Alpha::Straight, samples)
        .map_err(|_| ConvertError::internal("a drawing of another size than it was given"))
}

/// Rounds to whole pixels, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn natural_size(size: usvg::Size) -> Size {
    let whole = |side: f32| f64::from(side).round().clamp(1.0, f64::from(u32::MAX)) as u32;
    Size::new(whole(size.width()), whole(size.height()))
}

/// Returns the text of a drawing, of at most [`MAX_TEXT`] bytes.
fn unpacked(bytes: &[u8]) -> Result<Cow<'_, str>, ConvertError> {
    let no_text =
        || unsupported(phrase!("source-svg-not-utf-8", "an SVG drawing that is not UTF-8"));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        let read = GzDecoder::new(bytes).take(MAX_TEXT + 1).read_to_end(&mut text);
        if !begins(&text) {
            return Err(ConvertError::Unknown { found: phrase!("thing-gzip", "a gzip archive") });
        }
        read.map_err(|_| {
            damaged(phrase!(
                "damage-compressed-data-make-no-sense",
                "its compressed data cannot be read"
            ))
        })?;
        if text.len() as u64 > MAX_TEXT {
            return Err(unsupported(phrase!(
                "source-svg-drawing-more-than-64",
                "an SVG drawing of more than 64 MiB"
            )));
        }
        return String::from_utf8(text).map(Cow::Owned).map_err(|_| no_text());
    }
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| no_text())
}

/// The first thing that went wrong with a picture inside a drawing.
type Failure = Arc<Mutex<Option<ConvertError>>>;

/// Reads a drawing; the pictures in it only where their failures are asked for.
fn parse(
    text: &str,
    limits: &Limits,
    drawings: u8,
    failure: Option<&Failure>,
) -> Result<Tree, ConvertError> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, entity_resolver: None };
    let too_many = || damaged(phrase!("damage-too-many-elements", "it has too many elements"));
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        XmlError::NodesLimitReached => too_many(),
        _ => damaged(phrase!("damage-xml", "it is not valid XML")),
    })?;
    examine(&document)?;
    let options = options_for(limits, drawings, failure);
    Tree::from_xmltree(&document, &options).map_err(|error| match error {
        usvg::Error::InvalidSize => damaged(phrase!(
            "damage-width-height-or-viewbox-make",
            "its width, height or viewBox gives no usable size"
        )),
        usvg::Error::ElementsLimitReached => unsupported(phrase!(
            "source-svg-drawing-too-many-elements",
            "an SVG drawing of too many elements"
        )),
        // Those that are used again count each time.
        usvg::Error::ParsingFailed(XmlError::NodesLimitReached) => too_many(),
        usvg::Error::ParsingFailed(_) => damaged(phrase!("damage-svg", "it is not valid SVG")),
        usvg::Error::NotAnUtf8Str
        | usvg::Error::SvgzFeatureNotEnabled
        | usvg::Error::MalformedGZip => {
            damaged(phrase!("damage-text-makes-no-sense", "its text is invalid"))
        }
    })
}

/// Makes the reader's options: no files, no fonts, and our own readers for pictures.
fn options_for<'a>(limits: &Limits, drawings: u8, failure: Option<&Failure>) -> Options<'a> {
    let limits = limits.clone();
    let failure = failure.cloned();
    let resolve = move |_: &str, data: Arc<Vec<u8>>, _: &Options<'_>| {
        let failure = failure.as_ref()?;
        match picture(&data, &limits, drawings, failure) {
            Ok(picture) => Some(picture),
            Err(error) => {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                None
            }
        }
    };
    Options {
        dpi: 96.0,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(resolve),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

/// Reads a picture inside a drawing, whatever it says it is.
///
/// It goes through the readers of this program, not those of the renderer, which skips in silence
/// what it cannot read; the renderer gets a PNG.
fn picture(
    data: &[u8],
    limits: &Limits,
    drawings: u8,
    failure: &Failure,
) -> Result<ImageKind, ConvertError> {
    if begins(data) || data.starts_with(&[0x1f, 0x8b]) {
        let Some(drawings) = drawings.checked_sub(1) else {
            return Err(unsupported(phrase!(
                "source-svg-drawing-drawings-within-drawings",
                "an SVG drawing with drawings within drawings"
            )));
        };
        return parse(&unpacked(data)?, limits, drawings, Some(failure)).map(ImageKind::SVG);
    }
    let header = super::header(std::io::Cursor::new(data), limits)?;
    if !header.pages.is_empty() {
        return Err(unsupported(phrase!(
            "source-svg-drawing-document",
            "an SVG drawing with a document in it"
        )));
    }
    if header.pixel_type == PixelType::Cmyk {
        return Err(unsupported(phrase!(
            "source-svg-drawing-cmyk-picture",
            "an SVG drawing with a CMYK picture in it"
        )));
    }
    let picture = super::decode(data, &header, Shrink::Full, limits)?;
    super::png::encode(&picture.to_eight(), None, None).map(|png| ImageKind::PNG(Arc::new(png)))
}

#[cfg(test)]
mod tests;
