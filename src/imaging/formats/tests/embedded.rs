//! What files carry beside their pixels: paths and XMP, written and read back.

use super::*;
use crate::imaging::formats::photoshop::tests::resource;
use crate::imaging::paths::tests::{circle, polygon, rectangle};

const XMP: &[u8] = b"<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'/><?xpacket end='w'?>";

fn limits() -> Limits {
    Limits::default()
}

fn paths_of(file: &[u8]) -> Vec<Path> {
    let header = header(Cursor::new(file), &limits()).unwrap();
    paths(Cursor::new(file), &header, &limits())
}

fn xmp_of(file: &[u8]) -> Option<Vec<u8>> {
    let header = header(Cursor::new(file), &limits()).unwrap();
    xmp(Cursor::new(file), &header, &limits())
}

fn write(encoding: &Encoding, pixel_type: PixelType, xmp: &[u8], paths: &[Path]) -> Vec<u8> {
    let picture = raster((24, 16), pixel_type, Alpha::None);
    let embedded = Embedded { profile: Some(b"profile"), xmp: Some(xmp), paths };
    let file =
        super::super::encode(&picture, &output(encoding.clone(), pixel_type, false), embedded);
    let file = file.unwrap();
    let (header, _) = read(&file).unwrap();
    assert_eq!(header.profile.as_deref(), Some(b"profile".as_slice()));
    assert_eq!(header.dpi, Some(300.0));
    file
}

#[test]
fn paths_and_xmp_come_back_from_jpeg_and_tiff() {
    let mut clip = rectangle("clip", [0.25, 0.25, 0.5, 1.5]);
    clip.clipping = true;
    let mut open = polygon("open", &[[0.0, 0.0], [1.0, 1.0]]);
    open.subpaths[0].closed = false;
    let given = [rectangle("a", [0.0, 0.0, 1.0, 0.5]), open, clip];
    let tiff = Encoding::Tiff { compression: TiffCompression::Lzw };
    let with_jpeg = TiffCompression::Jpeg { quality: 90, full_chroma: false };
    let with_jpeg = Encoding::Tiff { compression: with_jpeg };
    let scans = Encoding::Jpeg {
        quality: 90,
        full_chroma: false,
        scans: Scans::Exactly(5),
        most_bytes: Some(1 << 20),
    };
    for (encoding, pixel_type) in [
        (&JPEG, PixelType::Rgb),
        (&JPEG, PixelType::Cmyk),
        (&JPEG, PixelType::Gray),
        (&tiff, PixelType::Rgb),
        (&tiff, PixelType::Cmyk),
        (&with_jpeg, PixelType::Rgb),
        (&with_jpeg, PixelType::Cmyk),
        (&scans, PixelType::Rgb),
    ] {
        let file = write(encoding, pixel_type, XMP, &given);
        assert_eq!(paths_of(&file), [given[0].clone(), given[2].clone()]);
        assert_eq!(xmp_of(&file).as_deref(), Some(XMP));
        let bare = write_bare(encoding, pixel_type);
        assert_eq!((paths_of(&bare), xmp_of(&bare)), (vec![], None));
    }
}

fn write_bare(encoding: &Encoding, pixel_type: PixelType) -> Vec<u8> {
    let picture = raster((24, 16), pixel_type, Alpha::None);
    encode(&picture, &output(encoding.clone(), pixel_type, false), None).unwrap()
}

#[test]
fn long_paths_take_several_segments_of_a_jpeg() {
    // 700 circles of four knots: more than 80 kilobytes.
    let mut path = circle("dots", [0.5, 0.5], 0.25);
    path.subpaths = vec![path.subpaths[0].clone(); 700];
    let file = write(&JPEG, PixelType::Rgb, XMP, std::slice::from_ref(&path));
    let found = paths_of(&file);
    assert_eq!(found[0].subpaths.len(), 700);
    assert!(file.windows(14).filter(|w| w == b"Photoshop 3.0\0").count() == 2);
}

#[test]
fn xmp_that_does_not_fit_into_a_jpeg_is_left_out() {
    let fits = vec![b' '; 65_504];
    let file = write(&JPEG, PixelType::Rgb, &fits, &[]);
    assert_eq!(xmp_of(&file), Some(fits));
    let long = vec![b' '; 65_505];
    let file = write(&JPEG, PixelType::Rgb, &long, &[]);
    assert_eq!(xmp_of(&file), None);
    let tiff = Encoding::Tiff { compression: TiffCompression::None };
    assert_eq!(xmp_of(&write(&tiff, PixelType::Rgb, &long, &[])), Some(long));
}

#[test]
fn what_others_wrote_is_found() {
    let block = [
        resource(1005, "", &[0, 72, 0, 0, 0, 1, 0, 2, 0, 72, 0, 0, 0, 1, 0, 2]),
        super::super::photoshop::block(&[rectangle("r", [0.0, 0.0, 1.0, 1.0])]),
    ]
    .concat();
    let jpeg = write_bare(&JPEG, PixelType::Rgb);
    // A block that goes on in a second segment, in the middle of a resource.
    let (first, second) = block.split_at(50);
    let file = with_segment(&jpeg, 0xed, &[b"Photoshop 3.0\0", second].concat());
    let file = with_segment(&file, 0xed, &[b"Photoshop 3.0\0", first].concat());
    let extended = b"http://ns.adobe.com/xmp/extension/\0abc";
    let file = with_segment(&file, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP].concat());
    let file = with_segment(&file, 0xe1, extended);
    assert_eq!(paths_of(&file)[0].name, "r");
    assert_eq!(xmp_of(&file).as_deref(), Some(XMP));
}

#[test]
fn no_damage_to_paths_ever_panics() {
    let paths = [circle("a", [0.5, 0.5], 0.25), rectangle("b", [0.0, 0.0, 1.0, 1.0])];
    let tiff = Encoding::Tiff { compression: TiffCompression::None };
    let mut seed = 7_u32;
    for encoding in [JPEG, tiff] {
        let file = write(&encoding, PixelType::Gray, XMP, &paths);
        for _ in 0..300 {
            let mut broken = file.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % broken.len();
                broken[at] = seed.to_be_bytes()[0];
            }
            if let Ok(header) = header(Cursor::new(&broken), &limits()) {
                for path in super::super::paths(Cursor::new(&broken), &header, &limits()) {
                    let _ = path.bounds();
                }
                let _ = xmp(Cursor::new(&broken), &header, &limits());
            }
        }
    }
}
