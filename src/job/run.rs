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

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

mod batches;
mod cancel;
mod look;
mod prepare;
mod suffix;

pub use cancel::{Ask, Cancel};

use batches::{Batch, Wanted, batches};
use prepare::{Alike, Stamps, list, on_page, open, plan_item, prepare, unexpected};

use super::beside::Beside;
use super::check::{ExportJob, Rendition};
use super::log::{AssetEntry, AssetOutcome, Change, Counts, Delivered};
use super::precedence::Own;
use super::publish::{Place, Stage};
use crate::diag::{Fault, Phrase};
use crate::fs::{ContentHash, RelPath, Stamp};
use crate::imaging::plan::{Aux, Defaults, Plan, Space};
use crate::imaging::thumbnail::Thumbnail;
use crate::imaging::{PixelType, Showing, SourceInfo};
use crate::library::{Asset, Library, SourceFile};
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
    /// It is over because a person has stopped it; what is done stays staged.
    Stopped {
        /// When.
        end: jiff::Timestamp,
        /// Everything that came of the run.
        entries: Vec<AssetEntry>,
    },
    /// A person lets it go on, after a pause or a stop.
    Resumed,
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

/// [`Step::Publish`] and [`Step::Stopped`] as they are written: what a large run made need not be in memory twice.
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
    /// See [`Step::Stopped`].
    Stopped {
        /// When.
        end: jiff::Timestamp,
        /// Everything that came of the run.
        entries: &'a [AssetEntry],
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
    /// So many assets, from the first, are shown by thumbnails.
    pub shown: usize,
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
    /// Something can be shown.
    Thumbnail(Subject<'e>, &'e Thumbnail),
}

/// What a thumbnail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'e> {
    /// The source of that path below its asset root.
    Source(&'e str),
    /// The output of that name.
    Output(&'e RelPath),
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
    /// The daemon stops, or the job is paused; what is done is journalled.
    #[error("the job is taken up again later")]
    Suspended,
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The output's disk takes nothing, which says nothing about the job.
    #[error("{0}")]
    Output(Fault),
}

/// One asset in one rendition on its way.
struct Item<'j> {
    entry: AssetEntry,
    rendition: &'j Rendition,
    /// Position in the list, from 1.
    n: usize,
    file: Option<&'j SourceFile>,
    /// What it is; `None` when there is no such asset.
    asset: Option<&'j Asset>,
    /// What its catalogue asks for it, where it does.
    own: Option<Box<Own>>,
    state: State,
}

enum State {
    /// To be copied as it is.
    Copy { warnings: Vec<Phrase> },
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
        seen: BTreeSet::new(),
        alike: BTreeSet::new(),
    };
    making.run()?;
    making.look()?;
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
    pub warnings: Vec<Phrase>,
}

/// One file that will be made.
#[derive(Debug, Clone)]
pub struct Planned {
    /// How, shared with others of the same size; `None` copies.
    pub plan: Option<Arc<Plan>>,
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
    stamps: Stamps<'j>,
    /// The files that are made of items that are not over.
    made: BTreeMap<usize, BTreeMap<usize, Delivered>>,
    /// What is to be handed out, the next one last.
    queue: Vec<Batch>,
    running: BTreeMap<u64, AtWork>,
    next_tag: u64,
    /// The sources that have been shown, by the first item that has each.
    seen: BTreeSet<usize>,
    /// Items that look like their sources, pixel for pixel, and were made without decoding them.
    alike: BTreeSet<usize>,
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

impl<'j> Making<'_, 'j, '_> {
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
                Ask::Pause => {
                    self.queue.clear();
                    if self.running.is_empty() {
                        return Err(WorkError::Suspended);
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
            self.bench.lane.announce(self.queue.len());
            while self.bench.lane.room() > 0 {
                let Some(batch) = self.queue.pop() else { break };
                self.bench.lane.announce(self.queue.len());
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
                    plans.push(Plan::clone(plan));
                    outputs.push(output);
                }
            }
        }
        let shows = batch.outputs.iter().any(|wanted| wanted.is_shown(self.bench));
        let showing = if shows { Showing::Thumbnails } else { Showing::Nothing };
        Ok((Task::Convert { input, aux, plans, outputs, showing }, stamp))
    }

    fn source(&self, batch: &Batch) -> Option<&'j SourceFile> {
        self.items[batch.outputs.first()?.item].file
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
        if self.stamps.get(file).is_some_and(|read| read != stamp.content()) {
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
        let Some(file) = self.source(&batch) else {
            return self.fail_all(&batch, &unexpected());
        };
        match self.bench.library.open_source(file) {
            Err(fault) => self.fail_all(&batch, &fault),
            Ok((input, stamp)) => {
                if self.stamps.insert(file, stamp) {
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
        let mut alike = Alike::default();
        for at in batch.items() {
            let item = &mut self.items[at];
            let State::Ready(before) = std::mem::replace(&mut item.state, State::Settled) else {
                continue;
            };
            if before.files.iter().any(|file| file.plan.is_none()) {
                item.state = State::Ready(before);
                continue;
            }
            plan_item((self.job, self.bench), item, info, &mut alike);
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
            Ok(Answer::Converted(results, source)) if results.len() == batch.outputs.len() => {
                self.show_source(batch, source)?;
                results
            }
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
    fn deliver(&mut self, wanted: Wanted, mut written: Written) -> Result<(), WorkError> {
        let Ok(sha256) = written.sha256.parse() else {
            return self.fail(wanted.item, unexpected());
        };
        let item = &mut self.items[wanted.item];
        let State::Ready(ready) = &item.state else { return Ok(()) };
        let Some(file) = ready.files.get(wanted.file) else { return Ok(()) };
        match written.thumbnail.take() {
            _ if !wanted.is_shown(self.bench) => {}
            Some(thumbnail) => {
                let subject = Subject::Output(&file.output);
                (self.watch.tell)(Event::Thumbnail(subject, &thumbnail))?;
            }
            None if file.plan.as_deref().is_some_and(Plan::keeps_pixels) => {
                self.alike.insert(wanted.item);
            }
            None => {}
        }
        let made = self.made.entry(wanted.item).or_default();
        made.insert(wanted.file, delivered(file, written.bytes, sha256));
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

fn delivered(planned: &Planned, bytes: u64, sha256: ContentHash) -> Delivered {
    let size = planned.plan.as_ref().map(|plan| plan.reply);
    Delivered {
        output: planned.output.clone(),
        bytes,
        sha256,
        width: size.map(|size| size.width),
        height: size.map(|size| size.height),
        profile: planned.plan.as_deref().and_then(profile),
        change: Change::New,
    }
}

/// Names the colour profile of what a plan makes, where the plan alone knows it.
fn profile(plan: &Plan) -> Option<Cow<'static, str>> {
    match (&plan.output.conversion.to, plan.output.pixel_type) {
        (Space::Named(name), _) => Some(name.clone().into()),
        (Space::BuiltIn, PixelType::Rgb) => Some("sRGB".into()),
        (Space::BuiltIn | Space::Embedded | Space::Unknown, _) => None,
    }
}

fn outcome(Made { files: planned, warnings }: Made, files: Vec<Delivered>) -> AssetOutcome {
    let copied = planned.iter().all(|file| file.plan.is_none());
    match <[Delivered; 1]>::try_from(files) {
        Ok([file]) if copied => AssetOutcome::Copied { file: Box::new(file), warnings },
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
