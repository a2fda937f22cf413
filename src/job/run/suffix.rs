//! What a file's suffix promises, and content that is something else.

use crate::diag::{Fault, Phrase, phrase};
use crate::imaging::SourceInfo;
use crate::imaging::formats::SourceFormat;
use crate::library::SourceFile;

/// Returns the format that a file's suffix promises.
pub(super) fn promised(file: &SourceFile) -> Option<SourceFormat> {
    file.path.extension().and_then(SourceFormat::promised_by)
}

/// Tells whether the original is delivered where a picture cannot be made of it: drawings are read
/// as far as that goes, and formats that no reader is for, not at all.
pub(super) fn may_stay(file: &SourceFile) -> bool {
    promised(file).is_none_or(|format| match format {
        SourceFormat::Svg | SourceFormat::Eps => true,
        SourceFormat::Jpeg
        | SourceFormat::Png
        | SourceFormat::Tiff
        | SourceFormat::Gif
        | SourceFormat::Webp
        | SourceFormat::Bmp
        | SourceFormat::Avif
        | SourceFormat::Jpeg2000
        | SourceFormat::Pdf
        | SourceFormat::Psd => false,
    })
}

/// Refuses content that is another picture than the suffix says.
pub(super) fn belies(file: &SourceFile, info: SourceInfo) -> Result<SourceInfo, Fault> {
    match promised(file) {
        Some(promised) if promised != info.format => Err(other_content(file, info.format.words())),
        Some(_) | None => Ok(info),
    }
}

/// Says why content that is not what it should be cannot be converted: the suffix lies, or this
/// release does not read such files.
pub(super) fn other_content(file: &SourceFile, found: Phrase) -> Fault {
    match promised(file) {
        Some(promised) => Fault::Mismatch { named: promised.words(), found },
        None => {
            Fault::UnsupportedSource { detail: phrase!("it-holds", "it is {found}", found = found) }
        }
    }
}
