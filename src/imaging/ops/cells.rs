//! From the means of cells to the values at their centres.
//!
//! A JPEG decoded smaller holds, for each cell of 2², 4² or 8² stored pixels, their mean: a blur as
//! wide as a pixel, which a filter that takes them for samples leaves in. To fourth order the value
//! in the middle of a cell is the mean less a 24th of its second difference, in each direction.

use super::super::raster::{Raster, Samples};

/// Turns the means of a picture's cells into samples. At edges the outermost cells are repeated.
///
/// Only bytes are; nothing decodes to means of 16 bits.
#[must_use]
pub fn sampled(mut picture: Raster) -> Raster {
    let row = picture.width() * picture.channels();
    let channels = picture.channels();
    if let Samples::Eight(samples) = picture.samples_mut() {
        let mut above = samples[..row].to_vec();
        let mut here = above.clone();
        let mut rest = &mut samples[..];
        while let Some((line, below)) = rest.split_at_mut_checked(row) {
            here.copy_from_slice(line);
            let next = if below.is_empty() { &here[..] } else { &below[..row] };
            sharpen(line, channels, [&above, &here, next]);
            std::mem::swap(&mut above, &mut here);
            rest = below;
        }
    }
    picture
}

/// Makes one line of the three around it.
fn sharpen(line: &mut [u8], channels: usize, [above, here, below]: [&[u8]; 3]) {
    let one = |at: usize, left: usize, right: usize| {
        value(here[at], [here[left], here[right], above[at], below[at]])
    };
    let length = line.len();
    let (first, last) = (channels.min(length), length.saturating_sub(channels));
    for at in (0..first).chain(last..length) {
        let left = at.checked_sub(channels).unwrap_or(at);
        let right = if at + channels < length { at + channels } else { at };
        line[at] = one(at, left, right);
    }
    if last <= first {
        return;
    }
    let around = here[..last - channels]
        .iter()
        .zip(&here[2 * channels..])
        .zip(above[first..last].iter().zip(&below[first..last]));
    let inner = line[first..last].iter_mut().zip(&here[first..last]);
    for ((to, &here), ((&left, &right), (&above, &below))) in inner.zip(around) {
        *to = value(here, [left, right, above, below]);
    }
}

/// The middle of a cell: its mean times 28, less its neighbours', over 24, rounded to nearest.
#[expect(clippy::cast_sign_loss, reason = "clamped to bytes")]
fn value(mean: u8, neighbours: [u8; 4]) -> u8 {
    let sum: i32 = neighbours.map(i32::from).iter().sum();
    let times24 = 28 * i32::from(mean) - sum;
    // A multiplication, exact for all there is, so that many are done at once.
    (((times24 + 12) * 10_923) >> 18).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::raster::Alpha;
    use crate::imaging::{PixelType, Size};

    fn gray(width: u32, height: u32, samples: Vec<u8>) -> Raster {
        let samples = Samples::Eight(samples);
        Raster::new(Size::new(width, height), PixelType::Gray, Alpha::None, samples).unwrap()
    }

    fn bytes(picture: &Raster) -> &[u8] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        samples
    }

    #[test]
    fn the_multiplication_is_the_division() {
        for times24 in -1020_i32..=7140 {
            let quotient = (times24 + 12).div_euclid(24).clamp(0, 255);
            let product = (((times24 + 12) * 10_923) >> 18).clamp(0, 255);
            assert_eq!(product, quotient, "{times24}");
        }
    }

    #[test]
    fn means_of_a_curve_become_its_values() {
        // The mean of 24·x² over a cell as wide as 1 is 2 above the value in its middle.
        let value = |x: i32| 24 * x * x;
        let means: Vec<u8> = (-3..=3).map(|x| u8::try_from(value(x) + 2).unwrap()).collect();
        let wanted: Vec<u8> = (-3..=3).map(|x| u8::try_from(value(x)).unwrap()).collect();
        for (width, height) in [(7, 1), (1, 7)] {
            let made = sampled(gray(width, height, means.clone()));
            // The outermost have no neighbour on one side.
            assert_eq!(bytes(&made)[1..6], wanted[1..6]);
        }
    }

    #[test]
    fn flat_and_tiny_pictures_stay() {
        for (width, height) in [(1, 1), (2, 1), (1, 2), (3, 3), (17, 5)] {
            for level in [0, 1, 127, 254, 255] {
                let flat = gray(width, height, vec![level; (width * height) as usize]);
                assert_eq!(sampled(flat.clone()), flat);
            }
        }
    }

    #[test]
    fn components_do_not_mix_and_edges_are_as_the_inside() {
        let size = Size::new(6, 5);
        let planes: Vec<Vec<u8>> = (0..3)
            .map(|n: u32| {
                (0..30).map(|at: u32| ((at * 37 + n * 91) * 7).to_le_bytes()[0]).collect()
            })
            .collect();
        let mixed = (0..30).flat_map(|at| planes.iter().map(move |plane| plane[at])).collect();
        let rgb = Raster::new(size, PixelType::Rgb, Alpha::None, Samples::Eight(mixed)).unwrap();
        let made = sampled(rgb);
        for (n, plane) in planes.iter().enumerate() {
            let alone = sampled(gray(6, 5, plane.clone()));
            let found: Vec<u8> = bytes(&made).iter().skip(n).step_by(3).copied().collect();
            assert_eq!(found, bytes(&alone));
            for y in 0..5_usize {
                for x in 0..6_usize {
                    let at = |x: usize, y: usize| plane[y * 6 + x];
                    let around = [
                        at(x.saturating_sub(1), y),
                        at((x + 1).min(5), y),
                        at(x, y.saturating_sub(1)),
                        at(x, (y + 1).min(4)),
                    ];
                    assert_eq!(bytes(&alone)[y * 6 + x], value(at(x, y), around));
                }
            }
        }
    }
}
