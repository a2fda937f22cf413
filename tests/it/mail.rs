//! Mail for real: the outbox, the sending child and a server that records what it is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use exportd::job::log::JobLog;
use exportd::job::{EmailSetting, MailContent, Verdict};
use exportd::report::outbox::{Item, Outbox, Queued, State, Summary};
use exportd::report::smtp::{Class, Envelope, Phase, send};
use exportd::report::{
    Address, Letter, MailSettings, Pace, Patience, Places, Report, SmtpSettings, Tls, text,
};
use jiff::{SignedDuration, Timestamp};
use mailparse::{MailHeaderMap, ParsedMail};

use crate::support::playground::{Playground, picture};
use crate::support::runs;
use crate::support::smtp::{Mischief, Mode, Received, Server, Setup, Step};

const PROGRAM: &str = env!("CARGO_BIN_EXE_exportd");

/// A server, an outbox that sends to it, and a clock that only moves when told.
struct Post {
    server: Server,
    dir: tempfile::TempDir,
    settings: MailSettings,
    now: Timestamp,
}

impl Post {
    fn new(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tls = match setup.mode {
            Mode::Plain => Tls::None,
            Mode::Starttls => Tls::Starttls,
            Mode::Implicit => Tls::Implicit,
        };
        let login = setup.login;
        let server = Server::start(setup);
        let password_file = login.map(|(_, password)| {
            let path = dir.path().join("password");
            exportd::fs::write_new(&path, format!("{password}\n").as_bytes(), 0o600).unwrap();
            path
        });
        let settings = MailSettings {
            folder: dir.path().join("mail"),
            smtp: Some(SmtpSettings {
                port: server.port,
                tls,
                user: login.map(|(user, _)| user.to_owned()),
                password_file,
                ca_file: Some(server.ca_file()),
                ..runs::nowhere()
            }),
            // How much one person is sent is a matter of its own.
            pace: Pace {
                burst: 1_000,
                hourly: 1_000,
                all_burst: 1_000,
                all_hourly: 1_000,
                ..runs::mail().pace
            },
            ..runs::mail()
        };
        Self { server, dir, settings, now: "2026-12-01T05:03:12Z".parse().unwrap() }
    }

    fn plain() -> Self {
        Self::new(Setup::new(Mode::Plain))
    }

    fn smtp(&mut self) -> &mut SmtpSettings {
        self.settings.smtp.as_mut().unwrap()
    }

    fn outbox(&self) -> Outbox {
        Outbox::open(self.settings.clone(), PathBuf::from(PROGRAM)).unwrap()
    }

    fn letter(&self, to: &str) -> Letter {
        let log = runs::log(Verdict::Partial);
        let places = runs::places();
        let report = Report { log: &log, places: &places, retry: None };
        report.letter(&self.settings, &Address::parse(to).unwrap()).unwrap()
    }

    /// One mail to mia, tried once while the server does this.
    fn one_attempt(&self, mischief: Mischief) -> (Outbox, Summary) {
        self.server.script([mischief]);
        let outbox = self.outbox();
        outbox.enqueue(&self.letter("mia@studio.example")).unwrap();
        let summary = outbox.deliver_due(self.now).unwrap();
        (outbox, summary)
    }
}

/// The only mail, beside those that tell whoever runs the daemon about it.
fn only(outbox: &Outbox) -> Item {
    let mut items = outbox.list().unwrap();
    items.retain(|item| !item.mid.contains(".undelivered."));
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn parse(received: &Received) -> ParsedMail<'_> {
    mailparse::parse_mail(&received.message).unwrap()
}

fn header(mail: &ParsedMail<'_>, name: &str) -> String {
    mail.headers.get_first_value(name).unwrap_or_default()
}

fn body(mail: &ParsedMail<'_>) -> String {
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/plain").unwrap();
    part.get_body().unwrap().replace("\r\n", "\n")
}

// ------------------------------------------------------------------------------- the 35 cases

/// The table of levels and verdicts: what the mail holds, if there is one. Written out once more
/// here, so that it is not tested against itself.
const fn expected(level: EmailSetting, verdict: Verdict) -> Option<MailContent> {
    const NO: Option<MailContent> = None;
    const COUNTS: Option<MailContent> = Some(MailContent::Counts);
    const ERRORS: Option<MailContent> = Some(MailContent::ErrorList);
    const LISTS: Option<MailContent> = Some(MailContent::Lists);
    let row = match verdict {
        //                     All     JobCompl. ErrAndW Error   None
        Verdict::Clean => [COUNTS, COUNTS, NO, NO, NO],
        Verdict::Warnings => [LISTS, COUNTS, LISTS, NO, NO],
        Verdict::Partial | Verdict::Failed => [LISTS, COUNTS, LISTS, ERRORS, NO],
        Verdict::Fatal | Verdict::Refused => [LISTS, LISTS, LISTS, LISTS, NO],
        Verdict::Stopped => [COUNTS, COUNTS, NO, NO, NO],
    };
    row[match level {
        EmailSetting::All => 0,
        EmailSetting::JobCompletion => 1,
        EmailSetting::ErrorAndWarning => 2,
        EmailSetting::Error => 3,
        EmailSetting::None => 4,
    }]
}

/// What the table of verdicts says of each sample run.
const fn subject(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "[exportd] spring-tops: done, 2 files",
        Verdict::Warnings => "[exportd] spring-tops: done, 1 file, 2 warnings",
        Verdict::Partial => "[exportd] spring-tops: 2 of 3 need you",
        Verdict::Failed => "[exportd] spring-tops: NOT exported (all 2 failed)",
        Verdict::Fatal => {
            "[exportd] spring-tops: NOT exported (the disk of the output folder is full)"
        }
        Verdict::Refused => {
            "[exportd] spring-tops: NOT exported (line 2: unknown key `emailSeting`)"
        }
        Verdict::Stopped => "[exportd] spring-tops: stopped, 1 of 3 done",
    }
}

