//! Tests of the outbox with a clock of their own and, at most, a sender that ends without a word.

use super::*;
use crate::job::Verdict;
use crate::report::{Event, Pace, Patience, Report, Tls, samples};

fn settings(folder: &Path, smtp: Option<SmtpSettings>) -> MailSettings {
    MailSettings {
        folder: folder.to_owned(),
        smtp,
        from: "exportd <exportd@studio.example>".into(),
        host: "studio.example".into(),
        operators: Vec::new(),
        pace: Pace::default(),
    }
}

/// A relay that nobody listens on; the sender is a program that ends without a word.
fn nowhere() -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".into(),
        port: 1,
        tls: Tls::None,
        user: None,
        password_file: None,
        ca_file: None,
        patience: Patience::default(),
    }
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
    let settings = settings(dir.path(), Some(nowhere()));
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
    for smtp in [None, Some(nowhere())] {
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
    let settings = settings(dir.path(), Some(nowhere()));
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
    let settings = settings(dir.path(), Some(nowhere()));
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
    let settings = settings(dir.path(), Some(nowhere()));
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
    let settings = settings(dir.path(), Some(nowhere()));
    let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
    let letter = letter(&settings);
    outbox.enqueue(&letter).unwrap();
    fs::remove_file(outbox.env(State::New, letter.mid.as_str())).unwrap();
    assert_eq!(outbox.deliver_due(letter.date).unwrap().next_due, None);
    assert_eq!(states(&outbox), [State::Dead]);
}

// --------------------------------------------------- a sender that answers as it is told, at once

/// A program in place of the sending child: it keeps what it is given and answers as told.
struct Relay {
    dir: tempfile::TempDir,
}

impl Relay {
    fn new() -> Self {
        // Ten thousand mails are many syncs; memory makes them cheap.
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let this = Self { dir: dir.unwrap() };
        this.says(Phase::Dot, Some(250), Class::Sent, "2.0.0 queued");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/sender.sh");
        std::os::unix::fs::symlink(script, this.program()).unwrap();
        this
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("sender")
    }

    fn says(&self, phase: Phase, code: Option<u16>, class: Class, text: &str) {
        let result = Outcome { phase, code, text: text.into(), class };
        let mut lines = String::new();
        if phase == Phase::Dot {
            lines.push_str("{\"phase\":\"dot\"}\n");
        }
        lines.push_str(&serde_json::json!({ "result": result }).to_string());
        lines.push('\n');
        write_atomic(&self.dir.path().join("answer"), lines.as_bytes(), 0o600).unwrap();
    }

    /// What was sent so far, without order: the order of the sender and the message.
    fn given(&self) -> Vec<(serde_json::Value, Vec<u8>)> {
        let mut out = Vec::new();
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if !entry.file_name().to_string_lossy().starts_with("in.") {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            let end = bytes.iter().position(|&b| b == b'\n').unwrap();
            let order = serde_json::from_slice(&bytes[..end]).unwrap();
            out.push((order, bytes[end + 1..].to_vec()));
        }
        out
    }

