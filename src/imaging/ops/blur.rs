//! Blurring (`op_blur`), and the separable filter of a stream of rows it is made of.
//!
//! Rows go in from top to bottom and come out blurred in the same order, some rows later; only as
//! many are held as the filter is high. Beyond the edges the edge is repeated. What comes out
//! depends on nothing but the pixels the filter looks at: a part of a picture, cut out with that
//! much around it, is blurred bit by bit like the whole.

use std::collections::VecDeque;

use super::super::hands::Hands;
use super::super::raster::{Raster, Sample, each_depth};

/// From this standard deviation on, three moving averages stand in for the Gaussian: it costs the
/// same for every radius and differs by less than 3 % of the Gaussian's peak.
const WIDE: f64 = 12.0;

/// Blurs with a Gaussian of a standard deviation in pixels, on premultiplied alpha; alpha too.
///
/// Takes the same time for every radius above 12. No radius, no change; one larger than the
/// picture counts as large as the picture.
#[must_use]
pub fn blur(picture: Raster, radius: f64) -> Raster {
    blur_by(picture, radius, Hands::ALONE)
}

/// As [`blur`], by several threads.
pub(in super::super) fn blur_by(mut picture: Raster, radius: f64, hands: Hands<'_>) -> Raster {
    let radius = at_most(radius, &picture);
    if radius <= 0.0 {
        return picture;
    }
    let rows = Rows::of(&picture);
    let blur = Blur::gaussian(radius, picture.channels());
    each_depth!(picture.samples_mut(), s => rows.filter(s, &blur, hands, |row, blurred| {
        rows.divided(blurred, row);
    }));
    picture
}

/// Returns how many bytes blurring takes beside the picture, for [`blur`] as for
/// [`usm`](super::usm()).
#[must_use]
pub fn blur_memory(picture: &Raster, radius: f64) -> u64 {
    let radius = at_most(radius, picture);
    if radius <= 0.0 {
        return 0;
    }
    Blur::gaussian(radius, picture.channels()).memory(picture.width() * picture.channels()) as u64
}

fn at_most(radius: f64, picture: &Raster) -> f64 {
    let most = picture.size().width.max(picture.size().height);
    radius.min(f64::from(most))
}

/// How the components of a picture lie in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Components of a row.
    length: usize,
    channels: usize,
    alpha: bool,
}

impl Rows {
    pub(super) fn of(picture: &Raster) -> Self {
        let channels = picture.channels();
        Self { length: picture.width() * channels, channels, alpha: picture.has_alpha() }
    }

    /// Replaces each row by what `apply` makes of it and of the blurred row, in which colour is
    /// premultiplied.
    pub(super) fn filter<S: Sample>(
        self,
        samples: &mut [S],
        blur: &Blur,
        hands: Hands<'_>,
        apply: impl Fn(&mut [S], &[f32]) + Sync,
    ) {
        let rows = samples.len() / self.length;
        let reach = blur.reach();
        let hands = hands.taking(blur.memory(self.length));
        // Much higher than what it has to see of its neighbours.
        let band = hands.band(rows).max(8 * reach);
        if band >= rows || !blur.is_exact::<S>(self.alpha) {
            return self.band((&[], samples, &[]), blur.clone(), &apply);
        }
        // Kept from before the neighbours change it.
        let seen: Vec<[Vec<S>; 2]> = (0..rows)
            .step_by(band)
            .map(|top| (top, rows.min(top + band)))
            .map(|(top, end)| [top.saturating_sub(reach)..top, end..rows.min(end + reach)])
            .map(|all| all.map(|of| samples[of.start * self.length..of.end * self.length].to_vec()))
            .collect();
        hands.each(samples.chunks_mut(band * self.length).zip(&seen), |(rows, [above, below])| {
            self.band((above, rows, below), blur.clone(), &apply);
        });
    }

    /// Does the same with a part of the rows between those it can see.
    fn band<S: Sample>(
        self,
        (above, samples, below): (&[S], &mut [S], &[S]),
        mut blur: Blur,
        apply: &impl Fn(&mut [S], &[f32]),
    ) {
        let mut sharp = vec![0.0; self.length];
        let early = above.len() / self.length;
        let rows = samples.len() / self.length;
        let mut made = 0;
        // A finished row is overwritten while later ones still wait: the blur has taken all it
        // needs of it.
        let mut finish = |samples: &mut [S], blurred: &[f32]| {
            if (early..early + rows).contains(&made) {
                apply(&mut samples[(made - early) * self.length..][..self.length], blurred);
            }
            made += 1;
        };
        for row in above.chunks_exact(self.length) {
            self.premultiplied(row, &mut sharp);
            blur.push(&sharp, &mut |blurred| finish(samples, blurred));
        }
        for y in 0..rows {
            self.premultiplied(&samples[y * self.length..][..self.length], &mut sharp);
            blur.push(&sharp, &mut |blurred| finish(samples, blurred));
        }
        for row in below.chunks_exact(self.length) {
            self.premultiplied(row, &mut sharp);
            blur.push(&sharp, &mut |blurred| finish(samples, blurred));
        }
        blur.finish(&mut |blurred| finish(samples, blurred));
    }

