//! Palettes: pictures of at most 256 colours (reference page *quantize*).
//!
//! A picture that has few enough colours keeps them exactly. Of any other, `choose` finds the
//! colours that stand for the rest with the least error, `space` says what an error is, and
//! `assign` gives every pixel its colour, with Floyd–Steinberg error diffusion or without.
//!
//! Transparency comes in three kinds, which never mix. *Clear* pixels have an entry of their own
//! and no colour: they neither influence the palette nor take or hand on errors. *Solid* pixels
//! get solid entries only, so that nothing opaque becomes translucent. What lies between is *soft*
//! and, where the format holds it, gets entries with an opacity of their own; else it becomes solid
//! or clear, whichever is nearer.
//!
//! Everything is a matter of the picture and the settings alone: no chance, no threads, and no
//! floating-point function that could differ between platforms.

use std::collections::HashMap;

use crate::diag::phrase;
use crate::imaging::plan::{PaletteKind, Quantize};
use crate::imaging::raster::{Raster, Samples};
use crate::imaging::{ConvertError, PixelType};

mod assign;
mod choose;
mod space;

use choose::Histogram;
use space::Nearest;

/// Red, green, blue and opacity, not premultiplied.
pub(super) type Rgba = [u8; 4];

/// A picture made of a palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indexed {
    /// The colours: forced ones first, a clear one last, 1 to 256 in all.
    pub(super) palette: Vec<Rgba>,
    /// An index for every pixel, row after row.
    pub(super) indexes: Vec<u8>,
}

impl Indexed {
    /// Returns the index of the clear entry.
    pub(super) fn clear(&self) -> Option<u8> {
        let at = self.palette.iter().position(|color| color[3] == 0)?;
        u8::try_from(at).ok()
    }
}

/// What becomes of pixels that are neither opaque nor clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// They become opaque from half on, else clear; there is always a clear entry.
    Hard,
    /// They keep their opacity.
    Soft,
}

/// Most entries of a palette.
const MOST: usize = 256;

/// The pixels of a gray or RGB picture as colours, without a copy of them.
#[derive(Clone, Copy)]
struct Pixels<'a> {
    samples: &'a [u8],
    channels: usize,
    edges: Edges,
}

impl<'a> Pixels<'a> {
    fn of(picture: &'a Raster, edges: Edges) -> Result<Self, ConvertError> {
        let Samples::Eight(samples) = picture.samples() else {
            return Err(ConvertError::internal("16-bit pixels reached the palette"));
        };
        if picture.pixel_type() == PixelType::Cmyk {
            return Err(ConvertError::unwritable(
                phrase!("reply-palette-holds-gray-or-rgb", "a palette holds gray or RGB only"),
                phrase!("help-leave-pixel-type-out", "leave the pixel type out"),
            ));
        }
        Ok(Self { samples, channels: picture.channels(), edges })
    }

    fn count(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// Returns the colour of one pixel; what is clear is black.
    fn at(&self, pixel: usize) -> Rgba {
        let [r, g, b, a] = match self.samples[pixel * self.channels..][..self.channels] {
            [v] => [v, v, v, 255],
            [v, a] => [v, v, v, a],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, a, ..] => [r, g, b, a],
            [] => [0; 4],
        };
        match (a, self.edges) {
            (255, _) | (1.., Edges::Soft) => [r, g, b, a],
            (128.., Edges::Hard) => [r, g, b, 255],
            _ => [0; 4],
        }
    }

    fn iter(self) -> impl Iterator<Item = Rgba> {
        (0..self.count()).map(move |pixel| self.at(pixel))
    }
}

/// Gives a gray or RGB picture a palette.
///
/// Beside the clear entry there are at most as many as asked; forced colours beyond that number
/// are left out, the first ones count. `web` and `mac` have no entries for soft pixels.
///
/// # Errors
/// [`ConvertError::Unwritable`] for CMYK.
pub(super) fn index(
    picture: &Raster,
    wanted: &Quantize,
    edges: Edges,
) -> Result<Indexed, ConvertError> {
    let fixed = match wanted.palette {
        PaletteKind::Adaptive => None,
        PaletteKind::Web => Some(web()),
        PaletteKind::Mac => Some(mac()),
    };
    let mut most = usize::from(wanted.colors);
    let mut given = forced(&wanted.forced);
    let keyed = picture.has_alpha() && edges == Edges::Hard;
    // Soft pixels need an entry, and what is solid beside them may need another.
    let room = fixed.is_none() && most.min(MOST - 1) >= given.len() + 2;
    let pixels = Pixels::of(picture, if room { edges } else { Edges::Hard })?;
    let clear = keyed || pixels.iter().any(|color| color[3] == 0);
    most = most.min(MOST - usize::from(clear));
    given.truncate(most);
    if fixed.is_none()
        && let Some(exact) = exact(pixels, &given, most, clear)
    {
        return Ok(exact);
    }
    let [solid, soft] = histograms(pixels);
    let entries = match fixed {
        None => choose::adaptive([&solid, &soft], &given, most),
        Some(fixed) => [choose::most_used(&solid, &given, &fixed, most), Vec::new()],
    };
    Ok(finish(pixels, picture.width(), &entries, clear, wanted.diffuse))
}

