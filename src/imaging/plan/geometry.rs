//! Rounding, limits and the eight ways to turn a rectangle.

use std::ops::Range;

use super::layer::Layer;
use super::view::View;
use super::{Affine, Flip, Turn};
use crate::diag::{Argument, Code, Diagnostic, Phrase, phrase};
use crate::imaging::{Limits, Size};

/// No length may be more than this, in pixels; far beyond every limit, but sums and products of
/// a few of them still fit into 128 bits.
pub(super) const FAR: i64 = 1 << 40;

/// Lengths that miss a whole number, or a half, by less are that: a decimal such as 0.29 has no
/// exact counterpart among binary numbers.
const NOISE: f64 = 1e-6;

/// Rounds half up (rule R0), to at most [`FAR`] either way.
#[expect(clippy::cast_possible_truncation, reason = "clamped to 41 bits before")]
#[expect(clippy::cast_precision_loss, reason = "FAR is a power of two")]
pub(super) fn round(x: f64) -> i64 {
    (x + 0.5 + NOISE).floor().clamp(-(FAR as f64), FAR as f64) as i64
}

/// Rounds up.
pub(super) fn up(x: f64) -> i64 {
    round((x - NOISE).ceil())
}

/// Rounds down.
pub(super) fn down(x: f64) -> i64 {
    round((x + NOISE).floor())
}

/// Rounds a length half up to at least one pixel.
pub(super) fn length(x: f64) -> i64 {
    round(x).max(1)
}

/// Returns `length · numerator / denominator`, rounded half up, at least 1 and at most [`FAR`].
pub(super) fn proportion(length: i64, numerator: i64, denominator: i64) -> i64 {
    let (n, d) = (i128::from(length) * i128::from(numerator), i128::from(denominator));
    let rounded = (2 * n + d).div_euclid(2 * d);
    i64::try_from(rounded.clamp(1, i128::from(FAR))).unwrap_or(FAR)
}

/// Turns a length into a floating-point number; all that occur are exact.
#[expect(clippy::cast_precision_loss, reason = "lengths have at most 41 bits")]
pub(super) fn real(length: i64) -> f64 {
    length as f64
}

/// What has a size on the way from the source to the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Crop,
    Layer,
    RotatedLayer,
    Composite,
    View,
    Reply,
}

impl Part {
    fn words(self) -> Phrase {
        match self {
            Self::Crop => phrase!("part-crop", "crop"),
            Self::Layer => phrase!("part-layer", "layer"),
            Self::RotatedLayer => phrase!("part-rotated-layer", "rotated layer"),
            Self::Composite => phrase!("part-composite", "composite"),
            Self::View => phrase!("part-view", "picture area"),
            Self::Reply => phrase!("part-reply", "exported picture"),
        }
    }
}

/// What helps against a size that is too large.
pub(super) fn ask_for_less() -> Phrase {
    phrase!("help-ask-smaller-size", "ask for a smaller size")
}

/// Makes a size of two lengths, if it is not empty and within the limits.
///
/// # Errors
/// A finding at `place` that names what would have that size.
pub(super) fn within(
    (width, height): (i64, i64),
    limits: &Limits,
    part: Part,
    place: &Range<usize>,
) -> Result<Size, Diagnostic> {
    let what = part.words();
    let error = |message: Phrase| Diagnostic::error(Code::Value, place.clone(), message);
    let size = match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => Size::new(width, height),
        _ if width < 1 || height < 1 => {
            return Err(error(phrase!(
                "nothing-left",
                "nothing is left of the {what}: {width} × {height} pixels",
                what = what,
                width = width,
                height = height,
            ))
            .help(phrase!("ask-for-more", "ask for a larger part or a larger size")));
        }
        _ => {
            return Err(error(phrase!(
                "would-be",
                "the {what} would be {width} × {height} pixels; that is far too large",
                what = what,
                width = Argument::pixels(width),
                height = Argument::pixels(height),
            ))
            .help(ask_for_less()));
        }
    };
    if size.width.max(size.height) > limits.max_side {
        let message = phrase!(
            "would-be-too-long",
            "the {what} would be {width} × {height} pixels; the longest side allowed is \
             {most} pixels",
            what = what,
            width = Argument::pixels(width),
            height = Argument::pixels(height),
            most = Argument::pixels(limits.max_side),
        );
        return Err(error(message).help(ask_for_less()));
    }
    if size.pixels() > limits.max_pixels {
        let message = phrase!(
            "would-be-too-many",
            "the {what} would be {width} × {height} pixels; at most {most} pixels are allowed",
            what = what,
            width = Argument::pixels(width),
            height = Argument::pixels(height),
            most = Argument::Count(limits.max_pixels),
        );
        return Err(error(message).help(ask_for_less()));
    }
    Ok(size)
}

