//! The command table: every command of the reference, in one entry each.
//!
//! An entry says how a command is written, what it means without being given, on what it acts
//! when no layer is selected, and what this program can do about it. Parser, checks and
//! `docs/modifiers.md` read the same slice, so a command that is not in here does not exist, and
//! one that is cannot be dropped in silence. To support a command: give its entry a reader and
//! `Support::Supported`, its value a variant in [`Value`]; the compiler then stops in `plan`.
//!
//! Pages are those of the public reference, below
//! `image-serving-api-ref/c-http-protocol-reference/c-command-reference`.

use std::sync::LazyLock;

use super::Value;
use super::values::Format;
use crate::diag::{Diagnostic, nearest};

mod arguments;
mod choices;
mod layer;
mod op;
mod request;
mod source;
mod view;

pub(super) use arguments::{Arguments, echo};
pub use choices::{CHOICES, Choice};

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Size and placement of the reply.
    View,
    /// The reply as a file, and the request itself.
    Request,
    /// The source picture and the layer made of it.
    Source,
    /// Image operations.
    Operation,
    /// Further layers, effects and templates.
    Layer,
    /// Text.
    Text,
}

/// How much a command matters for exporting one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// In nearly every request.
    Core,
    /// Useful for single pictures.
    Secondary,
    /// Composites, text and templates.
    Layers,
    /// Means something to a server only.
    Server,
}

/// What this program does about a command or a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It has its effect.
    Supported,
    /// It has no effect on an export and is passed over in silence.
    Ignored,
    /// It would have an effect on a server; passed over with a warning.
    IgnoredWithWarning,
    /// It belongs here but is not built yet: an error, never silence.
    NotYet,
    /// It belongs here, but nothing that may be shipped can do it: an error.
    NotInThisBuild,
    /// It cannot be part of an export: an error.
    Refused,
}

/// On what a command acts when no layer is selected (`layer=comp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The whole request, whatever layer is selected.
    Request,
    /// Layer 0.
    Layer0,
    /// The composite.
    Composite,
    /// The finished view.
    View,
    /// Nothing: it is an error there, and on layer 0.
    UpperLayers,
}

/// How a command's value is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reader {
    /// Into a typed value.
    Typed(fn(&mut Arguments<'_, '_>) -> Result<Value, Diagnostic>),
    /// Not at all, but what cannot be one is an error: a value of what is [ignored](Support::Ignored).
    Checked(fn(&mut Arguments<'_, '_>) -> Result<(), Diagnostic>),
    /// Kept as it is.
    Raw,
    /// It selects the layer or effect that follows.
    Scope,
}

/// What an empty value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// Nothing: the command is passed over with a warning.
    Warned,
    /// The default, or none.
    Default,
}

/// One command of the reference.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name, in the reference's spelling.
    pub name: &'static str,
    /// Other spellings that are taken.
    pub aliases: &'static [&'static str],
    /// The attribute it sets where that is another command's too: `cropN` sets `crop`.
    pub twin: Option<&'static str>,
    /// What it is about.
    pub group: Group,
    /// How it is written.
    pub syntax: &'static str,
    /// What values are allowed.
    pub range: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// Page of the public reference.
    pub page: &'static str,
    /// What is otherwise here than there; empty when nothing is.
    pub differs: &'static str,
    /// How much it matters.
    pub class: Class,
    /// What is done about it.
    pub support: Support,
    /// What it acts on when no layer is selected.
    pub binding: Binding,
    /// Values that do nothing, so that they are welcome even while the command is not.
    pub neutral: &'static [&'static str],
    pub(super) concerns: Concerns,
    pub(super) reader: Reader,
    pub(super) empty: Empty,
}

/// The replies a command concerns; for the others it is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// Every reply.
    All,
    /// JPEG.
    Jpeg,
    /// Progressive JPEG.
    Progressive,
    /// Formats with a palette.
    Palette,
}

impl Concerns {
    /// Tells whether a reply of this format is concerned.
    #[must_use]
    pub const fn format(self, format: Format) -> bool {
        match self {
            Self::All => true,
            Self::Jpeg => format.is_jpeg(),
            Self::Progressive => matches!(format, Format::Pjpeg),
            Self::Palette => format.has_palette(),
        }
    }
}

