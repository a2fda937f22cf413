//! Tables: records of fields with TAB between them, the first record being the names.
//!
//! Names of fields are the same in any case; a name that begins with `.` is a comment, and so is
//! its column. A field may stand in quotes, double or single, and has to when it holds a TAB or a
//! line end; a quote inside is doubled. Space around a text is part of it. An empty field says
//! nothing (reference page *Data file syntax*).

use std::collections::HashSet;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, nearest, shown};

/// One field as written, quotes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) value: String,
    /// Bytes of the text, quotes included.
    pub(super) span: Range<usize>,
}

/// One record, its fields in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    fields: Vec<Option<Field>>,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Where it begins.
    pub(super) start: usize,
}

impl Row {
    /// Takes the field of a column, by its place among the names that were asked for; `None` when
    /// it is empty.
    pub(super) fn take(&mut self, column: usize) -> Option<Field> {
        self.fields.get_mut(column)?.take()
    }

    /// Returns the place of the whole record, for what is missing in it.
    pub(super) fn place(&self) -> Range<usize> {
        self.start..self.start + 1
    }
}

/// Which columns a kind of table has.
pub(super) struct Columns {
    /// Those that are read; the first one is the key and has to be there.
    pub(super) read: &'static [&'static str],
    /// Those of the reference that mean nothing here.
    pub(super) ignored: &'static [&'static str],
}

/// A table that is read record by record: there may be hundreds of thousands.
pub(super) struct Table<'t> {
    scanner: Scanner<'t>,
    /// For each column its place among those that are read.
    places: Vec<Option<usize>>,
    width: usize,
}

impl<'t> Table<'t> {
    /// Reads the names of the columns. Without a usable key column there are no records.
    pub(super) fn new(text: &'t str, columns: &Columns, findings: &mut Vec<Diagnostic>) -> Self {
        let mut scanner = Scanner { text, at: 0, line: 1 };
        let (_, _, names) = scanner.record(findings).unwrap_or_default();
        let places = header(&names, columns, findings);
        if !names.is_empty() && !places.contains(&Some(0)) {
            let message = format!("the table has no column `{}`", columns.read[0]);
            findings.push(
                Diagnostic::error(Code::Missing, 0..1, message)
                    .help("the first line holds the names of the columns, with TABs between them"),
            );
            scanner.at = text.len();
        }
        Self { scanner, places, width: columns.read.len() }
    }

    /// Reads the next record.
    pub(super) fn next(&mut self, findings: &mut Vec<Diagnostic>) -> Option<Row> {
        let (line, start, fields) = self.scanner.record(findings)?;
        let extra = fields.get(self.places.len()..).unwrap_or_default();
        if let Some(extra) = extra.iter().find(|field| !field.value.is_empty()) {
            let (fields, columns) = (fields.len(), self.places.len());
            let message =
                format!("this record has {fields} fields, but there are {columns} columns");
            findings.push(Diagnostic::warning(Code::Value, extra.span.clone(), message));
        }
        let mut record = Row { fields: vec![None; self.width], line, start };
        for (place, field) in self.places.iter().zip(fields) {
            if let Some(place) = place
                && !field.value.is_empty()
            {
                record.fields[*place] = Some(field);
            }
        }
        Some(record)
    }
}

/// Finds for each column its place among those that are read.
fn header(
    names: &[Field],
    columns: &Columns,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Option<usize>> {
    let mut seen = HashSet::new();
    let mut place = |name: &Field| {
        let key = name.value.trim().to_ascii_lowercase();
        if key.starts_with('.') {
            return None;
        }
        let span = name.span.start..name.span.end.max(name.span.start + 1);
        if key.is_empty() {
            findings.push(Diagnostic::error(Code::Missing, span, "this column has no name"));
            return None;
        }
        if !seen.insert(key.clone()) {
            let message =
                format!("there are two columns `{}`; the first is used", shown(&name.value));
            findings.push(Diagnostic::error(Code::Value, span, message));
            return None;
        }
        let is = |known: &&str| known.eq_ignore_ascii_case(&key);
        let place = columns.read.iter().position(is);
        if place.is_none() && !columns.ignored.iter().any(is) {
            let message = format!("unknown column `{}` is ignored", shown(&name.value));
            let known = columns.read.iter().chain(columns.ignored).copied();
            let finding = Diagnostic::warning(Code::Other, span, message);
            findings.push(match nearest(&key, known) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("a column whose name begins with `.` is a comment"),
            });
        }
        place
    };
    names.iter().map(&mut place).collect()
}

