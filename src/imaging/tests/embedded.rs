//! What a reply takes over from its source beside the pixels, and what it never does.

use super::*;
use crate::imaging::formats::{Embedded, paths, xmp};
use crate::imaging::paths::Path;
use crate::imaging::paths::tests::rectangle;
use crate::imaging::plan::Side;

const IDENTITY: plan::Affine = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

const JPEG: Encoding =
    Encoding::Jpeg { quality: 90, full_chroma: false, scans: Scans::Baseline, most_bytes: None };

/// Makes a source of 40 × 20 pixels with paths and XMP.
fn jpeg(paths: &[Path]) -> Vec<u8> {
    let picture = picture((40, 20), PixelType::Rgb, Alpha::None, &[99; 2400]);
    let output = output_as(JPEG, PixelType::Rgb, false);
    let embedded = Embedded { profile: None, xmp: Some(b"<x:xmpmeta/>"), paths };
    encode(&picture, &output, embedded).unwrap()
}

/// Puts a marker segment right after the start of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
}

fn paths_of(file: &[u8]) -> Vec<Path> {
    let limits = Limits::default();
    let header = header(Cursor::new(file), &limits).unwrap();
    paths(Cursor::new(file), &header, &limits)
}

fn holds(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|window| window == what)
}

#[test]
fn replies_carry_what_is_asked_and_no_proof_of_origin() {
    let path = rectangle("outline", [0.25, 0.5, 0.75, 1.0]);
    // C2PA: JUMBF in APP11, with the box's and the manifest store's names.
    let box_of = b"JP\0\x01\0\0\0\x01\0\0\0\x40jumb\0\0\0\x38jumdc2pa\0\x11\0\x10";
    let source = with_segment(&jpeg(std::slice::from_ref(&path)), 0xeb, box_of);
    assert!(holds(&source, b"jumb") && holds(&source, b"c2pa"));
    let size = Size::new(40, 20);
    let half = [0.5, 0.0, 0.0, 0.0, 1.0, 0.0];
    for encoding in [JPEG, Encoding::Tiff { compression: TiffCompression::None }] {
        let bare = output_as(encoding.clone(), PixelType::Rgb, false);
        let full = Output { embed_xmp: true, paths: Some(Box::new(half)), ..bare.clone() };
        let reply = one(&source, &plan_of(size, size, vec![Step::ToOutput], full)).unwrap();
        assert_eq!(paths_of(&reply), [rectangle("outline", [0.125, 0.5, 0.375, 1.0])]);
        let limits = Limits::default();
        let found = header(Cursor::new(&reply), &limits).unwrap();
        let found = xmp(Cursor::new(&reply), &found, &limits);
        assert_eq!(found.as_deref(), Some(b"<x:xmpmeta/>".as_slice()));
        assert!(!holds(&reply, b"jumb") && !holds(&reply, b"c2pa"));
        let reply = one(&source, &plan_of(size, size, vec![Step::ToOutput], bare)).unwrap();
        for name in [b"jumb".as_slice(), b"c2pa", b"xmpmeta", b"8BIM"] {
            assert!(!holds(&reply, name));
        }
    }
}

#[test]
fn probing_tells_where_paths_are_in_the_upright_picture() {
    let stored = [rectangle("a", [0.0, 0.0, 0.25, 0.5]), rectangle("b", [0.5, -1.0, 2.0, 1.0])];
    // Orientation 6: a quarter turn clockwise.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let source = with_segment(&jpeg(&stored), 0xe1, exif);
    let limits = Limits::default();
    let info = probe(Cursor::new(&source), &limits, Uprighting::Apply).unwrap();
    assert_eq!(info.size, Size::new(20, 40));
    let bounds: Vec<_> = info.paths.iter().map(|p| (p.name.as_str(), p.bounds)).collect();
    assert_eq!(bounds, [("a", [0.5, 0.0, 1.0, 0.25]), ("b", [0.0, 0.5, 2.0, 2.0])]);
    let info = probe(Cursor::new(&source), &limits, Uprighting::Ignore).unwrap();
    assert_eq!(info.paths[0].bounds, [0.0, 0.0, 0.25, 0.5]);
    // A hundred can be named.
    let many: Vec<Path> =
        (0..120).map(|n| rectangle(&format!("path {n}"), [0.0, 0.0, 1.0, 1.0])).collect();
    let info = probe(Cursor::new(&jpeg(&many)), &limits, Uprighting::Apply).unwrap();
    assert_eq!(info.paths.len(), 100);
}

#[test]
fn paths_clip_what_they_name() {
    let source =
        jpeg(&[rectangle("left", [0.0, 0.0, 0.5, 1.0]), rectangle("top", [0.0, 0.0, 1.0, 0.5])]);
    let size = Size::new(40, 20);
    let corners = |names: &[&str], keep, map| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let steps = vec![Step::Clip { names, keep, map: Box::new(map) }, Step::ToOutput];
        let output = output_as(Encoding::Png, PixelType::Rgb, true);
        let reply = read(&one(&source, &plan_of(size, size, steps, output)).unwrap());
        let Samples::Eight(samples) = reply.samples() else { panic!("16 bits") };
        [0, 39, 19 * 40, 19 * 40 + 39].map(|pixel| samples[pixel * 4 + 3])
    };
    let both = ["left", "top", "nobody"];
    assert_eq!(corners(&both[..1], Side::Inside, IDENTITY), [255, 0, 255, 0]);
    assert_eq!(corners(&both[..1], Side::Outside, IDENTITY), [0, 255, 0, 255]);
    assert_eq!(corners(&both, Side::Inside, IDENTITY), [255, 0, 0, 0]);
    assert_eq!(corners(&both, Side::Outside, IDENTITY), [0, 0, 0, 255]);
    let right = [1.0, 0.0, 0.5, 0.0, 1.0, 0.0];
    assert_eq!(corners(&both, Side::Inside, right), [0, 255, 0, 0]);
    assert_eq!(corners(&["nobody"], Side::Inside, IDENTITY), [255; 4]);
}
