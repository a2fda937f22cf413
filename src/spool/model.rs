//! The spool against a model: any order of operations, killed at any step.
//!
//! Each manifest has a text of its own, so that it can be followed. The model knows only what it
//! was told: which texts were dropped, which claims ended and were told so. Whatever happened
//! between, once the dust has settled every dropped text lies in one state folder exactly once, no
//! text whose end was acknowledged was ever claimed again, and nothing is left half-way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;

use super::disk::crash;
use super::tests::Place;
use super::{Claim, Due, Ended, JobId, Recovered, Spool, State};

#[derive(Debug, Clone)]
enum Act {
    Drop { name: u8 },
    Overwrite { name: u8 },
    Scan,
    Claim,
    Finish(Ended),
    Release,
    Defer,
    ReleaseDue,
    Repeat,
    Fire,
    HoldAndResume,
    Rest,
    GoOn,
    RunNow,
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<(Act, Option<u8>)>> {
    let act = prop_oneof![
        4 => (0..3_u8).prop_map(|name| Act::Drop { name }),
        1 => (0..3_u8).prop_map(|name| Act::Overwrite { name }),
        4 => Just(Act::Scan),
        4 => Just(Act::Claim),
        3 => prop_oneof![Just(Ended::Done), Just(Ended::Failed)].prop_map(Act::Finish),
        1 => Just(Act::Release),
        1 => Just(Act::Defer),
        2 => Just(Act::ReleaseDue),
        1 => Just(Act::Repeat),
        2 => Just(Act::Fire),
        1 => Just(Act::HoldAndResume),
        2 => Just(Act::Rest),
        2 => Just(Act::GoOn),
        1 => Just(Act::RunNow),
        1 => Just(Act::Reopen),
    ];
    // Every other act is killed, after so many steps.
    proptest::collection::vec((act, proptest::option::of(0..24_u8)), 1..30)
}

const DUE: &str = "2026-12-01T05:00:00Z";

fn due(n: i64) -> Timestamp {
    DUE.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(24 * n)
}

struct World {
    place: Place,
    spool: Option<Spool>,
    claims: Vec<Claim>,
    ms: u64,
    count: u32,
    /// Texts by the name under which they lie in the drop folder, as far as nobody took them.
    dropped: BTreeMap<String, String>,
    /// Texts that must come to one end each.
    promised: BTreeSet<String>,
    /// Jobs whose end was acknowledged.
    ended: BTreeSet<JobId>,
    numbers: BTreeMap<u64, JobId>,
    firings: i64,
}

impl World {
    fn new() -> Self {
        let place = Place::new();
        let (spool, _) = place.open();
        Self {
            place,
            spool: Some(spool),
            claims: Vec::new(),
            ms: 0,
            count: 0,
            dropped: BTreeMap::new(),
            promised: BTreeSet::new(),
            ended: BTreeSet::new(),
            numbers: BTreeMap::new(),
            firings: 0,
        }
    }

    fn spool(&self) -> Spool {
        self.spool.clone().unwrap()
    }

    fn do_one(&mut self, act: &Act) {
        match act {
            Act::Drop { name } => self.drop_one(*name),
            Act::Overwrite { name } => {
                // Over one that nobody took: that one was never promised.
                if let Some(text) = self.dropped.remove(&format!("{name}.toml")) {
                    if self.texts_in_spool().contains_key(&text) {
                        self.promised.insert(text);
                    } else {
                        self.promised.remove(&text);
                    }
                    self.drop_one(*name);
                }
            }
            Act::Scan => self.scan(),
            Act::Claim => {
                if let Ok(Some(claim)) = self.spool().claim() {
                    self.claimed(claim);
                }
            }
            Act::Finish(ended) => {
                if let Some(claim) = self.claims.pop() {
                    let id = claim.record().id.clone();
                    if claim.finish(*ended).is_ok() {
                        self.ended.insert(id);
                    }
                }
            }
            Act::Release => drop(self.claims.pop().map(Claim::release)),
            Act::Defer => drop(self.claims.pop().map(|claim| claim.defer(Due::Once(due(0))))),
            Act::ReleaseDue => drop(self.spool().release_due(due(0))),
            Act::Repeat => {
                if let Some(claim) = self.claims.pop() {
                    let firing = claim.record().firing.is_some();
                    drop(if firing { claim.release() } else { claim.defer(Due::Repeats(due(0))) });
                }
            }
            Act::Fire => self.fire(),
            Act::HoldAndResume => {
                let spool = self.spool();
                let waiting = self.place.ids(State::Queue);
                if let Some(id) = waiting.first()
                    && spool.hold(id).is_ok()
                {
                    let _ = spool.resume(id);
                }
            }
            Act::Rest => drop(self.claims.pop().map(Claim::hold)),
            Act::GoOn => {
                let spool = self.spool();
                for id in self.place.ids(State::Hold) {
                    let _ = spool.note(&id, &["goes on"]).and_then(|()| spool.resume(&id));
                }
            }
            Act::RunNow => {
                let spool = self.spool();
                for job in spool.scheduled().unwrap_or_default() {
                    let _ = spool.run_now(&job.record.id, due(-1));
                }
            }
            Act::Reopen => self.reopen(),
        }
    }

