//! Blocks of a sequential scan (ITU T.81, F.2).

use super::bits::{Bits, Cursor};
use super::error::Error;
use super::huffman::{LOOKED_UP, Pair, SKIPPED, Step, Table, WRONG};
use super::markers::ZIGZAG;

/// A block with room for what no coefficient is.
pub(super) type Block = [i16; 128];

/// The places of coefficients in a block, in the order of the codes.
///
/// Beyond those that a run can lead to, the place of none: the end of a block comes there.
const PLACES: [u8; 256] = {
    let mut places = [64; 256];
    let mut at = 0;
    while at < ZIGZAG.len() {
        places[at] = ZIGZAG[at];
        at += 1;
    }
    places
};

#[inline(always)]
fn put(block: &mut Block, at: u32, value: i16) {
    block[usize::from(PLACES[(at & 255) as usize] & 127)] = value;
}

/// How far the coefficients of a block have come.
struct Reach {
    /// The one decoded last, or a place beyond the block.
    end: u32,
    /// One that no coefficient before the end of the block is behind.
    last: u32,
}

/// The tables and the prediction of a component in a scan.
pub(super) struct Coded {
    pub(super) dc: Table,
    pub(super) ac: Table,
    /// The lowest frequency of the block before.
    pub(super) prediction: i32,
}

/// Decodes blocks that have nothing in them yet.
pub(super) struct Reader<'b, 'a> {
    pub(super) bits: &'b mut Bits<'a>,
    /// How many bytes have to be left for a wrong code to end the block instead of the decoding,
    /// as happens to libjpeg where it knows that the data do not end soon.
    pub(super) lenient_from: usize,
}

impl Reader<'_, '_> {
    /// Decodes the difference to the block before and adds it (F.2.2.1).
    #[inline(always)]
    fn dc(&self, cursor: &mut Cursor, coded: &mut Coded) -> Result<(), Error> {
        cursor.refill(&self.bits.window);
        let mut step = coded.dc.step(cursor.bits);
        if step.is_long() {
            step = self.long(&coded.dc, cursor.bits)?;
        }
        coded.prediction = coded.prediction.wrapping_add(step.value(cursor.bits));
        cursor.drop(step.length());
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn long(&self, table: &Table, bits: u64) -> Result<Step, Error> {
        match table.long(bits) {
            Some(step) => Ok(step),
            None if self.bits.left() >= self.lenient_from => Ok(WRONG),
            None => Err(Error::BadCode),
        }
    }

    /// Decodes a block of zeros anew; tells how far its coefficients may go (F.2.2.2).
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
    pub(super) fn block(&mut self, coded: &mut Coded, block: &mut Block) -> Result<u32, Error> {
        let mut cursor = self.bits.cursor;
        self.dc(&mut cursor, coded)?;
        block[0] = coded.prediction as i16;
        let Some(pairs) = coded.ac.pairs() else { return Err(Error::BadCode) };
        let mut reach = Reach { end: 0, last: 0 };
        loop {
            // Twice the most that two look-ups take are there.
            cursor.refill(&self.bits.window);
            self.look_up(&mut cursor, (&coded.ac, pairs), &mut reach, block)?;
            if reach.end >= 63 {
                break;
            }
            self.look_up(&mut cursor, (&coded.ac, pairs), &mut reach, block)?;
            if reach.end >= 63 {
                break;
            }
        }
        self.bits.cursor = cursor;
        Ok(if reach.end > 79 { reach.last } else { 63 })
    }

    /// Decodes one or two coefficients.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
    fn look_up(
        &mut self,
        cursor: &mut Cursor,
        (table, pairs): (&Table, &[Pair; 1 << LOOKED_UP]),
        reach: &mut Reach,
        block: &mut Block,
    ) -> Result<(), Error> {
        let bits = cursor.bits;
        let pair = pairs[(bits >> (64 - LOOKED_UP)) as usize];
        let at = reach.end;
        reach.last = at + pair.reach();
        // Whatever comes behind the last coefficient is of another block.
        if reach.last >= 63 {
            // Through memory, so that the cursor is in registers everywhere else.
            self.bits.cursor = *cursor;
            reach.end = self.single(table, at, block)?;
            reach.last = at;
            *cursor = self.bits.cursor;
            return Ok(());
        }
        let (further, value) = pair.first();
        put(block, at + further, value);
        reach.end = at + pair.run();
        put(block, reach.end, pair.last(bits) as i16);
        cursor.drop(pair.length());
        Ok(())
    }

    /// Decodes one coefficient, whose code may be long; returns where it is.
    #[cold]
    #[inline(never)]
    #[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
    fn single(&mut self, table: &Table, at: u32, block: &mut Block) -> Result<u32, Error> {
        let mut cursor = self.bits.cursor;
        cursor.refill(&self.bits.window);
        let mut step = table.step(cursor.bits);
        if step.is_long() {
            step = self.long(table, cursor.bits)?;
        }
        put(block, at + step.run(), step.value(cursor.bits) as i16);
        cursor.drop(step.length());
        self.bits.cursor = cursor;
        Ok(at + step.run())
    }

    /// Decodes a block of which only the lowest frequency is wanted.
    #[inline(always)]
    pub(super) fn lowest(&mut self, coded: &mut Coded) -> Result<(), Error> {
        let mut cursor = self.bits.cursor;
        self.dc(&mut cursor, coded)?;
        match coded.ac.skips() {
            Some(skips) => self.skip(cursor, &coded.ac, skips),
            None => {
                self.bits.cursor = cursor;
                self.skip_each(&coded.ac, 0)
            }
        }
    }

    /// Passes over the higher frequencies of a block, several at a time.
    #[inline(always)]
    fn skip(
        &mut self,
        cursor: Cursor,
        table: &Table,
        skips: &[u16; 1 << SKIPPED],
    ) -> Result<(), Error> {
        let (mut cursor, mut at) = (cursor, 0);
        let mut refilled = false;
        loop {
            // Twice the most that a look-up takes are there.
            refilled = !refilled;
            if refilled {
                cursor.refill(&self.bits.window);
            }
            let skip = u32::from(skips[(cursor.bits >> (64 - SKIPPED)) as usize]);
            let further = at + (skip >> 6 & 63);
            // Whatever comes behind the last coefficient is of another block.
            if skip == 0 || further >= 63 {
                self.bits.cursor = cursor;
                return self.skip_each(table, at);
            }
            at = further;
            cursor.drop(skip & 63);
            if skip >> 15 != 0 {
                self.bits.cursor = cursor;
                return Ok(());
            }
        }
    }

    /// Passes over the higher frequencies of a block one by one, where several would be too many
    /// or a code is long.
    #[inline(never)]
    fn skip_each(&mut self, table: &Table, at: u32) -> Result<(), Error> {
        let (mut cursor, mut at) = (self.bits.cursor, at);
        while at < 63 {
            cursor.refill(&self.bits.window);
            let mut step = table.step(cursor.bits);
            if step.is_long() {
                step = self.long(table, cursor.bits)?;
            }
            at += step.run();
            cursor.drop(step.length());
        }
        self.bits.cursor = cursor;
        Ok(())
    }
}
