//! `check` and `plan`: what a manifest says and would make; nothing is written.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{Exit, Places, complain, complain_of, print, print_json, rendering, say};
use crate::config::Settings;
use crate::daemon::conduct::Epoch;
use crate::daemon::{DaemonError, now};
use crate::diag::{Diagnostic, Phrase, Severity, json, render};
use crate::job::check::{Judged, Moment, judge};
use crate::job::log::AssetOutcome;
use crate::job::run::{self, Bench, Cancel, Prospect, prospect};
use crate::library::Library;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Manifests
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The manifest
    #[arg(value_name = "JOB")]
    job: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A manifest that was read and judged.
pub(super) struct Read {
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) judged: Judged,
}

impl Read {
    /// Returns everything that was found, in the text and about the assets.
    fn findings(&self) -> Vec<Diagnostic> {
        self.judged.all()
    }

    /// Tells whether it is refused, or asks for something that cannot be done to any picture.
    pub(super) fn is_wrong(&self) -> bool {
        self.judged.job.is_none() || self.findings().iter().any(Diagnostic::is_error)
    }

    /// Says what was found, as a compiler does.
    pub(super) fn say(&self) {
        let findings = self.findings();
        if !findings.is_empty() {
            say(render(&self.file, &self.judged.text, &findings, rendering()).trim_end());
            say("");
        }
    }
}

/// Opens the asset folders.
pub(super) fn library(settings: &Settings) -> Result<Library, Exit> {
    for root in &settings.folders.assets {
        if !root.is_dir() {
            complain(&DaemonError::NoAssets(root.clone()).to_string());
            say("  = help: say where the folders are with --root DIR or --config FILE");
            return Err(Exit::Absent);
        }
    }
    Library::open(&settings.folders.assets, settings.folders.catalogs.as_deref()).map_err(|error| {
        complain(&error.to_string());
        Exit::Absent
    })
}

/// Reads and judges a manifest.
pub(super) fn read(path: &Path, library: &Library, settings: &Settings) -> Result<Read, Exit> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        complain_of(path, &error);
        Exit::Absent
    })?;
    let moment = Moment::HandedIn(now().to_zoned(jiff::tz::TimeZone::system()));
    let judged = judge(&bytes, library, &settings.policy, &moment);
    Ok(Read { file, bytes, judged })
}

pub(super) fn check(places: &Places, args: &CheckArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let library = library(&settings)?;
    let (mut wrong, mut absent) = (false, false);
    let mut list = Vec::new();
    for path in &args.jobs {
        let Ok(read) = read(path, &library, &settings) else {
            absent = true;
            continue;
        };
        wrong |= read.is_wrong();
        if args.json {
            let findings = read.findings();
            let shown = json(&read.file, &read.judged.text, &findings);
            list.extend(shown.iter().filter_map(|finding| serde_json::to_value(finding).ok()));
        } else {
            read.say();
            say(&summary(&read));
        }
    }
    for catalogue in library.findings() {
        say(render(&catalogue.file, &catalogue.text, &catalogue.findings, rendering()).trim_end());
    }
    if args.json {
        print_json(&list);
    }
    Ok(match (wrong, absent) {
        (true, _) => Exit::Wrong,
        (false, true) => Exit::Absent,
        (false, false) => Exit::Well,
    })
}

/// Says in a line how a manifest stands.
fn summary(read: &Read) -> String {
    let findings = read.findings();
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let file = &read.file;
    match (errors, warnings) {
        (0, 0) => {
            let job = read.judged.job.as_ref();
            let assets: usize =
                job.map_or(0, |job| job.renditions.iter().map(|r| r.items.len()).sum());
            format!("{file}: fine, {}", plural(assets, "asset"))
        }
        (0, _) => format!("{file}: {}", plural(warnings, "warning")),
        (_, 0) => format!("{file}: {}", plural(errors, "error")),
        (_, _) => format!("{file}: {}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

/// One line of `plan --json`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    asset_handle: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rendition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn plan(places: &Places, args: &PlanArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let library = library(&settings)?;
    let read = read(&args.job, &library, &settings)?;
    let Some(job) = &read.judged.job else {
        read.say();
        return Ok(Exit::Wrong);
    };
    let epoch = Epoch::open(settings).map_err(|error| {
        complain(&error.to_string());
        Exit::Failed
    })?;
    let lane = epoch.pool.lane();
    let bench = Bench {
        library: &library,
        lane: &lane,
        defaults: &epoch.settings.policy.imaging,
        macros: &epoch.settings.policy.macros,
        profiles: &epoch.settings.policy.profiles,
        cancel: &Cancel::default(),
        shown: 0,
    };
    let prospects = prospect(job, &bench).map_err(|error| {
        complain(&error.to_string());
        Exit::Failed
    })?;
    let list: Vec<Planned<'_>> = prospects.iter().flat_map(planned).collect();
    if args.json {
        print_json(&list);
    } else {
        for line in &list {
            print(&described(line));
        }
    }
    Ok(if read.is_wrong() { Exit::Wrong } else { Exit::Well })
}

/// Tells of each file that will be made of an asset, or of the asset when none will.
fn planned<'p>(prospect: &'p Prospect) -> Vec<Planned<'p>> {
    let entry = &prospect.entry;
    let asset = Planned {
        asset_handle: &entry.handle,
        rendition: entry.rendition.as_deref(),
        source: entry.source.as_deref(),
        output: None,
        width: None,
        height: None,
        warnings: match &entry.outcome {
            AssetOutcome::NotExportable { reason } => vec![reason.as_str()],
            _ => Vec::new(),
        },
        error: match &entry.outcome {
            AssetOutcome::Failed { fault } => Some(fault.to_string()),
            _ => None,
        },
    };
    let Some(made) = &prospect.made else { return vec![asset] };
    let warnings: Vec<&str> = made.warnings.iter().map(Phrase::as_str).collect();
    let line = |(number, file): (usize, &'p run::Planned)| {
        let reply = file.plan.as_ref().map(|plan| plan.reply);
        Planned {
            output: Some(file.output.as_str()),
            width: reply.map(|size| size.width),
            height: reply.map(|size| size.height),
            // They are the asset's and stand once.
            warnings: if number == 0 { warnings.clone() } else { Vec::new() },
            ..asset.clone()
        }
    };
    made.files.iter().enumerate().map(line).collect()
}

fn described(line: &Planned<'_>) -> String {
    let mut out = String::from(line.asset_handle);
    if let Some(rendition) = line.rendition {
        out.push_str(&format!(" [{rendition}]"));
    }
    match (line.output, line.width, line.height) {
        (Some(output), Some(width), Some(height)) => {
            out.push_str(&format!(" -> {output}  {width} x {height}"));
        }
        (Some(output), _, _) => out.push_str(&format!(" -> {output}  original")),
        (None, _, _) => {}
    }
    out.push('\n');
    for warning in &line.warnings {
        out.push_str(&format!("    warning: {warning}\n"));
    }
    if let Some(error) = &line.error {
        out.push_str(&format!("    error: {error}\n"));
    }
    out
}
