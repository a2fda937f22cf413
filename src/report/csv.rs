//! `report.csv`: one line an asset, for spreadsheets (RFC 4180).
//!
//! A spreadsheet takes a field that begins with certain signs for a formula, quoted or not. Such a
//! field gets an apostrophe before it, which spreadsheets know as "this is text".

use std::io::{self, Write};

use super::locale::Language;
use crate::diag::shown;
use crate::job::log::{AssetEntry, AssetOutcome, Change, JobLog};

const HEAD: [&str; 13] = [
    "outcome",
    "assetHandle",
    "assetName",
    "assetType",
    "rendition",
    "source",
    "files",
    "output",
    "bytes",
    "width",
    "height",
    "sha256",
    "message",
];

/// Writes the list.
///
/// # Errors
/// Those of `to`.
pub fn write(log: &JobLog, to: &mut dyn Write) -> io::Result<()> {
    line(to, HEAD.map(str::to_owned))?;
    let language = Language::of(log);
    log.assets.iter().try_for_each(|asset| line(to, fields(asset, language)))
}

/// How an asset came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Exported,
    Replaced,
    AlreadyThere,
    LeftOut,
    Failed,
    NotDone,
}

impl Word {
    pub(super) fn of(outcome: &AssetOutcome) -> Self {
        match outcome {
            AssetOutcome::Copied { .. } | AssetOutcome::Converted { .. } => {
                let changes = || outcome.files().iter().map(|file| file.change);
                if changes().any(|change| change == Change::Replaced) {
                    Self::Replaced
                } else if changes().all(|change| change == Change::Identical) {
                    Self::AlreadyThere
                } else {
                    Self::Exported
                }
            }
            AssetOutcome::NotExportable { .. } => Self::LeftOut,
            AssetOutcome::Failed { .. } => Self::Failed,
            AssetOutcome::Cancelled => Self::NotDone,
        }
    }

    /// The word of the list, the same in every language: a program may look for it.
    const fn written(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::Replaced => "replaced",
            Self::AlreadyThere => "already there",
            Self::LeftOut => "left out",
            Self::Failed => "failed",
            Self::NotDone => "not done",
        }
    }
}

/// What there is to say of an asset.
pub(super) fn message(outcome: &AssetOutcome, language: Language) -> String {
    match outcome {
        AssetOutcome::Failed { fault } => language.cause_and_step(fault),
        AssetOutcome::NotExportable { reason } => shown(&language.phrase(reason)),
        AssetOutcome::Copied { .. } | AssetOutcome::Converted { .. } | AssetOutcome::Cancelled => {
            let warnings = outcome.warnings().iter().map(|warning| language.phrase(warning));
            shown(&warnings.collect::<Vec<_>>().join("; "))
        }
    }
}

/// A document of several pages has the first of its files here, and the bytes of all.
fn fields(asset: &AssetEntry, language: Language) -> [String; 13] {
    let files = asset.outcome.files();
    let first = files.first();
    let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let side = |side: Option<u32>| number(side.map(u64::from));
    [
        Word::of(&asset.outcome).written().to_owned(),
        asset.handle.clone(),
        asset.name.clone(),
        asset.asset_type.map_or_else(String::new, kind),
        asset.rendition.clone().unwrap_or_default(),
        asset.source.clone().unwrap_or_default(),
        files.len().to_string(),
        first.map_or_else(String::new, |file| file.output.to_string()),
        number(first.map(|_| files.iter().map(|file| file.bytes).sum())),
        side(first.and_then(|file| file.width)),
        side(first.and_then(|file| file.height)),
        first.map_or_else(String::new, |file| file.sha256.to_string()),
        message(&asset.outcome, language),
    ]
}

/// The word that report.json has for a type.
fn kind(kind: crate::library::AssetType) -> String {
    let value = serde_json::to_value(kind).ok();
    value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn line(to: &mut dyn Write, fields: [String; 13]) -> io::Result<()> {
    let fields = fields.map(|text| field(&text)).join(",");
    to.write_all(fields.as_bytes())?;
    to.write_all(b"\r\n")
}

/// Writes a field: quoted where it has to be, and never a formula.
fn field(text: &str) -> String {
    let formula = |c: char| {
        matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
    };
    // Some spreadsheets pass over spaces first.
    let guarded = text.trim_start_matches(' ').starts_with(formula);
    let text = if guarded { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';', '\t', '\'']) || text.starts_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Verdict;
    use crate::report::samples;
    use proptest::prelude::*;

    /// Reads a list as RFC 4180 says.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut lines, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut quoted = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(std::mem::take(&mut field)),
                '\r' if !quoted && chars.peek() == Some(&'\n') => {
                    chars.next();
                    fields.push(std::mem::take(&mut field));
                    lines.push(std::mem::take(&mut fields));
                }
                c => field.push(c),
            }
        }
        assert!(fields.is_empty() && field.is_empty() && !quoted);
        lines
    }

    fn csv(log: &JobLog) -> String {
        let mut out = Vec::new();
        write(log, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_asset_has_a_line() {
        let lines = read(&csv(&samples::log(Verdict::Partial)));
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], HEAD);
        assert_eq!(lines[1][..2], ["exported", "tops/front.tif"]);
        assert_eq!(lines[1][6..11], ["1", "tops/front.png", "123456", "2000", "1500"]);
        assert_eq!(lines[2][0], "failed");
        assert!(lines[2][12].contains("tops/black.tif"), "{}", lines[2][12]);
        assert!(lines.iter().all(|line| line.len() == HEAD.len()));
    }

    #[test]
    fn nothing_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "=\"a\",b"] {
            let mut log = samples::log(Verdict::Clean);
            log.assets[0].handle = text.into();
            let lines = read(&csv(&log));
            assert_eq!(lines[1][1], format!("'{text}"));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(handle in any::<String>(), name in "[,\"\r\n;a=']*") {
            let mut log = samples::log(Verdict::Clean);
            log.assets[0].handle.clone_from(&handle);
            log.assets[0].name.clone_from(&name);
            let lines = read(&csv(&log));
            prop_assert_eq!(lines.len(), 3);
            let plain = |text: &String| text.strip_prefix('\'').unwrap_or(text).to_owned();
            prop_assert_eq!(plain(&lines[1][1]), plain(&handle));
            prop_assert_eq!(plain(&lines[1][2]), plain(&name));
        }
    }
}
