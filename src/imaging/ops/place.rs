//! Putting a picture on a canvas, or cutting it.

use std::ops::Range;

use super::super::Size;
use super::super::raster::{Alpha, Raster, Sample, Samples, as_usize, each_depth};

/// Puts the picture's left upper corner at `x`, `y` of a transparent canvas; what does not fit is
/// cut. A canvas that is covered wholly gets no alpha the picture does not have.
#[must_use]
pub fn place(picture: &Raster, x: i64, y: i64, canvas: Size) -> Raster {
    let Size { width, height } = picture.size();
    let covered = x <= 0
        && y <= 0
        && x.saturating_add(i64::from(width)) >= i64::from(canvas.width)
        && y.saturating_add(i64::from(height)) >= i64::from(canvas.height);
    let (left, columns) = overlap(x, width, canvas.width);
    let (top, rows) = overlap(y, height, canvas.height);
    let cut = Cut { left, columns, top, rows, channels: picture.channels() };
    if covered || picture.has_alpha() {
        let samples = each_depth!(picture.samples(), s => cut.copy(s, picture.width(), canvas));
        return picture.with_samples(canvas, samples);
    }
    let samples = each_depth!(picture.samples(), s => cut.copy_opaque(s, picture.width(), canvas));
    let profile = picture.profile().cloned();
    picture.reshaped(canvas, Alpha::Straight, samples).with_profile(profile)
}

/// Returns where the overlap starts on the canvas and which part of the picture it is.
fn overlap(offset: i64, length: u32, canvas: u32) -> (usize, Range<usize>) {
    let start = offset.clamp(0, i64::from(canvas));
    let end = offset.saturating_add(i64::from(length)).clamp(start, i64::from(canvas));
    let index = |n: i64| usize::try_from(n).unwrap_or_default();
    let first = if start == end { 0 } else { index(start - offset) };
    (index(start), first..first + index(end - start))
}

/// Which part of the picture goes where on the canvas.
struct Cut {
    left: usize,
    columns: Range<usize>,
    top: usize,
    rows: Range<usize>,
    channels: usize,
}

impl Cut {
    /// Pairs each row of the canvas that gets something with what it gets.
    fn rows<'a, S: Sample>(
        &'a self,
        samples: &'a [S],
        width: usize,
        out: &'a mut [S],
        row: usize,
    ) -> impl Iterator<Item = (&'a mut [S], &'a [S])> {
        let part = self.columns.start * self.channels..self.columns.end * self.channels;
        let rows = samples.chunks_exact(width * self.channels).skip(self.rows.start);
        let rows = rows.take(self.rows.len()).map(move |row| &row[part.clone()]);
        out.chunks_exact_mut(row).skip(self.top).zip(rows)
    }

    /// Copies onto a canvas of zeros.
    fn copy<S: Sample>(&self, samples: &[S], width: usize, canvas: Size) -> Samples {
        let row = as_usize(canvas.width) * self.channels;
        let mut out = vec![S::default(); row * as_usize(canvas.height)];
        for (to, from) in self.rows(samples, width, &mut out, row) {
            to[self.left * self.channels..][..from.len()].copy_from_slice(from);
        }
        S::wrap(out)
    }

    /// Copies a picture without alpha onto a transparent canvas.
    fn copy_opaque<S: Sample>(&self, samples: &[S], width: usize, canvas: Size) -> Samples {
        let channels = self.channels + 1;
        let row = as_usize(canvas.width) * channels;
        let mut out = vec![S::default(); row * as_usize(canvas.height)];
        for (to, from) in self.rows(samples, width, &mut out, row) {
            let pixels = to.chunks_exact_mut(channels).skip(self.left);
            for (to, from) in pixels.zip(from.chunks_exact(self.channels)) {
                to[..self.channels].copy_from_slice(from);
                to[self.channels] = S::MAX;
            }
        }
        S::wrap(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelType;

    fn gray(width: u32, height: u32, samples: &[u8]) -> Raster {
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(width, height), PixelType::Gray, Alpha::None, samples).unwrap()
    }

    #[test]
    fn a_cut_is_the_exact_part() {
        let picture = gray(3, 3, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let part = place(&picture, -1, -1, Size::new(2, 1));
        assert_eq!(part, gray(2, 1, &[5, 6]));
    }

    #[test]
    fn margins_are_transparent() {
        let placed = place(&gray(1, 1, &[7]), 1, 0, Size::new(3, 1));
        assert_eq!(placed.samples(), &Samples::Eight(vec![0, 0, 7, 255, 0, 0]));
        let beside = place(&gray(1, 1, &[7]), 5, -9, Size::new(2, 1));
        assert_eq!(beside.samples(), &Samples::Eight(vec![0; 4]));
    }
}
