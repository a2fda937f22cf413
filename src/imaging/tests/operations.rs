//! What holds for every operation, on pictures of every type and depth.

use super::super::plan::{Colorize, Distribution, Levels, Noise};
use super::*;

prop_compose! {
    /// Any picture of 8 or 16 bits.
    fn any_depth()(eight in rasters(), deep in any::<bool>(), low in any::<u8>()) -> Raster {
        if deep { deepened(&eight, low) } else { eight }
    }
}

/// Makes 16 bits of 8: the second byte differs from value to value.
fn deepened(picture: &Raster, low: u8) -> Raster {
    let low = |n: usize| low.wrapping_mul(n as u8).wrapping_add(n as u8 / 3);
    let samples = eight(picture).iter().enumerate();
    let samples = samples.map(|(n, &v)| u16::from_be_bytes([v, low(n)])).collect();
    let alpha = Alpha::from_bool(picture.has_alpha());
    Raster::new(picture.size(), picture.pixel_type(), alpha, Samples::Sixteen(samples)).unwrap()
}

/// An operation that changes pixels where they are.
type Operation = (&'static str, fn(Raster) -> Raster);

/// Operations on the colour of a pixel that look at nothing else.
const OF_COLOR: [Operation; 9] = [
    ("invert", ops::invert),
    ("brightness", |p| ops::brightness(p, 17)),
    ("contrast", |p| ops::contrast(p, 40)),
    ("less contrast", |p| ops::contrast(p, -40)),
    ("balance", |p| ops::color_balance(p, [-30, 0, 99])),
    ("hue", |p| ops::hue(p, 47)),
    ("saturation", |p| ops::saturation(p, 60)),
    ("less saturation", |p| ops::saturation(p, -60)),
    ("colorize", |p| ops::colorize(p, COLORIZE)),
];

const COLORIZE: Colorize = Colorize { color: [200, 90, 10], levels: Levels::Off, contrast: 0 };

/// Operations that look at the neighbours.
const OF_NEIGHBOURS: [Operation; 7] = [
    ("blur", |p| ops::blur(p, 1.7)),
    ("wide blur", |p| ops::blur(p, 14.0)),
    ("grow", |p| ops::grow(p, 2.5)),
    ("shrink", |p| ops::grow(p, -2.5)),
    ("grown mask", |p| ops::grow_mask(p, 2.0)),
    ("shrunk mask", |p| ops::grow_mask(p, -2.0)),
    ("sharpen", ops::sharpen),
];

fn noise(percent: f64, distribution: Distribution) -> Noise {
    Noise { percent, distribution, mono: false }
}

/// Splits off the alpha; opaque where there is none.
fn alpha_of(picture: &Raster) -> Raster {
    ops::mask(picture)
}

fn worst(a: &Raster, b: &Raster) -> u8 {
    let pairs = eight(a).iter().zip(eight(b));
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_bit_by_bit_nothing(p in any_depth()) {
        let nothings: [Operation; 11] = [
            ("brightness", |p| ops::brightness(p, 0)),
            ("contrast", |p| ops::contrast(p, 0)),
            ("balance", |p| ops::color_balance(p, [0; 3])),
            ("hue", |p| ops::hue(p, 0)),
            ("saturation", |p| ops::saturation(p, 0)),
            ("grow", |p| ops::grow(p, 0.0)),
            ("grown mask", |p| ops::grow_mask(p, 0.0)),
            ("blur", |p| ops::blur(p, 0.0)),
            ("noise", |p| ops::noise(p, noise(0.0, Distribution::Gaussian))),
            ("opacity", |p| ops::opacity(p, 100.0)),
            ("twice inverted", |p| ops::invert(ops::invert(p))),
        ];
        for (name, nothing) in nothings {
            prop_assert_eq!(&nothing(p.clone()), &p, "{}", name);
        }
    }

    #[test]
    fn uniform_stays_uniform(p in uniform(), deep in any::<bool>()) {
        let samples = Samples::Sixteen(eight(&p).iter().map(|&v| u16::from(v) * 257).collect());
        let p = if deep { p.with_samples(p.size(), samples) } else { p };
        for (name, change) in OF_COLOR.into_iter().chain(OF_NEIGHBOURS) {
            let made = change(p.clone()).to_eight();
            prop_assert_eq!(made.size(), p.size());
            let pixel = only_pixel(&made);
            if OF_NEIGHBOURS.iter().any(|(of, _)| *of == name) {
                prop_assert_eq!(pixel, only_pixel(&p.clone().to_eight()), "{}", name);
            }
        }
    }

    #[test]
    fn colour_and_alpha_do_not_mix(p in any_depth()) {
        let noisy: Operation = ("noise", |p| ops::noise(p, noise(30.0, Distribution::Uniform)));
        let growing = OF_NEIGHBOURS[2..4].iter().copied();
        for (name, change) in OF_COLOR.into_iter().chain([noisy]).chain(growing) {
            let made = change(p.clone());
            prop_assert_eq!(alpha_of(&made), alpha_of(&p), "{}", name);
            prop_assert_eq!(made.has_alpha(), p.has_alpha(), "{}", name);
        }
        for masked in [
            ops::grow_mask(p.clone(), 1.5),
            ops::invert_mask(p.clone()),
            ops::opacity(p.clone(), 30.0),
            ops::unmask(p.clone()),
        ] {
            prop_assert_eq!(masked.without_alpha(), p.clone().without_alpha());
        }
    }

    #[test]
    fn sixteen_bits_do_what_eight_do(p in rasters()) {
        let wide = Samples::Sixteen(eight(&p).iter().map(|&v| u16::from(v) * 257).collect());
        let wide = p.with_samples(p.size(), wide);
        for (name, change) in OF_COLOR.into_iter().chain(OF_NEIGHBOURS) {
            let (narrow, wide) = (change(p.clone()), change(wide.clone()).to_eight());
            // Luma is rounded to a level before it is coloured, which can make up to two.
            prop_assert!(worst(&narrow, &wide) <= 2, "{}: {:?} {:?}", name, narrow, wide);
        }
    }

    #[test]
    fn mirroring_may_come_before_or_after(p in any_depth()) {
        for (name, change) in OF_COLOR.into_iter().chain(OF_NEIGHBOURS) {
            for axis in [Flip::Lr, Flip::Ud] {
                let before = change(ops::flip(&p, axis));
                prop_assert_eq!(before, ops::flip(&change(p.clone()), axis), "{} {:?}", name, axis);
            }
        }
    }

    #[test]
    fn shrinking_is_growing_of_the_inverse(p in any_depth(), radius in 0.0..9.0) {
        let inverse = ops::invert(ops::grow(ops::invert(p.clone()), radius));
        let shrunk = ops::grow(p.clone(), -radius);
        // What is all transparent has no colour that could be compared.
        let seen = |p: Raster| ops::fill(p, &Color { pixel_type: shrunk.pixel_type(), ..WHITE });
        prop_assert_eq!(seen(shrunk.clone()), seen(inverse));
        let grown = ops::grow_mask(ops::invert_mask(p.clone()), radius);
        prop_assert_eq!(
            ops::grow_mask(p.with_alpha(), -radius),
            ops::invert_mask(grown)
        );
    }

    #[test]
    fn gray_is_left_without_colour(p in any_depth()) {
        let rgb = color::naive(p, PixelType::Rgb);
        let gray = ops::saturation(rgb.clone(), -100);
        let channels = gray.channels();
        let no_color = |p: &Raster| {
            let p = p.clone().to_eight();
            eight(&p).chunks(channels).all(|p| p[0] == p[1] && p[1] == p[2])
        };
        prop_assert!(no_color(&gray));
        // And nothing brings it back.
        prop_assert_eq!(&ops::saturation(gray.clone(), 100), &gray);
        prop_assert_eq!(&ops::hue(gray.clone(), 77), &gray);
        for (name, change) in OF_NEIGHBOURS {
            prop_assert!(no_color(&change(gray.clone())), "{}", name);
        }
        let mono = Noise { mono: true, ..noise(20.0, Distribution::Gaussian) };
        prop_assert!(no_color(&ops::noise(gray, mono)));
    }

    #[test]
    fn hidden_colours_do_not_show(
        color in any::<[u8; 3]>(), hidden in any::<[u8; 3]>(),
        alpha in proptest::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 300),
    ) {
        let pixel = |&a: &u8| {
            let [r, g, b] = if a == 0 { hidden } else { color };
            [r, g, b, a]
        };
        let samples: Vec<u8> = alpha.iter().flat_map(pixel).collect();
        let p = picture((20, 15), PixelType::Rgb, Alpha::Straight, &samples);
        let mut made: Vec<Raster> = Vec::new();
        for (_, change) in OF_NEIGHBOURS.into_iter().filter(|(name, _)| !name.contains("grow")) {
            made.push(change(p.clone()));
        }
        let from = whole(p.size());
        let mut resampler = ops::Resampler::default();
        for kernel in KERNELS {
            for to in [Size::new(7, 9), Size::new(33, 41)] {
                made.push(ops::resample(&mut resampler, &p, from, to, kernel).unwrap());
            }
            made.push(ops::rotate(p.clone(), 33.0, Size::new(25, 24), kernel));
        }
        for made in made.iter().map(eight) {
            for &[r, g, b, a] in made.as_chunks::<4>().0 {
                for (found, wanted) in [r, g, b].into_iter().zip(color) {
                    // As much as one level less of alpha would change on any background.
                    let seen = u32::from(found.abs_diff(wanted)) * u32::from(a);
                    prop_assert!(seen <= 255 * 2, "{:?} of {:?}, not {:?}", [r, g, b, a], p, color);
                }
            }
        }
    }
}

#[test]
fn nothing_is_shifted_at_sixteen_bits_or_with_alpha() {
    // A picture symmetric to both axes stays so, whatever is done to it.
    let side = 24_u32;
    let level = |n: u32| {
        let (x, y) = (n % side, n / side);
        (x.min(side - 1 - x) * 1_913 + y.min(side - 1 - y) * 2_801) as u16
    };
    let samples = Samples::Sixteen((0..side * side).flat_map(|n| [level(n), level(n)]).collect());
    let size = Size::new(side, side);
    let p = Raster::new(size, PixelType::Gray, Alpha::Straight, samples).unwrap();
    let mut resampler = ops::Resampler::default();
    for kernel in KERNELS {
        for (w, h) in [(7, 9), (16, 11), (23, 25), (50, 64), (24, 1)] {
            let to = Size::new(w, h);
            let made = ops::resample(&mut resampler, &p, whole(size), to, kernel).unwrap();
            let mirrored = ops::flip(&made, Flip::Lrud);
            let (Samples::Sixteen(a), Samples::Sixteen(b)) = (made.samples(), mirrored.samples())
            else {
                panic!("8 bits")
            };
            let worst = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(2), "{kernel:?} {w} × {h}: {worst:?}");
        }
    }
}
