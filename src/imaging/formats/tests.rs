//! Readers on files other writers made, writers read back by other readers.

use std::io::{BufReader, Cursor};
use std::sync::LazyLock;

use image::{ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat};
use mozjpeg::{ColorSpace, Compress};

use super::*;
use crate::imaging::color::reply_profile;
use crate::imaging::hands::Helpers;
use crate::imaging::plan::{Color, Conversion, Quantize, Scans, TiffCompression};
use crate::imaging::raster::{Alpha, Samples};

mod bmp_kinds;
mod embedded;
mod tiff_kinds;
mod written;

// -- pictures to write and read

/// A smooth picture: ramps in both directions, different in every component.
fn ramp(width: u32, height: u32, channels: usize) -> Vec<u8> {
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (x * 255 / width.max(2), y * 255 / height.max(2));
            let all = [x, y, 255 - x, (x + y) / 2, 255 - y];
            samples.extend(all[..channels].iter().map(|&v| u8::try_from(v).unwrap()));
        }
    }
    samples
}

pub(super) fn raster(size: (u32, u32), pixel_type: PixelType, alpha: Alpha) -> Raster {
    let channels = pixel_type.components() + usize::from(alpha == Alpha::Straight);
    let samples = Samples::Eight(ramp(size.0, size.1, channels));
    Raster::new(Size::new(size.0, size.1), pixel_type, alpha, samples).unwrap()
}

pub(super) fn read(file: &[u8]) -> Result<(Header, Raster), ConvertError> {
    let limits = Limits::default();
    let header = header(Cursor::new(file), &limits)?;
    let picture = decode(file, &header, Shrink::Full, &limits);
    // Whoever reads it, several threads do it as one does, mistakes included.
    static HELPERS: LazyLock<Helpers> = LazyLock::new(|| Helpers::start(2, 1 << 20));
    let shared = decode_by(file, &header, Shrink::Full, &limits, HELPERS.hands(3));
    match (&picture, shared) {
        (Ok(picture), Ok(shared)) => assert!(*picture == shared, "several threads differ"),
        (Err(error), Err(shared)) => assert_eq!(error.to_string(), shared.to_string()),
        (picture, shared) => panic!("{picture:?} by one, {shared:?} by several"),
    }
    Ok((header, picture?))
}

pub(super) fn eight(picture: &Raster) -> &[u8] {
    let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
    samples
}

pub(super) fn sixteen(picture: &Raster) -> &[u16] {
    let Samples::Sixteen(samples) = picture.samples() else { panic!("8 bits") };
    samples
}

/// Asserts that no component is off by more than `most`.
#[track_caller]
pub(super) fn assert_near(found: &[u8], wanted: &[u8], most: u8) {
    assert_eq!(found.len(), wanted.len());
    let worst = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(worst <= most, "off by {worst}");
}

/// Writes with the `image` crate's encoders.
fn foreign(
    format: ImageFormat,
    size: (u32, u32),
    color: ExtendedColorType,
    samples: &[u8],
) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    match format {
        ImageFormat::Png => image::codecs::png::PngEncoder::new(&mut file)
            .write_image(samples, size.0, size.1, color),
        ImageFormat::Bmp => image::codecs::bmp::BmpEncoder::new(&mut file)
            .write_image(samples, size.0, size.1, color),
        ImageFormat::Gif => {
            image::codecs::gif::GifEncoder::new(&mut file).encode(samples, size.0, size.1, color)
        }
        ImageFormat::WebP => image::codecs::webp::WebPEncoder::new_lossless(&mut file)
            .write_image(samples, size.0, size.1, color),
        ImageFormat::Tiff => image::codecs::tiff::TiffEncoder::new(&mut file)
            .write_image(samples, size.0, size.1, color),
        _ => panic!("no such test"),
    }
    .unwrap();
    file.into_inner()
}

pub(super) fn output(encoding: Encoding, pixel_type: PixelType, alpha: bool) -> Output {
    let background =
        Color { pixel_type: PixelType::Rgb, components: [255, 255, 255, 0], alpha: 255 };
    Output {
        encoding,
        pixel_type,
        alpha,
        background,
        conversion: Conversion::default(),
        embed_profile: false,
        embed_xmp: false,
        paths: None,
        dpi: Some(300.0),
    }
}

/// Writes a picture with nothing but a profile beside it.
fn encode(
    picture: &Raster,
    output: &Output,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, ConvertError> {
    super::encode(picture, output, Embedded { profile, ..Embedded::default() })
}

const JPEG: Encoding =
    Encoding::Jpeg { quality: 95, full_chroma: true, scans: Scans::Baseline, most_bytes: None };

pub(super) fn write_jpeg(picture: &Raster) -> Vec<u8> {
    encode(picture, &output(JPEG, picture.pixel_type(), false), None).unwrap()
}

/// Puts a marker segment right after the start of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
}

// -- what is no picture

