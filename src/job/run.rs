//! The work of one job: probe, plan, name, convert.
//!
//! [`work`] turns an [`ExportJob`] into one [`AssetEntry`] for each asset and rendition, with the
//! outputs staged. It runs in the job's own thread and does nothing heavy itself: headers are
//! probed, pictures converted and originals copied by the worker pool, which it keeps busy through
//! its lane. What has been done is journalled asset by asset; a job that is taken up again after a
//! crash keeps every outcome whose staged files still have their hashes.
//!
//! An asset is one picture or a document of many pages; a page is made like a picture of its own,
//! but the asset is over when all its pages are, and fails with the first page that does.
//!
//! One failing asset is an outcome, not an end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

mod batches;
mod cancel;
mod suffix;

pub use cancel::{Ask, Cancel};

use batches::{Batch, Wanted, batches};
use suffix::{belies, may_stay, other_content, promised};

use super::beside::Beside;
use super::check::{ExportJob, Make, Rendition};
use super::log::{AssetEntry, AssetOutcome, Change, Counts, Delivered};
use super::manifest::Filling;
use super::names::{collisions, output_name};
use super::precedence::{self, Own};
use super::publish::{Place, Stage};
use crate::diag::Fault;
use crate::fs::{RelPath, Stamp};
use crate::imaging::SourceInfo;
use crate::imaging::modifiers::Presets;
use crate::imaging::plan::{Aux, Defaults, Plan, plan};
use crate::library::{Asset, AssetType, Delivery, Library, SourceFile};
use crate::spool::JournalError;
use crate::worker::{Answer, Lane, Task, Written};

/// How long running assets may go on after an orderly stop of the daemon.
const GRACE: Duration = Duration::from_secs(30);

/// How long an answer is waited for before a request to end is looked at.
const LISTEN: Duration = Duration::from_millis(200);

/// How often a source that changes while it is read is tried.
const TRIES: u32 = 3;

/// What a run writes into its journal; the last of each kind holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The run has a name; fixed from here on.
    Named {
        /// `<jobName>_<time>`.
        run: RelPath,
        /// `j|<company>|<jobName>|<RUN>|<number>`.
        job_handle: String,
        /// When work began.
        start: jiff::Timestamp,
    },
    /// A person has stopped it.
    Stopping,
    /// One asset is over.
    Asset(Box<AssetEntry>),
    /// The decision: these outputs go to this place. From here on only forward.
    Publish {
        /// Where.
        place: Place,
        /// Everything that came of the run.
        entries: Vec<AssetEntry>,
        /// Whether a person stopped it.
        stopped: bool,
    },
    /// The outputs are in their place.
    Published {
        /// When.
        end: jiff::Timestamp,
        /// The assets, by their place in the list, that could not be put there.
        failed: BTreeMap<usize, Fault>,
    },
}

/// [`Step::Publish`] as it is written: what a large run made need not be in memory twice.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decided<'a> {
    /// See [`Step::Publish`].
    Publish {
        /// Where.
        place: &'a Place,
        /// Everything that came of the run.
        entries: &'a [AssetEntry],
        /// Whether a person stopped it.
        stopped: bool,
    },
}

/// What the work of a job needs.
pub struct Bench<'a> {
    /// Where sources come from.
    pub library: &'a Library,
    /// Who does the work.
    pub lane: &'a Lane,
    /// Attributes of the engine.
    pub defaults: &'a Defaults,
    /// Presets of the configuration, which a catalogue's modifiers may name too.
    pub macros: &'a BTreeMap<String, String>,
    /// Files of colour profiles by name.
    pub profiles: &'a BTreeMap<String, PathBuf>,
    /// Whether to end early.
    pub cancel: &'a Cancel,
}

impl Bench<'_> {
    /// Returns where things are that plans name beside their source.
    const fn beside(&self) -> Beside<'_> {
        Beside { library: self.library, profiles: self.profiles }
    }
}

