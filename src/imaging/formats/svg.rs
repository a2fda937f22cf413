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
//! layers, filters) ends at the memory and the time a worker may have.

use std::borrow::Cow;
use std::io::{BufRead, Read as _, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::filter::Kind;
use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree};

use super::{Header, Shrink, SourceFormat, damaged, unsupported};
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Dots per inch of a drawing's natural size (CSS pixels).
const DPI: f64 = 96.0;

/// Farthest that anything may lie outside, in pixels.
const FARTHEST: f32 = 1_000_000.0;

/// Largest number in the geometry of a drawing, in units of its own.
///
/// The reader makes curves of an arc, the more the larger it is: 70 here, without end where the
/// number is beyond its own. Flags of arcs may be written in one with the number after them, so
/// two digits of it may be theirs.
const LARGEST: f64 = 1e10;

/// Most octaves of turbulence; each is half as strong as the one before, 8 show.
const MAX_OCTAVES: f64 = 64.0;

/// Most groups that are drawn, each as often as it is used.
const MAX_DRAWN: u32 = 2_000_000;

/// Longest drawing in bytes, unpacked.
const MAX_TEXT: u64 = 64 << 20;

/// Most elements, attributes' namespaces and texts of a drawing.
const MAX_NODES: u32 = 500_000;

/// Deepest nesting of elements: readers go down by recursion.
const MAX_DEPTH: u16 = 200;

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
        return Err(damaged("its size is impossible"));
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

/// Refuses a drawing in which something lies so far out that the rasteriser, which counts in fixed
/// point, loses its way: it would end the process.
///
/// Drawings within it, masks, clips and pictures of filters are looked at where they are used, for
/// what enlarges them is there; patterns, which are painted on tiles of their own, where they are defined.
fn refuse_far(tree: &Tree, scale: Transform) -> Result<(), ConvertError> {
    let mut left: Vec<(&usvg::Group, Transform)> = vec![(tree.root(), scale)];
    left.extend(tree.patterns().iter().map(|pattern| (pattern.root(), scale)));
    let mut seen = 0_u32;
    while let Some((group, scale)) = left.pop() {
        seen += 1;
        if seen > MAX_DRAWN {
            return Err(unsupported("an SVG drawing that draws its parts too many times"));
        }
        // Of groups, these boxes are those of all that is in them.
        if is_far(group.abs_stroke_bounding_box(), scale) {
            return Err(far_out());
        }
        let here = scale.pre_concat(group.abs_transform());
        for filter in group.filters() {
            if reaches_far(filter, here) {
                return Err(far_out());
            }
            let (across, down) = here.get_scale();
            left.extend(filter.primitives().iter().filter_map(|part| match part.kind() {
                Kind::Image(image) => Some((image.root(), Transform::from_scale(across, down))),
                _ => None,
            }));
        }
        let mut clip = group.clip_path();
        while let Some(path) = clip {
            left.push((path.root(), here.pre_concat(path.transform())));
            clip = path.clip_path();
        }
        let mut mask = group.mask();
        while let Some(next) = mask {
            left.push((next.root(), here));
            mask = next.mask();
        }
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => left.push((inner, scale)),
                usvg::Node::Image(image) => {
                    if let ImageKind::SVG(drawing) = image.kind() {
                        left.push((drawing.root(), here));
                        left.extend(drawing.patterns().iter().map(|part| (part.root(), here)));
                    }
                }
                usvg::Node::Path(_) | usvg::Node::Text(_) => {}
            }
        }
    }
    Ok(())
}

/// Tells whether a box, thus transformed, reaches more than [`FARTHEST`] out.
fn is_far(bounds: usvg::Rect, scale: Transform) -> bool {
    let (left, top, right, bottom) = (bounds.left(), bounds.top(), bounds.right(), bounds.bottom());
    [(left, top), (right, top), (left, bottom), (right, bottom)].iter().any(|(x, y)| {
        let across = scale.sx * x + scale.kx * y + scale.tx;
        let down = scale.ky * x + scale.sy * y + scale.ty;
        // Written so that what is no number is too far as well.
        !(across.abs() <= FARTHEST && down.abs() <= FARTHEST)
    })
}

