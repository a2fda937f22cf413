//! JPEG to JPEG of the same size without making pixels: coefficients are read, brought to the steps
//! of the wanted quality, and coded again (ISO/IEC 10918-1).
//!
//! Nothing is rounded to eight bits on the way and no colour is converted to and fro, so the reply is
//! as near to its source as one made of pixels, and it takes a fraction of the time. Where the
//! reply has fewer samples of colour than the source, their means are taken of the coefficients
//! themselves. A reply of the steps the source has already loses nothing.
//!
//! Tables and the order of everything are those of [`super::jpeg`], which makes what is not made here.

mod coder;
mod halving;
mod huffman;
mod steps;
#[cfg(test)]
mod tests;

use coder::{Kind, Notes, Quantized};
use huffman::Codes;

use super::Embedded;
use super::jpeg::{self, Settings};
use super::jpeg_decoder::{BAND, Band, Decoder, Layout, Reading, ZIGZAG, at_best};
use crate::imaging::Size;
use crate::imaging::plan::Scans;

/// Codes a JPEG again. None where that cannot be done without pixels: for a progressive reply, the
/// lowest qualities, other colours than gray and YCbCr, finer colour than the source has, and damage,
/// which whoever makes pixels describes.
pub(super) fn recoded(
    file: &[u8],
    size: Size,
    settings: Settings,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Option<Vec<u8>> {
    if settings.scans != Scans::Baseline {
        return None;
    }
    let decoder = Decoder::new(file, &[], Reading::Everything).ok()?;
    let layout = decoder.layout()?;
    let wanted = if settings.full_chroma { 1 } else { 2 };
    let unit = match layout {
        Layout::Gray => 1,
        Layout::Colour(across, down) => {
            let coarser = |found: usize| found == wanted || found == 1;
            (coarser(across) && coarser(down)).then_some(wanted)?
        }
    };
    let tables = steps::tables(settings.quality)?;
    let mut work = Work::new(size, layout, unit);
    decoder
        .each_band(&mut |bands, quantizers| {
            at_best(
                #[inline(always)]
                || work.band(bands, quantizers, &tables).is_some(),
            )
        })
        .ok()?;
    let codes = work.notes.codes();
    let mut made = jpeg::start(dpi, embedded);
    header(&mut made, size, (layout, unit), &tables, &codes);
    work.notes.write(&codes, &mut made);
    made.extend([0xff, 0xd9]);
    Some(made)
}

/// The coding of bands, from the top.
struct Work {
    layout: Layout,
    /// Blocks of brightness in a unit of the reply, across and down.
    unit: usize,
    units_across: usize,
    /// Rows of units that are still missing.
    units_down: usize,
    predictions: [i16; 3],
    notes: Notes,
    /// Most notes: they take no more memory than pixels would.
    most: usize,
}

impl Work {
    fn new(size: Size, layout: Layout, unit: usize) -> Self {
        let units = |side: u32| (side as usize).div_ceil(8 * unit);
        let samples = if layout == Layout::Gray { 1 } else { 3 };
        Self {
            layout,
            unit,
            units_across: units(size.width),
            units_down: units(size.height),
            predictions: [0; 3],
            notes: Notes::new(),
            most: usize::try_from(size.pixels() * samples / 4 + 4096).unwrap_or_default(),
        }
    }

    /// Codes the units of a band; none when a table is missing, or when there is too much to note.
    #[inline(always)]
    fn band(
        &mut self,
        bands: &[Band],
        quantizers: &[Option<[u16; 64]>],
        tables: &[[u8; 64]; 2],
    ) -> Option<()> {
        let rows = (BAND / 8 / self.unit).min(self.units_down);
        self.units_down -= rows;
        let mut changes = Vec::new();
        for (component, (band, quantizer)) in bands.iter().zip(quantizers).enumerate() {
            let blocks = self.blocks(component);
            let table = &tables[component.min(1)];
            changes.push(Change::new(band, blocks, quantizer.as_ref()?, table));
        }
        for row in 0..rows {
            for column in 0..self.units_across {
                for (component, change) in changes.iter().enumerate() {
                    let each = if component == 0 { self.unit } else { 1 };
                    for y in row * each..(row + 1) * each {
                        for x in column * each..(column + 1) * each {
                            self.note(component, change.block(x, y).as_ref());
                        }
                    }
                }
            }
        }
        (self.notes.len() <= self.most).then_some(())
    }

    /// Tells of how many blocks of the source one is made, across and down.
    const fn blocks(&self, component: usize) -> (usize, usize) {
        match self.layout {
            Layout::Colour(across, down) if component > 0 => (self.unit / across, self.unit / down),
            Layout::Colour(..) | Layout::Gray => (1, 1),
        }
    }

    /// Notes a block; one that has no pixels repeats the lowest frequency of the one before.
    #[inline(always)]
    fn note(&mut self, component: usize, block: Option<&Quantized>) {
        let kind = if component == 0 { Kind::Brightness } else { Kind::Colour };
        let prediction = &mut self.predictions[component];
        match block {
            Some(block) => self.notes.block(kind, block, prediction),
            None => {
                let mut values = [0; 64];
                values[0] = *prediction;
                self.notes.block(kind, &Quantized { values, marks: 0 }, prediction);
            }
        }
    }
}

/// What becomes of the blocks of a component.
struct Change<'b> {
    band: &'b Band,
    /// Of how many blocks one is made, across and down: 1 or 2.
    blocks: (usize, usize),
    /// The steps of the source, and what is made of one of them; in units where several are one.
    steps: [f32; 64],
    ratio: [f32; 64],
}