    fn drop_one(&mut self, name: u8) {
        let name = format!("{name}.toml");
        if self.dropped.contains_key(&name) {
            return;
        }
        self.count += 1;
        let text = format!("text {} end", self.count);
        self.place.rename_in(&name, text.as_bytes());
        self.promised.insert(text.clone());
        self.dropped.insert(name, text);
    }

    fn scan(&mut self) {
        self.ms += 10_000;
        let names: Vec<String> = self.dropped.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Ok(scanned) = self.place.try_look(&self.spool(), self.ms, &names) {
            for record in scanned.accepted {
                let before = self.numbers.insert(record.number, record.id);
                assert_eq!(before, None, "a number was given twice");
            }
        }
        self.forget_taken();
    }

    fn forget_taken(&mut self) {
        let place = &self.place;
        self.dropped.retain(|name, _| place.path(name).exists());
    }

    fn claimed(&mut self, claim: Claim) {
        let id = &claim.record().id;
        assert!(!self.ended.contains(id), "{id} ran again after its end");
        assert!(self.claims.iter().all(|other| other.record().id != *id), "{id} runs twice");
        assert!((1..=super::MOST_ATTEMPTS).contains(&claim.attempt()));
        self.claims.push(claim);
    }

    fn fire(&mut self) {
        let spool = self.spool();
        for job in spool.scheduled().unwrap_or_default() {
            let Due::Repeats(at) = job.due else { continue };
            self.firings += 1;
            let next = due(self.firings);
            let _ = spool.fire(&job.record.id, at, Some(next), at);
        }
    }

    /// What a kill leaves is on the disk only.
    fn reopen(&mut self) {
        self.claims.clear();
        self.spool = None;
        if let Ok((spool, recovered)) = Spool::open(&self.place.folders) {
            self.recovered(recovered);
            self.spool = Some(spool);
        }
    }

    fn recovered(&mut self, recovered: Recovered) {
        for notice in &recovered.notices {
            // The only thing that is put aside here is what was given up.
            assert!(notice.reason.contains("interrupted 3 times"), "{notice:?}");
        }
        for claim in recovered.poisoned {
            let id = claim.record().id.clone();
            if claim.finish(Ended::Corrupt).is_ok() {
                self.ended.insert(id);
            }
        }
    }

    /// Returns how often each text lies in a state folder, firings left out, and checks firings.
    fn texts_in_spool(&self) -> BTreeMap<String, usize> {
        let mut texts = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for state in State::ALL {
            for id in self.place.ids(state) {
                assert!(seen.insert(id.clone()), "{id} is in two states");
                if id.schedule() != id {
                    continue;
                }
                let folder = self.place.folders.spool.join(state.folder()).join(id.as_str());
                let text = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
                *texts.entry(text).or_insert(0) += 1;
            }
        }
        texts
    }

    fn settle(mut self) {
        self.reopen();
        for _ in 0..4 {
            self.scan();
        }
        let spool = self.spool();
        for _ in 0..3 {
            spool.release_due(due(0)).unwrap();
            while let Some(claim) = spool.claim().unwrap() {
                self.claimed(claim);
                let claim = self.claims.pop().unwrap();
                self.ended.insert(claim.record().id.clone());
                claim.finish(Ended::Done).unwrap();
            }
        }
        assert!(self.dropped.is_empty(), "left in the drop folder: {:?}", self.dropped);
        for state in [State::Queue, State::Active, State::Hold] {
            for id in self.place.ids(state) {
                // What a person has put there rests until a person lets it go on.
                assert_eq!(state, State::Hold, "{id} never ended");
            }
        }
        let texts = self.texts_in_spool();
        for text in &self.promised {
            assert_eq!(texts.get(text), Some(&1), "{text:?} in {texts:?}");
        }
        assert_eq!(texts.len(), self.promised.len(), "more texts than were dropped: {texts:?}");
        for folder in [self.place.folders.spool.join("tmp"), self.place.path(".exportd/taken")] {
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{}", folder.display());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn every_manifest_comes_to_one_end(acts in acts()) {
        let mut world = World::new();
        for (act, kill_after) in acts {
            if let Some(steps) = kill_after {
                crash::after(u64::from(steps));
            }
            world.do_one(&act);
            if kill_after.is_some() && crash::end() {
                world.forget_taken();
                world.reopen();
            }
            if world.spool.is_none() {
                world.reopen();
            }
        }
        world.settle();
    }
}