/// What a run is told while it works.
pub enum Event<'e> {
    /// A person has stopped the job.
    Stopping,
    /// An asset is over, and is to be journalled.
    Asset(&'e AssetEntry),
    /// So much is done.
    Progress(&'e Progress),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// 0 to 1.
    pub done: f64,
    /// The counts so far.
    pub counts: Counts,
}

impl Progress {
    /// Nothing yet.
    pub const NONE: Self = Self { done: 0.0, counts: Counts::NONE };
}

/// Why the work ended without an outcome for each asset.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The daemon stops; what is done is journalled.
    #[error("the daemon stops")]
    Suspended,
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// One asset in one rendition on its way.
struct Item<'j> {
    entry: AssetEntry,
    rendition: &'j Rendition,
    /// Position in the list, from 1.
    n: usize,
    file: Option<SourceFile>,
    /// What it is; `None` when there is no such asset.
    asset: Option<&'j Asset>,
    /// What its catalogue asks for it.
    own: Own,
    state: State,
}

enum State {
    /// To be copied as it is.
    Copy { warnings: Vec<String> },
    /// To be converted; the plan follows the probe.
    Convert,
    /// Planned and named.
    Ready(Box<Made>),
    /// Over.
    Settled,
}

impl Item<'_> {
    fn settle(&mut self, outcome: AssetOutcome) {
        self.entry.outcome = outcome;
        self.state = State::Settled;
    }

    fn fail(&mut self, fault: Fault) {
        self.settle(AssetOutcome::Failed { fault });
    }
}

/// Does the work of a job.
///
/// `known` are the outcomes that the journal of an earlier attempt holds. `tell` gets every
/// outcome as it comes, to journal it, and the progress.
///
/// # Errors
/// See [`WorkError`]; failing assets are outcomes.
pub fn work(
    job: &ExportJob,
    bench: &Bench<'_>,
    stage: &Stage,
    known: &[AssetEntry],
    tell: &mut dyn FnMut(Event<'_>) -> Result<(), WorkError>,
) -> Result<Vec<AssetEntry>, WorkError> {
    let mut items = list(job, bench);
    let stamps = prepare(job, bench, &mut items)?;
    recall(stage, &mut items, known);
    let mut watch = Watch::new(&items, tell);
    for item in items.iter().filter(|item| matches!(item.state, State::Settled)) {
        watch.counted(&item.entry)?;
    }
    let mut making = Making {
        job,
        bench,
        stage,
        items: &mut items,
        watch,
        stamps,
        made: BTreeMap::new(),
        queue: Vec::new(),
        running: BTreeMap::new(),
        next_tag: 0,
    };
    making.run()?;
    Ok(items.into_iter().map(|item| item.entry).collect())
}

/// What would be made, without making it: every item with its output name and plan.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// The asset; its outcome says why it will fail or be left out, `Cancelled` when it will not.
    pub entry: AssetEntry,
    /// What will be made of it, unless it is over already.
    pub made: Option<Made>,
}

/// What will be made of an asset.
#[derive(Debug, Clone)]
pub struct Made {
    /// The files, at least one; more for a document, in the order of its pages.
    pub files: Vec<Planned>,
    /// What is worth knowing.
    pub warnings: Vec<String>,
}

/// One file that will be made.
#[derive(Debug, Clone)]
pub struct Planned {
    /// How; `None` copies.
    pub plan: Option<Plan>,
    /// Its name.
    pub output: RelPath,
}

impl Planned {
    /// Returns what is needed beside the source.
    fn aux(&self) -> impl Iterator<Item = &Aux> {
        self.plan.iter().flat_map(|plan| &plan.aux)
    }
}

impl Made {
    fn outputs(&self) -> impl Iterator<Item = &RelPath> {
        self.files.iter().map(|file| &file.output)
    }
}

/// Goes the same road as [`work`] up to the names.
///
/// # Errors
/// See [`WorkError`].
pub fn prospect(job: &ExportJob, bench: &Bench<'_>) -> Result<Vec<Prospect>, WorkError> {
    let mut items = list(job, bench);
    prepare(job, bench, &mut items)?;
    Ok(items
        .into_iter()
        .map(|item| Prospect {
            entry: item.entry,
            made: match item.state {
                State::Ready(made) => Some(*made),
                State::Copy { .. } | State::Convert | State::Settled => None,
            },
        })
        .collect())
}

