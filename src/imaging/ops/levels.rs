//! What is done to each component by itself (`op_invert`, `op_brightness`, `op_contrast`,
//! `op_colorbalance`).
//!
//! What becomes of a level is looked up in a table, so 16 bits take no longer than 8. Levels are
//! those of the file, not linear light. Alpha stays as it is.

use super::super::raster::{Raster, Sample, each_depth};

/// Turns each colour component into what it lacks of full intensity.
#[must_use]
pub fn invert(mut picture: Raster) -> Raster {
    let (channels, colors) = (picture.channels(), picture.pixel_type().components());
    each_depth!(picture.samples_mut(), s => {
        for value in s.chunks_exact_mut(channels).flat_map(|pixel| &mut pixel[..colors]) {
            *value = value.inverted();
        }
    });
    picture
}

/// Adds `amount` percent of full intensity, −100 to 100, to each component: 2.55 levels of 255 per
/// percent. Meant for RGB.
#[must_use]
pub fn brightness(picture: Raster, amount: i32) -> Raster {
    shifted(picture, [amount; 4])
}

/// Does the same as [`brightness`] to red, green and blue, each by its own amount. Meant for RGB.
#[must_use]
pub fn color_balance(picture: Raster, [red, green, blue]: [i32; 3]) -> Raster {
    shifted(picture, [red, green, blue, 0])
}

fn shifted(picture: Raster, amounts: [i32; 4]) -> Raster {
    mapped(picture, |component, level, top| level + top * percent(amounts[component]) / 100.0)
}

/// Moves each component away from the middle, 127.5 of 255, or towards it; −100 to 100. Meant for
/// RGB.
///
/// The distance is multiplied by `1 + amount/100`, or `100/(100 − amount)` above 0. So −100 leaves
/// nothing but the middle, and 100 nothing but the two ends.
#[must_use]
pub fn contrast(picture: Raster, amount: i32) -> Raster {
    let amount = percent(amount);
    mapped(picture, |_, level, top| {
        let middle = top / 2.0;
        let distance = level - middle;
        // No level is the middle: there is an even number of them.
        if amount >= 100.0 {
            return if distance > 0.0 { top } else { 0.0 };
        }
        let stretched = if amount > 0.0 {
            distance * 100.0 / (100.0 - amount)
        } else {
            distance * (100.0 + amount) / 100.0
        };
        middle + stretched
    })
}

#[expect(clippy::cast_possible_truncation, reason = "−100 to 100")]
fn percent(amount: i32) -> f32 {
    f64::from(amount) as f32
}

/// Replaces each level by what `curve` says of it, given the component's number, the level and
/// full intensity.
fn mapped(mut picture: Raster, curve: impl Fn(usize, f32, f32) -> f32) -> Raster {
    let (channels, colors) = (picture.channels(), picture.pixel_type().components());
    each_depth!(picture.samples_mut(), s => look_up(s, channels, &tables(colors, curve)));
    picture
}

fn tables<S: Sample>(colors: usize, curve: impl Fn(usize, f32, f32) -> f32) -> Vec<Vec<S>> {
    (0..colors).map(|component| table(|level| curve(component, level, S::TOP))).collect()
}

/// Tabulates a curve over all levels.
pub(super) fn table<S: Sample>(curve: impl Fn(f32) -> f32) -> Vec<S> {
    let last: usize = S::MAX.into();
    (0..=u16::MAX).take(last + 1).map(|level| S::round(curve(f32::from(level)))).collect()
}

fn look_up<S: Sample>(samples: &mut [S], channels: usize, tables: &[Vec<S>]) {
    for pixel in samples.chunks_exact_mut(channels) {
        for (value, table) in pixel.iter_mut().zip(tables) {
            let level: usize = (*value).into();
            *value = table[level];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::raster::{Alpha, Samples};
    use crate::imaging::{PixelType, Size};

    /// Two pixels with alpha.
    fn rgba(samples: [u8; 8]) -> Raster {
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(2, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap()
    }

    fn deep(samples: [u16; 3]) -> Raster {
        let samples = Samples::Sixteen(samples.to_vec());
        Raster::new(Size::new(1, 1), PixelType::Rgb, Alpha::None, samples).unwrap()
    }

    const PICTURE: [u8; 8] = [0, 100, 255, 7, 127, 128, 240, 255];

    #[test]
    fn inverting_leaves_alpha() {
        let made = invert(rgba(PICTURE));
        assert_eq!(made, rgba([255, 155, 0, 7, 128, 127, 15, 255]));
        assert_eq!(invert(made), rgba(PICTURE));
        assert_eq!(invert(deep([0, 1, 65_535])), deep([65_535, 65_534, 0]));
    }

    #[test]
    fn brightness_is_a_share_of_full_intensity() {
        assert_eq!(brightness(rgba(PICTURE), 10), rgba([26, 126, 255, 7, 153, 154, 255, 255]));
        assert_eq!(brightness(rgba(PICTURE), -20), rgba([0, 49, 204, 7, 76, 77, 189, 255]));
        assert_eq!(brightness(rgba(PICTURE), 100), rgba([255, 255, 255, 7, 255, 255, 255, 255]));
        assert_eq!(brightness(deep([0, 1000, 65_000]), 10), deep([6554, 7554, 65_535]));
    }

    #[test]
    fn each_colour_has_its_own_balance() {
        let made = color_balance(rgba(PICTURE), [20, 0, -20]);
        assert_eq!(made, rgba([51, 100, 204, 7, 178, 128, 189, 255]));
    }

    #[test]
    fn contrast_has_its_pivot_between_the_middle_levels() {
        // 127.5 + 2 · (v − 127.5)
        assert_eq!(contrast(rgba(PICTURE), 50), rgba([0, 73, 255, 7, 127, 129, 255, 255]));
        // 127.5 + (v − 127.5)/2
        assert_eq!(contrast(rgba(PICTURE), -50), rgba([64, 114, 191, 7, 127, 128, 184, 255]));
        assert_eq!(contrast(rgba(PICTURE), 100), rgba([0, 0, 255, 7, 0, 255, 255, 255]));
        assert_eq!(contrast(rgba(PICTURE), -100), rgba([128, 128, 128, 7, 128, 128, 128, 255]));
        assert_eq!(contrast(deep([32_767, 32_768, 0]), 100), deep([0, 65_535, 0]));
    }

    #[test]
    fn nothing_asked_is_nothing_done() {
        let picture = deep([12_345, 1, 65_534]);
        assert_eq!(brightness(picture.clone(), 0), picture);
        assert_eq!(contrast(picture.clone(), 0), picture);
        assert_eq!(color_balance(picture.clone(), [0; 3]), picture);
    }
}
