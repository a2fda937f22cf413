use super::super::jpeg_reference::ours;
use super::super::{Shrink, SourceFormat};
use super::*;
use crate::imaging::formats::jpeg;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{Limits, PixelType};

const BASELINE: Settings = Settings { quality: 85, full_chroma: false, scans: Scans::Baseline };

/// Smooth parts, edges and some grain, in colours that differ.
fn picture((width, height): (u32, u32), pixel_type: PixelType) -> Raster {
    let mut seed = 5_u32;
    let samples = (0..width * height).flat_map(|n| {
        let (x, y) = (n % width, n / width);
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let edge = if (x / 37 + y / 29) % 2 == 0 { 0 } else { 70 };
        let grain = seed >> 28;
        let colours =
            [x * 110 / width + edge, y * 120 / height + edge, (x + y) / 4 % 100 + edge / 2];
        colours.map(|value| u8::try_from(value + grain + 20).unwrap())
    });
    let samples: Vec<u8> = match pixel_type {
        PixelType::Gray => samples.step_by(3).collect(),
        PixelType::Rgb | PixelType::Cmyk => samples.collect(),
    };
    let size = Size::new(width, height);
    Raster::new(size, pixel_type, Alpha::None, Samples::Eight(samples)).unwrap()
}

/// A file with colour of any sampling, brightness having so many samples for one of it.
fn file(picture: &Raster, quality: u8, (across, down): (u8, u8), progressive: bool) -> Vec<u8> {
    use mozjpeg::{ColorSpace, Compress};
    let gray = picture.pixel_type() == PixelType::Gray;
    let space = if gray { ColorSpace::JCS_GRAYSCALE } else { ColorSpace::JCS_RGB };
    let mut compress = Compress::new(space);
    compress.set_size(picture.width(), picture.height());
    compress.set_fastest_defaults();
    if !gray {
        compress.set_color_space(ColorSpace::JCS_YCbCr);
        let brightness = &mut compress.components_mut()[0];
        (brightness.h_samp_factor, brightness.v_samp_factor) = (across.into(), down.into());
        for colour in &mut compress.components_mut()[1..] {
            (colour.h_samp_factor, colour.v_samp_factor) = (1, 1);
        }
    }
    compress.set_quality(quality.into());
    if progressive {
        compress.set_optimize_scans(false);
        compress.set_progressive_mode();
    }
    let Samples::Eight(samples) = picture.samples() else { unreachable!() };
    let mut started = compress.start_compress(Vec::new()).unwrap();
    started.write_scanlines(samples).unwrap();
    started.finish().unwrap()
}

fn again(file: &[u8], size: Size, settings: Settings) -> Option<Vec<u8>> {
    recoded(file, size, settings, Some(300.0), Embedded::default())
}

/// What is made by way of pixels.
fn by_pixels(file: &[u8], settings: Settings) -> Vec<u8> {
    let header = jpeg::header(&mut std::io::Cursor::new(file), &Limits::default()).unwrap();
    assert_eq!(header.format, SourceFormat::Jpeg);
    let decoded = jpeg::decode(file, &header, Shrink::Full).unwrap();
    jpeg::encode(&decoded, settings, Some(300.0), Embedded::default()).unwrap()
}

fn decoded(file: &[u8]) -> Vec<u8> {
    ours(file, &[Shrink::Full], Reading::Everything).unwrap().remove(0)
}

/// Root of the mean square of the differences.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    #[expect(clippy::cast_precision_loss, reason = "small pictures")]
    let count = a.len() as f64;
    (squares.sum::<f64>() / count).sqrt()
}

/// Everything in front of the bits but the Huffman tables.
fn frame(file: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut found) = (&file[2..], Vec::new());
    loop {
        let (segment, behind) =
            rest.split_at(2 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
        if segment[1] != 0xc4 {
            found.push(segment);
        }
        if segment[1] == 0xda {
            return found;
        }
        rest = behind;
    }
}

#[test]
fn a_reply_is_as_near_to_its_source_as_one_made_of_pixels() {
    let sampled = [(1, 1), (2, 1), (1, 2), (2, 2)];
    let sizes = [(1, 1), (8, 8), (9, 17), (16, 33), (24, 24), (40, 23), (333, 250)];
    for size in sizes {
        let source = picture(size, PixelType::Rgb);
        for sampling in sampled {
            for (quality, progressive) in [(75, true), (95, false)] {
                let file = file(&source, quality, sampling, progressive);
                let name = format!("{size:?} {sampling:?} {quality}");
                let found = again(&file, source.size(), BASELINE).expect(&name);
                let beside = by_pixels(&file, BASELINE);
                assert!(frame(&found) == frame(&beside), "{name}");
                let original = decoded(&file);
                let ours = difference(&original, &decoded(&found));
                let theirs = difference(&original, &decoded(&beside));
                // Of few pixels, luck has a part in it.
                let most = if source.size().pixels() < 1000 { theirs + 0.7 } else { theirs * 1.01 };
                assert!(ours <= most, "{name}: {ours} beside {theirs}");
                assert!(
                    found.len() <= beside.len() + 64,
                    "{name}: {} {}",
                    found.len(),
                    beside.len()
                );
            }
        }
    }
}

