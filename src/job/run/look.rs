//! Thumbnails of what is not decoded anyway: of originals, of assets that failed before that, and of
//! JPEGs that are coded again without pixels.
//!
//! It is done last, for a few assets and a few bytes, those first that somebody has to look at. So no
//! job takes noticeably longer for it.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;

use super::batches::Batch;
use super::suffix::promised;
use super::{Ask, Event, LISTEN, Making, Subject, WorkError, open};
use crate::imaging::thumbnail::Thumbnail;
use crate::job::log::AssetOutcome;
use crate::worker::{Answer, Task};

/// At most so many assets are looked at.
const MOST_ASSETS: usize = 24;
/// The files of all of them together are at most so long, in bytes.
const MOST_BYTES: u64 = 96 << 20;

impl Making<'_, '_, '_> {
    /// Hands on what the source of a batch looks like.
    pub(super) fn show_source(
        &mut self,
        batch: &Batch,
        thumbnail: Option<Thumbnail>,
    ) -> Result<(), WorkError> {
        let Some(first) = batch.outputs.iter().find(|wanted| wanted.is_shown(self.bench)) else {
            return Ok(());
        };
        match thumbnail {
            Some(thumbnail) => self.show_item(first.item, &thumbnail),
            None => Ok(()),
        }
    }

    fn show_item(&mut self, at: usize, thumbnail: &Thumbnail) -> Result<(), WorkError> {
        self.seen.insert(at);
        match &self.items[at].entry.source {
            Some(source) => (self.watch.tell)(Event::Thumbnail(Subject::Source(source), thumbnail)),
            None => Ok(()),
        }
    }

    /// What looks like its source is shown by the same thumbnail.
    fn show_alike(&mut self, at: usize, thumbnail: &Thumbnail) -> Result<(), WorkError> {
        match self.items[at].entry.outcome.files().first().filter(|_| self.alike.contains(&at)) {
            Some(file) => {
                (self.watch.tell)(Event::Thumbnail(Subject::Output(&file.output), thumbnail))
            }
            None => Ok(()),
        }
    }

    /// Shows what was not decoded, as far as that costs little.
    pub(super) fn look(&mut self) -> Result<(), WorkError> {
        let mut queue = self.sights();
        let mut left = MOST_BYTES;
        let mut waiting = std::collections::BTreeMap::new();
        loop {
            match self.bench.cancel.asked() {
                Ask::Nothing => {}
                // Nobody waits for it: what was handed out ends unseen.
                Ask::Stop => return Ok(()),
                Ask::Pause | Ask::Suspend => return Err(WorkError::Suspended),
            }
            while self.bench.lane.room() > 0 {
                let Some(at) = queue.pop_front() else { break };
                let Some((input, bytes)) = self.sight(at) else { continue };
                let Some(rest) = left.checked_sub(bytes) else { continue };
                left = rest;
                self.bench.lane.submit(self.next_tag, Task::Show { input });
                waiting.insert(self.next_tag, at);
                self.next_tag += 1;
            }
            if waiting.is_empty() {
                return Ok(());
            }
            let Some((tag, answer)) = self.bench.lane.wait(LISTEN) else {
                open(self.bench.lane)?;
                continue;
            };
            // What cannot be shown is not.
            if let (Some(at), Ok(Answer::Shown(Some(thumbnail)))) = (waiting.remove(&tag), answer) {
                self.show_item(at, &thumbnail)?;
                self.show_alike(at, &thumbnail)?;
            }
        }
    }

    fn sight(&self, at: usize) -> Option<(File, u64)> {
        let (input, stamp) = self.bench.library.open_source(self.items[at].file.as_ref()?).ok()?;
        Some((input, stamp.size))
    }

    /// Lists what is worth looking at, failures first, each source once.
    fn sights(&self) -> VecDeque<usize> {
        let seen = self.seen.iter().filter_map(|at| self.items[*at].file.as_ref());
        let mut seen: BTreeSet<_> = seen.collect();
        let shown = self.items.len().min(self.bench.shown);
        let of = |wanted: fn(&AssetOutcome) -> bool| {
            let outcomes = self.items[..shown].iter().enumerate();
            outcomes.filter(move |(_, item)| wanted(&item.entry.outcome))
        };
        let failed = of(|outcome| matches!(outcome, AssetOutcome::Failed { .. }));
        let copied = of(|outcome| matches!(outcome, AssetOutcome::Copied { .. }));
        let alike = of(|outcome| matches!(outcome, AssetOutcome::Converted { .. }))
            .filter(|(at, _)| self.alike.contains(at));
        let mut sights = VecDeque::new();
        for (at, item) in failed.chain(copied).chain(alike) {
            let file = item.file.as_ref().filter(|file| promised(file).is_some());
            if let Some(file) = file
                && sights.len() < MOST_ASSETS
                && (seen.insert(file) || self.alike.contains(&at))
            {
                sights.push_back(at);
            }
        }
        sights
    }
}
