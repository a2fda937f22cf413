//! The template of output names (`outputName`).

use std::fmt;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::diag::{Phrase, nearest, phrase, shown};
use crate::fs::is_invisible;

/// A template of output names, for example `{path}/{stem}`: parts separated by `/`, below the
/// run's folder, without the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputName {
    text: String,
    pieces: Vec<Piece>,
}

/// What stands in for one output when a template is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filling<'a> {
    /// Folder of the source below its root; empty at the top.
    pub path: &'a str,
    /// Name of the source without its extension.
    pub stem: &'a str,
    /// Size of the reply in pixels; `None` when no picture is made.
    pub size: Option<(u32, u32)>,
    /// Position in the list, from 1.
    pub n: usize,
    /// The job's name.
    pub job_name: &'a str,
    /// The rendition's name; empty when the manifest has none.
    pub rendition: &'a str,
}

/// What a `{…}` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{path}`
    Path,
    /// `{stem}`
    Stem,
    /// `{wid}`
    Wid,
    /// `{hei}`
    Hei,
    /// `{n}`
    N,
    /// `{jobName}`
    JobName,
    /// `{rendition}`
    Rendition,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 7] = [
        ("path", Self::Path),
        ("stem", Self::Stem),
        ("wid", Self::Wid),
        ("hei", Self::Hei),
        ("n", Self::N),
        ("jobName", Self::JobName),
        ("rendition", Self::Rendition),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OutputNameError {
    /// What was found.
    pub message: Phrase,
    /// The part of the template, in bytes.
    pub part: Range<usize>,
    /// What to write instead.
    pub help: Option<Phrase>,
}

impl OutputNameError {
    fn new(part: Range<usize>, message: impl Into<Phrase>) -> Self {
        Self { message: message.into(), part, help: None }
    }
}

impl OutputName {
    /// Checks a template.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the template's order.
    pub fn parse(text: &str) -> Result<Self, Vec<OutputNameError>> {
        let mut errors = Vec::new();
        let pieces = pieces(text, &mut errors);
        check_parts(text, &mut errors);
        if let Some((at, c)) = text.char_indices().find(|(_, c)| is_invisible(*c)) {
            errors.push(OutputNameError::new(
                at..at + c.len_utf8(),
                phrase!(
                    "name-unseen",
                    "a name cannot have an invisible character ({number})",
                    number = format!("U+{:04X}", c as u32)
                ),
            ));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Returns the template of a job without renditions: `{path}/{stem}`.
    #[must_use]
    pub fn of_job() -> Self {
        let pieces = vec![
            Piece::Placeholder(Placeholder::Path),
            Piece::Text("/".into()),
            Piece::Placeholder(Placeholder::Stem),
        ];
        Self { text: "{path}/{stem}".into(), pieces }
    }

    /// Returns the template of a rendition: `{rendition}/{path}/{stem}`.
    #[must_use]
    pub fn of_rendition() -> Self {
        let mut pieces = vec![Piece::Placeholder(Placeholder::Rendition), Piece::Text("/".into())];
        pieces.extend(Self::of_job().pieces);
        Self { text: "{rendition}/{path}/{stem}".into(), pieces }
    }

    /// Returns the template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a placeholder occurs.
    #[must_use]
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        self.pieces.contains(&Piece::Placeholder(placeholder))
    }

    /// Fills the template: an empty `{path}/` vanishes, a size that is not known is empty.
    ///
    /// What comes out is a text; whether it can be a name, with its extension, is still to be
    /// checked.
    #[must_use]
    pub fn fill(&self, filling: &Filling<'_>) -> String {
        let mut out = String::new();
        let mut swallow = false;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) if swallow => {
                    out.push_str(text.strip_prefix('/').unwrap_or(text));
                }
                Piece::Text(text) => out.push_str(text),
                Piece::Placeholder(Placeholder::Path) => out.push_str(filling.path),
                Piece::Placeholder(Placeholder::Stem) => out.push_str(filling.stem),
                Piece::Placeholder(Placeholder::Wid) => {
                    out.push_str(&filling.size.map_or(String::new(), |(wid, _)| wid.to_string()));
                }
                Piece::Placeholder(Placeholder::Hei) => {
                    out.push_str(&filling.size.map_or(String::new(), |(_, hei)| hei.to_string()));
                }
                Piece::Placeholder(Placeholder::N) => out.push_str(&filling.n.to_string()),
                Piece::Placeholder(Placeholder::JobName) => out.push_str(filling.job_name),
                Piece::Placeholder(Placeholder::Rendition) => out.push_str(filling.rendition),
            }
            swallow = matches!(piece, Piece::Placeholder(Placeholder::Path))
                && filling.path.is_empty()
                && (out.is_empty() || out.ends_with('/'));
        }
        out.nfc().collect()
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Takes a template apart at its braces.
fn pieces(text: &str, errors: &mut Vec<OutputNameError>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(brace) = rest.find(['{', '}']) else {
            pieces.push(Piece::Text(rest.to_owned()));
            break;
        };
        if brace > 0 {
            pieces.push(Piece::Text(rest[..brace].to_owned()));
        }
        let open = at + brace;
        let inside = &text[open + 1..];
        let close = inside.find(['{', '}']).filter(|&end| inside.as_bytes()[end] == b'}');
        let (true, Some(length)) = (rest[brace..].starts_with('{'), close) else {
            errors.push(OutputNameError::new(
                open..open + 1,
                phrase!(
                    "lone-brace",
                    "a brace without its partner; placeholders are written {{stem}}"
                ),
            ));
            at = open + 1;
            continue;
        };
        at = open + length + 2;
        let name = &inside[..length];
        match Placeholder::ALL.iter().find(|(known, _)| *known == name) {
            Some((_, placeholder)) => pieces.push(Piece::Placeholder(*placeholder)),
            None => errors.push(unknown(name, open..at)),
        }
    }
    pieces
}

