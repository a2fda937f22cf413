//! Palettes, progressive scans, sizes, JPEG in TIFF, PDF and EPS, looked at by other readers.

use std::collections::BTreeMap;

use ::tiff::decoder::{Decoder, DecodingResult};
use ::tiff::tags::Tag;
use proptest::prelude::*;

use super::*;
use crate::imaging::paths::tests::circle;
use crate::imaging::plan::{PaletteKind, PdfCompression};

const TYPES: [PixelType; 3] = [PixelType::Gray, PixelType::Rgb, PixelType::Cmyk];

/// A picture with something to compress.
fn busy(width: u32, height: u32, pixel_type: PixelType) -> Raster {
    let channels = pixel_type.components();
    let mut samples = ramp(width, height, channels);
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample = sample.wrapping_add((n * n % 61) as u8);
    }
    let samples = Samples::Eight(samples);
    Raster::new(Size::new(width, height), pixel_type, Alpha::None, samples).unwrap()
}

fn find(file: &[u8], what: &str) -> Option<usize> {
    file.windows(what.len()).position(|window| window == what.as_bytes())
}

// -- palettes

fn png8(picture: &Raster, palette: Quantize, profile: Option<&[u8]>) -> Vec<u8> {
    let alpha = picture.has_alpha();
    let output = output(Encoding::Png8 { palette }, PixelType::Rgb, alpha);
    encode(picture, &output, profile).unwrap()
}

#[test]
fn png8_takes_as_few_bits_as_its_colours_need() {
    for (colors, bits) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)] {
        // A width that fills no byte.
        let samples: Vec<u8> = (0..19 * 15_usize)
            .flat_map(|n| [(n % colors) as u8, 7, (n % colors / 2) as u8])
            .collect();
        let samples = Samples::Eight(samples);
        let picture = Raster::new(Size::new(19, 15), PixelType::Rgb, Alpha::None, samples).unwrap();
        let file = png8(&picture, Quantize::default(), None);
        let reader = ::png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
        let info = reader.info();
        assert_eq!(info.color_type, ::png::ColorType::Indexed);
        assert_eq!(info.bit_depth as u8, bits);
        assert_eq!(info.palette.as_ref().unwrap().len(), colors * 3);
        assert_eq!(info.trns, None);
        let (header, found) = read(&file).unwrap();
        assert_eq!(found, picture);
        assert_eq!(header.dpi.map(f64::round), Some(300.0));
        assert_eq!(image::load_from_memory(&file).unwrap().to_rgb8().as_raw(), eight(&picture));
    }
}

#[test]
fn png8_keeps_opacities_and_profile() {
    let samples: Vec<u8> = (0..64_u8)
        .flat_map(|n| if n < 9 { [0; 4] } else { [n / 8 * 30, 90, 7, (n / 4) * 17] })
        .collect();
    let samples = Samples::Eight(samples);
    let picture = Raster::new(Size::new(8, 8), PixelType::Rgb, Alpha::Straight, samples).unwrap();
    let profile = reply_profile(PixelType::Rgb).unwrap();
    let file = png8(&picture, Quantize::default(), Some(&profile));
    let (header, found) = read(&file).unwrap();
    assert_eq!(eight(&found), eight(&picture));
    assert!(header.alpha);
    assert_eq!(header.profile.as_deref(), Some(profile.as_slice()));
    assert_eq!(image::load_from_memory(&file).unwrap().to_rgba8().as_raw(), eight(&picture));
    // Opaque entries come last and have no opacity in the file.
    let reader = ::png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
    assert!(reader.info().trns.as_ref().unwrap().iter().all(|alpha| *alpha < 255));
}

