//! What is done to a colour as a whole (`op_hue`, `op_saturation`).
//!
//! Both are for RGB; a picture without three colours to tell apart stays as it is. Levels are
//! those of the file, not linear light. Alpha stays as it is.

use super::super::PixelType;
use super::super::raster::{Raster, Sample, each_depth};

/// Turns the hue by degrees, clockwise from red over yellow and green to blue.
///
/// The largest and the smallest of the three components stay what they are, and with them
/// lightness and saturation of HSL as well as value and saturation of HSV: in this both are one.
/// Multiples of 120° exchange the components; gray has no hue to turn.
#[must_use]
pub fn hue(picture: Raster, degrees: i32) -> Raster {
    if degrees % 360 == 0 {
        return picture;
    }
    #[expect(clippy::cast_possible_truncation, reason = "0 to 359")]
    let sixths = (f64::from(degrees.rem_euclid(360)) / 60.0) as f32;
    each_color(picture, |color| turned(color, sixths))
}

/// Moves each component away from the luma of Rec. 601, or towards it: the distance is multiplied
/// by `1 + amount/100`; −100, which leaves gray, to 100.
#[must_use]
pub fn saturation(picture: Raster, amount: i32) -> Raster {
    if amount == 0 {
        return picture;
    }
    #[expect(clippy::cast_possible_truncation, reason = "0 to 2")]
    let share = (f64::from(amount + 100) / 100.0) as f32;
    each_color(picture, |color| {
        let gray = luma(color);
        color.map(|value| gray + (value - gray) * share)
    })
}

/// Returns the luma of Rec. 601.
pub(super) fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn each_color(mut picture: Raster, change: impl Fn([f32; 3]) -> [f32; 3]) -> Raster {
    let channels = picture.channels();
    match picture.pixel_type() {
        PixelType::Rgb => {
            each_depth!(picture.samples_mut(), s => each_of(s, channels, change));
        }
        PixelType::Gray | PixelType::Cmyk => {}
    }
    picture
}

fn each_of<S: Sample>(samples: &mut [S], channels: usize, change: impl Fn([f32; 3]) -> [f32; 3]) {
    for pixel in samples.chunks_exact_mut(channels) {
        if let Some(color) = pixel.first_chunk_mut::<3>() {
            *color = change(color.map(Into::into)).map(S::round);
        }
    }
}

/// Turns a hue by sixths of a circle, 0 to 6.
fn turned([r, g, b]: [f32; 3], by: f32) -> [f32; 3] {
    let most = r.max(g).max(b);
    let least = r.min(g).min(b);
    let chroma = most - least;
    if chroma <= 0.0 {
        return [r, g, b];
    }
    let hue = if most <= r {
        (g - b) / chroma
    } else if most <= g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    // Between −1 and 11 before, between 0 and 6 after.
    let hue = (hue + by + 6.0) % 6.0;
    let shares = [(hue - 3.0).abs() - 1.0, 2.0 - (hue - 2.0).abs(), 2.0 - (hue - 4.0).abs()];
    shares.map(|share| least + chroma * share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;
    use crate::imaging::raster::{Alpha, Samples};

    fn rgb<const N: usize>(pixels: [[u8; 3]; N]) -> Raster {
        let width = u32::try_from(N).unwrap();
        let samples = Samples::Eight(pixels.as_flattened().to_vec());
        Raster::new(Size::new(width, 1), PixelType::Rgb, Alpha::None, samples).unwrap()
    }

    #[test]
    fn a_third_of_the_circle_exchanges_the_components() {
        let picture = rgb([[200, 10, 60], [1, 2, 3], [90, 90, 90]]);
        assert_eq!(hue(picture.clone(), 120), rgb([[60, 200, 10], [3, 1, 2], [90, 90, 90]]));
        assert_eq!(hue(picture, -120), rgb([[10, 60, 200], [2, 3, 1], [90, 90, 90]]));
    }

    #[test]
    fn a_sixth_of_the_circle_makes_red_yellow() {
        assert_eq!(hue(rgb([[255, 0, 0]]), 60), rgb([[255, 255, 0]]));
        assert_eq!(hue(rgb([[255, 0, 0]]), 30), rgb([[255, 128, 0]]));
        assert_eq!(hue(rgb([[255, 0, 0]]), -60), rgb([[255, 0, 255]]));
        // Half a turn keeps the largest and the smallest component.
        assert_eq!(hue(rgb([[200, 100, 50]]), 180), rgb([[50, 150, 200]]));
        assert_eq!(hue(rgb([[200, 100, 50]]), -180), rgb([[50, 150, 200]]));
    }

    #[test]
    fn saturation_moves_colours_from_their_gray() {
        // Luma: 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
        let picture = rgb([[200, 100, 50], [80, 80, 80]]);
        assert_eq!(saturation(picture.clone(), -100), rgb([[124, 124, 124], [80, 80, 80]]));
        assert_eq!(saturation(picture.clone(), -50), rgb([[162, 112, 87], [80, 80, 80]]));
        assert_eq!(saturation(picture, 50), rgb([[238, 88, 13], [80, 80, 80]]));
    }

    #[test]
    fn alpha_stays_and_sixteen_bits_are_kept() {
        let samples = Samples::Sixteen(vec![60_000, 1_000, 30_000, 777]);
        let size = Size::new(1, 1);
        let picture = Raster::new(size, PixelType::Rgb, Alpha::Straight, samples).unwrap();
        let turned = hue(picture.clone(), 120);
        assert_eq!(turned.samples(), &Samples::Sixteen(vec![30_000, 60_000, 1_000, 777]));
        let gray = saturation(picture, -100);
        assert_eq!(gray.samples(), &Samples::Sixteen(vec![21_947, 21_947, 21_947, 777]));
    }
}