fn check_body(body: &str, verdict: Verdict, content: MailContent) {
    let has_failures = matches!(verdict, Verdict::Partial | Verdict::Failed);
    let has_warnings = matches!(verdict, Verdict::Warnings | Verdict::Partial | Verdict::Failed);
    let failures = has_failures && content != MailContent::Counts;
    let warnings = has_warnings && content == MailContent::Lists;
    assert_eq!(body.contains("\nFailed (2)\n"), failures, "{verdict:?} {content:?}\n{body}");
    assert_eq!(body.contains("     What to do: Open it in an image editor"), failures, "{body}");
    assert_eq!(body.contains("\nWarnings ("), warnings, "{verdict:?} {content:?}\n{body}");
    match verdict {
        Verdict::Fatal => {
            assert!(body.starts_with("Nothing was exported: the disk of the output folder"));
        }
        Verdict::Refused => {
            assert!(body.contains("2 | emailSeting = \"All\"\n  | ^^^^^^^^^^^"), "{body}");
            assert!(body.contains("help: did you mean `emailSetting`?"), "{body}");
        }
        _ => assert!(body.contains("\nResult\n  Listed   "), "{body}"),
    }
    assert!(
        body.contains("You are receiving this mail because spring-tops.toml says emailSetting")
    );
}

/// A run of its own name and level for each case.
fn case(level: EmailSetting, verdict: Verdict) -> JobLog {
    let mut log = runs::log(verdict);
    log.about.email_setting = Some(level);
    log.run = format!("{}-{level:?}-{}", log.run, verdict.word());
    log
}

fn all_cases(setup: &Setup) {
    let post = Post::new(setup.clone());
    let places = runs::places();
    let to = Address::parse("Mia Wang <mia@studio.example>").unwrap();
    let outbox = post.outbox();
    let mut wanted = 0;
    for level in EmailSetting::ALL {
        for verdict in Verdict::ALL {
            let log = case(level, verdict);
            let report = Report { log: &log, places: &places, retry: None };
            let letter = report.letter(&post.settings, &to);
            assert_eq!(
                letter.is_some(),
                expected(level, verdict).is_some(),
                "{level:?} {verdict:?}"
            );
            if let Some(letter) = letter {
                assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::New);
                wanted += 1;
            }
        }
    }
    let summary = outbox.deliver_due(post.now).unwrap();
    assert_eq!(summary, Summary { sent: wanted, ..Summary::default() });
    let received = post.server.received();
    assert_eq!(received.len(), wanted);
    for level in EmailSetting::ALL {
        for verdict in Verdict::ALL {
            let log = case(level, verdict);
            let mut of_run =
                received.iter().filter(|r| header(&parse(r), "X-Exportd-Run") == log.run);
            let Some(content) = expected(level, verdict) else {
                assert_eq!(of_run.next(), None, "{level:?} {verdict:?}");
                continue;
            };
            let received = of_run.next().unwrap();
            assert_eq!(of_run.next(), None, "one mail per run and recipient");
            assert_eq!(received.tls, setup.mode != Mode::Plain);
            assert_eq!(received.user.as_deref(), setup.login.map(|(user, _)| user));
            assert_eq!(
                (received.to.as_str(), received.hello.as_str()),
                ("mia@studio.example", "studio.example")
            );
            assert!(
                received.mail.starts_with("FROM:<exportd@studio.example>"),
                "{}",
                received.mail
            );
            let mail = parse(received);
            assert_eq!(header(&mail, "Subject"), subject(verdict));
            assert_eq!(header(&mail, "X-Exportd-Verdict"), verdict.word());
            assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
            check_body(&body(&mail), verdict, content);
            let kinds: Vec<&str> =
                mail.subparts.iter().map(|part| part.ctype.mimetype.as_str()).collect();
            assert_eq!(mail.ctype.mimetype, "multipart/alternative");
            assert_eq!(kinds, ["text/plain", "text/html"]);
        }
    }
}

#[test]
fn all_35_cases_in_the_clear_on_the_loopback() {
    all_cases(&Setup::new(Mode::Plain));
}

#[test]
fn all_35_cases_over_starttls_with_a_password() {
    all_cases(&Setup::new(Mode::Starttls));
}

#[test]
fn all_35_cases_over_implicit_tls_with_a_password() {
    all_cases(&Setup { mechanism: "LOGIN", ..Setup::new(Mode::Implicit) });
}

// -------------------------------------------------------------------------- what the relay says

#[test]
fn a_temporary_refusal_is_tried_again_later() {
    for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Dot] {
        let post = Post::plain();
        let (outbox, summary) = post.one_attempt(Mischief::Say(step, "451 4.3.0 not now"));
        assert_eq!((summary.deferred, summary.relay_trouble), (1, None), "{step:?}");
        let item = only(&outbox);
        let env = item.env.unwrap();
        assert_eq!((item.state, env.attempts, env.last_code), (State::Deferred, 1, Some(451)));
        assert_eq!(env.last_text.as_deref(), Some("4.3.0 not now"));
        let due = summary.next_due.unwrap();
        let wait = due.duration_since(post.now).as_secs();
        assert!((48..=72).contains(&wait), "{wait} s");
        let early = due - SignedDuration::from_secs(1);
        assert_eq!(outbox.deliver_due(early).unwrap().sent, 0);
        // A new process knows what the old one did.
        drop(outbox);
        let outbox = post.outbox();
        assert_eq!(outbox.deliver_due(due).unwrap().sent, 1, "{step:?}");
        assert_eq!(only(&outbox).state, State::Sent);
        assert_eq!(post.server.connections(), 2);
    }
}

