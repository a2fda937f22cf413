//! Turning by any angle.
//!
//! Every pixel of the result is traced back to a point of the source and mixed from its
//! neighbours there, on premultiplied alpha. Neighbours beyond the edge are the edge; how much of
//! a pixel of the source covers the point decides the alpha, so edges are smooth over one pixel
//! and carry no dark seam.

use super::super::Size;
use super::super::angle::sin_cos_degrees;
use super::super::plan::Kernel;
use super::super::raster::{Raster, Sample, Samples, as_usize, each_depth};

/// The cubic convolution kernel with free `a` (Keys 1981).
pub(super) fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// Turns clockwise around the centre onto a transparent canvas of size `to`.
///
/// `bilin` mixes 2 × 2 neighbours, the others 4 × 4 with their cubic (`sharp2` that of `bicub`).
#[must_use]
pub fn rotate(picture: Raster, degrees: f64, to: Size, kernel: Kernel) -> Raster {
    let picture = picture.with_alpha();
    let (sin, cos) = sin_cos_degrees(degrees);
    let back = Back {
        sin,
        cos,
        from: (f64::from(picture.size().width) / 2.0, f64::from(picture.size().height) / 2.0),
        to: (f64::from(to.width) / 2.0, f64::from(to.height) / 2.0),
    };
    let samples = each_depth!(picture.samples(), s => turned(s, &picture, &back, to, kernel));
    picture.with_samples(to, samples)
}

/// The way from a point of the result to the point of the source.
struct Back {
    sin: f64,
    cos: f64,
    from: (f64, f64),
    to: (f64, f64),
}

impl Back {
    fn trace(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x - self.to.0, y - self.to.1);
        let (u, v) = (self.cos * x + self.sin * y, self.cos * y - self.sin * x);
        (u + self.from.0, v + self.from.1)
    }
}

fn turned<S: Sample>(
    samples: &[S],
    picture: &Raster,
    back: &Back,
    to: Size,
    kernel: Kernel,
) -> Samples {
    let channels = picture.channels();
    let row = as_usize(to.width) * channels;
    let mut out = vec![S::default(); row * as_usize(to.height)];
    let source = Source { samples, picture, kernel };
    for (y, row) in (0..to.height).zip(out.chunks_exact_mut(row)) {
        for (x, pixel) in (0..to.width).zip(row.chunks_exact_mut(channels)) {
            let (u, v) = back.trace(f64::from(x) + 0.5, f64::from(y) + 0.5);
            let size = picture.size();
            let cover = covered(u, size.width) * covered(v, size.height);
            if cover > 0.0 {
                source.mix(u, v, cover, pixel);
            }
        }
    }
    S::wrap(out)
}

/// Returns how much of one pixel around a point lies between 0 and the length.
fn covered(at: f64, length: u32) -> f64 {
    (at + 0.5).min(f64::from(length) - at + 0.5).clamp(0.0, 1.0)
}

struct Source<'a, S> {
    samples: &'a [S],
    picture: &'a Raster,
    kernel: Kernel,
}

/// The four neighbours along one axis and their weights.
type Taps = [(usize, f64); 4];

impl<S: Sample> Source<'_, S> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn taps(&self, at: f64, length: usize) -> Taps {
        let a = match self.kernel {
            Kernel::Bilin => None,
            Kernel::Bicub | Kernel::Sharp2 => Some(-0.5),
            Kernel::Bisharp => Some(-0.75),
        };
        let at = at - 0.5;
        let first = at.floor() - 1.0;
        #[expect(clippy::cast_precision_loss, reason = "sides are far below 2^52")]
        let last = (length - 1) as f64;
        [0.0, 1.0, 2.0, 3.0].map(|n| {
            let center = first + n;
            let distance = at - center;
            let weight = a.map_or_else(|| (1.0 - distance.abs()).max(0.0), |a| cubic(distance, a));
            (center.clamp(0.0, last) as usize, weight)
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "values of at most 16 bits")]
    fn mix(&self, u: f64, v: f64, cover: f64, out: &mut [S]) {
        let channels = out.len();
        let (width, height) = (self.picture.width(), self.picture.height());
        let (columns, rows) = (self.taps(u, width), self.taps(v, height));
        let mut sums = [0.0_f64; 5];
        for (y, row) in rows {
            for (x, column) in columns {
                let pixel = &self.samples[(y * width + x) * channels..][..channels];
                let alpha: f32 = pixel[channels - 1].into();
                let weight = row * column * f64::from(alpha);
                for (sum, &value) in sums.iter_mut().zip(&pixel[..channels - 1]) {
                    let value: f32 = value.into();
                    *sum += weight * f64::from(value);
                }
                sums[channels - 1] += weight;
            }
        }
        let alpha = sums[channels - 1];
        if alpha <= 0.0 {
            return;
        }
        for (out, sum) in out[..channels - 1].iter_mut().zip(sums) {
            *out = S::round((sum / alpha) as f32);
        }
        out[channels - 1] = S::round((alpha * cover) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelType;
    use crate::imaging::raster::Alpha;

    #[test]
    fn right_angles_are_turns() {
        let samples = Samples::Eight((1..=6).collect());
        let picture = Raster::new(Size::new(3, 2), PixelType::Gray, Alpha::None, samples).unwrap();
        let quarter = rotate(picture.clone(), 90.0, Size::new(2, 3), Kernel::Bicub);
        let turned = super::super::turn(&picture, super::super::super::plan::Turn::Quarter);
        assert_eq!(quarter.without_alpha(), turned);
    }

    #[test]
    fn uniform_stays_uniform_and_corners_are_transparent() {
        let samples = Samples::Eight([10, 200, 30].repeat(400));
        let picture = Raster::new(Size::new(20, 20), PixelType::Rgb, Alpha::None, samples).unwrap();
        for kernel in [Kernel::Bilin, Kernel::Bicub, Kernel::Sharp2, Kernel::Bisharp] {
            let turned = rotate(picture.clone(), 30.0, Size::new(28, 28), kernel);
            let Samples::Eight(samples) = turned.samples() else { panic!() };
            let pixels = samples.as_chunks::<4>().0;
            assert_eq!(pixels[0], [0; 4]);
            assert_eq!(pixels[14 * 28 + 14], [10, 200, 30, 255]);
            assert!(pixels.iter().all(|p| p[3] == 0 || p[..3] == [10, 200, 30]), "{kernel:?}");
            assert!(pixels.iter().any(|p| p[3] > 0 && p[3] < 255));
        }
    }
}
