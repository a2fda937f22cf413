use proptest::prelude::*;

use super::super::tests::{assert_near, eight, output, raster, read, sixteen};
use super::*;
use crate::imaging::color::Colors;

fn write(picture: &Raster, quality: u8) -> Vec<u8> {
    encode(picture, Some(quality)).unwrap()
}

/// The largest and the mean difference between two pictures.
fn difference(found: &Raster, wanted: &Raster) -> (u8, f64) {
    let pairs = eight(found).iter().zip(eight(wanted));
    let off: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    let sum: f64 = off.iter().map(|&off| f64::from(off)).sum();
    (off.iter().copied().max().unwrap(), sum / f64::from(u32::try_from(off.len()).unwrap()))
}

#[test]
fn pictures_come_back_nearly() {
    for size in [(1, 1), (3, 5), (65, 33), (200, 120)] {
        for alpha in [Alpha::None, Alpha::Straight] {
            let picture = raster(size, PixelType::Rgb, alpha);
            let file = write(&picture, 95);
            assert_eq!(file, write(&picture, 95), "the same bytes on every run");
            let (header, found) = read(&file).unwrap();
            assert_eq!(header.format, SourceFormat::Avif);
            assert_eq!((header.size, header.bits), (picture.size(), 8));
            assert_eq!((header.pixel_type, header.profile), (PixelType::Rgb, None));
            assert_eq!(header.alpha, alpha == Alpha::Straight);
            let (most, mean) = difference(&found, &picture);
            // Of the few pixels within one block, libaom drops more; never of a whole picture.
            let bound = if cfg!(feature = "libaom") && size.0 < 8 { 4.0 } else { 2.0 };
            assert!(most <= 16 && mean < bound, "{size:?} {alpha:?}: {most}, {mean}");
        }
    }
}

#[test]
fn quality_counts() {
    let picture = raster((128, 96), PixelType::Rgb, Alpha::Straight);
    let sizes: Vec<usize> = [1, 60, 90, 100].map(|quality| write(&picture, quality).len()).into();
    assert!(sizes.is_sorted() && sizes[0] < sizes[3], "{sizes:?}");
}

#[test]
fn transparency_is_coded_finer_than_colour() {
    let mut seed = 9_u32;
    let samples = (0..96 * 96).flat_map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        [u8::try_from(64 + (seed >> 25)).unwrap(); 4]
    });
    let samples = Samples::Eight(samples.collect());
    let picture = Raster::new(Size::new(96, 96), PixelType::Rgb, Alpha::Straight, samples).unwrap();
    let (_, found) = read(&write(&picture, 40)).unwrap();
    let off = |channel: usize| -> u32 {
        let pairs = eight(&found).iter().zip(eight(&picture)).skip(channel).step_by(4);
        pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
    };
    assert!(off(3) * 3 < off(1) * 2, "{} of {}", off(3), off(1));
}

#[test]
fn an_opaque_picture_loses_nothing_with_its_alpha() {
    let picture = raster((20, 10), PixelType::Rgb, Alpha::None);
    let file = write(&picture.clone().with_alpha(), 80);
    assert_eq!(file, write(&picture, 80));
}

/// The properties of one kind, as the file has them.
fn properties<'a>(file: &'a [u8], kind: &[u8; 4], length: usize) -> Vec<&'a [u8]> {
    let starts = file.windows(4).enumerate().filter(|(_, bytes)| bytes == kind);
    starts.map(|(at, _)| &file[at + 4..at + 4 + length]).collect()
}