#[test]
fn other_files_are_named() {
    let limits = Limits::default();
    for (bytes, words) in [
        (b"".as_slice(), "empty"),
        (b"Dear Sir,\nplease find attached", "text"),
        ("Größe: 40 × 60 Zentimeter, Höhe ü".as_bytes(), "text"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", "zero"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x01\x02\x03\x04", "not a kind of picture"),
        (b"\xff\xd8", "not a kind of picture"),
    ] {
        match header(Cursor::new(bytes), &limits) {
            Err(ConvertError::Unknown { found }) => assert!(found.contains(words), "{found}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

// -- JPEG

#[test]
fn jpeg_gray_and_rgb_come_back() {
    for pixel_type in [PixelType::Gray, PixelType::Rgb] {
        let picture = raster((40, 30), pixel_type, Alpha::None);
        for (full_chroma, progressive) in
            [(true, false), (false, false), (true, true), (false, true)]
        {
            let scans = if progressive { Scans::Progressive } else { Scans::Baseline };
            let encoding = Encoding::Jpeg { quality: 95, full_chroma, scans, most_bytes: None };
            let file = encode(&picture, &output(encoding, pixel_type, false), None).unwrap();
            let (header, found) = read(&file).unwrap();
            assert_eq!((header.dpi, header.bits, header.alpha), (Some(300.0), 8, false));
            assert_near(eight(&found), eight(&picture), 9);
            // Another decoder agrees.
            let other = image_jpeg(&file);
            assert_near(&other, eight(&picture), 9);
            let sof = if progressive { 0xc2 } else { 0xc0 };
            assert!(file.windows(2).any(|w| w == [0xff, sof]));
        }
    }
}

/// Decodes with the decoder of another crate.
fn image_jpeg(file: &[u8]) -> Vec<u8> {
    // The image crate is built without JPEG; the TIFF crate's decoder is not public. libjpeg with
    // its own settings has to do.
    let start = mozjpeg::Decompress::new_mem(file).unwrap();
    let gray = start.color_space() == ColorSpace::JCS_GRAYSCALE;
    let mut lines = if gray { start.grayscale() } else { start.rgb() }.unwrap();
    lines.read_scanlines::<u8>().unwrap()
}

#[test]
fn cmyk_jpeg_is_inverted_when_adobe_made_it() {
    let picture = raster((32, 24), PixelType::Cmyk, Alpha::None);
    let file = write_jpeg(&picture);
    assert!(file.windows(5).any(|w| w == b"Adobe"));
    let (header, found) = read(&file).unwrap();
    assert_eq!((header.pixel_type, header.dpi), (PixelType::Cmyk, Some(300.0)));
    assert_near(eight(&found), eight(&picture), 12);
    // What lies in the file is the inverse.
    let mut raw =
        mozjpeg::Decompress::new_mem(&file).unwrap().to_colorspace(ColorSpace::JCS_CMYK).unwrap();
    let inverse: Vec<u8> = raw.read_scanlines::<u8>().unwrap().iter().map(|v| 255 - v).collect();
    assert_eq!(inverse, eight(&found));
}

#[test]
fn cmyk_jpeg_without_adobe_is_as_it_is() {
    let samples = ramp(16, 16, 4);
    let mut compress = Compress::new(ColorSpace::JCS_CMYK);
    compress.set_size(16, 16);
    compress.set_quality(98.0);
    let mut started = compress.start_compress(Vec::new()).unwrap();
    started.write_scanlines(&samples).unwrap();
    let mut file = started.finish().unwrap();
    let at = file.windows(5).position(|w| w == b"Adobe").unwrap();
    // The segment without its name is nobody's.
    file[at..at + 5].copy_from_slice(b"Nobdy");
    let (_, found) = read(&file).unwrap();
    assert_near(eight(&found), &samples, 12);
}

/// Makes a baseline 4:2:0 JPEG of three scans with one component each, as `cjpeg -scans` does, by
/// putting together the scans of three gray ones.
pub(super) fn non_interleaved(width: u32, height: u32, planes: [&[u8]; 3]) -> Vec<u8> {
    let gray = |samples: &[u8], width: u32, height: u32| {
        let mut compress = Compress::new(ColorSpace::JCS_GRAYSCALE);
        compress.set_size(width as usize, height as usize);
        compress.set_fastest_defaults();
        compress.set_quality(95.0);
        let mut started = compress.start_compress(Vec::new()).unwrap();
        started.write_scanlines(samples).unwrap();
        started.finish().unwrap()
    };
    let half = (width.div_ceil(2), height.div_ceil(2));
    let files = [
        gray(planes[0], width, height),
        gray(planes[1], half.0, half.1),
        gray(planes[2], half.0, half.1),
    ];
    let find = |file: &[u8], marker: u8| file.windows(2).position(|w| w == [0xff, marker]).unwrap();
    // Tables up to the frame header, which stands before the Huffman tables.
    let first = &files[0];
    let frame = find(first, 0xc0);
    let mut out = first[..frame].to_vec();
    out.extend([0xff, 0xc0, 0, 17, 8]);
    out.extend(u16::try_from(height).unwrap().to_be_bytes());
    out.extend(u16::try_from(width).unwrap().to_be_bytes());
    out.extend([3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
    let after = frame + 2 + usize::from(u16::from_be_bytes([first[frame + 2], first[frame + 3]]));
    out.extend(&first[after..find(first, 0xda)]);
    for (id, file) in (1..).zip(&files) {
        out.extend([0xff, 0xda, 0, 8, 1, id, 0, 0, 63, 0]);
        let data = find(file, 0xda) + 10;
        out.extend(&file[data..file.len() - 2]);
    }
    out.extend([0xff, 0xd9]);
    out
}

#[test]
fn non_interleaved_420_decodes_right() {
    let (width, height) = (50, 37);
    let luma = ramp(width, height, 1);
    let half = (width.div_ceil(2), height.div_ceil(2));
    let down: Vec<u8> = (0..half.1)
        .flat_map(|y| (0..half.0).map(move |x| u8::try_from(90 + x + y).unwrap()))
        .collect();
    let up: Vec<u8> = down.iter().map(|v| 255 - v).collect();
    let file = non_interleaved(width, height, [&luma, &down, &up]);
    let (_, found) = read(&file).unwrap();
    let mut wanted = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let l = f32::from(luma[(y * width + x) as usize]);
            let at = ((y / 2) * half.0 + x / 2) as usize;
            let (cb, cr) = (f32::from(down[at]) - 128.0, f32::from(up[at]) - 128.0);
            for v in [l + 1.402 * cr, l - 0.344 * cb - 0.714 * cr, l + 1.772 * cb] {
                wanted.push(v.round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    assert_near(eight(&found), &wanted, 8);
}

#[test]
fn decoding_smaller_is_the_picture_smaller() {
    let picture = raster((101, 67), PixelType::Rgb, Alpha::None);
    let file = write_jpeg(&picture);
    let limits = Limits::default();
    let header = header(Cursor::new(&file), &limits).unwrap();
    for shrink in Shrink::STRONGEST_FIRST {
        let small = decode(&file, &header, shrink, &limits).unwrap();
        assert_eq!(small.size(), shrink.applied(picture.size()));
        let by = shrink.divisor() as usize;
        let found = eight(&small)[..3].iter().map(|v| f32::from(*v)).collect::<Vec<_>>();
        let mut mean = vec![0.0; 3];
        for y in 0..by {
            for x in 0..by {
                let pixel = &eight(&picture)[(y * 101 + x) * 3..][..3];
                for (mean, value) in mean.iter_mut().zip(pixel) {
                    *mean += f32::from(*value) / (by * by) as f32;
                }
            }
        }
        for (a, b) in found.iter().zip(mean) {
            assert!((a - b).abs() < 6.0, "{shrink:?} {a} {b}");
        }
    }
}

#[test]
fn jpeg_profile_in_pieces_comes_back() {
    let profile: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let picture = raster((9, 9), PixelType::Rgb, Alpha::None);
    let file = encode(&picture, &output(JPEG, PixelType::Rgb, false), Some(&profile)).unwrap();
    assert_eq!(read(&file).unwrap().0.profile.as_deref(), Some(profile.as_slice()));
}

#[test]
fn jpeg_orientation_is_read_and_the_camera_s_resolution_stands_in() {
    let mut file = write_jpeg(&raster((9, 9), PixelType::Rgb, Alpha::None));
    let block = [b"Exif\0\0".as_slice(), &super::exif::tests::block(7, false)].concat();
    let at = file.windows(5).position(|w| w == b"JFIF\0").unwrap();
    file[at + 7] = 0; // JFIF without a unit
    let header = read(&with_segment(&file, 0xe1, &block)).unwrap().0;
    assert_eq!(header.orientation, Orientation::Transverse);
    assert_eq!(header.dpi, Some(300.0));
}

#[test]
fn jpeg_oddities_are_tolerated() {
    let picture = raster((16, 16), PixelType::Rgb, Alpha::None);
    let file = write_jpeg(&picture);
    let plain = read(&file).unwrap().1;
    let trailing = [file.as_slice(), b"camera maker's own appendix \xff\xd8"].concat();
    assert_eq!(read(&trailing).unwrap().1, plain);
    // Behind the JFIF segment.
    let stray = [&file[..20], &[0, 0, 0], &file[20..]].concat();
    assert_eq!(read(&stray).unwrap().1, plain);
}

// -- PNG

#[test]
fn png_of_every_kind_comes_back() {
    for (pixel_type, alpha, color) in [
        (PixelType::Gray, Alpha::None, ExtendedColorType::L8),
        (PixelType::Gray, Alpha::Straight, ExtendedColorType::La8),
        (PixelType::Rgb, Alpha::None, ExtendedColorType::Rgb8),
        (PixelType::Rgb, Alpha::Straight, ExtendedColorType::Rgba8),
    ] {
        let picture = raster((13, 7), pixel_type, alpha);
        let file = foreign(ImageFormat::Png, (13, 7), color, eight(&picture));
        assert_eq!(read(&file).unwrap().1, picture);
        let alpha = alpha == Alpha::Straight;
        let file = encode(&picture, &output(Encoding::Png, pixel_type, alpha), None).unwrap();
        let other = image::load_from_memory(&file).unwrap();
        assert_eq!(other.as_bytes(), eight(&picture));
        assert_eq!(read(&file).unwrap().0.dpi.map(f64::round), Some(300.0));
    }
}

#[test]
fn png_small_depths_palettes_and_keys() {
    type Set = fn(&mut ::png::Encoder<'_, &mut Vec<u8>>);
    let write = |set: Set, data: &[u8]| {
        let mut file = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut file, 4, 1);
        set(&mut encoder);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        read(&file).unwrap()
    };
    let (header, picture) = write(
        |e| {
            e.set_color(::png::ColorType::Grayscale);
            e.set_depth(::png::BitDepth::One);
        },
        &[0b1010_0000],
    );
    assert_eq!((header.bits, eight(&picture)), (1, [255, 0, 255, 0].as_slice()));
    let (header, picture) = write(
        |e| {
            e.set_color(::png::ColorType::Indexed);
            e.set_depth(::png::BitDepth::Two);
            e.set_palette(vec![1, 2, 3, 4, 5, 6, 7, 8, 9]);
            e.set_trns(vec![255, 128]);
        },
        &[0b0001_1001],
    );
    assert_eq!((header.pixel_type, header.alpha, header.bits), (PixelType::Rgb, true, 2));
    assert_eq!(eight(&picture), [1, 2, 3, 255, 4, 5, 6, 128, 7, 8, 9, 255, 4, 5, 6, 128]);
    let (header, picture) = write(
        |e| {
            e.set_color(::png::ColorType::Grayscale);
            e.set_depth(::png::BitDepth::Sixteen);
            e.set_trns(vec![0x12, 0x34]);
        },
        &[0x12, 0x34, 0x12, 0x35, 0, 0, 0xff, 0xff],
    );
    assert_eq!((header.bits, header.alpha), (16, true));
    assert_eq!(sixteen(&picture), [0x1234, 0, 0x1235, 0xffff, 0, 0xffff, 0xffff, 0xffff]);
}

#[test]
fn png_carries_profile_and_orientation() {
    let profile = reply_profile(PixelType::Rgb).unwrap();
    let picture = raster((5, 5), PixelType::Rgb, Alpha::None);
    let file = encode(&picture, &output(Encoding::Png, PixelType::Rgb, false), Some(&profile));
    let mut file = file.unwrap();
    assert_eq!(read(&file).unwrap().0.profile.as_deref(), Some(profile.as_slice()));
    let mut decoder = image::codecs::png::PngDecoder::new(Cursor::new(&file)).unwrap();
    assert_eq!(decoder.icc_profile().unwrap(), Some(profile));
    // An eXIf chunk before the pixels.
    let mut chunk = b"eXIf".to_vec();
    chunk.extend(super::exif::tests::block(5, true));
    let at = file.windows(4).position(|w| w == b"IDAT").unwrap() - 4;
    let length = u32::try_from(chunk.len() - 4).unwrap();
    let check = crc32fast::hash(&chunk);
    let whole = [&length.to_be_bytes(), chunk.as_slice(), &check.to_be_bytes()].concat();
    file.splice(at..at, whole);
    assert_eq!(read(&file).unwrap().0.orientation, Orientation::Transpose);
}

// -- TIFF

#[test]
fn tiff_of_every_kind_comes_back() {
    for compression in [TiffCompression::None, TiffCompression::Lzw, TiffCompression::Zip] {
        for pixel_type in [PixelType::Gray, PixelType::Rgb, PixelType::Cmyk] {
            for alpha in [Alpha::None, Alpha::Straight] {
                // Two strips at least.
                let picture = raster((700, 800), pixel_type, alpha);
                let alpha = alpha == Alpha::Straight;
                let output = output(Encoding::Tiff { compression }, pixel_type, alpha);
                let file = encode(&picture, &output, Some(b"profile")).unwrap();
                let (header, found) = read(&file).unwrap();
                assert_eq!((header.dpi, header.alpha), (Some(300.0), alpha));
                assert_eq!(header.profile.as_deref(), Some(b"profile".as_slice()));
                assert!(found == picture.clone().with_profile(header.profile), "{output:?}");
            }
        }
    }
}

#[test]
fn tiff_is_read_by_others() {
    for (pixel_type, alpha) in
        [(PixelType::Gray, false), (PixelType::Rgb, false), (PixelType::Rgb, true)]
    {
        let picture = raster((30, 20), pixel_type, Alpha::from_bool(alpha));
        let compression = TiffCompression::Lzw;
        let file =
            encode(&picture, &output(Encoding::Tiff { compression }, pixel_type, alpha), None)
                .unwrap();
        assert_eq!(image::load_from_memory(&file).unwrap().as_bytes(), eight(&picture));
    }
}

#[test]
fn tiff_of_others_is_read() {
    let samples = ramp(21, 11, 4);
    let file = foreign(ImageFormat::Tiff, (21, 11), ExtendedColorType::Rgb8, &ramp(21, 11, 3));
    assert_eq!(eight(&read(&file).unwrap().1), ramp(21, 11, 3));
    // The image crate does not say what the fourth sample is: it is nothing.
    let file = foreign(ImageFormat::Tiff, (21, 11), ExtendedColorType::Rgba8, &samples);
    let (header, _) = read(&file).unwrap();
    assert!(!header.alpha);
    let wide: Vec<u8> = [7_u16, 300, 65_535].iter().flat_map(|v| v.to_ne_bytes()).collect();
    let file = foreign(ImageFormat::Tiff, (1, 1), ExtendedColorType::Rgb16, &wide);
    assert_eq!(sixteen(&read(&file).unwrap().1), [7, 300, 65_535]);
}

/// Writes a TIFF tag by tag; values are SHORTs, LONGs (one) or anything that needs a place.
struct Tiff {
    file: Vec<u8>,
    /// Where the place of the directory is noted.
    link: usize,
    entries: Vec<(u16, u16, u32, Vec<u8>)>,
}

impl Tiff {
    fn new(width: u16, height: u16, photometric: u16, bits: &[u16]) -> Self {
        let file = b"MM\0\x2a\0\0\0\0".to_vec();
        let mut tiff = Self { file, link: 4, entries: Vec::new() };
        tiff.shorts(256, &[width]).shorts(257, &[height]).shorts(262, &[photometric]);
        tiff.shorts(258, bits).shorts(277, &[u16::try_from(bits.len()).unwrap()]);
        tiff
    }

    /// Makes it the next page of a file.
    fn after(&mut self, file: Vec<u8>) -> &mut Self {
        self.link = file.len() - 4;
        self.file = file;
        self
    }

    fn shorts(&mut self, tag: u16, values: &[u16]) -> &mut Self {
        let bytes = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        self.entries.push((tag, 3, u32::try_from(values.len()).unwrap(), bytes));
        self
    }

    fn longs(&mut self, tag: u16, values: &[u32]) -> &mut Self {
        let bytes = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        self.entries.push((tag, 4, u32::try_from(values.len()).unwrap(), bytes));
        self
    }

    /// Appends pieces of pixel data and points the two tags at them.
    fn pieces(&mut self, offsets: u16, lengths: u16, pieces: &[&[u8]]) -> &mut Self {
        let mut at = Vec::new();
        for piece in pieces {
            at.push(u32::try_from(self.file.len()).unwrap());
            self.file.extend_from_slice(piece);
        }
        let long: Vec<u32> = pieces.iter().map(|p| u32::try_from(p.len()).unwrap()).collect();
        self.longs(offsets, &at).longs(lengths, &long)
    }

    fn strip(&mut self, data: &[u8]) -> &mut Self {
        self.pieces(273, 279, &[data])
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(|entry| entry.0);
        let mut directory = u16::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        for (tag, kind, count, mut bytes) in entries {
            if bytes.len() > 4 {
                let at = u32::try_from(self.file.len()).unwrap();
                self.file.extend(&bytes);
                bytes = at.to_be_bytes().to_vec();
            }
            bytes.resize(4, 0);
            directory.extend(tag.to_be_bytes());
            directory.extend(kind.to_be_bytes());
            directory.extend(count.to_be_bytes());
            directory.extend(bytes);
        }
        directory.extend([0; 4]);
        let at = u32::try_from(self.file.len()).unwrap();
        self.file[self.link..self.link + 4].copy_from_slice(&at.to_be_bytes());
        self.file.extend(directory);
        std::mem::take(&mut self.file)
    }
}

#[test]
fn tiff_bits_palettes_and_white_is_zero() {
    let file = Tiff::new(9, 2, 0, &[1]).strip(&[0b1010_1010, 0x80, 0, 0]).finish();
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.bits, header.pixel_type), (1, PixelType::Gray));
    let first = [0, 255, 0, 255, 0, 255, 0, 255, 0];
    assert_eq!(eight(&picture), [first, [255; 9]].concat());
    // Four bits of palette, colours only at 0 and 15.
    let mut map = vec![0_u16; 48];
    (map[15], map[31], map[47]) = (0xffff, 0x8000, 0x0100);
    let file = Tiff::new(3, 1, 3, &[4]).shorts(320, &map).strip(&[0xf0, 0xf0]).finish();
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.bits, header.pixel_type), (4, PixelType::Rgb));
    assert_eq!(eight(&picture), [255, 128, 1, 0, 0, 0, 255, 128, 1]);
    let short = Tiff::new(3, 1, 3, &[4]).shorts(320, &map[..40]).strip(&[0xf0, 0xf0]).finish();
    assert!(matches!(read(&short), Err(ConvertError::Damaged { .. })));
}

#[test]
fn tiff_alpha_is_what_the_file_says() {
    let pixel = [100, 50, 0, 128];
    let file = |kind: u16| Tiff::new(1, 1, 2, &[8; 4]).shorts(338, &[kind]).strip(&pixel).finish();
    assert_eq!(eight(&read(&file(1)).unwrap().1), [199, 100, 0, 128]);
    assert_eq!(eight(&read(&file(2)).unwrap().1), [100, 50, 0, 128]);
    assert_eq!(eight(&read(&file(0)).unwrap().1), [100, 50, 0]);
    let gray = Tiff::new(2, 1, 1, &[8; 2]).shorts(338, &[2]).strip(&[9, 8, 7, 6]).finish();
    let (header, picture) = read(&gray).unwrap();
    assert!(header.alpha);
    assert_eq!(eight(&picture), [9, 8, 7, 6]);
}

#[test]
fn tiff_planes_tiles_and_packbits() {
    let mut planes = Tiff::new(2, 1, 2, &[8; 3]);
    let file = planes.shorts(284, &[2]).pieces(273, 279, &[&[1, 2], &[3, 4], &[5, 6]]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [1, 3, 5, 2, 4, 6]);
    // Two tiles of 16 × 16 for 20 × 3 pixels.
    let tile = |first: u8| -> Vec<u8> {
        (0..=255_u8)
            .map(|n| first.wrapping_add(n % 16).wrapping_add((n / 16).wrapping_mul(50)))
            .collect()
    };
    let mut tiles = Tiff::new(20, 3, 1, &[8]);
    tiles.shorts(322, &[16]).shorts(323, &[16]);
    let file = tiles.pieces(324, 325, &[&tile(0), &tile(16)]).finish();
    let wanted: Vec<u8> = (0..3_u8).flat_map(|y| (0..20).map(move |x| x + y * 50)).collect();
    assert_eq!(eight(&read(&file).unwrap().1), wanted);
    // PackBits: −3 repeats four times, 1 copies two.
    let file = Tiff::new(6, 1, 1, &[8]).shorts(259, &[32_773]).strip(&[253, 7, 1, 8, 9]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [7, 7, 7, 7, 8, 9]);
}

#[test]
fn tiff_cmyk_of_sixteen_bits_and_orientation() {
    let samples = [0_u16, 1000, 40_000, 65_535];
    let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
    let mut tiff = Tiff::new(1, 1, 5, &[16; 4]);
    let file = tiff.shorts(274, &[3]).shorts(296, &[3]).strip(&bytes).finish();
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.pixel_type, header.bits), (PixelType::Cmyk, 16));
    assert_eq!((header.orientation, header.dpi), (Orientation::Rotate180, None));
    assert_eq!(sixteen(&picture), samples);
}

// -- GIF

#[test]
fn gif_transparency_and_small_frames() {
    let mut file = Vec::new();
    let mut encoder = ::gif::Encoder::new(&mut file, 3, 2, &[10, 20, 30, 40, 50, 60]).unwrap();
    let frame = ::gif::Frame {
        left: 1,
        width: 2,
        height: 1,
        transparent: Some(1),
        buffer: vec![0, 1].into(),
        ..::gif::Frame::default()
    };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let (header, picture) = read(&file).unwrap();
    assert!(header.alpha);
    let mut wanted = vec![0; 24];
    wanted[4..8].copy_from_slice(&[10, 20, 30, 255]);
    assert_eq!(eight(&picture), wanted);
}

#[test]
fn gif_of_few_colours_is_exact() {
    let samples: Vec<u8> = (0..100_u8).flat_map(|n| [n % 16 * 16, n / 16 * 30, 77]).collect();
    let picture = Raster::new(
        Size::new(10, 10),
        PixelType::Rgb,
        Alpha::None,
        Samples::Eight(samples.clone()),
    )
    .unwrap();
    let file = encode(
        &picture,
        &output(Encoding::Gif { palette: Quantize::default() }, PixelType::Rgb, false),
        None,
    )
    .unwrap();
    assert_eq!(read(&file).unwrap().1, picture);
    assert_eq!(image::load_from_memory(&file).unwrap().to_rgb8().as_raw(), &samples);
}

#[test]
fn gif_of_many_colours_keeps_its_means() {
    let picture = raster((64, 64), PixelType::Rgb, Alpha::None);
    let file = encode(
        &picture,
        &output(Encoding::Gif { palette: Quantize::default() }, PixelType::Rgb, false),
        None,
    )
    .unwrap();
    let found = read(&file).unwrap().1;
    for (a, b) in means(eight(&found)).iter().zip(means(eight(&picture))) {
        // The palette does not reach the very corners of the colour cube.
        assert!((a - b).abs() < 4.0, "{a} {b}");
    }
    let again = encode(
        &picture,
        &output(Encoding::Gif { palette: Quantize::default() }, PixelType::Rgb, false),
        None,
    )
    .unwrap();
    assert_eq!(file, again);
}

/// Means of the components over squares of 8 × 8 pixels of a picture 64 wide.
fn means(samples: &[u8]) -> Vec<f64> {
    let mut means = vec![0.0; 64 * 3];
    for (n, pixel) in samples.chunks_exact(3).enumerate() {
        let square = n / 64 / 8 * 8 + n % 64 / 8;
        for c in 0..3 {
            means[square * 3 + c] += f64::from(pixel[c]) / 64.0;
        }
    }
    means
}

// -- WebP and BMP

#[test]
fn webp_comes_back() {
    for alpha in [false, true] {
        let picture = raster((33, 21), PixelType::Rgb, Alpha::from_bool(alpha));
        let channels = if alpha { 4 } else { 3 };
        let lossless = Encoding::Webp { quality: None };
        let file = encode(&picture, &output(lossless, PixelType::Rgb, alpha), None).unwrap();
        let (header, found) = read(&file).unwrap();
        assert_eq!((header.alpha, header.size), (alpha, Size::new(33, 21)));
        assert_eq!(header.dpi, Some(300.0));
        for (a, b) in eight(&found).chunks(channels).zip(eight(&picture).chunks(channels)) {
            assert!(a == b || (alpha && a[3] == 0 && b[3] == 0), "{a:?} {b:?}");
        }
        let lossy = Encoding::Webp { quality: Some(90) };
        let file = encode(&picture, &output(lossy.clone(), PixelType::Rgb, alpha), None).unwrap();
        let header = read(&file).unwrap().0;
        assert_eq!((header.alpha, header.dpi), (alpha, Some(300.0)));
        let picture = raster((33, 21), PixelType::Rgb, Alpha::None);
        let file = encode(&picture, &output(lossy, PixelType::Rgb, false), None).unwrap();
        assert_near(eight(&read(&file).unwrap().1), eight(&picture), 24);
        let other = webp_of_libwebp(&file);
        assert_near(&other, eight(&picture), 24);
    }
}

fn webp_of_libwebp(file: &[u8]) -> Vec<u8> {
    ::webp::Decoder::new(file).decode().unwrap().to_vec()
}

#[test]
fn webp_carries_profile_and_orientation() {
    let profile = reply_profile(PixelType::Rgb).unwrap();
    let mut file = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    encoder.set_icc_profile(profile.clone()).unwrap();
    encoder.set_exif_metadata(super::exif::tests::block(8, true)).unwrap();
    encoder.write_image(&ramp(5, 4, 3), 5, 4, ExtendedColorType::Rgb8).unwrap();
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.orientation, header.dpi), (Orientation::Rotate270, Some(300.0)));
    assert_eq!(header.profile.as_deref(), Some(profile.as_slice()));
    assert_eq!(eight(&picture), ramp(5, 4, 3));
}

