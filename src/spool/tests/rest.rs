//! Jobs that a person lets rest: paused, stopped, run at once.

use super::super::*;
use super::{Place, crash, scheduled};

#[test]
fn a_job_at_work_rests_and_knows_that_it_did() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let claim = spool.claim().unwrap().unwrap();
    claim.journal().append(&"named").unwrap();
    claim.hold().unwrap();
    assert_eq!(place.ids(State::Hold), std::slice::from_ref(&id));
    assert_eq!(spool.steps::<String>(&id), ["named"]);
    assert_eq!(spool.manifest(&id).unwrap(), b"end");
    // Moved by hand: it is the job that says what that means.
    let folder = |state: State| place.folders.spool.join(state.folder()).join(id.as_str());
    rustix::fs::rename(folder(State::Hold), folder(State::Queue)).unwrap();
    let mut claim = spool.claim().unwrap().unwrap();
    assert!(claim.was_held());
    assert_eq!(claim.attempt(), 1, "nothing interrupted it");
    claim.go_on(&"resumed").unwrap();
    assert!(!claim.was_held());
    assert_eq!(claim.steps::<String>().unwrap(), ["named", "resumed"]);
    claim.hold().unwrap();
    // And when the daemon says it.
    spool.note(&id, &["resumed", "stopping"]).unwrap();
    spool.resume(&id).unwrap();
    let claim = spool.claim().unwrap().unwrap();
    assert!(!claim.was_held());
    assert_eq!(claim.steps::<String>().unwrap(), ["named", "resumed", "resumed", "stopping"]);
    assert_eq!(spool.steps::<String>(&id), [""; 0], "it is at work");
    assert!(matches!(spool.note(&id, &["x"]), Err(SpoolError::NotWaiting { .. })));
    claim.finish(Ended::Done).unwrap();
}

#[test]
fn no_crash_takes_a_job_from_its_rest_or_loses_it() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, _) = place.open();
        let id = place.accepted(&spool, "a.toml", b"end").id;
        let claim = spool.claim().unwrap().unwrap();
        crash::after(steps);
        let rests = claim.hold();
        drop(spool);
        let died = crash::end();
        assert!(rests.is_ok() || died);
        let (spool, recovered) = place.open();
        assert!(recovered.notices.is_empty() && recovered.poisoned.is_empty());
        let held = place.ids(State::Hold) == std::slice::from_ref(&id);
        if !held {
            // Only before it was written down is it taken up as if nobody had asked.
            assert!(died && place.ids(State::Queue) == [id], "step {steps}");
            let claim = spool.claim().unwrap().unwrap();
            assert!(!claim.was_held(), "step {steps}");
            claim.release().unwrap();
        }
        drop(spool);
        if !died {
            break;
        }
    }
}

#[test]
fn what_is_behind_the_last_good_line_is_neither_read_nor_cut_by_a_look() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let claim = spool.claim().unwrap().unwrap();
    claim.journal().append(&"named").unwrap();
    claim.hold().unwrap();
    let journal = place.folders.spool.join("hold").join(id.as_str()).join("journal");
    let mut torn = std::fs::OpenOptions::new().append(true).open(&journal).unwrap();
    std::io::Write::write_all(&mut torn, b"0000 torn").unwrap();
    let bytes = std::fs::read(&journal).unwrap();
    assert_eq!(spool.steps::<String>(&id), ["named"]);
    assert_eq!(std::fs::read(&journal).unwrap(), bytes);
    std::fs::remove_file(&journal).unwrap();
    assert_eq!(spool.steps::<String>(&id), [""; 0]);
    assert!(!journal.exists(), "a look makes nothing");
}

#[test]
fn a_schedule_is_run_at_once_and_keeps_its_time() {
    let place = Place::new();
    let (spool, id, [first, second]) = scheduled(&place);
    let now = first - jiff::SignedDuration::from_hours(1);
    let firing = spool.run_now(&id, now).unwrap();
    assert_eq!(firing, id.firing(now));
    // Asked again within the second: one run.
    assert_eq!(spool.run_now(&id, now).unwrap(), firing);
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!((&claim.record().id, claim.record().firing), (&firing, Some(now)));
    assert!(spool.claim().unwrap().is_none());
    assert_eq!(spool.scheduled().unwrap()[0].due, Due::Repeats(first));
    claim.finish(Ended::Done).unwrap();
    assert!(spool.fire(&id, first, Some(second), first).unwrap().is_some());
    assert!(matches!(spool.run_now(&firing, now), Err(SpoolError::NotWaiting { .. })));
}

#[test]
fn what_was_due_once_runs_at_once_instead() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "later.toml", b"later end").id;
    let due: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    spool.claim().unwrap().unwrap().defer(Due::Once(due)).unwrap();
    assert_eq!(spool.run_now(&id, Timestamp::now()).unwrap(), id);
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.deferred_until(), Some(due));
    assert_eq!(spool.scheduled().unwrap(), []);
}
