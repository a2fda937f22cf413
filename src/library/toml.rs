//! TOML as people write it: read as far as it goes, every mistake with its place.
//!
//! The parser recovers after a mistake and goes on, which has a price: what it made up for the
//! part it did not understand looks like something that was written. A [`Document`] therefore
//! knows the lines it could not read, and a [`Section`] says nothing more about values on them.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned as TomlSpanned, de::Error};

use crate::diag::{Code, Diagnostic, MOST_FINDINGS, Spanned, Text, nearest, shown};

/// Longest string in bytes.
pub(crate) const MOST_STRING: usize = 64 << 10;

/// Longest text that is read on after a mistake; of a longer one the mistake's surroundings are.
const MOST_RECOVERED: usize = 128 << 10;

/// A table, or what could be read of it.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    /// The text.
    pub(crate) text: &'t str,
    /// The keys that could be read.
    pub(crate) table: TomlSpanned<DeTable<'t>>,
    /// What does not parse, at most one finding a line.
    pub(crate) findings: Vec<Diagnostic>,
    /// Whether every key is known to be in `table` or on a line with a finding.
    pub(crate) whole: bool,
    /// The lines with findings: where each begins and ends.
    broken: BTreeMap<usize, usize>,
}

impl<'t> Document<'t> {
    /// Reads a text.
    pub(crate) fn read(text: &'t str) -> Self {
        let first = match DeTable::parse(text) {
            Ok(table) => {
                let (findings, broken) = (Vec::new(), BTreeMap::new());
                return Self { text, table, findings, whole: true, broken };
            }
            Err(error) => error.span().unwrap_or(0..0),
        };
        let end = if text.len() <= MOST_RECOVERED {
            text.len()
        } else {
            let limit = text.floor_char_boundary((first.end + MOST_RECOVERED / 2).min(text.len()));
            text[..limit].rfind('\n').map_or(limit, |at| at + 1)
        };
        // A mistake near the end of a long text costs the reading of all that is before it: fine,
        // that part is free of mistakes.
        let (table, errors) = DeTable::parse_recoverable(&text[..end]);
        let mut document = Self {
            text,
            table,
            findings: Vec::new(),
            whole: end == text.len(),
            broken: BTreeMap::new(),
        };
        document.judge(&errors);
        document
    }

    /// Turns the parser's errors into findings, the first of each line only.
    fn judge(&mut self, errors: &[Error]) {
        let unclosed: Vec<Range<usize>> = errors
            .iter()
            .filter(|error| error.message().starts_with("unclosed array, "))
            .filter_map(|error| self.array_to(error.span()?.end))
            .collect();
        for list in &unclosed {
            self.whole = false;
            self.findings.push(
                Diagnostic::error(
                    Code::Syntax,
                    list.start..list.start + 1,
                    "the list that begins here is not closed",
                )
                .help("put \"]\" after its last value"),
            );
        }
        let mut by_place: Vec<(Range<usize>, &Error)> =
            errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
        by_place.sort_by_key(|(span, _)| span.start);
        let mut line = None;
        for (span, error) in by_place {
            if line.as_ref().is_some_and(|line: &Range<usize>| span.start <= line.end) {
                continue;
            }
            // What follows from a missing bracket is no mistake of its own.
            if !unclosed.iter().any(|list| list.start <= span.start && span.start <= list.end) {
                self.findings.push(self.syntax(span.clone(), error));
            }
            line = Some(self.mark(span.start));
        }
        for list in &unclosed {
            self.mark(list.start);
        }
    }

    /// Remembers the line of a mistake.
    fn mark(&mut self, at: usize) -> Range<usize> {
        let start = self.line_start(at);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        self.broken.insert(start, end);
        start..end
    }

    /// Finds the top-level array that ends where one was found unclosed.
    fn array_to(&self, end: usize) -> Option<Range<usize>> {
        self.table
            .get_ref()
            .values()
            .filter(|value| matches!(value.get_ref(), DeValue::Array(_)))
            .map(TomlSpanned::span)
            .find(|span| span.end == end && self.text[span.start..].starts_with('['))
    }

    fn line_start(&self, at: usize) -> usize {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line(&self, at: usize) -> &'t str {
        let rest = &self.text[self.line_start(at)..];
        rest.split('\n').next().unwrap_or(rest).trim_end_matches('\r')
    }

