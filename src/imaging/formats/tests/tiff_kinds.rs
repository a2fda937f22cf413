//! The less usual kinds of TIFF, written by hand.

use super::*;

/// Packs a text of bits; what is neither 0 nor 1 is there for the reader.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text.bytes().filter(|b| matches!(b, b'0' | b'1')).collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |sum, bit| sum << 1 | (bit - b'0'));
    bits.chunks(8).map(|eight| byte(eight) << (8 - eight.len())).collect()
}

/// Two rows of 8 pixels: two white, three black, three white; the second all white.
const ROWS: [u8; 16] = [255, 255, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];

fn fax(compression: u16, options: u32, packed: &[u8]) -> Vec<u8> {
    let mut tiff = Tiff::new(8, 2, 0, &[1]);
    tiff.shorts(259, &[compression]).longs(292, &[options]).strip(packed).finish()
}

#[test]
fn faxes_of_every_group_are_read() {
    // Codes of T.4: white 2, 3, 8 and black 3; EOL; T.6: horizontal, vertical, pass.
    let (w2, w3, w8, b3) = ("0111", "1000", "10011", "10");
    let (eol, horizontal, same) = ("000000000001", "001", "1");
    let row = [w2, b3, w3].concat();
    let aligned = [bits(&row), bits(w8)].concat();
    let group_3 = bits(&[eol, &row, eol, w8, &eol.repeat(6)].concat());
    let filled = bits(&["0000", eol, &row, "00 0000", eol, w8].concat());
    // In 2D: the first by itself, the second passes the black and ends where the first does.
    let mixed = bits(&[eol, "1", &row, eol, "0", "0001", same].concat());
    let group_4 = bits(&[horizontal, w2, b3, same, "0001", same, &eol.repeat(2)].concat());
    for (name, file) in [
        ("runs", fax(2, 0, &aligned)),
        ("group 3", fax(3, 0, &group_3)),
        ("group 3, rows on bytes", fax(3, 4, &filled)),
        ("group 3, 2D", fax(3, 1, &mixed)),
        ("group 4", fax(4, 0, &group_4)),
    ] {
        let (header, picture) = read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((header.bits, header.pixel_type), (1, PixelType::Gray));
        assert_eq!(eight(&picture), ROWS, "{name}");
    }
    // Bits from the lowest on, and black called white.
    let turned: Vec<u8> = group_4.iter().map(|byte| byte.reverse_bits()).collect();
    let mut tiff = Tiff::new(8, 2, 1, &[1]);
    let file = tiff.shorts(259, &[4]).shorts(266, &[2]).strip(&turned).finish();
    assert_eq!(eight(&read(&file).unwrap().1), ROWS.map(|v| 255 - v));
    for broken in [&group_4[..1], &[0, 0, 0, 0], &[]] {
        assert!(matches!(read(&fax(4, 0, broken)), Err(ConvertError::Damaged { .. })));
    }
}

#[test]
fn faxes_in_strips_and_tiles_are_put_together() {
    // All white but for the last strip.
    let (white, black) = (bits("1"), bits("001 00110101 000101"));
    let mut strips = Tiff::new(8, 3, 0, &[1]);
    strips.shorts(259, &[4]).shorts(278, &[1]);
    let file = strips.pieces(273, 279, &[&white, &white, &black]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [[255; 16].as_slice(), &[0; 8]].concat());
    // Tiles of 16 × 16: the left one white, the right one black.
    let all_black = bits(&["001 00110101 0000010111", &"1 1".repeat(15)].concat());
    let mut tiles = Tiff::new(20, 2, 0, &[1]);
    tiles.shorts(259, &[4]).shorts(322, &[16]).shorts(323, &[16]);
    let file = tiles.pieces(324, 325, &[&bits(&"1".repeat(16)), &all_black]).finish();
    let row = [[255; 16].as_slice(), &[0; 4]].concat();
    assert_eq!(eight(&read(&file).unwrap().1), row.repeat(2));
}

