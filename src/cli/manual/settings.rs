//! exportd.toml.5: the shipped configuration as a page. Its comments are the text; the table of keys
//! knows what each holds.

use super::roff;
use crate::config::{Key, find_key};

/// Every key with its comment; a test of `config` holds it and the table of keys together.
const SHIPPED: &str = include_str!("../../../config/exportd.toml");

/// A comment and the keys it stands above.
#[derive(Debug, Default, PartialEq, Eq)]
struct Passage<'a> {
    comment: String,
    /// The table it is in.
    table: &'a str,
    /// Whether the head of the table stands below the comment.
    begins: bool,
    /// Lines that set a key, without the sign that switches them off.
    lines: Vec<&'a str>,
}

impl Passage<'_> {
    /// Returns the keys of its lines, each once.
    fn keys(&self) -> Vec<&'static Key> {
        let mut keys: Vec<&'static Key> = Vec::new();
        for line in &self.lines {
            let name = line.split(" = ").next().unwrap_or(line).trim_matches('"');
            let full =
                if self.table.is_empty() { name.into() } else { format!("{}.{name}", self.table) };
            keys.extend(find_key(&full));
        }
        keys.dedup_by_key(|key| key.name);
        keys
    }

    fn is_empty(&self) -> bool {
        self.comment.is_empty() && !self.begins && self.lines.is_empty()
    }
}

/// Takes the file apart, without what it says of itself at its head.
fn passages(text: &str) -> Vec<Passage<'_>> {
    let mut found = Vec::new();
    let mut now = Passage::default();
    for line in text.lines().skip_while(|line| !line.is_empty()) {
        let switched_on = line.strip_prefix('#').unwrap_or(line);
        let head = switched_on.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let comment = line.strip_prefix("# ");
        let ends = match (head, comment) {
            (Some(_), _) | (None, Some(_)) => now.begins || !now.lines.is_empty(),
            (None, None) => line.is_empty(),
        };
        if ends {
            let table = now.table;
            found.push(std::mem::replace(&mut now, Passage { table, ..Passage::default() }));
        }
        match (head, comment) {
            (Some(name), _) => (now.table, now.begins) = (name, true),
            (None, Some(words)) => now.comment = format!("{} {words}", now.comment).trim().into(),
            (None, None) if line.is_empty() => {}
            (None, None) => now.lines.push(switched_on),
        }
    }
    found.push(now);
    found.retain(|passage| !passage.is_empty());
    found
}

/// Writes the keys, those of a table below its head.
pub(super) fn keys() -> String {
    let mut page = String::new();
    roff::section(&mut page, "KEYS");
    passages(SHIPPED).iter().for_each(|passage| write(&mut page, passage));
    page
}

fn write(page: &mut String, passage: &Passage<'_>) {
    if passage.begins {
        page.push_str(&format!(".SS \"[{}]\"\n", roff::literal(passage.table)));
    }
    let keys = passage.keys();
    match keys.as_slice() {
        // A comment of one key says what the key is; one of several stands above them.
        [key] if !passage.begins && passage.lines.len() == 1 => {
            describe(page, key, &passage.comment);
        }
        _ => {
            if !passage.begins && !passage.comment.is_empty() {
                page.push_str(".PP\n");
            }
            page.push_str(&roff::from_markdown(&passage.comment));
            keys.iter().for_each(|key| describe(page, key, key.about));
        }
    }
    if keys.iter().any(|key| key.name.ends_with('*')) {
        roff::code(page, passage.lines.iter().copied());
    }
}

fn describe(page: &mut String, key: &Key, text: &str) {
    let name = match key.name.rsplit_once('.') {
        Some((_, "*")) => "NAME",
        Some((_, name)) => name,
        None => key.name,
    };
    let value = match (key.default, key.example) {
        ("", example) => format!("No default; for example `{example}`."),
        (default, _) => format!("Default: `{default}`."),
    };
    let kind = kind(if key.default.is_empty() { key.example } else { key.default });
    roff::entry(page, &format!("`{name}` = **{kind}**"), &format!("{text} {value}"));
}

/// Names what a value is.
fn kind(value: &str) -> &'static str {
    match value.as_bytes() {
        [b'[', b'"' | b'\'', ..] => "list of texts",
        [b'[', ..] => "[width, height]",
        [b'"' | b'\'', ..] => "text",
        [b't' | b'f', ..] => "true or false",
        _ => "whole number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn every_key_is_described_once() {
        let mut described: Vec<&str> =
            passages(SHIPPED).iter().flat_map(Passage::keys).map(|key| key.name).collect();
        described.sort_unstable();
        let mut keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        keys.sort_unstable();
        assert_eq!(described, keys);
        let page = self::keys();
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            let default = roff::literal(key.default);
            assert!(page.contains(&format!("Default: \\fB{default}\\fR.")), "{}", key.name);
        }
    }

    #[test]
    fn a_comment_belongs_to_what_stands_below_it() {
        let text = "# Of the file.\n\n# Of root.\n#root = 1\n\n# Of the table.\n#[t]\n# Of a.\n#a = 1\n\
                    # Of b and c.\n#b = 1\n#c = 2\n\n[u]\n#d = 1\n";
        let passage = |comment: &str, table, begins, lines: &[&'static str]| Passage {
            comment: comment.into(),
            table,
            begins,
            lines: lines.to_vec(),
        };
        let expected = [
            passage("Of root.", "", false, &["root = 1"]),
            passage("Of the table.", "t", true, &[]),
            passage("Of a.", "t", false, &["a = 1"]),
            passage("Of b and c.", "t", false, &["b = 1", "c = 2"]),
            passage("", "u", true, &["d = 1"]),
        ];
        assert_eq!(passages(text), expected);
    }
}
