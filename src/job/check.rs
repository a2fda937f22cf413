//! From what was written to what will be done: [`Manifest`] + [`Library`] + [`Policy`] →
//! [`ExportJob`].
//!
//! Here everything is looked up that a manifest only names: the user, the language, the clock, the
//! assets. After it nothing is optional that need not be and nothing is parsed again. A wrong
//! manifest gives no job; a handle that names nothing gives an [`Item`] that has failed already,
//! and the job runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::beside::Beside;
use super::log::About;
use super::manifest::{self, JobName, LOCALES, Manifest, OutputName, Request, did_you_mean_value};
use super::schedule::Schedule;
use super::{EmailSetting, Fmt, precedence};
use crate::diag::{
    Argument, Code, Diagnostic, Fault, Phrase, Severity, Spanned, Text, nearest, phrase, position,
    shown,
};
use crate::fs::RelPath;
use crate::imaging::modifiers::{self, Modifiers};
use crate::imaging::plan::{self, Defaults};
use crate::library::{self, Asset, AssetHandle, Delivery, Library, Scope};

/// Most files that one job makes, all renditions together: what is written down of each, 500 to
/// 1,000 bytes, is read again after an interruption.
pub const MOST_FILES: usize = 500_000;

/// What the configuration says about jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `company`, for job handles.
    pub company: String,
    /// How long a handle that names nothing is waited for.
    pub wait_for_assets: Duration,
    /// Presets: name (lower case) to definition (`[macros]`).
    pub macros: BTreeMap<String, String>,
    /// Files of colour profiles by name (`[imaging.profiles]`).
    pub profiles: BTreeMap<String, PathBuf>,
    /// Keys of `[users]`.
    pub users: Vec<String>,
    /// Attributes of the engine.
    pub imaging: Defaults,
}

/// A job with every decision made that can be made without opening an asset.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportJob {
    /// Its name.
    pub name: JobName,
    /// When a report is mailed.
    pub email_setting: EmailSetting,
    /// When it runs.
    pub when: When,
    /// Where its files go; `None` is a folder of its own.
    pub destination: Option<Destination>,
    /// What is made of which assets; one without a name when the manifest has no `[[exportJob]]`.
    pub renditions: Vec<Rendition>,
}

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// As soon as it can.
    Now,
    /// Once, then.
    At(Timestamp),
    /// Again and again.
    Repeatedly(Box<Schedule>),
}

/// A folder that the job's files are merged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Below the output root, in NFC.
    pub folder: RelPath,
    /// What happens to a different file of the same name.
    pub existing: Existing,
}

/// What happens to a different file that is in the destination already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Existing {
    /// It stays, and the asset fails.
    Keep,
    /// It is replaced.
    Replace,
}

/// What is made of a list of assets.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// Its name; `None` when the manifest has no `[[exportJob]]`.
    pub name: Option<String>,
    /// Template of its output names.
    pub output_name: OutputName,
    /// What an asset becomes.
    pub make: Make,
    /// Each asset once, in the list's order; patterns are replaced by what they match. Renditions
    /// of one list share it.
    pub items: Arc<[Item]>,
}

/// What an asset becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Make {
    /// The original file.
    Orig,
    /// A picture.
    Convert(Recipe),
}

/// One asset of a rendition.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Position in the list, from 1; what `{n}` stands for.
    pub position: usize,
    /// The handle as listed; for a pattern that matched the path.
    pub handle: String,
    /// The asset, or why there is none.
    pub asset: Result<Asset, Fault>,
}

impl Item {
    /// Says what is done with the asset; `None` when there is none.
    #[must_use]
    pub fn delivery(&self, make: &Make) -> Option<Delivery> {
        let kind = self.asset.as_ref().ok()?.kind;
        Some(match make {
            Make::Orig => kind.orig(),
            Make::Convert(_) => kind.convert(),
        })
    }
}

