//! The paths Photoshop saves with a picture: outlines of cubic Béziers, each with a name.
//!
//! Coordinates are fractions of the picture, x before y, from its upper left corner: 0 to 1 inside,
//! but a path may reach beyond. Where a path lies after the picture was cut, scaled or turned is
//! said by an [`Affine`].
//!
//! [`coverage`] fills them. A pixel is sampled on sixteen lines, on each of which the covered
//! lengths are exact to 1/256 of a pixel; everything behind the rounding of the crossings is whole
//! numbers. A subpath that is open is closed by a straight line, and where outlines overlap every
//! second layer is outside (even-odd). How much work a path may make is bounded before any is done.

use std::ops::Range;

use super::plan::Affine;
use super::raster::as_usize;
use super::{ConvertError, Orientation, Size};
use crate::diag::phrase;

/// Most knots of one file that are looked at; the largest outlines traced from a selection have a
/// few thousand.
pub(crate) const MAX_KNOTS: usize = 100_000;

/// Most straight pieces one picture of paths is filled from (they take 32 bytes each).
const MAX_EDGES: usize = 1 << 20;

/// Most crossings of an outline with a sampled line in one picture (about a second's work).
const MAX_CROSSINGS: u64 = 1 << 26;

/// Sampled lines per pixel.
const LINES: i64 = 16;

/// Steps of a crossing's place per pixel.
const STEPS: i64 = 256;

/// A named path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    /// At most 255 bytes.
    pub(crate) name: String,
    /// Whether the file names it as the one the whole picture is clipped by.
    pub(crate) clipping: bool,
    /// Its outlines.
    pub(crate) subpaths: Vec<Subpath>,
}

/// One outline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subpath {
    /// Whether the last knot leads to the first.
    pub(crate) closed: bool,
    /// Its knots, never none.
    pub(crate) knots: Vec<Knot>,
}

/// A point of an outline with its two handles, each as x and y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Knot {
    /// Handle of the curve that comes in.
    pub(crate) before: [f64; 2],
    /// The point itself.
    pub(crate) at: [f64; 2],
    /// Handle of the curve that goes out.
    pub(crate) after: [f64; 2],
}

impl Path {
    /// Returns the smallest rectangle around the curves, as left, top, right, bottom; none when
    /// there is no knot.
    pub(crate) fn bounds(&self) -> Option<[f64; 4]> {
        let mut bounds: Option<[f64; 4]> = None;
        for subpath in &self.subpaths {
            for curve in subpath.curves() {
                let [left, right] = curve.extent(0);
                let [top, bottom] = curve.extent(1);
                bounds = Some(bounds.map_or([left, top, right, bottom], |[l, t, r, b]| {
                    [l.min(left), t.min(top), r.max(right), b.max(bottom)]
                }));
            }
        }
        bounds
    }

    /// Returns the path where a map takes it.
    pub(crate) fn mapped(&self, map: &Affine) -> Self {
        let subpath = |subpath: &Subpath| Subpath {
            closed: subpath.closed,
            knots: subpath.knots.iter().map(|knot| knot.mapped(map)).collect(),
        };
        Self {
            name: self.name.clone(),
            clipping: self.clipping,
            subpaths: self.subpaths.iter().map(subpath).collect(),
        }
    }
}

impl Subpath {
    /// Lists the curves from knot to knot; the last closes an outline, straight if it was open.
    fn curves(&self) -> impl Iterator<Item = Curve> {
        let next = self.knots.iter().cycle().skip(1);
        self.knots.iter().zip(next).enumerate().map(|(number, (from, to))| {
            if !self.closed && number + 1 == self.knots.len() {
                Curve([from.at, from.at, to.at, to.at])
            } else {
                Curve([from.at, from.after, to.before, to.at])
            }
        })
    }
}

impl Knot {
    fn mapped(&self, map: &Affine) -> Self {
        Self {
            before: mapped(self.before, map),
            at: mapped(self.at, map),
            after: mapped(self.after, map),
        }
    }
}

fn mapped([x, y]: [f64; 2], [a, b, c, d, e, f]: &Affine) -> [f64; 2] {
    [a * x + b * y + c, d * x + e * y + f]
}

