use proptest::prelude::*;

use super::super::boxes::boxed;
use super::super::tests::{assert_near, eight, raster, read, sixteen};
use super::*;
use crate::imaging::Size;

fn write(picture: &Raster, quality: Option<u8>) -> Vec<u8> {
    encode(picture, quality, Some(300.0)).unwrap()
}

#[test]
fn lossless_is_bit_exact() {
    for size in [(1, 1), (3, 5), (1, 40), (70, 33), (300, 200)] {
        for pixel_type in [PixelType::Gray, PixelType::Rgb] {
            for alpha in [Alpha::None, Alpha::Straight] {
                let picture = raster(size, pixel_type, alpha);
                let file = write(&picture, None);
                assert_eq!(file, write(&picture, None), "the same bytes on every run");
                let (header, found) = read(&file).unwrap();
                assert_eq!(header.format, SourceFormat::Jpeg2000);
                assert_eq!((header.bits, header.dpi), (8, Some(300.0)));
                assert_eq!(found, picture, "{size:?} {pixel_type:?} {alpha:?}");
            }
        }
    }
}

#[test]
fn lossy_is_near_and_quality_counts() {
    let picture = raster((200, 150), PixelType::Rgb, Alpha::Straight);
    let (low, high) = (write(&picture, Some(10)), write(&picture, Some(95)));
    assert!(low.len() < high.len() && high.len() < write(&picture, None).len());
    let (_, found) = read(&high).unwrap();
    assert_near(eight(&found), eight(&picture), 20);
}

#[test]
fn a_tile_is_no_seam() {
    let picture = raster((4100, 9), PixelType::Gray, Alpha::None);
    let (_, found) = read(&write(&picture, None)).unwrap();
    assert_eq!(found, picture);
}

#[test]
fn cmyk_is_refused_with_a_way_out() {
    let picture = raster((4, 4), PixelType::Cmyk, Alpha::None);
    let error = encode(&picture, None, None).unwrap_err();
    assert!(error.to_string().contains("RGB or gray"), "{error}");
}

// -- files of others

/// Puts other boxes around the codestream of a written file.
fn rebox(file: &[u8], boxes: &[Vec<u8>]) -> Vec<u8> {
    let start = file.windows(4).position(|bytes| bytes == BARE).unwrap();
    let first = &file[..32];
    let description = boxed(b"jp2h", &[&boxes.concat()]);
    [first, &description, &boxed(b"jp2c", &[&file[start..]])].concat()
}

fn colr(number: u8) -> Vec<u8> {
    boxed(b"colr", &[&[1, 0, 0, 0, 0, 0, number]])
}

#[test]
fn bare_codestreams_are_read() {
    let picture = raster((20, 10), PixelType::Rgb, Alpha::Straight);
    let file = write(&picture, None);
    let start = file.windows(4).position(|bytes| bytes == BARE).unwrap();
    let (header, found) = read(&file[start..]).unwrap();
    assert_eq!(header.dpi, None);
    assert_eq!(found, picture);
}

#[test]
fn four_components_are_cmyk_when_the_file_says_so() {
    let picture = raster((20, 10), PixelType::Rgb, Alpha::Straight);
    let (header, found) = read(&rebox(&write(&picture, None), &[colr(12)])).unwrap();
    assert_eq!((header.pixel_type, header.alpha), (PixelType::Cmyk, false));
    assert_eq!(found.samples(), picture.samples());
}

#[test]
fn a_palette_is_looked_up() {
    let size = Size::new(3, 1);
    let indexes = Samples::Eight(vec![1, 0, 2]);
    let picture = Raster::new(size, PixelType::Gray, Alpha::None, indexes).unwrap();
    let table = [0, 3, 3, 7, 7, 7, 10, 20, 30, 40, 50, 60, 70, 80, 90];
    let map = [0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 2];
    let boxes = [colr(16), boxed(b"pclr", &[&table]), boxed(b"cmap", &[&map])];
    let (header, found) = read(&rebox(&write(&picture, None), &boxes)).unwrap();
    assert_eq!(header.pixel_type, PixelType::Rgb);
    assert_eq!(eight(&found), [40, 50, 60, 10, 20, 30, 70, 80, 90]);
}

