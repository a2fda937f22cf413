//! The work of one job: probe, plan, name, convert.
//!
//! [`work`] turns an [`ExportJob`] into one [`AssetEntry`] for each asset and rendition, with the
//! outputs staged. It runs in the job's own thread and does nothing heavy itself: headers are
//! probed, pictures converted and originals copied by the worker pool, which it keeps busy through
//! its lane. What has been done is journalled asset by asset; a job that is taken up again after a
//! crash keeps every outcome whose staged files still have their hashes.
//!
//! One failing asset is an outcome, not an end.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::check::{ExportJob, Make, Rendition};
use super::log::{AssetEntry, AssetOutcome, Change, Counts, Delivered};
use super::manifest::Filling;
use super::names::{collisions, output_name};
use super::publish::{Place, Stage};
use crate::diag::Fault;
use crate::fs::{RelPath, Stamp};
use crate::imaging::SourceInfo;
use crate::imaging::formats::SourceFormat;
use crate::imaging::modifiers::{self, Modifiers, Presets, Rules};
use crate::imaging::plan::{Defaults, Plan, plan};
use crate::library::{Asset, Delivery, Library, SourceFile};
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
        /// Why they could not be put there, if so.
        fault: Option<Fault>,
    },
}

/// Asks a running job to end early.
#[derive(Debug, Default)]
pub struct Cancel(AtomicU8);

/// Why a job should end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Go on.
    Nothing,
    /// A person stopped the job: what is not begun is cancelled.
    Stop,
    /// The daemon stops: the job is taken up again later.
    Suspend,
}

impl Cancel {
    /// Asks; a stop is never taken back by a suspension.
    pub fn ask(&self, ask: Ask) {
        let level = match ask {
            Ask::Nothing => 0,
            Ask::Suspend => 1,
            Ask::Stop => 2,
        };
        self.0.fetch_max(level, Ordering::SeqCst);
    }

    /// Returns what is asked.
    #[must_use]
    pub fn asked(&self) -> Ask {
        match self.0.load(Ordering::SeqCst) {
            0 => Ask::Nothing,
            1 => Ask::Suspend,
            _ => Ask::Stop,
        }
    }
}

/// What the work of a job needs.
pub struct Bench<'a> {
    /// Where sources come from.
    pub library: &'a Library,
    /// Who does the work.
    pub lane: &'a Lane,
    /// Attributes of the engine.
    pub defaults: &'a Defaults,
    /// What a catalogue's modifiers may name.
    pub presets: &'a Presets,
    /// Whether to end early.
    pub cancel: &'a Cancel,
}

/// What a run is told while it works.
pub enum Event<'e> {
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
    state: State,
}

enum State {
    /// To be copied as it is.
    Copy { warnings: Vec<String> },
    /// To be converted; the plan follows the probe.
    Convert { own: Option<Modifiers> },
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
        watch.settled(&item.entry)?;
    }
    convert(&Shop { bench, stage, stamps }, &mut items, &mut watch)?;
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
    /// How; `None` copies.
    pub plan: Option<Plan>,
    /// Its name.
    pub output: RelPath,
    /// What is worth knowing.
    pub warnings: Vec<String>,
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
                State::Copy { .. } | State::Convert { .. } | State::Settled => None,
            },
        })
        .collect())
}

