//! A table taken apart key by key.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Document, MOST_STRING};
use crate::diag::{
    Argument, Code, Diagnostic, MOST_FINDINGS, Phrase, Spanned, Text, nearest, phrase, shown,
};

/// Says what a value is, with its article.
fn type_of(value: &DeValue<'_>) -> Phrase {
    match value {
        DeValue::String(_) => phrase!("type-string", "text in quotes"),
        DeValue::Integer(_) => phrase!("type-integer", "a whole number"),
        DeValue::Float(_) => phrase!("type-fraction", "a number with decimals"),
        DeValue::Boolean(_) => phrase!("type-flag", "true or false"),
        DeValue::Datetime(_) => phrase!("type-date", "a date or time"),
        DeValue::Array(_) => phrase!("type-list", "a list"),
        DeValue::Table(_) => phrase!("type-table", "a section"),
    }
}

/// What a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A moment, its zone included.
    Moment,
    /// A table.
    Table,
    /// A list of tables with this name.
    Tables(&'static str),
}

impl Expected {
    /// Says what it is, with its article.
    pub(crate) fn words(self) -> Phrase {
        match self {
            Self::Text => phrase!("type-string", "text in quotes"),
            Self::Texts => phrase!("type-strings", "a list of texts in quotes"),
            Self::Flag => phrase!("type-flag", "true or false"),
            Self::Moment => phrase!("type-moment", "a date and time with time zone"),
            Self::Table => phrase!("type-table", "a section"),
            Self::Tables(name) => phrase!("type-tables", "[[{name}]] tables", name = name),
        }
    }
}

/// Says what to write instead of a value.
pub(crate) fn write(text: impl Into<Argument>) -> Phrase {
    phrase!("write", "write {text}", text = text.into())
}

/// One key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'d, 't> {
    /// The key as the schema spells it.
    pub(crate) key: &'static str,
    /// Where the key stands.
    pub(crate) key_span: Range<usize>,
    /// The value.
    pub(crate) value: &'d TomlSpanned<DeValue<'t>>,
}

impl Entry<'_, '_> {
    /// Where the value stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.value.span()
    }
}

/// A table that is taken apart key by key; findings gather beside it.
#[derive(Debug)]
pub(crate) struct Section<'d, 't> {
    /// The whole.
    pub(crate) document: &'d Document<'t>,
    /// This part of it.
    pub(crate) table: &'d DeTable<'t>,
    /// What was found so far.
    pub(crate) findings: Vec<Diagnostic>,
    /// Keys that unknown ones were taken for, with the first of those: they are not missing too,
    /// and what stands there is judged as theirs.
    meant: BTreeMap<&'static str, &'d str>,
    /// What to write for a key.
    example: fn(&str) -> Option<Phrase>,
}

/// The way out of an unknown key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advice {
    /// It is another name for this key.
    Meant(&'static str),
    /// What to do instead.
    Words(Phrase),
}

impl<'d, 't> Section<'d, 't> {
    /// Begins with the keys of a table.
    pub(crate) fn new(document: &'d Document<'t>, table: &'d DeTable<'t>) -> Self {
        Self { document, table, findings: Vec::new(), meant: BTreeMap::new(), example: |_| None }
    }

    /// Knows what to write for a key whose value is wrong.
    pub(crate) fn with_examples(self, example: fn(&str) -> Option<Phrase>) -> Self {
        Self { example, ..self }
    }

    /// Adds what to write for a key to a finding that has no better help.
    pub(crate) fn with_example(&self, key: &str, finding: Diagnostic) -> Diagnostic {
        match (self.example)(key) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }

    /// Finds a key, or what was taken for it.
    fn find(
        &self,
        key: &str,
    ) -> Option<(&'d TomlSpanned<DeString<'t>>, &'d TomlSpanned<DeValue<'t>>)> {
        let other = || self.table.get_key_value(*self.meant.get(key)?);
        self.table.get_key_value(key).or_else(other)
    }

    /// Tells whether a key is there only under a name that was taken for it. What stands there can
    /// be judged, but nothing may be made of it that the key itself decides.
    pub(crate) fn is_guess(&self, key: &str) -> bool {
        self.meant.contains_key(key) && !self.table.contains_key(key)
    }

    /// Returns a key's entry, unless its lines could not be read.
    pub(crate) fn get(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        let (written, value) = self.find(key)?;
        let entry = Entry { key, key_span: written.span(), value };
        let lines = entry.key_span.start..entry.span().end;
        (!self.document.is_broken(&lines)).then_some(entry)
    }

    /// Returns the entry of a key whose value is a list; each of its values may still stand on a
    /// line that could not be read.
    pub(crate) fn get_list(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        let (written, value) = self.find(key)?;
        let entry = Entry { key, key_span: written.span(), value };
        let begin = entry.key_span.start..entry.span().start + 1;
        (!self.document.is_broken(&begin)).then_some(entry)
    }