#[test]
fn webp_that_is_too_large_says_so() {
    let samples = Samples::Eight(vec![0; 16_384 * 3]);
    let picture = Raster::new(Size::new(16_384, 1), PixelType::Rgb, Alpha::None, samples).unwrap();
    let lossy = Encoding::Webp { quality: Some(80) };
    let error = encode(&picture, &output(lossy, PixelType::Rgb, false), None).unwrap_err();
    assert!(error.to_string().contains("at most 16,383"), "{error}");
}

#[test]
fn bmp_comes_in() {
    let rgb = ramp(7, 5, 3);
    let mut file = foreign(ImageFormat::Bmp, (7, 5), ExtendedColorType::Rgb8, &rgb);
    file[38..42].copy_from_slice(&11_811_i32.to_le_bytes());
    let (header, picture) = read(&file).unwrap();
    assert_eq!(header.dpi.map(f64::round), Some(300.0));
    assert_eq!((eight(&picture), header.pixel_type), (rgb.as_slice(), PixelType::Rgb));
}

// -- damage

/// One file of every kind, with the number of bytes at the end that hold no pixels.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let rgb = raster((64, 64), PixelType::Rgb, Alpha::None);
    let make = |encoding| encode(&rgb, &output(encoding, PixelType::Rgb, false), None).unwrap();
    let progressive = Encoding::Jpeg {
        quality: 80,
        full_chroma: false,
        scans: Scans::Progressive,
        most_bytes: None,
    };
    let tiff = |compression| make(Encoding::Tiff { compression });
    let strip_last = |kind: u16, data: &[u8]| {
        // Directory first, pixels last, as cameras and scanners write.
        let mut tiff = Tiff::new(64, 64, 1, &[8]);
        let mut file = tiff.shorts(259, &[kind]).strip(data).finish();
        let at = u32::from_be_bytes(*file[4..].first_chunk().unwrap()) as usize;
        let directory = file.split_off(at);
        let pixels = file.split_off(8);
        // Offsets move by the directory, which now stands at 8.
        let moved = u32::try_from(8 + directory.len()).unwrap();
        file[4..8].copy_from_slice(&8_u32.to_be_bytes());
        file.extend(directory);
        let entry = file[10..].chunks_exact(12).position(|e| e[..2] == [1, 17]).unwrap();
        file[10 + entry * 12 + 8..][..4].copy_from_slice(&moved.to_be_bytes());
        file.extend(pixels);
        file
    };
    vec![
        ("jpeg", make(JPEG)),
        ("progressive jpeg", make(progressive)),
        ("png", make(Encoding::Png)),
        ("gif", make(Encoding::Gif { palette: Quantize::default() })),
        ("webp", make(Encoding::Webp { quality: Some(80) })),
        ("lossless webp", make(Encoding::Webp { quality: None })),
        ("tiff", tiff(TiffCompression::None)),
        ("lzw tiff", tiff(TiffCompression::Lzw)),
        ("zip tiff", tiff(TiffCompression::Zip)),
        ("tiff, pixels last", strip_last(1, &ramp(64, 64, 1))),
        ("bmp", foreign(ImageFormat::Bmp, (64, 64), ExtendedColorType::Rgb8, eight(&rgb))),
        ("psd", psd::tests::ramps(0)),
        ("packed psd", psd::tests::ramps(1)),
        ("zip psd", psd::tests::ramps(2)),
    ]
}

