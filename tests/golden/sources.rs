//! The pictures cases start from: computed in integers, so the same everywhere.

use std::io::Cursor;

use exportd::imaging::color::reply_profile;
use exportd::imaging::plan::{Aux, Profiles};
use exportd::imaging::{PixelType, Size};
use image::{ExtendedColorType, ImageEncoder};

use crate::Result;

#[path = "../support/profiles.rs"]
mod made;

const WIDTH: u32 = 60;
const HEIGHT: u32 = 40;

/// A source file, its size, and what a case may name beside it.
pub(crate) struct Source {
    pub(crate) file: Vec<u8>,
    pub(crate) size: Size,
    pub(crate) aux: Vec<(Aux, Vec<u8>)>,
}

/// Makes the file of a source by its name.
pub(crate) fn make(name: &str) -> Result<Source> {
    let file = match name {
        "detail" => png(ExtendedColorType::Rgb8, &pixels(detail))?,
        "cutout" => png(ExtendedColorType::Rgba8, &pixels(cutout))?,
        "swapped" => tagged(&pixels(detail), &swapped())?,
        "gray" => png(ExtendedColorType::L8, &pixels(|x, y| [detail(x, y)[1]]))?,
        "drawing" => DRAWING.into(),
        "page" => page(0).into_bytes(),
        "turned-page" => page(90).into_bytes(),
        "cmyk" => cmyk(&pixels(inks), None)?,
        "outlined" => outlined(&pixels(detail))?,
        "press" => cmyk(&pixels(inks), Some(&made::cmyk()))?,
        other => return Err(format!("there is no source {other:?}").into()),
    };
    let stripes = png(ExtendedColorType::L8, &pixels(|x, _| [level(x / 6 * 28)]))?;
    let aux = vec![
        (Aux::Mask("stripes".into()), stripes),
        (Aux::Profile("swapped".into()), swapped()),
        (Aux::Profile("press".into()), made::cmyk()),
    ];
    Ok(Source { file, size: Size::new(WIDTH, HEIGHT), aux })
}

/// A drawing of gradients, strokes, clips, groups, patterns and filters.
const DRAWING: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="40mm" viewBox="0 0 240 160">
  <defs>
    <linearGradient id="sky" x2="0" y2="1">
      <stop offset="0" stop-color="#0af"/><stop offset="1" stop-color="#fff"/>
    </linearGradient>
    <radialGradient id="sun"><stop stop-color="gold"/><stop offset="1" stop-color="#f60"/></radialGradient>
    <clipPath id="round"><circle cx="60" cy="110" r="40"/></clipPath>
    <pattern id="dots" width="10" height="10" patternUnits="userSpaceOnUse">
      <circle cx="5" cy="5" r="3" fill="navy"/>
    </pattern>
    <filter id="soft"><feGaussianBlur stdDeviation="4"/></filter>
    <g id="leaf"><path d="M 0 0 C 10 -20 30 -20 40 0 C 30 20 10 20 0 0 Z"/></g>
  </defs>
  <rect width="240" height="80" fill="url(#sky)"/>
  <circle cx="180" cy="50" r="30" fill="url(#sun)"/>
  <g clip-path="url(#round)"><rect x="20" y="70" width="80" height="80" fill="url(#dots)"/></g>
  <g opacity="0.6"><use href="#leaf" x="110" y="110" fill="#080"/>
    <use href="#leaf" transform="translate(130 120) rotate(40)" fill="#c00"/></g>
  <path d="M 10 20 L 60 60 L 110 20" fill="none" stroke="#306" stroke-width="6"
    stroke-dasharray="14 6" stroke-linejoin="round" stroke-linecap="round"/>
  <rect x="180" y="110" width="40" height="30" fill="#000" filter="url(#soft)"/>
</svg>
"##;

/// A page of 144 × 96 points with letters, curves, inks, a gradient and transparency.
fn page(rotate: u32) -> String {
    let content = "0 0 0 0.2 k 0 0 144 96 re f \
        q 8 8 60 36 re W n /Shade sh Q \
        q /Half gs 0 1 1 0 k 90 30 m 120 30 120 60 90 60 c 60 60 60 30 90 30 c f Q \
        0 0 1 RG 3 w [8 4] 0 d 1 J 76 14 m 100 2 120 30 138 8 c S \
        0 g BT /Sans 16 Tf 8 74 Td (Sans) Tj /Serif 16 Tf 44 0 Td (Serif) Tj \
        /Mono 14 Tf 42 0 Td 1 0 0 rg (Mono) Tj ET";
    let resources = "/Font << /Sans 5 0 R /Serif 6 0 R /Mono 7 0 R >> /Shading << /Shade 8 0 R >> \
        /ExtGState << /Half << /ca 0.5 >> >>";
    let font = |name: &str| format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} >>");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 144 96] /Rotate {rotate} /Contents 4 0 R \
             /Resources << {resources} >> >>"
        ),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        font("Helvetica-Bold"),
        font("Times-Italic"),
        font("Courier"),
        "<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [8 0 68 0] /Extend [true true] /Function \
         << /FunctionType 2 /Domain [0 1] /C0 [1 0.5 0] /C1 [0 0.2 0.8] /N 1 >> >>"
            .to_owned(),
    ];
    let mut file = String::from("%PDF-1.7\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (n, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
    }
    let (start, size) = (file.len(), objects.len() + 1);
    file + &table + &format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n")
}

