//! TOML as people write it: read as far as it goes, every mistake with its place.
//!
//! A text that does not parse is repaired for reading on: the line of the mistake is blanked, byte
//! for byte, and the rest is read again, until it parses. All places stay what they were, and
//! nothing that the repair made up is ever taken for something that was written: a [`Document`]
//! knows the lines it could not read, and a [`Section`] says nothing more about them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, Error};

use crate::diag::{Code, Diagnostic, MOST_FINDINGS, Phrase, phrase};

mod section;
mod syntax;

pub(crate) use section::{Advice, Expected, Section, write};
use syntax::Slip;

/// Longest string in bytes.
pub(crate) const MOST_STRING: usize = 64 << 10;

/// Bytes that are read again for the sake of further mistakes, all rounds together.
const MOST_REREAD: usize = 1 << 20;

/// A text that was looked through for lines that do not parse.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    text: &'t str,
    /// The text with those lines blanked; `None` when it parses as it is.
    repaired: Option<String>,
    /// What does not parse.
    findings: Vec<Diagnostic>,
    /// The lines that could not be read: where each begins and ends.
    broken: BTreeMap<usize, usize>,
    /// Whether what is left parses, so that every mistake of this kind is found.
    whole: bool,
    /// What a text that parses as it is was read into.
    table: RefCell<Option<TomlSpanned<DeTable<'t>>>>,
}

impl<'t> Source<'t> {
    /// Looks a text through.
    pub(crate) fn new(text: &'t str) -> Self {
        let mut source = Self {
            text,
            repaired: None,
            findings: Vec::new(),
            broken: BTreeMap::new(),
            whole: true,
            table: RefCell::default(),
        };
        let mut error = match DeTable::parse(text) {
            Ok(table) => {
                source.table = RefCell::new(Some(table));
                return source;
            }
            Err(error) => error,
        };
        let mut bytes = text.as_bytes().to_vec();
        for round in 1..=MOST_FINDINGS {
            let named = source.findings.len();
            source.judge(&error, &mut bytes);
            // A repair that did not help is not tried twice.
            if round * text.len() > MOST_REREAD || source.findings.len() == named {
                break;
            }
            let repaired = String::from_utf8_lossy(&bytes).into_owned();
            let next = DeTable::parse(&repaired).err();
            source.repaired = Some(repaired);
            match next {
                None => return source,
                Some(next) => error = next,
            }
        }
        source.whole = false;
        source
    }

