//! Names below a root, and the forms under which two of them are one.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Longest name of one file or folder, in bytes.
pub const MOST_NAME_BYTES: usize = 255;
/// Longest relative path, in bytes.
pub const MOST_PATH_BYTES: usize = 4000;

/// A path below some root: never absolute, never with `..`, `.`, an empty part, a control or
/// direction-override character; at most [`MOST_PATH_BYTES`] long.
///
/// The bytes are kept as given (file systems tell NFC and NFD apart); [`RelPath::nfc`] gives the
/// form for outputs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is not a [`RelPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Begins with `/`.
    #[error("the name begins with \"/\"; names are relative to their folder")]
    Absolute,
    /// Has a part `.` or `..`.
    #[error("the name contains \".\" or \"..\" between slashes")]
    Dots,
    /// Has an empty part.
    #[error("the name has two slashes in a row (\"//\") or a \"/\" at its end")]
    EmptyPart,
    /// A part is too long.
    #[error("a part of the name is longer than {MOST_NAME_BYTES} bytes")]
    LongPart,
    /// The whole is too long.
    #[error("the name is longer than {MOST_PATH_BYTES} bytes")]
    Long,
    /// A character that is invisible or turns the reading direction.
    #[error("the name has an invisible character (U+{0:04X})")]
    Character(u32),
}

impl RelPath {
    /// Checks a text.
    ///
    /// # Errors
    /// See [`RelPathError`].
    pub fn parse(text: &str) -> Result<Self, RelPathError> {
        if text.is_empty() {
            return Err(RelPathError::Empty);
        }
        if text.starts_with('/') {
            return Err(RelPathError::Absolute);
        }
        if text.len() > MOST_PATH_BYTES {
            return Err(RelPathError::Long);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(RelPathError::EmptyPart),
                "." | ".." => return Err(RelPathError::Dots),
                _ if part.len() > MOST_NAME_BYTES => return Err(RelPathError::LongPart),
                _ => {}
            }
        }
        if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
            return Err(RelPathError::Character(c as u32));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns it as a path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Returns the last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folder it lies in, if it has one.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Returns the folder it lies in, if it has one, as a path of its own.
    #[must_use]
    pub fn folder(&self) -> Option<Self> {
        self.parent().map(|parent| Self(parent.to_owned()))
    }

    /// Returns the last part without its extension; a name that only begins with a dot has none.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        match name.rfind('.') {
            Some(at) if at > 0 => &name[..at],
            _ => name,
        }
    }

    /// Returns the extension as written, without the dot.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let name = self.file_name();
        match name.rfind('.') {
            Some(at) if at > 0 && at + 1 < name.len() => Some(&name[at + 1..]),
            _ => None,
        }
    }

    /// Returns the same path in Unicode normal form C.
    #[must_use]
    pub fn nfc(&self) -> Self {
        Self(self.0.nfc().collect())
    }

    /// Returns the form under which two names that look alike are equal: NFC, without case.
    ///
    /// By way of the capitals, as disks without case do: `ß` is `SS`.
    #[must_use]
    pub fn folded(&self) -> String {
        let small = self.0.nfc().flat_map(char::to_lowercase);
        let large = small.flat_map(|c| {
            // The one letter without a capital of its own: `ı` is not `i`.
            let (kept, raised) = if c == 'ı' { (Some(c), None) } else { (None, Some(c)) };
            kept.into_iter().chain(raised.into_iter().flat_map(char::to_uppercase))
        });
        large.flat_map(char::to_lowercase).nfc().collect()
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;

    fn try_from(text: String) -> Result<Self, RelPathError> {
        Self::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

/// Tells whether a character is a control or turns the reading direction, so that a name with it
/// would not be read as it is.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_leave_their_root_are_no_names() {
        for (text, error) in [
            ("", RelPathError::Empty),
            ("/etc/passwd", RelPathError::Absolute),
            ("a/../b", RelPathError::Dots),
            ("..", RelPathError::Dots),
            ("./a", RelPathError::Dots),
            ("a//b", RelPathError::EmptyPart),
            ("a/", RelPathError::EmptyPart),
            ("a\u{202e}b", RelPathError::Character(0x202e)),
            ("a\0b", RelPathError::Character(0)),
        ] {
            assert_eq!(RelPath::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(RelPath::parse(&"x".repeat(256)), Err(RelPathError::LongPart));
    }

    #[test]
    fn names_are_equal_without_case_as_a_disk_finds_them() {
        let folded = |text: &str| RelPath::parse(text).unwrap().folded();
        for (one, other) in [("Straße", "STRASSE"), ("ẞ", "ß"), ("ﬁn", "FIN"), ("ΣΑΣ", "σας")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("kapı"), folded("kapi"));
    }

    #[test]
    fn stems_and_extensions() {
        let path = RelPath::parse("tops/a.b.TIF").unwrap();
        assert_eq!((path.stem(), path.extension()), ("a.b", Some("TIF")));
        assert_eq!(path.parent(), Some("tops"));
        let hidden = RelPath::parse(".profile").unwrap();
        assert_eq!((hidden.stem(), hidden.extension()), (".profile", None));
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_root(text in "[./a\\u{0}é]{0,12}") {
            if let Ok(path) = RelPath::parse(&text) {
                let joined = Path::new("/root").join(path.as_path());
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|c| c != std::path::Component::ParentDir));
            }
        }
    }
}