/// Makes an item of each asset in each rendition.
fn list<'j>(job: &'j ExportJob, bench: &Bench<'_>) -> Vec<Item<'j>> {
    let listed = job.renditions.iter().map(|rendition| rendition.items.len()).sum();
    let mut items = Vec::with_capacity(listed);
    let mut presets = BTreeMap::new();
    for rendition in &job.renditions {
        for listed in &rendition.items {
            let mut item = Item {
                entry: AssetEntry {
                    handle: listed.handle.clone(),
                    name: listed.handle.clone(),
                    asset_type: None,
                    rendition: rendition.name.clone(),
                    source: None,
                    outcome: AssetOutcome::Cancelled,
                },
                rendition,
                n: listed.position,
                file: None,
                asset: listed.asset.as_ref().ok(),
                own: Own::default(),
                state: State::Settled,
            };
            match (&listed.asset, listed.delivery(&rendition.make)) {
                (Ok(asset), Some(delivery)) => {
                    item.entry.name.clone_from(&asset.name);
                    item.entry.asset_type = Some(asset.kind);
                    item.entry.source = asset.file.as_ref().map(|file| file.path.to_string());
                    item.file.clone_from(&asset.file);
                    let presets = presets.entry(asset.scope).or_insert_with(|| {
                        precedence::presets(bench.library.images(), asset.scope, bench.macros)
                    });
                    begin(&mut item, (bench, presets), asset, delivery);
                }
                // Stopped while it was waited for: it might have come yet.
                (Err(Fault::NotFound { .. } | Fault::NothingMatches), _)
                    if bench.cancel.asked() == Ask::Stop => {}
                (Err(fault), _) => item.fail(fault.clone()),
                (Ok(_), None) => item.fail(unexpected()),
            }
            items.push(item);
        }
    }
    items
}