#[test]
fn what_is_cut_short_is_damaged() {
    for (name, file) in files() {
        read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let length = file.len();
        for cut in [length - length / 50 - 2, length * 3 / 4, length / 2, length / 4, 40] {
            match read(&file[..cut]) {
                Err(ConvertError::Damaged { detail }) => assert!(!detail.is_empty()),
                Err(other) => panic!("{name} cut at {cut} of {length}: {other:?}"),
                Ok(_) => panic!("{name} cut at {cut} of {length} is read"),
            }
        }
    }
}

#[test]
fn no_damage_ever_panics() {
    let mut seed = 1_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let limits =
        Limits { max_pixels: 1 << 20, max_side: 5000, max_alloc: 64 << 20, ..Limits::default() };
    for (_, file) in files() {
        for _ in 0..150 {
            let mut broken = file.clone();
            for _ in 0..=random() % 4 {
                let at = random() as usize % broken.len();
                broken[at] = random().to_le_bytes()[0];
            }
            if let Ok(header) = header(Cursor::new(&broken), &limits) {
                let _ = decode(&broken, &header, Shrink::Half, &limits);
            }
        }
    }
}

#[test]
fn a_hole_in_a_jpeg_is_found() {
    let mut file = write_jpeg(&raster((200, 200), PixelType::Rgb, Alpha::None));
    // The end of the picture in the middle of its data.
    let middle = file.len() / 2;
    file[middle..middle + 2].copy_from_slice(&[0xff, 0xd9]);
    match read(&file) {
        Err(ConvertError::Damaged { detail }) => assert!(detail.contains("missing"), "{detail}"),
        other => panic!("{other:?}"),
    }
}

