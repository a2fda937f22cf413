//! Boxes: the containers of AVIF and JPEG 2000 (ISO/IEC 14496-12, 4.2; 15444-1, annex I).
//!
//! A box is a length, a kind of four letters and its contents, often more boxes. A length is never
//! believed: what is inside a box is taken from a slice that ends where the box ends, and nothing
//! is allocated that the file does not really have.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::{cut_short, damaged, unsupported};
use crate::diag::phrase;
use crate::imaging::ConvertError;

pub(super) type Kind = [u8; 4];

/// Bytes that are taken from the front.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], ConvertError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(nonsense)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes a number of 0 to 8 bytes; one of no bytes is 0.
    pub(super) fn number(&mut self, length: usize) -> Result<u64, ConvertError> {
        Ok(self.take(length)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    pub(super) fn byte(&mut self) -> Result<u8, ConvertError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn short(&mut self) -> Result<u16, ConvertError> {
        let mut bytes = [0; 2];
        bytes.copy_from_slice(self.take(2)?);
        Ok(u16::from_be_bytes(bytes))
    }

    pub(super) fn long(&mut self) -> Result<u32, ConvertError> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_be_bytes(bytes))
    }

    pub(super) fn kind(&mut self) -> Result<Kind, ConvertError> {
        Ok(self.long()?.to_be_bytes())
    }

    /// Takes the version and the flags of a full box.
    pub(super) fn version(&mut self) -> Result<(u8, u32), ConvertError> {
        let [version, flags @ ..] = self.long()?.to_be_bytes();
        Ok((version, flags.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))))
    }

    /// Takes an item's number: 2 bytes, or 4 in later versions of its box.
    pub(super) fn item_number(&mut self, wide: bool) -> Result<u32, ConvertError> {
        if wide { self.long() } else { Ok(self.short()?.into()) }
    }

    /// Takes the next box; none when nothing is left.
    pub(super) fn next(&mut self) -> Result<Option<(Kind, Self)>, ConvertError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (size, kind) = (self.long()?, self.kind()?);
        let length = match size {
            0 => self.0.len(),
            1 => {
                let size = self.number(8)?;
                usize::try_from(size.checked_sub(16).ok_or_else(nonsense)?)
                    .map_err(|_| nonsense())?
            }
            size => usize::try_from(size.checked_sub(8).ok_or_else(nonsense)?)
                .map_err(|_| nonsense())?,
        };
        Ok(Some((kind, Self(self.take(length)?))))
    }
}

pub(super) fn nonsense() -> ConvertError {
    damaged(phrase!(
        "damage-description-picture-makes-no-sense",
        "its description of the picture is invalid"
    ))
}

/// Reads the head of the next box of a file: its kind and the length of its contents, or none
/// when it goes on to the end.
pub(super) fn next_box<R: Read>(
    input: &mut R,
) -> Result<Option<(Kind, Option<u64>)>, ConvertError> {
    let mut head = [0; 8];
    if !read_whole(input, &mut head)? {
        return Ok(None);
    }
    let mut head = Bytes(&head);
    let (size, kind) = (head.long()?, head.kind()?);
    let length = match size {
        0 => None,
        1 => {
            let mut wide = [0; 8];
            if !read_whole(input, &mut wide)? {
                return Ok(None);
            }
            Some(u64::from_be_bytes(wide).checked_sub(16).ok_or_else(nonsense)?)
        }
        size => Some(u64::from(size).checked_sub(8).ok_or_else(nonsense)?),
    };
    Ok(Some((kind, length)))
}

/// Reads the contents of a box, `most` bytes at most.
pub(super) fn content<R: Read>(
    input: &mut R,
    length: Option<u64>,
    most: u64,
) -> Result<Vec<u8>, ConvertError> {
    if length.is_some_and(|length| length > most) {
        return Err(unsupported(phrase!(
            "source-picture-enormous-description",
            "a picture with an enormous description"
        )));
    }
    let mut content = Vec::new();
    input.take(length.unwrap_or(most)).read_to_end(&mut content).map_err(ConvertError::Read)?;
    if length.is_some_and(|length| length != content.len() as u64) {
        return Err(cut_short());
    }
    Ok(content)
}

/// Steps over the contents of a box.
pub(super) fn skip<R: Seek>(input: &mut R, length: u64) -> Result<(), ConvertError> {
    let length = i64::try_from(length).map_err(|_| nonsense())?;
    input.seek(SeekFrom::Current(length)).map_err(|_| nonsense())?;
    Ok(())
}

/// Fills a buffer; tells whether there was enough.
fn read_whole(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool, ConvertError> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(ConvertError::Read(error)),
    }
}

/// Puts a box around its contents.
pub(super) fn boxed(kind: &[u8; 4], contents: &[&[u8]]) -> Vec<u8> {
    let length = 8 + contents.iter().map(|part| part.len()).sum::<usize>();
    let mut whole = number(length).to_vec();
    whole.extend(kind);
    contents.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}

/// Returns a length as it stands before a box.
pub(super) fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}
