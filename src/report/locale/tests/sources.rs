//! The messages that arise below, read off the sources: every `phrase!` with its English words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{Variables, messages};
use crate::report::locale::Language;

/// What one `phrase!` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The words with their places in braces, as Rust reads them.
    words: String,
    /// The names of what is given.
    given: Variables,
}

/// Finds every message of the sources by its name, tests left out.
pub(super) fn told() -> BTreeMap<String, Told> {
    let mut found = BTreeMap::new();
    look(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    found
}

fn look(folder: &Path, found: &mut BTreeMap<String, Told>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            look(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for call in source.split("phrase!(").skip(1) {
                let Some((id, told)) = call_of(call) else { continue };
                let before = found.insert(id.clone(), told.clone());
                assert!(
                    before.is_none_or(|before| before == told),
                    "{id} says two things, one in {}",
                    path.display()
                );
            }
        }
    }
}

/// Reads what stands in the brackets of a `phrase!`; the definition of the macro is none.
fn call_of(mut rest: &str) -> Option<(String, Told)> {
    let id = literal(&mut rest)?;
    rest = rest.trim_start().strip_prefix(',')?;
    let words = literal(&mut rest).unwrap_or_else(|| unreachable!("{id} has no words"));
    let mut given = Variables::new();
    // Names come first behind a comma at no depth: `name = value`.
    let mut depth = 0_usize;
    let mut name = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let mut text = &rest[at..];
                let length = text.len();
                literal(&mut text);
                let skipped = length - text.len();
                chars = rest[at + skipped..].char_indices();
                rest = &rest[at + skipped..];
            }
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => name.clear(),
            '=' if depth == 0 && is_name(name.trim()) && !rest[at + 1..].starts_with('=') => {
                given.insert(name.trim().to_owned());
                name.clear();
            }
            c => name.push(c),
        }
    }
    Some((id, Told { words, given }))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Takes a string literal from the beginning of a text.
fn literal(rest: &mut &str) -> Option<String> {
    let inside = rest.trim_start().strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &inside[at + 1..];
                return Some(out);
            }
            '\\' => match chars.next()?.1 {
                '\n' => {
                    let skipped = chars.as_str().trim_start();
                    let from = inside.len() - skipped.len();
                    chars = inside.char_indices();
                    while chars.offset() < from {
                        chars.next();
                    }
                }
                c @ ('"' | '\\') => out.push(c),
                other => unreachable!("an escape of another kind: \\{other} in {inside:.80}"),
            },
            c => out.push(c),
        }
    }
    None
}

/// Writes words as a language file has them, and collects their places.
fn pattern(words: &str) -> (String, Variables) {
    let (mut out, mut places) = (String::new(), Variables::new());
    let mut rest = words;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let doubled = &rest[at..at + 1];
        if rest[at + 1..].starts_with(doubled) {
            out.push_str(&format!("{{ \"{doubled}\" }}"));
            rest = &rest[at + 2..];
            continue;
        }
        let end = at + rest[at..].find('}').unwrap();
        let name = &rest[at + 1..end];
        assert!(is_name(name), "{name} in {words}");
        places.insert(name.to_owned());
        out.push_str(&format!("{{ ${name} }}"));
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    (out, places)
}

/// Writes the file that translators start from.
fn english(told: &BTreeMap<String, Told>) -> String {
    let mut out = String::from(
        "# What arises while manifests are read and pictures are made: the words of the program \
         itself, listed\n# for translators. UPDATE_FINDINGS=1 cargo test --lib findings writes it anew.\n\n",
    );
    for (id, told) in told {
        out.push_str(&format!("{id} = {}\n", pattern(&told.words).0));
    }
    out
}

#[test]
fn the_english_findings_are_listed_for_translators() {
    let told = told();
    assert!(told.len() > 300, "only {} were found", told.len());
    for (id, Told { words, given }) in &told {
        assert_eq!(pattern(words).1, *given, "{id}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/locale/findings.en.ftl");
    let list = english(&told);
    if std::env::var_os("UPDATE_FINDINGS").is_some() {
        let _ = fs::remove_file(path);
        crate::fs::write_new(Path::new(path), list.as_bytes(), 0o644).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    for (line, (written, wanted)) in written.lines().zip(list.lines()).enumerate() {
        assert_eq!(written, wanted, "line {}", line + 1);
    }
    assert_eq!(written, list);
    assert_eq!(messages(&list).len(), told.len());
}

#[test]
fn every_language_says_every_finding_with_the_same_places() {
    let told = told();
    for language in Language::ALL.into_iter().skip(1) {
        let found = messages(language.findings());
        let lacking: BTreeSet<&String> =
            told.keys().filter(|id| !found.contains_key(*id)).collect();
        assert!(lacking.is_empty(), "{} lacks {lacking:?}", language.tag());
        for (id, variables) in &found {
            let told = told.get(id);
            let given = told.map(|told| &told.given);
            assert_eq!(given, Some(variables), "{}: {id}", language.tag());
        }
        let of_reports = messages(language.source());
        let twice: Vec<&String> = found.keys().filter(|id| of_reports.contains_key(*id)).collect();
        assert!(twice.is_empty(), "{}: in both files: {twice:?}", language.tag());
    }
}

#[test]
fn steps_of_single_messages_name_messages_that_are() {
    let source = include_str!("../../../diag/step.rs").split("match message.id()? {").nth(1);
    let source = source.unwrap().split("#[cfg(test)]").next().unwrap();
    let told = told();
    let mut named = 0;
    for line in source.lines() {
        // `"name"` and `| "name"` of an arm, up to its arrow.
        let arm = line.split("=>").next().unwrap().trim().trim_start_matches("| ");
        let names = arm.split(" | ").map(str::trim);
        let names = names.filter_map(|name| name.strip_prefix('"')?.strip_suffix('"'));
        for name in names.filter(|name| !name.contains(' ')) {
            assert!(told.contains_key(name), "{name}");
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}
