//! The page `report.html` of a run: what is on it, before it is set by [`super::html`].
//!
//! Of a large run it is long. Pictures and rows are therefore made while they are set, one after the
//! other, and are never in memory together.

use std::path::{Component, Path};

use jiff::Zoned;
use serde::Serialize;

use super::locale::{Language, Say};
use super::sheet::{Doing, Row, Sheet};
use super::thumbnails::{self, Thumbnails};
use super::{Report, csv};
use crate::diag::shown;
use crate::imaging::thumbnail::Kind;
use crate::job::MailContent;
use crate::job::log::{AssetEntry, AssetOutcome, Delivered, JobLog};
use crate::job::names::SUMS;
use crate::job::recipe::Recipe;
use crate::job::run::Progress;

/// So many thumbnails are in the page itself; further ones are files beside it.
const MOST_INSIDE: usize = 200;
/// And so many bytes of them.
const MOST_BYTES: usize = 2 << 20;
/// How often a page of a run that goes on is loaded again, in seconds.
pub const AGAIN: u32 = 5;

/// What a page says once; pictures and rows come beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Front {
    /// What every text says.
    #[serde(flatten)]
    pub sheet: Sheet,
    /// How far the run is, while it goes on.
    pub progress: Option<Bar>,
    /// What was asked for.
    pub recipes: Vec<Told>,
    /// Further files.
    pub links: Vec<Link>,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// In per cent.
    pub percent: u32,
    /// After how many seconds there is something new to see.
    pub again: u32,
    /// Both in words.
    pub said: String,
}

/// What a rendition asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its name.
    pub rendition: Option<String>,
    /// The request, presets written out; none for originals.
    pub request: Option<String>,
    /// Each command, and who said it.
    pub commands: Vec<(String, String)>,
}

impl Told {
    fn new(recipe: &Recipe, language: Language) -> Self {
        let said = recipe.commands.iter();
        let said = said.map(|said| (shown(&said.command), shown(&language.phrase(&said.by))));
        Self {
            rendition: recipe.rendition.as_deref().map(shown),
            request: recipe.request.as_deref().map(shown),
            commands: said.collect(),
        }
    }
}

/// A file that belongs to the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: String,
    /// Where it is, from the page.
    pub href: String,
}

/// An asset on the contact sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// Its name.
    pub name: String,
    /// How it came out: `good`, `look` or `bad`.
    pub tone: &'static str,
    /// How it came out, in a word or two.
    pub outcome: String,
    /// Its source.
    pub source: Option<Shot>,
    /// What became of it.
    pub output: Option<Shot>,
    /// What stands in the place of that where it is not shown.
    pub absent: String,
    /// Pixels, bytes and profile of the output.
    pub facts: Vec<String>,
}

/// A thumbnail on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shot {
    /// Where it is: in the page itself or beside it.
    pub src: String,
    /// Whether parts of it are transparent.
    pub transparent: bool,
}

/// A row of the table of all files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The handle, and the rendition.
    pub asset: String,
    /// As of a tile.
    pub tone: &'static str,
    /// As of a tile.
    pub outcome: String,
    /// The files, mostly one.
    pub files: Vec<File>,
    /// What else there is to say.
    pub note: String,
}

/// A file in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Pixels, bytes and profile.
    pub facts: Vec<String>,
}

impl Front {
    /// Puts what is over into words.
    #[must_use]
    pub fn over(report: &Report<'_>) -> Self {
        let sheet = Sheet::new(report, MailContent::Lists);
        let language = sheet.language;
        let link = |name: &'static str, about: Say<'_>, href: String| Link {
            name,
            about: language.say(about),
            href,
        };
        let mut links = Vec::new();
        links.extend(sums(report).map(|href| link(SUMS, Say::LinkSums, href)));
        let json = "report.json";
        links.push(link(json, Say::LinkPrograms, json.into()));
        let csv = "report.csv";
        links.push(link(csv, Say::LinkSpreadsheets, csv.into()));
        if report.has_retry() {
            let retry = "retry-failed.toml";
            links.push(link(retry, Say::LinkRetry, retry.into()));
        }
        links.push(manifest(language));
        Self { sheet, progress: None, recipes: told(report.log, language), links }
    }

    /// Puts a run that goes on into words, as it is at some time.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    pub fn running(
        report: &Report<'_>,
        (progress, now): (&Progress, &Zoned),
        state: Doing,
    ) -> Self {
        let sheet = Sheet::running(report, (&progress.counts, now), state);
        let percent = (progress.done.clamp(0.0, 1.0) * 100.0) as u32;
        let (language, seconds) = (sheet.language, u64::from(AGAIN));
        let said = language.say(Say::PageProgress { percent: percent.into(), seconds });
        let progress = Some(Bar { percent, again: AGAIN, said });
        Self {
            sheet,
            progress,
            recipes: told(report.log, language),
            links: vec![manifest(language)],
        }
    }
}

fn manifest(language: Language) -> Link {
    let name = "manifest.toml";
    Link { name, about: language.say(Say::LinkDropped), href: name.into() }
}

fn told(log: &JobLog, language: Language) -> Vec<Told> {
    log.recipes.iter().map(|recipe| Told::new(recipe, language)).collect()
}

/// Where the hashes of a run are, from its page.
fn sums(report: &Report<'_>) -> Option<String> {
    let run = report.places.report(report.log);
    let folder = report.places.output(report.log)?;
    let own = report.log.output_folder.as_ref().is_some_and(|own| own.as_str() == report.log.run);
    if own { href(&run, &folder.join(SUMS)) } else { Some(SUMS.into()) }
}