/// Returns the map from a stored picture to the upright one, both from 0 to 1 on each axis.
pub(crate) const fn upright(orientation: Orientation) -> Affine {
    match orientation {
        Orientation::Upright => [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        Orientation::FlipHorizontal => [-1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
        Orientation::Rotate180 => [-1.0, 0.0, 1.0, 0.0, -1.0, 1.0],
        Orientation::FlipVertical => [1.0, 0.0, 0.0, 0.0, -1.0, 1.0],
        Orientation::Transpose => [0.0, 1.0, 0.0, 1.0, 0.0, 0.0],
        Orientation::Rotate90 => [0.0, -1.0, 1.0, 1.0, 0.0, 0.0],
        Orientation::Transverse => [0.0, -1.0, 1.0, -1.0, 0.0, 1.0],
        Orientation::Rotate270 => [0.0, 1.0, 0.0, -1.0, 0.0, 1.0],
    }
}

/// A cubic Bézier.
struct Curve([[f64; 2]; 4]);

impl Curve {
    fn point(&self, t: f64) -> [f64; 2] {
        let s = 1.0 - t;
        let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
        [0, 1].map(|axis| self.0.iter().zip(weights).map(|(p, w)| p[axis] * w).sum())
    }

    /// Returns the least and the greatest coordinate on an axis.
    fn extent(&self, axis: usize) -> [f64; 2] {
        let [p, q, r, s] = self.0.map(|point| point[axis]);
        let (mut least, mut most) = (p.min(s), p.max(s));
        // Inside its ends a curve turns where the derivative a·t² + b·t + c is 0.
        let (a, b, c) = (s - 3.0 * r + 3.0 * q - p, 2.0 * (r - 2.0 * q + p), q - p);
        let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
        // One of the two forms is exact where the other divides by nearly nothing.
        let half = (if b < 0.0 { root - b } else { -root - b }) / 2.0;
        for t in [half / a, c / half] {
            if t > 0.0 && t < 1.0 {
                let value = self.point(t)[axis];
                least = least.min(value);
                most = most.max(value);
            }
        }
        [least, most]
    }

    /// Counts the straight pieces that stay within 1/20 pixel of the curve.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn pieces(&self) -> usize {
        let [p, q, r, s] = self.0;
        let bend = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
            (a[0] - 2.0 * b[0] + c[0]).abs() + (a[1] - 2.0 * b[1] + c[1]).abs()
        };
        // A chord is off by at most an eighth of the second derivative, which is at most six times
        // the greater bend, over the square of the number of pieces.
        let deviation = bend(p, q, r).max(bend(q, r, s)) * 6.0 / 8.0;
        (deviation / 0.05).sqrt().ceil().clamp(1.0, 512.0) as usize
    }
}

/// A straight piece of an outline that goes down, in pixels.
#[derive(Clone, Copy)]
struct Edge {
    /// First sampled line it crosses.
    first: i64,
    /// The line after the last.
    end: i64,
    /// Where it crosses the first, and how far to the right it gets from line to line.
    x: f64,
    slope: f64,
}

/// Fills a path: 0 is outside, 255 is inside, one byte a pixel in rows.
///
/// `map` leads from the path's coordinates to fractions of the filled picture. The caller has
/// checked that `size` is allowed.
///
/// # Errors
/// [`ConvertError::Unsupported`] when the path is more intricate than any drawn by a person.
pub(crate) fn coverage(path: &Path, size: Size, map: &Affine) -> Result<Vec<u8>, ConvertError> {
    let (width, height) = (as_usize(size.width), as_usize(size.height));
    let [a, b, c, d, e, f] = *map;
    let (across, down) = (f64::from(size.width), f64::from(size.height));
    let map = [a * across, b * across, c * across, d * down, e * down, f * down];
    let mut edges = edges(path, size, &map)?;
    edges.sort_by_key(|edge| edge.first);
    let mut filler = Filler { edges, next: 0, active: Vec::new(), crossings: Vec::new() };
    let mut row = Row::new(width);
    let mut covered = Vec::with_capacity(width * height);
    for y in 0..i64::from(size.height) {
        for line in y * LINES..(y + 1) * LINES {
            filler.fill(line, &mut row);
        }
        row.finish(&mut covered);
    }
    Ok(covered)
}

