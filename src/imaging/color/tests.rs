//! Spaces, intents and depths, with profiles that are made here.

use super::*;
use crate::imaging::Size;
use crate::imaging::plan::{Color, Encoding};

#[path = "../../../tests/support/profiles.rs"]
pub(in crate::imaging) mod made;

use PixelType::{Cmyk, Gray, Rgb};

fn one(pixel_type: PixelType, samples: &[u8]) -> Raster {
    let alpha = Alpha::from_bool(samples.len() > pixel_type.components());
    let samples = Samples::Eight(samples.to_vec());
    Raster::new(Size::new(1, 1), pixel_type, alpha, samples).unwrap()
}

fn wide(pixel_type: PixelType, samples: &[u16]) -> Raster {
    let alpha = Alpha::from_bool(samples.len() > pixel_type.components());
    let samples = Samples::Sixteen(samples.to_vec());
    Raster::new(Size::new(1, 1), pixel_type, alpha, samples).unwrap()
}

fn output(pixel_type: PixelType, conversion: Conversion) -> Output {
    let background = Color { pixel_type, components: [0; 4], alpha: 255 };
    Output {
        encoding: Encoding::Png,
        pixel_type,
        alpha: false,
        background,
        conversion,
        embed_profile: false,
        embed_xmp: false,
        paths: None,
        dpi: None,
    }
}

fn to(space: Space) -> Conversion {
    Conversion { to: space, ..Conversion::default() }
}

fn named(name: &str) -> Space {
    Space::Named(name.into())
}

fn press() -> Vec<(Aux, Vec<u8>)> {
    vec![
        (Aux::Profile("press".into()), made::cmyk()),
        (Aux::Profile("swapped".into()), swapped()),
        (Aux::Profile("broken".into()), b"not a profile".to_vec()),
    ]
}

/// An RGB profile with sRGB's curves and red and green exchanged.
fn swapped() -> Vec<u8> {
    made::swapped(reply_profile(Rgb).unwrap())
}

fn converted_by(
    picture: Raster,
    profile: Option<&[u8]>,
    output: &Output,
) -> Result<Samples, ConvertError> {
    let aux = press();
    let mut colors = Colors::of(profile, picture.pixel_type(), &aux);
    let picture = picture.with_profile(profile.map(Into::into));
    colors.to_output(picture, output).map(Raster::into_samples)
}

fn converted(picture: Raster, profile: Option<&[u8]>, wanted: PixelType) -> Samples {
    let space = if wanted == Cmyk { Space::Unknown } else { Space::BuiltIn };
    converted_by(picture, profile, &output(wanted, to(space))).unwrap()
}

/// Converts with conversion and type, and expects 8 bits.
fn eight(picture: Raster, wanted: PixelType, conversion: Conversion) -> Vec<u8> {
    match converted_by(picture, None, &output(wanted, conversion)).unwrap() {
        Samples::Eight(samples) => samples,
        Samples::Sixteen(_) => panic!("16 bits"),
    }
}

#[test]
fn an_embedded_profile_decides() {
    let profile = swapped();
    let found = converted(one(Rgb, &[255, 0, 0]), Some(&profile), Rgb);
    assert_eq!(found, Samples::Eight(vec![0, 255, 0]));
    let found = converted(wide(Rgb, &[0, 65_535, 0, 400]), Some(&profile), Rgb);
    let Samples::Sixteen(found) = found else { panic!("8 bits") };
    assert!(found[0] > 65_000 && found[1] < 300 && found[3] == 400, "{found:?}");
}

#[test]
fn alpha_takes_the_same_road() {
    let profile = swapped();
    let with = converted(one(Rgb, &[9, 99, 199, 7]), Some(&profile), Rgb);
    let without = converted(one(Rgb, &[9, 99, 199]), Some(&profile), Rgb);
    let (Samples::Eight(with), Samples::Eight(without)) = (with, without) else { panic!() };
    assert_eq!((&with[..3], with[3]), (without.as_slice(), 7));
}

#[test]
fn srgb_and_broken_profiles_change_nothing() {
    let srgb = reply_profile(Rgb).unwrap();
    let gray = reply_profile(Gray).unwrap();
    for profile in [&srgb, &gray, &srgb[..200].to_vec(), &b"not a profile".to_vec()] {
        let found = converted(one(Rgb, &[1, 77, 200]), Some(profile), Rgb);
        assert_eq!(found, Samples::Eight(vec![1, 77, 200]));
    }
    assert!(Colors::of(Some(&srgb), Rgb, &[]).own.is_some_and(|own| own.srgb));
}

