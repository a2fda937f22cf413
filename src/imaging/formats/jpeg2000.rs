//! JPEG 2000.
use std::io::{BufRead, Seek};
use super::{Header, unsupported};
use crate::imaging::raster::Raster;
use crate::imaging::{ConvertError, Limits};
pub(super) fn header<R: BufRead + Seek>(_input: R, _limits: &Limits) -> Result<Header, ConvertError> {
    Err(unsupported("a JPEG 2000 picture"))
}
pub(super) fn decode(_bytes: &[u8], _header: &Header) -> Result<Raster, ConvertError> {
    Err(unsupported("a JPEG 2000 picture"))
}
pub(super) fn encode(_picture: &Raster, _quality: Option<u8>, _dpi: Option<f64>) -> Result<Vec<u8>, ConvertError> {
    Err(unsupported("a JPEG 2000 picture"))
}