/// The modifiers of a rendition as one text: `is_modifier`, then `&`, then the macro, so that for
/// every command the macro wins.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The whole; empty when the manifest has neither.
    pub text: String,
    /// What it means to the assets of each image catalogue with macros of its own, and to all
    /// others under the default one, or why nothing can be made by it.
    readings: BTreeMap<Scope, Result<Modifiers, Fault>>,
    modifier: Option<Text>,
    preset: Option<Spanned<String>>,
}

impl Recipe {
    /// Returns what it means to the assets of an image catalogue.
    ///
    /// # Errors
    /// Why nothing can be made by it.
    pub fn modifiers(&self, scope: Scope) -> Result<&Modifiers, Fault> {
        match self.readings.get(&scope).or_else(|| self.readings.get(&Scope::DEFAULT)) {
            Some(reading) => reading.as_ref().map_err(Clone::clone),
            None => Err(Fault::Internal { detail: "modifiers that nobody read".into() }),
        }
    }

    /// Tells whether a part of the text stands in the macro.
    #[must_use]
    pub fn is_of_macro(&self, part: &Range<usize>) -> bool {
        match (&self.modifier, &self.preset) {
            (Some(modifier), Some(_)) => part.start > modifier.value.len(),
            (modifier, preset) => modifier.is_none() && preset.is_some(),
        }
    }

    /// Returns the place in the manifest of a part of the text, in bytes.
    ///
    /// A part of the macro points at `macro`, a part of modifiers written with escapes at the
    /// whole of `is_modifier`; a text that nobody wrote has the place `0..0`.
    #[must_use]
    pub fn place(&self, part: &Range<usize>) -> Range<usize> {
        match (&self.modifier, &self.preset) {
            (Some(modifier), preset) => match preset {
                Some(preset) if part.start > modifier.value.len() => preset.span.clone(),
                _ => modifier.place(&(part.start..part.end.min(modifier.value.len()))),
            },
            (None, Some(preset)) => preset.span.clone(),
            (None, None) => 0..0,
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The job; `None` when the manifest is refused.
    pub job: Option<ExportJob>,
    /// What was found in the manifest, beside what reading it found.
    pub findings: Vec<Diagnostic>,
    /// What a run will say about its assets, as warnings at the handles: those that name nothing,
    /// cannot be converted or are never exported. A run's own log has them by itself.
    pub foreseen: Vec<Diagnostic>,
}

/// A manifest from its bytes to its job.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The text that all findings point into.
    pub text: String,
    /// What was written; `None` when nothing could be read.
    pub manifest: Option<Manifest>,
    /// The job; `None` when the manifest is refused.
    pub job: Option<ExportJob>,
    /// What was found in the manifest, in the text's order.
    pub findings: Vec<Diagnostic>,
    /// See [`Checked::foreseen`].
    pub foreseen: Vec<Diagnostic>,
}

impl Judged {
    /// Returns everything there is to say before a run, in the text's order: what `check` shows.
    #[must_use]
    pub fn all(&self) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> =
            self.findings.iter().chain(&self.foreseen).cloned().collect();
        all.sort_by_key(|finding| finding.span.start);
        all
    }

    /// Returns what stands in the log of a run: what was found in the manifest, and of a refused
    /// one also what a run would have said of its assets, so that all is mended at once.
    #[must_use]
    pub fn told(&self) -> Vec<Diagnostic> {
        if self.job.is_none() { self.all() } else { self.findings.clone() }
    }

    /// Returns the fault of a refused manifest: the first error that refuses it, not one that
    /// would only have failed assets. Where it cannot be read to its end, that comes before what is
    /// missing of it.
    #[must_use]
    pub fn refusal(&self) -> Option<Fault> {
        if self.job.is_some() {
            return None;
        }
        let errors = || self.findings.iter().filter(|finding| finding.is_error());
        let first =
            errors().find(|error| error.code == Code::Syntax).or_else(|| errors().next())?;
        Some(Fault::Refused {
            line: position(&self.text, first.span.start).0,
            message: first.message.clone().shown(),
            findings: self.told().len(),
        })
    }
}