    fn premultiplied<S: Sample>(self, row: &[S], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(row) {
            *out = (*value).into();
        }
        if self.alpha {
            for pixel in out.chunks_exact_mut(self.channels) {
                let opacity = pixel[self.channels - 1] / S::TOP;
                for value in &mut pixel[..self.channels - 1] {
                    *value *= opacity;
                }
            }
        }
    }

    /// Undoes [`Self::premultiplied`]; what is all transparent keeps the colour it hides.
    fn divided<S: Sample>(self, row: &[f32], out: &mut [S]) {
        if !self.alpha {
            for (out, value) in out.iter_mut().zip(row) {
                *out = S::round(*value);
            }
            return;
        }
        let pixels = out.chunks_exact_mut(self.channels);
        for (out, pixel) in pixels.zip(row.chunks_exact(self.channels)) {
            let alpha = pixel[self.channels - 1];
            if alpha > 0.0 {
                for (out, value) in out.iter_mut().zip(&pixel[..self.channels - 1]) {
                    *out = S::round(value * S::TOP / alpha);
                }
            }
            out[self.channels - 1] = S::round(alpha);
        }
    }
}

/// A separable filter in the middle of a picture.
#[derive(Debug, Clone)]
pub(super) struct Blur {
    stages: Vec<Stage>,
    channels: usize,
    /// A row with its edges repeated, and what a stage makes of it.
    padded: [Vec<f32>; 2],
    begun: bool,
}

/// One vertical filter and the rows it waits with.
#[derive(Debug, Clone)]
struct Stage {
    kernel: Kernel,
    radius: usize,
    rows: VecDeque<Vec<f32>>,
    /// Sum of all rows held; for averages only.
    sum: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Kernel {
    /// Weights from the centre outwards; both sides sum to 1.
    Weights(Vec<f32>),
    /// The mean of all, brought to 32 bits.
    Mean(fn(f64) -> f32),
}

impl Blur {
    /// Makes a Gaussian of a standard deviation above 0, cut at three of them.
    pub(super) fn gaussian(deviation: f64, channels: usize) -> Self {
        let stages = if deviation > WIDE {
            averages(deviation).map(|radius| Stage::new(Kernel::Mean(snapped), radius)).into()
        } else {
            let weights = gauss(deviation);
            let radius = weights.len() - 1;
            vec![Stage::new(Kernel::Weights(weights), radius)]
        };
        Self::of(stages, channels)
    }

    /// Makes the mean of 3 × 3 pixels.
    pub(super) fn mean3(channels: usize) -> Self {
        Self::of(vec![Stage::new(Kernel::Mean(narrow), 1)], channels)
    }

    fn of(stages: Vec<Stage>, channels: usize) -> Self {
        Self { stages, channels, padded: Default::default(), begun: false }
    }

    /// Returns how many rows it sees above and below one.
    fn reach(&self) -> usize {
        self.stages.iter().map(|stage| stage.radius).sum()
    }

    /// Returns how many bytes it holds of rows of so many components.
    fn memory(&self, length: usize) -> usize {
        let rows: usize = self.stages.iter().map(|stage| 2 * stage.radius + 1).sum();
        rows * length * size_of::<f32>()
    }

    /// Tells whether it is the same wherever it begins. Moving sums that are not snapped are exact
    /// only while their numbers are near to each other, which colours times 16 bits of alpha are not.
    fn is_exact<S: Sample>(&self, alpha: bool) -> bool {
        let moving = matches!(self.stages.as_slice(), [Stage { kernel: Kernel::Mean(_), .. }]);
        !(moving && alpha && size_of::<S>() > 1)
    }

