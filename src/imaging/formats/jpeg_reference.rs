//! libjpeg's decoder, which ours has to agree with. Nothing but tests asks it.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{ColorSpace, Decompress};

use super::Shrink;
use super::jpeg::{Complaint, error_manager};
use super::jpeg_decoder::{Decoder, Error, Reading};

/// Runs libjpeg, which leaves by unwinding; an error is the number of its message.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, c_int>) -> Result<T, c_int> {
    // Nothing it had in hand is looked at again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        Err(payload.downcast_ref::<Complaint>().map_or(-1, |Complaint(code)| *code))
    })
}

/// Decodes the samples of all pixels with libjpeg, four inks as they are stored.
fn reference(file: &[u8], shrink: Shrink) -> Result<Vec<u8>, c_int> {
    guarded(|| {
        let mut decoder = Decompress::with_err(error_manager()).from_mem(file).map_err(|_| -2)?;
        let space = match decoder.components().len() {
            1 => ColorSpace::JCS_GRAYSCALE,
            3 => ColorSpace::JCS_RGB,
            4 => ColorSpace::JCS_CMYK,
            _ => return Err(-3),
        };
        decoder.scale(shrink.eighths());
        let mut lines = decoder.to_colorspace(space).map_err(|_| -4)?;
        let samples = lines.read_scanlines::<u8>().map_err(|_| -5)?;
        lines.finish().map_err(|_| -6)?;
        Ok(samples)
    })
}

/// Decodes with ours.
pub(super) fn ours(
    file: &[u8],
    shrinks: &[Shrink],
    reading: Reading,
) -> Result<Vec<Vec<u8>>, Error> {
    Decoder::new(file, shrinks, reading)?.decode()
}

/// Tells whether a byte of 0xff comes twice before its zero, which nothing writes. libjpeg takes
/// that for a marker at first, and decodes the unit again over what it left in it: other pixels, or
/// a complaint about bits that are not there.
fn has_doubled_marks(file: &[u8]) -> bool {
    file.windows(3).any(|bytes| bytes == [0xff, 0xff, 0])
}

/// What libjpeg calls a code that is in no table (`JWRN_HUFF_BAD_CODE`).
const BAD_CODE: c_int = 118;

/// Tells whether they disagree because the one counts a few bytes more to the end of the file than
/// the other, who is more careful there: with that many bytes behind it, they agree.
fn is_by_a_few_bytes(file: &[u8], shrink: Shrink) -> bool {
    let longer = [file, &[0; 16]].concat();
    let found = ours(&longer, &[shrink], Reading::Everything);
    reference(&longer, shrink).is_ok_and(|theirs| found.as_deref() == Ok(&[theirs]))
}

/// Compares our decoder of JPEG with libjpeg's at every size, and says what differs, if anything
/// does: the verdict, or the pixels.
#[must_use]
pub fn jpeg_difference(file: &[u8]) -> Option<String> {
    let mut each = Vec::new();
    for shrink in Shrink::STRONGEST_FIRST {
        let theirs = reference(file, shrink);
        let found = ours(file, &[shrink], Reading::Everything).map(|mut all| all.remove(0));
        match (&theirs, &found) {
            (Err(_), Err(_)) => continue,
            (Ok(theirs), Ok(found)) if theirs == found => {}
            (Ok(_) | Err(_), Ok(_)) if has_doubled_marks(file) => return None,
            (Err(BAD_CODE), Ok(_)) | (Ok(_), Err(Error::BadCode))
                if is_by_a_few_bytes(file, shrink) =>
            {
                continue;
            }
            (Ok(theirs), Ok(found)) => {
                let at = theirs.iter().zip(found).position(|(a, b)| a != b);
                let lengths = (theirs.len(), found.len());
                return Some(format!("{shrink:?}: other pixels from {at:?} of {lengths:?}"));
            }
            (Ok(_), Err(error)) => return Some(format!("{shrink:?}: only ours says {error}")),
            (Err(code), Ok(_)) => return Some(format!("{shrink:?}: only libjpeg says {code}")),
        }
        if ours(file, &[shrink], Reading::Needed).as_deref() != Ok(&[theirs.ok()?]) {
            return Some(format!("{shrink:?}: other pixels where scans are passed over"));
        }
        each.extend(found);
    }
    if each.len() < Shrink::STRONGEST_FIRST.len() {
        return None;
    }
    for reading in [Reading::Everything, Reading::Needed] {
        if ours(file, &Shrink::STRONGEST_FIRST, reading).as_ref() != Ok(&each) {
            return Some(format!("other pixels of all sizes at once, {reading:?}"));
        }
    }
    None
}
