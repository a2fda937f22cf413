//! TOML as people write it: read as far as it goes, every mistake with its place.
//!
//! A text that does not parse is repaired for reading on: the line of the mistake is blanked, byte
//! for byte, and the rest is read again, until it parses. All places stay what they were, and
//! nothing that the repair made up is ever taken for something that was written: a [`Document`]
//! knows the lines it could not read, and a [`Section`] says nothing more about them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue, Error};

use crate::diag::{Code, Diagnostic, MOST_FINDINGS, Spanned, Text, nearest, shown};

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
                self.findings.push(Diagnostic::error(
                    Code::Syntax,
                    at..at + opening.len(),
                    "what begins here is not closed, or something in it is missing",
                ));
                return self.blank(at, bytes, "");
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
        let open = list.start..list.start + 1;
        self.findings.push(
            Diagnostic::error(Code::Syntax, open, "the list that begins here is not closed")
                .help("put \"]\" after its last value"),
        );
        let first = self.line(list.start);
        let body = self.text.get(first.end..list.end).unwrap_or("").trim_end();
        if body.is_empty() {
            self.blank(first.start, bytes, "");
        } else {
            self.blank(first.end + body.len(), bytes, "]");
        }
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

    /// Says in our words what the parser found, with a way out where one is known.
    fn syntax(&self, span: Range<usize>, message: &str) -> Diagnostic {
        let found = self.text.get(span.clone()).unwrap_or("");
        let line = self.line(span.start);
        let content = &self.text[line.clone()];
        let before = self.text.get(line.start..span.start).unwrap_or("").trim_end();
        let wrong = |message: &str| Diagnostic::error(Code::Syntax, span.clone(), message);
        if let Some(at) = content.find([':', '：', '＝'])
            && content[..at].trim_matches(['\u{feff}', ' ', '\t']).chars().all(is_bare)
        {
            let at = line.start + at;
            let span = at..self.text.ceil_char_boundary(at + 1);
            return Diagnostic::error(Code::Syntax, span, "between key and value stands \"=\"");
        }
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
        if message.starts_with("invalid unquoted key") && !found.is_ascii() {
            return wrong("a key with letters beyond a-z has to be quoted")
                .help(format!("write \"{}\"", shown(found)));
        }
        if message.starts_with("missing escaped value") {
            return wrong("\"\\\" begins an escape in double quotes")
                .help("use \"/\" between folders, or single quotes for a text with \"\\\"");
        }
        if message.starts_with("missing comma between array") {
            return wrong("there is no comma before this value");
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

/// Quotes that are not TOML's.
const TYPOGRAPHIC: &str = "“”„‟‘’‚«»「」『』＂";

/// Tells whether a line looks like `key = …`.
fn begins_with_key(line: &str) -> bool {
    let key = line.trim_start_matches(|c| is_bare(c) || c == '"');
    key.len() < line.len() && key.trim_start().starts_with(['=', ':'])
}

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
    /// Keys that unknown ones were taken for: they are not missing too.
    meant: BTreeSet<&'static str>,
}

impl<'d, 't> Section<'d, 't> {
    /// Begins with the keys of a table.
    pub(crate) fn new(document: &'d Document<'t>, table: &'d DeTable<'t>) -> Self {
        Self { document, table, findings: Vec::new(), meant: BTreeSet::new() }
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

    /// Tells whether a key is there, readable or not, or was meant by an unknown one.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key) || self.meant.contains(key) || self.document.may_hold(key)
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
                self.help_with(written, known, &advice)
            };
            self.findings.push(match help {
                Some(help) => finding.help(help),
                None => finding,
            });
        }
    }
}

impl Section<'_, '_> {
    /// Says what was probably meant by an unknown key.
    fn help_with(
        &mut self,
        written: &str,
        known: &[&'static str],
        advice: &impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        if let Some(help) = advice(written) {
            return Some(help);
        }
        let near = nearest(written, known.iter().copied())?;
        let near = known.iter().find(|key| **key == near)?;
        self.meant.insert(near);
        Some(format!("did you mean `{near}`?"))
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
        Source::new(text)
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
