//! Rows of samples between the transform and the colours, and the pixels that come of them.
//!
//! Each component has the rows of two rows of units, which are written in turns: a row may need
//! the ones above and below.

use super::super::bits::Bits;
use super::super::blocks::Plane;
use super::super::colour::convert;
use super::super::error::Error;
use super::super::frame::{Component, Frame, Part, Scaled, Transform};
use super::super::idct::Transformer;
use super::super::markers::Tables;
use super::super::scan::{Scan, Visit};
use super::super::sequential::{Block, Coded, Reader};
use super::super::smoothing::{Around, Smoothing};
use super::super::upsample::{Row, Upsampling};

/// The rows of a component.
struct Strip {
    samples: Vec<u8>,
    stride: usize,
    transformer: Transformer,
    part: Part,
    /// Rows of blocks in a row of units.
    vertical: usize,
    /// The row of blocks that the row of units begins with, and the row of samples it comes to.
    first: usize,
    offset: usize,
}

impl Strip {
    fn new(component: &Component, part: &Part, quantizer: Option<&[u16; 64]>) -> Self {
        let stride = component.stored_across * part.block;
        Self {
            samples: vec![0; stride * component.vertical * part.block * 2],
            stride,
            transformer: Transformer::new(part.block, quantizer),
            part: part.clone(),
            vertical: component.vertical,
            first: 0,
            offset: 0,
        }
    }

    /// Tells how many rows of samples a row of units comes to.
    const fn rows(&self) -> usize {
        self.vertical * self.part.block
    }

    fn begin(&mut self, unit: usize) {
        self.first = unit * self.vertical;
        self.offset = unit % 2 * self.rows();
    }

    /// Returns where a block begins.
    #[inline(always)]
    const fn place(&self, (column, row): (usize, usize)) -> usize {
        let row = self.offset + (row - self.first) * self.part.block;
        row * self.stride + column * self.part.block
    }

    /// Computes the samples of a block whose coefficients may go so far.
    #[inline(always)]
    fn transform(&mut self, block: &[i16; 64], last: u32, at: (usize, usize)) {
        let at = self.place(at);
        self.transformer.run(block, last, &mut self.samples[at..], self.stride);
    }

    /// Computes the sample of a block from its lowest frequency.
    #[inline(always)]
    fn transform_lowest(&mut self, lowest: i16, at: (usize, usize)) {
        let at = self.place(at);
        self.samples[at] = self.transformer.lowest(lowest);
    }

    /// Returns a row by its number in the whole component.
    fn row(&self, row: usize) -> &[u8] {
        let at = row % (self.rows() * 2) * self.stride;
        self.samples.get(at..at + self.part.width).unwrap_or_default()
    }
}

/// Tells roughly how far the coefficients of a block go: 0, 9 or 63.
#[inline]
fn reach(block: &[i16; 64]) -> u32 {
    // Most blocks have something among the first four columns of the first four rows only.
    let (mut inside, mut outside) = (0, 0);
    for (row, values) in block.as_chunks::<8>().0.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            if row < 4 && column < 4 {
                inside |= if row + column == 0 { 0 } else { *value };
            } else {
                outside |= *value;
            }
        }
    }
    match (inside, outside) {
        (0, 0) => 0,
        (_, 0) => 9,
        _ => 63,
    }
}

/// The rows of all components, and the pixels of one size that come of them.
pub(super) struct Strips {
    strips: Vec<Strip>,
    rows: Vec<Row>,
    scaled: Scaled,
    transform: Transform,
    pixels: Vec<u8>,
    /// Rows of pixels that are there.
    written: usize,
}

impl Strips {
    /// Makes room.
    pub(super) fn new(frame: &Frame, scaled: &Scaled, quantizers: &[Option<[u16; 64]>]) -> Self {
        let parts = frame.components.iter().zip(&scaled.parts).zip(quantizers);
        let strips = parts
            .map(|((component, part), quantizer)| Strip::new(component, part, quantizer.as_ref()));
        Self {
            strips: strips.collect(),
            rows: vec![Row::new(scaled.width); frame.components.len()],
            scaled: scaled.clone(),
            transform: frame.transform,
            pixels: Vec::with_capacity(scaled.row * scaled.height),
            written: 0,
        }
    }

    /// Returns all pixels.
    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    fn begin(&mut self, unit: usize) {
        for strip in &mut self.strips {
            strip.begin(unit);
        }
    }

    /// Takes a row of units from memory.
    pub(super) fn transform(
        &mut self,
        frame: &Frame,
        unit: usize,
        planes: &mut [Plane],
        smoothing: Option<&[Smoothing]>,
    ) {
        self.begin(unit);
        let parts = self.strips.iter_mut().zip(&frame.components).zip(planes);
        for (place, ((strip, component), plane)) in parts.enumerate() {
            let smoothing = smoothing.and_then(|list| list.get(place));
            for row in strip.first..(strip.first + component.vertical).min(component.blocks_down) {
                let first = plane.number((0, row));
                if let Some(smoothing) = smoothing {
                    let around = Around::new(frame, component, plane, (unit, row - strip.first));
                    for column in 0..component.blocks_across {
                        let lowest = around.lowest(column);
                        let block = smoothing.smooth(*plane.block(first + column), &lowest);
                        strip.transform(&block, reach(&block), (column, row));
                    }
                } else if strip.transformer.needs_lowest_only() {
                    let lowest = &plane.lowest[first..][..component.blocks_across];
                    for (column, lowest) in lowest.iter().enumerate() {
                        strip.transform_lowest(*lowest, (column, row));
                    }
                } else {
                    let (blocks, lowest) = plane.both(first);
                    let blocks = blocks.iter_mut().zip(lowest).take(component.blocks_across);
                    for (column, (block, lowest)) in blocks.enumerate() {
                        block[0] = *lowest;
                        strip.transform(block, reach(block), (column, row));
                    }
                }
            }
        }
        self.write(frame, unit);
    }