#[test]
fn a_final_refusal_ends_that_mail_and_no_other() {
    for step in [Step::Rcpt, Step::Data, Step::Dot] {
        let post = Post::plain();
        post.server.script([Mischief::Say(step, "550 5.1.1 no such user")]);
        let outbox = post.outbox();
        for to in ["a@studio.example", "b@studio.example"] {
            outbox.enqueue(&post.letter(to)).unwrap();
        }
        let summary = outbox.deliver_due(post.now).unwrap();
        assert_eq!((summary.sent, summary.dead, summary.next_due), (1, 1, None), "{step:?}");
        let dead = outbox.list().unwrap().into_iter().find(|i| i.state == State::Dead).unwrap();
        assert_eq!(dead.env.unwrap().last_code, Some(550));
    }
}

#[test]
fn a_relay_that_takes_nothing_punishes_nobody() {
    let cases = [
        Mischief::Say(Step::Greeting, "554 5.3.2 go away"),
        Mischief::Say(Step::Greeting, "421 4.3.2 busy"),
        Mischief::Say(Step::Ehlo, "421 4.3.2 busy"),
        Mischief::Say(Step::Mail, "550 5.7.1 not you"),
        Mischief::Say(Step::Mail, "530 5.7.0 authentication required"),
        Mischief::Say(Step::Rcpt, "421 4.3.2 shutting down"),
        Mischief::Say(Step::Dot, "421 4.3.2 shutting down"),
        Mischief::Drop(Step::Greeting),
        Mischief::Drop(Step::Ehlo),
        Mischief::Drop(Step::Mail),
        Mischief::Drop(Step::Rcpt),
        Mischief::Drop(Step::Data),
        Mischief::Binary(Step::Greeting),
        Mischief::Binary(Step::Rcpt),
    ];
    for mischief in cases {
        let post = Post::plain();
        post.server.script([mischief]);
        let outbox = post.outbox();
        for to in ["a@studio.example", "b@studio.example"] {
            outbox.enqueue(&post.letter(to)).unwrap();
        }
        let summary = outbox.deliver_due(post.now).unwrap();
        assert!(summary.relay_trouble.is_some(), "{mischief:?}");
        assert_eq!((summary.sent, summary.deferred, summary.dead), (0, 0, 0), "{mischief:?}");
        // One mail found out; the other was left alone.
        assert_eq!(post.server.connections(), 1, "{mischief:?}");
        for item in outbox.list().unwrap() {
            assert_eq!((item.state, item.env.unwrap().attempts), (State::New, 0));
        }
        let probe = summary.next_due.unwrap();
        assert_eq!(probe, post.now + SignedDuration::from_mins(1));
        let again = outbox.deliver_due(probe).unwrap();
        assert_eq!(again.relay_trouble, None, "{mischief:?}");
        // Only a mail that had come as far as its recipient stands back a little.
        let later = outbox.deliver_due(post.now + SignedDuration::from_mins(6)).unwrap();
        assert_eq!(again.sent + later.sent, 2, "{mischief:?}");
    }
}

#[test]
fn a_lost_answer_to_the_final_dot_waits_and_repeats_the_same_bytes() {
    let post = Post::plain();
    let (outbox, summary) = post.one_attempt(Mischief::Drop(Step::Dot));
    let due = summary.next_due.unwrap();
    assert!(due.duration_since(post.now) >= SignedDuration::from_mins(10), "{due}");
    let item = only(&outbox);
    assert_eq!((item.state, item.env.unwrap().phase), (State::Deferred, Some(Phase::Dot)));
    assert_eq!(outbox.deliver_due(due).unwrap().sent, 1);
    let received = post.server.received();
    assert_eq!(received.len(), 2);
    assert!(!received[0].accepted && received[1].accepted);
    assert_eq!(received[0].message, received[1].message);
}

#[test]
fn a_mail_older_than_five_days_is_given_up_after_one_more_attempt() {
    let post = Post::plain();
    let outbox = post.outbox();
    outbox.enqueue(&post.letter("mia@studio.example")).unwrap();
    let mut now = post.now;
    let mut attempts = 0;
    loop {
        // Whoever runs the daemon is told that it is late, and that is refused as well.
        post.server.script([Mischief::Say(Step::Rcpt, "450 4.2.1 mailbox busy"); 3]);
        let summary = outbox.deliver_due(now).unwrap();
        attempts += 1;
        if summary.dead == 1 {
            break;
        }
        let next = summary.next_due.unwrap();
        assert!(next > now);
        // Steps of most of a day, to come to the end sooner.
        now = next.max(now + SignedDuration::from_hours(20));
    }
    let age = now.duration_since(post.now);
    assert!(age > SignedDuration::from_hours(120) && age < SignedDuration::from_hours(142));
    let item = only(&outbox);
    assert_eq!((item.state, item.env.unwrap().attempts), (State::Dead, attempts));
}

// ---------------------------------------------------------------------- servers that take time

fn impatient(post: &mut Post) {
    post.smtp().patience =
        Patience { transaction: Duration::from_millis(700), answer: Duration::from_millis(700) };
}

#[test]
fn no_server_holds_the_outbox_up() {
    let cases = [
        (Mischief::Silence(Step::Greeting), Class::Relay),
        (Mischief::Silence(Step::Rcpt), Class::Relay),
        (Mischief::Silence(Step::Dot), Class::Unknown),
        (Mischief::Dribble(Step::Greeting), Class::Relay),
        (Mischief::Dribble(Step::Rcpt), Class::Relay),
        (Mischief::Dribble(Step::Dot), Class::Unknown),
    ];
    for (mischief, class) in cases {
        let mut post = Post::plain();
        impatient(&mut post);
        let begin = Instant::now();
        let (outbox, summary) = post.one_attempt(mischief);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(4), "{mischief:?} took {took:?}");
        assert_eq!(summary.relay_trouble.is_some(), class == Class::Relay, "{mischief:?}");
        assert_eq!(summary.deferred, usize::from(class == Class::Unknown), "{mischief:?}");
        assert_ne!(only(&outbox).state, State::Dead);
    }
}