#[test]
fn a_wide_palette_keeps_its_bits() {
    let size = Size::new(2, 1);
    let indexes = Samples::Eight(vec![1, 0]);
    let picture = Raster::new(size, PixelType::Gray, Alpha::None, indexes).unwrap();
    let boxes = [colr(17), boxed(b"pclr", &[&[0, 2, 1, 15, 0x12, 0x34, 0xff, 0xff]])];
    let (header, found) = read(&rebox(&write(&picture, None), &boxes)).unwrap();
    assert_eq!(header.bits, 16);
    assert_eq!(sixteen(&found), [0xffff, 0x1234]);
}

#[test]
fn luma_and_differences_become_rgb() {
    let size = Size::new(2, 1);
    let pixels = Samples::Eight(vec![76, 85, 255, 100, 128, 128]);
    let picture = Raster::new(size, PixelType::Rgb, Alpha::None, pixels).unwrap();
    let (_, found) = read(&rebox(&write(&picture, None), &[colr(18)])).unwrap();
    assert_near(eight(&found), &[254, 0, 0, 100, 100, 100], 1);
}

#[test]
fn every_difference_has_its_weight() {
    let size = Size::new(2, 1);
    let pixels = Samples::Eight(vec![100, 168, 128, 100, 128, 98]);
    let picture = Raster::new(size, PixelType::Rgb, Alpha::None, pixels).unwrap();
    let (_, found) = read(&rebox(&write(&picture, None), &[colr(18)])).unwrap();
    assert_eq!(eight(&found), [100, 86, 171, 58, 121, 100]);
}

/// 8 × 4 of one luma; of the differences, which have half its resolution, the upper row is blue,
/// the lower one less red.
#[test]
fn halved_differences_are_turned_once() {
    let file = include_bytes!("testdata/halved.j2k");
    let picture = raster((8, 4), PixelType::Rgb, Alpha::None);
    let boxes = rebox(&write(&picture, None), &[colr(18)]);
    let start = boxes.windows(4).position(|bytes| bytes == BARE).unwrap();
    let boxes = [&boxes[..start - 8], &boxed(b"jp2c", &[file])].concat();
    let (header, found) = read(&boxes).unwrap();
    assert_eq!(header.size, Size::new(8, 4));
    let rows = [[100, 86, 171], [100, 86, 171], [58, 121, 100], [58, 121, 100]];
    let rows: Vec<u8> = rows.iter().flat_map(|pixel| pixel.repeat(8)).collect();
    for row in [0, 3] {
        assert_near(&eight(&found)[row * 24..][..24], &rows[row * 24..][..24], 2);
    }
}

#[test]
fn premultiplied_colours_are_divided_where_the_file_says_so() {
    let size = Size::new(2, 1);
    let pixels = Samples::Eight(vec![100, 50, 25, 128, 9, 8, 7, 255]);
    let picture = Raster::new(size, PixelType::Rgb, Alpha::Straight, pixels).unwrap();
    let file = write(&picture, None);
    let read_as = |kind: u8| {
        let mut rows = vec![0, 4];
        for channel in 0..3 {
            rows.extend([0, channel, 0, 0, 0, channel + 1]);
        }
        rows.extend([0, 3, 0, kind, 0, 0]);
        let boxes = [colr(16), boxed(b"cdef", &[&rows])];
        eight(&read(&rebox(&file, &boxes)).unwrap().1).to_vec()
    };
    assert_eq!(read_as(1), eight(&picture));
    assert_near(&read_as(2), &[199, 100, 50, 128, 9, 8, 7, 255], 1);
}

#[test]
fn more_than_eight_bits_take_sixteen() {
    let size = Size::new(2, 1);
    let indexes = Samples::Eight(vec![1, 0]);
    let picture = Raster::new(size, PixelType::Gray, Alpha::None, indexes).unwrap();
    // Entries of 9 bits.
    let boxes = [colr(17), boxed(b"pclr", &[&[0, 2, 1, 8, 0, 0x80, 1, 0xff]])];
    let (header, found) = read(&rebox(&write(&picture, None), &boxes)).unwrap();
    assert_eq!(header.bits, 16);
    assert_eq!(sixteen(&found), [0xffff, 16_416]);
}