    /// Says in our words what the parser found, with a way out where one is known.
    fn syntax(&self, span: Range<usize>, error: &Error) -> Diagnostic {
        let found = self.text.get(span.clone()).unwrap_or("");
        let line = self.line(span.start);
        let from_start = span.start.saturating_sub(self.line_start(span.start));
        let before = line.get(..from_start).unwrap_or(line).trim_end();
        let wrong = |message: &str| Diagnostic::error(Code::Syntax, span.clone(), message);
        let message = error.message();
        if message.starts_with("string values must be quoted") {
            let bare = found.trim_matches(|c: char| TYPOGRAPHIC.contains(c));
            if found.is_empty() {
                return wrong("the value is missing");
            }
            if bare != found {
                return wrong("these are typographic quotes")
                    .help(format!("use straight ones: \"{}\"", shown(bare)));
            }
            return wrong("a text needs quotes").help(format!("write \"{}\"", shown(found)));
        }
        if found.starts_with([':', '：', '＝']) && before.chars().all(is_bare) {
            return wrong("between key and value stands \"=\"");
        }
        if message.starts_with("invalid unquoted key") && !found.is_ascii() {
            return wrong("a key with letters beyond a-z has to be quoted")
                .help(format!("write \"{}\"", shown(found)));
        }
        if message.starts_with("missing escaped value") {
            return wrong("\"\\\" begins an escape in double quotes")
                .help("use \"/\" between folders, or single quotes for a text with \"\\\"");
        }
        if message.starts_with("unexpected key or value") && before.ends_with('"') {
            return wrong("the text ends at the quote before this")
                .help("write a quote inside a text as \\\", or put the text into single quotes");
        }
        if message.starts_with("duplicate key") {
            return wrong(&format!("`{}` is there twice", shown(found))).help("keep one of them");
        }
        Diagnostic::error(Code::Syntax, span.clone(), shown(message))
    }

    /// Tells whether something on the lines of a span could not be read.
    pub(crate) fn is_broken(&self, span: &Range<usize>) -> bool {
        let (start, end) = (span.start, span.end.max(span.start + 1));
        self.broken.range(..end).next_back().is_some_and(|(_, &line_end)| start <= line_end)
    }

    /// Tells whether a line that could not be read begins with this key.
    pub(crate) fn may_hold(&self, key: &str) -> bool {
        !self.whole
            || self.broken.keys().any(|&at| {
                self.text[at..]
                    .trim_start_matches(['\u{feff}', ' ', '\t', '"', '\''])
                    .strip_prefix(key)
                    .is_some_and(|rest| !rest.starts_with(is_bare))
            })
    }
}

/// Quotes that are not TOML's.
const TYPOGRAPHIC: &str = "“”„‟‘’‚«»「」『』＂";

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Says what a value is, with its article.
pub(crate) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
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
}

impl<'d, 't> Section<'d, 't> {
    /// Begins with the keys of a table.
    pub(crate) fn new(document: &'d Document<'t>, table: &'d DeTable<'t>) -> Self {
        Self { document, table, findings: Vec::new() }
    }

    /// Returns a key's entry, unless its lines could not be read.
    pub(crate) fn get(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        let (written, value) = self.table.get_key_value(key)?;
        let entry = Entry { key, key_span: written.span(), value };
        let lines = entry.key_span.start..entry.span().end;
        (!self.document.is_broken(&lines)).then_some(entry)
    }

    /// Returns the entry of a key whose value is a list; each of its values may still stand on a
    /// line that could not be read.
    pub(crate) fn get_list(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        let (written, value) = self.table.get_key_value(key)?;
        let entry = Entry { key, key_span: written.span(), value };
        let begin = entry.key_span.start..entry.span().start + 1;
        (!self.document.is_broken(&begin)).then_some(entry)
    }

