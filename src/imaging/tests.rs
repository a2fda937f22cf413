//! Plans written by hand, executed on generated pictures.

use std::io::Cursor;

use proptest::prelude::*;

use super::formats::{decode, encode, header};
use super::plan::{
    Area, Color, Conversion, Encoding, Flip, Kernel, Output, Plan, Rect, Scans, Step,
    TiffCompression, Turn,
};
use super::raster::{Alpha, Raster, Samples};
use super::*;

mod embedded;
mod hands;
mod operations;
mod requests;
mod vectors;

const KERNELS: [Kernel; 4] = [Kernel::Bilin, Kernel::Bicub, Kernel::Sharp2, Kernel::Bisharp];

const WHITE: Color =
    Color { pixel_type: PixelType::Rgb, components: [255, 255, 255, 0], alpha: 255 };

fn picture(size: (u32, u32), pixel_type: PixelType, alpha: Alpha, samples: &[u8]) -> Raster {
    let samples = Samples::Eight(samples.to_vec());
    Raster::new(Size::new(size.0, size.1), pixel_type, alpha, samples).unwrap()
}

fn output_as(encoding: Encoding, pixel_type: PixelType, alpha: bool) -> Output {
    Output {
        encoding,
        pixel_type,
        alpha,
        background: WHITE,
        conversion: Conversion::default(),
        embed_profile: false,
        embed_xmp: false,
        paths: None,
        dpi: None,
    }
}

/// Writes a source file that keeps every pixel.
fn source(picture: &Raster) -> Vec<u8> {
    let encoding = match picture.pixel_type() {
        PixelType::Cmyk => Encoding::Tiff { compression: TiffCompression::None },
        PixelType::Gray | PixelType::Rgb => Encoding::Png,
    };
    encode(
        picture,
        &output_as(encoding, picture.pixel_type(), picture.has_alpha()),
        formats::Embedded::default(),
    )
    .unwrap()
}

fn plan_of(from: Size, reply: Size, steps: Vec<Step>, output: Output) -> Plan {
    Plan {
        page: None,
        source: from,
        composite: from,
        reply,
        placement: Rect { x: 0, y: 0, size: reply },
        steps,
        output,
        aux: Vec::new(),
        extension: "png".into(),
    }
}

fn one(input: &[u8], plan: &Plan) -> Result<Vec<u8>, ConvertError> {
    let mut reply = None;
    let plans = std::slice::from_ref(plan);
    let limits = Limits::default();
    convert(Inputs::of(input), plans, &limits, Uprighting::Apply, &mut |_, made| {
        reply = Some(made);
    })?;
    reply.unwrap()
}

fn read(file: &[u8]) -> Raster {
    let limits = Limits::default();
    let header = header(Cursor::new(file), &limits).unwrap();
    decode(file, &header, formats::Shrink::Full, &limits).unwrap()
}

/// Executes steps on a picture and reads the reply, which has the picture's type and alpha.
fn done(picture: &Raster, reply: Size, steps: &[Step]) -> Raster {
    let mut steps = steps.to_vec();
    steps.push(Step::ToOutput);
    let encoding = match picture.pixel_type() {
        PixelType::Cmyk => Encoding::Tiff { compression: TiffCompression::None },
        PixelType::Gray | PixelType::Rgb => Encoding::Png,
    };
    let output = output_as(encoding, picture.pixel_type(), picture.has_alpha());
    let plan = plan_of(picture.size(), reply, steps, output);
    read(&one(&source(picture), &plan).unwrap())
}

fn whole(size: Size) -> Area {
    Area { x: 0.0, y: 0.0, width: f64::from(size.width), height: f64::from(size.height) }
}

fn eight(picture: &Raster) -> &[u8] {
    let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
    samples
}

// -- invariants

fn kinds() -> impl Strategy<Value = (PixelType, Alpha)> {
    prop_oneof![
        Just((PixelType::Gray, Alpha::None)),
        Just((PixelType::Gray, Alpha::Straight)),
        Just((PixelType::Rgb, Alpha::None)),
        Just((PixelType::Rgb, Alpha::Straight)),
        Just((PixelType::Cmyk, Alpha::None)),
        Just((PixelType::Cmyk, Alpha::Straight)),
    ]
}

