//! What an error is: colours as points whose distances are visible differences.
//!
//! A colour with opacity looks different on every background. The mean square error over a black
//! and a white one is, component by component, that of the premultiplied colour less half the
//! opacity, plus a term of the opacity alone; so it is the square of a distance in a space of four
//! dimensions, where means are true means. Opaque colours all lie in a plane of it, in which the
//! distance is the ordinary one of weighted RGB.

use super::{Rgba, byte};

/// A colour in four dimensions.
pub(super) type Point = [f32; 4];

/// How much differences of red, green and blue count.
const WEIGHTS: [f32; 3] = [0.7, 1.0, 0.6];

/// The root of the sum of the squares of [`WEIGHTS`]: how much a difference of opacity counts.
const OPACITY: f32 = 1.360_147;

/// The corners of the space; no colour lies outside.
const LOWEST: Point = [-127.5 * WEIGHTS[0], -127.5 * WEIGHTS[1], -127.5 * WEIGHTS[2], 0.0];
const HIGHEST: Point =
    [127.5 * WEIGHTS[0], 127.5 * WEIGHTS[1], 127.5 * WEIGHTS[2], 127.5 * OPACITY];

/// Returns the point of a colour.
pub(super) fn point([r, g, b, a]: Rgba) -> Point {
    let half = f32::from(a) / 2.0;
    let share = f32::from(a) / 255.0;
    let at = |value: u8, weight: f32| (f32::from(value) * share - half) * weight;
    [at(r, WEIGHTS[0]), at(g, WEIGHTS[1]), at(b, WEIGHTS[2]), half * OPACITY]
}

/// Returns the colour next to a point.
pub(super) fn color(point: Point) -> Rgba {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn round(value: f32) -> u8 {
        (value + 0.5).clamp(0.0, 255.0) as u8
    }
    let half = point[3] / OPACITY;
    let opacity = round(half * 2.0);
    if opacity == 0 {
        return [0; 4];
    }
    let at = |n: usize| round((point[n] / WEIGHTS[n] + half) * 255.0 / (half * 2.0));
    [at(0), at(1), at(2), opacity]
}

/// Returns the square of the distance.
pub(super) fn distance(a: Point, b: Point) -> f32 {
    let [x, y, z, w] = [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]];
    (x * x + y * y) + (z * z + w * w)
}

/// Returns the point as far inside as a colour can be.
pub(super) fn clamped(point: Point) -> Point {
    std::array::from_fn(|n| point[n].clamp(LOWEST[n], HIGHEST[n]))
}

/// How many cells there are.
pub(super) const CELLS: usize = 1 << 15;

/// Returns the number of the cell that a point inside the corners is in; opacity does not count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the corners")]
pub(super) fn cell(point: Point) -> usize {
    let at = |n: usize| ((point[n] - LOWEST[n]) * (31.0 / (HIGHEST[n] - LOWEST[n]))) as usize;
    (at(0) << 10 | at(1) << 5 | at(2)) % CELLS
}

/// So many of the points around each are in order; farther ones are seldom looked at.
const IN_ORDER: usize = 16;

/// Finds the nearest of up to 256 points.
pub(super) struct Nearest {
    points: Vec<Point>,
    /// For every point all points, the nearest first: of them [`IN_ORDER`], and then the others as
    /// they come.
    around: Vec<Neighbour>,
}

/// A point as seen from another: the square of the distance, whose bits are in its own order as it is
/// not negative, over the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Neighbour(u64);

impl Neighbour {
    fn new(apart: f32, number: u8) -> Self {
        Self(u64::from(apart.to_bits()) << 8 | u64::from(number))
    }

    #[expect(clippy::cast_possible_truncation, reason = "40 bits, taken apart")]
    fn apart(self) -> f32 {
        f32::from_bits((self.0 >> 8) as u32)
    }

    #[expect(clippy::cast_possible_truncation, reason = "40 bits, taken apart")]
    fn number(self) -> usize {
        usize::from(self.0 as u8)
    }
}

impl Nearest {
    pub(super) fn new(points: Vec<Point>) -> Self {
        let mut around = Vec::with_capacity(points.len() * points.len());
        for from in &points {
            let start = around.len();
            let seen = (0..).zip(&points);
            around.extend(seen.map(|(n, to)| Neighbour::new(distance(*from, *to), byte(n))));
            let own = &mut around[start..];
            if own.len() > IN_ORDER {
                own.select_nth_unstable(IN_ORDER);
            }
            let nearest = own.len().min(IN_ORDER);
            own[..nearest].sort_unstable();
        }
        Self { points, around }
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    /// Returns the number of the nearest point, the lowest of several; a good guess saves time
    /// and changes nothing. There is at least one point.
    ///
    /// By the triangle inequality, what is nearer than the guess is nearer to the guess than twice
    /// its distance, so the search ends early.
    pub(super) fn find(&self, wanted: Point, guess: usize) -> usize {
        let first = distance(wanted, self.points[guess]);
        let mut best = (first, guess);
        let count = self.points.len();
        for (place, neighbour) in self.around[guess * count..][..count].iter().enumerate() {
            if neighbour.apart() > first * 4.0 {
                if place < IN_ORDER {
                    break;
                }
                continue;
            }
            let number = neighbour.number();
            let found = distance(wanted, self.points[number]);
            if found < best.0 || found <= best.0 && number < best.1 {
                best = (found, number);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points in a few clusters, many of them the same.
    fn points(count: usize, state: &mut u32) -> Vec<Point> {
        let mut next = || {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..count)
            .map(|_| point([next() & 0xe3, next() & 0x1f, next() & 0xc7, next() | 0x7f]))
            .collect()
    }

    #[test]
    fn a_search_finds_what_looking_at_everything_finds() {
        let mut state = 7;
        for count in [1, 2, 15, 16, 17, 100, 256] {
            let all = points(count, &mut state);
            let nearest = Nearest::new(all.clone());
            for (n, wanted) in points(500, &mut state).into_iter().enumerate() {
                // The first of several.
                let expected = (0..count)
                    .min_by(|a, b| distance(wanted, all[*a]).total_cmp(&distance(wanted, all[*b])));
                let guess = n * 31 % count;
                assert_eq!(Some(nearest.find(wanted, guess)), expected, "of {count}, from {guess}");
            }
        }
    }
}