#[test]
fn the_resolution_for_showing_comes_before_that_of_the_scanner() {
    let picture = raster((2, 2), PixelType::Gray, Alpha::None);
    let file = write(&picture, None);
    // Dots a metre: 7,200 / 254 × 100 are 72 dots an inch, 30,000 / 254 × 100 are 300.
    let per_metre = |above: u16, below: u16, exponent: u8| {
        let both = [above.to_be_bytes(), below.to_be_bytes()].concat();
        [both.as_slice(), &both, &[exponent; 2]].concat()
    };
    let scanned = boxed(b"resc", &[&per_metre(7_200, 254, 2)]);
    let shown = boxed(b"resd", &[&per_metre(30_000, 254, 2)]);
    let small = boxed(b"resd", &[&per_metre(28_346, 1, 0xff)]);
    for (boxes, wanted) in [
        ([scanned.clone(), shown.clone()].concat(), 300.0),
        ([shown.clone(), scanned.clone()].concat(), 300.0),
        (scanned.clone(), 72.0),
        ([scanned, small].concat(), 71.999),
    ] {
        let (header, _) = read(&rebox(&file, &[colr(17), boxed(b"res ", &[&boxes])])).unwrap();
        assert_eq!(header.dpi, Some(wanted));
    }
}

#[test]
fn quality_is_a_distance_in_decibels() {
    let mut samples = Vec::new();
    let mut seed = 5_u32;
    for n in 0..128 * 128_u32 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        samples.push(u8::try_from(n % 128 + (seed >> 24) / 2).unwrap());
    }
    let size = Size::new(128, 128);
    let picture = Raster::new(size, PixelType::Gray, Alpha::None, Samples::Eight(samples)).unwrap();
    for (quality, wanted) in [(20, 28.0), (60, 36.0), (80, 40.0)] {
        let (_, found) = read(&write(&picture, Some(quality))).unwrap();
        let pairs = eight(&found).iter().zip(eight(&picture));
        let squares: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
        let psnr = 10.0 * (255.0 * 255.0 * 16_384.0 / squares).log10();
        assert!((wanted - 0.6..wanted + 1.2).contains(&psnr), "{quality}: {psnr}");
    }
}

#[test]
fn channels_are_what_the_file_says() {
    let picture = raster((8, 8), PixelType::Rgb, Alpha::Straight);
    // Blue, green, red; and the transparency first.
    let rows = [0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 2, 0, 0, 0, 2, 0, 3, 0, 0, 0, 1];
    let boxes = [colr(16), boxed(b"cdef", &[&rows])];
    let (_, found) = read(&rebox(&write(&picture, None), &boxes)).unwrap();
    let turned: Vec<u8> =
        eight(&picture).as_chunks::<4>().0.iter().flat_map(|&[a, b, g, r]| [r, g, b, a]).collect();
    assert_eq!(eight(&found), turned);
}

#[test]
fn a_profile_is_handed_on_and_says_what_the_colours_are() {
    let picture = raster((8, 8), PixelType::Rgb, Alpha::None);
    let profile = crate::imaging::color::reply_profile(PixelType::Rgb).unwrap();
    let colour = boxed(b"colr", &[&[2, 0, 0], &profile]);
    let (header, found) = read(&rebox(&write(&picture, None), &[colour])).unwrap();
    assert_eq!(header.profile.as_deref(), Some(profile.as_slice()));
    assert_eq!(found.samples(), picture.samples());
    let rare = rebox(&write(&picture, None), &[colr(14)]);
    assert!(matches!(read(&rare), Err(ConvertError::Unsupported { .. })));
}

#[test]
fn a_resolution_of_any_size_survives() {
    let picture = raster((2, 2), PixelType::Gray, Alpha::None);
    for (dpi, near) in [(72.0, 72.0), (299.99, 299.99), (2400.0, 2400.0), (0.5, 0.5)] {
        let (header, _) = read(&encode(&picture, None, Some(dpi)).unwrap()).unwrap();
        let found = header.dpi.unwrap();
        assert!((found - near).abs() < near / 1000.0, "{dpi}: {found}");
    }
}

