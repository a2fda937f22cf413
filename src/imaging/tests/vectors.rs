//! The worked examples of formats, alpha and thumbnails of the reference digest, by their numbers,
//! from the text to the file.

use super::super::color::tests::made;
use super::super::modifiers::{Presets, Rules, parse};
use super::super::plan::{Aux, ColorDefaults, Defaults, Profiles, Thumbnails, plan};
use super::*;

/// What a request makes of a source, and how many warnings there were.
struct Made {
    file: Vec<u8>,
    header: formats::Header,
    picture: Raster,
    warnings: usize,
}

impl Made {
    /// The components of a pixel.
    fn at(&self, x: usize, y: usize) -> &[u8] {
        let channels = self.picture.channels();
        let at = (y * self.picture.width() + x) * channels;
        &eight(&self.picture)[at..at + channels]
    }

    fn size(&self) -> (u32, u32) {
        (self.header.size.width, self.header.size.height)
    }
}

fn defaults() -> Defaults {
    let profiles = Profiles::new([("WebCoated", PixelType::Cmyk)]);
    let colors = ColorDefaults { profiles, ..ColorDefaults::default() };
    Defaults { colors, ..Defaults::default() }
}

/// Makes what a text asks; an error of the text or of the plan are its words.
fn asked(source: &[u8], text: &str, defaults: &Defaults) -> Result<Made, String> {
    let info = probe(Cursor::new(source), &Limits::default(), Uprighting::Apply).unwrap();
    let parsed = parse(text, &Presets::default(), Rules::default());
    if let Some(error) = parsed.error() {
        return Err(error.message.to_string());
    }
    let planned = plan(&parsed.modifiers, &info, defaults).map_err(|error| error.message)?;
    let warnings = planned.warnings.len() + parsed.findings.len();
    let aux = [(Aux::Profile("WebCoated".into()), made::cmyk())];
    let inputs = Inputs { aux: &aux, ..Inputs::of(source) };
    let mut reply = None;
    convert(inputs, &[planned.plan], &Limits::default(), Uprighting::Apply, &mut |_, made| {
        reply = Some(made);
    })
    .unwrap();
    let file = reply.unwrap().map_err(|error| error.to_string())?;
    let header = header(Cursor::new(&file), &Limits::default()).unwrap();
    let picture = decode(&file, &header, formats::Shrink::Full, &Limits::default()).unwrap();
    Ok(Made { file, header, picture, warnings })
}

#[track_caller]
fn made(source: &[u8], text: &str) -> Made {
    asked(source, text, &defaults()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[track_caller]
fn refused(source: &[u8], text: &str, words: &str) {
    match asked(source, text, &defaults()) {
        Err(why) => assert!(why.contains(words), "{text}: {why}"),
        Ok(_) => panic!("{text} was made"),
    }
}

#[track_caller]
fn assert_near(found: &[u8], wanted: &[u8], most: u8) {
    let near = found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= most);
    assert!(near, "{found:?}, not {wanted:?}");
}

const COLOR: [u8; 3] = [40, 120, 200];

/// A square of 1000 pixels at 72 dots an inch whose corners of 100 pixels are transparent, with
/// another colour hidden there.
fn cut_corners() -> Vec<u8> {
    let samples = (0..1_000_000_u32).flat_map(|n| {
        let (x, y) = (n % 1000, n / 1000);
        let corner = x.min(999 - x) < 100 && y.min(999 - y) < 100;
        if corner { [0, 255, 0, 0] } else { [COLOR[0], COLOR[1], COLOR[2], 255] }
    });
    let samples = samples.collect::<Vec<u8>>();
    let p = picture((1000, 1000), PixelType::Rgb, Alpha::Straight, &samples);
    let output = Output { dpi: Some(72.0), ..output_as(Encoding::Png, PixelType::Rgb, true) };
    encode(&p, &output, formats::Embedded::default()).unwrap()
}

/// The value of a TIFF's tag of one short number.
fn tiff_tag(file: &[u8], tag: u16) -> Option<u16> {
    let little = file.starts_with(b"II");
    let short = |at: usize| {
        let bytes = [file[at], file[at + 1]];
        if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    };
    let long = |at: usize| {
        let (a, b) = (u32::from(short(at)), u32::from(short(at + 2)));
        if little { b << 16 | a } else { a << 16 | b }
    };
    let start = long(4) as usize;
    let mut entries = (0..usize::from(short(start))).map(|n| start + 2 + 12 * n);
    entries.find(|&at| short(at) == tag).map(|at| short(at + 8))
}

/// The markers of a JPEG up to its pixels and of its scans, and what stands in its frame.
fn jpeg_markers(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut markers, mut frame) = (Vec::new(), Vec::new());
    let mut at = 2;
    while at + 4 <= file.len() {
        if file[at] != 0xff || matches!(file[at + 1], 0 | 0xff | 0xd0..=0xd9) {
            at += 1;
            continue;
        }
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        markers.push(file[at + 1]);
        if matches!(file[at + 1], 0xc0..=0xc2) {
            frame = file[at + 4..at + 2 + length].to_vec();
        }
        at += 2 + length;
    }
    (markers, frame)
}