#[test]
fn gray_profiles_keep_grays_of_their_curve() {
    let gray = reply_profile(Gray).unwrap();
    for v in [0, 1, 60, 128, 255_u8] {
        let found = converted(one(Gray, &[v]), Some(&gray), Rgb);
        let Samples::Eight(rgb) = found else { panic!() };
        assert!(rgb.iter().all(|w| w.abs_diff(v) <= 1), "{v} {rgb:?}");
    }
}

#[test]
fn between_the_built_in_spaces_everything_is_exact() {
    for v in [0, 3, 99, 254] {
        assert_eq!(eight(one(Gray, &[v]), Rgb, Conversion::default()), [v; 3]);
        assert_eq!(eight(one(Rgb, &[v; 3]), Gray, Conversion::default()), [v]);
    }
    // Asked for by name, gray is what the profile says: as light as the colour, not its luma.
    assert_eq!(eight(one(Rgb, &[255, 0, 0]), Gray, Conversion::default()), [76]);
    let light = eight(one(Rgb, &[255, 0, 0]), Gray, to(named(GRAY)));
    assert!(light[0].abs_diff(130) <= 3, "{light:?}");
}

#[test]
fn cmyk_of_nobody_is_naive_and_keeps_its_components() {
    let inks = [10, 20, 30, 40];
    for space in [Space::Unknown, named("press")] {
        assert_eq!(eight(one(Cmyk, &inks), Cmyk, to(space)), inks);
    }
    assert_eq!(eight(one(Cmyk, &[0, 255, 255, 0]), Rgb, Conversion::default()), [255, 0, 0]);
    // Towards a profile it goes by way of sRGB.
    let swapped = eight(one(Cmyk, &[0, 255, 255, 0]), Rgb, to(named("swapped")));
    assert_eq!(swapped, [0, 255, 0]);
}

#[test]
fn a_profile_that_was_handed_over_converts_both_ways() {
    let red = eight(one(Rgb, &[255, 0, 0]), Cmyk, to(named("press")));
    assert!(red[0] == 0 && red[1] > red[2] && red[2] > 40 && red[3] > 40, "{red:?}");
    let back = Conversion { from: named("press"), ..Conversion::default() };
    assert_eq!(eight(one(Cmyk, &[0, 0, 0, 0]), Rgb, back.clone()), [255; 3]);
    assert_eq!(eight(one(Cmyk, &[0, 0, 0, 255]), Rgb, back.clone()), [0; 3]);
    let magenta = eight(one(Cmyk, &[0, 255, 0, 0]), Rgb, back);
    assert!(magenta[0] > 150 && magenta[1] < 110 && magenta[2] > 90, "{magenta:?}");
    // The naïve road would have given ff00ff.
    assert_eq!(eight(one(Cmyk, &[0, 255, 0, 0]), Rgb, Conversion::default()), [255, 0, 255]);
}

#[test]
fn a_profile_as_good_as_srgb_changes_nothing_at_any_depth() {
    let mut near = reply_profile(Rgb).unwrap();
    let entry = near[132..].chunks_exact(12).find(|entry| entry.starts_with(b"rXYZ")).unwrap();
    let at = u32::from_be_bytes(entry[4..8].try_into().unwrap()) as usize;
    // Red is a thousandth lighter.
    let x = u32::from_be_bytes(near[at + 8..at + 12].try_into().unwrap()) + 30;
    near[at + 8..at + 12].copy_from_slice(&x.to_be_bytes());
    assert!(Colors::of(Some(&near), Rgb, &[]).own.is_some_and(|own| own.srgb));
    for color in [[9_000, 20_000, 50_000], [61_234, 777, 30_000], [257, 256, 255]] {
        let found = converted(wide(Rgb, &color), Some(&near), Rgb);
        assert_eq!(found, Samples::Sixteen(color.to_vec()));
    }
    // What is further off than a level counts.
    near[at + 8..at + 12].copy_from_slice(&(x + 2_000).to_be_bytes());
    assert!(Colors::of(Some(&near), Rgb, &[]).own.is_some_and(|own| !own.srgb));
    assert_ne!(
        converted(one(Rgb, &[200, 0, 0]), Some(&near), Rgb),
        Samples::Eight(vec![200, 0, 0])
    );
}

#[test]
fn gray_of_sixteen_bits_is_exact_too() {
    for v in (0..=u16::MAX).step_by(331) {
        let found = converted(wide(Gray, &[v]), None, Rgb);
        assert_eq!(found, Samples::Sixteen(vec![v; 3]));
    }
}