    /// Takes the next row and hands out the rows that are now ready.
    ///
    /// The edge is repeated once, for all stages together: what one of them made of it is no edge.
    pub(super) fn push(&mut self, row: &[f32], emit: &mut dyn FnMut(&[f32])) {
        let reach = self.reach();
        let [padded, made] = &mut self.padded;
        pad(row, reach, self.channels, padded);
        if self.stages.len() > 1 {
            padded.iter_mut().for_each(|value| *value = snapped(f64::from(*value)));
        }
        for stage in &self.stages {
            made.resize(padded.len() - 2 * stage.radius * self.channels, 0.0);
            stage.along(padded, self.channels, made);
            std::mem::swap(padded, made);
        }
        if !std::mem::replace(&mut self.begun, true) {
            for _ in 0..reach {
                feed(&mut self.stages, padded.clone(), emit);
            }
        }
        feed(&mut self.stages, padded.clone(), emit);
    }

    /// Hands out the rows that waited for more.
    pub(super) fn finish(mut self, emit: &mut dyn FnMut(&[f32])) {
        if let Some(last) = self.stages.first().and_then(|stage| stage.rows.back().cloned()) {
            for _ in 0..self.reach() {
                feed(&mut self.stages, last.clone(), emit);
            }
        }
    }
}

fn feed(stages: &mut [Stage], row: Vec<f32>, emit: &mut dyn FnMut(&[f32])) {
    let Some((stage, rest)) = stages.split_first_mut() else { return emit(&row) };
    if let Some(out) = stage.add(row) {
        feed(rest, out, emit);
    }
}

fn pad(row: &[f32], radius: usize, channels: usize, padded: &mut Vec<f32>) {
    padded.clear();
    let last = row.len() - channels;
    for _ in 0..radius {
        padded.extend_from_slice(&row[..channels]);
    }
    padded.extend_from_slice(row);
    for _ in 0..radius {
        padded.extend_from_slice(&row[last..]);
    }
}

impl Stage {
    fn new(kernel: Kernel, radius: usize) -> Self {
        Self { kernel, radius, rows: VecDeque::new(), sum: Vec::new() }
    }

    /// Filters a row along itself.
    fn along(&self, padded: &[f32], channels: usize, out: &mut [f32]) {
        let center = self.radius * channels;
        match &self.kernel {
            Kernel::Weights(weights) => {
                for (out, value) in out.iter_mut().zip(&padded[center..]) {
                    *out = value * weights[0];
                }
                for (n, &weight) in weights.iter().enumerate().skip(1) {
                    let (left, right) =
                        (&padded[center - n * channels..], &padded[center + n * channels..]);
                    for ((out, l), r) in out.iter_mut().zip(left).zip(right) {
                        *out += weight * (l + r);
                    }
                }
            }
            Kernel::Mean(round) => {
                let span = 2 * self.radius + 1;
                let share = share(span);
                for c in 0..channels {
                    let value = |n: usize| f64::from(padded[n * channels + c]);
                    let mut sum: f64 = (0..span).map(value).sum();
                    let pixels = out.len() / channels;
                    for x in 0..pixels {
                        out[x * channels + c] = round(sum * share);
                        if x + 1 < pixels {
                            sum += value(x + span) - value(x);
                        }
                    }
                }
            }
        }
    }

