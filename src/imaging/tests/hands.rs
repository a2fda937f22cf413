//! A reply is the same however many threads work on it.

use super::super::color::tests::made;
use super::super::hands::{Hands, Helpers};
use super::super::modifiers::{Presets, Rules, parse};
use super::super::plan::{Aux, ColorDefaults, Defaults, Profiles, plan};
use super::*;

/// What the texts name beside the source.
fn beside(source: &Raster) -> Vec<(Aux, Vec<u8>)> {
    let Size { width, height } = source.size();
    let gray = (0..width * height).map(|n| (n * 7 % 256) as u8).collect::<Vec<_>>();
    let mask = picture((width, height), PixelType::Gray, Alpha::None, &gray);
    vec![
        (Aux::Mask("m".into()), super::source(&mask)),
        (Aux::Profile("press".into()), made::cmyk()),
    ]
}

/// Tells whether replies to a text are the same for one, two and three threads.
#[track_caller]
fn assert_same(file: &[u8], aux: &[(Aux, Vec<u8>)], text: &str) {
    let helpers = Helpers::start(2, 1 << 20);
    let info = probe(Cursor::new(file), &Limits::default(), Uprighting::Apply).unwrap();
    let parsed = parse(text, &Presets::default(), Rules::default());
    assert_eq!(parsed.error(), None, "{text}");
    let profiles = Profiles::new([("press", PixelType::Cmyk)]);
    let colors = ColorDefaults { profiles, ..ColorDefaults::default() };
    let defaults = Defaults { colors, ..Defaults::default() };
    let plan = plan(&parsed.modifiers, &info, &defaults).unwrap().plan;
    let by = |hands: Hands<'_>| {
        let inputs = Inputs { source: file, aux, hands };
        let mut reply = None;
        convert(
            inputs,
            std::slice::from_ref(&plan),
            &Limits::default(),
            Uprighting::Apply,
            &mut |_, made| {
                reply = Some(made.unwrap());
            },
        )
        .unwrap();
        reply.unwrap()
    };
    let alone = by(Hands::ALONE);
    for threads in [2, 3] {
        assert!(by(helpers.hands(threads)) == alone, "{text}: {threads} threads");
    }
}

/// Something of every frequency, and everything from opaque to transparent.
fn noisy(size: (u32, u32), pixel_type: PixelType, alpha: Alpha) -> Raster {
    let channels = pixel_type.components() as u32 + u32::from(alpha == Alpha::Straight);
    let level = |n: u32| {
        ((n / channels / 9 + n % channels * 77) ^ (n.wrapping_mul(2_654_435_761) >> 28)) as u8
    };
    let samples: Vec<u8> = (0..size.0 * size.1 * channels).map(level).collect();
    picture(size, pixel_type, alpha, &samples)
}

fn deep(picture: &Raster) -> Raster {
    let low = |(high, low): (&u8, u8)| u16::from_be_bytes([*high, low]);
    let wide = eight(picture).iter().zip((0..=250_u8).cycle()).map(low).collect();
    picture.with_samples(picture.size(), Samples::Sixteen(wide))
}

const STEPS: &[&str] = &[
    "wid=61&resMode=bilin",
    "wid=61&hei=200&fit=stretch&resMode=bicub",
    "wid=200&resMode=sharp2",
    "wid=40&hei=40&fit=crop&resMode=bisharp",
    "hei=150&crop=3,5,70,61",
    "op_usm=2,1,3",
    "op_usm=1.5,2,0,1",
    "op_sharpen=1",
    "op_blur=1.5",
    "op_blur=13",
    "op_grow=2",
    "op_growMask=-2",
    "op_noise=20",
    "op_hue=30&op_saturation=20&op_brightness=5&op_contrast=9&op_colorbalance=3,-4,5",
    "op_colorize=200,30,60",
    "op_invert=1&opac=60",
    "rotate=33",
    "rotate=90&flip=lr",
    "extend=5,5,5,5&bgColor=20,40,60",
    "mask=m&maskUse=invert",
    "icc=press,relative",
    "wid=50&icc=press,relative,0,1",
];

#[test]
fn whatever_is_done_to_a_picture() {
    use PixelType::{Cmyk, Gray, Rgb};
    for (pixel_type, alpha) in [
        (Gray, Alpha::None),
        (Gray, Alpha::Straight),
        (Rgb, Alpha::None),
        (Rgb, Alpha::Straight),
        (Cmyk, Alpha::None),
        (Cmyk, Alpha::Straight),
    ] {
        let picture = noisy((97, 411), pixel_type, alpha);
        let aux = beside(&picture);
        let mut files = vec![source(&picture)];
        if pixel_type != Cmyk {
            files.push(requests::file(&deep(&picture)));
        }
        for file in files {
            for text in STEPS {
                let fmt = if text.contains("icc=") { "fmt=tif" } else { "fmt=png-alpha" };
                assert_same(&file, &aux, &format!("{text}&{fmt}"));
            }
        }
    }
}

#[test]
fn whatever_it_is_written_as() {
    let opaque = source(&noisy((97, 83), PixelType::Rgb, Alpha::None));
    let cut_out = source(&noisy((97, 83), PixelType::Rgb, Alpha::Straight));
    for format in [
        "jpeg",
        "pjpeg",
        "png",
        "png-alpha",
        "png8",
        "gif",
        "gif-alpha",
        "tif",
        "tif-alpha,,lzw",
        "tif,,zip",
        "tif,,jpeg",
        "webp",
        "webp-alpha",
        "avif",
        "jpeg2000",
        "pdf",
        "eps",
    ] {
        for file in [&opaque, &cut_out] {
            assert_same(file, &[], &format!("wid=64&fmt={format}"));
        }
    }
}

#[test]
fn whatever_strips_it_is_read_from_and_written_in() {
    // Four strips of a megabyte, the last of them shorter.
    for (pixel_type, alpha) in [(PixelType::Rgb, Alpha::None), (PixelType::Cmyk, Alpha::Straight)] {
        let picture = noisy((977, 1100), pixel_type, alpha);
        for compression in [TiffCompression::None, TiffCompression::Lzw, TiffCompression::Zip] {
            let output =
                output_as(Encoding::Tiff { compression }, pixel_type, alpha == Alpha::Straight);
            let file = encode(&picture, &output, formats::Embedded::default()).unwrap();
            assert_eq!(read(&file).samples(), picture.samples());
            let kind = if alpha == Alpha::Straight { "tif-alpha" } else { "tif" };
            for packing in ["none", "lzw", "zip"] {
                assert_same(&file, &[], &format!("fmt={kind},,{packing}"));
            }
        }
    }
}