// --------------------------------------------------------------------------- one connection

/// Mails to so many different people.
fn to_many(post: &Post, outbox: &Outbox, many: usize) {
    for n in 0..many {
        outbox.enqueue(&post.letter(&format!("p{n:02}@studio.example"))).unwrap();
    }
}

fn accepted(post: &Post) -> Vec<String> {
    let mut to: Vec<String> =
        post.server.received().into_iter().filter(|r| r.accepted).map(|r| r.to).collect();
    to.sort_unstable();
    to
}

#[test]
fn one_connection_carries_fifty_mails_to_different_people() {
    let post = Post::new(Setup::new(Mode::Starttls));
    let outbox = post.outbox();
    to_many(&post, &outbox, 60);
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 50);
    assert_eq!((post.server.connections(), post.server.logins()), (1, 1));
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 10);
    assert_eq!((post.server.connections(), post.server.resets()), (2, 0));
    let to = accepted(&post);
    assert_eq!(to.len(), 60);
    assert_eq!((to[0].as_str(), to[59].as_str()), ("p00@studio.example", "p59@studio.example"));
}

#[test]
fn what_goes_wrong_in_the_middle_of_a_connection_is_one_mails_alone() {
    // What the third of five meets, what becomes of it, and how many connections that takes.
    let cases = [
        (Mischief::Say(Step::Rcpt, "550 5.1.1 no such user"), State::Dead, 1),
        (Mischief::Say(Step::Rcpt, "450 4.2.1 mailbox busy"), State::Deferred, 1),
        (Mischief::Say(Step::Data, "451 4.3.0 not now"), State::Deferred, 1),
        (Mischief::Say(Step::Dot, "554 5.6.0 no"), State::Dead, 1),
        // Nobody knows whether it was taken.
        (Mischief::Drop(Step::Dot), State::Deferred, 2),
        (Mischief::Silence(Step::Dot), State::Deferred, 2),
        (Mischief::Binary(Step::Dot), State::Deferred, 2),
        // The relay has enough of the connection, not of the mail.
        (Mischief::Say(Step::Mail, "421 4.7.0 too many messages"), State::Sent, 2),
        (Mischief::Say(Step::Mail, "452 4.5.3 too many messages"), State::Sent, 2),
        (Mischief::Say(Step::Rcpt, "421 4.7.0 too many messages"), State::Sent, 2),
        (Mischief::Drop(Step::Mail), State::Sent, 2),
        (Mischief::Drop(Step::Rcpt), State::Sent, 2),
        (Mischief::Drop(Step::Data), State::Sent, 2),
        (Mischief::Silence(Step::Rcpt), State::Sent, 2),
    ];
    for (mischief, state, connections) in cases {
        let mut post = Post::plain();
        impatient(&mut post);
        let good = Mischief::Behave;
        post.server.script([good, good, mischief, good, good, good]);
        let outbox = post.outbox();
        to_many(&post, &outbox, 5);
        let summary = outbox.deliver_due(post.now).unwrap();
        assert_eq!(summary.relay_trouble, None, "{mischief:?}");
        assert_eq!(post.server.connections(), connections, "{mischief:?}");
        let refused = connections == 1;
        assert_eq!(post.server.resets(), usize::from(refused), "{mischief:?}");
        let mut others = outbox.list().unwrap();
        others.retain(|item| !item.mid.contains(".undelivered."));
        let odd: Vec<Item> = others.extract_if(.., |item| item.state != State::Sent).collect();
        let odd: Vec<State> = odd.iter().map(|item| item.state).collect();
        let wanted: &[State] = if state == State::Sent { &[] } else { &[state] };
        assert_eq!(odd, wanted, "{mischief:?}");
        // Taken once each, whatever happened.
        let to = accepted(&post);
        let mut once = to.clone();
        once.dedup();
        assert_eq!((to.len(), once.len()), (others.len(), others.len()), "{mischief:?}");
    }
}

#[test]
fn a_mail_is_written_down_before_the_next_begins() {
    let post = Post::plain();
    let good = Mischief::Behave;
    // The third waits for its answer while we look.
    post.server.script([good, good, Mischief::Silence(Step::Dot)]);
    let outbox = Arc::new(post.outbox());
    to_many(&post, &outbox, 5);
    let (sending, now) = (Arc::clone(&outbox), post.now);
    let thread = std::thread::spawn(move || sending.deliver_due(now));
    let until = Instant::now() + Duration::from_secs(10);
    while post.server.received().len() < 3 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let items = outbox.list().unwrap();
    let count = |state| items.iter().filter(|item| item.state == state).count();
    assert_eq!((count(State::Sent), count(State::New)), (2, 3));
    // Ends the wait: the server's end is the end of the connection.
    drop(post.server);
    thread.join().unwrap().unwrap();
}