fn begin(
    item: &mut Item<'_>,
    (bench, presets): (&Bench<'_>, &Presets),
    asset: &Asset,
    delivery: Delivery,
) {
    if let Delivery::NotExportable(reason) = delivery {
        return item.settle(AssetOutcome::NotExportable { reason: reason.to_string() });
    }
    if item.file.is_none() {
        return item.fail(match asset.kind {
            AssetType::Template => Fault::Modifiers {
                message: "a template is made of layers, which are not supported yet".into(),
                help: Some("list the pictures that it is made of".into()),
            },
            _ => Fault::NotFound { nearest: None },
        });
    }
    item.state = match (delivery, &item.rendition.make) {
        (Delivery::CopyWithWarning(reason), _) => {
            State::Copy { warnings: vec![reason.to_string()] }
        }
        (Delivery::Convert, Make::Convert(recipe)) => {
            let own = Own::read(asset, presets, bench.defaults.rules());
            match (recipe.modifiers(asset.scope), own) {
                (Err(fault), _) | (_, Err(fault)) => return item.fail(fault),
                (Ok(_), Ok(own)) => {
                    item.own = own;
                    State::Convert
                }
            }
        }
        (Delivery::Copy | Delivery::Convert | Delivery::NotExportable(_), _) => {
            State::Copy { warnings: Vec::new() }
        }
    };
}

/// Probes, plans and names; afterwards every item is ready or settled.
fn prepare(
    job: &ExportJob,
    bench: &Bench<'_>,
    items: &mut [Item<'_>],
) -> Result<BTreeMap<SourceFile, Stamp>, WorkError> {
    let (infos, stamps) = probe(bench, items)?;
    for item in &mut *items {
        let Some(file) = &item.file else { continue };
        match std::mem::replace(&mut item.state, State::Settled) {
            State::Settled => {}
            State::Copy { warnings } => match infos.get(file) {
                Some(Err(fault @ Fault::Mismatch { .. })) => item.fail(fault.clone()),
                // Whether it can be read is of no concern to a copy.
                Some(_) | None => make_ready(job, item, vec![None], warnings),
            },
            State::Convert => match infos.get(file) {
                // Stopped before it was looked at.
                None => item.settle(AssetOutcome::Cancelled),
                Some(Ok(info)) => plan_item(job, bench, item, info),
                // Of a kind that pictures are made of, but not by this release.
                Some(Err(Fault::UnsupportedSource { detail })) if may_stay(file) => {
                    let warning =
                        format!("cannot be converted ({detail}): the original is delivered");
                    make_ready(job, item, vec![None], vec![warning]);
                }
                Some(Err(fault)) => item.fail(fault.clone()),
            },
            ready @ State::Ready(_) => item.state = ready,
        }
    }
    // What headers said has become plans.
    drop(infos);
    find_collisions(items);
    Ok(stamps)
}

type Probed = BTreeMap<SourceFile, Result<SourceInfo, Fault>>;

/// Reads the header of each distinct source that is to be converted, or whose name promises a
/// picture, and notes its state.
fn probe(
    bench: &Bench<'_>,
    items: &[Item<'_>],
) -> Result<(Probed, BTreeMap<SourceFile, Stamp>), WorkError> {
    let mut files: Vec<&SourceFile> = items
        .iter()
        .filter_map(|item| match (&item.state, &item.file) {
            (State::Convert, file) => file.as_ref(),
            (State::Copy { .. }, Some(file)) if promised(file).is_some() => Some(file),
            _ => None,
        })
        .collect();
    files.sort();
    files.dedup();
    let (mut infos, mut stamps) = (Probed::new(), BTreeMap::new());
    let mut next = 0;
    let mut hand_out = || {
        let file = *files.get(next)?;
        next += 1;
        Some((next - 1, file))
    };
    let mut waiting: BTreeMap<u64, &SourceFile> = BTreeMap::new();
    loop {
        match bench.cancel.asked() {
            Ask::Nothing => {}
            Ask::Suspend => return Err(WorkError::Suspended),
            // What was not looked at is cancelled like everything else.
            Ask::Stop => return Ok((infos, stamps)),
        }
        while bench.lane.room() > 0 {
            let Some((at, file)) = hand_out() else { break };
            match bench.library.open_source(file) {
                Err(fault) => {
                    infos.insert(file.clone(), Err(fault));
                }
                Ok((input, stamp)) => {
                    stamps.insert(file.clone(), stamp);
                    bench.lane.submit(at as u64, Task::Probe { input });
                    waiting.insert(at as u64, file);
                }
            }
        }
        if waiting.is_empty() {
            return Ok((infos, stamps));
        }
        let Some((tag, answer)) = bench.lane.wait(LISTEN) else {
            open(bench.lane)?;
            continue;
        };
        let Some(file) = waiting.remove(&tag) else { continue };
        let info = match answer {
            Ok(Answer::Probed(info)) => belies(file, info),
            Ok(_) => Err(unexpected()),
            Err(Fault::Mismatch { found, .. }) => Err(other_content(file, found)),
            Err(fault) => Err(fault),
        };
        infos.insert(file.clone(), info);
    }
}

/// Ends the work when the pool was ended under it.
fn open(lane: &Lane) -> Result<(), WorkError> {
    if lane.is_open() { Ok(()) } else { Err(WorkError::Suspended) }
}

fn unexpected() -> Fault {
    Fault::Internal { detail: "a worker answered something else than it was asked".into() }
}

/// Plans every page of an item, and names what will be made.
fn plan_item(job: &ExportJob, bench: &Bench<'_>, item: &mut Item<'_>, info: &SourceInfo) {
    let Make::Convert(recipe) = &item.rendition.make else { return };
    let Some(asset) = item.asset else { return };
    let Ok(asked) = recipe.modifiers(asset.scope) else { return };
    let modifiers = item.own.around(asked);
    let mut defaults = precedence::defaults(bench.defaults, &asset.attributes);
    match bench.beside().colors(asset.scope, defaults.colors, modifiers.profile()) {
        Ok(colors) => defaults.colors = colors,
        Err(fault) => return item.fail(fault),
    }
    let (mut plans, mut warnings) = (Vec::new(), Vec::new());
    for page in info.each_page() {
        match plan(&modifiers, &page, &defaults) {
            Ok(planned) => {
                warnings.extend(planned.warnings.into_iter().map(|finding| finding.message));
                let types = [page.pixel_type, planned.plan.output.pixel_type];
                warnings.extend(precedence::missing_profiles(&defaults.colors, &types));
                plans.push(Some(planned.plan));
            }
            Err(finding) => {
                let fault = Fault::Modifiers { message: finding.message, help: finding.help };
                return item.fail(on_page(page.page, fault));
            }
        }
    }
    // Said before anything is made of it.
    let beside: BTreeSet<&Aux> = plans.iter().flatten().flat_map(|plan: &Plan| &plan.aux).collect();
    let open = |aux: &Aux| bench.beside().open(asset, aux);
    if let Some(fault) = beside.into_iter().find_map(|aux| open(aux).err()) {
        return item.fail(fault);
    }
    // Pages mostly have the same to say.
    let mut said = BTreeSet::new();
    warnings.retain(|warning| said.insert(warning.clone()));
    make_ready(job, item, plans, warnings);
}

/// Says which page a fault is about, where there are pages.
fn on_page(page: Option<u32>, fault: Fault) -> Fault {
    match (page, fault) {
        (None, fault) | (Some(_), fault @ Fault::Page { .. }) => fault,
        (Some(number), fault) => Fault::Page { number, fault: Box::new(fault) },
    }
}

/// Names the files of an item; a plan that is `None` copies.
fn make_ready(
    job: &ExportJob,
    item: &mut Item<'_>,
    plans: Vec<Option<Plan>>,
    warnings: Vec<String>,
) {
    let Some(file) = &item.file else { return };
    let named = |plan: Option<Plan>| {
        let size = plan.as_ref().map(|plan| plan.reply);
        let extension = match &plan {
            Some(plan) => Some(plan.extension.as_str()),
            None => file.path.extension(),
        };
        let mut filled = item.rendition.output_name.fill(&Filling {
            path: file.path.parent().unwrap_or(""),
            stem: file.path.stem(),
            size: size.map(|size| (size.width, size.height)),
            n: item.n,
            job_name: job.name.as_str(),
            rendition: item.rendition.name.as_deref().unwrap_or(""),
        });
        if let Some(number) = plan.as_ref().and_then(|plan| plan.page) {
            filled.push_str(&format!("-{number}"));
        }
        output_name(&filled, extension).map(|output| Planned { plan, output })
    };
    // Kept for every asset until it is made, and mostly of one file: no room for more.
    let mut files = Vec::with_capacity(plans.len());
    for named in plans.into_iter().map(named) {
        match named {
            Ok(file) => files.push(file),
            Err(fault) => return item.fail(fault),
        }
    }
    item.state = State::Ready(Box::new(Made { files, warnings }));
}

fn find_collisions(items: &mut [Item<'_>]) {
    let mut places = Vec::new();
    let mut wanted = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if let State::Ready(ready) = &item.state {
            for output in ready.outputs() {
                places.push(at);
                wanted.push((output, item.entry.handle.as_str()));
            }
        }
    }
    for (place, fault) in collisions(&wanted) {
        items[places[place]].fail(fault);
    }
}

/// Takes over what an earlier attempt has done and is still staged.
fn recall(stage: &Stage, items: &mut [Item<'_>], known: &[AssetEntry]) {
    let key =
        |entry: &AssetEntry| (entry.handle.clone(), entry.rendition.clone(), entry.source.clone());
    let known: BTreeMap<_, &AssetEntry> = known.iter().map(|entry| (key(entry), entry)).collect();
    for item in items {
        let State::Ready(ready) = &item.state else { continue };
        let Some(before) = known.get(&key(&item.entry)) else { continue };
        let same_names = before.outcome.files().iter().map(|file| &file.output).eq(ready.outputs());
        if same_names && stage.holds(&before.outcome) {
            let outcome = before.outcome.clone();
            item.settle(outcome);
        }
    }
}

/// Counts what is over and says so.
struct Watch<'t> {
    total: usize,
    counts: Counts,
    tell: &'t mut dyn FnMut(Event<'_>) -> Result<(), WorkError>,
}

impl<'t> Watch<'t> {
    fn new(
        items: &[Item<'_>],
        tell: &'t mut dyn FnMut(Event<'_>) -> Result<(), WorkError>,
    ) -> Self {
        Self { total: items.len(), counts: Counts::default(), tell }
    }

    /// Counts what is over without having to be journalled: it is found again, or was before.
    #[expect(clippy::cast_precision_loss, reason = "a share that is shown in per cent")]
    fn counted(&mut self, entry: &AssetEntry) -> Result<(), WorkError> {
        self.counts.add(&entry.outcome);
        let done = self.counts.total_file_count as f64 / self.total.max(1) as f64;
        (self.tell)(Event::Progress(&Progress { done, counts: self.counts }))
    }

    fn settled(&mut self, entry: &AssetEntry) -> Result<(), WorkError> {
        (self.tell)(Event::Asset(entry))?;
        self.counted(entry)
    }
}

/// The making of all outputs, while it goes on.
struct Making<'m, 'j, 't> {
    job: &'j ExportJob,
    bench: &'m Bench<'m>,
    stage: &'m Stage,
    items: &'m mut [Item<'j>],
    watch: Watch<'t>,
    /// What each source was like when its header was read.
    stamps: BTreeMap<SourceFile, Stamp>,
    /// The files that are made of items that are not over.
    made: BTreeMap<usize, BTreeMap<usize, Delivered>>,
    /// What is to be handed out, the next one last.
    queue: Vec<Batch>,
    running: BTreeMap<u64, AtWork>,
    next_tag: u64,
}

