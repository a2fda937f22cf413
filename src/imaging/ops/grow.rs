//! Letting what is light, or opaque, grow or shrink (`op_grow`, `op_growMask`).
//!
//! Each component becomes the largest, or the smallest, within a disk around it: of all pixels
//! whose centres are at most the radius away. Beyond the edges there is nothing.
//!
//! A disk is a stack of rows, so its largest value is that of the row above, of the row below and
//! so on, each over some width. Rows go by once; for each, the largest values over all widths that
//! the disk has are made one from another, the larger from the maximum of the smaller shifted to
//! both sides. Each is put where it belongs, in the rows of the result that still wait. So a pixel
//! costs about three comparisons per pixel of radius, sixteen or more of them at once.

use std::collections::VecDeque;
use std::ops::Range;

use super::super::PixelType;
use super::super::raster::{Raster, Sample, each_depth};

/// Lets what is light grow by a radius in pixels, or what is dark if it is negative, in each
/// component by itself. In CMYK that is where there is less ink.
///
/// Alpha stays, and a pixel that is all transparent has no say in what is seen of its neighbours.
#[must_use]
pub fn grow(mut picture: Raster, radius: f64) -> Raster {
    let colors = 0..picture.pixel_type().components();
    let light = match picture.pixel_type() {
        PixelType::Gray | PixelType::Rgb => radius > 0.0,
        PixelType::Cmyk => radius < 0.0,
    };
    let part = Part { of: colors, wins: Wins::of(light), hides: picture.has_alpha() };
    part.grow(&mut picture, radius);
    picture
}

/// Lets what is opaque grow by a radius in pixels, or what is transparent if it is negative;
/// colour stays.
#[must_use]
pub fn grow_mask(mut picture: Raster, radius: f64) -> Raster {
    if picture.has_alpha() {
        let alpha = picture.channels() - 1..picture.channels();
        let part = Part { of: alpha, wins: Wins::of(radius > 0.0), hides: false };
        part.grow(&mut picture, radius);
    }
    picture
}

/// Which of two values a disk keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wins {
    Largest,
    Smallest,
}

impl Wins {
    const fn of(largest: bool) -> Self {
        if largest { Self::Largest } else { Self::Smallest }
    }

    /// Turns a value into one of which the largest wins, and back.
    fn oriented<S: Sample>(self, value: S) -> S {
        match self {
            Self::Largest => value,
            Self::Smallest => value.inverted(),
        }
    }
}

/// The components of a pixel that grow, the others being left alone.
struct Part {
    of: Range<usize>,
    wins: Wins,
    /// Whether what is transparent, by the last component, does not count.
    hides: bool,
}

impl Part {
    fn grow(&self, picture: &mut Raster, radius: f64) {
        let (width, height, channels) = (picture.width(), picture.height(), picture.channels());
        let disk = Disk::new(radius.abs(), width, height);
        if disk.widths.len() > 1 || disk.widths.first() > Some(&0) {
            each_depth!(picture.samples_mut(), s => self.run(s, width, channels, &disk));
        }
    }

    fn run<S: Sample>(&self, samples: &mut [S], width: usize, channels: usize, disk: &Disk) {
        let rows = samples.len() / (width * channels);
        let reach = disk.widths.len() - 1;
        let mut line = Line::new(disk, width, self.of.len());
        // Rows of the result that still wait, the first of them being `done`.
        let mut waiting: VecDeque<Vec<S>> = VecDeque::new();
        let mut done = 0;
        for y in 0..rows {
            while waiting.len() < (y + reach + 1).min(rows) - done {
                waiting.push_back(vec![S::default(); line.length]);
            }
            self.read(&samples[y * width * channels..][..width * channels], channels, &mut line);
            line.widen(disk, |away, row| {
                let (above, below) = (y.checked_sub(away), y + away);
                for to in [above, Some(below).filter(|_| away > 0)].into_iter().flatten() {
                    if let Some(result) = waiting.get_mut(to - done) {
                        largest(result, row);
                    }
                }
            });
            if y >= reach {
                self.write(&mut samples[done * width * channels..], channels, &mut waiting);
                done += 1;
            }
        }
        while !waiting.is_empty() {
            self.write(&mut samples[done * width * channels..], channels, &mut waiting);
            done += 1;
        }
    }