/// Whether a manifest's schedule is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// It was handed in now; `execTime` and `execSchedule` decide when it runs.
    HandedIn(Zoned),
    /// Its time has come, or it is to run whatever it says.
    Due,
}

/// Reads a manifest and checks it.
#[must_use]
pub fn judge(bytes: &[u8], library: &Library, policy: &Policy, moment: &Moment) -> Judged {
    let parsed = manifest::parse(bytes);
    let mut findings = parsed.findings;
    let (mut job, mut foreseen) = (None, Vec::new());
    if let Some(manifest) = &parsed.manifest {
        let checked = check(manifest, library, policy, moment);
        findings.extend(checked.findings);
        findings.sort_by_key(|finding| finding.span.start);
        (job, foreseen) = (checked.job, checked.foreseen);
    }
    Judged { text: parsed.text, manifest: parsed.manifest, job, findings, foreseen }
}

/// Refuses a manifest that is too large, of which only the beginning is there.
#[must_use]
pub fn judge_beginning(bytes: &[u8]) -> Judged {
    let manifest::Parsed { text, manifest, findings } = manifest::parse_beginning(bytes);
    Judged { text, manifest, job: None, findings, foreseen: Vec::new() }
}

/// Looks up what a manifest names. The zone of the moment is the one that schedules mean.
#[must_use]
pub fn check(manifest: &Manifest, library: &Library, policy: &Policy, moment: &Moment) -> Checked {
    // Taken apart whole: a new key does not compile until it is decided.
    let Manifest {
        job_name,
        description: _,
        user_handle,
        locale,
        client_id: _,
        email_setting,
        exec_time,
        exec_schedule,
        destination,
        overwrite,
        common,
        renditions,
        refused,
    } = manifest;
    let mut findings = Vec::new();
    if let Some(user) = user_handle {
        check_user(user, policy, &mut findings);
    }
    if let Some(text) = locale
        && known_locale(&text.value).is_none()
    {
        findings.push(unknown_locale(text));
    }
    let when = match moment {
        Moment::Due => Some(When::Now),
        Moment::HandedIn(now) => {
            check_when(exec_time.as_ref(), exec_schedule.as_ref(), now, &mut findings)
        }
    };
    let mut lookup = Lookup::new(library);
    let wanted: Vec<Wanted<'_>> = if renditions.is_empty() {
        vec![Wanted { name: None, own: common, common }]
    } else {
        let wanted = renditions.iter().map(|rendition| {
            let manifest::Rendition { name, request, span: _ } = rendition;
            Wanted { name: name.as_ref(), own: request, common }
        });
        wanted.collect()
    };
    let decided: Vec<Option<Rendition>> =
        wanted.iter().map(|wanted| rendition(wanted, policy, &mut lookup)).collect();
    findings.extend(lookup.odd);
    findings.extend(too_many_files(&decided, &wanted));
    let mut foreseen = lookup.foreseen;
    foreseen.sort_by_key(|finding| finding.span.start);
    foreseen.dedup();
    let refused = *refused || findings.iter().any(Diagnostic::is_error);
    let job = (!refused)
        .then(|| {
            Some(ExportJob {
                name: job_name.as_ref()?.value.clone(),
                email_setting: email_setting.as_ref()?.value,
                when: when?,
                destination: destination.as_ref().map(|folder| Destination {
                    folder: folder.value.clone(),
                    existing: match overwrite {
                        Some(overwrite) if overwrite.value => Existing::Replace,
                        _ => Existing::Keep,
                    },
                }),
                renditions: decided.into_iter().collect::<Option<_>>()?,
            })
        })
        .flatten();
    Checked { job, findings, foreseen }
}

