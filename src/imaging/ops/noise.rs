//! Noise (`op_noise`), the same on every run.
//!
//! What is added to a component depends on its place alone: column and row are scrambled to 64
//! bits (the finalizer of SplitMix64, Steele, Lea and Flood 2014), so the order in which pixels are
//! visited is no matter, and nothing has to be remembered.

use super::super::plan::{Distribution, Noise};
use super::super::raster::{Raster, Sample, each_depth};

/// The golden ratio as a fraction of 2^64, an odd number: steps of it visit everything evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Adds noise to the colour; alpha stays.
///
/// Of 100 percent, uniform noise lies between −1 and 1 times full intensity, and Gaussian noise
/// has a standard deviation of once full intensity. It is added to the levels of the file and what
/// goes over the ends is cut. Mono noise is the same for all components of a pixel.
#[must_use]
pub fn noise(mut picture: Raster, parameters: Noise) -> Raster {
    let Noise { percent, distribution, mono } = parameters;
    if percent <= 0.0 {
        return picture;
    }
    let grain = Grain {
        #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
        strength: (percent / 100.0) as f32,
        distribution,
        mono,
        colors: picture.pixel_type().components(),
    };
    let (width, channels) = (picture.width(), picture.channels());
    each_depth!(picture.samples_mut(), s => grain.add(s, width, channels));
    picture
}

struct Grain {
    strength: f32,
    distribution: Distribution,
    mono: bool,
    colors: usize,
}

impl Grain {
    fn add<S: Sample>(&self, samples: &mut [S], width: usize, channels: usize) {
        for (row, y) in samples.chunks_exact_mut(width * channels).zip(0_u64..) {
            for (pixel, x) in row.chunks_exact_mut(channels).zip(0_u64..) {
                let place = scrambled((y << 32 | x).wrapping_mul(STEP));
                for (value, component) in pixel[..self.colors].iter_mut().zip(1_u64..) {
                    let number = if self.mono { 1 } else { component };
                    let bits = scrambled(place.wrapping_add(number.wrapping_mul(STEP)));
                    let level: f32 = (*value).into();
                    *value = S::round(level + self.deviation(bits) * self.strength * S::TOP);
                }
            }
        }
    }

    /// Turns random bits into a deviation: uniform between −1 and 1, or of standard deviation 1.
    fn deviation(&self, bits: u64) -> f32 {
        match self.distribution {
            Distribution::Uniform => {
                let [high, low, ..] = bits.to_be_bytes();
                f32::from(u16::from_be_bytes([high, low])) / 32_767.5 - 1.0
            }
            // The sum of eight bytes is nearly Gaussian; nothing is more than 4.9 deviations away.
            Distribution::Gaussian => {
                /// Of a byte, times the square root of eight: √(8 · (256² − 1)/12).
                const DEVIATION: f32 = 209.021_53;
                let sum: u16 = bits.to_be_bytes().into_iter().map(u16::from).sum();
                (f32::from(sum) - 8.0 * 127.5) / DEVIATION
            }
        }
    }
}

/// Makes every bit depend on every bit.
const fn scrambled(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::raster::{Alpha, Samples};
    use crate::imaging::{PixelType, Size};

    fn plain(side: u32) -> Raster {
        let samples = Samples::Sixteen(vec![32_768; (side * side * 3) as usize]);
        Raster::new(Size::new(side, side), PixelType::Rgb, Alpha::None, samples).unwrap()
    }

    const UNIFORM: Noise =
        Noise { percent: 20.0, distribution: Distribution::Uniform, mono: false };
    const GAUSSIAN: Noise =
        Noise { percent: 10.0, distribution: Distribution::Gaussian, ..UNIFORM };

    /// The deviations of each component in fractions of full intensity.
    fn deviations(parameters: Noise) -> Vec<[f64; 3]> {
        let made = noise(plain(100), parameters);
        let Samples::Sixteen(samples) = made.samples() else { panic!("8 bits") };
        let pixels = samples.as_chunks::<3>().0.iter();
        pixels.map(|pixel| pixel.map(|v| (f64::from(v) - 32_768.0) / 65_535.0)).collect()
    }

    /// Mean of the products of two components.
    fn together(deviations: &[[f64; 3]], a: usize, b: usize) -> f64 {
        deviations.iter().map(|pixel| pixel[a] * pixel[b]).sum::<f64>() / 10_000.0
    }

    #[test]
    fn it_is_as_strong_as_asked() {
        for (parameters, variance, most) in
            [(UNIFORM, 0.2 * 0.2 / 3.0, 0.2), (GAUSSIAN, 0.1 * 0.1, 0.5)]
        {
            let found = deviations(parameters);
            for component in 0..3 {
                let mean = found.iter().map(|pixel| pixel[component]).sum::<f64>() / 10_000.0;
                assert!(mean.abs() < 0.004, "{mean}");
                let spread = together(&found, component, component);
                assert!((spread / variance - 1.0).abs() < 0.05, "{spread}");
                assert!(found.iter().all(|pixel| pixel[component].abs() <= most + 1e-4));
            }
            // Components, and neighbours, know nothing of each other.
            assert!(together(&found, 0, 1).abs() < 0.05 * variance);
            let next: f64 = found.windows(2).map(|pair| pair[0][0] * pair[1][0]).sum();
            let below: f64 = found.iter().zip(&found[100..]).map(|(a, b)| a[0] * b[0]).sum();
            assert!(next.abs() / 10_000.0 < 0.05 * variance);
            assert!(below.abs() / 10_000.0 < 0.05 * variance);
        }
    }

    #[test]
    fn mono_is_one_for_all_and_alpha_has_none() {
        let mono = deviations(Noise { mono: true, ..UNIFORM });
        assert!(mono.iter().all(|[r, g, b]| r == g && g == b));
        let picture = plain(20).with_alpha();
        assert!(noise(picture, GAUSSIAN).is_opaque());
    }

    #[test]
    fn it_is_the_same_on_every_run_and_none_is_none() {
        let made = noise(plain(20), GAUSSIAN);
        assert_eq!(made, noise(plain(20), GAUSSIAN));
        assert_eq!(noise(plain(20), Noise { percent: 0.0, ..UNIFORM }), plain(20));
        let Samples::Sixteen(samples) = made.samples() else { panic!("8 bits") };
        // Of no meaning, but the same on every platform.
        assert_eq!(samples[..4], [32_611, 37_941, 19_725, 25_243]);
    }
}
