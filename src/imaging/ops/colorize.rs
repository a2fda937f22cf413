//! Another colour, the same light and shadow (`op_colorize`).
//!
//! Of the picture only the luma (Rec. 601) counts. It is led from black over the colour, which
//! stands for the middle, to white. So that pictures of different brightness take on the same
//! colour, the luma may be shifted before: its median becomes the middle. And since a shifted
//! picture can be flat, its contrast may be raised.

use super::super::PixelType;
use super::super::plan::{Colorize, Levels};
use super::super::raster::{Raster, Sample, each_depth};
use super::chroma::luma;
use super::levels::table;

/// Colours an RGB picture; alpha stays.
///
/// With [`Levels::Norm`], what is darker than the median and what is lighter is each stretched by
/// `1 + contrast/100 · (most − 1)`, where `most` is what leads the darkest, or lightest, level to
/// black, or white, but at least 1. The darkest and the lightest hundredth of the picture are left
/// out of account there, and go over the end. Pixels count as much as they are opaque.
#[must_use]
pub fn colorize(mut picture: Raster, parameters: Colorize) -> Raster {
    let (channels, alpha) = (picture.channels(), picture.has_alpha());
    match picture.pixel_type() {
        PixelType::Rgb => {
            each_depth!(picture.samples_mut(), s => colored(s, channels, alpha, parameters));
        }
        PixelType::Gray | PixelType::Cmyk => {}
    }
    picture
}

fn colored<S: Sample>(samples: &mut [S], channels: usize, alpha: bool, parameters: Colorize) {
    let Colorize { color, levels, contrast } = parameters;
    let lift = match levels {
        Levels::Off => Lift::NONE,
        Levels::Norm => Lift::of(&histogram(samples, channels, alpha), f32::from(contrast) / 100.0),
    };
    let ramps = color.map(|component| {
        let middle: f32 = S::widen(component).into();
        table::<S>(|level| {
            let light = 2.0 * lift.applied(level / S::TOP);
            if light <= 1.0 { middle * light } else { middle + (S::TOP - middle) * (light - 1.0) }
        })
    });
    for pixel in samples.chunks_exact_mut(channels) {
        if let Some(color) = pixel.first_chunk_mut::<3>() {
            let level = level_of(*color);
            *color = [ramps[0][level], ramps[1][level], ramps[2][level]];
        }
    }
}

fn level_of<S: Sample>(color: [S; 3]) -> usize {
    S::round(luma(color.map(Into::into))).into()
}

/// Adds up how opaque the pixels of each level are.
fn histogram<S: Sample>(samples: &[S], channels: usize, alpha: bool) -> Vec<u64> {
    let top: usize = S::MAX.into();
    let mut weights = vec![0; top + 1];
    for pixel in samples.chunks_exact(channels) {
        if let Some(color) = pixel.first_chunk::<3>() {
            let opacity: usize = if alpha { pixel[channels - 1] } else { S::MAX }.into();
            weights[level_of(*color)] += opacity as u64;
        }
    }
    weights
}

/// What is done to the luma, 0 to 1, before it is coloured.
#[derive(Debug, Clone, Copy)]
struct Lift {
    /// What becomes the middle.
    median: f32,
    /// How much more contrast there is below.
    dark: f32,
    /// How much more contrast there is above.
    light: f32,
}

impl Lift {
    const NONE: Self = Self { median: 0.5, dark: 1.0, light: 1.0 };

    /// Finds what brings the median of a histogram to the middle; contrast is 0 to 1.
    fn of(weights: &[u64], contrast: f32) -> Self {
        let all: u64 = weights.iter().sum();
        if all == 0 {
            return Self::NONE;
        }
        let median = quantile(weights, all.div_ceil(2));
        let (darkest, lightest) =
            (quantile(weights, all / 100 + 1), quantile(weights, all - all / 100));
        let stretch = |span: f32| {
            let most = if span > 0.0 { (0.5 / span).max(1.0) } else { 1.0 };
            1.0 + contrast * (most - 1.0)
        };
        Self { median, dark: stretch(median - darkest), light: stretch(lightest - median) }
    }

