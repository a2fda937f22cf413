//! The order of blocks in a scan (ITU T.81, A.2).

use std::ops::Range;

use super::bits::Bits;
use super::error::Error;
use super::frame::Frame;
use super::huffman::Table;
use super::machine::at_best;
use super::markers::{ScanHeader, Tables};
use super::sequential::Coded;

/// What is done with the blocks of a scan.
pub(super) trait Visit {
    /// Decodes the next block, of a component with a place in the scan, at a column and a row.
    fn block(&mut self, bits: &mut Bits<'_>, place: usize, at: (usize, usize))
    -> Result<(), Error>;

    /// Forgets what came before.
    fn restart(&mut self);

    /// Tells how many blocks of a scan of one component can be passed over without bits.
    fn run(&mut self, _most: usize) -> usize {
        0
    }
}

/// A scan to go through.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) header: ScanHeader,
    /// The components' numbers in the frame.
    pub(super) indices: Vec<usize>,
    /// Blocks of each component in a unit, across and down.
    shapes: Vec<(usize, usize)>,
    /// Units in each direction.
    across: usize,
    down: usize,
    /// Units between restart markers, and those before the next one.
    restart: usize,
    before_restart: usize,
}

impl Scan {
    /// Works out what a scan is made of.
    pub(super) fn new(frame: &Frame, header: ScanHeader, tables: &Tables) -> Result<Self, Error> {
        let indices: Vec<usize> = header.components.iter().map(|part| part.index).collect();
        let restart = usize::from(tables.restart);
        let mut scan = Self {
            header,
            indices,
            shapes: vec![(1, 1)],
            across: frame.units_across,
            down: frame.units_down,
            restart,
            before_restart: restart,
        };
        if let [index] = scan.indices[..] {
            // A unit is a block, and there are only those that hold pixels.
            let component = &frame.components[index];
            (scan.across, scan.down) = (component.blocks_across, component.blocks_down);
        } else {
            let components = scan.indices.iter().map(|index| &frame.components[*index]);
            scan.shapes = components.map(|part| (part.horizontal, part.vertical)).collect();
            if scan.shapes.iter().map(|(across, down)| across * down).sum::<usize>() > 10 {
                return Err(Error::Header("a scan of more than ten blocks a unit"));
            }
        }
        Ok(scan)
    }

    /// Tells how many rows of units there are.
    pub(super) const fn down(&self) -> usize {
        self.down
    }

    /// Returns the rows of units that make up a row of interleaved units.
    pub(super) fn rows(&self, frame: &Frame, row: usize) -> Range<usize> {
        let each = match self.indices[..] {
            [index] => frame.components[index].vertical,
            _ => 1,
        };
        (row * each).min(self.down)..(row * each + each).min(self.down)
    }

    /// Tells how many bytes libjpeg wants to see before it decodes a unit without care.
    pub(super) fn lenient_from(&self) -> usize {
        let blocks: usize = self.shapes.iter().map(|(across, down)| across * down).sum();
        if self.restart > 0 { usize::MAX } else { blocks * 512 }
    }

    /// Goes through rows of units.
    pub(super) fn walk<V: Visit>(
        &mut self,
        bits: &mut Bits<'_>,
        rows: Range<usize>,
        visitor: &mut V,
    ) -> Result<(), Error> {
        at_best(
            #[inline(always)]
            || self.each(bits, rows, visitor),
        )
    }

    #[inline(always)]
    fn each<V: Visit>(
        &mut self,
        bits: &mut Bits<'_>,
        rows: Range<usize>,
        visitor: &mut V,
    ) -> Result<(), Error> {
        for row in rows {
            let mut column = 0;
            while column < self.across {
                let mut most = self.across - column;
                if self.restart > 0 {
                    if self.before_restart == 0 {
                        bits.restart()?;
                        visitor.restart();
                        self.before_restart = self.restart;
                    }
                    most = most.min(self.before_restart);
                }
                let mut passed = visitor.run(most);
                if passed == 0 {
                    self.unit(bits, (column, row), visitor)?;
                    passed = 1;
                }
                column += passed;
                self.before_restart = self.before_restart.wrapping_sub(passed);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn unit<V: Visit>(
        &self,
        bits: &mut Bits<'_>,
        (column, row): (usize, usize),
        visitor: &mut V,
    ) -> Result<(), Error> {
        bits.prepare()?;
        for (place, (across, down)) in self.shapes.iter().enumerate() {
            for y in 0..*down {
                for x in 0..*across {
                    visitor.block(bits, place, (column * across + x, row * down + y))?;
                }
            }
        }
        bits.check()
    }

    /// Makes the tables of a sequential scan ready (F.2.2).
    pub(super) fn coded(&self, tables: &Tables, skip: &[bool]) -> Result<Vec<Coded>, Error> {
        let ScanHeader { first, last, high, low, .. } = self.header;
        if (first, last, high, low) != (0, 63, 0, 0) {
            return Err(Error::Header("a sequential scan of only some coefficients"));
        }
        let coded = self.header.components.iter().map(|part| {
            let dc = tables.dc.get(usize::from(part.dc_table)).and_then(Option::as_ref);
            let ac = tables.ac.get(usize::from(part.ac_table)).and_then(Option::as_ref);
            let (dc, mut ac) = (Table::dc(dc)?, Table::ac(ac)?);
            let skipped = skip.get(part.index) == Some(&true);
            ac = if skipped { ac.with_skips() } else { ac.with_pairs() };
            Ok(Coded { dc, ac, prediction: 0 })
        });
        coded.collect()
    }
}