    /// Tells whether a key is there, readable or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key) || self.document.may_hold(key)
    }

    /// Adds an error about a wrong value.
    pub(crate) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.findings.push(Diagnostic::error(Code::Value, span, message));
    }

    /// Adds the error that a value is of another type.
    pub(crate) fn wrong_type(&mut self, entry: &Entry<'_, '_>, expected: &str) {
        let finding = self.type_finding(entry.key, entry.value, expected);
        self.findings.push(finding);
    }

    /// Says that a value is of another type than expected.
    pub(crate) fn type_finding(
        &self,
        what: &str,
        value: &TomlSpanned<DeValue<'_>>,
        expected: &str,
    ) -> Diagnostic {
        let found = type_of(value.get_ref());
        let finding = Diagnostic::error(
            Code::Value,
            value.span(),
            format!("`{what}`: expected {expected}, found {found}"),
        );
        let written = self.document.text.get(value.span()).unwrap_or("");
        match value.get_ref() {
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
                if expected == "a string" =>
            {
                finding.help(format!("write \"{}\"", shown(written)))
            }
            DeValue::String(_) if expected == "a list of strings" => {
                finding.help(format!("write [{}]", shown(written)))
            }
            DeValue::String(text) if expected == "true or false" => match text.trim() {
                word @ ("true" | "false") => finding.help(format!("write {word} without quotes")),
                _ => finding,
            },
            _ => finding,
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
            let finding = self.type_finding(what, value, "a string");
            self.findings.push(finding);
            return None;
        };
        if text.len() > MOST_STRING {
            self.wrong(
                value.span(),
                format!("`{what}` has {} bytes, at most {MOST_STRING} are allowed", text.len()),
            );
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
        self.wrong_type(&entry, "true or false");
        None
    }

    /// Names the keys that are not among `known`; `advice` knows the way out for some, else the
    /// nearest of `known` is suggested.
    pub(crate) fn unknown_keys(
        &mut self,
        known: &[&'static str],
        advice: impl Fn(&str) -> Option<String>,
    ) {
        for (key, _) in self.table {
            let written: &str = key.get_ref();
            if known.contains(&written) || self.document.is_broken(&key.span()) {
                continue;
            }
            let finding = Diagnostic::error(
                Code::Value,
                key.span(),
                format!("unknown key `{}`", shown(written)),
            );
            // Beyond what is ever shown a suggestion is not worth its time.
            let help = if self.findings.len() > 2 * MOST_FINDINGS {
                None
            } else {
                advice(written).or_else(|| {
                    nearest(written, known.iter().copied())
                        .map(|near| format!("did you mean `{near}`?"))
                })
            };
            self.findings.push(match help {
                Some(help) => finding.help(help),
                None => finding,
            });
        }
    }
}

/// Tells whether a text parses as TOML and holds at least one key.
pub(crate) fn parses(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|table| !table.get_ref().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(text: &str) -> Vec<(String, String, String)> {
        Document::read(text)
            .findings
            .into_iter()
            .map(|d| (text[d.span].to_owned(), d.message, d.help.unwrap_or_default()))
            .collect()
    }

    fn first(text: &str) -> (String, String, String) {
        syntax(text).into_iter().next().unwrap()
    }

    #[test]
    fn usual_slips_have_a_way_out() {
        let (part, message, help) = first("fmt = orig\n");
        assert_eq!((part.as_str(), message.as_str()), ("orig", "a text needs quotes"));
        assert_eq!(help, "write \"orig\"");
        assert_eq!(first("a=“orig”\n").2, "use straight ones: \"orig\"");
        assert_eq!(first("a: \"x\"\n").1, "between key and value stands \"=\"");
        assert_eq!(first("宏 = \"x\"\n").2, "write \"宏\"");
        assert!(first("a = \"C:\\photos\"\n").2.contains("single quotes"));
        assert!(first("a = \"b\"c\"\n").2.contains("\\\""));
        assert_eq!(first("a=1\na=2\n").1, "`a` is there twice");
        assert_eq!(first("a =\n").1, "the value is missing");
    }

    #[test]
    fn every_line_has_its_finding_and_only_one() {
        let all = syntax("a = b c\nd\ne: 1\nf = 2\n");
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn an_open_list_is_one_finding_where_it_begins() {
        let text = "a = 1\nlist = [\"x\",\n  \"y\"\nfmt = \"orig\"\n\nname = \"z\"\n";
        let all = syntax(text);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].1, "the list that begins here is not closed");
        let document = Document::read(text);
        assert!(document.may_hold("fmt") && document.may_hold("anything"));
        assert!(Section::new(&document, document.table.get_ref()).get("list").is_none());
        assert!(Section::new(&document, document.table.get_ref()).get("a").is_some());
    }

    #[test]
    fn values_on_broken_lines_are_not_judged() {
        let text = "fmt = “orig”\nname = \"x\"\n";
        let document = Document::read(text);
        let mut section = Section::new(&document, document.table.get_ref());
        assert!(section.text("fmt").is_none() && section.has("fmt"));
        assert_eq!(section.text("name").unwrap().value, "x");
        assert!(section.findings.is_empty());
        assert!(!section.has("other"));
    }

    #[test]
    fn a_long_text_is_recovered_near_its_mistake_only() {
        let mut text = "a = ?\n".to_owned();
        for n in 0..40_000 {
            text.push_str(&format!("=k{n}\n"));
        }
        let document = Document::read(&text);
        assert!(!document.whole);
        assert!(document.findings.len() < 30_000);
        assert_eq!(document.findings[0].span, 4..5);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-z\\[\\]{}=\"'.,#\\\\\n\r :0-9“é-]{0,80}") {
            let document = Document::read(&text);
            for finding in &document.findings {
                assert!(text.get(finding.span.clone()).is_some(), "{:?}", finding.span);
            }
        }
    }
}