    fn forget(&self) {
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("in.") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    fn settings(&self) -> MailSettings {
        settings(&self.dir.path().join("mail"), Some(nowhere()))
    }

    fn outbox(&self) -> Outbox {
        Outbox::open(self.settings(), self.program()).unwrap()
    }
}

fn text_of(message: &[u8]) -> String {
    crate::report::reading::readable(message)
}

/// The letter about run number `n`, which ended at `date`.
fn numbered(settings: &MailSettings, n: usize, verdict: Verdict, date: Timestamp) -> Letter {
    let mut log = samples::log(verdict);
    log.run = format!("tops-{n}_2026-12-01-06-00-00");
    log.end = date;
    let places = samples::places();
    let to = Address::parse("mia@studio.example").unwrap();
    Report { log: &log, places: &places, retry: None }.letter(settings, &to).unwrap()
}

fn start() -> Timestamp {
    "2026-12-01T06:00:00Z".parse().unwrap()
}

/// Rounds until nothing is due before `end`, each at its time.
fn run_until(outbox: &Outbox, mut now: Timestamp, end: Timestamp) -> Timestamp {
    for _ in 0..100_000 {
        let next = outbox.deliver_due(now).unwrap().next_due;
        match next.filter(|next| *next <= end) {
            Some(next) => now = next.max(in_seconds(now, 1)),
            None => return end,
        }
    }
    panic!("no end");
}

/// An answer of the relay and what follows: the mail's state, the attempts counted, whether the
/// relay is in trouble, and the minutes until the next attempt (± a fifth); 0 when there is none.
type Turn = (Phase, Option<u16>, Class, State, u32, bool, i64);

const fn busy(attempts: u32, minutes: i64) -> Turn {
    (Phase::Rcpt, Some(450), Class::Deferred, State::Deferred, attempts, false, minutes)
}

const fn down(phase: Phase, code: Option<u16>, minutes: i64) -> Turn {
    (phase, code, Class::Relay, State::New, 0, true, minutes)
}

const fn doubt(attempts: u32, minutes: i64) -> Turn {
    (Phase::Dot, None, Class::Unknown, State::Deferred, attempts, false, minutes)
}

const fn taken(attempts: u32) -> Turn {
    (Phase::Dot, Some(250), Class::Sent, State::Sent, attempts, false, 0)
}

const fn refused(phase: Phase, class: Class, attempts: u32) -> Turn {
    (phase, Some(550), class, State::Dead, attempts, false, 0)
}

#[test]
fn the_life_of_a_mail() {
    use Phase::{Auth, Connect, Dot, Mail, Rcpt};
    let waits = [1, 2, 5, 10, 20, 30, 60, 60, 60];
    let mut patient: Vec<Turn> = (1..).zip(waits).map(|(n, minutes)| busy(n, minutes)).collect();
    patient.push(taken(10));
    let lives: [&[Turn]; 6] = [
        // Back-off, and taken at last.
        &patient,
        // The relay's own troubles, a wrong password among them, count for no mail.
        &[
            down(Connect, None, 1),
            down(Connect, Some(421), 1),
            down(Auth, Some(535), 5),
            down(Auth, Some(535), 5),
            down(Mail, Some(550), 5),
            busy(1, 1),
            (Connect, None, Class::Relay, State::Deferred, 1, true, 1),
            taken(2),
        ],
        // Doubt waits ten minutes at least, and longer when the back-off is longer.
        &[doubt(1, 10), doubt(2, 10), doubt(3, 10), doubt(4, 10), doubt(5, 20), taken(6)],
        &[busy(1, 1), refused(Rcpt, Class::Dead, 2)],
        &[refused(Dot, Class::Dead, 1)],
        // Too large twice: made smaller once.
        &[refused(Mail, Class::TooBig, 1)],
    ];
    for (n, life) in lives.into_iter().enumerate() {
        live(n, life);
    }
}

fn live(n: usize, life: &[Turn]) {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), n, Verdict::Partial, start());
    outbox.enqueue(&letter).unwrap();
    let mut now = start();
    for (at, &(phase, code, class, state, attempts, trouble, minutes)) in life.iter().enumerate() {
        let what = format!("life {n}, turn {at}");
        relay.says(phase, code, class, "x");
        let summary = outbox.deliver_due(now).unwrap();
        assert_eq!(summary.relay_trouble.is_some(), trouble, "{what}");
        assert_eq!(states(&outbox), [state], "{what}");
        let env = outbox.read_env(state, letter.mid.as_str()).unwrap().unwrap();
        assert_eq!(env.attempts, attempts, "{what}");
        let Some(next) = summary.next_due else {
            assert_eq!((minutes, at + 1), (0, life.len()), "{what}");
            break;
        };
        let wait = next.duration_since(now).as_secs();
        let (least, most) = match class {
            Class::Relay => (60 * minutes, 60 * minutes),
            Class::Unknown => (60 * minutes, 72 * minutes),
            _ => (48 * minutes, 72 * minutes),
        };
        assert!((least..=most).contains(&wait), "{what}: {wait} s");
        // Nothing happens earlier.
        let sent = relay.given().len();
        outbox.deliver_due(in_seconds(next, -1)).unwrap();
        assert_eq!(relay.given().len(), sent, "{what}");
        now = next;
    }
    // Whatever was sent was this mail, under one name.
    let id = format!("Message-ID: <{}@studio.example>", letter.mid);
    for (_, message) in relay.given() {
        let message = String::from_utf8(message).unwrap();
        assert_eq!(message.matches(&id).count(), 1, "life {n}");
    }
}