prop_compose! {
    fn rasters()((kind, width, height) in (kinds(), 1..24_u32, 1..24_u32))
        (samples in proptest::collection::vec(any::<u8>(), {
            let channels = kind.0.components() + usize::from(kind.1 == Alpha::Straight);
            (width * height) as usize * channels
        }), kind in Just(kind), size in Just((width, height))) -> Raster {
        picture(size, kind.0, kind.1, &samples)
    }
}

prop_compose! {
    /// One colour everywhere, opaque where there is alpha.
    fn uniform()(kind in kinds(), width in 1..40_u32, height in 1..40_u32, color in any::<[u8; 4]>())
        -> Raster {
        let mut pixel = color[..kind.0.components()].to_vec();
        if kind.1 == Alpha::Straight {
            pixel.push(255);
        }
        picture((width, height), kind.0, kind.1, &pixel.repeat((width * height) as usize))
    }
}

/// Returns the one pixel a picture consists of.
#[track_caller]
fn only_pixel(picture: &Raster) -> Vec<u8> {
    let mut pixels = eight(picture).chunks(picture.channels());
    let first = pixels.next().unwrap();
    assert!(pixels.all(|pixel| pixel == first));
    first.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn uniform_stays_uniform_when_resampled(p in uniform(), w in 1..60_u32, h in 1..60_u32) {
        for kernel in KERNELS {
            let to = Size::new(w, h);
            let made = done(&p, to, &[Step::Resample { from: whole(p.size()), to, kernel }]);
            prop_assert_eq!(only_pixel(&made), only_pixel(&p));
        }
    }

    #[test]
    fn uniform_stays_uniform_when_sharpened(
        p in uniform(), amount in 0.0..5.0, radius in 0.0..30.0, mono in any::<bool>(),
    ) {
        let usm = Step::Usm { amount, radius, threshold: 0.0, mono };
        for step in [usm, Step::Sharpen] {
            prop_assert_eq!(only_pixel(&done(&p, p.size(), &[step])), only_pixel(&p));
        }
    }

    #[test]
    fn an_area_of_its_own_size_is_the_exact_part(p in rasters(), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
        let Size { width, height } = p.size();
        let x = (f64::from(width) * a).floor();
        let y = (f64::from(height) * b).floor();
        let to = Size::new(width - x as u32, height - y as u32);
        let from = Area { x, y, width: to.width.into(), height: to.height.into() };
        let by_area = done(&p, to, &[Step::Resample { from, to, kernel: Kernel::Sharp2 }]);
        let by_place = done(&p, to, &[Step::Place { x: -(x as i64), y: -(y as i64), canvas: to }]);
        let n = p.channels();
        let wanted: Vec<u8> = eight(&p)
            .chunks(width as usize * n)
            .skip(y as usize)
            .flat_map(|row| row[x as usize * n..].iter().copied())
            .collect();
        prop_assert_eq!(eight(&by_area), &wanted);
        prop_assert_eq!(eight(&by_place), &wanted);
    }

    #[test]
    fn four_quarters_are_none(p in rasters()) {
        let quarter = Step::Turn { by: Turn::Quarter };
        prop_assert_eq!(&done(&p, p.size(), &vec![quarter; 4]), &p);
        let both = [Step::Turn { by: Turn::Quarter }, Step::Turn { by: Turn::ThreeQuarters }];
        prop_assert_eq!(&done(&p, p.size(), &both), &p);
    }

    #[test]
    fn both_mirrors_are_half_a_turn(p in rasters()) {
        let mirrored = done(&p, p.size(), &[Step::Flip { axis: Flip::Lrud }]);
        prop_assert_eq!(&mirrored, &done(&p, p.size(), &[Step::Turn { by: Turn::Half }]));
        let one_by_one = [Step::Flip { axis: Flip::Lr }, Step::Flip { axis: Flip::Ud }];
        prop_assert_eq!(&mirrored, &done(&p, p.size(), &one_by_one));
    }

    #[test]
    fn no_difference_exceeds_the_highest_threshold(p in rasters(), amount in 0.0..5.0) {
        let usm = Step::Usm { amount, radius: 2.0, threshold: 255.0, mono: false };
        prop_assert_eq!(&done(&p, p.size(), &[usm]), &p);
    }

    #[test]
    fn whole_turns_are_none(p in rasters(), turns in -2..3_i32) {
        let to = p.size();
        let degrees = f64::from(turns) * 360.0;
        let opaque = p.without_alpha();
        for kernel in KERNELS {
            let made = done(&opaque, to, &[Step::Rotate { degrees, to, kernel }]);
            prop_assert_eq!(&made, &opaque);
        }
    }

    #[test]
    fn the_same_plan_makes_the_same_bytes(p in rasters(), w in 1..40_u32, h in 1..40_u32) {
        let to = Size::new(w, h);
        let steps = vec![
            Step::Resample { from: whole(p.size()), to, kernel: Kernel::Sharp2 },
            Step::Usm { amount: 1.0, radius: 0.7, threshold: 1.0, mono: true },
            Step::ToOutput,
        ];
        let jpeg = Encoding::Jpeg { quality: 80, full_chroma: false, scans: Scans::Baseline, most_bytes: None };
        let plan = plan_of(p.size(), to, steps, output_as(jpeg, PixelType::Rgb, false));
        let input = source(&p);
        prop_assert_eq!(one(&input, &plan).unwrap(), one(&input, &plan).unwrap());
    }
}