#[test]
fn tiles_of_one_colour_packed_with_lzw() {
    let packed = |tile: &[u8]| {
        let mut encoder =
            ::weezl::encode::Encoder::with_tiff_size_switch(::weezl::BitOrder::Msb, 8);
        encoder.encode(tile).unwrap()
    };
    let tiff = |photometric: u16, bits: &[u16]| {
        let mut tiff = Tiff::new(20, 3, photometric, bits);
        tiff.shorts(259, &[5]).shorts(322, &[16]).shorts(323, &[16]);
        tiff
    };
    // All of them white, one byte of a row after the other.
    let white = packed(&[255; 256]);
    let file = tiff(1, &[8]).pieces(324, 325, &[&white, &white]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [255; 60]);
    // Two bits a pixel: 1, 2 and 3 over and over.
    let quarters = packed(&[0b0110_1101, 0b1011_0110, 0b1101_1011, 0b0110_1101].repeat(16));
    let file = tiff(1, &[2]).pieces(324, 325, &[&quarters, &quarters]).finish();
    let (_, picture) = read(&file).unwrap();
    assert_eq!(eight(&picture)[..4], [85, 170, 255, 85]);
    assert_eq!(eight(&picture)[15..18], [85, 85, 170]);
    // Differences of two bytes, RGB with a selection beside it.
    let mut row = vec![0x01, 0x00, 0x02, 0x00, 0x03, 0x00, 0xff, 0xff];
    row.extend([0, 1, 0, 0, 0, 0, 0, 0].repeat(15));
    let steps = packed(&row.repeat(16));
    let mut words = tiff(2, &[16; 4]);
    let file = words.shorts(317, &[2]).pieces(324, 325, &[&steps, &steps]).finish();
    let (_, picture) = read(&file).unwrap();
    assert_eq!(sixteen(&picture)[..6], [256, 512, 768, 257, 512, 768]);
    assert_eq!(sixteen(&picture)[3 * 19..][..3], [259, 512, 768]);
    // Planes, each with tiles of its own.
    let sheets = [1, 2, 3].map(|value| packed(&[value; 256]));
    let [r, g, b] = &sheets;
    let mut planes = tiff(2, &[8; 3]);
    let file = planes.shorts(284, &[2]).pieces(324, 325, &[r, r, g, g, b, b]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [1, 2, 3].repeat(60));
    for cut in 0..white.len() {
        let file = tiff(1, &[8]).pieces(324, 325, &[&white, &white[..cut]]).finish();
        let found = read(&file);
        // The rows below the picture may be missing, and the code for the end.
        assert!(found.is_ok() == (cut + 2 >= white.len()), "{cut} of {}", white.len());
    }
}

#[test]
fn a_preview_before_the_picture_is_passed_over() {
    let (small, large) = ([1_u8; 4], [2_u8; 16]);
    let preview = |kind: u32| Tiff::new(2, 2, 1, &[8]).longs(254, &[kind]).strip(&small).finish();
    let then = |file: Vec<u8>, kind: u32| {
        Tiff::new(4, 4, 1, &[8]).after(file).longs(254, &[kind]).strip(&large).finish()
    };
    // Marked as reduced: the largest page. Not marked: the first.
    let (header, picture) = read(&then(preview(1), 0)).unwrap();
    assert_eq!((header.size, eight(&picture)), (Size::new(4, 4), large.as_slice()));
    assert_eq!(read(&then(preview(0), 0)).unwrap().0.size, Size::new(2, 2));
    assert_eq!(read(&then(preview(1), 5)).unwrap().0.size, Size::new(2, 2));
    // A pyramid with its foot first.
    let foot = Tiff::new(4, 4, 1, &[8]).longs(254, &[0]).strip(&large).finish();
    let mut top = Tiff::new(2, 2, 3, &[8]);
    let file = top.after(foot).longs(254, &[1]).strip(&small).finish();
    assert_eq!(read(&file).unwrap().0.size, Size::new(4, 4));
    // Below the first page, as raw files have it; the chain goes round in a circle.
    let below = Tiff::new(4, 4, 0, &[8]).strip(&large).finish();
    let at = u32::from_be_bytes(*below[4..].first_chunk().unwrap());
    let link = below.len() - 4;
    let mut first = Tiff::new(2, 2, 1, &[8]);
    let mut file = first.after(below).longs(254, &[1]).longs(330, &[at]).strip(&small).finish();
    let start = file[link..link + 4].to_vec();
    file[link..link + 4].fill(0);
    file[4..8].copy_from_slice(&start);
    let end = file.len() - 4;
    file[end..].copy_from_slice(&start);
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.size, eight(&picture)), (Size::new(4, 4), [253; 16].as_slice()));
}