impl<'b> Change<'b> {
    fn new(
        band: &'b Band,
        blocks: (usize, usize),
        quantizer: &[u16; 64],
        table: &[u8; 64],
    ) -> Self {
        let from = if blocks == (1, 1) { quantizer } else { &[1; 64] };
        Self { band, blocks, steps: quantizer.map(f32::from), ratio: steps::ratio(from, table) }
    }

    /// Makes a block; none where the source has no pixels.
    #[inline(always)]
    fn block(&self, x: usize, y: usize) -> Option<Quantized> {
        if self.blocks == (1, 1) {
            let block = self.band.block(x, y)?;
            return Some(steps::quantized(&block.map(f32::from), &self.ratio));
        }
        let (x, y) = (x * self.blocks.0, y * self.blocks.1);
        let first = self.row(x, y)?;
        let made = match self.blocks {
            (_, 1) => first,
            _ => halving::down(&first, self.row(x, y + 1).as_ref()),
        };
        Some(steps::quantized(&made, &self.ratio))
    }

    /// Makes the upper or the lower half of a block.
    #[inline(always)]
    fn row(&self, x: usize, y: usize) -> Option<[f32; 64]> {
        let first = self.exact(x, y)?;
        Some(match self.blocks {
            (1, _) => first,
            _ => halving::across(&first, self.exact(x + 1, y).as_ref()),
        })
    }

    #[inline(always)]
    fn exact(&self, x: usize, y: usize) -> Option<[f32; 64]> {
        let mut exact = self.band.block(x, y)?.map(f32::from);
        exact.iter_mut().zip(&self.steps).for_each(|(value, step)| *value *= step);
        Some(exact)
    }
}

/// Writes everything between what programs keep in a file and the bits (B.2).
fn header(
    file: &mut Vec<u8>,
    size: Size,
    (layout, unit): (Layout, usize),
    tables: &[[u8; 64]; 2],
    codes: &[Codes],
) {
    let components: u8 = if layout == Layout::Gray { 1 } else { 3 };
    for (number, table) in (0..components.min(2)).zip(tables) {
        let ordered = ZIGZAG[..64].iter().map(|at| table[usize::from(*at)]);
        segment(file, 0xdb, [number].into_iter().chain(ordered));
    }
    let side = |side: u32| u16::try_from(side).unwrap_or_default().to_be_bytes();
    let ([h0, h1], [w0, w1]) = (side(size.height), side(size.width));
    let factors = if unit == 2 { 0x22 } else { 0x11 };
    let of_frame = |number: u8| {
        if number == 1 { [1, factors, 0] } else { [number, 0x11, 1] }
    };
    let described = (1..=components).flat_map(of_frame);
    segment(file, 0xc0, [8, h0, h1, w0, w1, components].into_iter().chain(described));
    for (codes, number) in codes.iter().zip([0x00, 0x10, 0x01, 0x11]) {
        let content = [number].into_iter().chain(codes.counts).chain(codes.symbols.iter().copied());
        segment(file, 0xc4, content);
    }
    let of_scan = |number: u8| [number, if number == 1 { 0x00 } else { 0x11 }];
    let described = (1..=components).flat_map(of_scan);
    segment(file, 0xda, [components].into_iter().chain(described).chain([0, 63, 0]));
}

fn segment(file: &mut Vec<u8>, marker: u8, content: impl Iterator<Item = u8>) {
    let start = file.len();
    file.extend([0xff, marker, 0, 0]);
    file.extend(content);
    let length = u16::try_from(file.len() - start - 2).unwrap_or_default();
    file[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
}
