//! Colour under what is transparent, and transparency as a picture.

use super::super::PixelType;
use super::super::plan::Color;
use super::super::raster::{Alpha, Raster, Sample, Samples, each_depth};

/// Puts a colour under the picture; under an opaque colour nothing is transparent any more and
/// the alpha goes. The colour's components must be of the picture's type.
#[must_use]
pub fn fill(picture: Raster, color: &Color) -> Raster {
    debug_assert_eq!(picture.pixel_type(), color.pixel_type);
    if !picture.has_alpha() || color.alpha == 0 {
        return picture;
    }
    let mut picture = picture;
    let channels = picture.channels();
    each_depth!(picture.samples_mut(), s => under(s, channels, color));
    if color.alpha == 255 { picture.without_alpha() } else { picture }
}

fn under<S: Sample>(samples: &mut [S], channels: usize, color: &Color) {
    let below: Vec<S> = color.components[..channels - 1].iter().map(|&v| S::widen(v)).collect();
    let below_alpha: f32 = S::widen(color.alpha).into();
    let below_alpha = below_alpha / S::TOP;
    for pixel in samples.chunks_exact_mut(channels) {
        let (components, alpha) = pixel.split_at_mut(channels - 1);
        if alpha[0] == S::MAX {
            continue;
        }
        let above: f32 = alpha[0].into();
        let above = above / S::TOP;
        let rest = below_alpha * (1.0 - above);
        let whole = above + rest;
        for (component, &below) in components.iter_mut().zip(&below) {
            let (top, bottom): (f32, f32) = ((*component).into(), below.into());
            *component = S::round((top * above + bottom * rest) / whole);
        }
        alpha[0] = S::round(whole * S::TOP);
    }
}

/// Returns the alpha as a gray picture, white where the picture is opaque.
#[must_use]
pub fn mask(picture: &Raster) -> Raster {
    fn extract<S: Sample>(samples: &[S], channels: usize, alpha: bool) -> Samples {
        let pixels = samples.chunks_exact(channels);
        S::wrap(pixels.map(|p| if alpha { p[channels - 1] } else { S::MAX }).collect())
    }
    let (channels, alpha) = (picture.channels(), picture.has_alpha());
    let samples = each_depth!(picture.samples(), s => extract(s, channels, alpha));
    picture.retyped(PixelType::Gray, Alpha::None, samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;

    fn color(rgb: [u8; 3], alpha: u8) -> Color {
        let [r, g, b] = rgb;
        Color { pixel_type: PixelType::Rgb, components: [r, g, b, 0], alpha }
    }

    fn rgba(samples: &[u8]) -> Raster {
        let width = u32::try_from(samples.len() / 4).unwrap();
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(width, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap()
    }

    #[test]
    fn an_opaque_colour_ends_transparency() {
        let picture = rgba(&[9, 9, 9, 0, 200, 100, 0, 128, 1, 2, 3, 255]);
        let filled = fill(picture, &color([0, 0, 255], 255));
        assert!(!filled.has_alpha());
        assert_eq!(filled.samples(), &Samples::Eight(vec![0, 0, 255, 100, 50, 127, 1, 2, 3]));
    }

    #[test]
    fn half_a_colour_leaves_half_transparent() {
        let filled = fill(rgba(&[9, 9, 9, 0, 1, 2, 3, 255]), &color([0, 0, 255], 128));
        assert_eq!(filled, rgba(&[0, 0, 255, 128, 1, 2, 3, 255]));
    }

    #[test]
    fn a_mask_is_the_alpha() {
        let picture = mask(&rgba(&[9, 9, 9, 0, 1, 2, 3, 128]));
        assert_eq!(picture.samples(), &Samples::Eight(vec![0, 128]));
        assert_eq!(mask(&picture).samples(), &Samples::Eight(vec![255, 255]));
    }
}
