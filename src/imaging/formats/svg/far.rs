//! Drawings that reach so far out that drawing them would not end well.

use resvg::tiny_skia::Transform;
use resvg::usvg::filter::Kind;
use resvg::usvg::{self, ImageKind, Tree};

use super::unsupported;
use crate::diag::phrase;
use crate::imaging::ConvertError;

/// Farthest that anything may lie outside, in pixels.
const FARTHEST: f32 = 1_000_000.0;

/// Most groups that are drawn, each as often as it is used.
const MAX_DRAWN: u32 = 2_000_000;

/// Refuses a drawing in which something lies so far out that the rasteriser, which counts in fixed
/// point, loses its way: it would end the process.
///
/// Drawings within it, masks, clips and pictures of filters are looked at where they are used, for
/// what enlarges them is there; patterns, which are painted on tiles of their own, where they are defined.
pub(super) fn refuse_far(tree: &Tree, scale: Transform) -> Result<(), ConvertError> {
    let mut left: Vec<(&usvg::Group, Transform)> = vec![(tree.root(), scale)];
    left.extend(tree.patterns().iter().map(|pattern| (pattern.root(), scale)));
    let mut seen = 0_u32;
    while let Some((group, scale)) = left.pop() {
        seen += 1;
        if seen > MAX_DRAWN {
            return Err(unsupported(phrase!(
                "source-svg-drawing-draws-parts-too",
                "an SVG drawing that draws its parts too many times"
            )));
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
pub(super) fn is_far(bounds: usvg::Rect, scale: Transform) -> bool {
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

pub(super) fn far_out() -> ConvertError {
    unsupported(phrase!(
        "source-svg-drawing-shapes-reach-too",
        "an SVG drawing whose shapes extend too far beyond it"
    ))
}