#[test]
fn nothing_is_shifted() {
    // A picture symmetric to both axes stays so, whatever its new size.
    let side = 32_u32;
    let samples: Vec<u8> = (0..side * side)
        .map(|n| {
            let (x, y) = (n % side, n / side);
            u8::try_from(x.min(side - 1 - x) * 7 + y.min(side - 1 - y) * 9).unwrap()
        })
        .collect();
    let p = picture((side, side), PixelType::Gray, Alpha::None, &samples);
    for kernel in KERNELS {
        for (w, h) in [(7, 9), (16, 11), (31, 33), (50, 64)] {
            let to = Size::new(w, h);
            let made = done(&p, to, &[Step::Resample { from: whole(p.size()), to, kernel }]);
            let mirrored = ops::flip(&made, Flip::Lrud);
            let worst =
                eight(&made).iter().zip(eight(&mirrored)).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(1), "{kernel:?} {w} × {h}: {worst:?}");
        }
    }
}

#[test]
fn sixteen_bits_are_kept_until_they_are_written() {
    // A ramp of 64 levels within one level of 255: its mean is between two.
    let bytes: Vec<u8> = (0..64_u16).flat_map(|n| (257 * 100 + n * 8).to_be_bytes()).collect();
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 64, 1);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.set_depth(::png::BitDepth::Sixteen);
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    let size = Size::new(64, 1);
    // Sharpening a ramp of whole levels in 8 bits would show steps; here the ramp is straight.
    let steps = vec![Step::Usm { amount: 5.0, radius: 1.0, threshold: 0.0, mono: false }];
    let plan = plan_of(size, size, steps, output_as(Encoding::Png, PixelType::Gray, false));
    let made = read(&one(&file, &plan).unwrap());
    let middle = &eight(&made)[8..56];
    assert!(middle.is_sorted(), "{middle:?}");
    assert!(middle.iter().all(|v| (100..=102).contains(v)), "{middle:?}");
}

// -- steps that change the type

#[test]
fn transparent_parts_show_the_background() {
    let p = picture((2, 1), PixelType::Rgb, Alpha::Straight, &[10, 20, 30, 255, 9, 9, 9, 0]);
    let red = Color { pixel_type: PixelType::Rgb, components: [255, 0, 0, 0], alpha: 255 };
    let output = Output { background: red, ..output_as(Encoding::Png, PixelType::Rgb, false) };
    let plan = plan_of(p.size(), p.size(), vec![Step::ToOutput], output);
    assert_eq!(eight(&read(&one(&source(&p), &plan).unwrap())), [10, 20, 30, 255, 0, 0]);
}