#[test]
fn the_file_says_what_its_pictures_say() {
    // Of these sizes, the encoders that tell levels apart say different ones.
    for (size, quality) in [((40, 30), 89), ((2200, 40), 90)] {
        let file = write(&raster(size, PixelType::Rgb, Alpha::Straight), quality);
        let meta = Meta::read(Cursor::new(&file)).unwrap();
        let primary = meta.primary().unwrap();
        let alpha = meta.referring(b"auxl", primary.number).next().unwrap();
        let coded =
            [primary, meta.item(alpha).unwrap()].map(|item| meta.bytes(item, &file).unwrap());
        let [color, alpha] = coded.each_ref().map(|one| sequence::Sequence::of(one).unwrap());
        // Nothing stands before the sequence header; rav1e leaves its mark between pictures there.
        #[cfg(feature = "libaom")]
        assert!(coded.iter().all(|one| one[0] >> 3 & 15 == 1));
        let halved = cfg!(feature = "libaom") && quality < 90;
        assert_eq!((color.monochrome, color.bits), (false, 8));
        assert_eq!((color.halved, color.profile), ((halved, halved), u8::from(!halved)));
        assert!(alpha.monochrome && alpha.cicp.full_range && color.cicp.full_range);
        assert_eq!(color.cicp, Cicp { primaries: 1, transfer: 13, matrix: 6, full_range: true });
        let said = properties(&file, b"av1C", 3);
        let (first, layout) = if halved { (0, 0b1100) } else { (0x20, 0) };
        assert_eq!(said, [[0x81, first | color.level, layout], [0x81, alpha.level, 0b1_1100]]);
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let picture = raster((4, 4), PixelType::Rgb, Alpha::None);
    let error = encode(&picture, None).unwrap_err().to_string();
    assert!(error.contains("not supported by this installation"), "{error}");
    let gray = raster((4, 4), PixelType::Gray, Alpha::None);
    let error = encode(&gray, Some(80)).unwrap_err().to_string();
    assert!(error.contains("RGB only"), "{error}");
}

/// Brightness that changes softly, with edges and some grain, in three colours that differ.
#[cfg(feature = "libaom")]
fn scene() -> Raster {
    let (width, height) = (256_u32, 192_u32);
    let mut seed = 5_u32;
    let samples = (0..width * height).flat_map(|n| {
        let (x, y) = (n % width, n / width);
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let edge = if (x / 37 + y / 29) % 2 == 0 { 0 } else { 70 };
        let grain = seed >> 28;
        [x * 110 / width + edge, y * 120 / height + edge, (x + y) * 100 / 448 + edge / 2]
            .map(|value| u8::try_from(value + grain + 20).unwrap())
    });
    let samples = Samples::Eight(samples.collect());
    Raster::new(Size::new(width, height), PixelType::Rgb, Alpha::None, samples).unwrap()
}

/// A number in a manifest means the same whichever encoder the build has.
#[cfg(feature = "libaom")]
#[test]
fn both_encoders_take_a_quality_for_the_same() {
    let picture = scene();
    for quality in [20, 50, 65, 80, 90, 97] {
        let files = [rav1e::code, libaom::code].map(|code| {
            let coded = code(&picture, eight(&picture), quality).unwrap();
            write::file(picture.size(), &coded).unwrap()
        });
        let [theirs, ours] =
            files.each_ref().map(|file| difference(&read(file).unwrap().1, &picture).1);
        // The curve makes the scores of photographs equal, which forgive grain and chroma what this
        // does not: of this scene, 1.2 to 1.7 is where equal scores lie.
        assert!((1.0..1.75).contains(&(ours / theirs)), "{quality}: {ours} beside {theirs}");
    }
}

// -- files of others; their pictures are 16 × 12, red, green, blue and gray quarters

/// Colours of the quarters.
const QUARTERS: [[u8; 3]; 4] = [[220, 30, 40], [40, 180, 60], [30, 60, 200], [128, 128, 128]];

/// Asserts that the middle of each quarter has its colour, turned to 16 bits or not.
fn assert_quarters(found: &Raster, most: u8) {
    let channels = found.channels();
    let pixels: Vec<u8> = eight(&found.clone().to_eight()).to_vec();
    for (quarter, wanted) in QUARTERS.iter().enumerate() {
        let (x, y) = (quarter % 2 * 8 + 4, quarter / 2 * 6 + 3);
        let at = (y * 16 + x) * channels;
        assert_near(&pixels[at..at + 3], wanted, most);
    }
}

#[test]
fn every_layout_and_depth_is_read() {
    for (file, bits) in [
        (include_bytes!("testdata/full-420-8.avif").as_slice(), 8),
        (include_bytes!("testdata/limited-422-10.avif"), 16),
        (include_bytes!("testdata/full-444-12.avif"), 16),
        (include_bytes!("testdata/identity-444-8.avif"), 8),
        (include_bytes!("testdata/bt709-420-8.avif"), 8),
        (include_bytes!("testdata/grid-444-8.avif"), 8),
    ] {
        let (header, found) = read(file).unwrap();
        assert_eq!(header.bits, bits);
        assert_eq!(header.pixel_type, PixelType::Rgb);
        if header.size == Size::new(16, 12) {
            assert_quarters(&found, 6);
        } else {
            // Tiles have at least 64 pixels a side.
            assert_eq!(header.size, Size::new(128, 128));
            let at = |x: usize, y: usize| (y * 128 + x) * 3;
            for (quarter, wanted) in QUARTERS.iter().enumerate() {
                let at = at(quarter % 2 * 64 + 32, quarter / 2 * 64 + 32);
                assert_near(&eight(&found)[at..at + 3], wanted, 6);
            }
        }
    }
}

#[test]
fn lossless_files_are_exact() {
    let (_, found) = read(include_bytes!("testdata/identity-444-8.avif")).unwrap();
    assert_quarters(&found, 0);
}

#[test]
fn gray_stays_gray() {
    let (header, found) = read(include_bytes!("testdata/gray-400-10.avif")).unwrap();
    assert_eq!((header.pixel_type, header.bits), (PixelType::Gray, 16));
    assert!(sixteen(&found).iter().all(|&value| value.abs_diff(128 * 257) < 600));
}

#[test]
fn premultiplied_colour_is_divided() {
    let (header, found) = read(include_bytes!("testdata/premultiplied.avif")).unwrap();
    assert!(header.alpha);
    let middle = &eight(&found)[..4];
    assert_near(middle, &[200, 100, 50, 128], 4);
}

#[test]
fn turns_mirrors_and_cuts_are_heard() {
    let (header, found) = read(include_bytes!("testdata/turned-cut.avif")).unwrap();
    // irot 1 is a quarter against the clock, imir 0 changes top and bottom.
    assert_eq!(header.orientation, Orientation::Transpose);
    assert_eq!(header.size, Size::new(8, 6));
    assert_near(&eight(&found)[..3], &QUARTERS[0], 6);
}

#[test]
fn wide_colours_get_a_profile() {
    let (header, _) = read(include_bytes!("testdata/display-p3.avif")).unwrap();
    let profile = header.profile.unwrap();
    let name = crate::imaging::color::profile_name(&profile, PixelType::Rgb);
    assert_eq!(name.as_deref(), Some("Display P3"));
    let hdr = read(include_bytes!("testdata/pq.avif"));
    assert!(matches!(hdr, Err(ConvertError::Unsupported { .. })), "{hdr:?}");
}

/// Converts one colour to sRGB by the profile of its primaries and its curve.
fn in_srgb(primaries: u16, transfer: u16, color: [u8; 3]) -> Vec<u8> {
    let profile = profile::of(Cicp { primaries, transfer, matrix: 9, full_range: true });
    let profile = profile.unwrap().unwrap();
    let samples = Samples::Eight(color.to_vec());
    let one = Raster::new(Size::new(1, 1), PixelType::Rgb, Alpha::None, samples).unwrap();
    let one = one.with_profile(Some(profile.as_slice().into()));
    let mut colors = Colors::of(Some(&profile), PixelType::Rgb, &[]);
    let output = output(crate::imaging::plan::Encoding::Png, PixelType::Rgb, false);
    eight(&colors.to_output(one, &output).unwrap()).to_vec()
}

/// Worked out from the chromaticities of the standards (SMPTE EG 432-1, BT.2020) alone.
#[test]
fn the_profiles_of_wide_colours_are_right() {
    for (color, wanted) in [
        ([255, 255, 255], [255, 255, 255]),
        ([128, 128, 128], [128, 128, 128]),
        ([200, 100, 50], [215, 93, 31]),
        ([60, 180, 90], [0, 183, 78]),
        ([70, 80, 200], [68, 80, 207]),
    ] {
        assert_near(&in_srgb(12, 13, color), &wanted, 2);
    }
    for (color, wanted) in [
        ([255, 255, 255], [255, 255, 255]),
        ([190, 120, 90], [228, 121, 98]),
        ([110, 170, 100], [65, 184, 104]),
        ([100, 110, 180], [99, 123, 194]),
        ([90, 90, 90], [104, 104, 104]),
        ([20, 20, 20], [36, 36, 36]),
    ] {
        assert_near(&in_srgb(9, 1, color), &wanted, 2);
    }
    let of = |primaries, transfer| {
        profile::of(Cicp { primaries, transfer, matrix: 1, full_range: true })
    };
    assert_eq!(of(1, 13).unwrap(), None);
    assert_eq!(of(2, 2).unwrap(), None);
    for transfer in [8, 16, 18] {
        for primaries in [1, 9, 12] {
            assert!(matches!(of(primaries, transfer), Err(ConvertError::Unsupported { .. })));
        }
    }
}

/// Returns the red difference of a pixel, which is what is stored in half the resolution.
fn red_difference(picture: &Raster, (x, y): (usize, usize)) -> f64 {
    let at = (y * 16 + x) * 3;
    let [r, g, b] = [0, 1, 2].map(|n| f64::from(eight(picture)[at + n]));
    r - (0.299 * r + 0.587 * g + 0.114 * b)
}

#[test]
fn halved_chroma_changes_over_two_pixels() {
    let (_, found) = read(include_bytes!("testdata/full-420-8.avif")).unwrap();
    for (positions, axis) in [([5, 7, 8, 10], 0), ([3, 5, 6, 8], 1)] {
        let place = |n: usize| if axis == 0 { (n, 3) } else { (4, n) };
        let [first, before, behind, last] = positions.map(|n| red_difference(&found, place(n)));
        for (found, share) in [(before, 0.25), (behind, 0.75)] {
            let wanted = first + (last - first) * share;
            assert!((found - wanted).abs() < 9.0, "{axis} {share}: {found}, not {wanted}");
        }
    }
}

#[test]
fn transparency_of_the_limited_range_is_stretched() {
    let opacities = [0, 16, 64, 128, 235, 255_u8];
    let samples: Vec<u8> =
        (0..48 * 8_usize).flat_map(|n| [90, 90, 90, opacities[n % 48 / 8]]).collect();
    let picture =
        Raster::new(Size::new(48, 8), PixelType::Rgb, Alpha::Straight, Samples::Eight(samples));
    let mut file = write(&picture.unwrap(), 100);
    let meta = Meta::read(Cursor::new(&file)).unwrap();
    let item = meta.item(Still::of(&meta).unwrap().alpha.unwrap()).unwrap();
    let data = meta.bytes(item, &file).unwrap();
    let start = file.windows(data.len()).position(|bytes| bytes == data).unwrap();
    // The one bit that says which range it is.
    let full = sequence::Sequence::of(&data).unwrap();
    assert!(full.cicp.full_range);
    let cicp = Cicp { full_range: false, ..full.cicp };
    let limited = sequence::Sequence { cicp, ..full };
    let bit = (0..20 * 8).find(|bit| {
        let mut data = data.clone();
        data[bit / 8] ^= 1 << (bit % 8);
        sequence::Sequence::of(&data).is_ok_and(|found| found == limited)
    });
    let bit = bit.unwrap();
    file[start + bit / 8] ^= 1 << (bit % 8);
    let (_, found) = read(&file).unwrap();
    for (n, stored) in opacities.into_iter().enumerate() {
        let wanted = (f64::from(stored) - 16.0) / 219.0 * 255.0;
        let opacity = f64::from(eight(&found)[(4 * 48 + n * 8 + 4) * 4 + 3]);
        assert!((opacity - wanted.clamp(0.0, 255.0)).abs() < 4.0, "{stored}: {opacity}");
    }
}

#[test]
fn a_property_that_must_be_known_is_not_passed_over() {
    let mut file = write(&raster((8, 8), PixelType::Rgb, Alpha::None), 80);
    let depths = file.windows(4).position(|bytes| bytes == b"pixi").unwrap();
    file[depths..depths + 4].copy_from_slice(b"zzzz");
    read(&file).unwrap();
    let used = file.windows(5).position(|bytes| bytes == [4, 1, 0x82, 3, 4]).unwrap();
    file[used + 3] |= 0x80;
    let error = read(&file).unwrap_err();
    assert!(matches!(&error, ConvertError::Unsupported { detail } if detail.contains("zzzz")));
}

#[test]
fn places_may_count_from_a_base() {
    let picture = raster((8, 8), PixelType::Rgb, Alpha::None);
    let mut file = write(&picture, 80);
    let wanted = read(&file).unwrap().1;
    let places = file.windows(4).position(|bytes| bytes == b"iloc").unwrap() + 8;
    // Offsets of no bytes, a base of four: it stands before the count of the parts.
    assert_eq!(file[places..places + 10], [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
    file[places..places + 2].copy_from_slice(&[0x04, 0x40]);
    file[places + 8..places + 14].rotate_left(2);
    assert_eq!(read(&file).unwrap().1, wanted);
}

#[test]
fn turns_add_up() {
    let mut turned = Turned::default();
    turned.turn(1);
    assert_eq!(turned.orientation(), Orientation::Rotate270);
    turned.mirror(true);
    assert_eq!(turned.orientation(), Orientation::Transverse);
    turned.mirror(true);
    assert_eq!(turned.orientation(), Orientation::Rotate270);
    turned.turn(3);
    turned.mirror(false);
    assert_eq!(turned.orientation(), Orientation::FlipVertical);
}

#[test]
fn cuts_are_whole_pixels_or_nothing() {
    let size = Size::new(16, 12);
    let cut = |numbers: [(i32, u32); 4]| kept(size, &numbers.map(|(n, d)| (n.cast_unsigned(), d)));
    assert_eq!(cut([(8, 1), (6, 1), (-4, 1), (3, 1)]).unwrap(), (0, 6, Size::new(8, 6)));
    assert_eq!(cut([(15, 1), (12, 1), (-1, 2), (0, 1)]).unwrap(), (0, 0, Size::new(15, 12)));
    for wrong in [
        [(17, 1), (12, 1), (0, 1), (0, 1)],
        [(15, 1), (12, 1), (0, 1), (0, 1)],
        [(8, 0), (6, 1), (0, 1), (0, 1)],
        [(8, 1), (6, 1), (100, 1), (0, 1)],
    ] {
        assert!(cut(wrong).is_err(), "{wrong:?}");
    }
}

// -- what is broken

#[test]
fn what_is_cut_short_is_an_error() {
    let file = write(&raster((30, 20), PixelType::Rgb, Alpha::Straight), 70);
    for length in (0..file.len()).step_by(5).chain([file.len() - 1]) {
        assert!(read(&file[..length]).is_err(), "{length} of {}", file.len());
    }
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut file = write(&raster((30, 20), PixelType::Rgb, Alpha::None), 70);
    let at = file.windows(4).position(|bytes| bytes == b"ispe").unwrap() + 8;
    file[at..at + 8].copy_from_slice(&[0, 0, 0xf0, 0, 0, 0, 0xf0, 0]);
    assert!(matches!(read(&file), Err(ConvertError::TooLarge { .. })));
    // A size that is allowed, but is not the one of the pixels.
    file[at..at + 8].copy_from_slice(&[0, 0, 0, 31, 0, 0, 0, 20]);
    assert!(matches!(read(&file), Err(ConvertError::Damaged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_damage_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = include_bytes!("testdata/premultiplied.avif").to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = read(&file);
    }
}