#[test]
fn five_days_of_refusals_are_some_hundred_and_thirty_attempts() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    relay.says(Phase::Rcpt, Some(450), Class::Deferred, "4.2.2 the mailbox is full");
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    let end = start() + SignedDuration::from_hours(140);
    run_until(&outbox, start(), end);
    let env = outbox.read_env(State::Dead, letter.mid.as_str()).unwrap().unwrap();
    assert!((110..150).contains(&env.attempts), "{} attempts", env.attempts);
    let age = env.ended.unwrap().duration_since(env.created);
    assert!(age > EXPIRY && age < EXPIRY + LONGEST_WAIT, "{age:?}");
    // Whoever runs the daemon was told twice, late and dead, and nobody was told of that mail.
    let mut told = outbox.list().unwrap();
    told.retain(|item| Mid::is_about(&item.mid, Event::Undelivered));
    assert_eq!(told.len(), 2, "{told:?}");
    let texts = told.iter().map(|item| {
        text_of(&outbox.message(&Mid::from_stem(&item.mid).unwrap()).unwrap()).replace('\n', " ")
    });
    let texts: Vec<String> = texts.collect();
    assert!(texts.iter().any(|text| text.contains("still waiting after 4 hours")), "{texts:?}");
    let dead = texts.iter().find(|text| text.contains("could not be delivered")).unwrap();
    assert!(dead.contains("to mia@studio.example: tops-0_2026-12-01-06-00-00: done"), "{dead}");
    assert!(dead.contains("4.2.2 the mailbox is full"), "{dead}");
}

#[test]
fn an_outage_of_days_loses_nothing_and_ends_in_a_few_mails() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    relay.says(Phase::Connect, None, Class::Relay, "nobody answers");
    let mut now = start();
    for n in 0..300 {
        outbox.enqueue(&numbered(&relay.settings(), n, Verdict::Clean, now)).unwrap();
        outbox.deliver_due(now).unwrap();
        now = in_seconds(now, 1200);
    }
    assert!(now < start() + EXPIRY);
    assert_eq!(states(&outbox), [State::New; 300]);
    let tried = relay.given().len();
    assert!(tried <= 300, "{tried} attempts");
    relay.forget();
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    run_until(&outbox, in_seconds(now, 300), in_seconds(now, 3600));
    assert_eq!(states(&outbox), [State::Sent; 301]);
    let given = relay.given();
    assert!(given.len() <= 7, "{} mails", given.len());
    let digest = given.iter().map(|(_, m)| text_of(m)).find(|t| t.contains("reports in one mail"));
    let digest = digest.unwrap().replace('\n', " ");
    assert!(digest.contains("This mail is late"), "{digest}");
    assert!(digest.contains("nobody answers"), "{digest}");
}