#[test]
fn an_opaque_reply_with_alpha_is_opaque() {
    let p = picture((1, 1), PixelType::Rgb, Alpha::None, &[1, 2, 3]);
    let output = output_as(Encoding::Png, PixelType::Rgb, true);
    let plan = plan_of(p.size(), p.size(), vec![Step::ToOutput], output);
    assert_eq!(eight(&read(&one(&source(&p), &plan).unwrap())), [1, 2, 3, 255]);
}

#[test]
fn a_mask_is_gray() {
    let p = picture((2, 1), PixelType::Rgb, Alpha::Straight, &[1, 2, 3, 77, 4, 5, 6, 255]);
    for steps in [vec![Step::Mask, Step::ToOutput], vec![Step::ToOutput, Step::Mask]] {
        let output = output_as(Encoding::Png, PixelType::Gray, false);
        // A conversion to gray before the mask must not matter.
        let plan = plan_of(p.size(), p.size(), steps, output);
        let made = read(&one(&source(&p), &plan).unwrap());
        assert_eq!((made.pixel_type(), eight(&made)), (PixelType::Gray, [77, 255].as_slice()));
    }
}

#[test]
fn cmyk_becomes_rgb_and_rgb_cmyk() {
    let p = picture((1, 1), PixelType::Cmyk, Alpha::None, &[0, 255, 255, 0]);
    let to_rgb = output_as(Encoding::Png, PixelType::Rgb, false);
    let plan = plan_of(p.size(), p.size(), vec![Step::ToOutput], to_rgb);
    assert_eq!(eight(&read(&one(&source(&p), &plan).unwrap())), [255, 0, 0]);
    let p = picture((1, 1), PixelType::Rgb, Alpha::None, &[255, 0, 0]);
    let tiff = Encoding::Tiff { compression: TiffCompression::Lzw };
    let to_cmyk = output_as(tiff, PixelType::Cmyk, false);
    let plan = plan_of(p.size(), p.size(), vec![Step::ToOutput], to_cmyk);
    let made = read(&one(&source(&p), &plan).unwrap());
    assert_eq!((made.pixel_type(), eight(&made)), (PixelType::Cmyk, [0, 255, 255, 0].as_slice()));
}

#[test]
fn profiles_are_embedded_when_asked_for() {
    let p = picture((4, 4), PixelType::Rgb, Alpha::None, &[5; 48]);
    let jpeg = Encoding::Jpeg {
        quality: 90,
        full_chroma: false,
        scans: Scans::Baseline,
        most_bytes: None,
    };
    for (encoding, pixel_type, name) in [
        (jpeg, PixelType::Rgb, Some("sRGB")),
        (Encoding::Png, PixelType::Rgb, Some("sRGB")),
        (Encoding::Png, PixelType::Gray, Some("gray")),
        (Encoding::Tiff { compression: TiffCompression::Zip }, PixelType::Cmyk, None),
    ] {
        let output =
            Output { embed_profile: true, ..output_as(encoding.clone(), pixel_type, false) };
        let plan = plan_of(p.size(), p.size(), vec![Step::ToOutput], output);
        let file = one(&source(&p), &plan).unwrap();
        let info = probe(Cursor::new(&file), &Limits::default(), Uprighting::Apply).unwrap();
        assert_eq!(info.profile.is_some(), name.is_some(), "{encoding:?} {info:?}");
    }
}

// -- JPEG: decoding smaller

/// A JPEG of smooth ramps with an EXIF orientation.
fn jpeg(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    jpeg_in(Scans::Baseline, (width, height), orientation)
}