fn unknown(name: &str, part: Range<usize>) -> OutputNameError {
    let names = Placeholder::ALL.map(|(known, _)| known);
    let mut error = OutputNameError::new(
        part,
        phrase!("no-placeholder", "there is no placeholder {{{name}}}", name = shown(name)),
    );
    error.help = Some(match nearest(name, names) {
        Some(near) => phrase!("did-you-mean-placeholder", "did you mean {{{near}}}?", near = near),
        None => phrase!(
            "allowed",
            "allowed: {words}",
            words = names.map(|known| format!("{{{known}}}")).join(" ")
        ),
    });
    error
}

/// Checks what stands between the slashes: the name stays below its folder.
fn check_parts(text: &str, errors: &mut Vec<OutputNameError>) {
    if text.trim().is_empty() {
        errors.push(OutputNameError::new(
            0..text.len(),
            phrase!("template-empty", "the name is empty"),
        ));
        return;
    }
    if text.starts_with('/') {
        errors.push(OutputNameError::new(
            0..1,
            phrase!("name-at-root", "the name would begin at the root of the disk"),
        ));
    }
    let mut at = 0;
    for (number, part) in text.split('/').enumerate() {
        let span = at..at + part.len();
        at = span.end + 1;
        match part {
            ".." => errors.push(OutputNameError::new(
                span,
                phrase!("name-leaves", "the name would leave its folder"),
            )),
            "." => errors.push(OutputNameError::new(
                span,
                phrase!("part-dot", "\".\" between slashes means nothing here"),
            )),
            "" if number > 0 && span.end == text.len() => {
                errors.push(OutputNameError::new(
                    span.start - 1..span.end,
                    phrase!(
                        "name-ends-slash",
                        "the name ends with \"/\"; the last part is the file"
                    ),
                ));
            }
            "" if number > 0 => {
                errors.push(OutputNameError::new(
                    span.start - 1..span.end,
                    phrase!("part-empty", "the name has two slashes in a row (\"//\")"),
                ));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILLING: Filling<'_> = Filling {
        path: "tops/red",
        stem: "10023",
        size: Some((400, 300)),
        n: 7,
        job_name: "spring",
        rendition: "web",
    };

    fn fill(template: &str, filling: &Filling<'_>) -> String {
        OutputName::parse(template).unwrap().fill(filling)
    }

    #[test]
    fn templates_are_filled() {
        assert_eq!(fill("{path}/{stem}", &FILLING), "tops/red/10023");
        assert_eq!(
            fill("{jobName}/{rendition}/{stem}_{wid}x{hei}-{n}", &FILLING),
            "spring/web/10023_400x300-7"
        );
        assert_eq!(OutputName::of_rendition().fill(&FILLING), "web/tops/red/10023");
    }

    #[test]
    fn an_empty_path_vanishes_with_its_slash() {
        let top = Filling { path: "", ..FILLING };
        assert_eq!(fill("{path}/{stem}", &top), "10023");
        assert_eq!(fill("a/{path}/{stem}", &top), "a/10023");
        assert_eq!(OutputName::of_rendition().fill(&top), "web/10023");
        assert_eq!(fill("x{path}/{stem}", &top), "x/10023");
    }

    #[test]
    fn defaults_are_what_they_say() {
        for default in [OutputName::of_job(), OutputName::of_rendition()] {
            assert_eq!(OutputName::parse(default.as_str()), Ok(default));
        }
    }

    #[test]
    fn names_come_out_in_nfc() {
        assert_eq!(fill("{stem}", &Filling { stem: "e\u{301}", ..FILLING }), "é");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let wrong = |template: &str| -> Vec<(String, String)> {
            OutputName::parse(template)
                .unwrap_err()
                .into_iter()
                .map(|error| {
                    (template[error.part].to_owned(), error.help.unwrap_or_default().into())
                })
                .collect()
        };
        let place = |template: &str| wrong(template).remove(0).0;
        assert_eq!(wrong("{stm}"), [("{stm}".into(), "did you mean {stem}?".into())]);
        assert!(wrong("{colour}")[0].1.starts_with("allowed: {path} {stem}"));
        assert_eq!(place("{stem"), "{");
        assert_eq!(place("stem}"), "}");
        assert_eq!(place("{{stem}}"), "{");
        assert_eq!(place("../{stem}"), "..");
        assert_eq!(place("/tmp/{stem}"), "/");
        assert_eq!(place("a//{stem}"), "/");
        assert_eq!(place("{stem}/"), "/");
        assert_eq!(place(""), "");
        assert_eq!(place("a\u{7}{stem}"), "\u{7}");
        assert_eq!(wrong("{x}/../{y").len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn no_template_panics(text in "[a-z{}./é\u{7}]{0,30}") {
            if let Ok(name) = OutputName::parse(&text) {
                let filled = name.fill(&FILLING);
                proptest::prop_assert!(filled.split('/').all(|part| part != ".."));
            }
        }
    }
}