/// Returns the map that is one, then another.
pub(super) fn then(first: Affine, next: Affine) -> Affine {
    let [a, b, c, d, e, f] = first;
    let [g, h, i, j, k, l] = next;
    [
        g * a + h * d,
        g * b + h * e,
        g * c + h * f + i,
        j * a + k * d,
        j * b + k * e,
        j * c + k * f + l,
    ]
}

/// Returns the box around a mapped box; left, top, right, bottom.
pub(super) fn bounds(map: Affine, [left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
    let [a, b, c, d, e, f] = map;
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
    let none = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    corners.into_iter().fold(none, |[x0, y0, x1, y1], (x, y)| {
        let (x, y) = (a * x + b * y + c, d * x + e * y + f);
        [x0.min(x), y0.min(y), x1.max(x), y1.max(y)]
    })
}

/// Continues a map that ends in pixels of the composite to pixels of the view; `flip` mirrors the
/// composite before.
pub(super) fn to_view(map: Affine, flip: Turning, composite: Size, view: &View) -> Affine {
    let map = then(map, flip.map(composite));
    let axis = |axis: &super::view::Axis| {
        let factor = real(axis.scaled) / f64::from(axis.region);
        (factor, real(axis.at) - real(axis.region_at) * factor)
    };
    let ((x, left), (y, top)) = (axis(&view.x), axis(&view.y));
    then(map, [x, 0.0, left, 0.0, y, top])
}

/// Ends a map to pixels in a part of them, 0 to 1 on each axis.
pub(super) fn within_part(map: Affine, (x, y): (i64, i64), size: Size) -> Affine {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    then(map, [1.0 / w, 0.0, -real(x) / w, 0.0, 1.0 / h, -real(y) / h])
}

/// Returns the map from the source to the reply, both from 0 to 1 on each axis.
pub(super) fn whole_map(layer: &Layer, view: &View, flip: Option<Flip>) -> Affine {
    let map = to_view(layer.map(), Turning::flip(flip), layer.composite, view);
    within_part(map, (view.window.x, view.window.y), view.window.size)
}

/// One of the eight ways to lay a rectangle on itself: mirrored left to right or not, then turned
/// clockwise by quarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turning {
    mirrored: bool,
    quarters: u8,
}

impl Turning {
    /// Turns by quarters, clockwise.
    pub(super) const fn quarters(quarters: u8) -> Self {
        Self { mirrored: false, quarters: quarters % 4 }
    }

    /// Mirrors.
    pub(super) const fn flip(flip: Option<Flip>) -> Self {
        let (mirrored, quarters) = match flip {
            None => (false, 0),
            Some(Flip::Lr) => (true, 0),
            Some(Flip::Ud) => (true, 2),
            Some(Flip::Lrud) => (false, 2),
        };
        Self { mirrored, quarters }
    }

    /// Does this, then another.
    pub(super) const fn then(self, next: Self) -> Self {
        let before = if next.mirrored { 4 - self.quarters } else { self.quarters };
        Self { mirrored: self.mirrored != next.mirrored, quarters: (before + next.quarters) % 4 }
    }

    /// Tells whether nothing changes.
    pub(super) const fn is_identity(self) -> bool {
        !self.mirrored && self.quarters == 0
    }

    /// Tells whether width and height change places.
    pub(super) const fn swaps(self) -> bool {
        self.quarters % 2 == 1
    }

    /// Returns the size of a turned picture; the same for turning back.
    pub(super) const fn of(self, size: Size) -> Size {
        if self.swaps() { Size::new(size.height, size.width) } else { size }
    }

    /// Returns the mirroring and the turn that do this, in order.
    pub(super) const fn parts(self) -> (Option<Flip>, Option<Turn>) {
        match (self.mirrored, self.quarters) {
            (true, 2) => (Some(Flip::Ud), None),
            (mirrored, quarters) => {
                let turn = match quarters {
                    1 => Some(Turn::Quarter),
                    2 => Some(Turn::Half),
                    3 => Some(Turn::ThreeQuarters),
                    _ => None,
                };
                (if mirrored { Some(Flip::Lr) } else { None }, turn)
            }
        }
    }

    /// Returns the map from pixels of a picture of this size to pixels of the turned one.
    pub(super) fn map(self, size: Size) -> Affine {
        let mut map = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let (mut width, mut height) = (f64::from(size.width), f64::from(size.height));
        if self.mirrored {
            map = then(map, [-1.0, 0.0, width, 0.0, 1.0, 0.0]);
        }
        for _ in 0..self.quarters {
            // A quarter clockwise takes (x, y) to (height − y, x).
            map = then(map, [0.0, -1.0, height, 1.0, 0.0, 0.0]);
            (width, height) = (height, width);
        }
        map
    }

