//! Requests as people write them, from the text to the pixels: what needs no other program to be
//! compared with.

use super::super::modifiers::{Presets, Rules, parse};
use super::super::plan::{Aux, Defaults, plan};
use super::*;

/// Makes a PNG as a text asks.
#[track_caller]
fn asked_file(source: &[u8], text: &str) -> Vec<u8> {
    let info = probe(Cursor::new(source), &Limits::default(), Uprighting::Apply).unwrap();
    let parsed = parse(text, &Presets::default(), Rules::default());
    assert_eq!(parsed.error(), None, "{text}");
    let plan = plan(&parsed.modifiers, &info, &Defaults::default()).unwrap().plan;
    one(source, &plan).unwrap()
}

/// Makes a picture as a text asks; it has alpha.
#[track_caller]
fn asked(source: &[u8], text: &str) -> Raster {
    read(&asked_file(source, &format!("{text}&fmt=png-alpha")))
}

/// A file that keeps every pixel, 8 or 16 bits.
pub(super) fn file(picture: &Raster) -> Vec<u8> {
    let Samples::Sixteen(samples) = picture.samples() else { return source(picture) };
    let mut file = Vec::new();
    let Size { width, height } = picture.size();
    let mut encoder = ::png::Encoder::new(&mut file, width, height);
    encoder.set_color(match (picture.pixel_type(), picture.has_alpha()) {
        (PixelType::Gray, false) => ::png::ColorType::Grayscale,
        (PixelType::Gray, true) => ::png::ColorType::GrayscaleAlpha,
        (_, false) => ::png::ColorType::Rgb,
        (_, true) => ::png::ColorType::Rgba,
    });
    encoder.set_depth(::png::BitDepth::Sixteen);
    let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    file
}

prop_compose! {
    /// Gray and RGB of 8 and 16 bits: what a PNG can hold.
    fn pictures()(p in rasters(), deep in any::<bool>()) -> Raster {
        let p = if p.pixel_type() == PixelType::Cmyk { color::naive(p, PixelType::Rgb) } else { p };
        if !deep {
            return p;
        }
        let wide = eight(&p).iter().zip((0..=255_u8).cycle());
        let wide = wide.map(|(&high, low)| u16::from_be_bytes([high, low])).collect();
        p.with_samples(p.size(), Samples::Sixteen(wide))
    }
}

/// What a request that does nothing makes of a picture.
fn as_reply(picture: &Raster) -> Raster {
    color::naive(picture.clone(), PixelType::Rgb).with_alpha().to_eight()
}

/// Cuts a part out.
fn part(picture: &Raster, (x, y, width, height): (u32, u32, u32, u32)) -> Raster {
    ops::place(picture, -i64::from(x), -i64::from(y), Size::new(width, height))
}

/// Fractions to whole numbers below a length.
fn below(fraction: f64, length: u32) -> u32 {
    (fraction * f64::from(length)) as u32
}

