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
        "cmyk" => cmyk(&pixels(inks), None)?,
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
