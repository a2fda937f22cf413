//! Findings as the compiler prints them, and the small words all texts share.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use super::{Code, Diagnostic, Severity};

/// More findings than this in one file are only counted.
pub const MOST_FINDINGS: usize = 100;

/// What people wrote is echoed up to this many characters.
pub const MOST_CHARS: usize = 300;

/// Whether the text goes to a terminal that shows colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendering {
    /// Plain text, as in mail.
    Plain,
    /// With ANSI colours.
    Colour,
}

/// One finding in the JSON form of `check --json`.
#[derive(Debug, Clone, Serialize)]
pub struct JsonFinding<'a> {
    /// The file's name as given.
    pub file: &'a str,
    /// `error` or `warning`.
    pub severity: Severity,
    /// The IPS fault code.
    pub code: Code,
    /// What was found.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offsets in the file.
    pub span: [usize; 2],
    /// What to write instead.
    pub help: Option<String>,
}

impl<'a> JsonFinding<'a> {
    /// Places a finding in its text.
    #[must_use]
    pub fn new(file: &'a str, text: &str, finding: &'a Diagnostic) -> Self {
        let (line, column) = position(text, finding.span.start);
        Self {
            file,
            severity: finding.severity,
            code: finding.code,
            message: shown(&finding.message),
            line,
            column,
            span: [finding.span.start, finding.span.end],
            help: finding.help.as_deref().map(shown),
        }
    }
}

/// Places the findings of one file, in the text's order, at most [`MOST_FINDINGS`], errors before
/// warnings if there are more.
#[must_use]
pub fn json<'a>(file: &'a str, text: &str, findings: &'a [Diagnostic]) -> Vec<JsonFinding<'a>> {
    most_telling(findings).into_iter().map(|f| JsonFinding::new(file, text, f)).collect()
}

/// Returns the findings that are shown, in the text's order: of too many, no warning takes the
/// place of an error.
fn most_telling(findings: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut chosen: Vec<&Diagnostic> = findings.iter().collect();
    if chosen.len() > MOST_FINDINGS {
        chosen.sort_by_key(|finding| (!finding.is_error(), finding.span.start));
        chosen.truncate(MOST_FINDINGS);
    }
    chosen.sort_by_key(|finding| finding.span.start);
    chosen
}

/// Returns line and column, both from 1, the column in characters, of a byte offset.
///
/// An offset beyond the end, or inside a character, counts as the next boundary before it. A byte
/// order mark at the beginning is no column.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    let shown = before[line_start..].trim_start_matches('\u{feff}');
    (line, shown.chars().count() + 1)
}

/// Renders findings with their source lines and carets, errors and warnings in the text's order.
///
/// At most [`MOST_FINDINGS`] are shown, errors before warnings, then how many more there are.
#[must_use]
pub fn render(file: &str, text: &str, findings: &[Diagnostic], rendering: Rendering) -> String {
    let renderer = match rendering {
        Rendering::Plain => Renderer::plain(),
        Rendering::Colour => Renderer::styled(),
    };
    let mut out = String::new();
    for finding in most_telling(findings) {
        out.push_str(&render_one((&renderer, None), file, text, finding));
        out.push_str("\n\n");
    }
    if findings.len() > MOST_FINDINGS {
        out.push_str(&format!("and {} more\n", findings.len() - MOST_FINDINGS));
    }
    out
}

/// What stands before findings and below them, in a reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Before an error.
    pub error: String,
    /// Before a warning.
    pub warning: String,
    /// Before what to write instead.
    pub help: String,
    /// Below as many as are shown: how many more there are.
    pub more: String,
}

/// Renders findings as [`render`] does, plain, with other labels.
#[must_use]
pub fn render_in(labels: &Labels, file: &str, text: &str, findings: &[Diagnostic]) -> String {
    let mut out = String::new();
    for finding in most_telling(findings) {
        out.push_str(&render_one((&Renderer::plain(), Some(labels)), file, text, finding));
        out.push_str("\n\n");
    }
    if findings.len() > MOST_FINDINGS {
        out.push_str(&format!("{}\n", labels.more));
    }
    out
}

/// A window of the text around the finding: whole lines, each cut where it is very long.
struct Window {
    text: String,
    first_line: usize,
    span: Range<usize>,
}

impl Window {
    /// Longest piece of one line that is shown, in bytes before and after the span.
    const AROUND: usize = 100;
    /// Longest span that is marked.
    const MARKED: usize = 120;

    fn around(text: &str, span: &Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = text.floor_char_boundary(end.min(line_end).min(start + Self::MARKED));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_start = if text[line_start..start].starts_with('\u{feff}') {
            line_start + '\u{feff}'.len_utf8()
        } else {
            line_start
        };
        let from = text.ceil_char_boundary(line_start.max(start.saturating_sub(Self::AROUND)));
        let to = text.floor_char_boundary(line_end.min(end + Self::AROUND));
        let (first_line, _) = position(text, start);
        let shown: String =
            text[from..to].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Control characters are one byte each up to U+007F; others change the length.
        let before: usize =
            text[from..start].chars().map(|c| if c.is_control() { 1 } else { c.len_utf8() }).sum();
        let marked: usize =
            text[start..end].chars().map(|c| if c.is_control() { 1 } else { c.len_utf8() }).sum();
        Self { text: shown, first_line, span: before..before + marked }
    }
}