#[test]
fn gif_alpha_has_a_key() {
    let samples: Vec<u8> = (0..64_u8).flat_map(|n| [n * 3, 255 - n, 40, n * 4]).collect();
    let samples = Samples::Eight(samples);
    let picture = Raster::new(Size::new(8, 8), PixelType::Rgb, Alpha::Straight, samples).unwrap();
    let forced = vec![[0; 3], [255; 3]];
    let palette = Quantize { palette: PaletteKind::Adaptive, diffuse: false, colors: 2, forced };
    let file =
        encode(&picture, &output(Encoding::Gif { palette }, PixelType::Rgb, true), None).unwrap();
    let mut decoder = ::gif::DecodeOptions::new().read_info(file.as_slice()).unwrap();
    let palette = decoder.global_palette().unwrap().to_vec();
    assert_eq!(palette[..6], [0, 0, 0, 255, 255, 255]);
    let frame = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!(frame.transparent, Some(2));
    let (header, found) = read(&file).unwrap();
    assert!(header.alpha);
    for (found, wanted) in eight(&found).chunks(4).zip(eight(&picture).chunks(4)) {
        assert_eq!(found[3], if wanted[3] < 128 { 0 } else { 255 });
        assert!(found[..3] == [0; 3] || found[..3] == [255; 3]);
    }
}

#[test]
fn a_palette_of_ink_is_refused() {
    let picture = raster((4, 4), PixelType::Cmyk, Alpha::None);
    for palette in [
        Encoding::Gif { palette: Quantize::default() },
        Encoding::Png8 { palette: Quantize::default() },
    ] {
        let refused = encode(&picture, &output(palette, PixelType::Cmyk, false), None);
        assert!(matches!(refused, Err(ConvertError::Unwritable { .. })));
    }
}

// -- JPEG

fn jpeg_in(picture: &Raster, scans: Scans, profile: Option<&[u8]>) -> Vec<u8> {
    let encoding = Encoding::Jpeg { quality: 85, full_chroma: false, scans, most_bytes: None };
    encode(picture, &output(encoding, picture.pixel_type(), false), profile).unwrap()
}

/// Counts starts of scans; inside of compressed data no such bytes stand.
fn scans_of(file: &[u8]) -> usize {
    file.windows(2).filter(|pair| *pair == [0xff, 0xda]).count()
}

#[test]
fn pscan_makes_exactly_so_many_scans_and_changes_no_pixel() {
    let profile: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    for (pixel_type, fewest) in TYPES.into_iter().zip([2, 4, 5]) {
        let picture = busy(67, 45, pixel_type);
        let baseline = jpeg_in(&picture, Scans::Baseline, Some(&profile));
        assert_eq!(scans_of(&baseline), 1);
        let wanted = read(&baseline).unwrap();
        for scans in 3..=5 {
            let file = jpeg_in(&picture, Scans::Exactly(scans), Some(&profile));
            assert_eq!(scans_of(&file), usize::from(scans).max(fewest), "{pixel_type:?} {scans}");
            assert!(file.windows(2).any(|pair| pair == [0xff, 0xc2]), "not progressive");
            let found = read(&file).unwrap();
            assert_eq!(found, wanted);
            assert_eq!(found.0.profile.as_deref(), Some(profile.as_slice()));
            assert_eq!(found.0.dpi, Some(300.0));
        }
    }
}

/// Writes with a limit; the smallest size is told when it cannot be kept.
fn within(picture: &Raster, scans: Scans, most: u64) -> Result<Vec<u8>, String> {
    let encoding = Encoding::Jpeg { quality: 90, full_chroma: true, scans, most_bytes: Some(most) };
    match encode(picture, &output(encoding, picture.pixel_type(), false), None) {
        Ok(file) => Ok(file),
        Err(ConvertError::Unwritable { message, .. }) => Err(message.into()),
        Err(error) => panic!("{error}"),
    }
}

