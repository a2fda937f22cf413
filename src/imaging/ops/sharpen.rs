//! Fixed light sharpening (`op_sharpen`).

use super::super::hands::Hands;
use super::super::raster::Raster;
use super::blur::Blur;
use super::usm::{Usm, add_difference};

/// Sharpens with the 3 × 3 kernel of centre 2 and neighbours −1/8; alpha too.
///
/// That is unsharp masking by 9/8 of the difference from the mean of all nine pixels.
#[must_use]
pub fn sharpen(picture: Raster) -> Raster {
    sharpen_by(picture, Hands::ALONE)
}

/// As [`sharpen`], by several threads.
pub(in super::super) fn sharpen_by(picture: Raster, hands: Hands<'_>) -> Raster {
    let blur = Blur::mean3(picture.channels());
    let nine_eighths = Usm { amount: 1.125, radius: 1.0, threshold: 0.0, mono: false };
    add_difference(picture, &blur, nine_eighths, hands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::raster::{Alpha, Samples};
    use crate::imaging::{PixelType, Size};

    #[test]
    fn the_kernel_is_the_documented_one() {
        let mut samples = vec![80; 25];
        samples[12] = 96;
        let picture =
            Raster::new(Size::new(5, 5), PixelType::Gray, Alpha::None, Samples::Eight(samples))
                .unwrap();
        let mut wanted = vec![80; 25];
        for n in [6, 7, 8, 11, 13, 16, 17, 18] {
            wanted[n] = 78;
        }
        wanted[12] = 112;
        assert_eq!(sharpen(picture).samples(), &Samples::Eight(wanted));
    }
}
