//! What is due in the drop folder, from one listing to the next.
//!
//! Listing a folder of a hundred thousand files takes most of a second, and one scan takes only
//! some of them. So what a listing found is kept, in the order of arrival, and used up
//! before the folder is listed again. That leaves nobody behind: whatever comes meanwhile is younger
//! than all that is kept. And nothing is taken on trust: before a file is taken, it is held against
//! what the listing saw of it.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// Files that are due, the first to be taken in front.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    due: VecDeque<String>,
    listed: Option<Instant>,
    moved_in: HashSet<String>,
}

impl Backlog {
    /// How long a listing is used: files that had to keep still, or can be read by now, are older
    /// than some of those that are kept.
    const LASTS: Duration = Duration::from_secs(20);
    /// Most names kept of files that came by rename; the others must keep still like any file.
    const MOST_MOVED_IN: usize = 100_000;

    /// Notes which names came by rename, until the folder is listed.
    pub(super) fn hear(&mut self, moved_in: &HashSet<String>) {
        let room = Self::MOST_MOVED_IN.saturating_sub(self.moved_in.len());
        self.moved_in.extend(moved_in.iter().take(room).cloned());
    }

    /// Takes these names, for the listing that is made now.
    pub(super) fn heard(&mut self) -> HashSet<String> {
        std::mem::take(&mut self.moved_in)
    }

    /// Forgets that a name came by rename: that file is gone, and another is another.
    pub(super) fn is_gone(&mut self, name: &str) {
        self.moved_in.remove(name);
    }

    /// Tells whether there is something to take without a new listing.
    pub(super) fn serves(&self, now: Instant) -> bool {
        let age = self.listed.map(|listed| now.saturating_duration_since(listed));
        !self.due.is_empty() && age.is_some_and(|age| age < Self::LASTS)
    }

    /// Replaces what is due by what a listing found, which comes in order.
    pub(super) fn fill(&mut self, due: impl Iterator<Item = String>, now: Instant) {
        self.due = due.collect();
        self.listed = Some(now);
    }

    /// Takes the next few.
    pub(super) fn take(&mut self, most: usize) -> Vec<String> {
        self.due.drain(..most.min(self.due.len())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Calls for a new listing.
    pub(super) fn forget(&mut self) {
        self.due.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_used_in_its_order_until_it_is_done_or_old() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut backlog = Backlog::default();
        assert!(!backlog.serves(start));
        backlog.fill(["b", "a", "c"].map(str::to_owned).into_iter(), start);
        assert!(backlog.serves(after(19)) && !backlog.serves(after(20)));
        assert_eq!(backlog.take(2), ["b", "a"]);
        assert!(backlog.serves(after(19)));
        assert_eq!(backlog.take(2), ["c"]);
        assert!(backlog.is_empty() && !backlog.serves(start));
        backlog.fill(["d".to_owned()].into_iter(), after(30));
        assert!(backlog.serves(after(31)));
        backlog.forget();
        assert!(!backlog.serves(after(31)));
    }

    #[test]
    fn what_was_heard_is_kept_for_the_listing_and_no_longer() {
        let names = |names: &[&str]| -> HashSet<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let mut backlog = Backlog::default();
        backlog.hear(&names(&["a", "b"]));
        backlog.hear(&names(&["c"]));
        backlog.is_gone("b");
        assert_eq!(backlog.heard(), names(&["a", "c"]));
        assert!(backlog.heard().is_empty());
    }
}
