//! Which macroblocks can bear coarser steps: four segments by how much happens in them.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "values of segments and steps are small"
)]

use super::kernels::{Kernels, Matrix, Quad};
use super::modes::Around;
use super::planes::Planes;
use super::tables::{AC_STEP, DC_STEP};

/// How finely the macroblocks of a segment are coded.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    /// Index of the steps.
    pub(super) index: usize,
    /// Strength of the loop filter.
    pub(super) filter: u8,
    pub(super) luma: Matrix,
    pub(super) second: Matrix,
    pub(super) chroma: Matrix,
    /// Rates are multiplied with this, errors with 256, between the guesses for a block.
    pub(super) lambda_block: u32,
    /// The same between a macroblock as a whole and in blocks.
    pub(super) lambda_choice: u32,
    /// How much a changed texture counts.
    pub(super) lambda_texture: u32,
    /// Errors below are no sign of visible blocks.
    pub(super) least_error: u32,
}

/// What the macroblocks of a picture are like.
#[derive(Debug)]
pub(super) struct Analysis {
    /// The segment of each macroblock.
    pub(super) map: Vec<u8>,
    pub(super) segments: Vec<Segment>,
    /// Differences of the index of the steps of chroma, for the lowest frequency and the others.
    pub(super) chroma_steps: (i32, i32),
}

/// The 16 blocks of a macroblock.
#[inline(always)]
pub(super) fn luma_blocks(planes: &Planes, x: usize, y: usize) -> [Quad; 4] {
    let mut out = [[[0; 16]; 4]; 4];
    let stride = planes.wide * 16;
    for row in 0..16 {
        let Some(line) = planes.luma[(y * 16 + row) * stride + x * 16..].first_chunk::<16>() else {
            break;
        };
        for (block, samples) in out[row / 4].iter_mut().zip(line.chunks_exact(4)) {
            block[row % 4 * 4..][..4].copy_from_slice(samples);
        }
    }
    out
}

/// The four blocks of a macroblock in a chroma plane.
#[inline(always)]
pub(super) fn chroma_blocks(plane: &[u8], wide: usize, x: usize, y: usize) -> Quad {
    let mut out = [[0; 16]; 4];
    for row in 0..8 {
        let Some(line) = plane[(y * 8 + row) * wide * 8 + x * 8..].first_chunk::<8>() else {
            break;
        };
        for (half, samples) in line.chunks_exact(4).enumerate() {
            out[row / 4 * 2 + half][row % 4 * 4..][..4].copy_from_slice(samples);
        }
    }
    out
}

/// What is around a macroblock in a plane.
fn around<const N: usize>(plane: &[u8], wide: usize, x: usize, y: usize) -> Around<N> {
    let stride = wide * N;
    let (mut above, mut left) = ([127; N], [129; N]);
    if y > 0 {
        above.copy_from_slice(&plane[(y * N - 1) * stride + x * N..][..N]);
    }
    if x > 0 {
        for (row, sample) in left.iter_mut().enumerate() {
            *sample = plane[(y * N + row) * stride + x * N - 1];
        }
    }
    let corner = match (x, y) {
        (_, 0) => 127,
        (0, _) => 129,
        _ => plane[(y * N - 1) * stride + x * N - 1],
    };
    Around { above, left, corner, has_above: y > 0, has_left: x > 0 }
}

/// How easily something is coded: the less it spreads over frequencies, the less.
fn ease([most, zeros, ones, twos, large]: [u32; 5]) -> u32 {
    let common = zeros.max(ones).max(twos).max(large);
    if common > 1 { 510 * most.min(31) / common } else { 0 }
}

fn luma_ease<K: Kernels>(kernels: K, planes: &Planes, x: usize, y: usize) -> u32 {
    let sides = around::<16>(&planes.luma, planes.wide, x, y).rows();
    let mut counts = [[0; 5]; 2];
    for (quad, sides) in luma_blocks(planes, x, y).iter().zip(&sides) {
        kernels.spread(&kernels.lines(quad), sides, &mut counts);
    }
    ease(counts[0]).max(ease(counts[1]))
}

