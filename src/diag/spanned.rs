//! Values that remember where they were written.

use std::ops::Range;

/// A value with its place in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    #[must_use]
    pub const fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }

    /// Turns the value into another one at the same place.
    #[must_use]
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: turn(self.value), span: self.span }
    }
}

/// A string somebody wrote, with enough to point at a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The string, escapes resolved.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Range<usize>,
    /// Where its first character stands, when the string stands in the text as it is.
    inside: Option<usize>,
}

impl Text {
    /// Joins a string, the place of its literal (quotes included) and the text around it.
    ///
    /// A literal without escapes holds the string as it is, so that parts of it have a place too.
    #[must_use]
    pub fn new(value: String, span: Range<usize>, text: &str) -> Self {
        let inside = text.get(span.clone()).and_then(|literal| {
            ["\"\"\"\r\n", "'''\r\n", "\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"]
                .into_iter()
                .find(|quote| literal.starts_with(quote))
                .map(str::len)
                .filter(|&quote| literal[quote..].starts_with(&value))
                .map(|quote| span.start + quote)
        });
        Self { value, span, inside }
    }

    /// Returns the place of a part of the string: its own, or the whole literal when the string
    /// was written with escapes.
    #[must_use]
    pub fn place(&self, part: &Range<usize>) -> Range<usize> {
        match self.inside {
            Some(start) if part.start <= part.end && part.end <= self.value.len() => {
                start + part.start..start + part.end
            }
            _ => self.span.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str, value: &str) -> Text {
        Text::new(value.into(), 4..source.len(), source)
    }

    #[test]
    fn a_part_of_a_plain_string_has_its_own_place() {
        for source in ["x = \"ab&c\"", "x = 'ab&c'"] {
            assert_eq!(text(source, "ab&c").place(&(2..3)), 7..8, "{source}");
        }
        assert_eq!(text("x = '''\nab&c'''", "ab&c").place(&(2..3)), 10..11);
    }

    #[test]
    fn a_string_with_escapes_is_pointed_at_as_a_whole() {
        let source = r#"x = "a\u0062&c""#;
        assert_eq!(text(source, "ab&c").place(&(2..3)), 4..source.len());
    }

    #[test]
    fn a_place_beyond_the_string_is_the_whole() {
        assert_eq!(text("x = 'ab'", "ab").place(&(1..9)), 4..8);
    }
}
