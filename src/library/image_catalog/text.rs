//! The bytes of a catalogue file as text.
//!
//! A file is UTF-8 when it begins with a byte order mark, else ISO 8859-1. Records end with CR, LF
//! or CRLF; here each of them becomes LF, so that everything behind this knows one line end and
//! all places count lines alike (reference page *Image Catalog Reference*, file format).

use crate::diag::{Code, Diagnostic};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Turns the bytes of a file into text, and says what is odd about them.
pub(super) fn decode(bytes: &[u8]) -> (String, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let text = match bytes.strip_prefix(BOM) {
        Some(rest) => {
            if let Err(error) = std::str::from_utf8(rest) {
                let at = lines(&String::from_utf8_lossy(&rest[..error.valid_up_to()])).len();
                let message = "the file begins as UTF-8, but this is none";
                findings.push(
                    Diagnostic::error(Code::Syntax, at..at + 1, message)
                        .help("save the whole file as UTF-8 with a byte order mark"),
                );
            }
            lines(&String::from_utf8_lossy(rest))
        }
        None => {
            let latin: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            let text = lines(&latin);
            if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
                let at = text.find(|c: char| !c.is_ascii()).unwrap_or(0);
                let message =
                    "this looks like UTF-8, but without a byte order mark it is read as ISO 8859-1";
                findings.push(
                    Diagnostic::warning(Code::Syntax, at..at + 1, message)
                        .help("save the file as UTF-8 with a byte order mark"),
                );
            }
            text
        }
    };
    (text, findings)
}

/// Makes every line end LF.
fn lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_decides_the_encoding() {
        assert_eq!(decode(b"\xEF\xBB\xBFn = \xC3\xA9"), ("n = é".into(), vec![]));
        assert_eq!(decode(b"n = \xE9\xFF"), ("n = éÿ".into(), vec![]));
        let (text, findings) = decode(b"x\nn = \xC3\xA9");
        assert_eq!(text, "x\nn = Ã©");
        assert_eq!((findings.len(), findings[0].is_error(), findings[0].span.start), (1, false, 6));
    }

    #[test]
    fn what_begins_as_utf_8_and_is_none_is_a_mistake_with_its_place() {
        let (text, findings) = decode(b"\xEF\xBB\xBFa\r\nb\xE9c");
        assert_eq!(text, "a\nb\u{fffd}c");
        assert_eq!((findings[0].is_error(), findings[0].span.start), (true, 3));
    }

    #[test]
    fn all_line_ends_are_one() {
        assert_eq!(decode(b"a\rb\r\nc\nd\r").0, "a\nb\nc\nd\n");
    }
}
