//! What a manifest calls an asset.

use std::fmt;

use crate::diag::{Argument, Phrase, phrase};
use crate::fs::{MOST_PATH_BYTES, is_invisible};

/// The name a manifest gives to an asset: not empty, no control or direction character, at most
/// [`MOST_PATH_BYTES`] long.
///
/// Whether it is an id, a path or a pattern, and whether it leads anywhere, is for
/// [`super::Library::resolve`] to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetHandle(String);

/// Why a text cannot name an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleError {
    /// Nothing, or only white space.
    Empty,
    /// Too long.
    Long(usize),
    /// A character that is invisible or turns the reading direction.
    Character(u32),
}

impl HandleError {
    /// Says what is wrong.
    #[must_use]
    pub fn words(self) -> Phrase {
        match self {
            Self::Empty => phrase!("handle-empty", "the handle is empty"),
            Self::Long(bytes) => phrase!(
                "handle-long",
                "the handle has {bytes} bytes, at most {most} are allowed",
                bytes = Argument::count(bytes),
                most = Argument::count(MOST_PATH_BYTES),
            ),
            Self::Character(c) => phrase!(
                "handle-unseen",
                "the handle has an invisible character ({number})",
                number = format!("U+{c:04X}")
            ),
        }
    }
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl std::error::Error for HandleError {}

impl AssetHandle {
    /// Checks a text.
    ///
    /// # Errors
    /// See [`HandleError`].
    pub fn parse(text: &str) -> Result<Self, HandleError> {
        if text.trim().is_empty() {
            return Err(HandleError::Empty);
        }
        if text.len() > MOST_PATH_BYTES {
            return Err(HandleError::Long(text.len()));
        }
        if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
            return Err(HandleError::Character(c as u32));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssetHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_cannot_be_asked_for() {
        assert_eq!(AssetHandle::parse(" "), Err(HandleError::Empty));
        assert_eq!(AssetHandle::parse("a\nb"), Err(HandleError::Character(10)));
        assert_eq!(AssetHandle::parse("a\u{202e}b"), Err(HandleError::Character(0x202e)));
        assert_eq!(AssetHandle::parse(&"x".repeat(5000)), Err(HandleError::Long(5000)));
        assert_eq!(AssetHandle::parse("a|944|1|535").unwrap().as_str(), "a|944|1|535");
    }
}