#[test]
fn lab_of_every_kind_is_srgb() {
    // Red of sRGB is L 54.29, a 80.8, b 69.9 (D50); white; a gray.
    let near = |file: &[u8], wanted: [u8; 9]| {
        let (header, picture) = read(file).unwrap();
        assert_eq!((header.pixel_type, header.bits), (PixelType::Rgb, 16));
        for (found, wanted) in sixteen(&picture).iter().zip(wanted) {
            assert!((found / 257).abs_diff(wanted.into()) <= 3, "{picture:?}");
        }
    };
    let wanted = [255, 0, 0, 255, 255, 255, 119, 119, 119];
    let signed = |v: i8| v.to_be_bytes()[0];
    let cie = [138, signed(81), signed(70), 255, 0, 0, 128, 0, 0];
    near(&Tiff::new(3, 1, 8, &[8; 3]).strip(&cie).finish(), wanted);
    // Some say which of the components are signed.
    near(&Tiff::new(3, 1, 8, &[8; 3]).shorts(339, &[1, 2, 2]).strip(&cie).finish(), wanted);
    let icc = [138, 209, 198, 255, 128, 128, 128, 128, 128];
    near(&Tiff::new(3, 1, 9, &[8; 3]).strip(&icc).finish(), wanted);
    let itu = [138, 249, 185, 255, 128, 96, 128, 128, 96];
    near(&Tiff::new(3, 1, 10, &[8; 3]).strip(&itu).finish(), wanted);
    let words = |words: [u16; 9]| words.map(u16::to_be_bytes).concat();
    let cie = words([35_580, 81 << 8, 70 << 8, 65_535, 0, 0, 32_896, 0, 0]);
    near(&Tiff::new(3, 1, 8, &[16; 3]).strip(&cie).finish(), wanted);
    let icc = words([35_400, 209 << 8, 198 << 8, 0xff00, 0x8000, 0x8000, 0x8080, 0x8000, 0x8000]);
    near(&Tiff::new(3, 1, 9, &[16; 3]).strip(&icc).finish(), wanted);
    // With alpha, in planes.
    let mut planes = Tiff::new(1, 1, 8, &[8; 4]);
    planes.shorts(338, &[2]).shorts(284, &[2]);
    let file = planes.pieces(273, 279, &[&[255], &[0], &[0], &[128]]).finish();
    let (header, picture) = read(&file).unwrap();
    assert!(header.alpha);
    let [r, g, b, alpha] = *sixteen(&picture) else { panic!() };
    assert!(r.min(g).min(b) > 65_000 && alpha == 128 * 257, "{picture:?}");
}

#[test]
fn components_beside_gray_and_of_few_bits() {
    // White is 0, and so is what is transparent.
    let mut gray = Tiff::new(2, 1, 0, &[8; 2]);
    let file = gray.shorts(338, &[2]).strip(&[0, 255, 255, 0]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [255, 255, 0, 0]);
    // Four bits of gray and four of alpha; in pixels, and in planes.
    let mut pixels = Tiff::new(3, 1, 1, &[4; 2]);
    let file = pixels.shorts(338, &[2]).strip(&[0x1f, 0x20, 0x38]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [17, 255, 34, 0, 51, 136]);
    let mut planes = Tiff::new(3, 1, 1, &[4; 2]);
    planes.shorts(338, &[2]).shorts(284, &[2]);
    let file = planes.pieces(273, 279, &[&[0x12, 0x30], &[0xf0, 0x80]]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [17, 255, 34, 0, 51, 136]);
    // An index with a selection beside it.
    let mut map = vec![0_u16; 768];
    (map[7], map[263], map[519]) = (0x0b00, 0x1600, 0x2100);
    let mut indexes = Tiff::new(2, 1, 3, &[8; 2]);
    let file = indexes.shorts(320, &map).shorts(338, &[0]).strip(&[7, 9, 0, 9]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [11, 22, 33, 0, 0, 0]);
    // The lowest bit first.
    let file = Tiff::new(8, 1, 1, &[1]).shorts(266, &[2]).strip(&[0b0000_0101]).finish();
    assert_eq!(eight(&read(&file).unwrap().1), [255, 0, 255, 0, 0, 0, 0, 0]);
}

