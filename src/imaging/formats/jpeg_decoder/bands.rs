//! Coefficients in bands, for whoever codes them anew without making pixels of them.

use super::bits::Bits;
use super::blocks::Plane;
use super::error::Error;
use super::frame::{Component, Frame, Transform};
use super::scan::{Scan, Visit};
use super::sequential::{Block, Coded, Reader};

/// Rows of pixels in a band: a row of units, or two where they are half as high.
pub(in crate::imaging::formats) const BAND: usize = 16;

/// How the components of a picture are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::imaging::formats) enum Layout {
    /// Brightness alone.
    Gray,
    /// Brightness and two differences, which have one sample for so many pixels, across and down.
    Colour(usize, usize),
}

/// Takes the bands of all components with the quantization tables they need, and tells whether it
/// wants more.
pub(in crate::imaging::formats) type EachBand<'v> =
    dyn FnMut(&[Band], &[Option<[u16; 64]>]) -> bool + 'v;

/// What a band has of one component.
pub(in crate::imaging::formats) struct Band {
    blocks: Vec<[i16; 64]>,
    stride: usize,
    /// The row of blocks of the component that the band begins with, and how many there are.
    first: usize,
    rows: usize,
    /// Blocks that hold pixels, across and, in this band, down.
    across: usize,
    down: usize,
}

impl Band {
    fn new(component: &Component, rows: usize) -> Self {
        let stride = component.stored_across;
        let blocks = vec![[0; 64]; stride * rows];
        Self { blocks, stride, first: 0, rows, across: component.blocks_across, down: 0 }
    }

    fn begin(&mut self, number: usize, component: &Component) {
        self.first = number * self.rows;
        self.down = component.blocks_down.saturating_sub(self.first).min(self.rows);
    }

    #[inline(always)]
    fn place(&mut self, (column, row): (usize, usize)) -> &mut [i16; 64] {
        &mut self.blocks[(row - self.first) * self.stride + column]
    }

    /// Returns a block by its column and its row in the band, in rows of eight and not dequantized;
    /// none where there are no pixels.
    #[inline(always)]
    pub(in crate::imaging::formats) fn block(
        &self,
        column: usize,
        row: usize,
    ) -> Option<&[i16; 64]> {
        if column >= self.across || row >= self.down {
            return None;
        }
        self.blocks.get(row * self.stride + column)
    }
}

/// The bands of all components, one after the other.
pub(super) struct Bands {
    bands: Vec<Band>,
    /// Rows of units in a band.
    units: usize,
}

impl Bands {
    /// Makes room; none where units are too high.
    pub(super) fn new(frame: &Frame) -> Option<Self> {
        let unit = 8 * frame.components.iter().map(|component| component.vertical).max()?;
        let units = BAND / unit;
        let bands = frame.components.iter().map(|part| Band::new(part, units * part.vertical));
        (units > 0).then(|| Self { bands: bands.collect(), units })
    }

    /// Counts the bands of a picture.
    pub(super) const fn count(&self, frame: &Frame) -> usize {
        frame.units_down.div_ceil(self.units)
    }

    fn begin(&mut self, frame: &Frame, number: usize) {
        for (band, component) in self.bands.iter_mut().zip(&frame.components) {
            band.begin(number, component);
        }
    }

    /// Takes a band from memory.
    pub(super) fn copy(&mut self, frame: &Frame, number: usize, planes: &mut [Plane]) -> &[Band] {
        self.begin(frame, number);
        for (band, plane) in self.bands.iter_mut().zip(planes) {
            for row in band.first..band.first + band.down {
                let first = plane.number((0, row));
                let across = band.across;
                let (blocks, lowest) = plane.both(first);
                for (column, (block, lowest)) in blocks.iter().zip(lowest).take(across).enumerate()
                {
                    let place = band.place((column, row));
                    *place = *block;
                    place[0] = *lowest;
                }
            }
        }
        &self.bands
    }

    /// Decodes a band of the only scan.
    pub(super) fn decode(
        &mut self,
        frame: &Frame,
        number: usize,
        bits: &mut Bits<'_>,
        (scan, coded): (&mut Scan, &mut [Coded]),
    ) -> Result<&[Band], Error> {
        self.begin(frame, number);
        let lenient_from = scan.lenient_from();
        let units = number * self.units..((number + 1) * self.units).min(frame.units_down);
        let rows = scan.rows(frame, units.start).start..scan.rows(frame, units.end - 1).end;
        let bands = &mut self.bands[..];
        scan.walk(bits, rows, &mut IntoBands { bands, coded, lenient_from, block: [0; 128] })?;
        Ok(&self.bands)
    }
}

/// Decodes a scan of all components into their bands.
struct IntoBands<'s> {
    bands: &'s mut [Band],
    coded: &'s mut [Coded],
    lenient_from: usize,
    block: Block,
}

impl Visit for IntoBands<'_> {
    #[inline(always)]
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        place: usize,
        at: (usize, usize),
    ) -> Result<(), Error> {
        let lenient_from = self.lenient_from;
        Reader { bits, lenient_from }.block(&mut self.coded[place], &mut self.block)?;
        if let Some(block) = self.block.first_chunk_mut::<64>() {
            *self.bands[place].place(at) = std::mem::replace(block, [0; 64]);
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

/// Tells how the components are stored, if they are gray or brightness and colours and no component
/// has finer samples than the brightness.
pub(super) fn layout(frame: &Frame) -> Option<Layout> {
    match (&frame.components[..], frame.transform) {
        // Sampling factors of one component mean nothing.
        ([gray], Transform::None) if (gray.horizontal, gray.vertical) == (1, 1) => {
            Some(Layout::Gray)
        }
        ([brightness, blue, red], Transform::ToRgb) => {
            let factors = |part: &Component| (part.horizontal, part.vertical);
            let ((across, down), (x, y)) = (factors(brightness), factors(blue));
            let whole = across.is_multiple_of(x) && down.is_multiple_of(y);
            (factors(red) == (x, y) && whole).then(|| Layout::Colour(across / x, down / y))
        }
        _ => None,
    }
}