/// Makes an item of each asset in each rendition.
fn list<'j>(job: &'j ExportJob, bench: &Bench<'_>) -> Vec<Item<'j>> {
    let mut items = Vec::new();
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
                state: State::Settled,
            };
            match (&listed.asset, listed.delivery(&rendition.make)) {
                (Ok(asset), Some(delivery)) => {
                    item.entry.name.clone_from(&asset.name);
                    item.entry.asset_type = Some(asset.kind);
                    item.entry.source = asset.file.as_ref().map(|file| file.path.to_string());
                    item.file.clone_from(&asset.file);
                    begin(&mut item, bench, asset, delivery);
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

fn begin(item: &mut Item<'_>, bench: &Bench<'_>, asset: &Asset, delivery: Delivery) {
    if let Delivery::NotExportable(reason) = delivery {
        return item.settle(AssetOutcome::NotExportable { reason: reason.to_string() });
    }
    if item.file.is_none() {
        return item.fail(Fault::NotFound { nearest: None });
    }
    item.state = match (delivery, &item.rendition.make) {
        (Delivery::CopyWithWarning(reason), _) => {
            State::Copy { warnings: vec![reason.to_string()] }
        }
        (Delivery::Convert, Make::Convert(recipe)) => {
            match (&recipe.modifiers, own(bench, asset)) {
                (Err(fault), _) => return item.fail(fault.clone()),
                (_, Err(fault)) => return item.fail(fault),
                (Ok(_), Ok(own)) => State::Convert { own },
            }
        }
        (Delivery::Copy | Delivery::Convert | Delivery::NotExportable(_), _) => {
            State::Copy { warnings: Vec::new() }
        }
    };
}

/// Reads the modifiers that the catalogue gives an asset.
fn own(bench: &Bench<'_>, asset: &Asset) -> Result<Option<Modifiers>, Fault> {
    let Some(text) = &asset.modifier else { return Ok(None) };
    let rules = Rules { strict: bench.defaults.strict, lenient: bench.defaults.lenient };
    let parsed = modifiers::parse(text, bench.presets, rules);
    match parsed.error() {
        None => Ok(Some(parsed.modifiers)),
        Some(error) => Err(Fault::Modifiers {
            message: format!("its catalogue entry is wrong: {}", error.message),
            help: error.help.clone(),
        }),
    }
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
            State::Copy { warnings } => make_ready(job, item, None, warnings),
            State::Convert { own } => match &infos[file] {
                Ok(info) => plan_item(job, bench, item, info, own.as_ref()),
                // Of a kind that pictures are made of, but not by this release.
                Err(Fault::UnsupportedSource { detail }) if promised(file).is_none() => {
                    let warning =
                        format!("cannot be converted ({detail}): the original is delivered");
                    make_ready(job, item, None, vec![warning]);
                }
                Err(fault) => item.fail(fault.clone()),
            },
            ready @ State::Ready(_) => item.state = ready,
        }
    }
    find_collisions(items);
    Ok(stamps)
}

type Probed = BTreeMap<SourceFile, Result<SourceInfo, Fault>>;