    /// Tells whether a key is there, readable or not, or was meant by an unknown one.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key) || self.meant.contains_key(key) || self.document.may_hold(key)
    }

    /// Adds an error about a wrong value.
    pub(crate) fn wrong(&mut self, span: Range<usize>, message: impl Into<Phrase>) {
        self.findings.push(Diagnostic::error(Code::Value, span, message));
    }

    /// Adds the error that a value is of another type.
    pub(crate) fn wrong_type(&mut self, entry: &Entry<'_, '_>, expected: Expected) {
        let finding = self.type_finding(entry.key, entry.value, expected);
        self.findings.push(finding);
    }

    /// Says that a value is of another type than expected.
    pub(crate) fn type_finding(
        &self,
        what: &str,
        value: &TomlSpanned<DeValue<'_>>,
        expected: Expected,
    ) -> Diagnostic {
        let found = type_of(value.get_ref());
        let finding = Diagnostic::error(
            Code::Value,
            value.span(),
            phrase!(
                "wrong-type",
                "`{what}` must be {expected}, not {found}",
                what = what,
                expected = expected.words(),
                found = found,
            ),
        );
        let written = self.document.text.get(value.span()).unwrap_or("");
        match value.get_ref() {
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
                if expected == Expected::Text =>
            {
                finding.help(write(format!("\"{}\"", shown(written))))
            }
            DeValue::String(_) if expected == Expected::Texts => {
                finding.help(write(format!("[{}]", shown(written))))
            }
            DeValue::Array(items) if expected == Expected::Text => match items.iter().next() {
                Some(only) if items.len() == 1 => {
                    let text = self.document.text.get(only.span()).unwrap_or("");
                    finding.help(phrase!(
                        "write-without-brackets",
                        "write {text} without brackets",
                        text = shown(text)
                    ))
                }
                _ => self.with_example(what, finding),
            },
            DeValue::String(text) if expected == Expected::Flag => match text.trim() {
                word @ ("true" | "false") => finding.help(phrase!(
                    "write-without-quotes",
                    "write {word} without quotes",
                    word = word
                )),
                "yes" | "on" | "1" => finding.help(write("true")),
                "no" | "off" | "0" => finding.help(write("false")),
                _ => self.with_example(what, finding),
            },
            _ => self.with_example(what, finding),
        }
    }

    /// Reads a string.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<Text> {
        let entry = self.get(key)?;
        self.text_of(key, entry.value)
    }

    /// Reads a string of bounded length.
    pub(crate) fn text_of(&mut self, what: &str, value: &TomlSpanned<DeValue<'_>>) -> Option<Text> {
        let DeValue::String(text) = value.get_ref() else {
            let finding = self.type_finding(what, value, Expected::Text);
            self.findings.push(finding);
            return None;
        };
        if text.len() > MOST_STRING {
            let message = phrase!(
                "too-many-bytes",
                "`{what}` has {bytes} bytes, at most {most} are allowed",
                what = what,
                bytes = Argument::count(text.len()),
                most = Argument::count(MOST_STRING),
            );
            let finding = Diagnostic::error(Code::Value, value.span(), message);
            self.findings.push(finding.help(phrase!("shorten", "shorten it")));
            return None;
        }
        Some(Text::new(text.to_string(), value.span(), self.document.text))
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        let entry = self.get(key)?;
        if let DeValue::Boolean(flag) = entry.value.get_ref() {
            return Some(Spanned::new(*flag, entry.span()));
        }
        self.wrong_type(&entry, Expected::Flag);
        None
    }

    /// Names the keys that are not among `known`; `advice` knows the way out for some, else the
    /// nearest of `known` is suggested.
    pub(crate) fn unknown_keys(
        &mut self,
        known: &[&'static str],
        advice: impl Fn(&str) -> Option<Advice>,
    ) {
        let table = self.table;
        for (key, _) in table {
            let written: &'d str = key.get_ref();
            if known.contains(&written) || self.document.is_broken(&key.span()) {
                continue;
            }
            let finding = Diagnostic::error(
                Code::Value,
                key.span(),
                phrase!("unknown-key", "unknown key `{key}`", key = shown(written)),
            );
            // Beyond what is ever shown a suggestion is not worth its time.
            let finding = if self.findings.len() > 2 * MOST_FINDINGS {
                finding
            } else {
                let help = self.help_with(written, known, &advice);
                let all = || phrase!("known-here", "known here: {keys}", keys = known.join(", "));
                finding.help(help.unwrap_or_else(all))
            };
            self.findings.push(finding);
        }
    }
}

impl<'d> Section<'d, '_> {
    /// Says what was probably meant by an unknown key.
    fn help_with(
        &mut self,
        written: &'d str,
        known: &[&'static str],
        advice: &impl Fn(&str) -> Option<Advice>,
    ) -> Option<Phrase> {
        let near = match advice(written) {
            Some(Advice::Words(help)) => return Some(help),
            Some(Advice::Meant(key)) => key,
            None => {
                let near = nearest(written, known.iter().copied())?;
                known.iter().copied().find(|key| *key == near)?
            }
        };
        self.meant.entry(near).or_insert(written);
        Some(phrase!("did-you-mean", "did you mean `{near}`?", near = near))
    }
}