    fn applied(self, luma: f32) -> f32 {
        let distance = luma - self.median;
        let stretch = if distance < 0.0 { self.dark } else { self.light };
        (0.5 + distance * stretch).clamp(0.0, 1.0)
    }
}

/// Returns the first level, 0 to 1, up to which there is at least so much weight.
#[expect(clippy::cast_precision_loss, reason = "at most 65,535")]
fn quantile(weights: &[u64], least: u64) -> f32 {
    let mut sum = 0;
    let reached = weights.iter().position(|weight| {
        sum += weight;
        sum >= least
    });
    reached.unwrap_or_default() as f32 / (weights.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;
    use crate::imaging::raster::{Alpha, Samples};

    const OFF: Colorize = Colorize { color: [200, 100, 0], levels: Levels::Off, contrast: 0 };
    const NORM: Colorize = Colorize { levels: Levels::Norm, ..OFF };

    fn grays(levels: &[u8]) -> Raster {
        let width = u32::try_from(levels.len()).unwrap();
        let samples = Samples::Eight(levels.iter().flat_map(|&v| [v; 3]).collect());
        Raster::new(Size::new(width, 1), PixelType::Rgb, Alpha::None, samples).unwrap()
    }

    fn pixels(picture: &Raster) -> &[[u8; 3]] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        samples.as_chunks::<3>().0
    }

    #[test]
    fn luma_is_led_over_the_colour() {
        let made = colorize(grays(&[0, 51, 102, 153, 204, 255]), OFF);
        // 51 is 0.2: 0.4 of the colour; 204 is 0.8: 0.6 of the way from it to white.
        let wanted = [[0; 3], [80, 40, 0], [160, 80, 0], [211, 131, 51], [233, 193, 153], [255; 3]];
        assert_eq!(pixels(&made), wanted);
        assert_eq!(
            pixels(&colorize(grays(&[0, 255]), Colorize { contrast: 100, ..OFF }))[1],
            [255; 3]
        );
    }

    #[test]
    fn the_median_takes_on_the_colour() {
        let made = colorize(grays(&[20, 20, 60, 60, 60, 70, 90]), NORM);
        assert_eq!(pixels(&made)[2], [200, 100, 0]);
        // 40 levels darker: 1 − 2 · 40/255 of the colour.
        assert_eq!(pixels(&made)[0], [137, 69, 0]);
        // 30 levels lighter.
        assert_eq!(pixels(&made)[6], [213, 136, 60]);
    }

    #[test]
    fn contrast_leads_both_sides_to_their_ends() {
        let levels = [20, 20, 60, 60, 60, 70, 90];
        let whole = colorize(grays(&levels), Colorize { contrast: 100, ..NORM });
        assert_eq!((pixels(&whole)[0], pixels(&whole)[6]), ([0; 3], [255; 3]));
        assert_eq!(pixels(&whole)[2], [200, 100, 0]);
        // Half of it: the dark side is 40 levels wide of 127.5, so 1 + 0.5 · 2.1875 times.
        let half = colorize(grays(&levels), Colorize { contrast: 50, ..NORM });
        assert_eq!(pixels(&half)[0], [69, 34, 0]);
    }

    #[test]
    fn what_is_transparent_does_not_count() {
        let samples = [[10, 10, 10, 0]; 5].into_iter().chain([[90, 90, 90, 255]]);
        let samples = Samples::Eight(samples.flatten().collect());
        let picture =
            Raster::new(Size::new(6, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap();
        let made = colorize(picture, NORM);
        let Samples::Eight(samples) = made.samples() else { panic!("16 bits") };
        assert_eq!(samples[20..], [200, 100, 0, 255]);
        assert_eq!(samples[3], 0);
    }

    #[test]
    fn nothing_but_transparency_and_sixteen_bits_are_no_matter() {
        let samples = Samples::Sixteen(vec![32_768, 32_768, 32_768, 0]);
        let picture =
            Raster::new(Size::new(1, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap();
        let made = colorize(picture, NORM);
        assert_eq!(made.samples(), &Samples::Sixteen(vec![51_400, 25_701, 1, 0]));
    }
}
