//! Why a file cannot be decoded.

use std::fmt;

/// The one kind of JPEG whose header looks like any other's.
pub(in crate::imaging::formats) const UNEVEN: &str =
    "a JPEG whose sampling factors do not divide each other";

/// What was found wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::imaging::formats) enum Error {
    /// The file ends before its end marker.
    CutShort,
    /// The file does not begin as a JPEG does.
    NotJpeg,
    /// A part of a scan ends before its last block.
    MissingData,
    /// A sequence of bits that is no code of its Huffman table.
    BadCode,
    /// A restart marker is not the one that had to come.
    Restart {
        /// The second byte of the marker that had to come.
        expected: u8,
        /// The second byte of the marker that came.
        found: u8,
    },
    /// A marker segment that cannot be as it is.
    Header(&'static str),
    /// A kind of JPEG that is not decoded.
    Unsupported(&'static str),
    /// More scans than any encoder writes.
    TooManyScans,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutShort => f.write_str("the file ends before its end marker"),
            Self::NotJpeg => f.write_str("the file does not begin with a start marker"),
            Self::MissingData => f.write_str("a scan ends before its last block"),
            Self::BadCode => f.write_str("a scan holds bits that are no Huffman code"),
            Self::Restart { expected, found } => {
                write!(f, "marker ff{found:02x} was found where ff{expected:02x} had to be")
            }
            Self::Header(found) => write!(f, "the header is damaged: {found}"),
            Self::Unsupported(kind) => write!(f, "{kind} is not decoded"),
            Self::TooManyScans => f.write_str("the file has more scans than any encoder writes"),
        }
    }
}

impl std::error::Error for Error {}
