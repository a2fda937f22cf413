//! Lines, paragraphs and numbers: how a text is set.

use jiff::Timestamp;

use crate::diag::shown;

/// Lines are broken at this many characters where they can be (RFC 5322 §2.1.1).
pub(super) const WIDTH: usize = 78;

pub(in crate::report) fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Writes a number with its thousands apart: `1,984`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(in crate::report) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(n)) }
}

/// Makes a sentence of a message: a capital first, a full stop last.
pub(in crate::report) fn sentence(message: &str) -> String {
    let message = shown(message);
    let mut chars = message.trim_end_matches('.').chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(chars.as_str());
    if !out.ends_with(['?', '!', '…']) {
        out.push('.');
    }
    out
}

pub(in crate::report) fn cut(text: &str, most: usize) -> String {
    let text = shown(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut out: String = text.chars().take(most - 1).collect();
    out.push('…');
    out
}

pub(in crate::report) fn duration(start: Timestamp, end: Timestamp) -> String {
    let seconds = end.duration_since(start).as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A text of lines that break at [`WIDTH`].
#[derive(Default)]
pub(in crate::report) struct Page {
    out: String,
}

impl Page {
    pub(in crate::report) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    pub(in crate::report) fn heading(&mut self, text: &str) {
        self.line(text);
    }

    /// Takes text that is in lines already.
    pub(super) fn block(&mut self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(line);
        }
        self.gap();
    }

    pub(in crate::report) fn paragraph(&mut self, text: &str) {
        self.item("", text);
        self.gap();
    }

    /// Ends a paragraph: one empty line, never two.
    pub(in crate::report) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Writes text behind a head; further lines stand below its beginning. Words longer than a
    /// line stay whole, so that paths can be copied.
    pub(in crate::report) fn item(&mut self, head: &str, text: &str) {
        let indent = if head.trim_start().starts_with("What") { 5 } else { head.chars().count() };
        let mut line = head.to_owned();
        let mut room = WIDTH.saturating_sub(head.chars().count());
        let mut empty = true;
        for word in text.split(' ') {
            let length = word.chars().count();
            if !empty && length + 1 > room {
                self.line(&line);
                line = " ".repeat(indent);
                room = WIDTH.saturating_sub(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
                room = room.saturating_sub(1);
            }
            line.push_str(word);
            room = room.saturating_sub(length);
            empty = false;
        }
        self.line(&line);
    }

    pub(in crate::report) fn finish(self) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}