fn of_quality(picture: &Raster, quality: u8) -> Vec<u8> {
    let encoding =
        Encoding::Jpeg { quality, full_chroma: true, scans: Scans::Baseline, most_bytes: None };
    encode(picture, &output(encoding, picture.pixel_type(), false), None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn jpeg_size_is_kept_with_the_highest_quality_that_does(most in 200_u64..9_000) {
        let picture = busy(80, 60, PixelType::Rgb);
        match within(&picture, Scans::Baseline, most) {
            Ok(file) => {
                prop_assert!(file.len() as u64 <= most);
                let quality = (1..=90).find(|q| of_quality(&picture, *q) == file);
                prop_assert!(quality.is_some());
                if let Some(quality @ 1..90) = quality {
                    prop_assert!(of_quality(&picture, quality + 1).len() as u64 > most);
                }
            }
            Err(message) => {
                let smallest = of_quality(&picture, 1).len();
                prop_assert!(smallest as u64 > most);
                prop_assert!(message.contains(&smallest.to_string()), "{}", message);
            }
        }
    }
}

#[test]
fn jpeg_size_goes_with_scans_and_a_wide_limit_changes_nothing() {
    let picture = busy(80, 60, PixelType::Cmyk);
    let file = within(&picture, Scans::Exactly(5), 4000).unwrap();
    assert!(file.len() <= 4000);
    assert_eq!(scans_of(&file), 5);
    let picture = busy(80, 60, PixelType::Gray);
    assert_eq!(within(&picture, Scans::Baseline, 1 << 20).unwrap(), of_quality(&picture, 90));
}

#[test]
fn every_quality_makes_a_baseline_file_and_inks_keep_their_resolution() {
    let file = |pixel_type, quality, full_chroma| {
        let picture = busy(67, 45, pixel_type);
        let scans = Scans::Baseline;
        let encoding = Encoding::Jpeg { quality, full_chroma, scans, most_bytes: None };
        encode(&picture, &output(encoding, pixel_type, false), None).unwrap()
    };
    for pixel_type in TYPES {
        for quality in [1, 10, 23, 24, 80] {
            let file = file(pixel_type, quality, false);
            let frames = file.windows(4).filter(|w| w[..2] == [0xff, 0xc0] && w[2] == 0).count();
            assert_eq!(frames, 1, "{pixel_type:?} {quality}: no baseline frame");
        }
    }
    assert_eq!(file(PixelType::Cmyk, 80, false), file(PixelType::Cmyk, 80, true));
    assert_eq!(file(PixelType::Gray, 80, false), file(PixelType::Gray, 80, true));
    assert!(file(PixelType::Rgb, 80, false).len() < file(PixelType::Rgb, 80, true).len());
}

// -- TIFF with JPEG inside

fn tiff_jpeg_of(picture: &Raster, full_chroma: bool, profile: Option<&[u8]>) -> Vec<u8> {
    let compression = TiffCompression::Jpeg { quality: 95, full_chroma };
    let output = output(Encoding::Tiff { compression }, picture.pixel_type(), false);
    encode(picture, &output, profile).unwrap()
}

#[test]
fn jpeg_in_tiff_comes_back() {
    let profile: Vec<u8> = (0..3001_u32).map(|n| (n % 251) as u8).collect();
    // One strip and several.
    for size in [(51, 37), (700, 611)] {
        for pixel_type in TYPES {
            for full_chroma in [true, false] {
                let picture = raster(size, pixel_type, Alpha::None);
                let file = tiff_jpeg_of(&picture, full_chroma, Some(&profile));
                let (header, found) = read(&file).unwrap();
                assert_eq!((header.pixel_type, header.size), (pixel_type, picture.size()));
                assert_eq!((header.dpi, header.bits), (Some(300.0), 8));
                assert_eq!(header.profile.as_deref(), Some(profile.as_slice()));
                assert_near(eight(&found), eight(&picture), 12);
                // How much smaller the colour differences are is said twice.
                let mut decoder = Decoder::new(Cursor::new(&file)).unwrap();
                let said = decoder.find_tag_unsigned_vec::<u16>(Tag::Unknown(530)).unwrap();
                let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
                let factor = u16::from(file[frame + 11] >> 4);
                let wanted = (pixel_type == PixelType::Rgb).then(|| vec![factor; 2]);
                assert_eq!(said, wanted);
                assert_eq!(factor == 2, pixel_type == PixelType::Rgb && !full_chroma);
            }
        }
    }
}

#[test]
fn jpeg_in_tiff_is_what_the_directory_says() {
    let picture = raster((700, 611), PixelType::Cmyk, Alpha::None);
    let file = tiff_jpeg_of(&picture, false, None);
    let mut decoder = Decoder::new(Cursor::new(&file)).unwrap();
    assert_eq!(decoder.get_tag_u32(Tag::Compression).unwrap(), 7);
    let offsets = decoder.get_tag_u32_vec(Tag::StripOffsets).unwrap();
    let lengths = decoder.get_tag_u32_vec(Tag::StripByteCounts).unwrap();
    let rows = decoder.get_tag_u32(Tag::RowsPerStrip).unwrap();
    assert_eq!((offsets.len(), rows % 16), (2, 0));
    // Every strip is a JPEG of four components that are neither inverted nor anything else's.
    let mut samples = Vec::new();
    for (offset, length) in offsets.into_iter().zip(lengths) {
        let strip = &file[offset as usize..][..length as usize];
        assert_eq!(
            (&strip[..2], &strip[strip.len() - 2..]),
            (&[0xff, 0xd8][..], &[0xff, 0xd9][..])
        );
        assert!(find(strip, "Adobe").is_none() && find(strip, "JFIF").is_none());
        let start = mozjpeg::Decompress::new_mem(strip).unwrap();
        let mut lines = start.to_colorspace(ColorSpace::JCS_CMYK).unwrap();
        samples.extend(lines.read_scanlines::<u8>().unwrap());
    }
    assert_near(&samples, eight(&picture), 6);
    let DecodingResult::U8(found) = decoder.read_image().unwrap() else { panic!("not 8 bits") };
    assert_near(&found, eight(&picture), 6);
}

// -- PDF and EPS

fn pdf(picture: &Raster, compression: PdfCompression, profile: Option<&[u8]>) -> Vec<u8> {
    let output = output(Encoding::Pdf { compression }, picture.pixel_type(), false);
    encode(picture, &output, profile).unwrap()
}

/// Reads a PDF by its table: every object's text up to its data, and the data.
fn objects(file: &[u8]) -> BTreeMap<usize, (String, Vec<u8>)> {
    let text = String::from_utf8_lossy(file);
    let tail = &text[text.rfind("startxref").unwrap()..];
    let start: usize = tail.lines().nth(1).unwrap().parse().unwrap();
    let table = std::str::from_utf8(&file[start..]).unwrap();
    assert!(table.starts_with("xref\n0 "));
    let mut objects = BTreeMap::new();
    for (number, line) in table.lines().skip(3).take_while(|line| line.len() == 19).enumerate() {
        let place: usize = line[..10].parse().unwrap();
        let object = &file[place..];
        let number = number + 1;
        assert!(object.starts_with(format!("{number} 0 obj\n").as_bytes()));
        let data = find(object, "stream\n").filter(|at| *at < find(object, "endobj").unwrap());
        let head = &object[..data.unwrap_or_else(|| find(object, "endobj").unwrap())];
        let head = std::str::from_utf8(head).unwrap().to_owned();
        let data = data.map_or_else(Vec::new, |at| {
            let length = head.split("/Length ").nth(1).unwrap().split(' ').next().unwrap();
            let length: usize = length.parse().unwrap();
            let data = &object[at + 7..];
            assert!(data[length..].starts_with(b"\nendstream\nendobj\n"));
            data[..length].to_vec()
        });
        objects.insert(number, (head, data));
    }
    objects
}

#[test]
fn pdf_holds_the_pixels() {
    for (pixel_type, space) in TYPES.into_iter().zip(["DeviceGray", "DeviceRGB", "DeviceCMYK"]) {
        let picture = raster((75, 50), pixel_type, Alpha::None);
        let plain = objects(&pdf(&picture, PdfCompression::None, None));
        assert_eq!(plain.len(), 5);
        assert!(plain[&5].0.contains(&format!("/ColorSpace /{space} ")));
        assert_eq!(plain[&5].1, eight(&picture));
        // 300 dots an inch.
        assert!(plain[&3].0.contains("/MediaBox [0 0 18 12]"), "{}", plain[&3].0);

        let jpeg = PdfCompression::Jpeg { quality: 95, full_chroma: true };
        let jpeg = objects(&pdf(&picture, jpeg, None));
        assert!(jpeg[&5].0.contains("/DCTDecode"));
        let ink = pixel_type == PixelType::Cmyk;
        assert_eq!(jpeg[&5].0.contains("/Decode [1 0 1 0 1 0 1 0]"), ink);
        assert_near(eight(&read(&jpeg[&5].1).unwrap().1), eight(&picture), 12);

        let zip = objects(&pdf(&picture, PdfCompression::Zip, None));
        assert!(zip[&5].0.contains("/Predictor 15"));
        assert_eq!(inflated(&zip[&5].1, &picture), eight(&picture));
    }
}

/// Inflates the data of a PDF with filtered rows by making a PNG of them.
fn inflated(data: &[u8], picture: &Raster) -> Vec<u8> {
    let kind = [0, 0, 4, 2, 6][picture.channels()];
    let size = [picture.size().width, picture.size().height].map(u32::to_be_bytes).concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [size.as_slice(), &[8, kind, 0, 0, 0]].concat();
    for (name, data) in [(b"IHDR", header.as_slice()), (b"IDAT", data), (b"IEND", &[])] {
        let chunk = [name.as_slice(), data].concat();
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(&chunk);
        file.extend(crc32fast::hash(&chunk).to_be_bytes());
    }
    image::load_from_memory(&file).unwrap().into_bytes()
}

#[test]
fn pdf_without_resolution_and_with_a_profile() {
    let picture = raster((75, 50), PixelType::Rgb, Alpha::None);
    let profile = reply_profile(PixelType::Rgb).unwrap();
    let encoding = Encoding::Pdf { compression: PdfCompression::None };
    let output = Output { dpi: None, ..output(encoding, PixelType::Rgb, false) };
    let file = encode(&picture, &output, Some(&profile)).unwrap();
    let objects = objects(&file);
    assert!(objects[&3].0.contains("/MediaBox [0 0 75 50]"));
    assert!(objects[&5].0.contains("/ColorSpace [/ICCBased 6 0 R]"));
    assert!(objects[&6].0.contains("/N 3 /Alternate /DeviceRGB"));
    assert_eq!(objects[&6].1, profile);
    assert_eq!(file, encode(&picture, &output, Some(&profile)).unwrap());
    assert!(find(&file, "Date").is_none() && find(&file, "/ID").is_none());
}

#[test]
fn eps_says_where_its_pixels_are() {
    for (pixel_type, mode) in TYPES.into_iter().zip([1, 3, 4]) {
        let picture = raster((75, 50), pixel_type, Alpha::None);
        let output = output(Encoding::Eps, pixel_type, false);
        let profile: Vec<u8> = (0..=100).collect();
        let paths = [circle("round", [0.5, 0.5], 0.25)];
        let embedded = Embedded { profile: Some(&profile), xmp: None, paths: &paths };
        let file = super::super::encode(&picture, &output, embedded).unwrap();
        let start = find(&file, "\nimage\n").unwrap() + 7;
        let head = std::str::from_utf8(&file[..start]).unwrap();
        let line = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert!(head.starts_with("%!PS-Adobe-3.0 EPSF-3.0\n"));
        assert_eq!(line("%%BoundingBox: "), "0 0 18 12");
        assert_eq!(line("%ImageData: "), format!("75 50 8 {mode} 0 1 1 \"image\""));
        let pixels = eight(&picture);
        assert_eq!(&file[start..start + pixels.len()], pixels);
        let counted: usize = line("%%BeginBinary: ").parse().unwrap();
        let behind = &file[start - "image\n".len() + counted..];
        assert!(behind.starts_with(b"%%EndBinary\n"));
        let digits_behind = |line: &str| -> String {
            let behind = head.split(line).nth(1).unwrap().lines().skip(1);
            behind.map_while(|line| line.strip_prefix("% ")).collect()
        };
        let digits =
            |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02X}")).collect() };
        assert_eq!(digits_behind("%%BeginICCProfile: (embedded) 4 Hex Lines"), digits(&profile));
        let resources = photoshop::block(&paths);
        let line = format!("%BeginPhotoshop: {}", resources.len());
        assert_eq!(digits_behind(&line), digits(&resources));
    }
}