#[test]
fn no_more_mails_a_second_than_the_pace_allows_and_none_after_a_stop() {
    let mut post = Post::plain();
    // So long that it is the pace that is seen, and not the machine's.
    post.settings.pace.gap = Duration::from_millis(300);
    let outbox = post.outbox();
    to_many(&post, &outbox, 6);
    let begin = Instant::now();
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 6);
    let took = begin.elapsed();
    assert!(took >= 5 * post.settings.pace.gap, "{took:?}");
    assert_eq!(post.server.connections(), 1);
    assert_eq!(Pace::default().gap, Duration::from_millis(200), "five a second");

    post.settings.pace.gap = Duration::ZERO;
    let outbox = post.outbox();
    to_many(&post, &outbox, 14);
    let asked = AtomicUsize::new(0);
    let goes_on = || asked.fetch_add(1, Ordering::Relaxed) < 4;
    let summary = outbox.deliver_while(post.now, &goes_on).unwrap();
    assert!((1..4).contains(&summary.sent), "{}", summary.sent);
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 8 - summary.sent);
}

/// Every way of hazard in which a server can be bad, wherever in a conversation it begins.
fn bad_servers() -> Vec<(Mode, &'static str, Mischief)> {
    use Mischief::{
        Binary, Dribble, Drop, Endless, GarbageTls, HalfClose, Say, Silence, StripStarttls,
    };
    use Step::{Data, Dot, Ehlo, Greeting, Mail, Rcpt, Starttls};
    let steps = [Greeting, Ehlo, Mail, Rcpt, Data, Dot];
    let mut all = Vec::new();
    for step in steps {
        all.extend([
            Dribble(step),
            Silence(step),
            Endless(step),
            Binary(step),
            Drop(step),
            HalfClose(step),
            Say(step, "421 4.3.2 shutting down"),
        ]);
    }
    for step in [Mail, Rcpt, Data, Dot] {
        all.push(Say(step, "451 4.3.0 not now"));
    }
    all.push(Say(Mail, "550 5.7.1 not you"));
    let mut all: Vec<_> =
        all.into_iter().map(|mischief| (Mode::Plain, "localhost", mischief)).collect();
    for mischief in [GarbageTls, StripStarttls, Drop(Starttls), Silence(Starttls), Binary(Starttls)]
    {
        all.push((Mode::Starttls, "localhost", mischief));
    }
    all.push((Mode::Starttls, "wrong.example", Mischief::Behave));
    all.push((Mode::Implicit, "wrong.example", Mischief::Behave));
    all
}

/// One bad conversation, whatever it is, loses no mail, ends in time, and sends twice only what may
/// not have arrived: the same bytes, ten minutes later.
fn one_bad_server((mode, name, mischief): (Mode, &'static str, Mischief)) {
    let what = format!("{mode:?} {name} {mischief:?}");
    let mut post = Post::new(Setup { name, ..Setup::new(mode) });
    impatient(&mut post);
    let begin = Instant::now();
    post.server.script([mischief]);
    let outbox = post.outbox();
    let mut ids = Vec::new();
    for to in ["a@studio.example", "b@studio.example"] {
        let letter = post.letter(to);
        ids.push(format!("<{}@studio.example>", letter.mid));
        outbox.enqueue(&letter).unwrap();
    }
    let first = outbox.deliver_due(post.now).unwrap();
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(12), "{what} took {took:?}");
    assert_eq!(first.dead, 0, "{what}");
    if name == "wrong.example" {
        // It stays wrong. Nothing was said to it, and both mails are still there.
        assert_eq!((post.server.logins(), post.server.received().len()), (0, 0), "{what}");
        assert!(outbox.list().unwrap().iter().all(|i| i.state == State::New), "{what}");
        return;
    }
    let doubtful = post.server.received().iter().filter(|r| !r.accepted).count();
    let mut now = post.now;
    let end = now + SignedDuration::from_mins(30);
    let mut next = first.next_due;
    while let Some(due) = next.filter(|due| *due < end) {
        now = due;
        next = outbox.deliver_due(now).unwrap().next_due;
    }
    assert!(outbox.list().unwrap().iter().all(|item| item.state == State::Sent), "{what}");
    let received = post.server.received();
    assert_eq!(received.iter().filter(|r| r.accepted).count(), 2, "{what}");
    assert_eq!(received.len(), 2 + doubtful, "{what}");
    for id in ids {
        let mails: Vec<_> =
            received.iter().filter(|r| header(&parse(r), "Message-ID") == id).collect();
        assert!(mails.iter().all(|mail| mail.message == mails[0].message), "{what}");
        assert_eq!(mails.iter().filter(|mail| mail.accepted).count(), 1, "{what}");
    }
}

#[test]
fn no_bad_server_loses_a_mail_or_holds_the_others_up() {
    let cases = bad_servers();
    assert!(cases.len() > 50);
    // They spend their time waiting, so some at once.
    let next = std::sync::Mutex::new(cases.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap().next();
                    let Some(case) = case else { return };
                    one_bad_server(case);
                }
            });
        }
    });
}

#[test]
fn a_mail_that_is_too_large_goes_once_more_as_text_only() {
    let long: String = (0..9_000).map(|n| format!("line {n}\n")).collect();
    let letter = |post: &Post| {
        let mut letter = post.letter("mia@studio.example");
        letter.text.clone_from(&long);
        letter
    };
    let full_id = |letter: &Letter| format!("<{}@studio.example>", letter.mid);
    // One that says beforehand how much it takes is not sent more.
    let offers: &[&str] = &["8BITMIME", "SIZE 70000"];
    let post = Post::new(Setup { offers, ..Setup::new(Mode::Plain) });
    let outbox = post.outbox();
    outbox.enqueue(&letter(&post)).unwrap();
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 1);
    let received = post.server.received();
    assert_eq!((received.len(), post.server.connections(), post.server.resets()), (1, 1, 1));
    assert!(received[0].message.len() < 70_000);
    assert_eq!(header(&parse(&received[0]), "Message-ID"), full_id(&letter(&post)));
    assert!(body(&parse(&received[0])).contains("The report has the rest."));

    // One that says so afterwards is tried once more, and no third time.
    for (refusals, sent, dead) in [(1, 1, 0), (2, 0, 1)] {
        let post = Post::plain();
        let full = Mischief::Say(Step::Dot, "552 5.3.4 message too big");
        post.server.script(vec![full; refusals]);
        let outbox = post.outbox();
        outbox.enqueue(&letter(&post)).unwrap();
        let summary = outbox.deliver_due(post.now).unwrap();
        assert_eq!((summary.sent, summary.dead), (sent, dead));
        let received = post.server.received();
        assert_eq!(received.len(), 2);
        assert!(received[1].message.len() < received[0].message.len() / 2);
    }
    // A full mailbox is no matter of length.
    let post = Post::plain();
    let full = Mischief::Say(Step::Dot, "552 5.2.2 mailbox full");
    let (_, summary) = post.one_attempt(full);
    assert_eq!((summary.dead, post.server.connections()), (1, 1));
}

