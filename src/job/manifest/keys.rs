//! The keys of a manifest: where each may stand, what it holds, and an example of it.

use crate::diag::{Phrase, phrase};
use crate::library::toml::write;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// How it is spelled.
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// What it holds.
    pub kind: Kind,
    /// A value, as written in a manifest.
    pub example: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
}

/// Where a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the top only.
    Top,
    /// At the top, and in an `[[exportJob]]` instead.
    Both,
    /// In an `[[exportJob]]` only.
    Rendition,
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// One of some words, exactly as written.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A date and time with a zone.
    Moment,
    /// A list of tables.
    Tables,
}

impl Kind {
    /// Tells whether its values are written without quotes.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::Flag | Self::Moment)
    }
}

/// The values of `emailSetting`, with those of the Chinese reference.
const EMAIL_SETTINGS: &[&str] = &[
    "All",
    "Error",
    "ErrorAndWarning",
    "JobCompletion",
    "None",
    "全部",
    "錯誤",
    "错误",
    "無",
    "无",
];

const fn key(
    name: &'static str,
    place: Place,
    kind: Kind,
    (example, about): (&'static str, &'static str),
) -> Key {
    Key { name, place, kind, example, about }
}

/// Every key, in the order in which a manifest usually has them.
pub const TABLE: [Key; 18] = [
    key(
        "jobName",
        Place::Top,
        Kind::Text,
        (
            "\"spring-tops\"",
            "The job's name: letters and digits of any script, space, \"-\", \"_\", \".\"; begins \
             with a letter or digit; at most 128 characters.",
        ),
    ),
    key(
        "description",
        Place::Top,
        Kind::Text,
        ("\"Spring season, web\"", "What the job is for; stands in the report."),
    ),
    key(
        "userHandle",
        Place::Top,
        Kind::Text,
        ("\"mia\"", "Who gets the mail: a key of [users] in the configuration."),
    ),
    key(
        "locale",
        Place::Top,
        Kind::Text,
        ("\"zh-Hant\"", "Language of report and mail: en, zh-Hant, zh-Hans, ja, de, fr, es."),
    ),
    key(
        "assetHandleArray",
        Place::Both,
        Kind::Texts,
        (
            "[\"tops/10023-front.tif\", \"tops/*.psd\"]",
            "What to export: ids or handles of a catalogue, paths below an asset folder, patterns \
             with * ? [..] and **.",
        ),
    ),
    key(
        "fmt",
        Place::Both,
        Kind::Word(&["orig", "convert"]),
        ("\"convert\"", "orig delivers the files as they are, convert makes pictures from them."),
    ),
    key(
        "is_modifier",
        Place::Both,
        Kind::Text,
        ("\"wid=2000&hei=2000&fmt=png\"", "Image Serving modifiers, joined by \"&\"."),
    ),
    key(
        "macro",
        Place::Both,
        Kind::Text,
        ("\"$web$\"", "A preset; where it and is_modifier say the same, the preset wins."),
    ),
    key("宏", Place::Both, Kind::Text, ("\"$web$\"", "The Chinese spelling of macro.")),
    key(
        "emailSetting",
        Place::Top,
        Kind::Word(EMAIL_SETTINGS),
        ("\"ErrorAndWarning\"", "When a report is mailed."),
    ),
    key(
        "clientId",
        Place::Top,
        Kind::Text,
        ("\"192.0.2.7\"", "Kept in the report, otherwise unused."),
    ),
    key(
        "execTime",
        Place::Top,
        Kind::Moment,
        ("2026-12-01T06:00:00+01:00", "Runs the job once at a time; the zone is required."),
    ),
    key(
        "execSchedule",
        Place::Top,
        Kind::Text,
        (
            "\"0 0 6 ? * Mon-Fri\"",
            "Runs the job again and again: seconds minutes hours day-of-month month day-of-week \
             [year], one of the two day fields \"?\"; never together with execTime.",
        ),
    ),
    key(
        "destination",
        Place::Top,
        Kind::Text,
        (
            "\"web/spring\"",
            "A folder below the output folder that files are merged into, instead of the run's own.",
        ),
    ),
    key(
        "overwrite",
        Place::Top,
        Kind::Flag,
        ("true", "With destination: whether a different file of the same name is replaced."),
    ),
    key(
        "outputName",
        Place::Both,
        Kind::Text,
        (
            "\"{path}/{stem}\"",
            "Names of the outputs, of {path} {stem} {wid} {hei} {n} {jobName} {rendition}; the \
             extension follows by itself.",
        ),
    ),
    key(
        "exportJob",
        Place::Top,
        Kind::Tables,
        (
            "[{ rendition = \"web\" }]",
            "Several renditions; the keys at the top are their defaults.",
        ),
    ),
    key(
        "rendition",
        Place::Rendition,
        Kind::Text,
        ("\"web\"", "The rendition's name; each has its own."),
    ),
];

/// Returns the keys that may stand at the top.
#[must_use]
pub fn of_the_top() -> Vec<&'static str> {
    names(|place| place != Place::Rendition)
}

/// Returns the keys that may stand in an `[[exportJob]]`.
#[must_use]
pub fn of_a_rendition() -> Vec<&'static str> {
    names(|place| place != Place::Top)
}

fn names(wanted: impl Fn(Place) -> bool) -> Vec<&'static str> {
    TABLE.iter().filter(|key| wanted(key.place)).map(|key| key.name).collect()
}

/// Returns what to write for a key.
#[must_use]
pub fn example(name: &str) -> Option<Phrase> {
    let key = TABLE.iter().find(|key| key.name == name)?;
    Some(match key.kind {
        Kind::Tables => {
            phrase!("write-tables", "write [[exportJob]] on a line of its own, its keys below")
        }
        _ if name.is_ascii() => write(format!("{name} = {}", key.example)),
        _ => write(format!("\"{name}\" = {}", key.example)),
    })
}