#[test]
fn fractions_of_sixteen_and_thirty_two_bits() {
    // 0, 0.5 and 1 as halves.
    let halves = [0, 0, 0x38, 0, 0x3c, 0];
    let mut tiff = Tiff::new(1, 1, 2, &[16; 3]);
    let file = tiff.shorts(339, &[3; 3]).strip(&halves).finish();
    assert_eq!(sixteen(&read(&file).unwrap().1), [0, 32_768, 65_535]);
    let bytes = [0.25_f32, 2.0, -1.0, f32::NAN].map(f32::to_be_bytes).concat();
    let mut tiff = Tiff::new(1, 1, 5, &[32; 4]);
    let file = tiff.shorts(339, &[3; 4]).strip(&bytes).finish();
    assert_eq!(sixteen(&read(&file).unwrap().1), [16_384, 65_535, 0, 0]);
    let mut tiff = Tiff::new(2, 1, 0, &[32]);
    let file = tiff.shorts(339, &[3]).strip(&bytes[..8]).finish();
    assert_eq!(sixteen(&read(&file).unwrap().1), [49_151, 0]);
}

#[test]
fn big_and_small_endian_large_files_are_read() {
    use ::tiff::encoder::{TiffEncoder, colortype};
    let mut file = Cursor::new(Vec::new());
    let samples: Vec<u16> = (0..300).map(|n| n * 211).collect();
    TiffEncoder::new_big(&mut file)
        .unwrap()
        .with_compression(::tiff::encoder::Compression::Lzw)
        .with_predictor(::tiff::tags::Predictor::Horizontal)
        .write_image::<colortype::RGB16>(10, 10, &samples)
        .unwrap();
    let file = file.into_inner();
    assert_eq!(file[2], 43);
    let (header, picture) = read(&file).unwrap();
    assert_eq!((header.bits, sixteen(&picture)), (16, samples.as_slice()));
}

#[test]
fn what_is_not_read_says_what_it_is() {
    for (compression, photometric, words) in [
        (6, 6, "old kind of JPEG"),
        (50_000, 2, "Zstandard"),
        (34_712, 2, "JPEG 2000"),
        (12_345, 2, "12345"),
        (1, 6, "YCbCr"),
        (4, 2, "fax"),
    ] {
        let mut tiff = Tiff::new(1, 1, photometric, &[8; 3]);
        match read(&tiff.shorts(259, &[compression]).strip(&[1, 2, 3]).finish()) {
            Err(ConvertError::Unsupported { detail }) => {
                assert!(detail.contains(words), "{detail}");
            }
            other => panic!("{words}: {other:?}"),
        }
    }
    let signed = Tiff::new(1, 1, 1, &[8]).shorts(339, &[2]).strip(&[1]).finish();
    assert!(read(&signed).unwrap_err().to_string().contains("signed"));
}

proptest::proptest! {
    #[test]
    fn any_fax_ends(
        packed in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        compression in 2..=4_u16,
        options in 0..8_u32,
    ) {
        let _ = read(&fax(compression, options, &packed));
    }

    #[test]
    fn any_change_of_a_directory_ends(
        changes in proptest::collection::vec((proptest::num::u32::ANY, proptest::num::u8::ANY), 1..6),
    ) {
        let first = Tiff::new(2, 2, 1, &[8]).longs(254, &[1]).longs(330, &[8]).strip(&[1; 4]).finish();
        let mut file = Tiff::new(4, 4, 3, &[8]).after(first).strip(&[2; 16]).finish();
        for (at, byte) in changes {
            let length = file.len();
            file[at as usize % length] = byte;
        }
        let limits = Limits { max_pixels: 1 << 20, max_side: 5000, max_alloc: 16 << 20, ..Limits::default() };
        if let Ok(header) = header(Cursor::new(&file), &limits) {
            let _ = decode(&file, &header, Shrink::Full, &limits);
        }
    }
}