/// Tells whether a filter, thus transformed, spreads or moves anything by more than [`FARTHEST`].
fn reaches_far(filter: &usvg::filter::Filter, here: Transform) -> bool {
    let (across, down) = here.get_scale();
    // Written so that what is no number is too far as well.
    let far = |x: f32, y: f32| !((x * across).abs() <= FARTHEST && (y * down).abs() <= FARTHEST);
    filter.primitives().iter().any(|primitive| match primitive.kind() {
        Kind::GaussianBlur(blur) => far(blur.std_dev_x().get(), blur.std_dev_y().get()),
        Kind::DropShadow(shadow) => {
            far(shadow.std_dev_x().get(), shadow.std_dev_y().get()) || far(shadow.dx(), shadow.dy())
        }
        Kind::Offset(offset) => far(offset.dx(), offset.dy()),
        Kind::Morphology(spread) => far(spread.radius_x().get(), spread.radius_y().get()),
        Kind::DisplacementMap(map) => far(map.scale(), map.scale()),
        Kind::Blend(_)
        | Kind::ColorMatrix(_)
        | Kind::ComponentTransfer(_)
        | Kind::Composite(_)
        | Kind::ConvolveMatrix(_)
        | Kind::DiffuseLighting(_)
        | Kind::Flood(_)
        | Kind::Image(_)
        | Kind::Merge(_)
        | Kind::SpecularLighting(_)
        | Kind::Tile(_)
        | Kind::Turbulence(_) => false,
    })
}

fn far_out() -> ConvertError {
    unsupported("an SVG drawing whose shapes reach too far out of it")
}

/// Rounds to whole pixels, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn natural_size(size: usvg::Size) -> Size {
    let whole = |side: f32| f64::from(side).round().clamp(1.0, f64::from(u32::MAX)) as u32;
    Size::new(whole(size.width()), whole(size.height()))
}

/// Returns the text of a drawing, of at most [`MAX_TEXT`] bytes.
fn unpacked(bytes: &[u8]) -> Result<Cow<'_, str>, ConvertError> {
    let no_text = || unsupported("an SVG drawing that is not UTF-8");
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        let read = GzDecoder::new(bytes).take(MAX_TEXT + 1).read_to_end(&mut text);
        if !begins(&text) {
            return Err(ConvertError::Unknown { found: "a gzip archive".into() });
        }
        read.map_err(|_| damaged("its compressed data make no sense"))?;
        if text.len() as u64 > MAX_TEXT {
            return Err(unsupported("an SVG drawing of more than 64 MiB"));
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
    let document = Document::parse_with_options(text, options)
        .map_err(|error| damaged(format!("it is no XML that can be read ({error})")))?;
    examine(&document)?;
    let options = options_for(limits, drawings, failure);
    Tree::from_xmltree(&document, &options).map_err(|error| match error {
        usvg::Error::InvalidSize => damaged("its width, height or viewBox make no size"),
        usvg::Error::ElementsLimitReached => unsupported("an SVG drawing of too many elements"),
        usvg::Error::ParsingFailed(error) => {
            damaged(format!("it is no SVG that can be read ({error})"))
        }
        usvg::Error::NotAnUtf8Str
        | usvg::Error::SvgzFeatureNotEnabled
        | usvg::Error::MalformedGZip => damaged("its text makes no sense"),
    })
}