#[test]
fn ten_thousand_failures_are_few_mails_and_all_are_counted() {
    const JOBS: usize = 10_000;
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    // Two jobs a second; whoever sends looks once a minute.
    let mut now = start();
    for n in 0..JOBS {
        outbox.enqueue(&numbered(&settings, n, Verdict::Fatal, now)).unwrap();
        if n % 120 == 119 {
            now = in_seconds(now, 60);
            outbox.deliver_due(now).unwrap();
        }
    }
    run_until(&outbox, now, now + SignedDuration::from_hours(6));
    let given = relay.given();
    assert!(given.len() <= 30, "{} mails", given.len());
    let mut counted = 0;
    for (_, message) in &given {
        let (headers, _) = mailparse::parse_headers(message).unwrap();
        let header = |name: &str| mailparse::MailHeaderMap::get_first_value(&headers[..], name);
        counted += header("X-Exportd-Digest").map_or(1, |n| n.parse::<usize>().unwrap());
    }
    assert_eq!(counted, JOBS);
    // Each run was told exactly once: what the digests stand for and what went singly is all.
    let items = outbox.list().unwrap();
    assert!(items.iter().all(|item| item.state == State::Sent), "something is left");
    let merged: Vec<&String> = items.iter().flat_map(|i| &i.env.as_ref().unwrap().merged).collect();
    let unique: std::collections::HashSet<&&String> = merged.iter().collect();
    let singly =
        given.len() - items.iter().filter(|i| !i.env.as_ref().unwrap().merged.is_empty()).count();
    assert_eq!((unique.len(), merged.len() + singly), (merged.len(), JOBS));
}

#[test]
fn a_digest_that_is_refused_takes_its_reports_along_and_a_retry_brings_all_back() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    for n in 0..20 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    assert_eq!(outbox.deliver_due(start()).unwrap().sent, 5);
    relay.says(Phase::Dot, Some(554), Class::Dead, "5.6.0 no");
    let summary = outbox.deliver_due(in_seconds(start(), 180)).unwrap();
    assert_eq!((summary.folded, summary.dead), (15, 1));
    let dead = |outbox: &Outbox| states(outbox).iter().filter(|s| **s == State::Dead).count();
    assert_eq!(dead(&outbox), 16);
    // Only the digest itself is told of.
    let mut told = outbox.list().unwrap();
    told.retain(|item| Mid::is_about(&item.mid, Event::Undelivered));
    let text = text_of(&outbox.message(&Mid::from_stem(&told[0].mid).unwrap()).unwrap());
    assert!(text.contains("Given up (1)"), "{text}");
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    let items = outbox.list().unwrap();
    let digest = items.iter().find(|i| Mid::is_about(&i.mid, Event::Digest)).unwrap();
    let now = in_seconds(start(), 200);
    outbox.retry(&Mid::from_stem(&digest.mid).unwrap(), now).unwrap();
    outbox.deliver_due(now).unwrap();
    assert_eq!(states(&outbox), [State::Sent; 21]);
}

#[test]
fn a_crash_between_a_digest_and_its_reports_is_mended_at_the_next_start() {
    let relay = Relay::new();
    let settings = relay.settings();
    let outbox = relay.outbox();
    for n in 0..12 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    outbox.deliver_due(start()).unwrap();
    relay.says(Phase::Rcpt, Some(450), Class::Deferred, "later");
    outbox.deliver_due(in_seconds(start(), 180)).unwrap();
    let items = outbox.list().unwrap();
    let digest = items.iter().find(|i| Mid::is_about(&i.mid, Event::Digest)).unwrap().clone();
    let env = digest.env.unwrap();
    assert_eq!((digest.state, env.merged.len()), (State::Deferred, 7));
    // While it waits, what it stands for does not go by itself.
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    relay.forget();
    outbox.shift(&digest.mid, State::Deferred, State::Sent, &env).unwrap();
    // One of seven was carried on.
    carry_one(&outbox, &env.merged[0]);
    drop(outbox);
    let outbox = relay.outbox();
    assert_eq!(states(&outbox), [State::Sent; 13]);
    run_until(&outbox, in_seconds(start(), 400), in_seconds(start(), 90_000));
    assert_eq!(relay.given().len(), 0);
    assert!(outbox.list().unwrap().iter().all(|item| item.env.is_some()));
}

fn carry_one(outbox: &Outbox, mid: &str) {
    publish(&outbox.eml(State::New, mid), &outbox.eml(State::Sent, mid)).unwrap();
}