    /// Reads what can be read.
    pub(crate) fn document(&self) -> Document<'_> {
        let parsed = self.repaired.as_deref().unwrap_or(self.text);
        let table = self.table.take().or_else(|| {
            let table = self.whole.then(|| DeTable::parse(parsed).ok());
            table.flatten()
        });
        let table = table.unwrap_or_else(|| TomlSpanned::new(0..0, DeTable::new()));
        Document {
            text: self.text,
            table,
            findings: &self.findings,
            broken: &self.broken,
            whole: self.whole,
        }
    }

    /// Names one mistake and takes its line out.
    fn judge(&mut self, error: &Error, bytes: &mut [u8]) {
        let span = error.span().unwrap_or(0..0);
        let line = self.line(span.start);
        let message = error.message();
        let header = self.text[line.clone()].trim_start().starts_with('[');
        if message.contains("array") && !message.contains("array table") {
            if let Some(list) = self.open_list(&line, message) {
                return self.close_list(&list, bytes);
            }
        } else if message.contains("multi-line")
            || message.contains("inline table")
            || message.contains("key-value pairs")
        {
            let opening = if message.contains("basic") {
                "\"\"\""
            } else if message.contains("literal") {
                "'''"
            } else {
                "{"
            };
            if let Some(at) = self.text[..self.text.floor_char_boundary(span.start)].rfind(opening)
            {
                self.findings.push(
                    Diagnostic::error(
                        Code::Syntax,
                        at..at + opening.len(),
                        phrase!(
                            "not-closed",
                            "what begins here is not closed, or something in it is missing"
                        ),
                    )
                    .help(phrase!(
                        "close-with",
                        "close it with {sign}",
                        sign = if opening == "{" { "}" } else { opening }
                    )),
                );
                self.blank(at, bytes, "");
                if opening != "{" {
                    self.blank_story(self.line(at).end, bytes);
                }
                return;
            }
        }
        if !self.broken.contains_key(&line.start) {
            self.findings.push(self.syntax(span.clone(), message));
        }
        if message.starts_with("missing comma between array")
            && let Some(gap) = span.start.checked_sub(1)
            && bytes[gap].is_ascii_whitespace()
        {
            bytes[gap] = b',';
            return;
        }
        // The keys below a header that cannot be read belong to nobody.
        let nobody = if header { format!("[_{}]", self.findings.len()) } else { String::new() };
        self.blank(line.start, bytes, &nobody);
    }

    /// Finds the bracket of a list that is not closed, and where its values end at the latest:
    /// before a line that is none of them, or with the text.
    fn open_list(&self, line: &Range<usize>, message: &str) -> Option<Range<usize>> {
        let content = self.text[line.clone()].trim_start();
        let end = if message.starts_with("unclosed array") {
            line.end
        } else if content.starts_with('[') || begins_with_key(content) {
            line.start
        } else {
            return None;
        };
        let before = &self.text[..end];
        let mut brackets = before.rmatch_indices('[').map(|(at, _)| at);
        Some(brackets.find(|&at| before[..at].trim_end().ends_with('='))?..end)
    }

    /// Closes a list for reading on: instead of its last line, or with the line it begins on.
    fn close_list(&mut self, list: &Range<usize>, bytes: &mut [u8]) {
        self.findings.push(self.not_closed(list));
        let first = self.line(list.start);
        let body = self.text.get(first.end..list.end).unwrap_or("").trim_end();
        if body.is_empty() {
            self.blank(first.start, bytes, "");
        } else {
            self.blank(first.end + body.len(), bytes, "]");
        }
    }

    /// Says why a list is not closed: mostly because a text in it is not.
    fn not_closed(&self, list: &Range<usize>) -> Diagnostic {
        let mut at = list.start;
        for line in self.text[list.clone()].split_inclusive('\n') {
            let line_start = at;
            at += line.len();
            let quotes = line.matches('"').count() - line.matches("\\\"").count();
            if quotes % 2 == 1
                && let Some(quote) = line.rfind('"')
            {
                let quote = line_start + quote;
                return Diagnostic::error(Code::Syntax, quote..quote + 1, text_not_closed())
                    .help(put_at_end("\""));
            }
        }
        let open = list.start..list.start + 1;
        let what = phrase!("list-not-closed", "the list that begins here is not closed");
        Diagnostic::error(Code::Syntax, open, what)
            .help(phrase!("put-bracket-last", "put \"]\" after its last value"))
    }

    /// Returns the line a place is on, without its end.
    fn line(&self, at: usize) -> Range<usize> {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let length = self.text[start..].find('\n').unwrap_or(self.text.len() - start);
        start..start + length
    }

    /// Takes the line of a place out, putting something else there if it fits.
    fn blank(&mut self, at: usize, bytes: &mut [u8], instead: &str) {
        let line = self.line(at);
        self.broken.insert(line.start, line.end);
        let place = &mut bytes[line];
        place.fill(b' ');
        if let Some(place) = place.get_mut(..instead.len()) {
            place.copy_from_slice(instead.as_bytes());
        }
    }

    /// Takes the lines of a text out that somebody forgot to close: up to the next key or header.
    fn blank_story(&mut self, mut end: usize, bytes: &mut [u8]) {
        while end < self.text.len() {
            let line = self.line(end + 1);
            let content = self.text[line.clone()].trim_start();
            if line.is_empty() || content.starts_with(['[', '#']) || begins_with_key(content) {
                return;
            }
            self.blank(line.start, bytes, "");
            end = line.end;
        }
    }

    /// Says in our words what the parser found, with a way out.
    fn syntax(&self, span: Range<usize>, message: &str) -> Diagnostic {
        let line = self.line(span.start);
        Slip { text: self.text, line, span, message }.told()
    }
}

/// A table, or what could be read of it.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    /// The text.
    pub(crate) text: &'t str,
    /// The keys that could be read.
    pub(crate) table: TomlSpanned<DeTable<'t>>,
    /// What does not parse.
    pub(crate) findings: &'t [Diagnostic],
    broken: &'t BTreeMap<usize, usize>,
    whole: bool,
}

impl Document<'_> {
    /// Tells whether something on the lines of a span could not be read.
    pub(crate) fn is_broken(&self, span: &Range<usize>) -> bool {
        let (start, end) = (span.start, span.end.max(span.start + 1));
        let before = self.broken.range(..end).next_back();
        before.is_some_and(|(_, &line_end)| start <= line_end)
    }

    /// Tells whether a key may stand where something could not be read.
    fn may_hold(&self, key: &str) -> bool {
        !self.whole
            || self.broken.keys().any(|&at| {
                self.text[at..]
                    .trim_start_matches(['\u{feff}', ' ', '\t', '"', '\''])
                    .strip_prefix(key)
                    .is_some_and(|rest| !rest.starts_with(is_bare))
            })
    }
}

fn text_not_closed() -> Phrase {
    phrase!("text-not-closed", "the closing quote of this text is missing")
}

fn put_at_end(quote: &str) -> Phrase {
    phrase!("put-at-end", "put {quote} at its end", quote = quote)
}