    /// Finds where a part of the turned picture was before; `turned` is the turned size.
    pub(super) fn back(self, turned: Size, part: [Span; 2]) -> [Span; 2] {
        let (mut size, [mut x, mut y]) = (turned, part);
        for _ in 0..self.quarters {
            // A quarter clockwise takes (x, y) to (height − y, x).
            (x, y) = (y, x.mirror(i64::from(size.width)));
            size = Size::new(size.height, size.width);
        }
        if self.mirrored {
            x = x.mirror(i64::from(size.width));
        }
        [x, y]
    }
}

/// A piece of an axis between two exact fractions of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i128,
    pub(super) end: i128,
    /// Both are in parts of a pixel; more than 0.
    pub(super) parts: i128,
}

impl Span {
    /// Counts from the other end of an axis.
    fn mirror(self, axis: i64) -> Self {
        let axis = i128::from(axis) * self.parts;
        Self { start: axis - self.end, end: axis - self.start, ..self }
    }

    /// Scales the axis by `numerator / denominator`, then moves it.
    pub(super) fn map(self, numerator: u32, denominator: u32, offset: i64) -> Self {
        let (n, parts) = (i128::from(numerator), self.parts * i128::from(denominator));
        let offset = i128::from(offset) * parts;
        Self { start: self.start * n + offset, end: self.end * n + offset, parts }
    }

    /// Returns start and length in whole pixels, if they are whole.
    pub(super) fn whole(self) -> Option<(i64, i64)> {
        let exact = |n: i128| (n % self.parts == 0).then(|| i64::try_from(n / self.parts).ok());
        let (start, end) = (exact(self.start)??, exact(self.end)??);
        Some((start, end - start))
    }

    /// Returns start and length, inside of an axis of this many pixels.
    pub(super) fn reals(self, axis: u32) -> (f64, f64) {
        let axis = f64::from(axis);
        let start = quotient(self.start, self.parts).clamp(0.0, axis);
        let length = quotient(self.end - self.start, self.parts);
        (start, length.min(axis - start))
    }
}

/// Returns the nearest number to a fraction, whole pixels apart from the rest.
#[expect(clippy::cast_precision_loss, reason = "the whole part is exact, the rest is below 1")]
fn quotient(numerator: i128, denominator: i128) -> f64 {
    let whole = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    whole as f64 + rest as f64 / denominator as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Turning> {
        let both = |quarters| [false, true].map(|mirrored| Turning { mirrored, quarters });
        (0..4).flat_map(both)
    }

    /// Where a pixel of a 3 × 2 picture goes, done step by step.
    fn forward(turning: Turning, (x, y): (i64, i64)) -> (i64, i64) {
        let (mut x, mut y, mut size) = (x, y, (3, 2));
        if turning.mirrored {
            x = size.0 - 1 - x;
        }
        for _ in 0..turning.quarters {
            (x, y) = (size.1 - 1 - y, x);
            size = (size.1, size.0);
        }
        (x, y)
    }

    #[test]
    fn going_back_is_the_inverse_of_turning() {
        for turning in all() {
            let turned = turning.of(Size::new(3, 2));
            for pixel in [(0, 0), (2, 1), (1, 0)] {
                let (x, y) = forward(turning, pixel);
                let span = |n: i64| Span { start: n.into(), end: (n + 1).into(), parts: 1 };
                let back = turning.back(turned, [span(x), span(y)]);
                assert_eq!(back.map(|s| s.whole().unwrap().0), [pixel.0, pixel.1], "{turning:?}");
            }
        }
    }

    #[test]
    fn one_after_the_other_is_their_product() {
        for first in all() {
            for second in all() {
                if first.swaps() {
                    continue; // `forward` knows one size only
                }
                let both = forward(second, forward(first, (0, 0)));
                assert_eq!(forward(first.then(second), (0, 0)), both, "{first:?} {second:?}");
            }
        }
        assert!(Turning::flip(Some(Flip::Lrud)).then(Turning::quarters(2)).is_identity());
        let turned = Turning::quarters(1).then(Turning::flip(Some(Flip::Lr)));
        assert_eq!(turned, Turning { mirrored: true, quarters: 3 });
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!(proportion(1500, 333, 1000), 500);
        assert_eq!(proportion(1, 1, 1000), 1);
        assert_eq!(proportion(FAR, FAR, 1), FAR);
        assert_eq!((round(-0.5), round(0.5), round(1e300), round(-1e300)), (0, 1, FAR, -FAR));
    }
}