    /// Writes the rows of pixels that a row of units makes ready.
    fn write(&mut self, frame: &Frame, unit: usize) {
        let mut ready = (unit + 1) * self.scaled.unit - self.scaled.unsettled;
        if unit + 1 == frame.units_down {
            ready = self.scaled.height;
        }
        let ready = ready.min(self.scaled.height);
        let mut pixels = std::mem::take(&mut self.pixels);
        // Not all at once: so they are still at hand when they are written.
        pixels.resize(ready * self.scaled.row, 0);
        let new = pixels.chunks_exact_mut(self.scaled.row).enumerate();
        for (number, out) in new.take(ready).skip(self.written) {
            self.row(number, out);
        }
        self.pixels = pixels;
        self.written = self.written.max(ready);
    }

    fn row(&mut self, number: usize, out: &mut [u8]) {
        for (strip, row) in self.strips.iter().zip(&mut self.rows) {
            let Part { upsampling, height, .. } = strip.part;
            if upsampling == Upsampling::None {
                continue;
            }
            let (near, far) = upsampling.rows(number);
            // Beyond the last row it is repeated.
            let (near, far) = (strip.row(near), strip.row(far.min(height - 1)));
            upsampling.grow(near, far, number.is_multiple_of(2), row);
        }
        let empty: &[u8] = &[];
        let mut rows = [empty; 4];
        for (place, (strip, row)) in rows.iter_mut().zip(self.strips.iter().zip(&self.rows)) {
            *place = match strip.part.upsampling {
                Upsampling::None => strip.row(number),
                _ => &row.samples[..self.scaled.width],
            };
        }
        convert(self.transform, &rows[..self.strips.len()], out);
    }
}

/// The only scan of a picture, decoded to pixels of several sizes at once.
pub(super) struct Direct {
    scan: Scan,
    coded: Vec<Coded>,
    /// Of which components no size needs more than the lowest frequency.
    lowest_only: Vec<bool>,
}

impl Direct {
    /// Makes the tables ready.
    pub(super) fn new(scan: Scan, tables: &Tables, sizes: &[Scaled]) -> Result<Self, Error> {
        let lowest_only: Vec<bool> =
            scan.indices.iter().map(|index| needs_lowest_only(sizes, *index)).collect();
        let coded = scan.coded(tables, &lowest_only)?;
        Ok(Self { scan, coded, lowest_only })
    }

    /// Decodes a row of units.
    pub(super) fn decode(
        &mut self,
        frame: &Frame,
        bits: &mut Bits<'_>,
        unit: usize,
        all: &mut [Strips],
    ) -> Result<(), Error> {
        for strips in &mut *all {
            strips.begin(unit);
        }
        let lenient_from = self.scan.lenient_from();
        let (coded, lowest_only) = (&mut self.coded[..], &self.lowest_only[..]);
        let mut visitor =
            IntoStrips { all: &mut *all, coded, lowest_only, lenient_from, block: [0; 128] };
        let rows = self.scan.rows(frame, unit);
        self.scan.walk(bits, rows, &mut visitor)?;
        for strips in all {
            strips.write(frame, unit);
        }
        Ok(())
    }
}

/// Tells whether no size needs more of a component than the lowest frequency.
pub(super) fn needs_lowest_only(sizes: &[Scaled], component: usize) -> bool {
    sizes.iter().all(|scaled| scaled.parts[component].block == 1)
}

/// Decodes a scan to samples.
struct IntoStrips<'s> {
    all: &'s mut [Strips],
    coded: &'s mut [Coded],
    lowest_only: &'s [bool],
    lenient_from: usize,
    block: Block,
}

impl Visit for IntoStrips<'_> {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        place: usize,
        at: (usize, usize),
    ) -> Result<(), Error> {
        // All components are in the scan, and so in the order of the frame.
        let coded = &mut self.coded[place];
        let mut reader = Reader { bits, lenient_from: self.lenient_from };
        if self.lowest_only[place] {
            reader.lowest(coded)?;
            for strips in &mut *self.all {
                strips.strips[place].transform_lowest(coded.prediction as i16, at);
            }
            return Ok(());
        }
        let last = reader.block(coded, &mut self.block)?;
        if let Some(block) = self.block.first_chunk_mut::<64>() {
            for strips in &mut *self.all {
                strips.strips[place].transform(block, last, at);
            }
            *block = [0; 64];
        }
        Ok(())
    }

    #[inline(always)]
    fn restart(&mut self) {
        for coded in &mut *self.coded {
            coded.prediction = 0;
        }
    }
}