/// Cuts a path into straight pieces.
fn edges(path: &Path, size: Size, map: &Affine) -> Result<Vec<Edge>, ConvertError> {
    let mut edges = Vec::new();
    let mut crossings = 0;
    for curve in path.subpaths.iter().flat_map(Subpath::curves) {
        let curve = Curve(curve.0.map(|point| bounded(mapped(point, map))));
        let pieces = curve.pieces();
        let mut from = curve.0[0];
        for number in 1..=pieces {
            #[expect(clippy::cast_precision_loss, reason = "at most 512")]
            let to = if number == pieces {
                curve.0[3]
            } else {
                curve.point(number as f64 / pieces as f64)
            };
            if let Some(edge) = Edge::between(from, to, size) {
                crossings += edge.first.abs_diff(edge.end);
                edges.push(edge);
            }
            from = to;
        }
        if edges.len() > MAX_EDGES || crossings > MAX_CROSSINGS {
            return Err(ConvertError::Unsupported {
                detail: phrase!(
                    "source-intricate-path",
                    "a picture with a clipping path too complex to use"
                ),
            });
        }
    }
    Ok(edges)
}

/// Keeps a coordinate within what is exact to small fractions; what is no number is 0.
fn bounded(point: [f64; 2]) -> [f64; 2] {
    point.map(|v| if v.is_nan() { 0.0 } else { v.clamp(-1.0e9, 1.0e9) })
}

impl Edge {
    /// Makes the edge between two points in pixels; none when it crosses no sampled line.
    fn between(from: [f64; 2], to: [f64; 2], size: Size) -> Option<Self> {
        let (up, down) = if from[1] <= to[1] { (from, to) } else { (to, from) };
        #[expect(clippy::cast_precision_loss, reason = "16")]
        let per_pixel = LINES as f64;
        // Line n lies in the middle of its sixteenth of a pixel, at (n + 1/2)/16.
        let place = |y: f64| y * per_pixel - 0.5;
        let range = lines(place(up[1]), place(down[1]), i64::from(size.height) * LINES);
        if range.is_empty() {
            return None;
        }
        let slope = (down[0] - up[0]) / (down[1] - up[1]) / per_pixel;
        #[expect(clippy::cast_precision_loss, reason = "lines of a picture")]
        let x = up[0] + (range.start as f64 - place(up[1])) * slope;
        Some(Self { first: range.start, end: range.end, x, slope })
    }

    #[expect(clippy::cast_precision_loss, reason = "lines of a picture")]
    fn crossing(&self, line: i64) -> f64 {
        self.x + (line - self.first) as f64 * self.slope
    }
}

/// Returns the lines from one place, inclusive, to another, exclusive, that a picture has.
#[expect(clippy::cast_possible_truncation, reason = "bounded")]
fn lines(from: f64, to: f64, all: i64) -> Range<i64> {
    (from.ceil() as i64).clamp(0, all)..(to.ceil() as i64).clamp(0, all)
}

/// Walks down the edges line by line.
struct Filler {
    /// By the line they begin on.
    edges: Vec<Edge>,
    /// The first that has not begun.
    next: usize,
    active: Vec<Edge>,
    /// Of the present line, in steps from the left edge.
    crossings: Vec<i64>,
}

impl Filler {
    fn fill(&mut self, line: i64, row: &mut Row) {
        while let Some(edge) = self.edges.get(self.next).filter(|edge| edge.first <= line) {
            self.active.push(*edge);
            self.next += 1;
        }
        self.active.retain(|edge| line < edge.end);
        self.crossings.clear();
        let steps = row.steps();
        self.crossings.extend(self.active.iter().map(|edge| step(edge.crossing(line), steps)));
        self.crossings.sort_unstable();
        for pair in self.crossings.as_chunks::<2>().0 {
            row.add(pair[0], pair[1]);
        }
    }
}

/// Rounds a place on a line to steps within the picture.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "clamped")]
fn step(x: f64, steps: i64) -> i64 {
    (x * STEPS as f64).clamp(0.0, steps as f64).round() as i64
}

/// One row of pixels, while its lines are sampled.
struct Row {
    /// Steps covered within each pixel at the ends of spans.
    ends: Vec<i64>,
    /// Where whole pixels begin (above 0) and cease (below 0) to be covered.
    whole: Vec<i64>,
}

impl Row {
    fn new(width: usize) -> Self {
        Self { ends: vec![0; width + 1], whole: vec![0; width + 1] }
    }

    #[expect(clippy::cast_possible_wrap, reason = "the width of a picture")]
    const fn steps(&self) -> i64 {
        (self.ends.len() - 1) as i64 * STEPS
    }