/// Returns the forced colours, each once, as entries.
fn forced(colors: &[[u8; 3]]) -> Vec<Rgba> {
    let mut entries: Vec<Rgba> = Vec::new();
    for &[r, g, b] in colors {
        if !entries.contains(&[r, g, b, 255]) {
            entries.push([r, g, b, 255]);
        }
    }
    entries
}

/// Counts solid and soft pixels apart.
fn histograms(pixels: Pixels) -> [Histogram; 2] {
    let mut counted = [Histogram::default(), Histogram::default()];
    for color in pixels.iter() {
        match color[3] {
            0 => {}
            255 => counted[0].add(color),
            _ => counted[1].add(color),
        }
    }
    counted
}

/// Numbers the colours in order of appearance; none when they do not fit beside the given ones.
fn exact(pixels: Pixels, given: &[Rgba], most: usize, clear: bool) -> Option<Indexed> {
    // Until it is known how many there are, clear pixels have the last number.
    const CLEAR: usize = MOST - 1;
    let mut palette = given.to_vec();
    let mut numbers: HashMap<Rgba, usize> = given.iter().copied().zip(0..).collect();
    let mut last = ([0; 4], CLEAR);
    let mut indexes = Vec::with_capacity(pixels.count());
    for color in pixels.iter() {
        if color != last.0 {
            let new = palette.len();
            let number = if color[3] == 0 { CLEAR } else { *numbers.entry(color).or_insert(new) };
            if color[3] > 0 && number == new {
                if new == most {
                    return None;
                }
                palette.push(color);
            }
            last = (color, number);
        }
        indexes.push(byte(last.1));
    }
    if clear {
        let number = byte(palette.len());
        palette.push([0; 4]);
        for index in &mut indexes {
            if usize::from(*index) == CLEAR {
                *index = number;
            }
        }
    }
    Some(Indexed { palette, indexes })
}

/// Assigns the pixels to solid and soft entries and puts the clear one behind them.
fn finish(
    pixels: Pixels,
    width: usize,
    [solid, soft]: &[Vec<Rgba>; 2],
    clear: bool,
    diffuse: bool,
) -> Indexed {
    let mut palette = [solid.as_slice(), soft].concat();
    let table = assign::Table {
        solid: Nearest::new(solid.iter().map(|color| space::point(*color)).collect()),
        soft: Nearest::new(soft.iter().map(|color| space::point(*color)).collect()),
    };
    let indexes = if diffuse { table.diffuse(pixels, width) } else { table.nearest(pixels) };
    if clear {
        palette.push([0; 4]);
    }
    Indexed { palette, indexes }
}

/// Returns the 216 colours of old browsers: six levels of each component, black first.
fn web() -> Vec<Rgba> {
    const LEVELS: [u8; 6] = [0x00, 0x33, 0x66, 0x99, 0xcc, 0xff];
    cube(LEVELS)
}

/// Returns the 256 system colours of the classic Macintosh, in its order: the colours of `web`
/// from white on without black, ten more levels each of red, green, blue and gray, and black.
fn mac() -> Vec<Rgba> {
    const LEVELS: [u8; 6] = [0xff, 0xcc, 0x99, 0x66, 0x33, 0x00];
    const BETWEEN: [u8; 10] = [0xee, 0xdd, 0xbb, 0xaa, 0x88, 0x77, 0x55, 0x44, 0x22, 0x11];
    let mut colors = cube(LEVELS);
    colors.pop();
    colors.extend(BETWEEN.map(|v| [v, 0, 0, 255]));
    colors.extend(BETWEEN.map(|v| [0, v, 0, 255]));
    colors.extend(BETWEEN.map(|v| [0, 0, v, 255]));
    colors.extend(BETWEEN.map(|v| [v, v, v, 255]));
    colors.push([0, 0, 0, 255]);
    colors
}

/// Combines levels, blue changing fastest.
fn cube(levels: [u8; 6]) -> Vec<Rgba> {
    let mut colors = Vec::with_capacity(MOST);
    for r in levels {
        for g in levels {
            colors.extend(levels.map(|b| [r, g, b, 255]));
        }
    }
    colors
}

/// Turns an entry's number into an index.
#[expect(clippy::cast_possible_truncation, reason = "a palette has at most 256 entries")]
const fn byte(number: usize) -> u8 {
    number as u8
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers of generated pictures are small"
)]
mod tests;