#[test]
fn transparent_parts_follow_format_and_background() {
    let source = cut_corners();
    let white = made(&source, "wid=500");
    assert_eq!(white.header.format, formats::SourceFormat::Jpeg, "F-1");
    assert_eq!((white.size(), white.header.bits), ((500, 500), 8));
    assert_eq!((white.header.pixel_type, white.header.dpi), (PixelType::Rgb, Some(72.0)));
    assert_near(white.at(3, 3), &[255; 3], 3);
    assert_near(white.at(250, 250), &COLOR, 3);
    let red = made(&source, "wid=500&bgc=255,0,0");
    assert_near(red.at(3, 3), &[255, 0, 0], 4);
    assert_near(red.at(496, 496), &[255, 0, 0], 4);

    let bars = made(&source, "wid=500&hei=300&fmt=png&bgc=f1f1f1");
    assert_eq!((bars.size(), bars.header.alpha), ((500, 300), false), "F-4");
    for place in [(0, 150), (99, 150), (400, 150), (101, 1), (398, 298)] {
        assert_eq!(bars.at(place.0, place.1), [0xf1; 3], "F-4 {place:?}");
    }
    assert_eq!((bars.at(100, 150), bars.at(399, 150)), (&COLOR[..], &COLOR[..]));
    let clear = made(&source, "wid=500&hei=300&fmt=png-alpha&bgc=f1f1f1");
    assert_eq!((clear.size(), clear.header.alpha), ((500, 300), true), "F-5");
    for place in [(0, 150), (99, 150), (400, 150), (101, 1)] {
        assert_eq!(clear.at(place.0, place.1)[3], 0, "F-5 {place:?}");
    }
    assert_eq!(clear.at(100, 150), [COLOR[0], COLOR[1], COLOR[2], 255]);
    let filled = made(&source, "wid=500&fmt=png-alpha&bgColor=0,0,255");
    assert_eq!(filled.at(3, 3), [0, 0, 255, 255], "F-6");
    assert_eq!(filled.at(250, 250)[3], 255);
}

#[test]
fn masks_are_gray_pictures() {
    let source = cut_corners();
    let mask = made(&source, "wid=500&req=mask");
    assert_eq!(mask.header.format, formats::SourceFormat::Jpeg, "F-8");
    assert_eq!((mask.size(), mask.header.pixel_type), ((500, 500), PixelType::Gray));
    assert_near(mask.at(3, 3), &[0], 2);
    assert_near(mask.at(250, 250), &[255], 2);
    let opaque = source_of(PixelType::Rgb);
    let mask = made(&opaque, "req=mask&wid=10");
    assert_eq!(mask.size(), (10, 10), "F-9");
    assert_eq!(eight(&mask.picture), [255; 100]);
    assert_eq!(made(&source, "fmt=jpeg,gray&wid=9").header.pixel_type, PixelType::Gray, "F-10");
}

/// 100 × 100 pixels of ramps, opaque.
fn source_of(pixel_type: PixelType) -> Vec<u8> {
    let channels = pixel_type.components();
    let samples: Vec<u8> = (0..10_000 * channels)
        .map(|n| u8::try_from((n / channels % 100 * 2 + n % channels * 11) % 256).unwrap())
        .collect();
    source(&picture((100, 100), pixel_type, Alpha::None, &samples))
}

#[test]
fn tiff_is_packed_as_asked() {
    let (rgb, cmyk) = (source_of(PixelType::Rgb), source_of(PixelType::Cmyk));
    for (number, source, text, pixel_type, packed) in [
        ("F-12", &cmyk, "fmt=tif,cmyk&wid=100", PixelType::Cmyk, 1),
        ("F-13", &rgb, "fmt=tif,,lzw", PixelType::Rgb, 5),
        ("F-14", &rgb, "fmt=tif,,jpeg&qlt=95", PixelType::Rgb, 7),
        ("F-33", &deep(), "fmt=tif", PixelType::Rgb, 1),
    ] {
        let made = made(source, text);
        assert_eq!(made.header.format, formats::SourceFormat::Tiff, "{number}");
        assert_eq!((made.header.pixel_type, made.header.bits), (pixel_type, 8), "{number}");
        assert_eq!(tiff_tag(&made.file, 259), Some(packed), "{number}");
        assert!(!made.header.alpha);
    }
    // CMYK that stays CMYK keeps every component.
    assert_eq!(eight(&made(&cmyk, "fmt=tif,cmyk&wid=100").picture), eight(&read(&cmyk)));
    refused(&rgb, "fmt=png,,lzw", "compression");
    refused(&rgb, "fmt=webp,cmyk", "rgb only");
}

/// 16 bits per component.
fn deep() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 10, 10);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Sixteen);
    let bytes: Vec<u8> = (0..600_u16).map(|n| (n % 251) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    file
}

