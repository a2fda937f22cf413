//! Conversions without profiles.
//!
//! - gray from RGB: luma with the weights of Rec. 601, 0.299 R + 0.587 G + 0.114 B, as in JPEG
//! - RGB from CMYK: R = (1 − C)(1 − K), and so on
//! - CMYK from RGB: K = min(1 − R, 1 − G, 1 − B), C = (1 − R − K)/(1 − K), and so on, which is
//!   exactly undone by the line above

use crate::imaging::PixelType;
use crate::imaging::plan::Color;
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, each_depth};

/// Converts a picture; it has no profile afterwards unless it stays as it is.
pub(crate) fn naive(picture: Raster, wanted: PixelType) -> Raster {
    use PixelType::{Cmyk, Gray, Rgb};
    if picture.pixel_type() == wanted {
        return picture;
    }
    let alpha = Alpha::from_bool(picture.has_alpha());
    let found = picture.pixel_type();
    let samples = each_depth!(picture.samples(), s => match (found, wanted) {
        (Gray, Rgb) => mapped(s, alpha, |[v]: [_; 1]| [v; 3]),
        (Gray, Cmyk) => mapped(s, alpha, |[v]: [_; 1]| rgb_to_cmyk([v; 3])),
        (Rgb, Gray) => mapped(s, alpha, luma),
        (Rgb, Cmyk) => mapped(s, alpha, rgb_to_cmyk),
        (Cmyk, Gray) => mapped(s, alpha, |inks| luma(cmyk_to_rgb(inks))),
        (Cmyk, Rgb) => mapped(s, alpha, cmyk_to_rgb),
        (Gray, Gray) | (Rgb, Rgb) | (Cmyk, Cmyk) => return picture,
    });
    picture.retyped(wanted, alpha, samples)
}

fn mapped<S: Sample, const N: usize, const M: usize>(
    samples: &[S],
    alpha: Alpha,
    convert: impl Fn([S; N]) -> [S; M],
) -> Samples {
    let rest = usize::from(alpha == Alpha::Straight);
    let mut out = Vec::with_capacity(samples.len() / (N + rest) * (M + rest));
    for pixel in samples.chunks_exact(N + rest) {
        if let Some((color, alpha)) = pixel.split_first_chunk::<N>() {
            out.extend_from_slice(&convert(*color));
            out.extend_from_slice(alpha);
        }
    }
    S::wrap(out)
}

fn luma<S: Sample>([r, g, b]: [S; 3]) -> [S; 1] {
    let (r, g, b): (f32, f32, f32) = (r.into(), g.into(), b.into());
    [S::round(0.299 * r + 0.587 * g + 0.114 * b)]
}

fn cmyk_to_rgb<S: Sample>([c, m, y, k]: [S; 4]) -> [S; 3] {
    [c, m, y].map(|ink| ink.inverted().times(k.inverted()))
}

fn rgb_to_cmyk<S: Sample>(rgb: [S; 3]) -> [S; 4] {
    let [c, m, y] = rgb.map(|v| {
        let v: f32 = v.into();
        S::TOP - v
    });
    let k = c.min(m).min(y);
    let rest = S::TOP - k;
    let ink = |v: f32| if rest > 0.0 { S::round((v - k) / rest * S::TOP) } else { S::default() };
    [ink(c), ink(m), ink(y), S::round(k)]
}

/// Converts a colour somebody wrote, naïvely.
#[must_use]
pub fn color_in(color: Color, wanted: PixelType) -> Color {
    use PixelType::{Cmyk, Gray, Rgb};
    let [a, b, c, d] = color.components;
    let components = match (color.pixel_type, wanted) {
        (Gray, Rgb) => [a, a, a, 0],
        (Gray, Cmyk) => rgb_to_cmyk([a; 3]),
        (Rgb, Gray) => [luma([a, b, c])[0], 0, 0, 0],
        (Rgb, Cmyk) => rgb_to_cmyk([a, b, c]),
        (Cmyk, Gray) => [luma(cmyk_to_rgb([a, b, c, d]))[0], 0, 0, 0],
        (Cmyk, Rgb) => {
            let [r, g, b] = cmyk_to_rgb([a, b, c, d]);
            [r, g, b, 0]
        }
        (Gray, Gray) | (Rgb, Rgb) | (Cmyk, Cmyk) => color.components,
    };
    Color { pixel_type: wanted, components, alpha: color.alpha }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;

    #[test]
    fn naive_conversions_follow_their_formulas() {
        use PixelType::{Cmyk, Gray, Rgb};
        for (from, samples, to, wanted) in [
            (Rgb, vec![255, 0, 0], Gray, vec![76]),
            (Rgb, vec![10, 20, 30], Gray, vec![18]),
            (Gray, vec![9], Rgb, vec![9, 9, 9]),
            (Rgb, vec![255, 128, 0], Cmyk, vec![0, 127, 255, 0]),
            (Rgb, vec![0, 0, 0], Cmyk, vec![0, 0, 0, 255]),
            (Rgb, vec![128, 64, 64], Cmyk, vec![0, 128, 128, 127]),
            (Cmyk, vec![0, 128, 128, 127], Rgb, vec![128, 64, 64]),
            (Cmyk, vec![0, 0, 0, 0], Gray, vec![255]),
            (Rgb, vec![1, 2, 3, 77], Rgb, vec![1, 2, 3, 77]),
            (Cmyk, vec![255, 0, 0, 0, 77], Rgb, vec![0, 255, 255, 77]),
        ] {
            let alpha = Alpha::from_bool(samples.len() > from.components());
            let picture =
                Raster::new(Size::new(1, 1), from, alpha, Samples::Eight(samples.clone())).unwrap();
            let found = naive(picture, to).into_samples();
            assert_eq!(found, Samples::Eight(wanted), "{from:?} {samples:?}");
        }
    }

    #[test]
    fn every_rgb_comes_back_from_cmyk() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(17) {
                    let back: [u8; 3] = cmyk_to_rgb(rgb_to_cmyk([r, g, b]));
                    let off = [r.abs_diff(back[0]), g.abs_diff(back[1]), b.abs_diff(back[2])];
                    assert!(off.iter().all(|&d| d <= 1), "{r} {g} {b} {back:?}");
                }
            }
        }
    }
}
