//! From 16 bits to 8 by error diffusion (Floyd and Steinberg, 1976).
//!
//! What rounding takes from a pixel is given to its neighbours: 7/16 to the right, 3/16, 5/16 and
//! 1/16 to the row below. Rows run from left to right, every component on its own, in whole
//! numbers. Alpha is rounded.

use crate::imaging::raster::{Alpha, Raster, Samples};

/// Steps of 16 bits between two levels of 8 bits.
const LEVEL: i32 = 257;

/// Reduces a picture to 8 bits; one that has them already stays as it is.
pub(crate) fn diffuse(picture: Raster) -> Raster {
    let Samples::Sixteen(samples) = picture.samples() else { return picture };
    let (channels, colors) = (picture.channels(), picture.pixel_type().components());
    let row = picture.width() * channels;
    let mut out = Vec::with_capacity(samples.len());
    // Sixteenths of what is missing, with a pixel to spare on both sides.
    let mut now = vec![0_i32; row + 2 * channels];
    let mut below = now.clone();
    for line in samples.chunks_exact(row) {
        for (at, sample) in line.iter().enumerate() {
            let wanted = i32::from(*sample);
            if at % channels >= colors {
                out.push(level(wanted));
                continue;
            }
            let here = at + channels;
            let wanted = wanted + (now[here] + 8).div_euclid(16);
            let written = level(wanted);
            out.push(written);
            // What clipping takes away is lost: it would smear beyond the edge of white.
            let missing = wanted.clamp(0, 255 * LEVEL) - i32::from(written) * LEVEL;
            now[here + channels] += 7 * missing;
            below[here - channels] += 3 * missing;
            below[here] += 5 * missing;
            below[here + channels] += missing;
        }
        std::mem::swap(&mut now, &mut below);
        below.fill(0);
    }
    let alpha = Alpha::from_bool(picture.has_alpha());
    picture
        .retyped(picture.pixel_type(), alpha, Samples::Eight(out))
        .with_profile(picture.profile().cloned())
}

/// Returns the nearest level of 8 bits.
fn level(value: i32) -> u8 {
    u8::try_from((value + LEVEL / 2).div_euclid(LEVEL).clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{PixelType, Size};

    fn flat(size: Size, pixel: &[u16]) -> Raster {
        let pixel_type = if pixel.len() < 3 { PixelType::Gray } else { PixelType::Rgb };
        let alpha = Alpha::from_bool(pixel.len() > pixel_type.components());
        let count = usize::try_from(size.pixels()).unwrap();
        Raster::new(size, pixel_type, alpha, Samples::Sixteen(pixel.repeat(count))).unwrap()
    }

    fn eight(picture: Raster) -> Vec<u8> {
        match picture.into_samples() {
            Samples::Eight(samples) => samples,
            Samples::Sixteen(_) => panic!("16 bits"),
        }
    }

    #[test]
    fn a_level_between_two_becomes_a_pattern_of_the_same_mean() {
        // 100.25 of 255 levels.
        let found = eight(diffuse(flat(Size::new(64, 64), &[100 * 257 + 64])));
        let sum: u32 = found.iter().map(|v| u32::from(*v)).sum();
        let mean = f64::from(sum) / 4096.0;
        assert!((mean - 100.249).abs() < 0.01, "{mean}");
        assert!(found.iter().all(|v| matches!(v, 100 | 101)));
        // Evenly: a quarter of every block of 8 × 8 is the higher level, give or take an eighth.
        for (x, y) in (8..56).step_by(8).flat_map(|y| (8..56).step_by(8).map(move |x| (x, y))) {
            let block = (0..64).map(|n| found[(y + n / 8) * 64 + x + n % 8]);
            let high = block.filter(|v| *v == 101).count();
            assert!((8..=24).contains(&high), "{high} at {x}, {y}");
        }
    }

    #[test]
    fn exact_levels_and_the_ends_stay() {
        for level in [0_u8, 1, 77, 254, 255] {
            let found = eight(diffuse(flat(Size::new(9, 5), &[u16::from(level) * 257; 3])));
            assert!(found.iter().all(|v| *v == level), "{level}");
        }
    }

    #[test]
    fn alpha_is_only_rounded_and_components_do_not_mix() {
        let found = eight(diffuse(flat(Size::new(16, 16), &[120, 65_535, 0, 33_000])));
        assert!(found.chunks(4).all(|p| p[1] == 255 && p[2] == 0 && p[3] == 128));
        assert!(found.chunks(4).any(|p| p[0] == 0) && found.chunks(4).any(|p| p[0] == 1));
    }

    /// Reduces rows of gray.
    fn gray(width: u32, samples: &[u16]) -> Vec<u8> {
        let size = Size::new(width, u32::try_from(samples.len()).unwrap() / width);
        let samples = Samples::Sixteen(samples.to_vec());
        eight(diffuse(Raster::new(size, PixelType::Gray, Alpha::None, samples).unwrap()))
    }

    /// What is missing is 120 of 257 steps; a pixel is white from 129 on.
    #[test]
    fn every_neighbour_gets_its_sixteenths() {
        // To the right 7: 53 steps.
        assert_eq!((gray(2, &[120, 75])[1], gray(2, &[120, 76])[1]), (0, 1));
        // Below 5: 38.
        assert_eq!((gray(1, &[120, 90])[1], gray(1, &[120, 91])[1]), (0, 1));
        // Below to the right 1: 8; the pixels before it are exact levels after what they got.
        let last = |v| gray(2, &[120, 204, 219, v])[3];
        assert_eq!((last(120), last(121)), (0, 1));
        // Below to the left 3: 23.
        let left = |v| gray(2, &[0, 120, v, 0])[2];
        assert_eq!((left(105), left(106)), (0, 1));
    }

    #[test]
    fn what_white_and_black_cannot_take_is_not_carried_on() {
        assert_eq!(gray(3, &[254 * 257 + 120, 65_535, 118]), [254, 255, 0]);
        assert_eq!(gray(3, &[257 - 120, 0, 140]), [1, 0, 1]);
    }
}