impl Command {
    /// The entry others are written as a difference to.
    const BASE: Self = Self {
        name: "",
        aliases: &[],
        twin: None,
        group: Group::View,
        syntax: "",
        range: "",
        default: "none",
        page: "",
        differs: "",
        class: Class::Core,
        support: Support::Supported,
        binding: Binding::Request,
        neutral: &[],
        concerns: Concerns::All,
        reader: Reader::Raw,
        empty: Empty::Warned,
    };

    /// Returns the attribute it sets; commands of one attribute replace each other.
    #[must_use]
    pub const fn attribute(&self) -> &'static str {
        match self.twin {
            Some(twin) => twin,
            None => self.name,
        }
    }

    /// Tells whether this value is one that does nothing.
    #[must_use]
    pub fn is_neutral(&self, value: &str) -> bool {
        let numbers = |text: &str| -> Option<Vec<f64>> {
            text.split(',').map(|item| item.trim().parse().ok()).collect()
        };
        self.neutral.iter().any(|neutral| {
            neutral.eq_ignore_ascii_case(value.trim())
                || numbers(neutral).is_some_and(|n| numbers(value) == Some(n))
        })
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Command {}

static TABLE: LazyLock<Vec<&'static Command>> = LazyLock::new(|| {
    [view::COMMANDS, request::COMMANDS, source::COMMANDS, op::COMMANDS, layer::COMMANDS]
        .into_iter()
        .flatten()
        .collect()
});

/// Names by lower-case spelling, aliases among them.
static NAMES: LazyLock<std::collections::HashMap<String, &'static Command>> = LazyLock::new(|| {
    let spelled = |command: &&'static Command| -> Vec<(String, &'static Command)> {
        command
            .aliases
            .iter()
            .chain([&command.name])
            .map(|name| (name.to_ascii_lowercase(), *command))
            .collect()
    };
    TABLE.iter().flat_map(spelled).collect()
});

/// Returns every command of the reference, group by group.
#[must_use]
pub fn table() -> &'static [&'static Command] {
    &TABLE
}

/// Finds the command of a name, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    NAMES.get(&name.to_ascii_lowercase()).copied()
}

/// What people write who know other programs, and what it is called here.
const GUESSES: [(&str, &str); 12] = [
    ("width", "wid"),
    ("w", "wid"),
    ("height", "hei"),
    ("h", "hei"),
    ("quality", "qlt"),
    ("q", "qlt"),
    ("format", "fmt"),
    ("f", "fmt"),
    ("dpi", "printRes"),
    ("background", "bgc"),
    ("bg", "bgc"),
    ("sharpen", "op_sharpen"),
];

/// Returns the command that somebody who wrote an unknown name probably meant.
#[must_use]
pub fn suggestion(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 24;
    if name.chars().count() > LONGEST {
        return None;
    }
    let meant = |guess: &str| {
        let known = GUESSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(guess));
        known.map(|(_, meant)| *meant)
    };
    // Short guesses are near to everything.
    let words = GUESSES.iter().map(|(guess, _)| *guess).filter(|guess| guess.len() > 3);
    meant(name)
        .or_else(|| nearest(name, table().iter().map(|command| command.name)))
        .or_else(|| nearest(name, words).and_then(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_in_any_case() {
        let spellings: usize = table().iter().map(|c| 1 + c.aliases.len()).sum();
        assert_eq!(NAMES.len(), spellings);
        assert_eq!(find("WID").map(|c| c.name), Some("wid"));
        assert_eq!(find("bgcolor").map(|c| c.name), Some("bgColor"));
        assert_eq!(find("rgnN"), None);
    }

    #[test]
    fn every_entry_is_complete() {
        for command in table() {
            assert!(command.syntax.starts_with(command.name), "{}", command.name);
            assert!(command.page.starts_with("r-"), "{}", command.name);
            assert!(!command.range.is_empty() && !command.default.is_empty(), "{}", command.name);
            if let Some(twin) = command.twin {
                let twin = find(twin).unwrap();
                assert!(twin.twin.is_none(), "{}", command.name);
            }
            if command.support == Support::Supported {
                assert!(!matches!(command.reader, Reader::Raw), "{}", command.name);
            }
        }
    }

    #[test]
    fn guesses_name_commands() {
        for (_, meant) in GUESSES {
            assert!(find(meant).is_some());
        }
        assert_eq!(suggestion("width"), Some("wid"));
        assert_eq!(suggestion("resmod"), Some("resMode"));
        assert_eq!(suggestion("Heigth"), Some("hei"));
        assert_eq!(suggestion("zzzzzzzz"), None);
    }
}