    fn read<S: Sample>(&self, row: &[S], channels: usize, line: &mut Line<S>) {
        let pixels = line.pixels().chunks_exact_mut(self.of.len());
        for (to, from) in pixels.zip(row.chunks_exact(channels)) {
            if self.hides && from[channels - 1] == S::default() {
                to.fill(S::default());
                continue;
            }
            for (to, from) in to.iter_mut().zip(&from[self.of.clone()]) {
                *to = self.wins.oriented(*from);
            }
        }
    }

    /// Takes the row that waited longest to where it belongs.
    fn write<S: Sample>(&self, samples: &mut [S], channels: usize, waiting: &mut VecDeque<Vec<S>>) {
        let row = waiting.pop_front().unwrap_or_default();
        let pixels = samples.chunks_exact_mut(channels);
        for (to, from) in pixels.zip(row.chunks_exact(self.of.len())) {
            for (to, from) in to[self.of.clone()].iter_mut().zip(from) {
                *to = self.wins.oriented(*from);
            }
        }
    }
}

/// A disk as a stack of rows.
struct Disk {
    /// How far the row so many rows away from the centre reaches to both sides.
    widths: Vec<usize>,
}

impl Disk {
    /// Makes a disk, cut where a picture of this size ends.
    fn new(radius: f64, width: usize, height: usize) -> Self {
        /// A radius that was scaled may have lost its last bit.
        const ROUNDING: f64 = 1e-6;
        let radius = radius + ROUNDING;
        let mut widths = Vec::new();
        let mut away = 0.0;
        while away <= radius && widths.len() < height {
            let reach = (radius * radius - away * away).sqrt().floor();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at least 0"
            )]
            widths.push((reach as usize).min(width - 1));
            away += 1.0;
        }
        Self { widths }
    }
}

/// A row of a picture with room on both sides, and the largest values over some width around.
struct Line<S> {
    /// Components of a row.
    length: usize,
    channels: usize,
    /// Components on each side.
    room: usize,
    present: Vec<S>,
    next: Vec<S>,
}

impl<S: Sample> Line<S> {
    fn new(disk: &Disk, width: usize, channels: usize) -> Self {
        let room = disk.widths.iter().max().copied().unwrap_or_default() * channels;
        let length = width * channels;
        let present = vec![S::default(); length + 2 * room];
        Self { length, channels, room, next: present.clone(), present }
    }

    /// Returns the row to be filled; what is beside it becomes nothing.
    fn pixels(&mut self) -> &mut [S] {
        self.present.fill(S::default());
        &mut self.present[self.room..][..self.length]
    }

    /// Goes through the disk from its ends to its middle, with the largest values over the width
    /// of each row.
    fn widen(&mut self, disk: &Disk, mut each: impl FnMut(usize, &[S])) {
        let mut reach = 0;
        for (away, &width) in disk.widths.iter().enumerate().rev() {
            while reach < width {
                // Shifted by no more than that, the two leave no gap between them.
                let by = (width - reach).min(reach.max(1));
                self.step(reach, by);
                reach += by;
            }
            each(away, &self.present[self.room..][..self.length]);
        }
    }

    /// Widens the values over `reach` pixels to both sides by some more.
    fn step(&mut self, reach: usize, by: usize) {
        let (start, by) = ((reach + by) * self.channels, by * self.channels);
        let end = self.present.len() - start;
        let (left, right) = (&self.present[start - by..], &self.present[start + by..]);
        for ((out, l), r) in self.next[start..end].iter_mut().zip(left).zip(right) {
            *out = *l.max(r);
        }
        if reach == 0 {
            largest(&mut self.next[start..end], &self.present[start..end]);
        }
        std::mem::swap(&mut self.present, &mut self.next);
    }
}

