//! From bytes to text: what editors and copying do to a file before its content matters.

use crate::diag::{Argument, Code, Diagnostic, Phrase, human_bytes, phrase};

/// Largest manifest in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// Most words, signs, gaps, comments and line ends in a manifest.
///
/// What TOML's parser keeps of each is many times as long as the text. A list of as many handles as
/// are allowed, each on a line with a comment, has 60,000.
pub const MOST_PARTS: usize = 100_000;

fn save_as() -> Phrase {
    phrase!(
        "save-as-utf8",
        "save it as UTF-8: in the editor's \"Save as\" dialogue choose the encoding UTF-8"
    )
}

fn split_it() -> Phrase {
    phrase!(
        "split-manifest",
        "split it into several manifests, or list assets by patterns such as \"tops/*.tif\""
    )
}

/// Refuses a manifest of which only the beginning is known.
pub(super) fn too_large() -> Diagnostic {
    let message = phrase!("manifest-larger", "the file is larger than 1 MiB");
    Diagnostic::error(Code::Value, 0..0, message).help(split_it())
}

/// A manifest's text, and whether reading on makes sense.
pub(super) struct Decoded {
    /// What can be shown of it; spans are offsets in it.
    pub(super) text: String,
    /// What is wrong with the file as a whole.
    pub(super) finding: Option<Diagnostic>,
    /// Whether the text is worth parsing.
    pub(super) readable: bool,
}

/// Decodes a manifest: UTF-8 with or without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    if bytes.len() > MOST_BYTES {
        let finding = Diagnostic::error(
            Code::Value,
            0..0,
            phrase!(
                "manifest-too-large",
                "the file is too large ({size}, at most 1 MiB)",
                size = human_bytes(bytes.len() as u64)
            ),
        )
        .help(split_it());
        let beginning = &bytes[..bytes.len().min(4096)];
        return unreadable(String::from_utf8_lossy(beginning).into_owned(), finding);
    }
    if let Some(text) = utf16(bytes) {
        let line = text.find('\n').unwrap_or(text.len());
        let line = text[..line].trim_end_matches('\r').len();
        let finding = Diagnostic::error(
            Code::Syntax,
            0..line,
            phrase!("utf16", "the file is saved as UTF-16, not UTF-8"),
        )
        .help(save_as());
        return unreadable(text, finding);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if holds_nothing(text) => {
            let finding = Diagnostic::error(
                Code::Missing,
                0..0,
                phrase!("manifest-empty", "the manifest is empty"),
            )
            .help(phrase!(
                "write-at-least",
                "write at least {keys} and `emailSetting`",
                keys = "`jobName`, `assetHandleArray`, `fmt`"
            ));
            unreadable(text.to_owned(), finding)
        }
        Ok(text) if text.bytes().all(|byte| byte == 0) => {
            let finding = Diagnostic::error(
                Code::Syntax,
                0..0,
                phrase!("zero-bytes", "the file contains nothing but zero bytes"),
            )
            .help(phrase!("save-whole", "it was not written completely; save or copy it again"));
            unreadable(String::new(), finding)
        }
        Ok(text) if !is_modest(text) => too_many_parts(text.to_owned()),
        Ok(text) => {
            let (text, finding) = with_line_ends(text);
            Decoded { text, finding, readable: true }
        }
        Err(error) => not_utf8(bytes, error.valid_up_to()),
    }
}

/// Reads what can be read of a text that is not UTF-8 from some byte on.
fn not_utf8(bytes: &[u8], at: usize) -> Decoded {
    let finding = Diagnostic::error(
        Code::Syntax,
        at..at + '\u{fffd}'.len_utf8(),
        phrase!(
            "not-utf8",
            "the file is not saved as UTF-8 (byte 0x{byte} at position {at})",
            byte = format!("{:02X}", bytes[at]),
            at = at,
        ),
    )
    .help(save_as());
    let text = String::from_utf8_lossy(bytes).into_owned();
    let readable = is_modest(&text);
    Decoded { text, finding: Some(finding), readable }
}