#[test]
fn a_mailer_ends_with_whoever_started_it() {
    // The shell is killed while its child waits for a silent server.
    let post = Post::plain();
    post.server.script([Mischief::Silence(Step::Greeting)]);
    let order = format!(
        "{{\"host\":\"127.0.0.1\",\"port\":{},\"tls\":\"none\",\"user\":null,\"password\":null,\
         \"ca_file\":null,\"hello\":\"x.example\",\"limit_ms\":60000,\"silence_ms\":60000,\
         \"answer_ms\":60000}}\n{{\"from\":\"a@x.example\",\"to\":\"b@x.example\",\"length\":3}}\n\nx\n",
        post.server.port
    );
    let input = post.dir.path().join("order");
    exportd::fs::write_new(&input, order.as_bytes(), 0o600).unwrap();
    let mut shell = std::process::Command::new("/bin/sh")
        .args(["-c", "\"$0\" mailer < \"$1\" > /dev/null; echo", PROGRAM])
        .arg(&input)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let child_of = |parent: u32| {
        let list = format!("/proc/{parent}/task/{parent}/children");
        std::fs::read_to_string(list).unwrap_or_default().trim().to_owned()
    };
    let until = Instant::now() + Duration::from_secs(10);
    while post.server.connections() == 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(post.server.connections(), 1, "it speaks to the server");
    let mailer = child_of(shell.id());
    assert!(!mailer.is_empty());
    shell.kill().unwrap();
    shell.wait().unwrap();
    let gone = || !Path::new("/proc").join(&mailer).exists();
    while !gone() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(gone(), "mailer {mailer} is still there");
}

#[test]
fn a_round_promises_as_long_as_the_relay_may_take_and_then_rests() {
    let mut post = Post::plain();
    post.smtp().patience.transaction = Duration::from_secs(3);
    post.server.script([Mischief::Silence(Step::Greeting)]);
    let outbox = post.outbox();
    outbox.enqueue(&post.letter("mia@studio.example")).unwrap();
    let (pulse, now) = (outbox.pulse(), post.now);
    assert_eq!(pulse.due(Duration::ZERO), None, "what is put in promises nothing");
    let sending = std::thread::spawn(move || (outbox.deliver_due(now).unwrap(), outbox));
    let mut longest = Duration::ZERO;
    while !sending.is_finished() {
        let due = pulse.due(Duration::ZERO).map(|due| due.duration_since(Instant::now()));
        longest = longest.max(due.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(2));
    }
    let (summary, _outbox) = sending.join().unwrap();
    assert!(summary.relay_trouble.is_some());
    // Its own limit and a few seconds; not that for an answer to the dot, which was never made.
    let range = Duration::from_secs(3)..Duration::from_secs(30);
    assert!(range.contains(&longest), "{longest:?}");
    assert_eq!(pulse.due(Duration::ZERO), None, "it rests until the next");
}

#[test]
fn a_line_without_end_meets_the_childs_memory_limit() {
    let mut post = Post::plain();
    post.smtp().patience.transaction = Duration::from_secs(15);
    let (_, summary) = post.one_attempt(Mischief::Endless(Step::Ehlo));
    let trouble = summary.relay_trouble.unwrap();
    assert!(trouble.contains("ended without a result") || trouble.contains("memory"), "{trouble}");
}

// ------------------------------------------------------------------------------------------ TLS

#[test]
fn without_proper_tls_nothing_is_said() {
    let strangers = Server::start(Setup::new(Mode::Plain)).ca_file();
    let cases = [
        (Setup::new(Mode::Starttls), Mischief::StripStarttls, "does not offer STARTTLS"),
        (Setup::new(Mode::Starttls), Mischief::GarbageTls, ""),
        (Setup::new(Mode::Starttls), Mischief::Say(Step::Ehlo, "250 HELP"), "STARTTLS"),
        (Setup::new(Mode::Starttls), Mischief::Say(Step::Starttls, "454 4.7.0 not now"), "not now"),
        (
            Setup { name: "wrong.example", ..Setup::new(Mode::Starttls) },
            Mischief::Behave,
            "not valid for name",
        ),
        (
            Setup { name: "wrong.example", ..Setup::new(Mode::Implicit) },
            Mischief::Behave,
            "not valid for name",
        ),
    ];
    for (setup, mischief, words) in cases {
        let post = Post::new(setup);
        let (outbox, summary) = post.one_attempt(mischief);
        let trouble = summary.relay_trouble.unwrap();
        assert!(trouble.contains(words), "{mischief:?}: {trouble}");
        assert_eq!((post.server.logins(), post.server.received().len()), (0, 0), "{mischief:?}");
        assert_eq!(only(&outbox).state, State::New);
    }
    let mut post = Post::new(Setup::new(Mode::Implicit));
    post.smtp().ca_file = Some(strangers);
    let (_, summary) = post.one_attempt(Mischief::Behave);
    assert!(summary.relay_trouble.is_some());
    assert_eq!(post.server.logins(), 0);
}