fn chroma_ease<K: Kernels>(kernels: K, planes: &Planes, x: usize, y: usize) -> u32 {
    let mut counts = [[0; 5]; 2];
    for plane in [&planes.blue, &planes.red] {
        let sides = around::<8>(plane, planes.wide, x, y).all();
        let quad = chroma_blocks(plane, planes.wide, x, y);
        kernels.spread(&kernels.lines(&quad), &sides, &mut counts);
    }
    ease(counts[0]).max(ease(counts[1]))
}

/// Finds the segments of a picture and their steps.
pub(super) fn analyse<K: Kernels>(kernels: K, planes: &Planes, quality: u8) -> Analysis {
    let mut map = Vec::with_capacity(planes.wide * planes.tall);
    let mut counts = [0_u32; 256];
    let mut chroma = 0_u64;
    for y in 0..planes.tall {
        for x in 0..planes.wide {
            let of_chroma = chroma_ease(kernels, planes, x, y);
            chroma += u64::from(of_chroma);
            let mixed = (3 * luma_ease(kernels, planes, x, y) + of_chroma + 2) >> 2;
            let value = 255 - mixed.min(255);
            counts[value as usize] += 1;
            map.push(value as u8);
        }
    }
    let (centres, nearest) = cluster(&counts);
    for value in &mut map {
        *value = nearest[usize::from(*value)];
    }
    let mean = (chroma / map.len() as u64) as i32;
    let chroma_steps = (-2, ((mean - 64) * 10 / 70 / 2).clamp(-4, 6));
    let mut segments = Vec::new();
    let mut renamed = [0; 4];
    for (old, (ease, plain)) in strengths(&centres, &counts, &nearest).into_iter().enumerate() {
        let index = step_index(quality, ease);
        let strength = i32::from(AC_STEP[index] >> 2) * 300 / (256 + plain);
        let filter = if strength < 2 { 0 } else { strength.min(63) as u8 };
        let same = |segment: &Segment| segment.index == index && segment.filter == filter;
        let place = segments.iter().position(same).unwrap_or(segments.len());
        renamed[old] = place as u8;
        if place == segments.len() {
            segments.push(Segment::new(index, filter, chroma_steps));
        }
    }
    for value in &mut map {
        *value = renamed[usize::from(*value)];
    }
    Analysis { map, segments, chroma_steps }
}

/// Finds four centres among values, and which of them is nearest to each.
fn cluster(counts: &[u32; 256]) -> ([i32; 4], [u8; 256]) {
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0) as i32;
    let last = counts.iter().rposition(|&count| count > 0).unwrap_or(0) as i32;
    let mut centres = [1, 3, 5, 7].map(|eighths| first + eighths * (last - first) / 8);
    let mut nearest = [0; 256];
    for _ in 0..6 {
        let (mut sums, mut totals) = ([0_i64; 4], [0_i64; 4]);
        let mut centre = 0;
        for value in first..=last {
            while centre < 3
                && (value - centres[centre + 1]).abs() < (value - centres[centre]).abs()
            {
                centre += 1;
            }
            nearest[value as usize] = centre as u8;
            let count = i64::from(counts[value as usize]);
            sums[centre] += i64::from(value) * count;
            totals[centre] += count;
        }
        let mut moved = 0;
        for (centre, (sum, total)) in centres.iter_mut().zip(sums.iter().zip(totals)) {
            if total > 0 {
                let new = ((sum + total / 2) / total) as i32;
                moved += (new - *centre).abs();
                *centre = new;
            }
        }
        if moved < 5 {
            break;
        }
    }
    (centres, nearest)
}