/// Refuses what would not be drawn as it is meant.
fn examine(document: &Document<'_>) -> Result<(), ConvertError> {
    let mut depths: Vec<u16> = Vec::new();
    let (mut grow, mut by_font) = (false, false);
    for node in document.descendants() {
        let parent = node.parent().and_then(|parent| depths.get(parent.id().get_usize()));
        let depth = parent.map_or(0, |depth| depth + 1);
        if depth > MAX_DEPTH {
            return Err(unsupported(format!(
                "an SVG drawing whose elements are nested more than {MAX_DEPTH} deep"
            )));
        }
        depths.push(depth);
        if states_too_much(node) {
            return Err(far_out());
        }
        grow |= grows(node);
        by_font |= measures_by_font(node);
        if grow && by_font {
            return Err(unsupported("an SVG drawing whose shapes are as large as relative fonts"));
        }
        if !node.is_element() || is_hidden(node) {
            continue;
        }
        match node.tag_name().name() {
            "text" if has_words(node) => {
                return Err(unsupported(
                    "an SVG drawing with text, for which no fonts are here; convert its text to \
                     outlines",
                ));
            }
            "foreignObject" if !in_switch(node) => {
                return Err(unsupported("an SVG drawing with HTML in it"));
            }
            "feTurbulence" if octaves(node).is_some_and(|it| is_beyond(it, MAX_OCTAVES)) => {
                return Err(unsupported(format!(
                    "an SVG drawing whose turbulence has more than {MAX_OCTAVES} octaves"
                )));
            }
            "image" | "feImage" => refuse_outside(node)?,
            "use" => {
                let href = href(node).unwrap_or_default();
                if !href.is_empty() && !href.starts_with('#') {
                    return Err(outside(href));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tells whether an element states a number beyond [`LARGEST`], or is a drawing within that is
/// larger than what it is in, which could be repeated until it is.
fn states_too_much(node: Node<'_, '_>) -> bool {
    let within = matches!(node.tag_name().name(), "svg" | "symbol" | "use")
        && node.parent_element().is_some();
    node.attributes().any(|attribute| {
        let (name, value) = (attribute.name(), attribute.value());
        let grows = within && matches!(name, "width" | "height") && value.contains('%');
        is_geometry(name) && is_beyond(value, if grows { 100.0 } else { LARGEST })
    })
}

/// Tells whether an element, or a style sheet, gives a font a size that depends on another one or
/// is huge: fonts within fonts could grow without end.
fn grows(node: Node<'_, '_>) -> bool {
    let huge = |size: &str| {
        ["em", "ex", "%", "larg"].iter().any(|unit| size.contains(unit)) || is_beyond(size, LARGEST)
    };
    let style = |text: &str| text.contains("font") && huge(text);
    node.attribute("font-size").is_some_and(huge)
        || node.attribute("style").is_some_and(style)
        || node.tag_name().name() == "style"
            && node.descendants().any(|part| part.text().is_some_and(style))
}

/// Tells whether an element has arcs, or things measured by it that have, and the size of a font.
fn measures_by_font(node: Node<'_, '_>) -> bool {
    let by_size = match node.tag_name().name() {
        "circle" | "ellipse" | "rect" | "symbol" | "use" => true,
        "svg" => !node.has_attribute("viewBox"),
        _ => false,
    };
    by_size
        && node.attributes().any(|attribute| {
            is_geometry(attribute.name())
                && ["em", "ex"].iter().any(|unit| attribute.value().contains(unit))
        })
}

/// Tells whether an attribute says where something lies or how large it is.
fn is_geometry(name: &str) -> bool {
    matches!(
        name,
        "d" | "points"
            | "viewBox"
            | "x"
            | "y"
            | "x1"
            | "y1"
            | "x2"
            | "y2"
            | "cx"
            | "cy"
            | "r"
            | "rx"
            | "ry"
            | "width"
            | "height"
            | "font-size"
    )
}

/// Tells whether a number in an attribute is larger than allowed.
fn is_beyond(value: &str, largest: f64) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = value;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '.') {
        rest = &rest[start..];
        let mut end = digits(rest);
        if rest[end..].starts_with('.') {
            end += 1;
            end += digits(&rest[end..]);
        }
        if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            // Without digits it is the unit `em` or `ex`.
            let length = digits(&exponent[sign..]);
            end += if length > 0 { 1 + sign + length } else { 0 };
        }
        if rest[..end].parse::<f64>().is_ok_and(|number| number > largest) {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

fn octaves<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.attribute("numOctaves")
}

fn has_words(node: Node<'_, '_>) -> bool {
    let words = |text: &str| !text.trim().is_empty();
    node.descendants().any(|part| part.is_text() && part.text().is_some_and(words))
}

/// Tells whether an element or one around it is never displayed.
fn is_hidden(node: Node<'_, '_>) -> bool {
    let hides = |node: &Node<'_, '_>| {
        let style = node.attribute("style").unwrap_or_default();
        let declared = style.split(';').filter_map(|declaration| declaration.split_once(':'));
        node.attribute("display").is_some_and(|value| value.trim() == "none")
            || declared.into_iter().any(|(name, value)| {
                name.trim() == "display" && value.trim().trim_end_matches("!important") == "none"
            })
    };
    // Most elements are none of those that are looked for.
    matches!(node.tag_name().name(), "text" | "foreignObject" | "image" | "feImage" | "use")
        && node.ancestors().any(|node| hides(&node))
}

/// Tells whether something else can be drawn instead of an element.
fn in_switch(node: Node<'_, '_>) -> bool {
    node.parent_element().is_some_and(|parent| parent.tag_name().name() == "switch")
}

fn href<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let attribute = node.attributes().find(|attribute| attribute.name() == "href");
    attribute.map(|attribute| attribute.value().trim())
}

/// Refuses a picture that is not in the drawing itself.
fn refuse_outside(node: Node<'_, '_>) -> Result<(), ConvertError> {
    match href(node) {
        None | Some("") => Ok(()),
        Some(inside) if inside.starts_with("data:") || inside.starts_with('#') => Ok(()),
        Some(href) => Err(outside(href)),
    }
}

fn outside(href: &str) -> ConvertError {
    let href = crate::diag::shown(href);
    unsupported(format!("an SVG drawing that shows another file ({href}); embed it"))
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
            return Err(unsupported("an SVG drawing with drawings within drawings"));
        };
        return parse(&unpacked(data)?, limits, drawings, Some(failure)).map(ImageKind::SVG);
    }
    let header = super::header(std::io::Cursor::new(data), limits)?;
    if !header.pages.is_empty() {
        return Err(unsupported("an SVG drawing with a document in it"));
    }
    if header.pixel_type == PixelType::Cmyk {
        return Err(unsupported("an SVG drawing with a CMYK picture in it"));
    }
    let picture = super::decode(data, &header, Shrink::Full, limits)?;
    super::png::encode(&picture.to_eight(), None, None).map(|png| ImageKind::PNG(Arc::new(png)))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const NAMESPACES: &str =
        r#"xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink""#;

    /// A drawing of 40 × 20 with this in it.
    fn drawing(inside: &str) -> String {
        format!(r#"<svg {NAMESPACES} width="40" height="20">{inside}</svg>"#)
    }

    fn read(bytes: &[u8]) -> Result<(Header, Raster), ConvertError> {
        let limits = Limits { max_pixels: 1 << 22, ..Limits::default() };
        let header = super::super::header(Cursor::new(bytes), &limits)?;
        assert_eq!(header.format, SourceFormat::Svg);
        let picture = super::super::decode(bytes, &header, Shrink::Full, &limits)?;
        Ok((header, picture))
    }

    fn pixel(picture: &Raster, x: u32, y: u32) -> [u8; 4] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        let at = (y * picture.size().width + x) as usize * 4;
        samples[at..at + 4].try_into().unwrap()
    }

    fn refused(bytes: &str) -> String {
        match read(bytes.as_bytes()) {
            Err(ConvertError::Unsupported { detail }) => detail,
            other => panic!("{bytes}: {other:?}"),
        }
    }

    fn damage(bytes: &str) -> String {
        match read(bytes.as_bytes()) {
            Err(ConvertError::Damaged { detail }) => detail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_drawing_is_rgba_at_96_dots_per_inch() {
        let half = r##"<rect width="20" height="20" fill="#f00" fill-opacity="0.5"/>
            <rect x="20" width="10" height="20" fill="#00f"/>"##;
        let (header, picture) = read(drawing(half).as_bytes()).unwrap();
        assert_eq!((header.size, header.alpha, header.dpi), (Size::new(40, 20), true, Some(96.0)));
        assert_eq!(pixel(&picture, 5, 5), [255, 0, 0, 128]);
        assert_eq!(pixel(&picture, 25, 5), [0, 0, 255, 255]);
        assert_eq!(pixel(&picture, 35, 5)[3], 0);
    }

    #[test]
    fn natural_sizes_follow_width_height_and_view_box() {
        for (attributes, width, height) in [
            (r#"width="1in" height="2.54cm""#, 96, 96),
            (r#"width="30.4" height="0.2""#, 30, 1),
            (r#"viewBox="0 0 300 100""#, 300, 100),
            (r#"viewBox="0 0 300 100" width="150""#, 150, 50),
            (r#"viewBox="10 10 30 10" width="100%" height="50%""#, 30, 5),
        ] {
            let text = format!(
                r##"<svg {NAMESPACES} {attributes}><rect width="999" height="999" fill="#0f0"/></svg>"##
            );
            let (header, picture) = read(text.as_bytes()).unwrap();
            assert_eq!(header.size, Size::new(width, height), "{attributes}");
            assert_eq!(picture.size(), header.size);
            assert_eq!(pixel(&picture, width / 2, height / 2), [0, 255, 0, 255], "{attributes}");
        }
    }

    #[test]
    fn drawings_are_known_whatever_comes_first() {
        let svg = drawing("");
        let long = "x".repeat(3000);
        for before in [
            "",
            "\u{feff}",
            "  \n",
            "<?xml version='1.0' encoding='utf-8'?>\n",
            "<!-- made by hand -->",
            "<?xml version='1.0'?><!-- a > b --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>",
            &format!("<?xml version='1.0'?><!--{long}-->"),
        ] {
            read(format!("{before}{svg}").as_bytes()).unwrap();
        }
        assert!(begins(b"<s:svg xmlns:s='http://www.w3.org/2000/svg'>"));
        for other in
            ["<svga>", "<html><svg></svg></html>", "<!DOCTYPE html><svg>", "<!-- <svg> ", "text"]
        {
            assert!(!begins(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_packed_drawing_is_unpacked_and_other_archives_are_named() {
        let packed = |text: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(text).unwrap();
            gzip.finish().unwrap()
        };
        let (_, plain) = read(drawing("<rect width='9' height='9'/>").as_bytes()).unwrap();
        let (_, unpacked) =
            read(&packed(drawing("<rect width='9' height='9'/>").as_bytes())).unwrap();
        assert_eq!(plain, unpacked);
        assert!(
            matches!(read(&packed(b"a letter")), Err(ConvertError::Unknown { found }) if found == "a gzip archive")
        );
        let mut cut = packed(drawing(&"<g/>".repeat(5000)).as_bytes());
        cut.truncate(cut.len() - 12);
        assert!(matches!(read(&cut), Err(ConvertError::Damaged { .. })));
        let bomb = packed(format!("<svg {NAMESPACES}>{}", " ".repeat(65 << 20)).as_bytes());
        assert!(
            matches!(read(&bomb), Err(ConvertError::Unsupported { detail }) if detail.contains("64 MiB"))
        );
    }

    #[test]
    fn what_would_be_missing_is_refused() {
        assert!(refused(&drawing("<text y='10'>Hello</text>")).contains("outlines"));
        assert!(
            refused(&drawing(
                "<defs><g id='a'><text><tspan>x</tspan></text></g></defs><use href='#a'/>"
            ))
            .contains("text")
        );
        assert!(refused(&drawing("<foreignObject><p>x</p></foreignObject>")).contains("HTML"));
        assert!(
            refused(&drawing("<image href='photo.jpg' width='9' height='9'/>"))
                .contains("photo.jpg")
        );
        assert!(
            refused(&drawing("<image xlink:href='http://example.com/a.png'/>"))
                .contains("example.com")
        );
        assert!(refused(&drawing("<use href='/etc/passwd#x'/>")).contains("passwd"));
        for harmless in [
            "<text> </text>",
            "<text display='none'>x</text>",
            "<g style='fill:red; display: none'><text>x</text></g>",
            "<switch><foreignObject requiredExtensions='x'><p>x</p></foreignObject><rect width='1' height='1'/></switch>",
            "<title>A title</title><desc>text</desc>",
        ] {
            read(drawing(harmless).as_bytes()).unwrap();
        }
    }

    /// A picture as a data URI.
    fn data_uri(kind: &str, bytes: &[u8]) -> String {
        let escaped: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
        format!("data:{kind},{escaped}")
    }

    #[test]
    fn pictures_inside_are_drawn_or_the_drawing_fails() {
        let red = Samples::Eight([255, 0, 0].repeat(64));
        let red = Raster::new(Size::new(8, 8), PixelType::Rgb, Alpha::None, red).unwrap();
        let png = super::super::png::encode(&red, None, None).unwrap();
        let image = |href: &str| drawing(&format!("<image href='{href}' width='20' height='20'/>"));
        // What it says it is does not matter.
        for kind in ["image/png", "image/jpeg"] {
            let (_, picture) = read(image(&data_uri(kind, &png)).as_bytes()).unwrap();
            assert_eq!(pixel(&picture, 10, 10), [255, 0, 0, 255]);
        }
        let nested = drawing("<rect width='40' height='20' fill='lime'/>");
        let (_, picture) =
            read(image(&data_uri("image/svg+xml", nested.as_bytes())).as_bytes()).unwrap();
        assert_eq!(pixel(&picture, 10, 10), [0, 255, 0, 255]);
        let cut = image(&data_uri("image/png", &png[..png.len() - 20]));
        assert!(matches!(read(cut.as_bytes()), Err(ConvertError::Damaged { .. })));
        let text = drawing("<text y='9'>x</text>");
        assert!(refused(&image(&data_uri("image/svg+xml", text.as_bytes()))).contains("outlines"));
        let mut deep = drawing("");
        for _ in 0..5 {
            deep = image(&data_uri("image/svg+xml", deep.as_bytes()));
        }
        assert!(refused(&deep).contains("within drawings"));
    }

    #[test]
    fn small_drawings_that_ask_for_a_lot_are_refused() {
        let huge = format!("<svg {NAMESPACES} width='3000000000' height='3000000000'/>");
        assert!(matches!(read(huge.as_bytes()), Err(ConvertError::TooLarge { .. })));
        let mut laughs = String::from("<!DOCTYPE svg [<!ENTITY a0 '<g/>'>");
        for n in 1..10 {
            laughs.push_str(&format!("<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10)));
        }
        let laughs = format!("{laughs}]>{}", drawing("&a9;"));
        damage(&laughs);
        let deep = drawing(&format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000)));
        assert!(refused(&deep).contains("nested"));
        let many = drawing(&"<g/>".repeat(600_000));
        damage(&many);
        let outside = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>".to_owned();
        damage(&(outside + &drawing("<desc>&x;</desc>")));
    }

    #[test]
    fn uses_that_multiply_or_go_round_end() {
        let mut doubling = String::from("<defs><g id='u0'><rect width='1' height='1'/></g>");
        for n in 1..30 {
            let before = n - 1;
            doubling.push_str(&format!(
                "<g id='u{n}'><use href='#u{before}'/><use href='#u{before}'/></g>"
            ));
        }
        let doubling = drawing(&(doubling + "</defs><use href='#u29'/>"));
        let error = read(doubling.as_bytes()).unwrap_err();
        assert!(
            matches!(error, ConvertError::Damaged { .. } | ConvertError::Unsupported { .. }),
            "{error}"
        );
        for round in [
            "<use id='a' href='#a'/>",
            "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>",
            "<pattern id='p' width='9' height='9'><rect width='9' height='9' fill='url(#p)'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
            "<mask id='m'><g mask='url(#m)'/></mask><rect width='9' height='9' mask='url(#m)'/>",
        ] {
            let _ = read(drawing(round).as_bytes());
        }
    }

    #[test]
    fn what_lies_too_far_out_is_refused_before_it_is_drawn() {
        let nines = "9".repeat(41);
        for far in [
            format!("<path d='M1 1A2 2 0 1 1 {nines} 8Z' transform='rotate(30)'/>"),
            "<path d='M1 1a2 2 0 1 1-3e37,8'/>".to_owned(),
            format!("<circle r='{nines}'/>"),
            "<ellipse rx='1e99in' ry='3'/>".to_owned(),
            "<rect width='1e300' height='1e300' rx='1e299'/>".to_owned(),
            "<svg viewBox='0 0 1e38 1e38'><circle r='1e2%'/></svg>".to_owned(),
            "<rect width='9' height='9' transform='scale(1e9)'/>".to_owned(),
            "<path d='M0 0H9' stroke='red' stroke-width='1e8'/>".to_owned(),
            "<rect width='9' height='2e6'/>".to_owned(),
            "<rect x='-2e6' width='9' height='9'/>".to_owned(),
            "<rect y='-2e6' width='9' height='9'/>".to_owned(),
        ] {
            assert!(refused(&drawing(&far)).contains("far out"), "{far}");
        }
        let growing = "<g style='font-size: 1e30em'><circle r='1em'/></g>";
        assert!(refused(&drawing(growing)).contains("fonts"));
        let within = "<svg width='1e9%' height='1e9%'>".repeat(9);
        let within = format!("{within}<circle r='50%'/>{}", "</svg>".repeat(9));
        assert!(refused(&drawing(&within)).contains("far out"));
        for fine in [
            // Flags without spaces look like one long number.
            "<path d='M1 1a2 2 0 11123456 8'/>",
            "<rect x='-500000' y='-500000' width='999999' height='999999'/>",
            "<g transform='scale(1e-6)'><path d='M0 0H4e7V2e7H0z'/></g>",
            "<g font-size='12'><circle r='1em'/></g>",
            "<svg width='100%' height='50%'><rect width='150%' height='9'/></svg>",
            "<g id='99999999999' data-x='1e99'/>",
            "<filter id='f'><feGaussianBlur stdDeviation='9000'/></filter>
             <rect width='9' height='9' filter='url(#f)'/>",
            "<rect width='9' height='9' fill='#123456' stroke='#7e99' stroke-miterlimit='1e20'/>",
        ] {
            read(drawing(fine).as_bytes()).unwrap();
        }
    }

    /// What is small by itself.
    const LARGE: &str = "<rect width='90000' height='90000'/>";

    #[test]
    fn what_is_enlarged_where_it_is_used_is_refused() {
        let user = |name: &str| {
            format!("<g transform='scale(1e5)'><rect width='1' height='1' {name}/></g>")
        };
        let one = "<rect width='1' height='1'/>";
        let drawn = format!("<g transform='scale(99999)'>{LARGE}</g>");
        let tile = "width='9' height='9' patternUnits='userSpaceOnUse'";
        for (def, name) in [
            (format!("<clipPath id='a'>{LARGE}</clipPath>"), "clip-path='url(#a)'"),
            (format!("<mask id='a'>{LARGE}</mask>"), "mask='url(#a)'"),
            (
                format!(
                    "<clipPath id='b'>{LARGE}</clipPath>
                    <clipPath id='a' clip-path='url(#b)'>{one}</clipPath>"
                ),
                "clip-path='url(#a)'",
            ),
            (
                format!("<mask id='b'>{LARGE}</mask><mask id='a' mask='url(#b)'>{one}</mask>"),
                "mask='url(#a)'",
            ),
            (
                "<clipPath id='a' transform='scale(99999)'><rect width='9' height='9'/></clipPath>"
                    .to_owned(),
                "transform='scale(0.001)' clip-path='url(#a)'",
            ),
            (format!("<pattern id='a' {tile}>{drawn}</pattern>"), "fill='url(#a)'"),
        ] {
            assert!(
                refused(&drawing(&format!("{def}{}", user(name)))).contains("far out"),
                "{name}"
            );
        }
    }

    #[test]
    fn filters_that_reach_too_far_are_refused() {
        for (primitive, scale) in [
            ("<feGaussianBlur stdDeviation='2999999999'/>", "1"),
            ("<feGaussianBlur stdDeviation='3 2e6'/>", "1"),
            ("<feGaussianBlur stdDeviation='3'/>", "9e5"),
            ("<feDropShadow dx='-9e9'/>", "1"),
            ("<feDropShadow stdDeviation='9e9'/>", "1"),
            ("<feOffset dy='-2e6'/>", "1"),
            ("<feOffset dx='2e6'/>", "1"),
            ("<feDropShadow dy='9e9'/>", "1"),
            ("<feMorphology radius='2e6'/>", "1"),
            ("<feMorphology radius='3 2e6'/>", "1"),
            ("<feMorphology radius='2e6 3'/>", "1"),
            ("<feDisplacementMap scale='2e6' in2='SourceGraphic'/>", "1"),
        ] {
            let filter = format!(
                "<filter id='f'>{primitive}</filter><g filter='url(#f)' transform='scale({scale})'>
                <rect width='1' height='1'/></g>"
            );
            assert!(refused(&drawing(&filter)).contains("far out"), "{filter}");
        }
    }

    #[test]
    fn pictures_in_drawings_are_looked_at_as_they_are_enlarged() {
        let drawn = format!("<g transform='scale(99999)'>{LARGE}</g>");
        let tile = "width='9' height='9' patternUnits='userSpaceOnUse'";
        // Pictures, and pictures of filters; what is in them may be what is enlarged.
        let uri = |inside: &str| data_uri("image/svg+xml", drawing(inside).as_bytes());
        let painted = |what: &str| {
            format!(
                "<pattern id='p' {tile}>{what}</pattern><rect fill='url(#p)' width='9' height='9'/>"
            )
        };
        let (huge, large) = (painted(&drawn), painted(LARGE));
        for (inside, scale) in [
            ("<rect width='9e6' height='9'/>", 1),
            (LARGE, 999),
            (huge.as_str(), 1),
            (large.as_str(), 999),
        ] {
            let inner = uri(inside);
            let image = format!(
                "<g transform='scale({scale})'><image href='{inner}' width='40' height='20'/></g>"
            );
            assert!(refused(&drawing(&image)).contains("far out"), "{image}");
            let filter = format!(
                "<filter id='f'><feImage href='{inner}'/></filter>
                <g transform='scale({scale})'><rect width='9' height='9' filter='url(#f)'/></g>"
            );
            assert!(refused(&drawing(&filter)).contains("far out"), "{filter}");
        }
    }

    #[test]
    fn what_is_no_number_is_far() {
        let unit = usvg::Rect::from_xywh(0.0, 0.0, 1.0, 1.0).unwrap();
        assert!(!is_far(unit, Transform::default()));
        assert!(is_far(unit, Transform::from_translate(f32::NAN, 0.0)));
        assert!(is_far(unit, Transform::from_translate(0.0, f32::NAN)));
    }

    #[test]
    fn masks_that_multiply_are_refused() {
        // In units of their own the reader would make each of them anew.
        let whole = "maskUnits='userSpaceOnUse' width='40' height='20'";
        let rect = "<rect width='9' height='9'";
        let mut doubling = format!("<mask id='m0' {whole}>{rect}/></mask>");
        for n in 1..24 {
            let part = format!("{rect} mask='url(#m{})'/>", n - 1);
            doubling.push_str(&format!("<mask id='m{n}' {whole}>{part}{part}</mask>"));
        }
        doubling.push_str(&format!("{rect} mask='url(#m23)'/>"));
        assert!(refused(&drawing(&doubling)).contains("too many times"));
    }

    #[test]
    fn turbulence_without_end_is_refused() {
        let turbulence = |octaves: &str| {
            drawing(&format!(
                "<filter id='f'><feTurbulence baseFrequency='.1' numOctaves='{octaves}'/></filter>
                <rect width='9' height='9' filter='url(#f)'/>"
            ))
        };
        read(turbulence("8").as_bytes()).unwrap();
        assert!(refused(&turbulence("4e9")).contains("octaves"));
    }

    #[test]
    fn numbers_are_found_among_letters() {
        assert!(is_beyond("M1-2e10", LARGEST));
        assert!(is_beyond("1.5.5 99999999999em", LARGEST));
        assert!(!is_beyond("M1e2.5e-99em9ex1e+3.-0.1234567891011121314", LARGEST));
    }

    #[test]
    fn huge_filters_are_cut_to_the_drawing() {
        let filter = "<filter id='f' x='-99999' y='-99999' width='999999' height='999999'>
            <feGaussianBlur stdDeviation='3'/></filter>
            <rect width='10' height='10' fill='red' filter='url(#f)'/>";
        let (_, picture) = read(drawing(filter).as_bytes()).unwrap();
        assert!(pixel(&picture, 5, 5)[3] > 100);
    }

    /// Runs with the stack the only thread of a worker has.
    fn on_a_worker_s_stack(work: impl FnOnce() + Send + 'static) {
        std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn the_deepest_nesting_that_is_read_fits_the_stack() {
        on_a_worker_s_stack(|| {
            let levels = usize::from(MAX_DEPTH) - 2;
            let open = "<g opacity='0.99' transform='translate(0.01)'>".repeat(levels);
            let rect = "<rect width='9' height='9'/>";
            let deep = drawing(&format!("{open}{rect}{}", "</g>".repeat(levels)));
            read(deep.as_bytes()).unwrap();
            // A chain of uses is deeper than what is written.
            let mut chain = String::from("<g id='c0'><rect width='9' height='9'/></g>");
            for n in 1..1500 {
                chain.push_str(&format!("<g id='c{n}'><use href='#c{}'/></g>", n - 1));
            }
            let _ = read(drawing(&chain).as_bytes());
            let short = chain.split_inclusive("</g>").take(300).collect::<String>();
            let _ = read(drawing(&format!("<defs>{short}</defs><use href='#c299'/>")).as_bytes());
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn no_damage_ever_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = drawing(
                "<defs><linearGradient id='g'><stop offset='0.1' stop-color='red'/><stop offset='1'/>
                </linearGradient><clipPath id='c'><circle cx='9' cy='9' r='9'/></clipPath></defs>
                <path d='M 1 2 L 30 4 C 1 2 3 4 5 6 A 3 4 5 0 1 9 9 z' fill='url(#g)' stroke='#123' stroke-width='2' stroke-dasharray='3 1'/>
                <g clip-path='url(#c)' opacity='0.5' transform='rotate(20 3 4)'><use xlink:href='#g' x='3'/></g>",
            ).into_bytes();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
            if let Ok(header) = super::super::header(Cursor::new(&bytes), &limits) {
                let _ = super::super::decode(&bytes, &header, Shrink::Full, &limits);
            }
        }
    }
}