/// Writes the way from a folder to a file as a relative reference (RFC 3986); none where there is
/// no way that one can be sure of.
fn href(from: &Path, to: &Path) -> Option<String> {
    let plain = |path: &Path| {
        path.is_absolute()
            && path
                .components()
                .all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
    };
    if !plain(from) || !plain(to) {
        return None;
    }
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let mut out = "../".repeat(from.components().count() - shared);
    for (at, part) in to.components().skip(shared).enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in part.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(*byte));
                }
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    Some(out)
}

/// Makes the tiles of the contact sheet, failures first: every asset that can be shown.
pub(super) fn tiles<'r>(
    log: &'r JobLog,
    thumbnails: &'r Thumbnails,
) -> impl Iterator<Item = Tile> + Send + 'r {
    let (mut room, mut bytes) = (MOST_INSIDE, MOST_BYTES);
    let mut shot = move |name: String| {
        let transparent = name.ends_with(Kind::Png.suffix());
        let beside = format!("{}/{name}", thumbnails::FOLDER);
        if room == 0 {
            return Some(Shot { src: beside, transparent });
        }
        let thumbnail = thumbnails.read(&name)?;
        let Some(left) = bytes.checked_sub(thumbnail.bytes.len()) else {
            return Some(Shot { src: beside, transparent });
        };
        (room, bytes) = (room - 1, left);
        Some(Shot { src: thumbnail.data_uri(), transparent })
    };
    let language = Language::of(log);
    let failed = |asset: &&AssetEntry| matches!(asset.outcome, AssetOutcome::Failed { .. });
    let others = log.assets.iter().filter(move |asset| !failed(asset));
    let failed = log.assets.iter().filter(failed);
    failed.chain(others).filter_map(move |asset| {
        let source = thumbnails.source(asset).and_then(&mut shot);
        let output = thumbnails.output(asset).and_then(&mut shot);
        if source.is_none() && output.is_none() {
            return None;
        }
        Some(Tile {
            name: name(asset),
            tone: tone(&asset.outcome),
            outcome: word(&asset.outcome, language),
            source,
            output,
            absent: absent(&asset.outcome, language),
            facts: asset.outcome.files().first().map(|f| facts(f, language)).unwrap_or_default(),
        })
    })
}

/// Makes the rows of the table of all files.
pub(super) fn lines(log: &JobLog) -> impl Iterator<Item = Line> + Send + '_ {
    let language = Language::of(log);
    log.assets.iter().map(move |asset| Line {
        asset: name(asset),
        tone: tone(&asset.outcome),
        outcome: word(&asset.outcome, language),
        files: asset
            .outcome
            .files()
            .iter()
            .map(|file| File { name: shown(file.output.as_str()), facts: facts(file, language) })
            .collect(),
        note: csv::message(&asset.outcome, language),
    })
}

fn name(asset: &AssetEntry) -> String {
    match &asset.rendition {
        Some(rendition) => format!("{} ({})", shown(&asset.handle), shown(rendition)),
        None => shown(&asset.handle),
    }
}

const fn tone(outcome: &AssetOutcome) -> &'static str {
    match outcome {
        AssetOutcome::Copied { warnings, .. } | AssetOutcome::Converted { warnings, .. }
            if warnings.is_empty() =>
        {
            "good"
        }
        AssetOutcome::Copied { .. }
        | AssetOutcome::Converted { .. }
        | AssetOutcome::NotExportable { .. } => "look",
        AssetOutcome::Failed { .. } => "bad",
        AssetOutcome::Cancelled => "dim",
    }
}

fn word(outcome: &AssetOutcome, language: Language) -> String {
    language.say(match csv::Word::of(outcome) {
        csv::Word::Exported => Say::WordExported,
        csv::Word::Replaced => Say::WordReplaced,
        csv::Word::AlreadyThere => Say::WordThere,
        csv::Word::LeftOut => Say::WordLeftOut,
        csv::Word::Failed => Say::WordFailed,
        csv::Word::NotDone => Say::WordNotDone,
    })
}

fn absent(outcome: &AssetOutcome, language: Language) -> String {
    language.say(match outcome {
        AssetOutcome::Copied { .. } => Say::PageAsItIs,
        AssetOutcome::Converted { .. } => Say::PageNotShown,
        AssetOutcome::NotExportable { .. }
        | AssetOutcome::Failed { .. }
        | AssetOutcome::Cancelled => Say::PageNotExported,
    })
}

fn facts(file: &Delivered, language: Language) -> Vec<String> {
    let size = file.width.zip(file.height).map(|(width, height)| format!("{width} × {height} px"));
    let profile = file.profile.as_deref().map(shown);
    size.into_iter().chain([language.bytes(file.bytes)]).chain(profile).collect()
}

/// Returns the rows of a run that goes on.
pub(super) fn facts_of(log: &JobLog, now: &Zoned, language: Language) -> Vec<Row> {
    let told = |at: &Zoned| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let began = told(&log.start.to_zoned(now.time_zone().clone()));
    let now = told(now);
    let rows = [
        (Say::FactAbout, log.about.description.as_deref()),
        (Say::FactRun, Some(log.run.as_str())),
        (Say::FactBegan, Some(began.as_str())),
        // Whoever finds a page that nobody writes any more sees it here.
        (Say::FactAsOf, Some(now.as_str())),
    ];
    let rows = rows.into_iter();
    rows.filter_map(|(label, value)| Some(Row::said(language, label, value?))).collect()
}

#[cfg(test)]
mod tests;
