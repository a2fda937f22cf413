//! What is done to the alpha alone (`mask`, `maskUse`, `opac`, `clipPathE`, `clipXPathE`).

use super::super::plan::Side;
use super::super::raster::{Raster, Sample, Samples, each_depth};
use super::super::{ConvertError, PixelType, color};
use super::fill;
use crate::diag::phrase;

/// Replaces the alpha by a mask: its alpha if it has one, else its gray, or its luma.
///
/// # Errors
/// [`ConvertError::Unwritable`] when the mask is not as large as the picture.
pub fn take_mask(picture: Raster, mask: Raster) -> Result<Raster, ConvertError> {
    let (found, wanted) = (mask.size(), picture.size());
    if found != wanted {
        let message = phrase!(
            "mask-of-other-size",
            "the mask is {mask} pixels, but its picture is {picture}",
            mask = format!("{} × {}", found.width, found.height),
            picture = format!("{} × {}", wanted.width, wanted.height),
        );
        let help = phrase!("mask-as-large", "the mask must be as large as the picture");
        return Err(ConvertError::unwritable(message, help));
    }
    let mask =
        if mask.has_alpha() { fill::mask(&mask) } else { color::naive(mask, PixelType::Gray) };
    let mut picture = picture.with_alpha();
    let channels = picture.channels();
    match picture.samples_mut() {
        Samples::Eight(samples) => match mask.to_eight().samples() {
            Samples::Eight(mask) => replace(samples, channels, mask.iter().copied()),
            Samples::Sixteen(_) => {}
        },
        Samples::Sixteen(samples) => match mask.samples() {
            Samples::Eight(mask) => {
                replace(samples, channels, mask.iter().map(|&v| u16::widen(v)));
            }
            Samples::Sixteen(mask) => replace(samples, channels, mask.iter().copied()),
        },
    }
    Ok(picture)
}

fn replace<S: Sample>(samples: &mut [S], channels: usize, mask: impl Iterator<Item = S>) {
    for (pixel, alpha) in samples.chunks_exact_mut(channels).zip(mask) {
        pixel[channels - 1] = alpha;
    }
}

/// Makes what is transparent opaque and the other way round; a picture without alpha becomes all
/// transparent.
#[must_use]
pub fn invert_mask(picture: Raster) -> Raster {
    let mut picture = picture.with_alpha();
    let channels = picture.channels();
    each_depth!(picture.samples_mut(), s => {
        for pixel in s.chunks_exact_mut(channels) {
            pixel[channels - 1] = pixel[channels - 1].inverted();
        }
    });
    picture
}

/// Makes everything opaque; what was transparent shows the colour it hid.
#[must_use]
pub fn unmask(picture: Raster) -> Raster {
    picture.without_alpha()
}

/// Multiplies the alpha by a percentage, 0 to 100.
#[must_use]
pub fn opacity(picture: Raster, percent: f64) -> Raster {
    if percent >= 100.0 {
        return picture;
    }
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
    let share = (percent / 100.0) as f32;
    let mut picture = picture.with_alpha();
    let channels = picture.channels();
    each_depth!(picture.samples_mut(), s => scale(s, channels, share));
    picture
}

fn scale<S: Sample>(samples: &mut [S], channels: usize, share: f32) {
    for pixel in samples.chunks_exact_mut(channels) {
        let alpha: f32 = pixel[channels - 1].into();
        pixel[channels - 1] = S::round(alpha * share);
    }
}

/// Multiplies the alpha by how far each pixel is inside of a shape, row after row, 255 being
/// wholly; or by how far it is outside.
#[must_use]
pub fn clip(picture: Raster, coverage: &[u8], keep: Side) -> Raster {
    let mut picture = picture.with_alpha();
    debug_assert_eq!(coverage.len() as u64, picture.size().pixels());
    let channels = picture.channels();
    each_depth!(picture.samples_mut(), s => cover(s, channels, coverage, keep));
    picture
}

