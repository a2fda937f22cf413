//! Taking single pixels of a picture, for where a glance at it is enough.

use super::super::Size;
use super::super::raster::{Raster, Sample, Samples, as_usize, each_depth};

/// Takes one pixel, the middle one, of each square of `every` pixels a side; `None` when that are
/// all of them.
#[must_use]
pub fn thinned(picture: &Raster, every: u32) -> Option<Raster> {
    // As an array of known length a pixel is copied without a call.
    fn pixels<S: Sample, const N: usize>(
        samples: &[S],
        from: Size,
        to: Size,
        every: usize,
    ) -> Samples {
        let first = |side: u32| (every / 2).min(as_usize(side).saturating_sub(1));
        let (pixels, _) = samples.as_chunks::<N>();
        let rows = pixels.chunks_exact(as_usize(from.width).max(1));
        let mut out = Vec::with_capacity(as_usize(to.width) * as_usize(to.height));
        for row in rows.skip(first(from.height)).step_by(every).take(as_usize(to.height)) {
            let taken = row.iter().skip(first(from.width)).step_by(every);
            out.extend(taken.take(as_usize(to.width)).copied());
        }
        S::wrap(out.into_flattened())
    }
    fn take<S: Sample>(samples: &[S], picture: &Raster, to: Size, every: usize) -> Samples {
        let from = picture.size();
        match picture.channels() {
            1 => pixels::<S, 1>(samples, from, to, every),
            2 => pixels::<S, 2>(samples, from, to, every),
            3 => pixels::<S, 3>(samples, from, to, every),
            4 => pixels::<S, 4>(samples, from, to, every),
            _ => pixels::<S, 5>(samples, from, to, every),
        }
    }
    if every < 2 {
        return None;
    }
    let Size { width, height } = picture.size();
    let to = Size::new((width / every).max(1), (height / every).max(1));
    let samples = each_depth!(picture.samples(), s => take(s, picture, to, as_usize(every)));
    Some(picture.with_samples(to, samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelType;
    use crate::imaging::raster::Alpha;

    #[test]
    fn the_middle_of_each_square_is_taken() {
        let of = |width: u8, height: u8| {
            let samples = (0..width * height).collect();
            let size = Size::new(width.into(), height.into());
            Raster::new(size, PixelType::Gray, Alpha::None, Samples::Eight(samples)).unwrap()
        };
        let thin = thinned(&of(7, 4), 2).unwrap();
        assert_eq!(thin.size(), Size::new(3, 2));
        assert_eq!(thin.samples(), &Samples::Eight(vec![8, 10, 12, 22, 24, 26]));
        // What is narrower than a square keeps its last column.
        let thin = thinned(&of(1, 9), 3).unwrap();
        assert_eq!(thin.samples(), &Samples::Eight(vec![1, 4, 7]));
        assert_eq!(thinned(&of(2, 2), 1), None);
    }
}
