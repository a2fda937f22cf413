//! What a drawing asks for that would not be drawn as it is meant, or without end.

use resvg::usvg::roxmltree::{Document, Node};

use super::far::far_out;
use super::unsupported;
use crate::diag::phrase;
use crate::imaging::ConvertError;

/// Largest number in the geometry of a drawing, in units of its own.
///
/// The reader makes curves of an arc, the more the larger it is: 70 here, without end where the
/// number is beyond its own. Flags of arcs may be written in one with the number after them, so
/// two digits of it may be theirs.
pub(super) const LARGEST: f64 = 1e10;

/// Most octaves of turbulence; each is half as strong as the one before, 8 show.
const MAX_OCTAVES: f64 = 64.0;

/// Deepest nesting of elements: readers go down by recursion.
pub(super) const MAX_DEPTH: u16 = 200;

/// Refuses what would not be drawn as it is meant.
pub(super) fn examine(document: &Document<'_>) -> Result<(), ConvertError> {
    let mut depths: Vec<u16> = Vec::new();
    let (mut grow, mut by_font) = (false, false);
    for node in document.descendants() {
        let parent = node.parent().and_then(|parent| depths.get(parent.id().get_usize()));
        let depth = parent.map_or(0, |depth| depth + 1);
        if depth > MAX_DEPTH {
            return Err(unsupported(phrase!(
                "source-svg-nested",
                "an SVG drawing whose elements are nested more than {most} deep",
                most = MAX_DEPTH
            )));
        }
        depths.push(depth);
        if states_too_much(node) {
            return Err(far_out());
        }
        grow |= grows(node);
        by_font |= measures_by_font(node);
        if grow && by_font {
            return Err(unsupported(phrase!(
                "source-svg-drawing-shapes-large-relative",
                "an SVG drawing whose shapes are sized by relative font sizes"
            )));
        }
        if !node.is_element() || is_hidden(node) {
            continue;
        }
        match node.tag_name().name() {
            "text" if has_words(node) => {
                return Err(unsupported(phrase!(
                    "source-svg-drawing-text-which-no",
                    "an SVG drawing with text, for which no fonts are here"
                )));
            }
            "foreignObject" if !in_switch(node) => {
                return Err(unsupported(phrase!(
                    "source-svg-drawing-html",
                    "an SVG drawing with HTML in it"
                )));
            }
            "feTurbulence" if octaves(node).is_some_and(|it| is_beyond(it, MAX_OCTAVES)) => {
                return Err(unsupported(phrase!(
                    "source-svg-turbulence",
                    "an SVG drawing whose turbulence has more than {most} octaves",
                    most = MAX_OCTAVES
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
/// larger than what it is in, which could be repeated until it is. All numbers of a filter count:
/// the reader does not expect any that are beyond its own.
fn states_too_much(node: Node<'_, '_>) -> bool {
    let within = matches!(node.tag_name().name(), "svg" | "symbol" | "use")
        && node.parent_element().is_some();
    let filters = node.tag_name().name().starts_with("fe");
    node.attributes().any(|attribute| {
        let (name, value) = (attribute.name(), attribute.value());
        let grows = within && matches!(name, "width" | "height") && value.contains('%');
        (is_geometry(name) || filters && !is_a_name(name))
            && is_beyond(value, if grows { 100.0 } else { LARGEST })
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

/// Tells whether an attribute of a filter says which one, and not how much; colours look like
/// numbers, too.
fn is_a_name(name: &str) -> bool {
    matches!(name, "id" | "class" | "in" | "in2" | "result" | "href" | "style" | "fill" | "stroke")
        || name.contains("color")
}

/// Tells whether a number in an attribute is larger than allowed.
pub(super) fn is_beyond(value: &str, largest: f64) -> bool {
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
    unsupported(phrase!(
        "source-svg-other-file",
        "an SVG drawing that shows another file ({href})",
        href = href
    ))
}