/// Goes through a text field by field.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Scanner<'_> {
    /// Reads the next record that is not blank, with the line and the place it begins at.
    fn record(&mut self, findings: &mut Vec<Diagnostic>) -> Option<(usize, usize, Vec<Field>)> {
        loop {
            if self.at >= self.text.len() {
                return None;
            }
            let (line, start) = (self.line, self.at);
            let mut fields = Vec::new();
            loop {
                fields.push(self.field(findings));
                match self.text.as_bytes().get(self.at) {
                    Some(b'\t') => self.at += 1,
                    Some(_) => {
                        self.at += 1;
                        self.line += 1;
                        break;
                    }
                    None => break,
                }
            }
            if fields.iter().any(|field| !field.value.trim().is_empty()) {
                return Some((line, start, fields));
            }
        }
    }

    /// Reads one field up to the TAB, the line end or the end of the text behind it.
    fn field(&mut self, findings: &mut Vec<Diagnostic>) -> Field {
        let start = self.at;
        let rest = &self.text[start..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if let Some(quote) = quote {
            match quoted(rest, quote) {
                Some((value, length)) => {
                    self.at += length;
                    self.line += rest[..length].matches('\n').count();
                    return Field { value, span: start..self.at };
                }
                // An apostrophe may begin a text.
                None if quote == '"' => findings.push(
                    Diagnostic::error(
                        Code::Syntax,
                        start..start + 1,
                        "this quote is not closed at the end of its field",
                    )
                    .help("close it, and write a quote inside of the text twice"),
                ),
                None => {}
            }
        }
        let length = rest.find(['\t', '\n']).unwrap_or(rest.len());
        self.at += length;
        Field { value: rest[..length].to_owned(), span: start..self.at }
    }
}

/// Reads a text in quotes; `None` when the quote that closes it is not at the end of the field.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let end = at + text[at..].find(quote)?;
        value.push_str(&text[at..end]);
        match text[end + 1..].chars().next() {
            Some(next) if next == quote => {
                value.push(quote);
                at = end + 2;
            }
            None | Some('\t' | '\n') => return Some((value, end + 1)),
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { read: &["Id", "Path", "Modifier"], ignored: &["Map"] };

    fn read(text: &str, findings: &mut Vec<Diagnostic>) -> Vec<Row> {
        let mut table = Table::new(text, &COLUMNS, findings);
        std::iter::from_fn(|| table.next(findings)).collect()
    }

    fn table(text: &str) -> (Vec<[String; 3]>, Vec<String>) {
        let mut findings = Vec::new();
        let records = read(text, &mut findings);
        let value = |field: &Option<Field>| field.as_ref().map_or("-".into(), |f| f.value.clone());
        let rows = records
            .iter()
            .map(|r| [value(&r.fields[0]), value(&r.fields[1]), value(&r.fields[2])])
            .collect();
        let told = findings
            .into_iter()
            .map(|d| format!("{}: {}", crate::diag::position(text, d.span.start).0, d.message))
            .collect();
        (rows, told)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_case() {
        let (rows, told) = table("path\t.note\tMAP\tiD\na.tif\tx\ty\ta\n\n\t\t\tb\n");
        assert_eq!(rows, [["a", "a.tif", "-"], ["b", "-", "-"]]);
        assert_eq!(told, [""; 0]);
    }

    #[test]
    fn quotes_hold_tabs_and_line_ends_and_space_is_data() {
        let (rows, told) = table(
            "Id\tPath\tModifier\n\"a\tb\"\t\" c\nd \"\t\"say \"\"x\"\"\"\n'e'\t f \t'it''s'\n\
             'tis\t5\"\t''\n",
        );
        assert_eq!(
            rows,
            [["a\tb", " c\nd ", "say \"x\""], ["e", " f ", "it's"], ["'tis", "5\"", "-"],]
        );
        assert_eq!(told, [""; 0]);
    }

    #[test]
    fn what_is_odd_is_told_with_its_line() {
        let (rows, told) = table("Id\tPth\t\tId\nx\t\"open\tw\ty\t\tz\nb\t\"in\" side\n");
        assert_eq!(rows, [["x", "-", "-"], ["b", "-", "-"]]);
        assert_eq!(
            told,
            [
                "1: unknown column `Pth` is ignored",
                "1: this column has no name",
                "1: there are two columns `Id`; the first is used",
                "2: this quote is not closed at the end of its field",
                "2: this record has 6 fields, but there are 4 columns",
                "3: this quote is not closed at the end of its field",
            ]
        );
        let (rows, told) = table("Path\tModifier\nx\ty\n");
        assert_eq!((rows.len(), told), (0, vec!["1: the table has no column `Id`".to_owned()]));
        assert_eq!(table("").0.len(), 0);
    }

    #[test]
    fn records_know_their_line() {
        let mut findings = Vec::new();
        let records = read("Id\n\na\n\"b\nc\"\nd\n", &mut findings);
        let lines: Vec<usize> = records.iter().map(|record| record.line).collect();
        assert_eq!(lines, [3, 4, 6]);
    }
}