fn cover<S: Sample>(samples: &mut [S], channels: usize, coverage: &[u8], keep: Side) {
    for (pixel, &covered) in samples.chunks_exact_mut(channels).zip(coverage) {
        let stays = match keep {
            Side::Inside => covered,
            Side::Outside => covered.inverted(),
        };
        pixel[channels - 1] = pixel[channels - 1].times(S::widen(stays));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;
    use crate::imaging::raster::Alpha;

    /// Two pixels of gray.
    fn gray(alpha: Alpha, samples: &[u8]) -> Raster {
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(2, 1), PixelType::Gray, alpha, samples).unwrap()
    }

    fn deep(samples: &[u16]) -> Raster {
        let samples = Samples::Sixteen(samples.to_vec());
        Raster::new(Size::new(2, 1), PixelType::Gray, Alpha::Straight, samples).unwrap()
    }

    #[test]
    fn a_mask_gives_its_alpha_or_else_its_gray() {
        let picture = gray(Alpha::None, &[7, 8]);
        let masked = gray(Alpha::Straight, &[7, 100, 8, 0]);
        let gray_mask = gray(Alpha::None, &[100, 0]);
        assert_eq!(take_mask(picture.clone(), gray_mask).unwrap(), masked);
        let with_alpha = gray(Alpha::Straight, &[1, 100, 2, 0]);
        assert_eq!(take_mask(picture.clone(), with_alpha).unwrap(), masked);
        // Pure green is 0.587 · 255.
        let samples = Samples::Eight(vec![0, 255, 0, 255, 255, 255]);
        let green = Raster::new(Size::new(2, 1), PixelType::Rgb, Alpha::None, samples).unwrap();
        let made = take_mask(gray(Alpha::Straight, &[7, 1, 8, 2]), green).unwrap();
        assert_eq!(made, gray(Alpha::Straight, &[7, 150, 8, 255]));
    }

    #[test]
    fn depths_of_picture_and_mask_may_differ() {
        let eight = gray(Alpha::Straight, &[1, 100, 2, 255]);
        let sixteen = deep(&[1, 25_700, 2, 65_535]);
        let made = take_mask(deep(&[5, 6, 7, 8]), eight.clone()).unwrap();
        assert_eq!(made, deep(&[5, 25_700, 7, 65_535]));
        assert_eq!(take_mask(eight.clone(), sixteen).unwrap(), eight);
    }

    #[test]
    fn a_mask_of_another_size_is_refused() {
        let samples = Samples::Eight(vec![0; 3]);
        let wide = Raster::new(Size::new(3, 1), PixelType::Gray, Alpha::None, samples).unwrap();
        let error = take_mask(gray(Alpha::None, &[7, 8]), wide).unwrap_err();
        assert_eq!(error.to_string(), "the mask is 3 × 1 pixels, but its picture is 2 × 1");
    }

    #[test]
    fn inverting_and_dropping_leave_the_colour() {
        let picture = gray(Alpha::Straight, &[7, 100, 8, 0]);
        assert_eq!(invert_mask(picture.clone()), gray(Alpha::Straight, &[7, 155, 8, 255]));
        assert_eq!(unmask(picture), gray(Alpha::None, &[7, 8]));
        let opaque = gray(Alpha::None, &[7, 8]);
        assert_eq!(invert_mask(opaque), gray(Alpha::Straight, &[7, 0, 8, 0]));
    }

    #[test]
    fn opacity_is_a_share_of_what_there_is() {
        let picture = gray(Alpha::Straight, &[7, 101, 8, 255]);
        assert_eq!(opacity(picture.clone(), 50.0), gray(Alpha::Straight, &[7, 51, 8, 128]));
        assert_eq!(opacity(picture.clone(), 100.0), picture);
        let opaque = gray(Alpha::None, &[7, 8]);
        assert_eq!(opacity(opaque.clone(), 0.0), gray(Alpha::Straight, &[7, 0, 8, 0]));
        assert_eq!(opacity(opaque.clone(), 100.0), opaque);
    }

    #[test]
    fn clipping_keeps_one_side() {
        let picture = gray(Alpha::Straight, &[7, 128, 8, 255]);
        let inside = clip(picture.clone(), &[255, 51], Side::Inside);
        assert_eq!(inside, gray(Alpha::Straight, &[7, 128, 8, 51]));
        let outside = clip(picture, &[255, 51], Side::Outside);
        assert_eq!(outside, gray(Alpha::Straight, &[7, 0, 8, 204]));
        let deep = clip(deep(&[7, 65_535, 8, 1_000]), &[128, 255], Side::Inside);
        assert_eq!(deep.samples(), &Samples::Sixteen(vec![7, 32_896, 8, 1_000]));
    }
}