#[test]
fn an_answer_slipped_in_before_tls_is_noticed() {
    let post = Post::new(Setup::new(Mode::Starttls));
    let (outbox, summary) = post.one_attempt(Mischief::Inject);
    let trouble = summary.relay_trouble.unwrap();
    assert!(trouble.contains("out of step"), "{trouble}");
    assert_eq!(only(&outbox).state, State::New);
}

#[test]
fn a_wrong_password_is_the_relays_trouble() {
    let post = Post::new(Setup::new(Mode::Starttls));
    std::fs::remove_file(post.dir.path().join("password")).unwrap();
    exportd::fs::write_new(&post.dir.path().join("password"), b"wrong", 0o600).unwrap();
    let (outbox, summary) = post.one_attempt(Mischief::Behave);
    assert_eq!(summary.relay_trouble.as_deref(), Some("5.7.8 wrong user or password"));
    let env = only(&outbox).env.unwrap();
    assert_eq!((env.attempts, env.last_code, env.phase), (0, Some(535), Some(Phase::Auth)));
}

#[test]
fn plain_text_off_the_loopback_is_no_setting() {
    let mut post = Post::plain();
    post.smtp().host = "mail.example".into();
    let error = Outbox::open(post.settings.clone(), PathBuf::from(PROGRAM)).unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
}

// -------------------------------------------------------------------------------- what is where

/// Command lines and environments of the mailers that send for us.
fn mailers() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let ours = status.contains(&format!("PPid:\t{}\n", std::process::id()));
        let arguments = read("cmdline");
        if ours && arguments.ends_with(b"mailer\0") {
            out.push((arguments, read("environ")));
        }
    }
    out
}

#[test]
fn the_password_is_in_no_list_of_processes() {
    let mut post = Post::new(Setup::new(Mode::Starttls));
    post.smtp().patience.transaction = Duration::from_secs(2);
    let watcher = std::thread::spawn(|| {
        let until = Instant::now() + Duration::from_secs(3);
        let mut seen = Vec::new();
        while seen.is_empty() && Instant::now() < until {
            seen = mailers();
            std::thread::sleep(Duration::from_millis(5));
        }
        seen
    });
    let (outbox, _) = post.one_attempt(Mischief::Silence(Step::Mail));
    let seen = watcher.join().unwrap();
    assert!(!seen.is_empty());
    for (arguments, environment) in seen {
        for bytes in [arguments, environment] {
            assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"));
        }
    }
    assert!(!format!("{outbox:?}").contains("s3cret"));
}

#[test]
fn addresses_beyond_ascii_need_a_relay_that_takes_them() {
    let plain = Post::plain();
    let outbox = plain.outbox();
    outbox.enqueue(&plain.letter("Jörg <jörg@exämple.org>")).unwrap();
    outbox.enqueue(&plain.letter("Jörg <ops@exämple.org>")).unwrap();
    let summary = outbox.deliver_due(plain.now).unwrap();
    assert_eq!((summary.sent, summary.dead), (1, 1));
    assert_eq!(plain.server.received()[0].to, "ops@xn--exmple-cua.org");
    let dead = outbox.list().unwrap().into_iter().find(|i| i.state == State::Dead).unwrap();
    assert!(dead.env.unwrap().last_text.unwrap().contains("only ASCII addresses"));

    let modern = Post::new(Setup { offers: &["8BITMIME", "SMTPUTF8"], ..Setup::new(Mode::Plain) });
    let outbox = modern.outbox();
    outbox.enqueue(&modern.letter("Jörg <jörg@exämple.org>")).unwrap();
    assert_eq!(outbox.deliver_due(modern.now).unwrap().sent, 1);
    let received = modern.server.received();
    assert_eq!(received[0].to, "jörg@xn--exmple-cua.org");
    assert!(received[0].mail.contains("SMTPUTF8"), "{}", received[0].mail);
}

#[test]
fn a_mail_is_sent_once_however_often_the_run_is_reported() {
    let post = Post::plain();
    let letter = post.letter("mia@studio.example");
    let outbox = post.outbox();
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::New);
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 1);
    drop(outbox);
    let outbox = post.outbox();
    assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
    assert_eq!(outbox.deliver_due(post.now).unwrap(), Summary::default());
    assert_eq!(post.server.received().len(), 1);
}

#[test]
fn a_report_is_announced_to_everybody_once_and_a_retry_refers_to_it() {
    let post = Post::plain();
    let outbox = post.outbox();
    let places = runs::places();
    let to = ["a@studio.example", "b@studio.example"].map(|a| Address::parse(a).unwrap());
    let mut log = runs::log(Verdict::Partial);
    let announce =
        |log: &JobLog| outbox.announce(&Report { log, places: &places, retry: None }, &to).unwrap();
    assert_eq!((announce(&log), announce(&log)), (true, false));
    log.about.retry_of = Some(std::mem::replace(&mut log.run, "again".into()));
    assert!(announce(&log));
    log.about.email_setting = Some(EmailSetting::None);
    log.run = "silent".into();
    assert!(!announce(&log));
    assert_eq!(outbox.deliver_due(post.now).unwrap().sent, 4);
    let received = post.server.received();
    for to in &to {
        let mails: Vec<_> = received.iter().filter(|r| r.to == to.mailbox()).map(parse).collect();
        let [first, again] = mails.as_slice() else { panic!("{} mails", mails.len()) };
        let (first, again) =
            if header(first, "References").is_empty() { (first, again) } else { (again, first) };
        assert_eq!(header(again, "References"), header(first, "Message-ID"));
        assert_eq!(header(again, "In-Reply-To"), header(first, "Message-ID"));
    }
}

