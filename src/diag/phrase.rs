//! A message that other languages know too: a name, what it is given, and its words in English.
//!
//! `phrase!` makes one where something is found. Who shows it to people looks it up by its name; where a
//! language has no words for it, and where nobody asks for a language, the English ones stand. What has
//! no name, such as what the system says, is the same in every language.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::{MOST_CHARS, grouped_by, human_bytes, shown};

/// A message: lower case, no full stop.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Record", into = "Record")]
pub struct Phrase {
    text: Cow<'static, str>,
    named: Option<Box<Named>>,
}

/// By what other languages know a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Named {
    id: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    given: Vec<(Cow<'static, str>, Argument)>,
}

/// What a message is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// A number of things: languages group it and say the things in its plural.
    Count(u64),
    /// The same in every language: what somebody wrote, a name, a number as one types it.
    Text(String),
    /// Names behind each other.
    List(Vec<String>),
    /// A length.
    Bytes {
        /// In bytes.
        bytes: u64,
    },
    /// A message inside the message.
    Phrase(Phrase),
}

/// How a message is kept on disk and handed between processes: a text without name is a string.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Record {
    Text(Cow<'static, str>),
    Named {
        text: Cow<'static, str>,
        #[serde(flatten)]
        named: Box<Named>,
    },
}

impl Phrase {
    /// Joins a message's words in English, its name and what it is given; `phrase!`
    /// does so.
    #[must_use]
    pub fn named(
        id: &'static str,
        text: impl Into<Cow<'static, str>>,
        given: Vec<(&'static str, Argument)>,
    ) -> Self {
        let given = given.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        Self { text: text.into(), named: Some(Box::new(Named { id: id.into(), given })) }
    }

    /// Returns the English words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name by which languages know it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.named.as_deref().map(|named| &*named.id)
    }

    /// Returns what it is given.
    pub fn given(&self) -> impl Iterator<Item = (&str, &Argument)> {
        let given = self.named.as_deref().map_or(&[][..], |named| &named.given);
        given.iter().map(|(name, value)| (&**name, value))
    }

    /// Cuts words that echo too much of what was written.
    #[must_use]
    pub fn cut(self) -> Self {
        if self.text.len() > MOST_CHARS { self.shown() } else { self }
    }

    /// Makes the words fit for one line; see [`shown`].
    #[must_use]
    pub fn shown(self) -> Self {
        Self { text: shown(&self.text).into(), ..self }
    }
}

impl Deref for Phrase {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// As a text: names and what is given follow from where it is made.
impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl PartialEq<str> for Phrase {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Phrase {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self { text: text.into(), named: None }
    }
}

impl From<&'static str> for Phrase {
    fn from(text: &'static str) -> Self {
        Self { text: text.into(), named: None }
    }
}

impl From<Phrase> for String {
    fn from(phrase: Phrase) -> Self {
        phrase.text.into_owned()
    }
}

impl From<Record> for Phrase {
    fn from(record: Record) -> Self {
        match record {
            Record::Text(text) => Self { text, named: None },
            Record::Named { text, named } => Self { text, named: Some(named) },
        }
    }
}

impl From<Phrase> for Record {
    fn from(Phrase { text, named }: Phrase) -> Self {
        match named {
            None => Self::Text(text),
            Some(named) => Self::Named { text, named },
        }
    }
}

impl Argument {
    /// A number of things.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// A number of pixels; what is below zero is none.
    #[must_use]
    pub fn pixels(pixels: impl TryInto<u64>) -> Self {
        Self::Count(pixels.try_into().unwrap_or(0))
    }

    /// A length in bytes; see [`human_bytes`].
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self::Bytes { bytes }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => f.write_str(&grouped_by(*count, ',')),
            Self::Text(text) => f.write_str(text),
            Self::List(names) => f.write_str(&names.join(", ")),
            Self::Bytes { bytes } => f.write_str(&human_bytes(*bytes)),
            Self::Phrase(phrase) => f.write_str(phrase),
        }
    }
}

impl From<Phrase> for Argument {
    fn from(phrase: Phrase) -> Self {
        match phrase.named {
            None => Self::Text(phrase.text.into_owned()),
            Some(_) => Self::Phrase(phrase),
        }
    }
}

impl From<Vec<String>> for Argument {
    fn from(names: Vec<String>) -> Self {
        Self::List(names)
    }
}

/// Gives these as one writes them.
macro_rules! as_written {
    ($($kind:ty)+) => {$(
        impl From<$kind> for Argument {
            fn from(written: $kind) -> Self {
                Self::Text(written.to_string())
            }
        }
    )+};
}

as_written!(String &String &str char u8 u16 u32 u64 usize i32 i64 f32 f64);

/// Makes a message: its name, its English words, and what stands in their places.
///
/// The words are a format string whose places are all named and without instructions. Each language's
/// file of findings holds the name with the same places; a test reads them off the sources.
macro_rules! phrase {
    ($id:literal, $text:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        $(let $name = $crate::diag::Argument::from($value);)*
        let text = $crate::diag::words(::std::format_args!($text $(, $name = $name)*));
        $crate::diag::Phrase::named($id, text, ::std::vec![$((stringify!($name), $name)),*])
    }};
}

pub(crate) use phrase;

/// Puts words together, if there is anything to put in their places.
pub(crate) fn words(words: fmt::Arguments<'_>) -> Cow<'static, str> {
    words.as_str().map_or_else(|| Cow::Owned(words.to_string()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_kept_with_its_name_and_what_it_is_given() {
        let inner = phrase!("inner", "a whole number");
        let told = phrase!(
            "told",
            "`{name}` wants {wanted}, not {n} of \"{{x}}\"",
            name = "wid",
            wanted = inner,
            n = Argument::count(3_000),
        );
        assert_eq!(told, "`wid` wants a whole number, not 3,000 of \"{x}\"");
        let kept = serde_json::to_string(&told).unwrap();
        assert_eq!(
            kept,
            r#"{"text":"`wid` wants a whole number, not 3,000 of \"{x}\"","id":"told","given":[["name","wid"],["wanted",{"text":"a whole number","id":"inner"}],["n",3000]]}"#
        );
        assert_eq!(serde_json::from_str::<Phrase>(&kept).unwrap(), told);
    }

    #[test]
    fn a_text_without_name_is_kept_as_it_was_before_messages_had_names() {
        let plain = Phrase::from("no such file");
        assert_eq!(serde_json::to_string(&plain).unwrap(), "\"no such file\"");
        assert_eq!(serde_json::from_str::<Phrase>("\"no such file\"").unwrap(), plain);
        assert_eq!(Argument::from(plain), Argument::Text("no such file".into()));
    }
}