/// The replies of one source share the conversions that were made; none may get another's.
#[test]
fn conversions_that_differ_in_one_thing_are_kept_apart() {
    let aux = press();
    let mut colors = Colors::of(None, Rgb, &aux);
    let mut black = |intent, dither| {
        let how = Conversion { intent, black_point: false, dither, ..to(named("press")) };
        colors.to_output(one(Rgb, &[0; 3]), &output(Cmyk, how)).unwrap().into_samples()
    };
    for _ in 0..2 {
        for (intent, wanted) in
            [(Intent::Perceptual, 204), (Intent::Relative, 255), (Intent::Saturation, 230)]
        {
            let Samples::Eight(narrow) = black(intent, false) else { panic!("16 bits") };
            assert_eq!(narrow[3], wanted);
            let Samples::Sixteen(wide) = black(intent, true) else { panic!("8 bits") };
            assert!(wide[3].abs_diff(u16::from(wanted) * 257) < 257, "{wide:?}");
        }
    }
}

#[test]
fn each_intent_takes_its_own_table() {
    let black = |intent| {
        let how = Conversion { intent, black_point: false, ..to(named("press")) };
        eight(one(Rgb, &[0, 0, 0]), Cmyk, how)[3]
    };
    let found = [Intent::Perceptual, Intent::Relative, Intent::Saturation].map(black);
    assert_eq!(found, [204, 255, 230]);
    let paper = |intent| {
        let how = Conversion { from: named("press"), intent, ..Conversion::default() };
        eight(one(Cmyk, &[0; 4]), Rgb, how)
    };
    assert_eq!(paper(Intent::Relative), [255; 3]);
    let shown = paper(Intent::Absolute);
    assert!(shown.iter().all(|v| (238..248).contains(v)), "{shown:?}");
}

#[test]
fn black_points_are_matched_when_asked() {
    // A press whose black is not black: half of its ink.
    let mut profile = made::cmyk();
    let black = profile.windows(4).position(|name| name == b"A2B0").unwrap();
    let at = u32::from_be_bytes(profile[black + 4..black + 8].try_into().unwrap()) as usize;
    // Nodes begin behind header and curves; the second is black alone, the last all inks.
    let nodes = at + 48 + 4 * 256;
    for node in 0..16 {
        if profile[nodes + 3 * node] < 60 {
            profile[nodes + 3 * node] = 60;
        }
    }
    let mut colors = Colors::of(Some(&profile), Cmyk, &[]);
    let mut black = |black_point| {
        let how = Conversion { black_point, ..Conversion::default() };
        let picture = one(Cmyk, &[0, 0, 0, 255]).with_profile(Some(profile.as_slice().into()));
        let made = colors.to_output(picture, &output(Rgb, how)).unwrap();
        let Samples::Eight(rgb) = made.into_samples() else { panic!("16 bits") };
        rgb[0]
    };
    let (with, without) = (black(true), black(false));
    assert!(with < 12 && without > 40, "{with} {without}");
}

#[test]
fn dithering_keeps_what_eight_bits_cannot_hold() {
    let how = Conversion { dither: true, ..to(named("press")) };
    let found = converted_by(one(Rgb, &[120, 130, 140, 9]), None, &output(Cmyk, how)).unwrap();
    let Samples::Sixteen(wide) = found else { panic!("8 bits") };
    assert!(wide[..4].iter().any(|v| v % 257 != 0), "{wide:?}");
    assert_eq!(wide[4], 9 * 257);
}

#[test]
fn the_profile_of_a_reply_is_that_of_its_space() {
    let aux = press();
    let own = swapped();
    let colors = Colors::of(Some(&own), Rgb, &aux);
    let of = |pixel_type, space| colors.profile_of(&output(pixel_type, to(space)));
    assert_eq!(of(Rgb, Space::BuiltIn), reply_profile(Rgb));
    assert_eq!(of(Gray, named(GRAY)), reply_profile(Gray));
    assert_eq!(of(Rgb, Space::Embedded).as_ref(), Some(&own));
    assert_eq!(of(Cmyk, named("press")), Some(made::cmyk()));
    assert_eq!(of(Cmyk, Space::Unknown), None);
}

#[test]
fn a_picture_that_left_its_space_is_in_srgb() {
    let own = swapped();
    let mut colors = Colors::of(Some(&own), Rgb, &[]);
    let how = output(Rgb, Conversion::default());
    let made = colors.to_output(one(Rgb, &[255, 0, 0]), &how).unwrap();
    assert_eq!(made.into_samples(), Samples::Eight(vec![255, 0, 0]));
}

#[test]
fn a_configured_profile_that_is_of_no_use_is_named() {
    let how = output(Rgb, to(named("broken")));
    let error = converted_by(one(Rgb, &[1, 2, 3]), None, &how).unwrap_err();
    assert!(error.to_string().contains("the colour profile broken is damaged"), "{error}");
    let how = output(Rgb, to(named("absent")));
    let error = converted_by(one(Rgb, &[1, 2, 3]), None, &how).unwrap_err();
    assert!(matches!(error, ConvertError::Internal { .. }));
}
