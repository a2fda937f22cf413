//! The name of a job, which becomes part of folder names.

use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::diag::{Argument, Phrase, phrase};

/// Longest name in characters.
const MOST_CHARACTERS: usize = 128;
/// Longest name in bytes of UTF-8, so that `<jobName>_<time>-<n>` stays a file name.
const MOST_BYTES: usize = 200;

/// Characters that are not allowed are named up to so many.
const MOST_ERRORS: usize = 10;

/// A job's name in NFC: letters and digits of any script, space, `-`, `_`, `.`; begins with a
/// letter or digit; 1–128 characters, at most 200 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobName(String);

/// Why a text is no job name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobNameError {
    /// Nothing there.
    Empty,
    /// Begins with something else than a letter or digit.
    Beginning {
        /// What it begins with.
        found: char,
    },
    /// Holds a character that is not allowed.
    Character {
        /// The first such character.
        found: char,
        /// Where it stands, in bytes of the text.
        at: usize,
    },
    /// Too many characters.
    Characters(usize),
    /// Too many bytes.
    Bytes(usize),
}

impl JobNameError {
    /// Says what is wrong.
    #[must_use]
    pub fn words(self) -> Phrase {
        match self {
            Self::Empty => phrase!("job-name-empty", "`jobName` is empty"),
            Self::Beginning { found } => phrase!(
                "job-name-beginning",
                "`jobName` has to begin with a letter or digit, not with {found}",
                found = quoted(found)
            ),
            Self::Character { found, .. } => phrase!(
                "job-name-character",
                "{found} is not allowed in `jobName`; only letters, digits, spaces and - _ . \
                 are",
                found = quoted(found)
            ),
            Self::Characters(characters) => phrase!(
                "job-name-long",
                "`jobName` has {characters} characters, at most {most} are allowed",
                characters = Argument::count(characters),
                most = Argument::count(MOST_CHARACTERS),
            ),
            Self::Bytes(bytes) => phrase!(
                "too-many-bytes",
                "`{what}` has {bytes} bytes, at most {most} are allowed",
                what = "jobName",
                bytes = Argument::count(bytes),
                most = Argument::count(MOST_BYTES),
            ),
        }
    }
}

impl fmt::Display for JobNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl std::error::Error for JobNameError {}

/// Shows a character, an invisible one by its number.
fn quoted(c: char) -> String {
    if crate::fs::is_invisible(c) || (c.is_whitespace() && c != ' ') {
        format!("U+{:04X}", c as u32)
    } else {
        format!("\"{c}\"")
    }
}

impl JobName {
    /// Checks a text.
    ///
    /// # Errors
    /// Everything that is wrong with it, each character that is not allowed once; see
    /// [`JobNameError`].
    pub fn parse(text: &str) -> Result<Self, Vec<JobNameError>> {
        let name: String = text.nfc().collect();
        let mut errors = Vec::new();
        match name.chars().next() {
            None => return Err(vec![JobNameError::Empty]),
            Some(found) if !found.is_alphanumeric() => {
                errors.push(JobNameError::Beginning { found });
            }
            Some(_) => {}
        }
        // Many scripts write vowels as marks on a letter.
        let allowed = |c: char| {
            c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.') || is_combining_mark(c)
        };
        // What stands at the beginning has been named.
        let first = name.chars().next().filter(|_| !errors.is_empty());
        let mut named: BTreeSet<char> = first.into_iter().collect();
        for (at, found) in text.char_indices().filter(|(_, c)| !allowed(*c)) {
            if errors.len() == MOST_ERRORS {
                break;
            }
            if named.insert(found) {
                errors.push(JobNameError::Character { found, at });
            }
        }
        let characters = name.chars().count();
        if characters > MOST_CHARACTERS {
            errors.push(JobNameError::Characters(characters));
        } else if name.len() > MOST_BYTES {
            errors.push(JobNameError::Bytes(name.len()));
        }
        if errors.is_empty() { Ok(Self(name)) } else { Err(errors) }
    }

    /// Makes a name from any text, for a manifest whose own cannot be read: what is not allowed
    /// becomes `-`, what is too long is cut.
    #[must_use]
    pub fn cleaned(text: &str) -> Self {
        let mut name = String::new();
        for c in text.nfc() {
            let c = if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.') { c } else { '-' };
            if name.is_empty() && !c.is_alphanumeric() {
                continue;
            }
            if name.len() + c.len_utf8() > MOST_BYTES || name.chars().count() == MOST_CHARACTERS {
                break;
            }
            name.push(c);
        }
        if name.is_empty() { Self("job".into()) } else { Self(name) }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_scripts() {
        for name in
            ["spring-tops", "2026 Q1_web.v2", "春季目錄", "हिन्दी", "Ünïcode", "Τιμοκατάλογος", "a"]
        {
            assert_eq!(JobName::parse(name).unwrap().as_str(), name);
        }
        assert_eq!(JobName::parse("e\u{301}te").unwrap().as_str(), "éte");
    }

    #[test]
    fn what_no_folder_should_be_called() {
        let error = |text: &str| JobName::parse(text).unwrap_err().remove(0);
        assert_eq!(error(""), JobNameError::Empty);
        assert_eq!(error("-x"), JobNameError::Beginning { found: '-' });
        assert_eq!(error("../x"), JobNameError::Beginning { found: '.' });
        assert_eq!(error("a/b"), JobNameError::Character { found: '/', at: 1 });
        assert_eq!(error("é\u{7}"), JobNameError::Character { found: '\u{7}', at: 2 });
        assert_eq!(error("a\u{202e}").words().split(' ').next(), Some("U+202E"));
        assert_eq!(error("a\u{a0}b"), JobNameError::Character { found: '\u{a0}', at: 1 });
        assert_eq!(error(&"x".repeat(129)), JobNameError::Characters(129));
        assert_eq!(error(&"春".repeat(67)), JobNameError::Bytes(201));
        assert!(JobName::parse(&"春".repeat(66)).is_ok());
        assert_eq!(
            JobName::parse("/a:b/c:").unwrap_err(),
            [JobNameError::Beginning { found: '/' }, JobNameError::Character { found: ':', at: 2 }]
        );
        assert_eq!(JobName::parse(&"/".repeat(300)).unwrap_err().len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn a_cleaned_text_is_a_name(text in "\\PC{0,300}") {
            let name = JobName::cleaned(&text);
            proptest::prop_assert_eq!(JobName::parse(name.as_str()), Ok(name.clone()));
        }
    }
}