fn jpeg_in(scans: Scans, (width, height): (u32, u32), orientation: u8) -> Vec<u8> {
    let samples: Vec<u8> = (0..height)
        .flat_map(|y| {
            (0..width).flat_map(move |x| {
                [x * 255 / width, y * 255 / height, 128].map(|v| u8::try_from(v).unwrap())
            })
        })
        .collect();
    let p = picture((width, height), PixelType::Rgb, Alpha::None, &samples);
    let encoding = Encoding::Jpeg { quality: 95, full_chroma: true, scans, most_bytes: None };
    let file =
        encode(&p, &output_as(encoding, PixelType::Rgb, false), formats::Embedded::default())
            .unwrap();
    let mut block = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, &block, &file[2..]].concat()
}

#[test]
fn all_orientations_are_applied_at_every_scale() {
    // Odd sides, so that the last column and row of a smaller decode are not whole.
    let (width, height) = (203, 117);
    for orientation in 1..=8 {
        let file = jpeg(width, height, orientation);
        let limits = Limits::default();
        let info = probe(Cursor::new(&file), &limits, Uprighting::Apply).unwrap();
        let swapped = orientation >= 5;
        let upright = if swapped { Size::new(height, width) } else { Size::new(width, height) };
        assert_eq!(info.size, upright);
        for divisor in [2, 4, 8, 16] {
            let to = Size::new(upright.width / divisor, upright.height / divisor);
            let resample = Step::Resample { from: whole(upright), to, kernel: Kernel::Bicub };
            let output = output_as(Encoding::Png, PixelType::Rgb, false);
            // A step that does nothing keeps the decoder at full scale.
            let nothing = Step::Place { x: 0, y: 0, canvas: upright };
            let small = plan_of(upright, to, vec![resample.clone()], output.clone());
            let full = plan_of(upright, to, vec![nothing, resample], output);
            let small = read(&one(&file, &small).unwrap());
            let full = read(&one(&file, &full).unwrap());
            let worst = eight(&small).iter().zip(eight(&full)).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(3), "{orientation} 1/{divisor}: off by {worst:?}");
            // Where red and green grow tells how the picture lies.
            let at = |x: u32, y: u32, c: u32| {
                i32::from(eight(&full)[((y * to.width + x) * 3 + c) as usize])
            };
            let (right, bottom) = (to.width - 1, to.height - 1);
            let grows = [
                at(right, 0, u32::from(swapped)) > at(0, 0, u32::from(swapped)),
                at(0, bottom, u32::from(!swapped)) > at(0, 0, u32::from(!swapped)),
            ];
            let wanted = match orientation {
                1 | 5 => [true, true],
                2 | 6 => [false, true],
                3 | 7 => [false, false],
                _ => [true, false],
            };
            assert_eq!(grows, wanted, "{orientation}");
        }
    }
}

#[test]
fn orientation_can_be_ignored() {
    let file = jpeg(20, 10, 6);
    let info = probe(Cursor::new(&file), &Limits::default(), Uprighting::Ignore).unwrap();
    assert_eq!((info.size, info.orientation), (Size::new(20, 10), Orientation::Upright));
}

#[test]
fn a_reply_does_not_depend_on_its_siblings() {
    let file = jpeg(400, 300, 6);
    let upright = Size::new(300, 400);
    let plan = |width: u32, height: u32, sharpen: bool| {
        let to = Size::new(width, height);
        let mut steps = vec![Step::Resample { from: whole(upright), to, kernel: Kernel::Sharp2 }];
        if sharpen {
            steps.push(Step::Sharpen);
        }
        steps.push(Step::ToOutput);
        plan_of(upright, to, steps, output_as(Encoding::Png, PixelType::Rgb, false))
    };
    let plans = [
        plan(300, 400, true),
        plan(150, 200, false),
        plan(30, 40, false),
        plan(75, 100, true),
        plan(300, 400, false),
        plan(31, 41, true),
    ];
    let mut together = vec![None; plans.len()];
    convert(Inputs::of(&file), &plans, &Limits::default(), Uprighting::Apply, &mut |n, made| {
        assert!(together[n].is_none());
        together[n] = Some(made.unwrap());
    })
    .unwrap();
    for (plan, together) in plans.iter().zip(together) {
        assert_eq!(one(&file, plan).unwrap(), together.unwrap());
    }
}