/// What sources with paths say of themselves beside their pixels.
pub(crate) const XMP: &[u8] =
    b"<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'/><?xpacket end='w'?>";

/// A TIFF with XMP and two paths: a diamond over the whole picture and its left three fifths.
fn outlined(samples: &[u8]) -> Result<Vec<u8>> {
    let diamond = path(2000, b"diamond", &[[30, 0], [60, 20], [30, 40], [0, 20]]);
    let left = path(2001, b"left part", &[[0, 0], [36, 0], [36, 40], [0, 40]]);
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file)?;
    let mut image = encoder.new_image::<tiff::encoder::colortype::RGB8>(WIDTH, HEIGHT)?;
    let resources = [diamond, left].concat();
    image.encoder().write_tag(tiff::tags::Tag::Unknown(34_377), resources.as_slice())?;
    image.encoder().write_tag(tiff::tags::Tag::Unknown(700), XMP)?;
    image.write_data(samples)?;
    Ok(file.into_inner())
}

/// An image resource of Photoshop: a closed path of straight lines through points in pixels.
fn path(number: u16, name: &[u8], points: &[[u32; 2]]) -> Vec<u8> {
    let mut records = Vec::new();
    let mut record = |selector: u16, data: &[u8]| {
        records.extend(selector.to_be_bytes());
        records.extend(data);
        records.resize(records.len().next_multiple_of(26), 0);
    };
    record(6, &[]);
    record(0, &[0, level(u32::try_from(points.len()).unwrap_or_default())]);
    for [x, y] in points {
        // 24 bits behind the point, y first; both handles lie on the knot.
        let knot = [y * (1 << 24) / HEIGHT, x * (1 << 24) / WIDTH].map(u32::to_be_bytes).concat();
        record(2, &knot.repeat(3));
    }
    let mut resource = [b"8BIM".as_slice(), &number.to_be_bytes()].concat();
    resource.push(level(u32::try_from(name.len()).unwrap_or_default()));
    resource.extend(name);
    resource.resize(resource.len().next_multiple_of(2), 0);
    resource.extend(u32::try_from(records.len()).unwrap_or_default().to_be_bytes());
    resource.extend(records);
    resource
}

/// Returns the profiles that a case may name.
pub(crate) fn profiles() -> Profiles {
    Profiles::new([("swapped", PixelType::Rgb), ("press", PixelType::Cmyk)])
}

/// A profile that is sRGB with red and green exchanged.
fn swapped() -> Vec<u8> {
    made::swapped(reply_profile(PixelType::Rgb).unwrap_or_default())
}

/// Four ramps of inks.
fn inks(x: u32, y: u32) -> [u8; 4] {
    [level(x * 4), level(y * 6), 60, level((x + y) % 40 * 5)]
}

fn pixels<const N: usize>(pixel: impl Fn(u32, u32) -> [u8; N]) -> Vec<u8> {
    let all = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    all.flat_map(|(x, y)| pixel(x, y)).collect()
}

fn level(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// Rings whose width shrinks outwards, on a ramp: every frequency in every direction.
fn detail(x: u32, y: u32) -> [u8; 3] {
    let (dx, dy) = (x.abs_diff(WIDTH / 2), y.abs_diff(HEIGHT / 2));
    let ring = (dx * dx + dy * dy) / 24 % 16;
    let wave = if ring < 8 { ring * 32 } else { (15 - ring) * 32 };
    [level(x * 4), level(wave), level(255 - y * 6)]
}

/// A disc whose edge is a few pixels soft, with bright colours hidden where it is transparent.
fn cutout(x: u32, y: u32) -> [u8; 4] {
    let (dx, dy) = (x.abs_diff(WIDTH / 2), y.abs_diff(HEIGHT / 2));
    let inside = 300_u32.saturating_sub(dx * dx + dy * dy);
    let [r, g, b] = if inside == 0 { [0, 255, 0] } else { detail(x, y) };
    [r, g, b, level(inside * 3)]
}

fn png(color: ExtendedColorType, samples: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file).write_image(samples, WIDTH, HEIGHT, color)?;
    Ok(file)
}

fn tagged(samples: &[u8], profile: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.set_icc_profile(profile.to_vec())?;
    encoder.write_image(samples, WIDTH, HEIGHT, ExtendedColorType::Rgb8)?;
    Ok(file)
}

fn cmyk(samples: &[u8], profile: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file)?;
    let mut image = encoder.new_image::<tiff::encoder::colortype::CMYK8>(WIDTH, HEIGHT)?;
    if let Some(profile) = profile {
        image.encoder().write_tag(tiff::tags::Tag::IccProfile, profile)?;
    }
    image.write_data(samples)?;
    Ok(file.into_inner())
}