#[test]
fn what_waits_in_a_digest_does_not_go_by_itself() {
    let relay = Relay::new();
    let settings = relay.settings();
    let outbox = relay.outbox();
    for n in 0..9 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    outbox.deliver_due(start()).unwrap();
    relay.says(Phase::Dot, None, Class::Unknown, "no answer");
    let now = in_seconds(start(), 180);
    outbox.deliver_due(now).unwrap();
    relay.forget();
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    run_until(&outbox, in_seconds(now, 1), in_seconds(now, 7200));
    let given = relay.given();
    assert_eq!(given.len(), 1, "the digest alone, under its name");
    assert!(text_of(&given[0].1).contains("4 reports in one mail"));
    assert_eq!(states(&outbox), [State::Sent; 10]);
}

#[test]
fn what_the_disk_does_not_take_is_not_sent_twice() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    let sent = relay.dir.path().join("mail/sent");
    fs::remove_dir(&sent).unwrap();
    for minute in 0..10 {
        outbox.deliver_due(in_seconds(start(), 60 * minute)).unwrap();
    }
    assert_eq!(relay.given().len(), 1);
    fs::create_dir(&sent).unwrap();
    outbox.deliver_due(in_seconds(start(), 700)).unwrap();
    assert_eq!(states(&outbox), [State::Sent]);
    assert_eq!(relay.given().len(), 1);
}

#[test]
fn one_who_was_killed_at_the_final_dot_waits_before_it_sends_again() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    // What is on disk while the sender waits for the answer is what the next start finds.
    let seen = relay.dir.path().join("seen");
    let env = outbox.env(State::New, letter.mid.as_str());
    let script = format!(
        "echo '{{\"phase\":\"dot\"}}'\n/bin/sleep 0.3\n/bin/cat {} > {}\nexit\n",
        env.display(),
        seen.display()
    );
    write_new(&relay.dir.path().join("before"), script.as_bytes(), 0o600).unwrap();
    outbox.deliver_due(start()).unwrap();
    let found: Env = serde_json::from_slice(&fs::read(seen).unwrap()).unwrap();
    assert!(found.is_in_doubt());
    assert_eq!(found.next_try, later(start(), AFTER_DOUBT));
}

#[test]
fn two_processes_do_not_send_one_mail() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    let other = Outbox::attach(relay.settings(), relay.program()).unwrap();
    let lock = FolderLock::take(&relay.dir.path().join("mail")).unwrap();
    let summary = other.deliver_due(start()).unwrap();
    assert_eq!((summary.sent, summary.next_due), (0, Some(in_seconds(start(), BUSY))));
    drop(lock);
    let held = hold(&outbox.eml(State::New, letter.mid.as_str())).unwrap().unwrap();
    assert_eq!(other.deliver_due(start()).unwrap().sent, 0);
    let busy = other.retry(&letter.mid, start()).unwrap_err();
    assert_eq!(busy.kind(), io::ErrorKind::WouldBlock);
    drop(held);
    assert_eq!(other.deliver_due(start()).unwrap().sent, 1);
    assert_eq!(relay.given().len(), 1);
}

#[test]
fn one_that_cannot_be_read_keeps_no_other() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    for n in 0..3 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    // A folder cannot be read as a file, whoever asks.
    let first = numbered(&settings, 0, Verdict::Clean, start()).mid;
    let second = numbered(&settings, 1, Verdict::Clean, start()).mid;
    fs::remove_file(outbox.eml(State::New, first.as_str())).unwrap();
    fs::create_dir(outbox.eml(State::New, first.as_str())).unwrap();
    fs::remove_file(outbox.env(State::New, second.as_str())).unwrap();
    fs::create_dir(outbox.env(State::New, second.as_str())).unwrap();
    assert_eq!(outbox.deliver_due(start()).unwrap().sent, 1);
    // Neither is given up: it may be readable again.
    assert_eq!(states(&outbox), [State::New, State::New, State::Sent]);
}