#[test]
fn the_steps_of_the_source_lose_nothing() {
    for (pixel_type, full_chroma) in
        [(PixelType::Gray, false), (PixelType::Rgb, false), (PixelType::Rgb, true)]
    {
        let source = picture((75, 50), pixel_type);
        for quality in [24, 49, 50, 85, 99, 100] {
            let settings = Settings { quality, full_chroma, ..BASELINE };
            let sampling = if full_chroma { (1, 1) } else { (2, 2) };
            for progressive in [false, true] {
                let file = file(&source, quality, sampling, progressive);
                let found = again(&file, source.size(), settings).unwrap();
                assert!(decoded(&found) == decoded(&file), "{pixel_type:?} {quality}");
                assert!(again(&found, source.size(), settings).as_ref() == Some(&found));
            }
        }
    }
}

#[test]
fn tables_are_those_of_libjpeg() {
    let source = picture((16, 16), PixelType::Rgb);
    for quality in 1..=100 {
        let settings = Settings { quality, ..BASELINE };
        let beside = jpeg::encode(&source, settings, None, Embedded::default()).unwrap();
        let found = recoded(&beside, source.size(), settings, None, Embedded::default());
        match found {
            Some(found) => assert!(frame(&found) == frame(&beside), "{quality}"),
            None => assert!(quality < 24),
        }
    }
}

#[test]
fn what_programs_keep_stands_where_libjpeg_puts_it() {
    let source = picture((16, 16), PixelType::Rgb);
    let profile = vec![7; 70_000];
    let embedded = Embedded { profile: Some(&profile), xmp: Some(b"<x/>"), paths: &[] };
    let beside = jpeg::encode(&source, BASELINE, Some(72.4), embedded).unwrap();
    let found = recoded(&beside, source.size(), BASELINE, Some(72.4), embedded).unwrap();
    assert!(found.len() > profile.len());
    assert!(frame(&found) == frame(&beside));
}

#[test]
fn codes_take_no_more_bytes_than_those_of_libjpeg() {
    for (pixel_type, size) in [(PixelType::Gray, (300, 200)), (PixelType::Rgb, (301, 203))] {
        let source = picture(size, pixel_type);
        let beside = jpeg::encode(&source, BASELINE, None, Embedded::default()).unwrap();
        let found = recoded(&beside, source.size(), BASELINE, None, Embedded::default()).unwrap();
        assert!(decoded(&found) == decoded(&beside));
        // Which bytes become 0xff, and are followed by a zero, is luck.
        let without =
            |file: &[u8]| file.len() - file.windows(2).filter(|two| *two == [0xff, 0]).count();
        let (found, beside) = (without(&found), without(&beside));
        assert!(found <= beside, "{pixel_type:?}: {found}, {beside}");
    }
}

#[test]
fn what_needs_pixels_is_left_to_those_who_make_them() {
    let source = picture((40, 40), PixelType::Rgb);
    let some = |file: &[u8], settings| again(file, source.size(), settings).is_some();
    let halved = file(&source, 90, (2, 2), false);
    assert!(some(&halved, BASELINE));
    assert!(!some(&halved, Settings { full_chroma: true, ..BASELINE }));
    assert!(!some(&halved, Settings { quality: 23, ..BASELINE }));
    assert!(!some(&halved, Settings { scans: Scans::Progressive, ..BASELINE }));
    assert!(!some(&halved, Settings { scans: Scans::Exactly(4), ..BASELINE }));
    assert!(!some(&file(&source, 90, (4, 1), false), BASELINE));
    assert!(!some(&file(&source, 90, (4, 2), false), BASELINE));
    for length in [halved.len() - 2, halved.len() - 40, 300, 2, 0] {
        assert!(!some(&halved[..length], BASELINE), "{length}");
    }
    let progressive = file(&source, 90, (2, 2), true);
    assert!(some(&progressive, BASELINE));
    // Without its last scan it has to be smoothed.
    let last = progressive.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let unfinished = [&progressive[..last], &[0xff, 0xd9]].concat();
    assert!(!some(&unfinished, BASELINE));
    let inks = Samples::Eight(vec![40; 40 * 40 * 4]);
    let inks = Raster::new(source.size(), PixelType::Cmyk, Alpha::None, inks).unwrap();
    let inks = jpeg::encode(&inks, BASELINE, None, Embedded::default()).unwrap();
    assert!(!some(&inks, BASELINE));
}