/// A batch that a worker has.
struct AtWork {
    batch: Batch,
    /// What its source was like when it was handed out.
    stamp: Stamp,
    errand: Errand,
}

/// What a worker was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errand {
    /// To make the outputs.
    Outputs,
    /// To read the header again, because the source is another than it was.
    Header,
}

impl Making<'_, '_, '_> {
    /// Keeps the lane busy until every item is settled.
    fn run(&mut self) -> Result<(), WorkError> {
        self.queue = batches(self.items);
        self.queue.reverse();
        let mut give_up = None;
        let mut stopping = false;
        loop {
            match self.bench.cancel.asked() {
                Ask::Nothing => {}
                Ask::Stop => {
                    self.queue.clear();
                    if !std::mem::replace(&mut stopping, true) {
                        (self.watch.tell)(Event::Stopping)?;
                    }
                }
                Ask::Suspend => {
                    self.queue.clear();
                    let until = *give_up.get_or_insert_with(|| Instant::now() + GRACE);
                    if self.running.is_empty() || Instant::now() >= until {
                        return Err(WorkError::Suspended);
                    }
                }
            }
            while self.bench.lane.room() > 0 {
                let Some(batch) = self.queue.pop() else { break };
                self.hand_out(batch)?;
            }
            if self.running.is_empty() {
                self.discard_unfinished();
                return Ok(());
            }
            let Some((tag, answer)) = self.bench.lane.wait(LISTEN) else {
                open(self.bench.lane)?;
                continue;
            };
            if let Some(at_work) = self.running.remove(&tag) {
                self.take_back(at_work, answer)?;
            }
        }
    }

    fn submit(&mut self, task: Task, at_work: AtWork) {
        self.bench.lane.submit(self.next_tag, task);
        self.running.insert(self.next_tag, at_work);
        self.next_tag += 1;
    }

    /// Gives a batch to a worker, without what has become useless meanwhile: the other pages of
    /// a document one page of which has failed.
    fn hand_out(&mut self, mut batch: Batch) -> Result<(), WorkError> {
        let aux = self.beside(&batch)?;
        batch.outputs.retain(|wanted| self.is_ready(wanted.item));
        if batch.outputs.is_empty() {
            return Ok(());
        }
        match self.task(&batch, aux) {
            Ok((task, stamp)) => {
                self.submit(task, AtWork { batch, stamp, errand: Errand::Outputs });
                Ok(())
            }
            Err(fault) => self.fail_all(&batch, &fault),
        }
    }

    fn is_ready(&self, item: usize) -> bool {
        matches!(self.items[item].state, State::Ready(_))
    }

    /// Opens what the plans of a batch name beside their source, each once. What cannot be opened
    /// fails the items that need it, and no other.
    fn beside(&mut self, batch: &Batch) -> Result<Vec<(Aux, File)>, WorkError> {
        let mut files: BTreeMap<Aux, Result<File, Fault>> = BTreeMap::new();
        let mut missing: BTreeMap<usize, Fault> = BTreeMap::new();
        for wanted in &batch.outputs {
            let State::Ready(ready) = &self.items[wanted.item].state else { continue };
            for aux in ready.files.get(wanted.file).into_iter().flat_map(Planned::aux) {
                let file = files.entry(aux.clone());
                let opened = file.or_insert_with(|| match self.items[wanted.item].asset {
                    Some(asset) => self.bench.beside().open(asset, aux),
                    None => Err(unexpected()),
                });
                if let Err(fault) = opened {
                    missing.entry(wanted.item).or_insert_with(|| fault.clone());
                }
            }
        }
        for (at, fault) in missing {
            self.fail(at, fault)?;
        }
        Ok(files.into_iter().filter_map(|(aux, file)| Some((aux, file.ok()?))).collect())
    }

    /// Opens what a batch needs; outputs are made empty.
    fn task(&self, batch: &Batch, aux: Vec<(Aux, File)>) -> Result<(Task, Stamp), Fault> {
        let Some(file) = self.source(batch) else { return Err(unexpected()) };
        let (input, stamp) = self.bench.library.open_source(file)?;
        let (mut plans, mut outputs): (Vec<Plan>, Vec<File>) = (Vec::new(), Vec::new());
        for &Wanted { file, item } in &batch.outputs {
            let State::Ready(ready) = &self.items[item].state else { return Err(unexpected()) };
            let Some(Planned { plan, output }) = ready.files.get(file) else {
                return Err(unexpected());
            };
            let output = self.stage.create(output)?;
            match plan {
                None => return Ok((Task::Copy { input, output }, stamp)),
                Some(plan) => {
                    plans.push(plan.clone());
                    outputs.push(output);
                }
            }
        }
        Ok((Task::Convert { input, aux, plans, outputs }, stamp))
    }

    fn source(&self, batch: &Batch) -> Option<&SourceFile> {
        self.items[batch.outputs.first()?.item].file.as_ref()
    }

    fn fail_all(&mut self, batch: &Batch, fault: &Fault) -> Result<(), WorkError> {
        batch.items().into_iter().try_for_each(|at| self.fail(at, fault.clone()))
    }

    /// Ends an item that is not over, with all that was made of it; what workers still write for
    /// it goes into files without a name.
    fn fail(&mut self, at: usize, fault: Fault) -> Result<(), WorkError> {
        let State::Ready(ready) = &self.items[at].state else { return Ok(()) };
        for output in ready.outputs() {
            self.stage.discard(output);
        }
        self.made.remove(&at);
        self.items[at].fail(fault);
        self.watch.settled(&self.items[at].entry)
    }

    /// Removes the pages of documents that a stop has left unfinished.
    fn discard_unfinished(&mut self) {
        for at in std::mem::take(&mut self.made).into_keys() {
            if let State::Ready(ready) = &self.items[at].state {
                ready.outputs().for_each(|output| self.stage.discard(output));
            }
        }
    }

    fn take_back(
        &mut self,
        AtWork { mut batch, stamp, errand }: AtWork,
        answer: Result<Answer, Fault>,
    ) -> Result<(), WorkError> {
        match errand {
            Errand::Outputs if self.changed(&batch, stamp) => {
                batch.tries += 1;
                // Of a document in several batches some may have been made before the change.
                if batch.tries == TRIES || !self.is_whole(&batch) {
                    return self.fail_all(&batch, &Fault::KeepsChanging);
                }
                self.look_again(batch)
            }
            Errand::Outputs => self.settle(&batch, answer),
            Errand::Header => match answer {
                Ok(Answer::Probed(info)) => self.plan_again(&batch, &info),
                Ok(_) => self.fail_all(&batch, &unexpected()),
                Err(fault) => self.fail_all(&batch, &fault),
            },
        }
    }

    /// Tells whether a batch makes all that is made of its items.
    fn is_whole(&self, batch: &Batch) -> bool {
        let files = |at: usize| match &self.items[at].state {
            State::Ready(ready) => ready.files.len(),
            State::Copy { .. } | State::Convert | State::Settled => 0,
        };
        batch.outputs.len() >= batch.items().into_iter().map(files).sum()
    }

    /// Tells whether the source is another than when its header was read, or than when it was
    /// handed out.
    fn changed(&self, batch: &Batch, stamp: Stamp) -> bool {
        let Some(file) = self.source(batch) else { return false };
        if self.stamps.get(file).is_some_and(|read| read.content() != stamp.content()) {
            return true;
        }
        match self.bench.library.open_source(file) {
            Ok((_, now)) => now.content() != stamp.content(),
            // Gone since: what was read is what was there.
            Err(_) => false,
        }
    }

    /// Reads the header of a source that has changed, if it was read before.
    fn look_again(&mut self, batch: Batch) -> Result<(), WorkError> {
        let Some(file) = self.source(&batch).cloned() else {
            return self.fail_all(&batch, &unexpected());
        };
        match self.bench.library.open_source(&file) {
            Err(fault) => self.fail_all(&batch, &fault),
            Ok((input, stamp)) => {
                if self.stamps.insert(file, stamp).is_some() {
                    let errand = Errand::Header;
                    self.submit(Task::Probe { input }, AtWork { batch, stamp, errand });
                } else {
                    self.queue.push(batch);
                }
                Ok(())
            }
        }
    }

    /// Plans a batch anew, for a source that has changed; names are fixed and must stay.
    fn plan_again(&mut self, batch: &Batch, info: &SourceInfo) -> Result<(), WorkError> {
        for at in batch.items() {
            let item = &mut self.items[at];
            let State::Ready(before) = std::mem::replace(&mut item.state, State::Settled) else {
                continue;
            };
            if before.files.iter().any(|file| file.plan.is_none()) {
                item.state = State::Ready(before);
                continue;
            }
            plan_item(self.job, self.bench, item, info);
            if matches!(&item.state, State::Ready(now) if !now.outputs().eq(before.outputs())) {
                item.fail(Fault::KeepsChanging);
            }
            if !matches!(item.state, State::Ready(_)) {
                before.outputs().for_each(|output| self.stage.discard(output));
                self.watch.settled(&item.entry)?;
            }
        }
        let outputs: Vec<Wanted> =
            batch.outputs.iter().copied().filter(|wanted| self.is_ready(wanted.item)).collect();
        if !outputs.is_empty() {
            self.queue.push(Batch { outputs, tries: batch.tries });
        }
        Ok(())
    }

    /// Turns a worker's answer into outcomes.
    fn settle(&mut self, batch: &Batch, answer: Result<Answer, Fault>) -> Result<(), WorkError> {
        let results: Vec<Result<Written, Fault>> = match answer {
            Ok(Answer::Copied(written)) => vec![Ok(written)],
            Ok(Answer::Converted(results)) if results.len() == batch.outputs.len() => results,
            Ok(_) => vec![Err(unexpected()); batch.outputs.len()],
            Err(fault) => vec![Err(fault); batch.outputs.len()],
        };
        for (&wanted, result) in batch.outputs.iter().zip(results) {
            match result {
                Ok(written) => self.deliver(wanted, written)?,
                Err(fault) => {
                    self.fail(wanted.item, on_page(self.page(wanted), fault))?;
                }
            }
        }
        Ok(())
    }

    /// Returns the number of the page an output shows, from 1.
    fn page(&self, wanted: Wanted) -> Option<u32> {
        let State::Ready(ready) = &self.items[wanted.item].state else { return None };
        ready.files.get(wanted.file)?.plan.as_ref()?.page
    }

    /// Notes a file that is made; with the last one its item is over.
    fn deliver(&mut self, wanted: Wanted, written: Written) -> Result<(), WorkError> {
        let item = &mut self.items[wanted.item];
        let State::Ready(ready) = &item.state else { return Ok(()) };
        let Some(file) = ready.files.get(wanted.file) else { return Ok(()) };
        let made = self.made.entry(wanted.item).or_default();
        made.insert(wanted.file, delivered(file, written));
        if made.len() < ready.files.len() {
            return Ok(());
        }
        let mut files: Vec<Delivered> = std::mem::take(made).into_values().collect();
        files.shrink_to_fit();
        self.made.remove(&wanted.item);
        let State::Ready(ready) = std::mem::replace(&mut item.state, State::Settled) else {
            return Ok(());
        };
        item.entry.outcome = outcome(*ready, files);
        self.watch.settled(&item.entry)
    }
}