/// Tells whether a line looks like `key = …`.
fn begins_with_key(line: &str) -> bool {
    let key = line.trim_start_matches(|c| is_bare(c) || c == '"');
    key.len() < line.len() && key.trim_start().starts_with(['=', ':'])
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Tells whether a text parses as TOML and holds at least one key.
pub(crate) fn parses(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|table| !table.get_ref().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(text: &str) -> Vec<(String, String, String)> {
        Source::new(text)
            .findings
            .into_iter()
            .map(|d| {
                let help = d.help.map(|help| help.to_string());
                (text[d.span].to_owned(), d.message.to_string(), help.unwrap_or_default())
            })
            .collect()
    }

    fn first(text: &str) -> (String, String, String) {
        syntax(text).into_iter().next().unwrap()
    }

    #[test]
    fn usual_slips_have_a_way_out() {
        let (part, message, help) = first("fmt = orig\n");
        assert_eq!((part.as_str(), message.as_str()), ("orig", "text must be in quotes"));
        assert_eq!(help, "write \"orig\"");
        assert_eq!(first("a=“orig”\n").2, "use straight ones: \"orig\"");
        assert_eq!(first("a: \"x\"\n").1, "there must be an \"=\" between the key and its value");
        assert_eq!(first("宏 = \"x\"\n").2, "write \"宏\"");
        assert!(first("a = \"C:\\photos\"\n").2.contains("single quotes"));
        assert!(first("a = \"b\"c\"\n").2.contains("\\\""));
        assert_eq!(first("a=1\na=2\n").1, "`a` appears twice");
        assert_eq!(first("a =\n").1, "the value is missing");
    }

    #[test]
    fn every_line_has_its_finding_and_only_one() {
        let text = "a = b c\nd\ne: 1\nf = 2\n宏 = 3\n[[x]\ng = 4\n";
        let all = syntax(text);
        assert_eq!(all.len(), 5, "{all:?}");
        let source = Source::new(text);
        let document = source.document();
        let section = Section::new(&document, document.table.get_ref());
        assert!(section.get("f").is_some() && section.get("g").is_none() && !section.has("g"));
    }

    #[test]
    fn an_open_list_is_one_finding_where_it_begins() {
        for text in [
            "a = 1\nlist = [\"x\",\n  \"y\"\nfmt = \"orig\"\n\nname = \"z\"\n",
            "a = 1\nlist = [\"x\",\n  \"y\",\n\nfmt = \"orig\"\nname = \"z\"\n",
            "a = 1\nfmt = \"orig\"\nname = \"z\"\nlist = [\"x\",\n  \"y\"\n",
            "a = 1\nfmt = \"orig\"\nname = \"z\"\nlist = [\"x\",\n  \"y\"",
            "a = 1\nlist = [\"x\"\nfmt = \"orig\"\nname = \"z\"",
            "a = 1\nlist = [\r\n  \"x\",\r\nfmt = \"orig\"\r\nname = \"z\"\r\n",
            "fmt = \"orig\"\nname = \"z\"\na = 1\nlist = [\"x\"",
        ] {
            let all = syntax(text);
            assert_eq!(all.len(), 1, "{text:?} {all:?}");
            assert_eq!(all[0].1, "the list that begins here is not closed");
            assert_eq!(all[0].0, "[");
            let source = Source::new(text);
            let document = source.document();
            let mut section = Section::new(&document, document.table.get_ref());
            assert!(section.has("list"), "{text:?}");
            for key in ["fmt", "name"] {
                assert!(section.text(key).is_some(), "{text:?} {key}");
            }
            assert!(section.get("a").is_some());
        }
    }

    #[test]
    fn an_open_text_or_brace_is_one_finding_where_it_begins() {
        for open in ["'''", "\"\"\"", "{"] {
            let text = format!("a = {open} b\nc = 1\n\nd = 2\n");
            let all = syntax(&text);
            assert_eq!(all.len(), 1, "{all:?}");
            assert_eq!(all[0].0, open);
        }
    }

    #[test]
    fn values_on_broken_lines_are_not_judged() {
        let text = "fmt = “orig”\nname = \"x\"\n";
        let source = Source::new(text);
        let document = source.document();
        let mut section = Section::new(&document, document.table.get_ref());
        assert!(section.text("fmt").is_none() && section.has("fmt"));
        assert_eq!(section.text("name").unwrap().value, "x");
        assert!(section.findings.is_empty());
        assert!(!section.has("other"));
    }

    #[test]
    fn a_long_broken_text_is_given_up_soon() {
        let text = "=\n".repeat(500_000);
        let source = Source::new(&text);
        assert!(!source.whole && source.findings.len() == 2);
        assert!(source.document().may_hold("anything"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-z\\[\\]{}=\"'.,#\\\\\n\r :0-9“é-]{0,80}") {
            let source = Source::new(&text);
            let document = source.document();
            for finding in document.findings {
                assert!(text.get(finding.span.clone()).is_some(), "{:?}", finding.span);
            }
        }
    }
}