// -- what is broken

#[test]
fn what_is_cut_short_is_an_error() {
    let file = write(&raster((30, 20), PixelType::Rgb, Alpha::Straight), None);
    for length in (0..file.len()).step_by(7).chain([file.len() - 1]) {
        assert!(read(&file[..length]).is_err(), "{length} of {}", file.len());
    }
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut file = write(&raster((30, 20), PixelType::Gray, Alpha::None), None);
    let start = file.windows(4).position(|bytes| bytes == BARE).unwrap();
    // Xsiz and Ysiz stand behind two markers, a length and the capabilities.
    file[start + 8..start + 16].copy_from_slice(&[0, 0, 0xf0, 0, 0, 0, 0xf0, 0]);
    assert!(matches!(read(&file), Err(ConvertError::TooLarge { .. })));
}

#[test]
fn components_that_lie_otherwise_are_refused() {
    let file = write(&raster((30, 20), PixelType::Rgb, Alpha::None), None);
    let start = file.windows(4).position(|bytes| bytes == BARE).unwrap();
    // Depth and steps of the first component stand behind all sizes and the number of them.
    let at = start + 42;
    assert_eq!(file[at..at + 3], [7, 1, 1]);
    for (offset, byte, words) in [
        (0, 0x87, "below zero"),
        (0, 16, "more than 16 bits"),
        (1, 2, "stretched"),
        (2, 2, "stretched"),
    ] {
        let mut file = file.clone();
        file[at + offset] = byte;
        let error = read(&file).unwrap_err();
        let found =
            matches!(&error, ConvertError::Unsupported { detail } if detail.contains(words));
        assert!(found, "{words}: {error}");
    }
}

/// A header of 1000 × 1000 gray pixels in one tile, and how it is divided.
fn front(coding: &[u8]) -> Vec<u8> {
    let side = 1000_u32.to_be_bytes();
    let sizes = [&[0, 0], &side[..], &side, &[0; 8], &side, &side, &[0; 8], &[0, 1, 7, 1, 1]];
    let sizes = sizes.concat();
    let segment = |marker: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], data].concat()
    };
    [&[0xff, 0x4f], &segment(0x51, &sizes)[..], &segment(0x52, coding), &[0xff, 0x90]].concat()
}

#[test]
fn small_blocks_cost_memory_before_anything_is_decoded() {
    let needs = |coding: &[u8]| Codestream::parse(&front(coding)).unwrap().bytes_to_decode();
    // 4 bytes for every pixel of picture and tile, 256 for each block.
    assert_eq!(needs(&[0, 0, 0, 1, 0, 0, 4, 4, 0, 1]), 8_000_000 + 1_000_000 / 4096 * 256);
    assert_eq!(needs(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]), 8_000_000 + 1_000_000 / 16 * 256);
    // Precincts of 8 × 8 make blocks of 4 × 4.
    assert_eq!(needs(&[1, 0, 0, 1, 0, 0, 4, 4, 0, 1, 0x33]), 8_000_000 + 1_000_000 / 16 * 256);
    // Of two resolutions the full one counts, but for what is much finer in the smaller.
    assert_eq!(
        needs(&[1, 0, 0, 1, 0, 1, 4, 4, 0, 1, 0xff, 0x55]),
        8_000_000 + 1_000_000 / 256 * 256
    );
    assert_eq!(needs(&[1, 0, 0, 1, 0, 1, 4, 4, 0, 1, 0x11, 0x55]), 8_000_000 + 1_000_000 / 4 * 256);
    for wrong in [[0, 0, 0, 1, 0, 33, 4, 4, 0, 1], [0, 0, 0, 1, 0, 0, 9, 4, 0, 1]] {
        assert!(Codestream::parse(&front(&wrong)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_damage_panics(
        lossy in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let picture = raster((20, 13), PixelType::Rgb, Alpha::Straight);
        let mut file = write(&picture, lossy.then_some(60));
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = read(&file);
    }
}
