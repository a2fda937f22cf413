//! Coefficients of whole components, for pictures of more than one scan.

use super::bits::Bits;
use super::error::Error;
use super::frame::Frame;
use super::scan::Visit;
use super::sequential::{Block, Coded, Reader};

/// The coefficients of a component, block by block and in rows of eight, not dequantized.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// Blocks in a row.
    pub(super) across: usize,
    /// All but the lowest frequency of each.
    values: Vec<i16>,
    /// The lowest frequency of each: scans of these alone go through less memory.
    pub(super) lowest: Vec<i16>,
    /// Which coefficients of each block are not zero, in the order of the codes from the lowest
    /// bit; not kept for the lowest frequency, and only for progressive pictures.
    pub(super) marks: Vec<u64>,
}

impl Plane {
    /// Makes the planes of a picture, all zero.
    pub(super) fn of(frame: &Frame) -> Vec<Self> {
        let planes = frame.components.iter().map(|component| {
            let count = component.stored_across * component.stored_down;
            Self {
                across: component.stored_across,
                // Not as blocks: only numbers come zeroed without being touched.
                values: vec![0; count * 64],
                lowest: vec![0; count],
                marks: vec![0; if frame.progressive { count } else { 0 }],
            }
        });
        planes.collect()
    }

    /// Returns the number of a block.
    #[inline(always)]
    pub(super) const fn number(&self, (column, row): (usize, usize)) -> usize {
        row * self.across + column
    }

    /// Returns the blocks, without their lowest frequencies.
    #[inline(always)]
    pub(super) fn blocks(&mut self) -> &mut [[i16; 64]] {
        self.values.as_chunks_mut().0
    }

    /// Returns a block without its lowest frequency.
    pub(super) fn block(&self, number: usize) -> &[i16; 64] {
        &self.values.as_chunks().0[number]
    }

    /// Returns a block and its marks.
    #[inline(always)]
    pub(super) fn marked(&mut self, number: usize) -> (&mut [i16; 64], &mut u64) {
        (&mut self.values.as_chunks_mut().0[number], &mut self.marks[number])
    }

    /// Returns blocks and their lowest frequencies from a number.
    pub(super) fn both(&mut self, first: usize) -> (&mut [[i16; 64]], &[i16]) {
        (&mut self.values.as_chunks_mut().0[first..], &self.lowest[first..])
    }

    #[cfg(test)]
    /// Returns the blocks with all their coefficients.
    pub(super) fn whole(mut self) -> Vec<[i16; 64]> {
        let blocks = self.values.as_chunks_mut::<64>().0;
        for (block, lowest) in blocks.iter_mut().zip(&self.lowest) {
            block[0] = *lowest;
        }
        blocks.to_vec()
    }
}

/// Reads a sequential scan into planes.
pub(super) struct IntoPlanes<'p> {
    pub(super) planes: &'p mut [Plane],
    /// The components of the scan, and their numbers in the frame.
    pub(super) coded: &'p mut [Coded],
    pub(super) indices: &'p [usize],
    pub(super) lenient_from: usize,
}

impl Visit for IntoPlanes<'_> {
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        place: usize,
        at: (usize, usize),
    ) -> Result<(), Error> {
        let mut found: Block = [0; 128];
        let lenient_from = self.lenient_from;
        Reader { bits, lenient_from }.block(&mut self.coded[place], &mut found)?;
        let plane = &mut self.planes[self.indices[place]];
        let number = plane.number(at);
        // A component that comes twice keeps what the second scan does not mention.
        for (to, from) in plane.blocks()[number].iter_mut().zip(found).skip(1) {
            if from != 0 {
                *to = from;
            }
        }
        plane.lowest[number] = found[0];
        Ok(())
    }

    fn restart(&mut self) {
        for coded in &mut *self.coded {
            coded.prediction = 0;
        }
    }
}