const MODES: [&str; 4] = ["bilin", "bicub", "sharp2", "bisharp"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn uniform_stays_uniform_under_every_mode_and_sharpening(
        p in uniform(), (w, h) in (1..40_u32, 1..40_u32), amount in 0.0..5.0, radius in 0.0..20.0,
        threshold in 0..10, mono in 0..2,
    ) {
        let file = file(&p);
        let color = only_pixel(&as_reply(&p));
        for mode in MODES {
            let text = format!(
                "wid={w}&hei={h}&fit=stretch,1&resMode={mode}&op_sharpen=1\
                 &op_usm={amount:.3},{radius:.3},{threshold},{mono}"
            );
            prop_assert_eq!(&only_pixel(&asked(&file, &text)), &color, "{}", text);
        }
    }

    #[test]
    fn commands_that_do_nothing_leave_every_byte(p in pictures()) {
        let file = file(&p);
        let plain = asked_file(&file, "fmt=png-alpha");
        prop_assert_eq!(&read(&plain), &as_reply(&p));
        for nothing in [
            "op_brightness=0", "op_contrast=0", "op_colorbalance=0,0,0", "op_hue=0", "op_invert=0",
            "op_saturation=0", "op_blur=0", "op_grow=0", "op_noise=0", "op_growMask=0", "opac=100",
            "op_sharpen=0", "op_usm=0,0,0,0", "op_usm=5,0,0,0", "op_usm=3,2,255,0", "rotate=360",
            "rotate=-720", "scl=1", "crop=0,0,0,0", "extend=0,0,0,0", "maskUse=norm", "dpr=on,1",
            "color=255,0,0,0", "bgColor=255,0,0,0",
        ] {
            let made = asked_file(&file, &format!("{nothing}&fmt=png-alpha"));
            prop_assert_eq!(&made, &plain, "{}", nothing);
        }
        let Size { width, height } = p.size();
        for mode in MODES {
            let text = format!("wid={width}&hei={height}&fit=stretch&resMode={mode}&fmt=png-alpha");
            prop_assert_eq!(&asked_file(&file, &text), &plain, "{}", mode);
        }
    }

    #[test]
    fn what_is_asked_again_comes_back(p in pictures()) {
        let again = |text: &str, times: usize| {
            let first = asked_file(&file(&p), "fmt=png-alpha");
            let text = format!("{text}&fmt=png-alpha");
            read(&(0..times).fold(first, |file, _| asked_file(&file, &text)))
        };
        for (text, times) in [
            ("op_invert=1", 2), ("rotate=90", 4), ("rotate=180", 2), ("rotate=-90", 4),
            ("flip=lr", 2), ("flip=ud", 2), ("flip=lrud", 2), ("maskUse=invert", 2),
            ("op_hue=120", 3),
        ] {
            prop_assert_eq!(&again(text, times), &as_reply(&p), "{}", text);
        }
        prop_assert_eq!(asked(&file(&p), "flip=lrud"), asked(&file(&p), "rotate=180"));
    }

    #[test]
    fn a_cut_at_full_size_is_the_exact_part(
        p in pictures(), (x, y, w, h) in (0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0),
    ) {
        let Size { width, height } = p.size();
        let (x, y) = (below(x, width), below(y, height));
        let (w, h) = (1 + below(w, width - x), 1 + below(h, height - y));
        let wanted = part(&as_reply(&p), (x, y, w, h));
        for command in ["crop", "rgn"] {
            let text = format!("{command}={x},{y},{w},{h}&scl=1");
            prop_assert_eq!(&asked(&file(&p), &text), &wanted, "{}", text);
        }
        let text = format!("rect={x},{y},{w},{h}");
        prop_assert_eq!(&asked(&file(&p), &text), &wanted, "{}", text);
    }

    #[test]
    fn strips_are_the_parts_of_the_view(
        p in pictures(), (w, h) in (1..30_u32, 4..40_u32), mode in 0..4_usize, change in 0..12_usize,
    ) {
        let change = [
            "", "op_usm=1.5,0.8,2,0", "op_sharpen=1", "op_blur=3", "op_blur=30", "op_grow=3",
            "op_growMask=-2", "op_noise=30", "op_colorize=ff8000", "op_colorize=ff8000,norm,60",
            "op_saturation=-100&op_contrast=20", "flip=lrud&rotate=90",
        ][change];
        let view = format!("wid={w}&hei={h}&fit=stretch,1&resMode={}&{change}", MODES[mode]);
        let file = file(&p);
        let whole = asked(&file, &view);
        let cuts = [0, h / 4, h / 2, h * 3 / 4, h];
        for ends in cuts.windows(2) {
            let (y, height) = (ends[0], ends[1] - ends[0]);
            let strip = asked(&file, &format!("{view}&rect=0,{y},{w},{height}"));
            prop_assert_eq!(&strip, &part(&whole, (0, y, w, height)), "{} {}", view, y);
        }
    }

    #[test]
    fn what_has_no_colour_gets_none(
        p in pictures(), (w, h) in (1..40_u32, 1..40_u32), amount in 0.0..5.0, mode in 0..4_usize,
    ) {
        let gray = color::naive(p.clone(), PixelType::Gray);
        let view = format!("wid={w}&hei={h}&fit=stretch,1&resMode={}", MODES[mode]);
        let sharp = format!("{view}&op_usm={amount:.2},1,0,0&op_sharpen=1&op_blur=0.5");
        for (source, text) in [
            (gray.clone(), &sharp),
            (color::naive(gray, PixelType::Rgb), &sharp),
            (p, &format!("{view}&op_saturation=-100")),
        ] {
            let made = asked(&file(&source), text);
            let colors = eight(&made).as_chunks::<4>().0;
            prop_assert!(colors.iter().all(|[r, g, b, _]| r == g && g == b), "{}", text);
        }
    }
}

/// Says why a picture cannot be made as a text asks, with a mask named `m`.
fn refused(picture: &Raster, mask: &[u8], text: &str, limits: &Limits) -> String {
    let file = file(picture);
    let info = probe(Cursor::new(&file), &Limits::default(), Uprighting::Apply).unwrap();
    let parsed = parse(text, &Presets::default(), Rules::default());
    let plan = plan(&parsed.modifiers, &info, &Defaults::default()).unwrap().plan;
    let aux = [(Aux::Mask("m".into()), mask.to_vec())];
    let mut found = String::new();
    let inputs = Inputs { aux: &aux, ..Inputs::of(&file) };
    convert(inputs, &[plan], limits, Uprighting::Apply, &mut |_, made| {
        found = made.unwrap_err().to_string();
    })
    .unwrap();
    found
}

#[test]
fn a_mask_that_cannot_be_used_is_named() {
    let p = picture((4, 4), PixelType::Gray, Alpha::None, &[5; 16]);
    let small = file(&picture((3, 4), PixelType::Gray, Alpha::None, &[5; 12]));
    let why = |mask: &[u8]| refused(&p, mask, "mask=m", &Limits::default());
    assert_eq!(why(&small), "the mask is 3 × 4 pixels, but its picture is 4 × 4");
    assert_eq!(why(b"PK\x03\x04"), "the mask \"m\" cannot be used: it is a ZIP archive");
}

#[test]
fn blurring_takes_no_more_memory_than_there_may_be() {
    let p = picture((500, 1), PixelType::Gray, Alpha::None, &[5; 500]);
    let limits = Limits { max_alloc: 500_000, ..Limits::default() };
    for text in ["op_blur=100", "op_usm=1,100"] {
        let why = refused(&p, &[], text, &limits);
        assert!(why.contains("the picture is too large: 500 × 1 pixels"), "{why}");
    }
}
