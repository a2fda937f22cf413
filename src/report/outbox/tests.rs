//! Tests of the outbox with a clock of their own and, at most, a sender that ends without a word.

use super::attempt::{AFTER_DOUBT, next_try};
use super::shelves::{EXPIRY, LONGEST_WAIT, Waiting};
use super::smtp::{Class, Outcome};
use super::*;
use crate::fs::{FolderLock, write_atomic};
use crate::job::Verdict;
use crate::report::{Event, Report, SmtpSettings, samples};

mod digests;
mod hands;
mod lives;
mod relay;

fn settings(folder: &Path, smtp: Option<SmtpSettings>) -> MailSettings {
    MailSettings { folder: folder.to_owned(), smtp, ..samples::mail() }
}

fn letter(settings: &MailSettings) -> Letter {
    let log = samples::log(Verdict::Clean);
    let places = samples::places();
    let to = Address::parse("mia@studio.example").unwrap();
    Report { log: &log, places: &places, retry: None }.letter(settings, &to).unwrap()
}

/// The states of all mails but those that say what became of others.
fn states(outbox: &Outbox) -> Vec<State> {
    let mut items = outbox.list().unwrap();
    items.retain(|item| !Mid::is_about(&item.mid, Event::Undelivered));
    items.into_iter().map(|item| item.state).collect()
}

fn waiting(attempts: u32) -> Waiting {
    let at = "2026-12-01T06:00:00Z".parse().unwrap();
    let mut mail = Waiting {
        mid: "a.report.0".into(),
        state: State::Deferred,
        env: Env::new("mia@studio.example".into(), "exportd@studio.example".into(), at),
        ready: None,
    };
    mail.env.attempts = attempts;
    mail
}

#[test]
fn without_a_relay_mail_ends_in_sent_and_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), None);
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::New);
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
    let path = sent_path(dir.path(), &letter.mid);
    assert_eq!(fs::read(&path).unwrap(), smtp::render(&letter).unwrap());
    assert!(!path.with_extension("env").exists());
    assert_eq!(outbox.deliver_due(letter.date).unwrap(), Summary::default());
}

#[test]
fn a_name_in_any_folder_is_queued_already() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), Some(samples::nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    let env = outbox.read_env(State::New, letter.mid.as_str()).unwrap().unwrap();
    let mut at = State::New;
    for state in [State::Deferred, State::Sent, State::Dead] {
        outbox.shift(letter.mid.as_str(), at, state, &env).unwrap();
        at = state;
        assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already, "{state:?}");
        assert_eq!(states(&outbox), [state]);
    }
}

#[test]
fn a_mail_that_cannot_be_written_leaves_nothing() {
    for smtp in [None, Some(samples::nowhere())] {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), smtp);
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        for name in ["new", "sent"] {
            fs::remove_dir(dir.path().join(name)).unwrap();
        }
        assert!(outbox.enqueue(&letter(&settings)).is_err());
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}

#[test]
fn what_a_crash_leaves_is_cleared_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), Some(samples::nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    for name in ["tmp/x.report.1.eml", "new/x.report.1.env", "deferred/.x.env.1-1.tmp"] {
        write_new(&dir.path().join(name), b"{", MODE).unwrap();
    }
    drop(outbox);
    let outbox = Outbox::open(settings, "/bin/false".into()).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 2);
    assert_eq!(fs::read_dir(dir.path().join("deferred")).unwrap().count(), 0);
    assert_eq!(states(&outbox), [State::New]);
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
}

#[test]
fn a_relay_that_is_down_punishes_no_mail_until_five_days_are_over() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), Some(samples::nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    let mut now = letter.date;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let summary = outbox.deliver_due(now).unwrap();
        assert_eq!((summary.sent, summary.deferred, summary.dead), (0, 0, 0));
        assert!(summary.relay_trouble.is_some());
        let next = summary.next_due.unwrap();
        waits.push(next.duration_since(now).as_secs() / 60);
        // Nothing happens before its time.
        let early = now + SignedDuration::from_secs(30);
        assert_eq!(outbox.deliver_due(early).unwrap().next_due, Some(next));
        now = next;
    }
    assert_eq!(waits, [1, 1, 5, 5, 5]);
    assert_eq!(states(&outbox), [State::New]);
    let env = outbox.read_env(State::New, letter.mid.as_str()).unwrap().unwrap();
    assert_eq!((env.attempts, env.phase), (0, Some(Phase::Start)));
    let summary = outbox.deliver_due(letter.date + SignedDuration::from_hours(121)).unwrap();
    assert_eq!((summary.dead, summary.next_due), (1, None));
    assert_eq!(states(&outbox), [State::Dead]);
    let env = outbox.read_env(State::Dead, letter.mid.as_str()).unwrap().unwrap();
    assert!(env.last_text.unwrap().starts_with("given up after 5 days"));
    outbox.retry(&letter.mid, now).unwrap();
    assert_eq!(states(&outbox), [State::New]);
}

#[test]
fn waits_grow_to_an_hour_and_differ_a_little() {
    let now = "2026-12-01T06:00:00Z".parse().unwrap();
    for (n, minutes) in [1, 2, 5, 10, 20, 30, 60, 60, 60].into_iter().enumerate() {
        let mail = waiting(u32::try_from(n).unwrap() + 1);
        let wait = next_try(&mail, Class::Deferred, now).duration_since(now).as_secs();
        assert!((wait - minutes * 60).abs() <= minutes * 12, "attempt {n}: {wait} s");
        assert_eq!(next_try(&mail, Class::Deferred, now), next_try(&mail, Class::Deferred, now));
        let doubt = next_try(&mail, Class::Unknown, now).duration_since(now).as_secs();
        assert!(doubt >= 600, "attempt {n}: {doubt} s");
    }
}

#[test]
fn a_clock_that_was_ahead_does_not_hold_mail_back() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), Some(samples::nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    let before = letter.date - SignedDuration::from_hours(24 * 365);
    let waiting = outbox.waiting(before).unwrap();
    assert_eq!(waiting[0].env.next_try, before);
    assert_eq!(waiting[0].env.created, before);
}

#[test]
fn a_message_without_its_envelope_is_buried() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), Some(samples::nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    fs::remove_file(outbox.env(State::New, letter.mid.as_str())).unwrap();
    assert_eq!(outbox.deliver_due(letter.date).unwrap().next_due, None);
    assert_eq!(states(&outbox), [State::Dead]);
}