    /// Takes a row; returns a filtered one when as many are there as the filter is high.
    fn add(&mut self, row: Vec<f32>) -> Option<Vec<f32>> {
        let span = 2 * self.radius + 1;
        let averages = matches!(self.kernel, Kernel::Mean(_));
        if averages {
            self.sum.resize(row.len(), 0.0);
            for (sum, value) in self.sum.iter_mut().zip(&row) {
                *sum += f64::from(*value);
            }
        }
        let mut out = Vec::new();
        if self.rows.len() == span {
            out = self.rows.pop_front().unwrap_or_default();
            if averages {
                for (sum, value) in self.sum.iter_mut().zip(&out) {
                    *sum -= f64::from(*value);
                }
            }
        }
        self.rows.push_back(row);
        if self.rows.len() < span {
            return None;
        }
        out.resize(self.rows[0].len(), 0.0);
        match &self.kernel {
            Kernel::Weights(weights) => {
                let center = self.radius;
                for (out, value) in out.iter_mut().zip(&self.rows[center]) {
                    *out = value * weights[0];
                }
                for (n, &weight) in weights.iter().enumerate().skip(1) {
                    let (above, below) = (&self.rows[center - n], &self.rows[center + n]);
                    for ((out, a), b) in out.iter_mut().zip(above).zip(below) {
                        *out += weight * (a + b);
                    }
                }
            }
            Kernel::Mean(round) => {
                let share = share(span);
                for (out, sum) in out.iter_mut().zip(&self.sum) {
                    *out = round(sum * share);
                }
            }
        }
        Some(out)
    }
}

#[expect(clippy::cast_precision_loss, reason = "spans are far below 2^52")]
fn share(span: usize) -> f64 {
    1.0 / span as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of f32 values is one")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Rounds to a multiple of 2^−20: sums of such values are exact, so a moving sum does not depend
/// on where it began.
fn snapped(value: f64) -> f32 {
    /// Its last bit is 2^−20, and stays that when a value of at most 16 bits is added.
    const ROUNDER: f64 = 1.5 * 65_536.0 * 65_536.0;
    narrow((value + ROUNDER) - ROUNDER)
}

/// Returns the weights of a Gaussian from its centre outwards, all together 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 3 × 12")]
fn gauss(deviation: f64) -> Vec<f32> {
    let radius = (3.0 * deviation).ceil().max(1.0) as usize;
    // g(n+1)/g(n) is itself a geometric sequence: only one exponential is needed.
    let step = exp_of_minus(1.0 / (deviation * deviation));
    let mut ratio = exp_of_minus(0.5 / (deviation * deviation));
    let mut weights = Vec::with_capacity(radius + 1);
    let mut weight = 1.0;
    for _ in 0..=radius {
        weights.push(weight);
        weight *= ratio;
        ratio *= step;
    }
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.into_iter().map(|weight| narrow(weight / sum)).collect()
}

/// Returns e to the power of −x for x ≥ 0, the same on every platform.
fn exp_of_minus(x: f64) -> f64 {
    if x > 700.0 {
        return 0.0;
    }
    let mut halvings = 0;
    let mut small = x;
    while small > 0.125 {
        small /= 2.0;
        halvings += 1;
    }
    // Taylor up to x^12; the rest is below the last bit at 1/8.
    let mut value = 1.0;
    for n in (1..=12_i32).rev() {
        value = 1.0 - small / f64::from(n) * value;
    }
    for _ in 0..halvings {
        value *= value;
    }
    value
}

/// Returns the radii of three moving averages with the Gaussian's variance (Kovesi 2010).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2 × 250")]
fn averages(deviation: f64) -> [usize; 3] {
    let variance = 12.0 * deviation * deviation;
    let ideal = (variance / 3.0 + 1.0).sqrt();
    let lower = ((ideal - 1.0) / 2.0).floor();
    let width = 2.0 * lower + 1.0;
    let small =
        ((variance - 3.0 * width * width - 12.0 * width - 9.0) / (-4.0 * width - 4.0)).round();
    [0.0, 1.0, 2.0].map(|n| if n < small { lower as usize } else { lower as usize + 1 })
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the sides and levels of test pictures are small"
)]
mod tests {
    use super::super::place;
    use super::*;
    use crate::imaging::raster::{Alpha, Samples};
    use crate::imaging::{PixelType, Size};

    fn blurred(mut blur: Blur, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut out = Vec::new();
        for row in rows {
            blur.push(row, &mut |row| out.push(row.to_vec()));
        }
        blur.finish(&mut |row| out.push(row.to_vec()));
        out
    }

    /// The response to one white pixel in the middle of a picture.
    fn response(deviation: f64, side: usize) -> Vec<Vec<f32>> {
        let mut rows = vec![vec![0.0; side]; side];
        rows[side / 2][side / 2] = 255.0;
        blurred(Blur::gaussian(deviation, 1), &rows)
    }

    #[test]
    fn exponentials_are_exponentials() {
        for n in 0..3000 {
            let x = f64::from(n) * 0.01;
            assert!((exp_of_minus(x) - (-x).exp()).abs() <= 2e-15, "{x}");
        }
        assert_eq!(exp_of_minus(1e9), 0.0);
    }

    #[test]
    fn the_variance_is_the_one_asked_for() {
        for deviation in [1.0, 3.0, 12.0, 12.1, 20.0] {
            let side = 181;
            let out = response(deviation, side);
            let mut variance = 0.0;
            let mut sum = 0.0;
            for (y, row) in out.iter().enumerate() {
                let weight = row.iter().map(|v| f64::from(*v)).sum::<f64>() / 255.0;
                let distance = y as f64 - (side / 2) as f64;
                sum += weight;
                variance += weight * distance * distance;
            }
            assert!((sum - 1.0).abs() < 1e-4, "{deviation}: {sum}");
            let found = variance.sqrt();
            assert!((found / deviation - 1.0).abs() < 0.03, "{deviation}: {found}");
        }
    }

