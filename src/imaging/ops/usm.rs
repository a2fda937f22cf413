//! Unsharp masking: what a blurred picture lacks, added once more.
//!
//! Colour is compared with the mean colour of the neighbourhood weighted by alpha, so that at the
//! edge of a cut-out what is transparent counts for nothing; alpha is sharpened by itself.

use super::super::PixelType;
use super::super::hands::Hands;
use super::super::raster::{Raster, Sample, each_depth};
use super::blur::{Blur, Rows};
use super::chroma::luma;

/// The parameters of unsharp masking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usm {
    /// How much of the difference is added; 1 is all of it.
    pub amount: f64,
    /// Standard deviation of the Gaussian in pixels.
    pub radius: f64,
    /// Differences up to this, in levels of 255, are left alone.
    pub threshold: f64,
    /// Whether only brightness is sharpened: one difference for red, green and blue. For CMYK it
    /// is the black alone; gray knows no other.
    pub mono: bool,
}

/// Adds `amount` times the difference from the blurred picture where it exceeds the threshold.
#[must_use]
pub fn usm(picture: Raster, parameters: Usm) -> Raster {
    usm_by(picture, parameters, Hands::ALONE)
}

/// As [`usm`], by several threads.
pub(in super::super) fn usm_by(picture: Raster, parameters: Usm, hands: Hands<'_>) -> Raster {
    let Usm { amount, radius, threshold, .. } = parameters;
    if amount <= 0.0 || radius <= 0.0 || threshold >= 255.0 {
        return picture;
    }
    let blur = Blur::gaussian(radius, picture.channels());
    add_difference(picture, &blur, parameters, hands)
}

/// Adds what the blurred picture lacks, for any blur.
pub(super) fn add_difference(
    mut picture: Raster,
    blur: &Blur,
    parameters: Usm,
    hands: Hands<'_>,
) -> Raster {
    let shape = Shape {
        channels: picture.channels(),
        alpha: picture.has_alpha(),
        mono: parameters.mono.then_some(picture.pixel_type()),
        #[expect(clippy::cast_possible_truncation, reason = "0 to 5")]
        amount: parameters.amount as f32,
        #[expect(clippy::cast_possible_truncation, reason = "0 to 255")]
        threshold: parameters.threshold as f32,
    };
    let rows = Rows::of(&picture);
    each_depth!(picture.samples_mut(), s => {
        rows.filter(s, blur, hands, |row, blurred| shape.apply(row, blurred));
    });
    picture
}

#[derive(Clone, Copy)]
struct Shape {
    channels: usize,
    alpha: bool,
    mono: Option<PixelType>,
    amount: f32,
    threshold: f32,
}

impl Shape {
    fn apply<S: Sample>(&self, row: &mut [S], blurred: &[f32]) {
        let limit = self.threshold * S::TOP / 255.0;
        let pixels = row.chunks_exact_mut(self.channels);
        for (pixel, blurred) in pixels.zip(blurred.chunks_exact(self.channels)) {
            let share = if self.alpha { blurred[self.channels - 1] / S::TOP } else { 1.0 };
            if share <= 0.0 {
                continue;
            }
            let mut change = [0.0; 5];
            for (n, change) in change.iter_mut().enumerate().take(self.channels) {
                let sharp: f32 = pixel[n].into();
                let is_alpha = self.alpha && n + 1 == self.channels;
                *change = sharp - if is_alpha { blurred[n] } else { blurred[n] / share };
            }
            self.make_mono(&mut change);
            for (value, change) in pixel.iter_mut().zip(change) {
                if change.abs() > limit {
                    let sharp: f32 = (*value).into();
                    *value = S::round(sharp + self.amount * change);
                }
            }
        }
    }

    fn make_mono(&self, change: &mut [f32; 5]) {
        match self.mono {
            Some(PixelType::Rgb) => {
                let [red, green, blue, ..] = *change;
                change[..3].fill(luma([red, green, blue]));
            }
            Some(PixelType::Cmyk) => change[..3].fill(0.0),
            Some(PixelType::Gray) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;
    use crate::imaging::raster::{Alpha, Samples};

    const PLAIN: Usm = Usm { amount: 1.0, radius: 1.0, threshold: 0.0, mono: false };

    fn gray(samples: &[u8]) -> Raster {
        let width = u32::try_from(samples.len()).unwrap();
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(width, 1), PixelType::Gray, Alpha::None, samples).unwrap()
    }

    fn eight(picture: &Raster) -> &[u8] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        samples
    }

    #[test]
    fn an_edge_becomes_steeper_by_what_the_gaussian_takes() {
        let picture = usm(gray(&[100, 100, 100, 100, 150, 150, 150, 150]), PLAIN);
        // Φ for σ = 1 cut at 3: the last dark pixel loses 50 · (0.242 + 0.054 + 0.004).
        assert_eq!(eight(&picture)[3], 85);
        assert_eq!(eight(&picture)[4], 165);
        assert_eq!(eight(&picture)[0], 100);
    }

    #[test]
    fn small_differences_stay_under_the_threshold() {
        let source = gray(&[100, 100, 100, 110, 110, 110]);
        let picture = usm(source.clone(), Usm { threshold: 5.0, ..PLAIN });
        assert_eq!(picture, source);
        assert_ne!(usm(source.clone(), Usm { threshold: 2.0, ..PLAIN }), source);
    }

    #[test]
    fn mono_changes_all_colours_alike() {
        let samples = Samples::Eight(vec![90, 100, 110, 90, 100, 110, 190, 100, 110]);
        let source = Raster::new(Size::new(3, 1), PixelType::Rgb, Alpha::None, samples).unwrap();
        let picture = usm(source, Usm { mono: true, ..PLAIN });
        let [red, green, blue] = eight(&picture).as_chunks::<3>().0[1];
        assert_eq!((green - red, blue - green), (10, 10));
        assert!(red < 90);
    }

    #[test]
    fn the_edge_of_a_cut_out_keeps_its_colour() {
        let samples = Samples::Eight(vec![200, 10, 10, 255, 200, 10, 10, 128, 0, 0, 0, 0]);
        let source =
            Raster::new(Size::new(3, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap();
        let picture = usm(source, PLAIN);
        for pixel in eight(&picture).as_chunks::<4>().0 {
            assert!(pixel[3] == 0 || pixel[..3] == [200, 10, 10], "{pixel:?}");
        }
    }
}