fn delivered(planned: &Planned, written: Written) -> Delivered {
    let size = planned.plan.as_ref().map(|plan| plan.reply);
    Delivered {
        output: planned.output.clone(),
        bytes: written.bytes,
        sha256: written.sha256,
        width: size.map(|size| size.width),
        height: size.map(|size| size.height),
        change: Change::New,
    }
}

fn outcome(Made { files: planned, warnings }: Made, files: Vec<Delivered>) -> AssetOutcome {
    let copied = planned.iter().all(|file| file.plan.is_none());
    match <[Delivered; 1]>::try_from(files) {
        Ok([file]) if copied => AssetOutcome::Copied { file, warnings },
        Ok(one) => AssetOutcome::Converted { files: one.into(), warnings },
        Err(files) => AssetOutcome::Converted { files, warnings },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read_back_as_the_step_it_is() {
        let place = Place::Run(RelPath::parse("spring_2026").unwrap());
        let entries = vec![AssetEntry {
            handle: "a.jpg".into(),
            name: "a.jpg".into(),
            asset_type: None,
            rendition: None,
            source: None,
            outcome: AssetOutcome::Cancelled,
        }];
        let decided = Decided::Publish { place: &place, entries: &entries, stopped: true };
        let read: Step = serde_json::from_str(&serde_json::to_string(&decided).unwrap()).unwrap();
        assert_eq!(read, Step::Publish { place, entries, stopped: true });
    }
}