/// Refuses a job that would make more files than a job may.
fn too_many_files(decided: &[Option<Rendition>], wanted: &[Wanted<'_>]) -> Option<Diagnostic> {
    let files = decided.iter().flatten().map(|rendition| rendition.items.len()).sum();
    let handles = |wanted: &Wanted<'_>| {
        let handles = wanted.own.handles.as_ref().or(wanted.common.handles.as_ref())?;
        Some(handles.span.clone())
    };
    let span = wanted.iter().find_map(handles).filter(|_| files > MOST_FILES)?;
    let message = phrase!(
        "too-many-files",
        "this would make {files} files, at most {most} are made by one job",
        files = Argument::count(files),
        most = Argument::count(MOST_FILES)
    );
    let help = phrase!("split-it", "split it into several manifests");
    Some(Diagnostic::error(Code::Value, span, message).help(help))
}

/// Tells what a run's log says about whose it is, also of a manifest that is refused.
///
/// Without a usable `jobName` the file's stem stands in.
#[must_use]
pub fn about(manifest: Option<&Manifest>, file_name: &str, submitter_uid: Option<u32>) -> About {
    let text = |of: fn(&Manifest) -> &Option<Text>| {
        manifest.and_then(|manifest| of(manifest).as_ref()).map(|text| text.value.clone())
    };
    let name = manifest.and_then(|manifest| manifest.job_name.as_ref());
    let stem = file_name.strip_suffix(".toml").unwrap_or(file_name);
    About {
        job_name: name
            .map_or_else(|| JobName::cleaned(stem), |name| name.value.clone())
            .to_string(),
        description: text(|manifest| &manifest.description),
        client_id: text(|manifest| &manifest.client_id),
        user_handle: text(|manifest| &manifest.user_handle),
        locale: text(|manifest| &manifest.locale)
            .map(|locale| known_locale(&locale).unwrap_or(LOCALES[0]).to_owned()),
        email_setting: manifest
            .and_then(|manifest| manifest.email_setting.as_ref())
            .map(|setting| setting.value),
        submitter_uid,
        manifest_name: file_name.to_owned(),
        retry_of: None,
    }
}

/// Returns the language of ours that a locale asks for: case, `_` and a region do not matter.
#[must_use]
pub fn known_locale(written: &str) -> Option<&'static str> {
    let lower = written.trim().replace('_', "-").to_lowercase();
    if let Some(exact) = LOCALES.iter().find(|locale| locale.to_lowercase() == lower) {
        return Some(exact);
    }
    let mut parts = lower.split('-');
    let language = parts.next()?;
    if language == "zh" {
        let traditional = parts.any(|part| matches!(part, "hant" | "tw" | "hk" | "mo"));
        return Some(if traditional { "zh-Hant" } else { "zh-Hans" });
    }
    LOCALES.iter().find(|locale| **locale == language).copied()
}

fn unknown_locale(text: &Text) -> Diagnostic {
    Diagnostic::warning(
        Code::Value,
        text.span.clone(),
        phrase!(
            "unknown-locale",
            "reports are not available in \"{locale}\"; English is used",
            locale = shown(&text.value)
        ),
    )
    .help(phrase!("known", "known: {words}", words = LOCALES.join(", ")))
}

fn check_user(user: &Text, policy: &Policy, findings: &mut Vec<Diagnostic>) {
    if policy.users.contains(&user.value) {
        return;
    }
    let finding = Diagnostic::error(
        Code::UnknownUser,
        user.span.clone(),
        phrase!(
            "unknown-user",
            "there is no user \"{user}\" in the configuration",
            user = shown(&user.value)
        ),
    );
    let near = nearest(&user.value, policy.users.iter().map(String::as_str));
    findings.push(match near {
        Some(near) => finding.help(did_you_mean_value(near)),
        None => finding.help(phrase!(
            "user-out",
            "leave `userHandle` out, or ask whoever runs exportd to add the user"
        )),
    });
}