#[test]
fn whoever_asks_is_tried_while_the_relay_is_in_trouble() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    relay.says(Phase::Auth, Some(535), Class::Relay, "no");
    run_until(&outbox, start(), in_seconds(start(), 1000));
    let tried = relay.given().len();
    let now = in_seconds(start(), 1001);
    // From another process, as the command line does.
    let other = Outbox::attach(relay.settings(), relay.program()).unwrap();
    other.retry(&letter.mid, now).unwrap();
    outbox.deliver_due(now).unwrap();
    assert_eq!(relay.given().len(), tried + 1);
    // Once; then the relay's trouble counts again.
    outbox.deliver_due(in_seconds(now, 1)).unwrap();
    assert_eq!(relay.given().len(), tried + 1);
    other.give_up(&letter.mid, "dropped by hand", now).unwrap();
    assert_eq!(states(&outbox), [State::Dead]);
    assert_eq!(outbox.deliver_due(in_seconds(now, 900)).unwrap().next_due, None);
}

#[test]
fn a_jump_of_the_clock_neither_holds_mail_back_nor_ends_it() {
    for hours in [-24 * 365, -1, 1, 24 * 365] {
        let relay = Relay::new();
        let outbox = relay.outbox();
        let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
        outbox.enqueue(&letter).unwrap();
        relay.says(Phase::Connect, None, Class::Relay, "down");
        outbox.deliver_due(start()).unwrap();
        let jumped = start() + SignedDuration::from_hours(hours);
        // Still down: a mail is not given up on the word of one clock.
        outbox.deliver_due(jumped).unwrap();
        assert_eq!(states(&outbox), [State::New], "{hours} h");
        relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
        run_until(&outbox, in_seconds(jumped, 60), jumped + LONGEST_WAIT);
        assert_eq!(states(&outbox), [State::Sent], "{hours} h");
    }
}

#[test]
fn what_has_been_over_for_long_is_removed() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    let (taken, refused) = (
        numbered(&settings, 0, Verdict::Clean, start()),
        numbered(&settings, 1, Verdict::Clean, start()),
    );
    outbox.enqueue(&taken).unwrap();
    outbox.deliver_due(start()).unwrap();
    relay.says(Phase::Rcpt, Some(550), Class::Dead, "no");
    outbox.enqueue(&refused).unwrap();
    outbox.deliver_due(start()).unwrap();
    let days = |n: i64| start() + SignedDuration::from_hours(24 * n + 2);
    let there = |outbox: &Outbox, letter: &Letter| {
        let items = outbox.list().unwrap();
        items.iter().any(|item| item.mid == letter.mid.as_str())
    };
    outbox.deliver_due(days(6)).unwrap();
    assert!(there(&outbox, &taken) && there(&outbox, &refused));
    outbox.deliver_due(days(7)).unwrap();
    assert!(!there(&outbox, &taken) && there(&outbox, &refused));
    outbox.deliver_due(days(30)).unwrap();
    assert!(!there(&outbox, &refused));
}

#[test]
fn mail_about_the_daemon_goes_to_whoever_runs_it_once_an_incident() {
    let relay = Relay::new();
    let mut settings = relay.settings();
    settings.operators = vec![Address::parse("ops@studio.example").unwrap()];
    let outbox = std::sync::Arc::new(Outbox::open(settings, relay.program()).unwrap());
    let channel = crate::report::Channel::Mail(std::sync::Arc::clone(&outbox));
    let notice = crate::report::Notice::PutAside {
        found: "queue/x\r\nBcc: all@studio.example",
        moved_to: "corrupt/x",
        reason: "its record cannot be read",
    };
    assert_eq!(channel.tell_operator(&notice, start()).unwrap(), 1);
    assert_eq!(channel.tell_operator(&notice, in_seconds(start(), 60)).unwrap(), 0);
    outbox.deliver_due(start()).unwrap();
    let given = relay.given();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].0["to"], "ops@studio.example");
    let (headers, _) = mailparse::parse_headers(&given[0].1).unwrap();
    let names: Vec<String> = headers.iter().map(mailparse::MailHeader::get_key).collect();
    assert!(names.contains(&"X-Exportd-Notice".into()) && !names.contains(&"Bcc".into()));
    assert!(text_of(&given[0].1).contains("its record cannot be read"));
}
