//! From a list to plans and names: what is known of every output before any is made.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use super::suffix::{
    belies, belies_type, is_picture_by_catalogue, may_stay, other_content, promised,
};
use super::{Ask, Bench, Item, LISTEN, Made, Planned, State, WorkError};
use crate::diag::{Fault, Phrase, phrase};
use crate::fs::{Content, Stamp};
use crate::imaging::SourceInfo;
use crate::imaging::modifiers::Presets;
use crate::imaging::plan::{Aux, Plan, plan};
use crate::job::check::{ExportJob, Make};
use crate::job::log::{AssetEntry, AssetOutcome};
use crate::job::manifest::Filling;
use crate::job::names::{collisions, output_name};
use crate::job::precedence::{self, Own};
use crate::library::{Asset, AssetType, Delivery, SourceFile};
use crate::worker::{Answer, Lane, Task};

/// Makes an item of each asset in each rendition.
pub(super) fn list<'j>(job: &'j ExportJob, bench: &Bench<'_>) -> Vec<Item<'j>> {
    let listed = job.renditions.iter().map(|rendition| rendition.items.len()).sum();
    let mut items = Vec::with_capacity(listed);
    let mut presets = BTreeMap::new();
    for rendition in &job.renditions {
        for listed in &*rendition.items {
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
                own: None,
                state: State::Settled,
            };
            match (&listed.asset, listed.delivery(&rendition.make)) {
                (Ok(asset), Some(delivery)) => {
                    item.entry.name.clone_from(&asset.name);
                    item.entry.asset_type = Some(asset.kind);
                    item.entry.source = asset.file.as_ref().map(|file| file.path.to_string());
                    item.file = asset.file.as_ref();
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
        return item.settle(AssetOutcome::NotExportable { reason: reason.words() });
    }
    if item.file.is_none() {
        return item.fail(match asset.kind {
            AssetType::Template => Fault::Modifiers {
                message: phrase!(
                    "template-of-layers",
                    "a template is made of layers, which are not supported yet"
                ),
                help: Some(phrase!("list-its-pictures", "list the pictures that it is made of")),
            },
            _ => Fault::NotFound { nearest: None },
        });
    }
    item.state = match (delivery, &item.rendition.make) {
        (Delivery::CopyWithWarning(reason), _) => State::Copy { warnings: vec![reason.words()] },
        (Delivery::Convert, Make::Convert(recipe)) => {
            let own = Own::read(asset, presets, bench.defaults.rules());
            match (recipe.modifiers(asset.scope), own) {
                (Err(fault), _) | (_, Err(fault)) => return item.fail(fault),
                (Ok(_), Ok(own)) => {
                    item.own = (own != Own::default()).then(|| Box::new(own));
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
pub(super) fn prepare<'j>(
    job: &ExportJob,
    bench: &Bench<'_>,
    items: &mut [Item<'j>],
) -> Result<Stamps<'j>, WorkError> {
    let (infos, stamps) = probe(bench, items)?;
    let mut alike = Alike::default();
    for item in &mut *items {
        let Some(file) = item.file else { continue };
        let is_ready = matches!(item.state, State::Ready(_) | State::Settled);
        if let (false, Some(asset), Some(Ok(info))) = (is_ready, item.asset, infos.get(file))
            && let Some(fault) = belies_type(asset, file, info)
        {
            item.fail(fault);
            continue;
        }
        let by_catalogue = item.asset.is_some_and(|asset| is_picture_by_catalogue(asset, file));
        match std::mem::replace(&mut item.state, State::Settled) {
            State::Settled => {}
            State::Copy { warnings } => match infos.get(file) {
                Some(Err(fault @ Fault::Mismatch { .. })) => item.fail(fault.clone()),
                Some(Err(fault @ Fault::UnsupportedSource { .. })) if by_catalogue => {
                    item.fail(fault.clone());
                }
                // Whether it can be read is of no concern to a copy.
                Some(_) | None => make_ready(job, item, vec![None], warnings),
            },
            State::Convert => match infos.get(file) {
                // Stopped before it was looked at.
                None => item.settle(AssetOutcome::Cancelled),
                Some(Ok(info)) => plan_item((job, bench), item, info, &mut alike),
                // Of a kind that pictures are made of, but not by this release.
                Some(Err(fault @ Fault::UnsupportedSource { detail }))
                    if may_stay(file) && !by_catalogue =>
                {
                    let warning = phrase!(
                        "not-converted-because",
                        "cannot be converted ({detail}), so the original is delivered",
                        detail = detail.clone()
                    );
                    let warning = phrase!(
                        "and-help",
                        "{message}; {help}",
                        message = warning,
                        help = fault.next_step()
                    );
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

type Probed<'j> = BTreeMap<&'j SourceFile, Result<SourceInfo, Fault>>;

/// What each source was like when its header was read.
pub(super) struct Stamps<'j>(Vec<(&'j SourceFile, Content)>);

impl<'j> Stamps<'j> {
    fn place(&self, file: &SourceFile) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (*known).cmp(file))
    }

    pub(super) fn get(&self, file: &SourceFile) -> Option<Content> {
        self.place(file).ok().map(|at| self.0[at].1)
    }

    /// Notes what a source is like now, and tells whether it was known.
    pub(super) fn insert(&mut self, file: &'j SourceFile, stamp: Stamp) -> bool {
        match self.place(file) {
            Ok(at) => {
                self.0[at].1 = stamp.content();
                true
            }
            Err(at) => {
                self.0.insert(at, (file, stamp.content()));
                false
            }
        }
    }
}

/// Plans made lately: sources of one size mostly have the same, which is then kept once.
#[derive(Default)]
pub(super) struct Alike(VecDeque<Arc<Plan>>);

impl Alike {
    /// How many are looked through.
    const MOST: usize = 16;

    fn shared(&mut self, plan: Plan) -> Arc<Plan> {
        if let Some(same) = self.0.iter().find(|known| ***known == plan) {
            return Arc::clone(same);
        }
        let plan = Arc::new(plan);
        self.0.truncate(Self::MOST - 1);
        self.0.push_front(Arc::clone(&plan));
        plan
    }
}

/// Reads the header of each distinct source that is to be converted, or whose name promises a
/// picture, and notes its state.
fn probe<'j>(bench: &Bench<'_>, items: &[Item<'j>]) -> Result<(Probed<'j>, Stamps<'j>), WorkError> {
    let mut files: Vec<&'j SourceFile> = items
        .iter()
        .filter_map(|item| match (&item.state, item.file) {
            (State::Convert, file) => file,
            (State::Copy { .. }, Some(file))
                if promised(file).is_some()
                    || item.asset.is_some_and(|asset| is_picture_by_catalogue(asset, file)) =>
            {
                Some(file)
            }
            _ => None,
        })
        .collect();
    files.sort();
    files.dedup();
    let (mut infos, mut stamps) = (Probed::new(), Stamps(Vec::with_capacity(files.len())));
    let mut next = 0;
    let mut hand_out = || {
        let file = *files.get(next)?;
        next += 1;
        Some((next - 1, file))
    };
    let mut waiting: BTreeMap<u64, &'j SourceFile> = BTreeMap::new();
    loop {
        match bench.cancel.asked() {
            Ask::Nothing => {}
            Ask::Pause | Ask::Suspend => return Err(WorkError::Suspended),
            // What was not looked at is cancelled like everything else.
            Ask::Stop => return Ok((infos, stamps)),
        }
        while bench.lane.room() > 0 {
            let Some((at, file)) = hand_out() else { break };
            match bench.library.open_source(file) {
                Err(fault) => {
                    infos.insert(file, Err(fault));
                }
                Ok((input, stamp)) => {
                    stamps.insert(file, stamp);
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
        infos.insert(file, info);
    }
}

/// Ends the work when the pool was ended under it.
pub(super) fn open(lane: &Lane) -> Result<(), WorkError> {
    if lane.is_open() { Ok(()) } else { Err(WorkError::Suspended) }
}

pub(super) fn unexpected() -> Fault {
    Fault::Internal { detail: "a worker answered something else than it was asked".into() }
}

/// Plans every page of an item, and names what will be made.
pub(super) fn plan_item(
    (job, bench): (&ExportJob, &Bench<'_>),
    item: &mut Item<'_>,
    info: &SourceInfo,
    alike: &mut Alike,
) {
    let Make::Convert(recipe) = &item.rendition.make else { return };
    let Some(asset) = item.asset else { return };
    let Ok(asked) = recipe.modifiers(asset.scope) else { return };
    let modifiers = item.own.as_ref().map_or_else(|| asked.clone(), |own| own.around(asked));
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
                plans.push(Some(alike.shared(planned.plan)));
            }
            Err(finding) => {
                let fault = Fault::Modifiers { message: finding.message, help: finding.help };
                return item.fail(on_page(page.page, fault));
            }
        }
    }
    // Said before anything is made of it.
    let beside: BTreeSet<&Aux> =
        plans.iter().flatten().flat_map(|plan: &Arc<Plan>| &plan.aux).collect();
    let open = |aux: &Aux| bench.beside().open(asset, aux);
    if let Some(fault) = beside.into_iter().find_map(|aux| open(aux).err()) {
        return item.fail(fault);
    }
    // Pages mostly have the same to say.
    let mut said = HashSet::new();
    warnings.retain(|warning| said.insert(warning.clone()));
    make_ready(job, item, plans, warnings);
}

/// Says which page a fault is about, where there are pages.
pub(super) fn on_page(page: Option<u32>, fault: Fault) -> Fault {
    match (page, fault) {
        (None, fault) | (Some(_), fault @ Fault::Page { .. }) => fault,
        (Some(number), fault) => Fault::Page { number, fault: Box::new(fault) },
    }
}

/// Names the files of an item; a plan that is `None` copies.
fn make_ready(
    job: &ExportJob,
    item: &mut Item<'_>,
    plans: Vec<Option<Arc<Plan>>>,
    warnings: Vec<Phrase>,
) {
    let Some(file) = item.file else { return };
    let named = |plan: Option<Arc<Plan>>| {
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