fn check_when(
    time: Option<&Spanned<Timestamp>>,
    schedule: Option<&Spanned<Schedule>>,
    now: &Zoned,
    findings: &mut Vec<Diagnostic>,
) -> Option<When> {
    if let Some(schedule) = schedule {
        if schedule.value.next_after(now).is_some() {
            return Some(When::Repeatedly(Box::new(schedule.value.clone())));
        }
        findings.push(
            Diagnostic::error(
                Code::Value,
                schedule.span.clone(),
                phrase!(
                    "schedule-never",
                    "`execSchedule`: there is no date on which \"{schedule}\" fires",
                    schedule = schedule.value.as_str()
                ),
            )
            .help(phrase!("look-at-day", "this date does not exist; change the day or the month")),
        );
        return None;
    }
    let Some(time) = time else { return Some(When::Now) };
    if time.value > now.timestamp() {
        return Some(When::At(time.value));
    }
    findings.push(
        Diagnostic::warning(
            Code::Value,
            time.span.clone(),
            phrase!("time-passed", "`execTime` has passed; the job runs now"),
        )
        .help(phrase!("write-later", "to schedule it, write a later time")),
    );
    Some(When::Now)
}

/// One rendition as written: its own keys over the common ones.
struct Wanted<'m> {
    name: Option<&'m Spanned<String>>,
    own: &'m Request,
    common: &'m Request,
}

/// Decides one rendition; `None` when something it needs is missing, which was said before.
fn rendition(wanted: &Wanted<'_>, policy: &Policy, lookup: &mut Lookup<'_>) -> Option<Rendition> {
    let Request { handles, fmt, is_modifier, preset, output_name } = wanted.own;
    let common = wanted.common;
    let fmt = fmt.as_ref().or(common.fmt.as_ref()).map(|fmt| fmt.value);
    let handles = handles.as_ref().or(common.handles.as_ref());
    let is_modifier = is_modifier.as_ref().or(common.is_modifier.as_ref());
    let preset = preset.as_ref().or(common.preset.as_ref());
    let items = handles.map(|handles| lookup.items(handles, fmt));
    // Also of a manifest that is refused for something else: all mistakes are told in one go.
    let make = match fmt {
        Some(Fmt::Orig) => Make::Orig,
        Some(Fmt::Convert) | None => {
            Make::Convert(recipe((is_modifier, preset), items.as_deref(), policy, lookup))
        }
    };
    let output_name = match output_name.as_ref().or(common.output_name.as_ref()) {
        Some(name) => name.value.clone(),
        None if wanted.name.is_some() => OutputName::of_rendition(),
        None => OutputName::of_job(),
    };
    fmt?;
    Some(Rendition {
        name: wanted.name.map(|name| name.value.clone()),
        output_name,
        make,
        items: items?,
    })
}

/// Joins what a rendition says about its pictures, and reads it.
///
/// What is wrong with it fails every asset of the rendition, not the manifest, and is foreseen;
/// what is merely odd is found in the manifest. Of assets that nobody could list (`None`) only what
/// holds for any asset is said.
fn recipe(
    (modifier, preset): (Option<&Text>, Option<&Spanned<String>>),
    items: Option<&[Item]>,
    policy: &Policy,
    lookup: &mut Lookup<'_>,
) -> Recipe {
    let completed = |item: &Item| item.asset.as_ref().is_ok_and(precedence::completes);
    let premises = Premises {
        modifier: modifier.map(|modifier| modifier.span.clone()),
        preset: preset.map(|preset| preset.span.clone()),
        listed: items.is_some(),
        // What a catalogue adds may complete them: then only each asset's plan can tell.
        completed: items.is_some_and(|items| items.iter().any(completed)),
        scopes: scopes(items, lookup.library),
    };
    if let Some((_, known)) = lookup.recipes.iter().find(|(before, _)| *before == premises) {
        return known.clone();
    }
    let recipe = read_recipe((modifier, preset), &premises, policy, lookup);
    lookup.recipes.push((premises, recipe.clone()));
    recipe
}