    /// Covers a line between two places of 0 to [`Self::steps`].
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the row")]
    fn add(&mut self, from: i64, to: i64) {
        let (first, last) = ((from / STEPS) as usize, (to / STEPS) as usize);
        if first == last {
            self.ends[first] += to - from;
            return;
        }
        self.ends[first] += STEPS - from % STEPS;
        self.ends[last] += to % STEPS;
        self.whole[first + 1] += STEPS;
        self.whole[last] -= STEPS;
    }

    /// Appends the pixels, and starts anew.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    fn finish(&mut self, pixels: &mut Vec<u8>) {
        let full = STEPS * LINES;
        let mut running = 0;
        let last = self.ends.len() - 1;
        pixels.extend(self.ends.iter().zip(&self.whole).take(last).map(|(ends, whole)| {
            running += whole;
            ((255 * (running + ends) + full / 2) / full) as u8
        }));
        self.ends.fill(0);
        self.whole.fill(0);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDENTITY: Affine = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    /// A path of straight lines between points.
    pub(crate) fn polygon(name: &str, points: &[[f64; 2]]) -> Path {
        let knots = points.iter().map(|&at| Knot { before: at, at, after: at }).collect();
        let subpaths = vec![Subpath { closed: true, knots }];
        Path { name: name.into(), clipping: false, subpaths }
    }

    pub(crate) fn rectangle(name: &str, [left, top, right, bottom]: [f64; 4]) -> Path {
        polygon(name, &[[left, top], [right, top], [right, bottom], [left, bottom]])
    }