/// Reads line ends that are lone carriage returns, as of old Macs, as what they were meant to be.
fn with_line_ends(text: &str) -> (String, Option<Diagnostic>) {
    let lone = |(at, _): &(usize, &str)| !text[at + 1..].starts_with('\n');
    let Some((first, _)) = text.match_indices('\r').find(lone) else {
        return (text.to_owned(), None);
    };
    let mut bytes = text.as_bytes().to_vec();
    for (at, _) in text.match_indices('\r').filter(lone) {
        bytes[at] = b'\n';
    }
    let line = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let finding = Diagnostic::error(
        Code::Syntax,
        line..first,
        phrase!("lone-return-mac", "the line has an old Mac line ending"),
    )
    .help(phrase!("save-line-ends", "save the file with Windows or Unix line endings"));
    (String::from_utf8_lossy(&bytes).into_owned(), Some(finding))
}

fn unreadable(text: String, finding: Diagnostic) -> Decoded {
    Decoded { text, finding: Some(finding), readable: false }
}

/// Tells whether a text has no more than [`MOST_PARTS`].
pub(super) fn is_modest(text: &str) -> bool {
    toml_parser::Source::new(text).lex().nth(MOST_PARTS).is_none()
}

fn too_many_parts(text: String) -> Decoded {
    let finding = Diagnostic::error(
        Code::Value,
        0..0,
        phrase!(
            "too-many-parts",
            "the manifest has more than {most} words, signs and lines",
            most = Argument::count(MOST_PARTS)
        ),
    )
    .help(split_it());
    unreadable(text, finding)
}

/// Tells whether there are only white space and comments.
fn holds_nothing(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Decodes UTF-16 if that is what it is: by its byte order mark, or because every other byte of
/// the beginning is zero, which no UTF-8 text has.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (body, little) = match bytes {
        [0xff, 0xfe, body @ ..] => (body, true),
        [0xfe, 0xff, body @ ..] => (body, false),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (bytes, true),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (bytes, false),
        _ => return None,
    };
    let units = body.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    });
    Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        decode(bytes).finding.map_or(String::new(), |finding| finding.message.into())
    }

    #[test]
    fn utf16_is_recognised_with_and_without_its_mark() {
        let little: Vec<u8> =
            "jobName = \"é\"\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> =
            "jobName = \"é\"\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            little.clone(),
            big.clone(),
            [&[0xff, 0xfe], little.as_slice()].concat(),
            [&[0xfe, 0xff], big.as_slice()].concat(),
        ] {
            let decoded = decode(&bytes);
            let finding = decoded.finding.unwrap();
            assert_eq!(&decoded.text[finding.span], "jobName = \"é\"");
            assert_eq!(finding.message, "the file is saved as UTF-16, not UTF-8");
            assert!(!decoded.readable);
        }
    }

    #[test]
    fn the_first_byte_that_is_not_utf8_is_named() {
        let decoded = decode(b"x = \"caf\xe9\"\n");
        let finding = decoded.finding.unwrap();
        assert_eq!(finding.message, "the file is not saved as UTF-8 (byte 0xE9 at position 8)");
        assert_eq!(&decoded.text[finding.span], "\u{fffd}");
        assert!(decoded.readable);
    }

    #[test]
    fn files_that_hold_nothing_or_too_much() {
        for empty in ["", "  \r\n\n", "# only\n  # comments\n", "\u{feff}\n"] {
            assert_eq!(message(empty.as_bytes()), "the manifest is empty");
        }
        assert_eq!(
            message(&vec![b'#'; MOST_BYTES + 1]),
            "the file is too large (1.0 MB, at most 1 MiB)"
        );
        assert_eq!(message(b"\xef\xbb\xbfx = 1"), "");
        assert_eq!(message(&[0; 99]), "the file contains nothing but zero bytes");
    }

    #[test]
    fn lines_of_old_macs_are_lines() {
        let decoded = decode(b"a = 1\rb = 2\r\nc = 3\r");
        assert_eq!(decoded.text, "a = 1\nb = 2\r\nc = 3\n");
        assert_eq!(decoded.finding.unwrap().span, 0..5);
        assert!(decode(b"a = 1\r\n").finding.is_none());
    }

    #[test]
    fn a_text_of_too_many_parts_is_not_taken_apart() {
        // Three parts each, and the end of the text is one.
        let many = |count: usize| "a,\n".repeat(count);
        assert_eq!(message(many(MOST_PARTS / 3).as_bytes()), "");
        let told = "the manifest has more than 100,000 words, signs and lines";
        assert_eq!(message(many(MOST_PARTS / 3 + 1).as_bytes()), told);
        let mut broken = many(MOST_PARTS / 3 + 1).into_bytes();
        assert!(!decode(&broken).readable);
        broken.push(0xff);
        assert!(!decode(&broken).readable && message(&broken).contains("not saved as UTF-8"));
    }
}