/// How much more than the mean each segment can bear, and than the least.
fn strengths(centres: &[i32; 4], counts: &[u32; 256], nearest: &[u8; 256]) -> [(i32, i32); 4] {
    let (mut sum, mut total) = (0, 0);
    for (&count, &centre) in counts.iter().zip(nearest) {
        sum += i64::from(count) * i64::from(centres[usize::from(centre)]);
        total += i64::from(count);
    }
    let mean = ((sum + total / 2) / total.max(1)) as i32;
    let least = centres.iter().copied().fold(i32::MAX, i32::min);
    let most = centres.iter().copied().fold(i32::MIN, i32::max).max(least + 1);
    let range = most - least;
    centres.map(|centre| {
        (
            (255 * (centre - mean) / range).clamp(-127, 127),
            (255 * (centre - least) / range).clamp(0, 255),
        )
    })
}

/// Logarithm to the base of two, with 24 bits behind the point.
fn log2(value: u64) -> i64 {
    let whole = value.ilog2();
    let mut rest = value << (62 - whole) >> 31;
    let mut out = i64::from(whole);
    for _ in 0..24 {
        rest = (rest * rest) >> 31;
        let carry = rest >> 32;
        rest >>= carry;
        out = out * 2 + carry as i64;
    }
    out
}

/// The index of the steps for a quality from 0 to 100 of a segment that can bear more or less.
///
/// The quality gives a share of what can be kept, `c`: two thirds of it up to 75, then twice as fast up
/// to all, and of that the cube root. The more a segment can bear, the higher the power of `c` that is
/// taken. Steps grow with what is not kept.
fn step_index(quality: u8, ease: i32) -> usize {
    let quality = u64::from(quality.min(100));
    let (part, whole) = if quality < 75 { (2 * quality, 300) } else { (2 * quality - 100, 100) };
    if part == 0 {
        return 127;
    }
    let kept = i64::from(12_800 - 45 * ease) * (log2(part) - log2(whole));
    let reaches = |index: &u64| kept <= 3 * 12_800 * (log2(127 - index) - log2(127));
    (0..127).rev().find(reaches).unwrap_or(0) as usize
}

/// How much is added to frequencies of luma before they are rounded, in 2,048ths of the step: the higher
/// ones are kept a little sharper.
const SHARPER: [[u32; 4]; 4] = [[0, 30, 60, 90], [30, 60, 90, 90], [60, 90, 90, 90], [90; 4]];
/// The same for frequencies that stay as they are.
const AS_THEY_ARE: [[u32; 4]; 4] = [[0; 4]; 4];

impl Matrix {
    /// Makes one of the steps of the lowest frequency and the others; each with its rounding in 256ths.
    fn new(lowest: (u16, u32), others: (u16, u32), added: &[[u32; 4]; 4]) -> Self {
        let mut matrix = Self::default();
        for (row, added) in added.iter().enumerate() {
            for place in 0..16 {
                let (step, rounding) = if row == 0 && place % 4 == 0 { lowest } else { others };
                let wide = u32::from(step);
                matrix.step[row][place] = step;
                matrix.inverse[row][place] = (65_536 / wide + 1) as u16;
                let offset = ((wide * rounding) >> 8) + ((added[place % 4] * wide) >> 11);
                matrix.offset[row][place] = offset as u16;
            }
        }
        matrix
    }

    /// The mean step.
    fn mean(&self) -> u32 {
        (u32::from(self.step[0][0]) + 15 * u32::from(self.step[0][1]) + 8) >> 4
    }
}