    #[test]
    fn every_row_comes_out_whatever_the_height() {
        for height in 1..8 {
            for deviation in [0.3, 5.0, 40.0] {
                let rows = vec![vec![7.0, 9.0, 7.0, 9.0]; height];
                let out = blurred(Blur::gaussian(deviation, 2), &rows);
                assert_eq!(out.len(), height);
                for row in out {
                    assert!((row[0] - 7.0).abs() < 1e-3 && (row[1] - 9.0).abs() < 1e-3);
                }
            }
        }
    }

    fn gray(width: u32, samples: Vec<u8>) -> Raster {
        let size = Size::new(width, u32::try_from(samples.len()).unwrap() / width);
        Raster::new(size, PixelType::Gray, Alpha::None, Samples::Eight(samples)).unwrap()
    }

    #[test]
    fn an_edge_becomes_the_integral_of_the_gaussian() {
        let edge = gray(10, [[0; 5], [200; 5]].concat());
        // σ = 1: 200 · Φ(−1.5), Φ(−0.5), …, of a Gaussian sampled at whole pixels.
        let wanted = gray(10, vec![0, 0, 1, 12, 60, 140, 188, 199, 200, 200]);
        assert_eq!(blur(edge.clone(), 1.0), wanted);
        assert_eq!(blur(edge.clone(), 0.0), edge);
        assert_eq!(blur(gray(1, vec![7, 7, 7]), 1e9), gray(1, vec![7, 7, 7]));
        // Seven rows of ten numbers.
        assert_eq!((blur_memory(&edge, 1.0), blur_memory(&edge, 0.0)), (280, 0));
    }

    #[test]
    fn the_edge_is_repeated_for_wide_gaussians_too() {
        let (width, height, deviation) = (40, 30, 15.0_f64);
        let level = |x: i32, y: i32| if x < 4 || y > 26 { 240.0 } else { 20.0 + f64::from(x) };
        let rows: Vec<Vec<f32>> =
            (0..height).map(|y| (0..width).map(|x| level(x, y) as f32).collect()).collect();
        let made = blurred(Blur::gaussian(deviation, 1), &rows);
        let weight = |n: i32| (-0.5 * (f64::from(n) / deviation).powi(2)).exp();
        let sum: f64 = (-90..=90).map(weight).sum();
        let inside = |at: i32, length: i32| at.clamp(0, length - 1);
        for (x, y) in [(0, 0), (39, 0), (0, 29), (39, 29), (20, 0), (0, 15), (20, 15)] {
            let mut wanted = 0.0;
            for dy in -90..=90 {
                for dx in -90..=90 {
                    let value = level(inside(x + dx, width), inside(y + dy, height));
                    wanted += value * weight(dx) * weight(dy) / (sum * sum);
                }
            }
            let found = f64::from(made[y as usize][x as usize]);
            assert!((found - wanted).abs() < 3.0, "{x},{y}: {found}, not {wanted}");
        }
    }

    #[test]
    fn transparent_pixels_lend_no_colour() {
        let row: Vec<u16> = [[60_000, 1_000, 500, 65_535]; 4]
            .into_iter()
            .chain([[0, 65_535, 0, 0]; 4])
            .flatten()
            .collect();
        let size = Size::new(8, 1);
        let picture =
            Raster::new(size, PixelType::Rgb, Alpha::Straight, Samples::Sixteen(row)).unwrap();
        for radius in [1.0, 3.0] {
            let made = blur(picture.clone(), radius);
            let Samples::Sixteen(samples) = made.samples() else { panic!("8 bits") };
            let pixels = samples.as_chunks::<4>().0;
            assert!(pixels.iter().filter(|p| p[3] > 0).all(|p| p[..3] == [60_000, 1_000, 500]));
            assert!(pixels[3][3] > pixels[4][3] && pixels[4][3] > 10_000);
        }
    }

    #[test]
    fn a_part_with_its_surroundings_is_blurred_like_the_whole() {
        let samples: Vec<u8> = (0..160_u32 * 90).map(|n| (n * n / 7 % 251) as u8).collect();
        let whole = gray(160, samples);
        for radius in [0.4, 5.0, 13.0, 20.0] {
            let made = blur(whole.clone(), radius);
            let around = (3.0 * radius).ceil() as i64;
            // A part of 9 × 7 pixels at (70, 40), and what is around it, as far as there is.
            let (left, top) = ((70 - around).max(0), (40 - around).max(0));
            let right = (79 + around).min(160);
            let bottom = (47 + around).min(90);
            let size = Size::new((right - left) as u32, (bottom - top) as u32);
            let part = blur(place(&whole, -left, -top, size), radius);
            let nine = Size::new(9, 7);
            assert_eq!(place(&part, left - 70, top - 40, nine), place(&made, -70, -40, nine));
        }
    }
}
