//! The text of a request with its presets written out, for people to look at.

use super::Presets;
use super::text::{is_name, pieces};

/// Presets are written out this deep; the reader goes no deeper either.
const MOST_DEPTH: usize = 32;

/// What is written out ends when it is this long, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// Writes out every preset that a request names; one that is unknown, cannot be used or uses
/// itself stays as it is.
///
/// [`super::parse`] reads presets by itself: this is for showing what it reads.
#[must_use]
pub fn expand(text: &str, presets: &Presets) -> String {
    let mut out = String::new();
    write(text, presets, &mut Vec::new(), &mut out);
    out
}

fn write(text: &str, presets: &Presets, active: &mut Vec<String>, out: &mut String) {
    for piece in pieces(text) {
        let piece = &text[piece];
        let name = piece.strip_prefix('$').and_then(|rest| rest.strip_suffix('$'));
        let key = name.filter(|name| is_name(name)).map(str::to_ascii_lowercase);
        let usable = |key: &String| !active.contains(key) && active.len() < MOST_DEPTH;
        match key.filter(usable).and_then(|key| Some((presets.get(&key)?.ok()?, key))) {
            Some((definition, key)) => {
                active.push(key);
                write(definition, presets, active, out);
                active.pop();
            }
            None => {
                if !out.is_empty() {
                    out.push('&');
                }
                out.push_str(piece);
            }
        }
        if out.len() > MOST_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_written_out_and_what_cannot_be_stays() {
        let mut presets = Presets::new([
            ("web", "wid=5&$size$&fmt=png"),
            ("size", " hei=7 &&"),
            ("loop", "$loop$&wid=1"),
            ("empty", ""),
        ]);
        presets.put("bad", Err("is bad".into()));
        let text = "&qlt=5&$WEB$&text=$web$&$empty$&$none$&$bad$&$loop$&.c";
        assert_eq!(
            expand(text, &presets),
            "qlt=5&wid=5&hei=7&fmt=png&text=$web$&$none$&$bad$&$loop$&wid=1&.c"
        );
    }

    #[test]
    fn a_bomb_does_not_grow_without_end() {
        let bomb = (1..30).map(|n| (format!("m{n}"), format!("$m{0}$&$m{0}$", n - 1)));
        let presets = Presets::new(bomb.chain([("m0".into(), "wid=100".to_owned())]));
        assert!(expand("$m29$", &presets).len() < 2 * MOST_BYTES);
    }
}