impl Segment {
    fn new(index: usize, filter: u8, (lowest, others): (i32, i32)) -> Self {
        let moved = |by: i32, most: i32| (index as i32 + by).clamp(0, most) as usize;
        // The lowest frequencies are rounded to the nearest level: that a block is too light or too
        // dark is what one sees first. Others tend to the level below, which costs less.
        let luma = Matrix::new((DC_STEP[index], 128), (AC_STEP[index], 98), &SHARPER);
        let wide = (u32::from(AC_STEP[index]) * 155 / 100).max(8) as u16;
        let second = Matrix::new((DC_STEP[index] * 2, 115), (wide, 108), &AS_THEY_ARE);
        let steps = (DC_STEP[moved(lowest, 117)], AC_STEP[moved(others, 127)]);
        let chroma = Matrix::new((steps.0, 128), (steps.1, 110), &AS_THEY_ARE);
        let mean = luma.mean();
        Self {
            index,
            filter,
            lambda_block: ((3 * mean * mean) >> 7).max(1),
            lambda_choice: ((mean * mean) >> 7).max(1),
            lambda_texture: ((50 * mean) >> 5).max(1),
            least_error: 20 * u32::from(DC_STEP[index]),
            luma,
            second,
            chroma,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_precision_loss, reason = "the numbers are small")]

    use super::{cluster, ease, log2, step_index, strengths};

    #[test]
    fn logarithms_are_right() {
        for value in 1..5000_u64 {
            let exact = (value as f64).log2() * f64::from(1 << 24);
            assert!((log2(value) as f64 - exact).abs() < 2.0, "{value}");
        }
    }

    #[test]
    fn steps_follow_quality_and_ease() {
        for quality in 1..=100_u8 {
            for ease in -127..=127 {
                let q = f64::from(quality) / 100.0;
                let linear = if q < 0.75 { q * 2.0 / 3.0 } else { 2.0 * q - 1.0 };
                let power = (1.0 - 0.9 * 0.5 / 128.0 * f64::from(ease)) / 3.0;
                let exact = 127.0 * (1.0 - (linear.ln() * power).exp());
                let index = step_index(quality, ease) as f64;
                assert!(index <= exact + 1e-4 && exact < index + 1.0 + 1e-4, "{quality} {ease}");
            }
        }
        assert_eq!([step_index(0, 0), step_index(100, -127), step_index(255, 0)], [127, 0, 0]);
        assert_eq!([60, 75, 80, 90].map(|quality| step_index(quality, 0)), [33, 26, 19, 9]);
    }

    #[test]
    fn clusters_are_found() {
        let mut counts = [0; 256];
        for (value, count) in [(10, 5), (12, 5), (90, 20), (170, 3), (250, 1)] {
            counts[value] = count;
        }
        let (centres, nearest) = cluster(&counts);
        assert_eq!(centres, [11, 90, 170, 250]);
        assert_eq!([10, 12, 90, 170, 250].map(|value| nearest[value]), [0, 0, 1, 2, 3]);
        let strengths = strengths(&centres, &counts, &nearest);
        assert_eq!(strengths[0], (-72, 0));
        assert_eq!(strengths[3], (127, 255));
    }

    #[test]
    fn centres_move_until_they_stay() {
        let mut counts = [0; 256];
        counts[..100].fill(10);
        counts[255] = 1;
        // The first centres are 31, 95, 159 and 223, and nothing is near the third.
        let (centres, nearest) = cluster(&counts);
        assert_eq!(centres[3], 255);
        assert!(centres[1] < 80, "{centres:?}");
        assert_eq!((nearest[40], nearest[60]), (0, 1));
    }

    #[test]
    fn one_value_is_one_cluster() {
        let mut counts = [0; 256];
        counts[255] = 7;
        let (centres, nearest) = cluster(&counts);
        let all = strengths(&centres, &counts, &nearest);
        assert_eq!(all[usize::from(nearest[255])], (0, 0));
    }

    #[test]
    fn what_spreads_is_not_easy() {
        assert_eq!(ease([0, 256, 0, 0, 0]), 0);
        assert_eq!(ease([31, 100, 50, 20, 10]), 158);
        assert!(ease([40, 60, 50, 20, 70]) > ease([12, 60, 50, 20, 0]));
        assert_eq!(ease([3, 1, 1, 0, 0]), 0);
    }
}