#[test]
fn options_count_where_they_are_known_and_nowhere_else() {
    let source = source_of(PixelType::Rgb);
    let file = |text: &str| made(&source, text).file;
    let lossy = file("fmt=webp&qlt=80,1");
    assert!(lossy.windows(4).any(|bytes| bytes == b"VP8 "), "F-18");
    assert_eq!(lossy, file("fmt=webp&qlt=80"));
    assert_ne!(lossy, file("fmt=webp&qlt=20"));
    assert_eq!(file("fmt=jpeg&quantize=adaptive,off,300"), file("fmt=jpeg"), "F-22");
    assert_eq!(file("fmt="), file("fmt=jpeg"), "F-36");

    let sampling = |text: &str| {
        let (_, frame) = jpeg_markers(&file(text));
        [frame[7], frame[10], frame[13]]
    };
    assert_eq!(sampling("qlt=85"), [0x22, 0x11, 0x11], "F-24");
    assert_eq!(sampling("qlt=85,1"), [0x11, 0x11, 0x11], "F-24");

    let scans = |text: &str| {
        let (markers, _) = jpeg_markers(&file(text));
        let count = markers.iter().filter(|&&marker| marker == 0xda).count();
        (markers.contains(&0xc2), count)
    };
    assert_eq!(scans("fmt=pjpeg&pscan=4"), (true, 4), "F-25");
    assert_eq!(scans("fmt=jpeg&pscan=4"), (false, 1), "F-26");
    assert_eq!(file("fmt=jpeg&pscan=4"), file("fmt=jpeg"), "F-26");

    let plain = made(&source, "wid=50&fmt=png");
    let fine = made(&source, "printRes=300&wid=50&fmt=png");
    assert_eq!(eight(&plain.picture), eight(&fine.picture), "F-32");
    assert_eq!(fine.header.dpi.map(f64::round), Some(300.0), "F-32");
    refused(&source, "fmt=swf", "Flash");
    refused(&source, "fmt=m3u8", "playlist");
}

#[test]
fn palettes_are_what_is_forced() {
    let source = cut_corners();
    let made = made(&source, "fmt=gif-alpha&wid=100&quantize=adaptive,off,2,000000,ffffff");
    let mut decoder = ::gif::DecodeOptions::new().read_info(made.file.as_slice()).unwrap();
    let palette = decoder.global_palette().unwrap().to_vec();
    assert_eq!(palette[..6], [0, 0, 0, 255, 255, 255], "F-20");
    let frame = decoder.read_next_frame().unwrap().unwrap();
    let key = frame.transparent.unwrap();
    assert_eq!((key, frame.buffer[0]), (2, 2), "F-20");
    // One colour without dither is one entry.
    let middle = frame.buffer[50 * 100 + 50];
    let opaque = frame.buffer.iter().all(|&entry| entry == key || entry == middle);
    assert!(middle != key && opaque, "F-20");
    refused(&source, "fmt=gif-alpha&quantize=mac", "key colour");
}

#[test]
fn profiles_decide_over_pixel_types() {
    let source = source_of(PixelType::Rgb);
    let gray = made(&source, "fmt=jpeg,gray&icc=sRGB");
    assert_eq!((gray.header.pixel_type, gray.warnings), (PixelType::Rgb, 1), "F-28");
    refused(&source, "fmt=webp&icc=WebCoated", "cannot hold CMYK");
    refused(&source, "fmt=png&icc=WebCoated", "cannot hold CMYK");
    let inks = made(&source, "fmt=jpeg&icc=WebCoated");
    assert_eq!(inks.header.format, formats::SourceFormat::Jpeg, "F-29");
    assert_eq!((inks.header.pixel_type, inks.warnings), (PixelType::Cmyk, 0), "F-29");
    let own = made(&source, "icc=sRGB,relative,1,0&iccEmbed=1&fmt=png");
    let srgb = super::super::color::reply_profile(PixelType::Rgb).unwrap();
    assert_eq!(own.header.profile.as_deref(), Some(srgb.as_slice()), "F-30");
    assert_eq!(eight(&own.picture), eight(&read(&source)), "F-30");
}

#[test]
fn thumbnails_have_bars_of_their_colour() {
    let wide = picture((200, 100), PixelType::Rgb, Alpha::None, &COLOR.repeat(20_000));
    let wide = source(&wide);
    let thumbnails = Thumbnails { background: [9, 8, 7], ..Thumbnails::default() };
    let defaults = Defaults { thumbnails, ..defaults() };
    let of = |text: &str| asked(&wide, text, &defaults).unwrap();
    let own = of("req=tmb&wid=100&hei=100&fmt=png");
    assert_eq!(own.size(), (100, 100), "T-1");
    assert_eq!((own.at(50, 24), own.at(50, 75)), (&[9, 8, 7][..], &[9, 8, 7][..]), "T-1");
    assert_eq!((own.at(50, 25), own.at(50, 74)), (&COLOR[..], &COLOR[..]), "T-1");
    let asked = of("req=tmb&bgc=214,245,130&wid=64&hei=64&fmt=png");
    assert_eq!((asked.at(5, 15), asked.at(5, 16)), (&[214, 245, 130][..], &COLOR[..]), "T-6");
}
