//! Decoding and encoding by themselves. Nothing but benches asks for them.

use std::io::Cursor;

use super::super::plan::Output;
use super::super::raster::Raster;
use super::super::{ConvertError, Limits};
use super::{Embedded, Shrink, decode, encode, header};

/// Decodes a picture, a JPEG to 8, 4, 2 or 1 pixels of eight; another number of them is 8.
///
/// # Errors
/// As [`super::super::convert`].
pub fn decode_alone(file: &[u8], eighths: u8) -> Result<Raster, ConvertError> {
    let limits = Limits::default();
    let header = header(Cursor::new(file), &limits)?;
    let shrink = Shrink::STRONGEST_FIRST.into_iter().find(|shrink| shrink.eighths() == eighths);
    decode(file, &header, shrink.unwrap_or(Shrink::Full), &limits)
}

/// Writes a picture of 8 bits and the type that `output` names, with nothing beside its pixels.
///
/// # Errors
/// [`ConvertError::Unwritable`].
pub fn encode_alone(picture: &Raster, output: &Output) -> Result<Vec<u8>, ConvertError> {
    encode(picture, output, Embedded::default())
}