/// Reads a recipe that no rendition before has asked for.
fn read_recipe(
    (modifier, preset): (Option<&Text>, Option<&Spanned<String>>),
    premises: &Premises,
    policy: &Policy,
    lookup: &mut Lookup<'_>,
) -> Recipe {
    let mut text = modifier.map_or(String::new(), |modifier| modifier.value.clone());
    if let Some(preset) = preset {
        if modifier.is_some() {
            text.push('&');
        }
        text.extend(["$", &preset.value, "$"]);
    }
    let mut recipe = Recipe {
        text,
        readings: BTreeMap::new(),
        modifier: modifier.cloned(),
        preset: preset.cloned(),
    };
    let mut found: Option<Vec<Diagnostic>> = None;
    for &scope in &premises.scopes {
        let presets = precedence::presets(lookup.library.images(), scope, &policy.macros);
        let parsed = modifiers::parse(&recipe.text, &presets, policy.imaging.rules());
        let mut reading = Ok(parsed.modifiers);
        let mut said = parsed.findings;
        if let Ok(modifiers) = &reading
            && premises.listed
            && !premises.completed
            && !said.iter().any(Diagnostic::is_error)
        {
            let beside = Beside { library: lookup.library, profiles: &policy.profiles };
            let colors = policy.imaging.colors.clone();
            // A profile of the catalogue that is of no use is told with each asset.
            if let Ok(colors) = beside.colors(scope, colors, modifiers.profile()) {
                let defaults = Defaults { colors, ..policy.imaging.clone() };
                said.extend(plan::check(modifiers, &defaults));
            }
        }
        if let Some(error) = said.iter().filter(|f| f.is_error()).min_by_key(|f| f.span.start) {
            reading =
                Err(Fault::Modifiers { message: error.message.clone(), help: error.help.clone() });
        }
        recipe.readings.insert(scope, reading);
        match &mut found {
            None => found = Some(said),
            Some(found) if !premises.listed => found.retain(|finding| said.contains(finding)),
            Some(found) => {
                said.retain(|finding| !found.contains(finding));
                found.append(&mut said);
            }
        }
    }
    for finding in found.unwrap_or_default() {
        let placed = Diagnostic { span: recipe.place(&finding.span), ..finding };
        if placed.is_error() {
            lookup.foreseen.push(placed);
        } else {
            lookup.odd.push(placed);
        }
    }
    recipe
}

/// Returns the image catalogues whose macros and profiles assets see: of assets that nobody could
/// list it may be any.
fn scopes(items: Option<&[Item]>, library: &Library) -> BTreeSet<Scope> {
    let images = library.images();
    let own = |scope: Scope| {
        let own = images.macros(scope).next().is_some() || images.has_profiles(scope);
        if own { scope } else { Scope::DEFAULT }
    };
    let of = |item: &Item| own(item.asset.as_ref().map_or(Scope::DEFAULT, |asset| asset.scope));
    match items {
        Some(items) if !items.is_empty() => items.iter().map(of).collect(),
        Some(_) => BTreeSet::from([Scope::DEFAULT]),
        None => images.scopes().map(own).chain([Scope::DEFAULT]).collect(),
    }
}

/// The library, with what was asked before.
struct Lookup<'l> {
    library: &'l Library,
    known: HashMap<AssetHandle, Result<Vec<Asset>, Fault>>,
    /// Lists by where they stand and what is made of them: renditions mostly share one.
    lists: HashMap<(usize, Option<Fmt>), Arc<[Item]>>,
    /// What was read before: renditions mostly share that too, and what is odd about it is said once.
    recipes: Vec<(Premises, Recipe)>,
    /// What a run will say about assets.
    foreseen: Vec<Diagnostic>,
    /// Warnings about the manifest itself.
    odd: Vec<Diagnostic>,
}

/// On what a recipe depends: where it stands in the manifest, and what it is applied to.
#[derive(PartialEq)]
struct Premises {
    modifier: Option<Range<usize>>,
    preset: Option<Range<usize>>,
    /// Whether it is known to which assets.
    listed: bool,
    completed: bool,
    scopes: BTreeSet<Scope>,
}

/// What makes an item one that was listed before.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Asset(library::Identity),
    Nothing(String),
}

impl<'l> Lookup<'l> {
    fn new(library: &'l Library) -> Self {
        Self {
            library,
            known: HashMap::new(),
            lists: HashMap::new(),
            recipes: Vec::new(),
            foreseen: Vec::new(),
            odd: Vec::new(),
        }
    }

