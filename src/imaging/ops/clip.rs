//! Clipping by what a path covers.

use super::super::plan::Side;
use super::super::raster::{Raster, Sample, each_depth};

/// Makes transparent what a path does not cover, or what it does.
///
/// `covered` has one byte a pixel, 255 where the pixel lies inside; edges become partly
/// transparent.
#[must_use]
pub fn clip(picture: Raster, covered: &[u8], keep: Side) -> Raster {
    let mut picture = picture.with_alpha();
    let channels = picture.channels();
    each_depth!(picture.samples_mut(), s => multiply(s, channels, covered, keep));
    picture
}

fn multiply<S: Sample>(samples: &mut [S], channels: usize, covered: &[u8], keep: Side) {
    for (pixel, &covered) in samples.chunks_exact_mut(channels).zip(covered) {
        let kept = match keep {
            Side::Inside => covered,
            Side::Outside => 255 - covered,
        };
        if let Some(alpha) = pixel.last_mut() {
            *alpha = alpha.times(S::widen(kept));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::raster::{Alpha, Samples};
    use crate::imaging::{PixelType, Size};

    #[test]
    fn alpha_is_multiplied_and_colour_stays() {
        let samples = Samples::Eight(vec![10, 255, 20, 255, 30, 128]);
        let size = Size::new(3, 1);
        let picture = Raster::new(size, PixelType::Gray, Alpha::Straight, samples).unwrap();
        let inside = clip(picture.clone(), &[255, 0, 128], Side::Inside);
        assert_eq!(inside.samples(), &Samples::Eight(vec![10, 255, 20, 0, 30, 64]));
        let outside = clip(picture.without_alpha(), &[255, 0, 128], Side::Outside);
        assert_eq!(outside.samples(), &Samples::Eight(vec![10, 0, 20, 255, 30, 127]));
    }
}
