//! Lines, paragraphs and numbers: how a text is set.

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diag::shown;
use crate::report::locale::{Language, Say};

/// Lines are broken at this many columns where they can be (RFC 5322 §2.1.1).
pub(super) const WIDTH: usize = 78;

pub(in crate::report) fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Writes a number with its thousands apart, in English: `1,984`.
#[must_use]
pub fn grouped(n: u64) -> String {
    Language::English.number(n)
}

pub(in crate::report) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(n)) }
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

pub(in crate::report) fn duration(language: Language, start: Timestamp, end: Timestamp) -> String {
    let passed = end.duration_since(start).as_secs().max(0).unsigned_abs();
    let (hours, minutes, seconds) = (passed / 3600, passed / 60 % 60, passed % 60);
    language.say(match (hours, minutes) {
        (0, 0) => Say::Seconds { seconds },
        (0, _) => Say::Minutes { minutes, seconds },
        _ => Say::Hours { hours, minutes },
    })
}

/// Counts the columns that a text takes where every character takes one or two.
pub(in crate::report) fn columns(text: &str) -> usize {
    text.width()
}

/// Fills a text up to a number of columns.
pub(in crate::report) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

/// Characters before which no line of Chinese or Japanese begins (JIS X 4051, its closing marks).
const NEVER_FIRST: &str =
    "、。，．：；？！）」』】〉》〕｝’”・ー々…‥ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ";
/// Characters behind which none ends.
const NEVER_LAST: &str = "（「『【〈《〔｛‘“";

/// Takes a word apart where a line may break in it: between characters that are written without
/// spaces.
fn pieces(word: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut from, mut last) = (0, None);
    for (at, c) in word.char_indices() {
        if let Some(last) = last
            && (is_wide(last) || is_wide(c))
            && !(NEVER_FIRST.contains(c) || c.is_ascii_punctuation())
            && !(NEVER_LAST.contains(last) || last.is_ascii_punctuation())
        {
            out.push(&word[from..at]);
            from = at;
        }
        last = Some(c);
    }
    out.push(&word[from..]);
    out
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// A text of lines that break at [`WIDTH`].
#[derive(Default)]
pub(in crate::report) struct Page {
    out: String,
    dense: bool,
}

impl Page {
    /// Begins a text in a language.
    pub(in crate::report) fn new(language: Language) -> Self {
        Self { out: String::new(), dense: language.is_dense() }
    }

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
        self.wrap(head, text, self.dense);
    }

    /// As [`Page::item`], of a name: lines break at its spaces only, whatever the language.
    pub(in crate::report) fn name(&mut self, head: &str, text: &str) {
        self.wrap(head, text, false);
    }

    fn wrap(&mut self, head: &str, text: &str, dense: bool) {
        let indent = columns(head);
        let mut line = head.to_owned();
        let mut room = WIDTH.saturating_sub(indent);
        let mut empty = true;
        for word in text.split(' ') {
            let pieces = if dense { pieces(word) } else { vec![word] };
            for (at, piece) in pieces.into_iter().enumerate() {
                let apart = usize::from(at == 0 && !empty);
                let length = columns(piece);
                if !empty && length + apart > room {
                    self.line(&line);
                    line = " ".repeat(indent);
                    room = WIDTH.saturating_sub(indent);
                } else if apart == 1 {
                    line.push(' ');
                    room = room.saturating_sub(1);
                }
                line.push_str(piece);
                room = room.saturating_sub(length);
                empty = false;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_chinese_and_japanese_break_between_characters() {
        let mut page = Page::new(Language::Japanese);
        let text = "書き出せなかったファイルがあります。".repeat(12);
        page.item("  - ", &text);
        let out = page.finish();
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines.len() > 4, "{out}");
        for line in &lines {
            assert!(columns(line) <= WIDTH, "{line}");
            let first = line.trim_start().chars().next().unwrap();
            assert!(!NEVER_FIRST.contains(first), "{line}");
        }
        for line in &lines[..lines.len() - 1] {
            assert!(columns(line) > WIDTH - 6, "a line ends early: {line}");
        }
        // Nothing is lost or comes to it.
        let whole: String = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(whole, format!("- {text}"));
    }

    #[test]
    fn marks_stay_with_what_they_belong_to() {
        assert_eq!(pieces("「上衣」、report.json。"), ["「上", "衣」、", "report.json。"]);
        assert_eq!(pieces("plain"), ["plain"]);
        assert_eq!(pieces(""), [""]);
        assert_eq!(pieces("上衣/tops"), ["上", "衣/tops"]);
    }

    #[test]
    fn a_name_stays_whole_and_wide_characters_count_twice() {
        let name = "春季".repeat(40);
        let mut page = Page::new(Language::ChineseTraditional);
        page.name("  1. ", &name);
        assert_eq!(page.finish(), format!("  1. {name}\n"));
        let mut page = Page::new(Language::English);
        page.paragraph(&format!("{} {}", "春".repeat(30), "夏".repeat(10)));
        assert_eq!(page.finish().lines().count(), 2);
        assert_eq!(padded("檔案", 6), "檔案  ");
    }
}