fn largest<S: Sample>(values: &mut [S], others: &[S]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = (*value).max(*other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::Size;
    use crate::imaging::raster::{Alpha, Samples};

    fn gray(width: u32, samples: &[u8]) -> Raster {
        let size = Size::new(width, u32::try_from(samples.len()).unwrap() / width);
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(size, PixelType::Gray, Alpha::None, samples).unwrap()
    }

    /// One light pixel in the middle.
    fn point(side: u32) -> Raster {
        let mut samples = vec![10; (side * side) as usize];
        samples[(side * side / 2) as usize] = 200;
        gray(side, &samples)
    }

    /// A picture in letters, by rows.
    fn drawn(picture: &Raster) -> Vec<String> {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        let letter = |&v: &u8| if v > 100 { '#' } else { '.' };
        samples.chunks(picture.width()).map(|row| row.iter().map(letter).collect()).collect()
    }

    #[test]
    fn a_point_grows_to_a_disk() {
        assert_eq!(drawn(&grow(point(5), 1.0)), [".....", "..#..", ".###.", "..#..", "....."]);
        assert_eq!(drawn(&grow(point(5), 1.5)), [".....", ".###.", ".###.", ".###.", "....."]);
        assert_eq!(drawn(&grow(point(5), 2.0)), ["..#..", ".###.", "#####", ".###.", "..#.."]);
        assert_eq!(drawn(&grow(point(5), 2.3)), [".###.", "#####", "#####", "#####", ".###."]);
        let wide = grow(point(13), 5.0);
        let counts: Vec<_> = drawn(&wide).iter().map(|row| row.matches('#').count()).collect();
        assert_eq!(counts, [0, 1, 7, 9, 9, 9, 11, 9, 9, 9, 7, 1, 0]);
    }

    #[test]
    fn shrinking_takes_the_smallest() {
        let picture = gray(4, &[9, 8, 7, 200, 50, 60, 70, 80]);
        assert_eq!(grow(picture.clone(), -1.0), gray(4, &[8, 7, 7, 7, 9, 8, 7, 70]));
        assert_eq!(grow(picture.clone(), 1.0), gray(4, &[50, 60, 200, 200, 60, 70, 80, 200]));
        assert_eq!(grow(picture.clone(), 0.99), picture);
        assert_eq!(grow(picture, 1e9), gray(4, &[200; 8]));
    }

    #[test]
    fn ink_gives_way_to_light() {
        let samples = Samples::Eight(vec![0, 10, 200, 0, 100, 20, 100, 0]);
        let picture = Raster::new(Size::new(2, 1), PixelType::Cmyk, Alpha::None, samples).unwrap();
        let (light, dark) = (grow(picture.clone(), 1.0), grow(picture, -1.0));
        assert_eq!(light.samples(), &Samples::Eight([0, 10, 100, 0].repeat(2)));
        assert_eq!(dark.samples(), &Samples::Eight([100, 20, 200, 0].repeat(2)));
    }

    #[test]
    fn hidden_colours_stay_hidden_and_alpha_stays() {
        let samples = Samples::Sixteen(vec![100, 9, 65_000, 0, 300, 800]);
        let picture =
            Raster::new(Size::new(3, 1), PixelType::Gray, Alpha::Straight, samples).unwrap();
        let wanted = Samples::Sixteen(vec![100, 9, 300, 0, 300, 800]);
        assert_eq!(grow(picture.clone(), 1.0).samples(), &wanted);
        let masked = Samples::Sixteen(vec![100, 9, 65_000, 800, 300, 800]);
        assert_eq!(grow_mask(picture.clone(), 1.0).samples(), &masked);
        let masked = Samples::Sixteen(vec![100, 0, 65_000, 0, 300, 0]);
        assert_eq!(grow_mask(picture, -1.0).samples(), &masked);
    }

    proptest! {
        #[test]
        fn it_is_the_largest_within_the_radius(
            radius in 0.0..12.0_f64, width in 1..30_usize, samples in proptest::collection::vec(any::<u8>(), 1..400),
        ) {
            let height = samples.len().div_ceil(width);
            let mut samples = samples;
            samples.resize(width * height, 77);
            let made = grow(gray(u32::try_from(width).unwrap(), &samples), radius);
            let Samples::Eight(made) = made.samples() else { panic!("16 bits") };
            let square = |a: usize, b: usize| u32::try_from(a.abs_diff(b).pow(2)).unwrap();
            for (at, &found) in made.iter().enumerate() {
                let (x, y) = (at % width, at / width);
                let near = samples.iter().enumerate().filter(|(n, _)| {
                    f64::from(square(n % width, x) + square(n / width, y)).sqrt() <= radius
                });
                prop_assert_eq!(Some(&found), near.map(|(_, v)| v).max());
            }
        }
    }
}
