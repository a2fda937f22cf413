//! Pictures like photographs: soft shapes of all sizes, edges and grain, from a formula.

use std::cell::OnceCell;
use std::io::Cursor;
use std::rc::Rc;

use exportd::imaging::modifiers::{Presets, Rules, parse};
use exportd::imaging::plan::{Defaults, Plan, plan};
use exportd::imaging::raster::{Alpha, Raster, Samples};
use exportd::imaging::{Inputs, Limits, PixelType, Size, SourceInfo, Uprighting, convert, probe};

use crate::stage::Result;

/// How far apart the corners of the shapes are, in pixels, and how strong they are.
const SHAPES: [(u32, f32); 4] = [(256, 110.0), (64, 60.0), (16, 24.0), (4, 10.0)];

/// A picture of one size, drawn when it is first needed, and files of it.
pub(crate) struct Pictures {
    size: Size,
    drawn: OnceCell<Rc<[u8]>>,
}

impl Pictures {
    pub(crate) fn new(size: Size) -> Self {
        Self { size, drawn: OnceCell::new() }
    }

    fn rgb(&self) -> &Rc<[u8]> {
        self.drawn.get_or_init(|| draw(self.size).into())
    }

    /// Returns the picture.
    pub(crate) fn picture(&self) -> Result<Raster> {
        let samples = Samples::Eight(self.rgb().to_vec());
        Ok(Raster::new(self.size, PixelType::Rgb, Alpha::None, samples)?)
    }

    /// Returns the picture in inks.
    pub(crate) fn inks(&self) -> Result<Raster> {
        let (pixels, _) = self.rgb().as_chunks::<3>();
        let ink = |[r, g, b]: &[u8; 3]| {
            let black = 255 - *r.max(g).max(b);
            [255 - r - black, 255 - g - black, 255 - b - black, black]
        };
        let samples = Samples::Eight(pixels.iter().flat_map(ink).collect());
        Ok(Raster::new(self.size, PixelType::Cmyk, Alpha::None, samples)?)
    }

    /// Plans what modifiers ask of the picture.
    pub(crate) fn plan(&self, modifiers: &str, pixel_type: PixelType) -> Result<Plan> {
        let info =
            SourceInfo { pixel_type, size: self.size, ..info(&bitmap(Size::new(1, 1), &[0; 3]))? };
        planned(modifiers, &info)
    }

    /// Writes it as modifiers say.
    pub(crate) fn file(&self, modifiers: &str) -> Result<Vec<u8>> {
        let source = bitmap(self.size, self.rgb());
        let plan = planned(modifiers, &info(&source)?)?;
        let mut made = None;
        let inputs = Inputs::of(&source);
        convert(inputs, &[plan], &Limits::default(), Uprighting::Apply, &mut |_, file| {
            made = Some(file);
        })?;
        Ok(made.ok_or("nothing was made")??)
    }
}

fn info(source: &[u8]) -> Result<SourceInfo> {
    Ok(probe(Cursor::new(source), &Limits::default(), Uprighting::Apply)?)
}

fn planned(modifiers: &str, info: &SourceInfo) -> Result<Plan> {
    let parsed = parse(modifiers, &Presets::default(), Rules::default());
    let planned = plan(&parsed.modifiers, info, &Defaults::default());
    Ok(planned.map_err(|finding| finding.message.to_string())?.plan)
}

/// Draws red, green and blue of each pixel.
fn draw(size: Size) -> Vec<u8> {
    let mut samples = Vec::with_capacity(size.width as usize * size.height as usize * 3);
    for y in 0..size.height {
        for x in 0..size.width {
            let shapes = SHAPES.map(|(apart, strength)| strength * soft(x, y, apart));
            let light = 128.0 + shapes.iter().sum::<f32>() + edge(x, y);
            // Colours change more slowly than light, and have less grain.
            let (warm, green) = (50.0 * soft(x + 999, y, 256), 30.0 * soft(x, y + 999, 64));
            let grain = 4.0 * corner(x, y, 1);
            samples.extend([light + warm, light + green, light - warm].map(|v| level(v + grain)));
        }
    }
    samples
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn level(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

/// A roof line now and then.
fn edge(x: u32, y: u32) -> f32 {
    if (x + 2 * y) % 700 < 180 && (2 * x + 900 - y % 900) % 500 < 240 { -40.0 } else { 0.0 }
}

/// Goes smoothly from −½ to ½ between corners of chance.
#[expect(clippy::cast_precision_loss, reason = "sides of pictures are small")]
fn soft(x: u32, y: u32, apart: u32) -> f32 {
    let smooth = |v: u32| {
        let part = (v % apart) as f32 / apart as f32;
        part * part * (3.0 - 2.0 * part)
    };
    let (left, top, across, down) = (x / apart, y / apart, smooth(x), smooth(y));
    let row = |y| {
        let (from, to) = (corner(left, y, apart), corner(left + 1, y, apart));
        from + (to - from) * across
    };
    let (upper, lower) = (row(top), row(top + 1));
    upper + (lower - upper) * down
}

/// A number from −½ to ½ that looks like chance.
#[expect(clippy::cast_precision_loss, reason = "16 bits")]
fn corner(x: u32, y: u32, apart: u32) -> f32 {
    let mut mixed = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ apart;
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    (mixed >> 16) as f32 / 65_536.0 - 0.5
}

/// A Windows bitmap: what can be written without knowing how.
fn bitmap(size: Size, rgb: &[u8]) -> Vec<u8> {
    let row = size.width as usize * 3;
    let mut rows = Vec::with_capacity(rgb.len() + rgb.len() / row * 3);
    for line in rgb.chunks_exact(row).rev() {
        rows.extend(line.as_chunks().0.iter().flat_map(|&[r, g, b]: &[u8; 3]| [b, g, r]));
        rows.resize(rows.len().next_multiple_of(4), 0);
    }
    let length = u32::try_from(54 + rows.len()).unwrap_or_default();
    let header = [length, 0, 54, 40, size.width, size.height, 1 | 24 << 16, 0, 0, 0, 0, 0, 0];
    let header = header.iter().flat_map(|field| field.to_le_bytes());
    b"BM".iter().copied().chain(header).chain(rows).collect()
}