fn render_one(
    (renderer, labels): (&Renderer, Option<&Labels>),
    file: &str,
    text: &str,
    finding: &Diagnostic,
) -> String {
    let window = Window::around(text, &finding.span);
    let named = |level: Level<'static>, of: fn(&Labels) -> &str| match labels {
        Some(labels) => level.with_name(of(labels).to_owned()),
        None => level,
    };
    let level = match finding.severity {
        Severity::Error => named(Level::ERROR, |labels| &labels.error),
        Severity::Warning => named(Level::WARNING, |labels| &labels.warning),
    };
    let message = format!("{} ({})", shown(&finding.message), finding.code);
    let mut group = level.primary_title(message.as_str()).element(
        Snippet::source(window.text.as_str())
            .path(file)
            .line_start(window.first_line)
            .annotation(AnnotationKind::Primary.span(window.span.clone())),
    );
    let help = finding.help.as_deref().map(shown);
    if let Some(help) = &help {
        group = group.element(named(Level::HELP, |labels| &labels.help).message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Makes a text that came from outside fit for one line of a message: no control or
/// bidirectional-override characters, at most [`MOST_CHARS`] characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MOST_CHARS - 1 {
            out.push('…');
            break;
        }
        match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}');
            }
            c if c.is_control() => out.push(if c == '\n' || c == '\t' { ' ' } else { '\u{fffd}' }),
            c => out.push(c),
        }
    }
    out
}

/// Returns the candidate that is nearest to what was written, if one is near enough to suggest.
///
/// Near is a Damerau–Levenshtein distance of at most a third of the longer word, at least 1, and
/// less than the whole word; case does not count.
#[must_use]
pub fn nearest<'c>(
    written: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let written = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let longer = written.chars().count().max(lower.chars().count());
            let reach = (longer / 3).max(1).min(longer.saturating_sub(1));
            (strsim::damerau_levenshtein(&written, &lower), reach, candidate)
        })
        .filter(|(distance, reach, _)| distance <= reach)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate)
}

/// Writes a number of bytes for a reader: `418 bytes`, `1.4 MB` (decimal units).
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut unit = 0;
    let mut tenths = bytes / 100;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// Writes a number with its thousands apart by a sign.
#[must_use]
pub fn grouped_by(n: u64, apart: char) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(apart);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_line_caret_and_help() {
        let text = "jobName = \"a\"\nemailSeting = \"All\"\n";
        let at = text.find("emailSeting").unwrap();
        let finding = Diagnostic::error(Code::Value, at..at + 11, "unknown key `emailSeting`")
            .help("did you mean `emailSetting`?");
        let out = render("job.toml", text, &[finding], Rendering::Plain);
        assert_eq!(
            out,
            "error: unknown key `emailSeting` (30001)\n \
             --> job.toml:2:1\n  |\n\
             2 | emailSeting = \"All\"\n  | ^^^^^^^^^^^\n  |\n  \
             = help: did you mean `emailSetting`?\n\n"
        );
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("é\nüx", 5), (2, 2));
        assert_eq!(position("", 10), (1, 1));
    }

    #[test]
    fn a_byte_order_mark_is_not_seen() {
        let text = "\u{feff}x = 1\n";
        assert_eq!(position(text, 3), (1, 1));
        let finding = Diagnostic::error(Code::Value, 3..4, "no");
        assert!(render("a", text, &[finding], Rendering::Plain).contains("1 | x = 1\n  | ^\n"));
    }

    #[test]
    fn json_is_placed_sorted_and_bounded() {
        let findings: Vec<_> =
            (0..103).rev().map(|n| Diagnostic::error(Code::Value, n..n + 1, "no")).collect();
        let list = json("a.toml", &"a".repeat(200), &findings);
        assert_eq!((list.len(), list[0].span, list[1].column), (100, [0, 1], 2));
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut() {
        let text = "x".repeat(1 << 20);
        let finding = Diagnostic::error(Code::Syntax, 500_000..900_000, "y".repeat(5000));
        assert!(render("a.toml", &text, &[finding], Rendering::Plain).len() < 1500);
    }

    #[test]
    fn the_hundred_and_first_finding_is_counted() {
        let findings: Vec<_> =
            (0..103).map(|n| Diagnostic::error(Code::Value, n..n + 1, "no")).collect();
        let out = render("a.toml", &"a".repeat(200), &findings, Rendering::Plain);
        assert_eq!(out.matches("error:").count(), 100);
        assert!(out.ends_with("and 3 more\n"));
    }

    #[test]
    fn many_warnings_do_not_crowd_an_error_out() {
        let mut findings: Vec<_> =
            (0..150).map(|n| Diagnostic::warning(Code::Value, n..n + 1, "odd")).collect();
        findings.push(Diagnostic::error(Code::Value, 150..151, "wrong"));
        let text = "a".repeat(200);
        let out = render("a.toml", &text, &findings, Rendering::Plain);
        assert!(out.contains("error: wrong") && out.ends_with("and 51 more\n"), "{out}");
        assert_eq!(json("a.toml", &text, &findings).last().unwrap().message, "wrong");
    }

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["jobName", "fmt", "macro"];
        assert_eq!(nearest("jobname", keys), Some("jobName"));
        assert_eq!(nearest("marco", keys), Some("macro"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("a", ["b"]), None);
    }

    #[test]
    fn bytes_are_written_for_people() {
        assert_eq!(human_bytes(999), "999 bytes");
        assert_eq!(human_bytes(1_400_000), "1.4 MB");
        assert_eq!(human_bytes(123_456_789), "123 MB");
    }

    #[test]
    fn override_characters_do_not_reach_a_reader() {
        assert_eq!(shown("a\u{202e}b\nc\u{7}"), "a\u{fffd}b c\u{fffd}");
    }
}