    /// Looks a list up, each asset once.
    fn items(
        &mut self,
        handles: &Spanned<Vec<Spanned<AssetHandle>>>,
        fmt: Option<Fmt>,
    ) -> Arc<[Item]> {
        let place = (handles.span.start, fmt);
        if let Some(items) = self.lists.get(&place) {
            return Arc::clone(items);
        }
        let items: Arc<[Item]> = self.listed(&handles.value, fmt).into();
        self.lists.insert(place, Arc::clone(&items));
        items
    }

    fn listed(&mut self, handles: &[Spanned<AssetHandle>], fmt: Option<Fmt>) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::with_capacity(handles.len());
        let mut listed = HashSet::new();
        for Spanned { value: handle, span } in handles {
            let found = self
                .known
                .entry(handle.clone())
                .or_insert_with(|| self.library.resolve(handle))
                .clone();
            self.foreseen.extend(foresee(handle, span, &found, fmt));
            let found: Vec<Result<Asset, Fault>> = match found {
                Ok(assets) => assets.into_iter().map(Ok).collect(),
                Err(fault) => vec![Err(fault)],
            };
            for asset in found {
                if !listed.insert(identity(handle, &asset)) {
                    continue;
                }
                let own = asset.as_ref().map_or(handle.as_str(), |asset| asset.handle.as_str());
                items.push(Item { position: items.len() + 1, handle: own.to_owned(), asset });
            }
        }
        items
    }
}

fn identity(handle: &AssetHandle, asset: &Result<Asset, Fault>) -> Identity {
    match asset {
        Err(_) => Identity::Nothing(handle.to_string()),
        Ok(asset) => Identity::Asset(asset.identity()),
    }
}

/// Says beforehand what a run will warn of at one handle.
fn foresee(
    handle: &AssetHandle,
    span: &Range<usize>,
    found: &Result<Vec<Asset>, Fault>,
    fmt: Option<Fmt>,
) -> Option<Diagnostic> {
    let warning = |message: Phrase| Diagnostic::warning(Code::Value, span.clone(), message);
    let name = shown(handle.as_str());
    let assets = match found {
        Err(fault) => {
            let severity = match fault {
                // No file that anybody could put anywhere would make it right.
                Fault::OutsideRoot => Severity::Error,
                _ => Severity::Warning,
            };
            let finding = warning(phrase!(
                "of-handle",
                "\"{name}\": {cause}",
                name = name,
                cause = fault.words()
            ))
            .help(fault.next_step());
            return Some(Diagnostic { severity, ..finding });
        }
        Ok(assets) => assets,
    };
    let fmt = fmt?;
    let mut unwanted = false;
    let reasons: Vec<Phrase> = assets
        .iter()
        .filter_map(|asset| {
            match if fmt == Fmt::Orig { asset.kind.orig() } else { asset.kind.convert() } {
                Delivery::Copy | Delivery::Convert => None,
                Delivery::CopyWithWarning(_) => {
                    unwanted = true;
                    Some(phrase!(
                        "not-converted",
                        "cannot be converted, so the original is delivered"
                    ))
                }
                Delivery::NotExportable(reason) => Some(reason.words()),
            }
        })
        .collect();
    let message = match (reasons.as_slice(), assets.as_slice()) {
        ([], _) => return None,
        ([reason], [_]) => {
            phrase!("of-asset", "\"{name}\": {reason}", name = name, reason = reason.clone())
        }
        ([first, ..], all) => phrase!(
            "of-assets",
            "{count} of the {all} assets of \"{name}\" are not converted: {first}",
            count = Argument::count(reasons.len()),
            all = Argument::count(all.len()),
            name = name,
            first = first.clone(),
        ),
    };
    let warning = warning(message);
    Some(if unwanted {
        warning.help(phrase!("take-unwanted-out", "take what you do not want out of the list"))
    } else {
        warning
    })
}

#[cfg(test)]
mod tests;