#[test]
fn damage_that_only_a_larger_reply_meets_leaves_the_smaller_one() {
    let file = jpeg_in(Scans::Progressive, (800, 600), 1);
    let plan = |width: u32, height: u32| {
        let (from, to) = (Size::new(800, 600), Size::new(width, height));
        let steps =
            vec![Step::Resample { from: whole(from), to, kernel: Kernel::Sharp2 }, Step::ToOutput];
        plan_of(from, to, steps, output_as(Encoding::Png, PixelType::Rgb, false))
    };
    let plans = [plan(400, 300), plan(32, 24)];
    let small = one(&file, &plans[1]).unwrap();
    // Another marker where the last scan has its data.
    let mut damaged = file;
    let last = damaged.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let data = last + 2 + usize::from(damaged[last + 3]);
    damaged[data..data + 2].copy_from_slice(&[0xff, 0xd3]);
    assert_eq!(one(&damaged, &plans[1]).unwrap(), small);
    let mut made = Vec::new();
    let limits = Limits::default();
    let done =
        convert(Inputs::of(&damaged), &plans, &limits, Uprighting::Apply, &mut |n, reply| {
            made.push((n, reply.unwrap()));
        });
    assert!(matches!(done, Err(ConvertError::Damaged { .. })), "{done:?}");
    assert_eq!(made, [(1, small)]);
}

// -- refusals

#[test]
fn one_bad_reply_does_not_stop_the_others() {
    let p = picture((4, 4), PixelType::Rgb, Alpha::None, &[5; 48]);
    let good = plan_of(p.size(), p.size(), vec![], output_as(Encoding::Png, PixelType::Rgb, false));
    let webp = Encoding::Webp { quality: Some(80) };
    let wide = Size::new(20_000, 1);
    let steps = vec![Step::Place { x: 0, y: 0, canvas: wide }];
    let bad = plan_of(p.size(), wide, steps, output_as(webp, PixelType::Rgb, false));
    let other = plan_of(Size::new(5, 5), p.size(), vec![], good.output.clone());
    let mut made = Vec::new();
    let plans = [good, bad, other];
    convert(
        Inputs::of(&source(&p)),
        &plans,
        &Limits::default(),
        Uprighting::Apply,
        &mut |n, reply| {
            made.push((n, reply.map_err(|error| error.fault())));
        },
    )
    .unwrap();
    made.sort_by_key(|(n, _)| *n);
    assert!(made[0].1.is_ok());
    assert!(
        matches!(&made[1].1, Err(Fault::Modifiers { message, .. }) if message.contains("16,383"))
    );
    assert!(matches!(&made[2].1, Err(Fault::KeepsChanging)));
}

#[test]
fn a_canvas_over_the_limits_is_refused() {
    let p = picture((1, 1), PixelType::Rgb, Alpha::None, &[5; 3]);
    let canvas = Size::new(60_000, 60_000);
    let steps = vec![Step::Place { x: 0, y: 0, canvas }];
    let plan = plan_of(p.size(), canvas, steps, output_as(Encoding::Png, PixelType::Rgb, false));
    let error = one(&source(&p), &plan).unwrap_err();
    assert!(matches!(error.fault(), Fault::TooLarge { width: 60_000, .. }), "{error:?}");
}

#[test]
fn faults_are_words_a_person_understands() {
    let limits = Limits::default();
    let fault = |bytes: &[u8]| {
        probe(Cursor::new(bytes), &limits, Uprighting::Apply).unwrap_err().fault().to_string()
    };
    assert_eq!(fault(b"PK\x03\x04"), "the file should be a picture, but it is a ZIP archive");
    let p = picture((64, 64), PixelType::Rgb, Alpha::None, &[5; 64 * 64 * 3]);
    let file = source(&p);
    assert_eq!(
        fault(&file[..30]),
        "the picture is damaged: it ends too early, the rest of the file is missing"
    );
}