#[test]
fn what_goes_out_is_what_lies_on_disk() {
    let post = Post::plain();
    let outbox = post.outbox();
    let mut letter = post.letter("mia@studio.example");
    letter.text = "one\n.\n..\n.dots begin this line\nüñí\n".into();
    outbox.enqueue(&letter).unwrap();
    outbox.deliver_due(post.now).unwrap();
    let path = exportd::report::outbox::sent_path(&post.settings.folder, &letter.mid);
    let on_disk = std::fs::read(path).unwrap();
    let received = post.server.received();
    let sent = String::from_utf8(received[0].message.clone()).unwrap();
    assert_eq!(sent.trim_end(), String::from_utf8(on_disk).unwrap().trim_end());
    assert_eq!(body(&parse(&received[0])).trim_end(), letter.text.trim_end());
}

#[test]
fn a_transaction_says_how_far_it_came() {
    let post = Post::plain();
    let smtp = post.settings.smtp.clone().unwrap();
    let envelope = Envelope { from: "a@studio.example", to: "b@studio.example" };
    let message = b"Subject: x\r\n\r\nx\r\n";
    let outcome = send(Path::new(PROGRAM), &smtp, "studio.example", envelope, message);
    assert_eq!((outcome.phase, outcome.code, outcome.class), (Phase::Dot, Some(250), Class::Sent));
    assert_eq!(outcome.text, "2.0.0 queued");
}

// ------------------------------------------------------------------------------ the command line

#[test]
fn a_test_mail_uses_the_password_that_systemd_lends_or_says_how_to_have_it() {
    let post = Post::new(Setup::new(Mode::Starttls));
    let config = post.dir.path().join("exportd.toml");
    let text = format!(
        "[mail]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"starttls\"\nuser = \"exportd\"\n\
         ca_file = \"{}\"\nfrom = \"exportd@studio.example\"\n",
        post.server.port,
        post.server.ca_file().display()
    );
    exportd::fs::write_new(&config, text.as_bytes(), 0o600).unwrap();
    let lent = post.dir.path().join("credentials");
    std::fs::create_dir(&lent).unwrap();
    let test = |lent: Option<&Path>| {
        let mut command = std::process::Command::new(PROGRAM);
        command.args(["mail", "test", "mia@studio.example", "--config"]).arg(&config);
        command.arg("--root").arg(post.dir.path()).env_remove("CREDENTIALS_DIRECTORY");
        command.envs(lent.map(|folder| ("CREDENTIALS_DIRECTORY", folder)));
        let done = command.output().unwrap();
        let words = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(words).unwrap())
    };
    // Not lent, or lent empty, as it is shipped.
    let password = lent.join("smtp-password");
    exportd::fs::write_new(&password, b"", 0o600).unwrap();
    for lent in [None, Some(lent.as_path())] {
        let (code, words) = test(lent);
        assert_eq!(code, Some(78), "{words}");
        assert!(words.contains("no password for mail.user \"exportd\""), "{words}");
        assert!(
            words.contains("mail.password_file") && words.contains("systemd-run --pipe"),
            "{words}"
        );
        assert_eq!(post.server.connections(), 0);
    }
    std::fs::remove_file(&password).unwrap();
    exportd::fs::write_new(&password, "s3cret pässword\n".as_bytes(), 0o600).unwrap();
    let (code, words) = test(Some(&lent));
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("took it: 250 2.0.0 queued"), "{words}");
    assert_eq!(post.server.received()[0].user.as_deref(), Some("exportd"));
}

// ------------------------------------------------------------------------------ text and retry

#[test]
fn a_retry_manifest_is_toml_whatever_the_names_are() {
    let mut log = runs::log(Verdict::Partial);
    let odd = "to\"ps\\a'b\u{7f}\u{1}\u{202e}#\n= [x]春.tif";
    odd.clone_into(&mut log.assets[1].handle);
    log.assets.push(log.assets[1].clone());
    let places = Places::default();
    let mut request = runs::retry();
    request.destination = Some(odd.to_owned());
    let report = Report { log: &log, places: &places, retry: Some(&request) };
    let manifest = text::retry_manifest(&report).unwrap();
    let table: toml::Table = manifest.parse().unwrap();
    assert_eq!(table["assetHandleArray"][0].as_str(), Some(odd));
    assert_eq!(table["assetHandleArray"].as_array().unwrap().len(), 2);
    assert_eq!(table["destination"].as_str(), Some(odd));
    assert_eq!(table["jobName"].as_str(), Some("spring-tops"));
}

#[test]
fn a_page_that_its_template_cannot_set_is_told_once_to_whoever_runs_the_daemon() {
    let mut play = Playground::new();
    let config = std::fs::read_to_string(play.path("exportd.toml")).unwrap();
    let templates = play.path("templates");
    let config = format!("{config}\n[report]\ntemplates = \"{}\"\n", templates.display());
    play.write("exportd.toml", config.as_bytes());
    play.write("templates/page.html", b"<p>\n{{ jobb }}");
    play.write("assets/a.png", &picture("a.png", 20, 10));
    play.start();
    for job in ["one", "two"] {
        play.drop_manifest(
            &format!("{job}.toml"),
            &format!("jobName = \"{job}\"\nassetHandleArray = [\"a.png\"]\nfmt = \"orig\"\nemailSetting = \"None\"\n"),
        );
        let (run, _) = play.report_of(job, Duration::from_secs(30));
        let page =
            std::fs::read_to_string(play.path(&format!("reports/{run}/report.html"))).unwrap();
        assert!(page.contains("prefers-color-scheme"), "{page}");
    }
    assert_eq!(play.stop(), Some(0));
    let mails = play.mails();
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert!(mails[0].contains("X-Exportd-Notice: bad-template"), "{}", mails[0]);
}