// -- bombs

#[test]
fn bombs_are_refused_by_their_header() {
    let limits =
        Limits { max_pixels: 1_000_000, max_side: 5000, max_alloc: 1 << 20, ..Limits::default() };
    let refuse = |name: &str, bytes: &[u8]| {
        // Only the header is there: nothing can have been decoded.
        match header(BufReader::new(Cursor::new(bytes)), &limits) {
            Err(ConvertError::TooLarge { .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
    };
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = b"IHDR".to_vec();
    chunk.extend([0, 0, 0x55, 0xf0, 0, 0, 0x55, 0xf0, 8, 0, 0, 0, 0]);
    png.extend(13_u32.to_be_bytes());
    png.extend(&chunk);
    png.extend(crc32fast::hash(&chunk).to_be_bytes());
    png.extend([0, 0, 0, 0]);
    png.extend(b"IDAT");
    png.extend(crc32fast::hash(b"IDAT").to_be_bytes());
    refuse("png", &png);
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xdc, 0xff, 0xdc, 1, 1, 0x11, 0];
    jpeg.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    refuse("jpeg", &jpeg);
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02";
    refuse("gif", gif);
    refuse("tiff", &Tiff::new(60_000, 60_000, 1, &[8]).strip(&[0]).finish());
    let mut bmp = foreign(ImageFormat::Bmp, (2, 2), ExtendedColorType::Rgb8, &[0; 12]);
    bmp[18..22].copy_from_slice(&30_000_i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&30_000_i32.to_le_bytes());
    refuse("bmp", &bmp);
    let mut psd = psd::tests::ramps(1);
    psd[14..22].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    refuse("psd", &psd);
    let lossless = Encoding::Webp { quality: None };
    let picture = raster((64, 64), PixelType::Rgb, Alpha::None);
    let output_of_webp = Output { dpi: None, ..output(lossless.clone(), PixelType::Rgb, false) };
    let mut webp = encode(&picture, &output_of_webp, None).unwrap();
    let at = webp.windows(4).position(|w| w == b"VP8L").unwrap() + 9;
    webp[at..at + 4].copy_from_slice(&[0xff, 0xef, 0xff, 0x0b]);
    refuse("webp", &webp);
    // The extended form says the size again; what the pixels say must not be more.
    let mut webp = encode(&picture, &output(lossless, PixelType::Rgb, false), None).unwrap();
    let at = webp.windows(4).position(|w| w == b"VP8L").unwrap() + 9;
    webp[at..at + 4].copy_from_slice(&[0xff, 0xef, 0xff, 0x0b]);
    assert!(read(&webp).is_err());
    // More than one scan keeps all coefficients: two bytes a sample, of what is 750 KB as pixels.
    let jpeg = |marker, components| {
        let mut jpeg = vec![0xff, 0xd8, 0xff, marker, 0, 17, 8, 1, 0xf4, 1, 0xf4];
        jpeg.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
        jpeg.extend([0xff, 0xda, 0, 6 + 2 * components, components]);
        jpeg
    };
    refuse("progressive jpeg", &jpeg(0xc2, 3));
    refuse("jpeg of separate scans", &jpeg(0xc0, 1));
    assert!(header(Cursor::new(jpeg(0xc0, 3)), &limits).is_ok());
}

#[test]
fn alpha_is_divided_out() {
    let mut pixels = [64_u8, 0, 128, 128, 10, 20, 30, 0, 1, 2, 3, 255];
    divide_alpha(&mut pixels, 4);
    assert_eq!(pixels, [128, 0, 255, 128, 0, 0, 0, 0, 1, 2, 3, 255]);
}
