//! What is handed to a worker at once, and in which order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Bench, Item, Planned, State};
use crate::imaging::plan::{Aux, Plan};
use crate::library::{Scope, SourceFile};
use crate::worker::{MAX_AUX, MAX_OUTPUTS};

/// About how many outputs of a document are asked for at once: each is an open file, and other
/// workers can have the next ones.
const PAGES_AT_ONCE: usize = 16;

/// What is made from one source at once: it is decoded once, a document once for each page.
pub(super) struct Batch {
    pub(super) outputs: Vec<Wanted>,
    pub(super) tries: u32,
}

/// One output: an item, and which of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    /// The file's place among those of the item; first, so that pages are done in order.
    pub(super) file: usize,
    /// The item's place in the list.
    pub(super) item: usize,
}

impl Wanted {
    /// Tells whether a thumbnail of it is wanted.
    pub(super) const fn is_shown(&self, bench: &Bench<'_>) -> bool {
        self.file == 0 && self.item < bench.shown
    }
}

impl Batch {
    /// Returns the items it makes anything of, each once.
    pub(super) fn items(&self) -> BTreeSet<usize> {
        self.outputs.iter().map(|wanted| wanted.item).collect()
    }
}

/// Shares out what is ready: one batch a source, more for a long document, one for each copy. What
/// takes longest comes first, so that none is left for one worker when the others have nothing to do.
pub(super) fn batches(items: &[Item<'_>]) -> Vec<Batch> {
    // What a name stands for is a matter of the catalogue.
    let mut by_source: BTreeMap<(&SourceFile, Option<Scope>), usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Wanted>> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let (State::Ready(ready), Some(source)) = (&item.state, item.file) else { continue };
        let wanted = (0..ready.files.len()).map(|file| Wanted { file, item: at });
        if ready.files.iter().any(|file| file.plan.is_none()) {
            // Each copy is a task of its own.
            groups.extend(wanted.map(|wanted| vec![wanted]));
        } else {
            let scope = item.asset.map(|asset| asset.scope);
            let next = groups.len();
            let group = *by_source.entry((source, scope)).or_insert(next);
            if group == next {
                groups.push(Vec::new());
            }
            groups[group].extend(wanted);
        }
    }
    let mut batches: Vec<Batch> = groups.into_iter().flat_map(|group| cut(group, items)).collect();
    batches.sort_by_cached_key(|batch| Reverse(cost(&batch.outputs, items)));
    batches
}

/// Estimates how long outputs take: pixels read, each page once, and pixels written. Copies are
/// not told apart.
fn cost(outputs: &[Wanted], items: &[Item<'_>]) -> u64 {
    let plan = |wanted: &Wanted| -> Option<&Plan> {
        let State::Ready(ready) = &items[wanted.item].state else { return None };
        ready.files.get(wanted.file)?.plan.as_deref()
    };
    let plans = || outputs.iter().filter_map(plan);
    let read: BTreeMap<Option<u32>, u64> =
        plans().map(|plan| (plan.page, plan.source.pixels())).collect();
    read.values().sum::<u64>() + plans().map(|plan| plan.reply.pixels()).sum::<u64>()
}

/// Cuts what is made of one source, in the order of its pages, where a worker can hold no more.
fn cut(mut outputs: Vec<Wanted>, items: &[Item<'_>]) -> Vec<Batch> {
    outputs.sort();
    let renditions = outputs.iter().take_while(|wanted| wanted.file == 0).count().max(1);
    let most = match outputs.len() / renditions {
        0 | 1 => MAX_OUTPUTS,
        // Whole pages, so that none is decoded twice.
        _ => ((PAGES_AT_ONCE / renditions).max(1) * renditions).min(MAX_OUTPUTS),
    };
    let mut batches: Vec<Batch> = Vec::new();
    let mut beside: BTreeSet<&Aux> = BTreeSet::new();
    for wanted in outputs {
        let State::Ready(ready) = &items[wanted.item].state else { continue };
        let needed = || ready.files.get(wanted.file).into_iter().flat_map(Planned::aux);
        let more = needed().filter(|aux| !beside.contains(aux)).count();
        match batches.last_mut() {
            Some(batch) if batch.outputs.len() < most && beside.len() + more <= MAX_AUX => {
                batch.outputs.push(wanted);
            }
            Some(_) | None => {
                beside.clear();
                batches.push(Batch { outputs: vec![wanted], tries: 0 });
            }
        }
        beside.extend(needed());
    }
    batches
}
