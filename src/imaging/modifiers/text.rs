//! The lowest layer of the grammar: where a modifier ends, what percent signs stand for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Commands whose values may hold a request in braces; inside of them `&` does not end a modifier.
const NESTING: [&str; 3] = ["src", "mask", "imageset"];

/// Cuts a request at `&` into its modifiers, white space and empty ones left out.
///
/// A `&` between matching braces or parentheses belongs to a nested request, but only in values
/// that may hold one; a brace that is never closed is an ordinary character.
pub(super) fn pieces(text: &str) -> Vec<Range<usize>> {
    let closing = closing_braces(text);
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut start = 0;
    while start <= bytes.len() {
        let rest = &bytes[start..];
        let name = rest.iter().position(|b| matches!(b, b'=' | b'&')).unwrap_or(rest.len());
        let nests = may_nest(text[start..start + name].trim_matches(is_blank));
        let mut at = start;
        while at < bytes.len() && bytes[at] != b'&' {
            at = match closing.get(&at) {
                Some(close) if nests => close + 1,
                _ => at + 1,
            };
        }
        let piece = trimmed(text, start..at);
        if !piece.is_empty() {
            pieces.push(piece);
        }
        start = at + 1;
    }
    pieces
}

/// White space that people put around modifiers.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

fn may_nest(name: &str) -> bool {
    let variable = name.starts_with('$') && !name[1..].contains('$');
    variable || NESTING.iter().any(|nesting| nesting.eq_ignore_ascii_case(name))
}

/// Shrinks a range to what is not white space.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let left = piece.trim_start_matches(is_blank);
    let start = range.end - left.len();
    start..start + left.trim_end_matches(is_blank).len()
}

/// Finds for every brace and parenthesis that is closed again where that is.
fn closing_braces(text: &str) -> HashMap<usize, usize> {
    let mut closing = HashMap::new();
    let mut open: Vec<(usize, u8)> = Vec::new();
    let (mut braces, mut parentheses) = (0_usize, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        let opener = match byte {
            b'{' | b'(' => {
                *(if byte == b'{' { &mut braces } else { &mut parentheses }) += 1;
                open.push((at, byte));
                continue;
            }
            b'}' if braces > 0 => b'{',
            b')' if parentheses > 0 => b'(',
            _ => continue,
        };
        while let Some((start, kind)) = open.pop() {
            *(if kind == b'{' { &mut braces } else { &mut parentheses }) -= 1;
            if kind == opener {
                closing.insert(start, at);
                break;
            }
        }
    }
    closing
}

/// What `+` stands for in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// Itself.
    Literal,
    /// A space, as in free text.
    Space,
}

/// Decodes `%xx`: bytes that are UTF-8 as that, others as ISO 8859-1.
///
/// A percent sign without two hexadecimal digits stays as it is.
pub(super) fn decode(text: &str, plus: Plus) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut run = Vec::new();
        while let Some(byte) = escaped(rest) {
            run.push(byte);
            rest = &rest[3..];
        }
        if run.is_empty() {
            out.push(if c == '+' && plus == Plus::Space { ' ' } else { c });
            rest = &rest[c.len_utf8()..];
        } else {
            match String::from_utf8(run) {
                Ok(decoded) => out.push_str(&decoded),
                Err(error) => out.extend(error.into_bytes().iter().map(|&b| char::from(b))),
            }
        }
    }
    Cow::Owned(out)
}

/// Returns the byte that a text begins with in the form `%xx`.
fn escaped(text: &str) -> Option<u8> {
    let bytes = text.as_bytes();
    let (b'%', high, low) = (*bytes.first()?, *bytes.get(1)?, *bytes.get(2)?) else { return None };
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Encodes a decoded value so that it reads back as itself.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let structural = matches!(c, '%' | '&' | '=' | '+' | '?' | '{' | '}' | '(' | ')' | '$');
        if structural || c.is_whitespace() || c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Tells whether a text is a name of a preset or a variable.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty() && text.bytes().all(allowed)
}

/// Replaces each `$name$` of a known variable once; what was put in is not looked at again.
///
/// `None` when the result would be longer than `most` bytes.
pub(super) fn substitute(
    text: &str,
    variables: &HashMap<String, String>,
    most: usize,
) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let known = behind
            .find('$')
            .map(|end| &behind[..end])
            .filter(|name| is_name(name))
            .and_then(|name| Some((name, variables.get(&name.to_ascii_lowercase())?)));
        rest = match known {
            Some((name, value)) => {
                out.push_str(value);
                &behind[name.len() + 1..]
            }
            None => {
                out.push('$');
                behind
            }
        };
        if out.len() > most {
            return None;
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        pieces(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn empties_and_white_space_are_left_out() {
        assert_eq!(cut("&wid=100&&\n .v=12 &"), ["wid=100", ".v=12"]);
        assert_eq!(cut(""), [""; 0]);
    }

    #[test]
    fn braces_hold_a_nested_request_together() {
        let text = "src=is{cat/img?wid=30&mask=is(b?a&c)&hei=30}&wid=60";
        assert_eq!(cut(text), ["src=is{cat/img?wid=30&mask=is(b?a&c)&hei=30}", "wid=60"]);
        assert_eq!(cut("src=is{a&wid=60"), ["src=is{a", "wid=60"]);
        assert_eq!(cut("$v=is(a?b&c)&wid=6"), ["$v=is(a?b&c)", "wid=6"]);
        assert_eq!(cut("text=:(&wid=60&.c=)"), ["text=:(", "wid=60", ".c=)"]);
        assert_eq!(cut("src=({)&}&wid=1"), ["src=({)", "}", "wid=1"]);
    }

    #[test]
    fn a_million_braces_take_no_time() {
        let text = "src=".to_owned() + &"{(".repeat(200_000) + &")".repeat(300_000);
        assert_eq!(pieces(&text).len(), 1);
    }

    #[test]
    fn bytes_decode_as_utf_8_else_latin_1() {
        assert_eq!(decode("a%2Cb%26%3d%25", Plus::Literal), "a,b&=%");
        assert_eq!(decode("%C3%A9 %E9é+", Plus::Space), "é éé ");
        assert_eq!(decode("%zz%4", Plus::Literal), "%zz%4");
        assert_eq!(decode("%é1", Plus::Literal), "%é1");
    }

    #[test]
    fn substitution_is_done_once() {
        let variables = HashMap::from([
            ("v1".to_owned(), "my$v2$tree".to_owned()),
            ("v2".to_owned(), "apple".to_owned()),
        ]);
        let put = |text| substitute(text, &variables, 100).unwrap();
        assert_eq!(put("$V1$,$v2$"), "my$v2$tree,apple");
        assert_eq!(put("$none$v2$"), "$noneapple");
        assert_eq!(put("my$image$file$"), "my$image$file$");
        assert_eq!(substitute("$v1$$v1$", &variables, 12), None);
    }
}
