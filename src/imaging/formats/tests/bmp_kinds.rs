//! Bitmaps of every kind there is, written by hand.

use super::*;

/// Writes a bitmap: a header behind its own length, then masks or palette, then pixels.
fn bmp(header: &[u8], colors: &[u8], pixels: &[u8]) -> Vec<u8> {
    let offset = 14 + 4 + header.len() + colors.len();
    let mut file = b"BM".to_vec();
    file.extend(u32::try_from(offset + pixels.len()).unwrap().to_le_bytes());
    file.extend([0; 4]);
    file.extend(u32::try_from(offset).unwrap().to_le_bytes());
    file.extend(u32::try_from(header.len() + 4).unwrap().to_le_bytes());
    file.extend(header);
    file.extend(colors);
    file.extend(pixels);
    file
}

/// Makes a header of Windows 3, or the beginning of a longer one.
fn windows(width: i32, height: i32, bits: u16, compression: u32) -> Vec<u8> {
    let mut header = width.to_le_bytes().to_vec();
    header.extend(height.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(bits.to_le_bytes());
    header.extend(compression.to_le_bytes());
    header.extend([0; 4]);
    // 2835 pixels a metre, both ways.
    header.extend([0x13, 0x0b, 0, 0].repeat(2));
    header.extend([0; 8]);
    header
}

/// Red, green, blue and white as palettes have them, of 3 or 4 bytes.
fn palette(entry: usize, count: usize) -> Vec<u8> {
    let colors = [[0, 0, 255, 0], [0, 255, 0, 0], [255, 0, 0, 0], [255, 255, 255, 0]];
    let mut all: Vec<u8> = colors.iter().flat_map(|color| color[..entry].to_vec()).collect();
    all.resize(entry * count, 0);
    all
}

const R: [u8; 3] = [255, 0, 0];
const G: [u8; 3] = [0, 255, 0];
const B: [u8; 3] = [0, 0, 255];
const W: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

#[track_caller]
fn assert_shows(name: &str, file: &[u8], pixels: &[[u8; 3]]) {
    let (header, picture) = read(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!header.alpha && header.pixel_type == PixelType::Rgb, "{name}");
    assert_eq!(eight(&picture), pixels.concat(), "{name}");
}

#[test]
fn palettes_and_run_lengths() {
    let header = |bits, compression| windows(3, 2, bits, compression);
    // Rows stand from the bottom up and take a multiple of four bytes.
    let wanted = [R, G, B, W, W, R];
    let eight = [[3, 3, 0, 0], [0, 1, 2, 0]].concat();
    assert_shows("8 bits", &bmp(&header(8, 0), &palette(4, 256), &eight), &wanted);
    let four = [[0x33, 0, 0, 0], [0x01, 0x20, 0, 0]].concat();
    assert_shows("4 bits", &bmp(&header(4, 0), &palette(4, 16), &four), &wanted);
    let one = [[0b0100_0000, 0, 0, 0], [0b1010_0000, 0, 0, 0]].concat();
    let shown = [G, R, G, R, G, R];
    assert_shows("1 bit", &bmp(&header(1, 0), &palette(4, 2), &one), &shown);
    // Runs, then as they are and padded to an even length; end of row, end of picture.
    let runs = [2, 3, 1, 0, 0, 0, 0, 3, 0, 1, 2, 0, 0, 1];
    assert_shows("RLE8", &bmp(&header(8, 1), &palette(4, 256), &runs), &wanted);
    let runs = [2, 0x33, 1, 0, 0, 0, 0, 3, 0x01, 0x20, 0, 1];
    assert_shows("RLE4", &bmp(&header(4, 2), &palette(4, 16), &runs), &wanted);
    // A jump of one to the right and one up; what it passes over is colour 0 or black.
    let runs = [1, 3, 0, 2, 1, 1, 1, 2, 0, 1];
    let file = bmp(&header(8, 1), &palette(4, 256), &runs);
    let (_, picture) = read(&file).unwrap();
    assert_eq!(super::eight(&picture)[6..9], B);
    assert_eq!(super::eight(&picture)[9..12], W);
}

#[test]
fn true_colour_of_every_depth() {
    let rows = [[255, 255, 255, 0, 0, 255, 0, 0], [0, 0, 0, 255, 0, 0, 0, 0]].concat();
    let wanted = [BLACK, B, W, R];
    assert_shows("24 bits", &bmp(&windows(2, 2, 24, 0), &[], &rows), &wanted);
    let turned = [&rows[8..], &rows[..8]].concat();
    assert_shows("top down", &bmp(&windows(2, -2, 24, 0), &[], &turned), &wanted);
    // The fourth byte says nothing.
    let rows = [255, 255, 255, 9, 0, 0, 255, 7, 0, 0, 0, 0, 255, 0, 0, 255];
    assert_shows("32 bits", &bmp(&windows(2, 2, 32, 0), &[], &rows), &wanted);
    let words = |words: [u16; 4]| words.map(u16::to_le_bytes).concat();
    let rows = words([0x7fff, 0x7c00, 0, 0x001f]);
    assert_shows("5/5/5", &bmp(&windows(2, 2, 16, 0), &[], &rows), &wanted);
    let masks = |masks: &[u32]| -> Vec<u8> { masks.iter().flat_map(|m| m.to_le_bytes()).collect() };
    let rows = words([0xffff, 0xf800, 0, 0x001f]);
    let of_565 = masks(&[0xf800, 0x07e0, 0x001f]);
    assert_shows("5/6/5", &bmp(&windows(2, 2, 16, 3), &of_565, &rows), &wanted);
    // The red byte first.
    let rows = [255, 255, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0];
    let of_bytes = masks(&[0xff, 0xff00, 0x00ff_0000]);
    assert_shows("32 bits, masks", &bmp(&windows(2, 2, 32, 3), &of_bytes, &rows), &wanted);
    // Headers of version 4 and 5, with the masks inside.
    for length in [108, 124] {
        let mut header = windows(1, 1, 32, 3);
        header.extend(masks(&[0x00ff_0000, 0xff00, 0xff, 0xff00_0000]));
        header.resize(length - 4, 0);
        let file = bmp(&header, &[], &[1, 2, 3, 128]);
        let (header, picture) = read(&file).unwrap();
        assert!(header.alpha);
        assert_eq!(eight(&picture), [3, 2, 1, 128]);
    }
    let (header, _) = read(&bmp(&windows(1, 1, 24, 0), &[], &[0; 4])).unwrap();
    assert!((header.dpi.unwrap() - 72.0).abs() < 0.1);
}

#[test]
fn bitmaps_of_os2() {
    let core = |bits: u8| [3, 0, 2, 0, 1, 0, bits, 0];
    let eight = [[3, 3, 0, 0], [0, 1, 2, 0]].concat();
    let wanted = [R, G, B, W, W, R];
    assert_shows("OS/2 1, 8 bits", &bmp(&core(8), &palette(3, 256), &eight), &wanted);
    let four = [[0x33, 0, 0, 0], [0x01, 0x20, 0, 0]].concat();
    assert_shows("OS/2 1, 4 bits", &bmp(&core(4), &palette(3, 16), &four), &wanted);
    let one = [[0b0100_0000, 0, 0, 0], [0b1010_0000, 0, 0, 0]].concat();
    assert_shows("OS/2 1, 1 bit", &bmp(&core(1), &palette(3, 2), &one), &[G, R, G, R, G, R]);
    let rows = [[0, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0], [255; 12]].concat();
    assert_shows("OS/2 1, 24 bits", &bmp(&core(24), &[], &rows), &[W, W, W, R, G, B]);
    // What is in the two reserved fields says nothing.
    let mut file = bmp(&core(8), &palette(3, 256), &eight);
    file[6..10].fill(7);
    assert_shows("with a hot spot", &file, &wanted);
    // Of its second version only what Windows has, too.
    let mut long = windows(3, 2, 8, 0);
    long.resize(60, 0);
    let second = bmp(&long, &palette(4, 256), &eight);
    assert!(matches!(read(&second), Err(ConvertError::Unsupported { .. })));
}
