//! Macro files: the presets of a catalogue.
//!
//! A macro stands for one or more whole modifiers and may use macros of `default.ini`'s file and
//! those defined before it in its own. Hence a use is replaced by its text when the file is read,
//! and what comes out of here uses no macro any more; one that uses a macro it cannot is known,
//! but refused (reference page *Macro Definition Reference*).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attributes::Origin;
use super::table::{Columns, Table};
use crate::diag::{Code, Diagnostic, Phrase, nearest, phrase, shown};

/// Longest text of a macro with everything it uses, in bytes.
const MOST_BYTES: usize = 64 << 10;

const COLUMNS: Columns = Columns { read: &["Name", "Definition"], ignored: &[] };

/// A preset of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// Its name as written; names are the same in any case.
    pub name: String,
    /// Its text as written.
    pub definition: String,
    /// Its text with every macro replaced by what it stands for, or why it cannot be used.
    pub expanded: Result<String, Phrase>,
    /// Where it is defined.
    pub from: Origin,
}

/// Macros by their names in lower case.
pub(super) type Macros = BTreeMap<String, Macro>;

/// Reads a macro file; of two macros of one name the later one holds.
pub(super) fn read(
    text: &str,
    file: &Arc<str>,
    default: &Macros,
    findings: &mut Vec<Diagnostic>,
) -> Macros {
    let mut macros = Macros::new();
    let mut table = Table::new(text, &COLUMNS, findings);
    while let Some(mut record) = table.next(findings) {
        let Some(name) = record.take(0) else {
            let message = "this macro has no name";
            findings.push(Diagnostic::error(Code::Missing, record.place(), message));
            continue;
        };
        let called = name.value.trim();
        if !is_name(called) {
            let message = format!("`{}` is no name for a macro", shown(called));
            findings.push(
                Diagnostic::error(Code::Value, name.span, message)
                    .help("names are made of letters, digits, `-`, `_` and `.`, without `$`"),
            );
            continue;
        }
        let (definition, span) = match record.take(1) {
            Some(field) => (field.value.trim().to_owned(), field.span),
            None => (String::new(), name.span.clone()),
        };
        let expanded = expand(&definition, &macros, default).map_err(|problem| {
            let finding = Diagnostic::error(
                Code::Value,
                span,
                format!("the macro `{called}` {}", problem.message),
            );
            findings.push(Diagnostic { help: problem.help, ..finding });
            problem.message
        });
        let from = Origin { file: file.clone(), line: record.line };
        let made = Macro { name: called.to_owned(), definition, expanded, from };
        macros.insert(called.to_ascii_lowercase(), made);
    }
    macros
}

/// Why a macro cannot be used.
struct Problem {
    message: Phrase,
    help: Option<Phrase>,
}

/// Replaces each whole modifier `$name$` by the text it stands for.
fn expand(definition: &str, before: &Macros, default: &Macros) -> Result<String, Problem> {
    let mut out = String::new();
    for (n, modifier) in definition.split('&').enumerate() {
        if n > 0 {
            out.push('&');
        }
        let used = modifier.trim().strip_prefix('$').and_then(|rest| rest.strip_suffix('$'));
        match used.filter(|name| is_name(name)) {
            None => out.push_str(modifier),
            Some(name) => {
                let key = name.to_ascii_lowercase();
                let Some(found) = before.get(&key).or_else(|| default.get(&key)) else {
                    let near =
                        nearest(&key, before.keys().chain(default.keys()).map(String::as_str));
                    return Err(Problem {
                        message: phrase!(
                            "macro-uses-undefined",
                            "uses `${name}$`, which is not defined before it",
                            name = name
                        ),
                        help: Some(match near {
                            Some(near) => phrase!(
                                "did-you-mean-preset",
                                "did you mean `${near}$`?",
                                near = near
                            ),
                            None => "a macro can only use those above it and those of default.ini"
                                .into(),
                        }),
                    });
                };
                match &found.expanded {
                    Ok(text) => out.push_str(text),
                    Err(_) => {
                        let message = phrase!(
                            "macro-uses-unusable",
                            "uses `${name}$`, which cannot be used",
                            name = name
                        );
                        return Err(Problem { message, help: None });
                    }
                }
            }
        }
        if out.len() > MOST_BYTES {
            let message =
                phrase!("macro-too-long", "is longer than 64 KiB with everything it uses");
            return Err(Problem { message, help: None });
        }
    }
    Ok(out)
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn macros(text: &str, default: &Macros) -> (Macros, Vec<String>) {
        let mut findings = Vec::new();
        let macros = read(text, &Arc::from("a.mac"), default, &mut findings);
        let told = told(text, &findings);
        (macros, told)
    }

    #[test]
    fn a_macro_is_replaced_by_what_stands_before_it() {
        let (default, _) = macros("Name\tDefinition\nweb\twid=100\nonly\thei=5\n", &Macros::new());
        let (own, told) = macros(
            "Name\tDefinition\nWeb\tqlt=85&fmt=jpeg\nview\t$WEB$&wid=240&text=$web$\n\
             both\t$only$&$view$\nweb\tqlt=1\n",
            &default,
        );
        assert_eq!(told, [""; 0]);
        let text = |name: &str| own[name].expanded.clone().unwrap();
        assert_eq!(text("view"), "qlt=85&fmt=jpeg&wid=240&text=$web$");
        assert_eq!(text("both"), "hei=5&qlt=85&fmt=jpeg&wid=240&text=$web$");
        assert_eq!(text("web"), "qlt=1");
        assert_eq!((own["web"].from.line, own["web"].name.as_str()), (5, "web"));
        assert_eq!(own["both"].definition, "$only$&$view$");
    }

    #[test]
    fn what_is_not_defined_before_refuses_the_macro() {
        let (own, told) = macros(
            "Name\tDefinition\nself\t$self$&wid=1\nnext\t$later$\nlater\twid=5\nuser\t$next$\n\
             $odd$\twid=1\n\twid=2\nempty\n",
            &Macros::new(),
        );
        assert_eq!(
            told,
            [
                "2: the macro `self` uses `$self$`, which is not defined before it (a macro can \
                 only use those above it and those of default.ini)",
                "3: the macro `next` uses `$later$`, which is not defined before it (a macro can \
                 only use those above it and those of default.ini)",
                "5: the macro `user` uses `$next$`, which cannot be used",
                "6: `$odd$` is no name for a macro (names are made of letters, digits, `-`, `_` \
                 and `.`, without `$`)",
                "7: this macro has no name",
            ]
        );
        assert!(own["self"].expanded.is_err() && own["user"].expanded.is_err());
        assert_eq!(own["empty"].expanded.as_deref(), Ok(""));
    }

    #[test]
    fn a_macro_does_not_grow_without_end() {
        let mut text = "Name\tDefinition\nm0\twid=100\n".to_owned();
        for n in 1..40 {
            text.push_str(&format!("m{n}\t$m{0}$&$m{0}$\n", n - 1));
        }
        let (own, told) = macros(&text, &Macros::new());
        assert!(own["m39"].expanded.is_err());
        assert!(told[0].ends_with("is longer than 64 KiB with everything it uses"), "{}", told[0]);
    }
}
