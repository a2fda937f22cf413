//! Marker segments byte by byte (ITU T.81, B.1.1).

use super::error::Error;

/// A place in a file between its scans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segments<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Starts at a byte of the file.
    pub(super) const fn new(file: &'a [u8], at: usize) -> Self {
        Self { file, at }
    }

    /// Tells where the next byte is.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Reads one byte.
    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let byte = *self.file.get(self.at).ok_or(Error::CutShort)?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads a number of two bytes.
    pub(super) fn word(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// Reads so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let rest = self.file.get(self.at..).ok_or(Error::CutShort)?;
        let taken = rest.get(..count).ok_or(Error::CutShort)?;
        self.at += count;
        Ok(taken)
    }

    /// Finds the next marker and gives its second byte; what lies before it is passed over.
    ///
    /// A byte of 0xff with zeros behind it is data, several of them are one (B.1.1.2).
    pub(super) fn next_marker(&mut self) -> Result<u8, Error> {
        loop {
            while self.byte()? != 0xff {}
            let mut byte = 0xff;
            while byte == 0xff {
                byte = self.byte()?;
            }
            if byte != 0 {
                return Ok(byte);
            }
        }
    }

    /// Reads the length of a segment and what it holds.
    ///
    /// Lengths that do not even cover themselves count as two, as every decoder has it.
    pub(super) fn content(&mut self) -> Result<&'a [u8], Error> {
        let length = usize::from(self.word()?).saturating_sub(2);
        self.take(length)
    }
}