    /// A circle of four curves; the customary handle is 0.5523 of the radius.
    pub(crate) fn circle(name: &str, [x, y]: [f64; 2], radius: f64) -> Path {
        let handle = 0.552_284_75 * radius;
        let knots = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]].map(|[dx, dy]: [f64; 2]| {
            let at = [x + dx * radius, y + dy * radius];
            let along = [-dy * handle, dx * handle];
            Knot {
                before: [at[0] - along[0], at[1] - along[1]],
                at,
                after: [at[0] + along[0], at[1] + along[1]],
            }
        });
        let subpaths = vec![Subpath { closed: true, knots: knots.to_vec() }];
        Path { name: name.into(), clipping: false, subpaths }
    }

    #[test]
    fn bounds_are_those_of_the_curves_not_of_the_handles() {
        let [left, top, right, bottom] = circle("c", [0.5, 0.25], 0.1).bounds().unwrap();
        for (found, wanted) in [(left, 0.4), (top, 0.15), (right, 0.6), (bottom, 0.35)] {
            assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
        // One curve that leaves and comes back: at t = 1/2 it is 3/4 of its handles away.
        let knot = |y: f64| Knot { before: [1.0, y], at: [0.0, y], after: [1.0, y] };
        let subpaths = vec![Subpath { closed: false, knots: vec![knot(0.0), knot(1.0)] }];
        let path = Path { name: "bow".into(), clipping: false, subpaths };
        assert_eq!(path.bounds(), Some([0.0, 0.0, 0.75, 1.0]));
        let nothing = Path { name: "n".into(), clipping: false, subpaths: vec![] };
        assert_eq!(nothing.bounds(), None);
    }

    #[test]
    fn maps_are_affine() {
        let quarter = [0.0, -2.0, 1.0, 3.0, 0.0, 0.5];
        let path = polygon("p", &[[0.25, 0.5]]).mapped(&quarter);
        assert_eq!(path.subpaths[0].knots[0].at, [0.0, 1.25]);
    }

    #[test]
    fn paths_are_turned_like_the_picture() {
        use crate::imaging::ops::orient;
        use crate::imaging::raster::{Alpha, Raster, Samples};
        let path = polygon("p", &[[0.0, 0.0], [0.7, 0.1], [0.4, 0.6]]);
        let filled = |path: &Path, size| {
            let samples = Samples::Eight(coverage(path, size, &IDENTITY).unwrap());
            Raster::new(size, crate::imaging::PixelType::Gray, Alpha::None, samples).unwrap()
        };
        let stored = Size::new(24, 16);
        for orientation in [
            Orientation::Upright,
            Orientation::FlipHorizontal,
            Orientation::Rotate180,
            Orientation::FlipVertical,
            Orientation::Transpose,
            Orientation::Rotate90,
            Orientation::Transverse,
            Orientation::Rotate270,
        ] {
            let wanted = orient(filled(&path, stored), orientation);
            let found = filled(&path.mapped(&upright(orientation)), wanted.size());
            let (Samples::Eight(found), Samples::Eight(wanted)) =
                (found.samples(), wanted.samples())
            else {
                panic!("16 bits")
            };
            let off = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(off <= 16, "{orientation:?} {off}");
        }
    }

    #[test]
    fn rectangles_are_covered_exactly() {
        let path = rectangle("r", [0.25, 0.5, 0.75, 1.0]);
        let found = coverage(&path, Size::new(4, 2), &IDENTITY).unwrap();
        assert_eq!(found, [0, 0, 0, 0, 0, 255, 255, 0]);
        // Half a pixel to the right and a quarter down.
        let map = [1.0, 0.0, 0.125, 0.0, 1.0, 0.125];
        let found = coverage(&path, Size::new(4, 2), &map).unwrap();
        assert_eq!(found, [0, 0, 0, 0, 0, 96, 191, 96]);
    }

    #[test]
    fn overlaps_are_holes() {
        let mut ring = rectangle("o", [0.0, 0.0, 1.0, 1.0]);
        ring.subpaths.extend(rectangle("i", [0.25, 0.0, 0.5, 1.0]).subpaths);
        assert_eq!(coverage(&ring, Size::new(4, 1), &IDENTITY).unwrap(), [255, 0, 255, 255]);
    }

    #[test]
    fn a_circle_has_the_area_of_a_circle() {
        let size = Size::new(100, 100);
        let found = coverage(&circle("c", [0.503, 0.499], 0.4), size, &IDENTITY).unwrap();
        let area: f64 = found.iter().map(|&v| f64::from(v) / 255.0).sum();
        let wanted = std::f64::consts::PI * 1600.0;
        assert!((area / wanted - 1.0).abs() < 1e-3, "{area} {wanted}");
        assert_eq!((found[50 * 100 + 50], found[0]), (255, 0));
    }

    #[test]
    fn an_open_outline_is_closed_straight() {
        let mut path = polygon("t", &[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]);
        path.subpaths[0].closed = false;
        path.subpaths[0].knots[2].after = [9.0, 9.0];
        let found = coverage(&path, Size::new(2, 2), &[0.5, 0.0, 0.0, 0.0, 0.5, 0.0]).unwrap();
        assert_eq!(found, [128, 255, 0, 128]);
    }

    #[test]
    fn hostile_knots_end_in_an_error_or_in_time() {
        // Up and down through the whole picture, over and over.
        let points: Vec<[f64; 2]> =
            (0..2000_u32).map(|n| [f64::from(n), if n % 2 == 0 { -9e9 } else { 9e9 }]).collect();
        let path = polygon("zigzag", &points);
        let map = [1.0, 0.0, 0.0, 0.0, f64::MAX, f64::NAN];
        assert!(coverage(&path, Size::new(1, 9), &map).is_ok());
        let error = coverage(&path, Size::new(1, 60_000), &IDENTITY).unwrap_err();
        assert!(error.to_string().contains("too complex"), "{error}");
    }

    proptest! {
        #[test]
        fn any_knots_are_filled_within_the_picture(
            numbers in prop::collection::vec(-130.0..130.0_f64, 6..90),
            map in prop::array::uniform6(prop::num::f64::ANY),
            sane in prop::array::uniform6(-50.0..50.0_f64),
        ) {
            let knots: Vec<Knot> = numbers
                .chunks_exact(6)
                .map(|n| Knot { before: [n[0], n[1]], at: [n[2], n[3]], after: [n[4], n[5]] })
                .collect();
            let subpaths = vec![Subpath { closed: numbers.len() % 2 == 0, knots }];
            let path = Path { name: String::new(), clipping: false, subpaths };
            for map in [map, sane] {
                let _ = coverage(&path.mapped(&sane), Size::new(7, 5), &map);
            }
            let [left, top, right, bottom] = path.bounds().unwrap();
            prop_assert!(left <= right && top <= bottom);
            // All of it lies within its bounds: a picture of just them misses nothing.
            for knot in &path.subpaths[0].knots {
                prop_assert!(knot.at[0] >= left && knot.at[0] <= right);
                prop_assert!(knot.at[1] >= top && knot.at[1] <= bottom);
            }
        }
    }
}
