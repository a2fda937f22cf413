//! What a TOML parser finds wrong, in our words and with a way out.

use std::ops::Range;

use super::is_bare;
use super::section::write;
use crate::diag::{Code, Diagnostic, Phrase, phrase, shown};
use crate::fs::is_invisible;

/// Quotes that are not TOML's.
const TYPOGRAPHIC: &str = "“”„‟‘’‚«»「」『』＂";

/// What helps when nothing better is known.
fn form() -> Phrase {
    phrase!("line-form", "write each line as key = \"value\"; comments begin with #")
}

fn needs_quotes() -> Phrase {
    phrase!("needs-quotes", "text must be in quotes")
}

/// A place in a text that does not parse.
pub(super) struct Slip<'t> {
    /// The whole text.
    pub(super) text: &'t str,
    /// The line of the place, without its end.
    pub(super) line: Range<usize>,
    /// What the parser points at.
    pub(super) span: Range<usize>,
    /// What the parser says.
    pub(super) message: &'t str,
}

impl Slip<'_> {
    /// Says what is wrong there.
    pub(super) fn told(&self) -> Diagnostic {
        self.unseen()
            .or_else(|| self.sign())
            .or_else(|| self.quotes())
            .or_else(|| self.value())
            .or_else(|| self.line_form())
            .unwrap_or_else(|| {
                self.here(phrase!("toml-says", "{message}", message = shown(self.message)))
                    .help(form())
            })
    }

    fn found(&self) -> &str {
        self.text.get(self.span.clone()).unwrap_or("")
    }

    fn content(&self) -> &str {
        &self.text[self.line.clone()]
    }

    /// What stands on the line before the place.
    fn before(&self) -> &str {
        self.text.get(self.line.start..self.span.start).unwrap_or("").trim_end()
    }

    /// What stands on the line from the place on.
    fn rest(&self) -> &str {
        self.text.get(self.span.start..self.line.end).unwrap_or("").trim()
    }

    fn here(&self, message: impl Into<Phrase>) -> Diagnostic {
        Diagnostic::error(Code::Syntax, self.span.clone(), message)
    }

    /// Characters that look like nothing or like a space.
    fn unseen(&self) -> Option<Diagnostic> {
        if self.message.starts_with("carriage return") {
            return Some(
                self.here(phrase!("lone-return", "a line has an old Mac line ending")).help(
                    phrase!("save-line-ends", "save the file with Windows or Unix line endings"),
                ),
            );
        }
        let odd = |c: char| {
            (is_invisible(c) && !matches!(c, '\t' | '\r' | '\n'))
                || (c.is_whitespace() && !c.is_ascii())
        };
        // Inside a text the parser minds only what can nowhere be.
        let mut inside = false;
        let (at, c) = self.content().char_indices().find(|&(at, c)| {
            inside ^= c == '"';
            odd(c) && (at > 0 || self.line.start > 0) && (!inside || c.is_control())
        })?;
        let from = self.line.start;
        let span = from + at..from + at + c.len_utf8();
        let number = format!("U+{:04X}", c as u32);
        Some(if c.is_whitespace() && !c.is_control() {
            let message =
                phrase!("odd-space", "this is not an ordinary space ({number})", number = number);
            Diagnostic::error(Code::Syntax, span, message)
                .help(phrase!("type-space", "delete it and type an ordinary space"))
        } else {
            let message = phrase!(
                "unseen-character",
                "there is an invisible character here ({number})",
                number = number
            );
            Diagnostic::error(Code::Syntax, span, message).help(phrase!("delete", "delete it"))
        })
    }

    /// Signs that stand in for TOML's.
    fn sign(&self) -> Option<Diagnostic> {
        let content = self.content();
        let key = |text: &str| {
            let key = text.trim_matches(['\u{feff}', ' ', '\t', '"', '\'', '{']);
            (!key.is_empty() && key.chars().all(is_bare)).then(|| key.to_owned())
        };
        if let Some(at) = content.find([':', '：', '＝'])
            && content[..at].find('=').is_none()
            && let Some(key) = key(&content[..at])
        {
            let at = self.line.start + at;
            let span = at..self.text.ceil_char_boundary(at + 1);
            return Some(
                Diagnostic::error(
                    Code::Syntax,
                    span,
                    phrase!("equals-sign", "there must be an \"=\" between the key and its value"),
                )
                .help(write(format!("{key} ="))),
            );
        }
        let found = self.found();
        if self.before().ends_with("=>") || (self.before().ends_with('=') && found.starts_with('>'))
        {
            return Some(
                self.here(phrase!(
                    "equals-sign",
                    "there must be an \"=\" between the key and its value"
                ))
                .help(phrase!("take-arrow-out", "take the \">\" out")),
            );
        }
        if self.message.starts_with("extra `=`") {
            return Some(
                self.here(phrase!("equals-twice", "there is one \"=\" too many"))
                    .help(phrase!("equals-once", "write one \"=\" only")),
            );
        }
        if found.contains(['，', '、', '；']) || self.rest().starts_with(['，', '、', '；']) {
            return Some(self.here(phrase!("other-comma", "this is not an ordinary comma")).help(
                phrase!(
                    "write-comma",
                    "write \",\" between values, and nothing at the end of a line"
                ),
            ));
        }
        let remark =
            |text: &str| ["//", "--", "/*", ";;", "; "].iter().any(|sign| text.starts_with(sign));
        if remark(self.rest()) || remark(content.trim()) {
            return Some(
                self.here(phrase!("no-remark", "this is not how a comment is written"))
                    .help(phrase!("write-remark", "begin a comment with #")),
            );
        }
        None
    }

    /// Quotes that are missing, too many, or of another kind.
    fn quotes(&self) -> Option<Diagnostic> {
        let (message, found) = (self.message, self.found());
        if found.starts_with(|c: char| TYPOGRAPHIC.contains(c))
            || found.ends_with(|c: char| TYPOGRAPHIC.contains(c))
        {
            let bare = found.trim_matches(|c: char| TYPOGRAPHIC.contains(c) || c == '"');
            let after = self.text.get(self.span.end..self.line.end).unwrap_or("");
            let more = after.contains(|c: char| TYPOGRAPHIC.contains(c));
            let text = shown(bare);
            let help = if more {
                phrase!(
                    "straight-quotes-all",
                    "use straight ones on the whole line: \"{text}\"",
                    text = text
                )
            } else {
                phrase!("straight-quotes", "use straight ones: \"{text}\"", text = text)
            };
            let message = phrase!("typographic-quotes", "these are typographic quotes");
            return Some(self.here(message).help(help));
        }
        if message.starts_with("missing escaped value") || message.contains("unicode") {
            return Some(
                self.here(phrase!("escape", "inside double quotes, \"\\\" has a special meaning"))
                    .help(phrase!(
                        "write-slash",
                        "use \"/\" between folders, or put a text with \"\\\" in single quotes"
                    )),
            );
        }
        if message.starts_with("invalid basic string") || message.starts_with("invalid literal") {
            let quote = if message.contains("literal") { "'" } else { "\"" };
            let open = self.text[self.line.start..self.span.end.min(self.line.end)].rfind(quote);
            let at = open.map_or(self.span.start, |at| self.line.start + at);
            let span = at..(at + 1).min(self.line.end.max(at));
            return Some(
                Diagnostic::error(Code::Syntax, span, super::text_not_closed())
                    .help(super::put_at_end(quote)),
            );
        }
        if message.starts_with("missing opening quote") {
            let value = self.content().split_once('=').map_or(found, |(_, value)| value);
            let bare = value.trim().trim_matches(['"', '\'']);
            return Some(
                self.here(phrase!("no-opening-quote", "the opening quote of this text is missing"))
                    .help(write(format!("\"{}\"", shown(bare)))),
            );
        }
        if message.starts_with("unexpected key or value") {
            return Some(self.after_a_value());
        }
        None
    }

    /// Something stands behind a finished value.
    fn after_a_value(&self) -> Diagnostic {
        let rest = self.rest();
        let value = self.content().split_once('=').map_or("", |(_, value)| value.trim());
        if !value.contains(['"', '\'', '[', '{']) {
            let at = self.line.start + self.content().find(value).unwrap_or(0);
            let span = at..at + value.len();
            return Diagnostic::error(Code::Syntax, span, needs_quotes())
                .help(write(format!("\"{}\"", shown(value))));
        }
        if rest == ";" || rest == "," {
            return self
                .here(phrase!("after-value", "there is something left over after this value"))
                .help(phrase!("take-out", "take the \"{what}\" out", what = rest));
        }
        if rest.starts_with(',') {
            return self
                .here(phrase!("several-values", "several values must be in brackets"))
                .help(phrase!("write-several", "write [\"one\", \"two\"]"));
        }
        if rest.starts_with(']') {
            return self
                .here(phrase!("stray-bracket", "this bracket has no opening bracket"))
                .help(phrase!("put-bracket-first", "put \"[\" before the first value"));
        }
        if rest.starts_with(['"', '\'']) || !self.before().ends_with(['"', '\'']) {
            return self
                .here(phrase!("after-value", "there is something left over after this value"))
                .help(phrase!(
                    "write-one-or-several",
                    "write one value, or several in brackets: [\"one\", \"two\"]"
                ));
        }
        self.here(phrase!("text-ended", "the text already ended at the quote before this")).help(
            phrase!(
                "write-quote",
                "write a quote inside a text as \\\", or put the text into single quotes"
            ),
        )
    }

    /// Values that are none.
    fn value(&self) -> Option<Diagnostic> {
        let (message, found) = (self.message, self.found());
        if message.starts_with("string values must be quoted")
            || message.starts_with("missing value")
        {
            let bare = found.trim_matches(['"', '\'', ' ']);
            return Some(if bare.is_empty() {
                self.here(phrase!("no-value", "the value is missing")).help(phrase!(
                    "write-value",
                    "write it after \"=\", a text in quotes, or take the line out"
                ))
            } else if matches!(bare.to_ascii_lowercase().as_str(), "true" | "false") {
                self.here(phrase!("small-letters", "true and false are written in small letters"))
                    .help(write(bare.to_ascii_lowercase()))
            } else {
                self.here(needs_quotes()).help(write(self.quoted(bare)))
            });
        }
        if message.starts_with("invalid boolean") {
            return Some(
                self.here(phrase!("small-letters", "true and false are written in small letters"))
                    .help(phrase!("write-flag", "write true or false")),
            );
        }
        if message.starts_with("invalid date") || message.starts_with("invalid time") {
            return Some(self.here(phrase!("no-such-date", "there is no such date or time")).help(
                phrase!(
                    "write-form",
                    "write it in the form {form}",
                    form = "2026-12-01T06:00:00+01:00"
                ),
            ));
        }
        let number =
            ["integer", "float", "datetime", "leading zero", "radix", "fraction", "exponent"];
        if number.iter().any(|word| message.contains(word)) {
            let value = self.content().split_once('=').map_or("", |(_, value)| value);
            let value = value.split('#').next().unwrap_or("").trim();
            return Some(
                self.here(phrase!("no-number", "this is neither a number nor a date")).help(
                    phrase!(
                        "write-if-text",
                        "if it is a text, write \"{text}\"",
                        text = shown(value)
                    ),
                ),
            );
        }
        None
    }

    /// Writes a bare word with quotes, and those beside it in a list too.
    fn quoted(&self, bare: &str) -> String {
        let value = self.content().split_once('=').map_or("", |(_, value)| value.trim());
        let list = value.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        match list.filter(|list| !list.contains(['[', '{', '#'])) {
            Some(list) => {
                let words = list.split(',').map(|word| word.trim().trim_matches(['"', '\'']));
                let words: Vec<String> = words
                    .filter(|word| !word.is_empty())
                    .map(|word| format!("\"{}\"", shown(word)))
                    .collect();
                format!("[{}]", words.join(", "))
            }
            None => format!("\"{}\"", shown(bare)),
        }
    }

    /// Lines that are no `key = value`.
    fn line_form(&self) -> Option<Diagnostic> {
        let (message, found) = (self.message, self.found());
        let header = self.content().trim();
        if header.starts_with('[') && (message.contains("table") || message.contains("key")) {
            let name = header.trim_matches(['[', ']', ' ']);
            return Some(
                self.here(phrase!("header-brackets", "a bracket is missing in this heading")).help(
                    phrase!(
                        "write-header",
                        "write [[{name}]] on a line of its own",
                        name = shown(name)
                    ),
                ),
            );
        }
        if message.starts_with("invalid unquoted key") && !found.is_ascii() {
            return Some(
                self.here(phrase!("quote-key", "a key with letters beyond a-z has to be quoted"))
                    .help(write(format!("\"{}\"", shown(found)))),
            );
        }
        if message.starts_with("missing comma between array") {
            return Some(
                self.here(phrase!("no-comma", "there is no comma before this value"))
                    .help(phrase!("put-comma", "put \",\" after the value before it")),
            );
        }
        if message.starts_with("extra comma") {
            return Some(
                self.here(phrase!("comma-twice", "there is one comma too many"))
                    .help(phrase!("take-it-out", "take it out")),
            );
        }
        if message.starts_with("duplicate key") {
            return Some(
                self.here(phrase!("key-twice", "`{key}` appears twice", key = shown(found)))
                    .help(phrase!("keep-one", "keep one of them")),
            );
        }
        if matches!(header, "{" | "}" | "[" | "]" | "},") {
            return Some(self.here(phrase!("not-json", "a manifest is TOML, not JSON")).help(
                phrase!(
                    "take-braces-out",
                    "take the braces out, and write each line key = value without a comma"
                ),
            ));
        }
        if message.starts_with("key with no value") || message.starts_with("invalid key") {
            return Some(self.here(phrase!("no-equals", "this line has no \"=\"")).help(form()));
        }
        None
    }
}