/// Reads the header of each distinct source that is to be converted, and notes its state.
fn probe(
    bench: &Bench<'_>,
    items: &[Item<'_>],
) -> Result<(Probed, BTreeMap<SourceFile, Stamp>), WorkError> {
    let mut files: Vec<&SourceFile> = items
        .iter()
        .filter(|item| matches!(item.state, State::Convert { .. }))
        .filter_map(|item| item.file.as_ref())
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
        if bench.cancel.asked() == Ask::Suspend {
            return Err(WorkError::Suspended);
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

/// Returns the format that a file's suffix promises.
fn promised(file: &SourceFile) -> Option<SourceFormat> {
    file.path.extension().and_then(SourceFormat::promised_by)
}

/// Refuses content that is another picture than the suffix says.
fn belies(file: &SourceFile, info: SourceInfo) -> Result<SourceInfo, Fault> {
    match promised(file) {
        Some(promised) if promised != info.format => {
            Err(other_content(file, info.format.with_article().to_owned()))
        }
        Some(_) | None => Ok(info),
    }
}

/// Says why content that is not what it should be cannot be converted: the suffix lies, or this
/// release does not read such files.
fn other_content(file: &SourceFile, found: String) -> Fault {
    match promised(file) {
        Some(promised) => Fault::Mismatch { named: promised.with_article().to_owned(), found },
        None => Fault::UnsupportedSource { detail: format!("it holds {found}") },
    }
}

fn plan_item(
    job: &ExportJob,
    bench: &Bench<'_>,
    item: &mut Item<'_>,
    info: &SourceInfo,
    own: Option<&Modifiers>,
) {
    let Make::Convert(recipe) = &item.rendition.make else { return };
    let Ok(asked) = &recipe.modifiers else { return };
    let modifiers = match own {
        Some(own) => asked.clone().over(own),
        None => asked.clone(),
    };
    match plan(&modifiers, info, bench.defaults) {
        Ok(planned) => {
            let warnings = planned.warnings.into_iter().map(|finding| finding.message).collect();
            make_ready(job, item, Some(planned.plan), warnings);
        }
        Err(finding) => {
            item.fail(Fault::Modifiers { message: finding.message, help: finding.help });
        }
    }
}

fn make_ready(job: &ExportJob, item: &mut Item<'_>, plan: Option<Plan>, warnings: Vec<String>) {
    let Some(file) = &item.file else { return };
    let size = plan.as_ref().map(|plan| plan.reply);
    let extension = match &plan {
        Some(plan) => Some(plan.extension.as_str()),
        None => file.path.extension(),
    };
    let filled = item.rendition.output_name.fill(&Filling {
        path: file.path.parent().unwrap_or(""),
        stem: file.path.stem(),
        size: size.map(|size| (size.width, size.height)),
        n: item.n,
        job_name: job.name.as_str(),
        rendition: item.rendition.name.as_deref().unwrap_or(""),
    });
    match output_name(&filled, extension) {
        Ok(output) => item.state = State::Ready(Box::new(Made { plan, output, warnings })),
        Err(fault) => item.fail(fault),
    }
}

fn find_collisions(items: &mut [Item<'_>]) {
    let mut places = Vec::new();
    let mut wanted = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if let State::Ready(ready) = &item.state {
            places.push(at);
            wanted.push((&ready.output, item.entry.handle.as_str()));
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
        let same_name = before.outcome.files().iter().all(|file| file.output == ready.output);
        if !before.outcome.files().is_empty() && same_name && stage.holds(&before.outcome) {
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

    #[expect(clippy::cast_precision_loss, reason = "a share that is shown in per cent")]
    fn settled(&mut self, entry: &AssetEntry) -> Result<(), WorkError> {
        self.counts.add(&entry.outcome);
        (self.tell)(Event::Asset(entry))?;
        let done = self.counts.total_file_count as f64 / self.total.max(1) as f64;
        (self.tell)(Event::Progress(&Progress { done, counts: self.counts }))
    }
}

/// Everything that is made from one source at once: it is decoded once.
struct Batch {
    items: Vec<usize>,
    tries: u32,
}

fn batches(items: &[Item<'_>]) -> Vec<Batch> {
    let mut by_source: BTreeMap<(&SourceFile, bool), Vec<usize>> = BTreeMap::new();
    let mut order = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let (State::Ready(ready), Some(file)) = (&item.state, &item.file) else { continue };
        // Each copy is a task of its own.
        let converted = ready.plan.is_some();
        let group = by_source.entry((file, converted)).or_default();
        if group.is_empty() || !converted {
            order.push(vec![at]);
            group.push(order.len() - 1);
        } else {
            order[group[0]].push(at);
        }
    }
    order.into_iter().map(|items| Batch { items, tries: 0 }).collect()
}

/// What the making of outputs needs beyond the bench.
struct Shop<'a> {
    bench: &'a Bench<'a>,
    stage: &'a Stage,
    /// What each source was like when it was probed.
    stamps: BTreeMap<SourceFile, Stamp>,
}

/// Keeps the lane busy until every item is settled.
fn convert(
    shop: &Shop<'_>,
    items: &mut [Item<'_>],
    watch: &mut Watch<'_>,
) -> Result<(), WorkError> {
    let mut queue = batches(items);
    queue.reverse();
    let mut running: BTreeMap<u64, (Batch, Stamp)> = BTreeMap::new();
    let mut next_tag = 0;
    let mut give_up = None;
    loop {
        match shop.bench.cancel.asked() {
            Ask::Nothing => {}
            Ask::Stop => queue.clear(),
            Ask::Suspend => {
                queue.clear();
                let until = *give_up.get_or_insert_with(|| Instant::now() + GRACE);
                if running.is_empty() || Instant::now() >= until {
                    return Err(WorkError::Suspended);
                }
            }
        }
        while shop.bench.lane.room() > 0 {
            let Some(batch) = queue.pop() else { break };
            match hand_out(shop, items, &batch) {
                Ok((task, stamp)) => {
                    shop.bench.lane.submit(next_tag, task);
                    running.insert(next_tag, (batch, stamp));
                    next_tag += 1;
                }
                Err(fault) => fail_all(items, &batch, &fault, watch)?,
            }
        }
        if running.is_empty() {
            return Ok(());
        }
        let Some((tag, answer)) = shop.bench.lane.wait(LISTEN) else {
            open(shop.bench.lane)?;
            continue;
        };
        let Some((mut batch, stamp)) = running.remove(&tag) else { continue };
        if changed(shop, items, &batch, stamp) {
            batch.tries += 1;
            if batch.tries < TRIES {
                queue.push(batch);
            } else {
                fail_all(items, &batch, &Fault::KeepsChanging, watch)?;
            }
            continue;
        }
        take_back(shop, items, &batch, answer, watch)?;
    }
}

/// Opens what a batch needs; outputs are made empty.
fn hand_out(shop: &Shop<'_>, items: &[Item<'_>], batch: &Batch) -> Result<(Task, Stamp), Fault> {
    let first = &items[batch.items[0]];
    let Some(file) = &first.file else { return Err(unexpected()) };
    let (input, stamp) = shop.bench.library.open_source(file)?;
    let (mut plans, mut outputs): (Vec<Plan>, Vec<File>) = (Vec::new(), Vec::new());
    for &at in &batch.items {
        let State::Ready(ready) = &items[at].state else { return Err(unexpected()) };
        let output = shop.stage.create(&ready.output)?;
        match &ready.plan {
            None => return Ok((Task::Copy { input, output }, stamp)),
            Some(plan) => {
                plans.push(plan.clone());
                outputs.push(output);
            }
        }
    }
    Ok((Task::Convert { input, plans, outputs }, stamp))
}

/// Tells whether the source is another than when it was probed, or than when it was handed out.
fn changed(shop: &Shop<'_>, items: &[Item<'_>], batch: &Batch, stamp: Stamp) -> bool {
    let Some(file) = &items[batch.items[0]].file else { return false };
    if shop.stamps.get(file).is_some_and(|probed| probed.content() != stamp.content()) {
        return true;
    }
    match shop.bench.library.open_source(file) {
        Ok((_, now)) => now.content() != stamp.content(),
        // Gone since: what was read is what was there.
        Err(_) => false,
    }
}

fn fail_all(
    items: &mut [Item<'_>],
    batch: &Batch,
    fault: &Fault,
    watch: &mut Watch<'_>,
) -> Result<(), WorkError> {
    for &at in &batch.items {
        items[at].fail(fault.clone());
        watch.settled(&items[at].entry)?;
    }
    Ok(())
}

/// Turns a worker's answer into outcomes.
fn take_back(
    shop: &Shop<'_>,
    items: &mut [Item<'_>],
    batch: &Batch,
    answer: Result<Answer, Fault>,
    watch: &mut Watch<'_>,
) -> Result<(), WorkError> {
    let results: Vec<Result<Written, Fault>> = match answer {
        Ok(Answer::Copied(written)) => vec![Ok(written)],
        Ok(Answer::Converted(results)) if results.len() == batch.items.len() => results,
        Ok(_) => vec![Err(unexpected()); batch.items.len()],
        Err(fault) => vec![Err(fault); batch.items.len()],
    };
    for (&at, result) in batch.items.iter().zip(results) {
        let item = &mut items[at];
        let State::Ready(ready) = std::mem::replace(&mut item.state, State::Settled) else {
            continue;
        };
        match result {
            Ok(written) => item.entry.outcome = delivered(*ready, written),
            Err(fault) => {
                shop.stage.discard(&ready.output);
                item.fail(fault);
            }
        }
        watch.settled(&item.entry)?;
    }
    Ok(())
}

fn delivered(ready: Made, written: Written) -> AssetOutcome {
    let size = ready.plan.as_ref().map(|plan| plan.reply);
    let file = Delivered {
        output: ready.output,
        bytes: written.bytes,
        sha256: written.sha256,
        width: size.map(|size| size.width),
        height: size.map(|size| size.height),
        change: Change::New,
    };
    match ready.plan {
        None => AssetOutcome::Copied { file, warnings: ready.warnings },
        Some(_) => AssetOutcome::Converted { files: vec![file], warnings: ready.warnings },
    }
}
