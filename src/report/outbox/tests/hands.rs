//! Crashes, other processes, clocks and disks.

use super::relay::{Relay, numbered, run_until, start, text_of};
use super::*;

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
fn a_template_that_cannot_be_used_is_told_once_and_holds_no_report_back() {
    let relay = Relay::new();
    let mut settings = relay.settings();
    settings.operators = vec![Address::parse("ops@studio.example").unwrap()];
    settings.templates = Some(relay.dir.path().to_owned());
    write_new(&relay.dir.path().join("report.html"), b"<p>\n{{ jobb }}", 0o600).unwrap();
    let outbox = Outbox::open(settings, relay.program()).unwrap();
    let places = samples::places();
    let to = [Address::parse("mia@studio.example").unwrap()];
    for run in ["one", "two"] {
        let mut log = samples::log(Verdict::Partial);
        log.run = run.into();
        let report = Report { log: &log, places: &places, retry: None };
        assert!(outbox.announce(&report, &to).unwrap());
    }
    outbox.deliver_due(start()).unwrap();
    let given = relay.given();
    let (told, reports): (Vec<_>, Vec<_>) =
        given.iter().partition(|(parcel, _)| parcel["to"] == "ops@studio.example");
    assert_eq!((told.len(), reports.len()), (1, 2));
    let text = text_of(&told[0].1).replace("\n", " ");
    assert!(text.contains("report.html cannot be used. What to do: Correct"), "{text}");
    assert!(text.contains("line 2"), "{text}");
    for (_, message) in reports {
        let mail = mailparse::parse_mail(message).unwrap();
        assert!(mail.subparts[1].get_body().unwrap().contains("prefers-color-scheme"));
    }
}

#[test]
fn a_notice_that_its_template_cannot_set_goes_out_and_so_does_word_of_the_template() {
    let relay = Relay::new();
    let mut settings = relay.settings();
    settings.operators = vec![Address::parse("ops@studio.example").unwrap()];
    settings.templates = Some(relay.dir.path().to_owned());
    write_new(&relay.dir.path().join("notice.html"), b"{{ headlin }}", 0o600).unwrap();
    let outbox = Outbox::open(settings, relay.program()).unwrap();
    for folder in ["/srv/a", "/srv/b"] {
        let folder = std::path::Path::new(folder);
        for letter in outbox.to_operators(&Notice::DiskFull { folder, since: start() }, start()) {
            assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::New);
        }
    }
    outbox.deliver_due(start()).unwrap();
    let texts: Vec<String> = relay.given().iter().map(|(_, message)| text_of(message)).collect();
    let count = |words: &str| texts.iter().filter(|text| text.contains(words)).count();
    assert_eq!((texts.len(), count("is full"), count("notice.html")), (3, 2, 1), "{texts:#?}");
}

#[test]
fn mail_about_the_daemon_goes_to_whoever_runs_it_once_an_incident() {
    let relay = Relay::new();
    let mut settings = relay.settings();
    settings.operators = vec![Address::parse("ops@studio.example").unwrap()];
    let outbox = Outbox::open(settings, relay.program()).unwrap();
    let notice = Notice::PutAside {
        found: "queue/x\r\nBcc: all@studio.example",
        moved_to: "corrupt/x",
        reason: "its record cannot be read",
    };
    for (after, queued) in [(0, Queued::New), (60, Queued::Already)] {
        let letters = outbox.to_operators(&notice, in_seconds(start(), after));
        assert_eq!(letters.len(), 1);
        assert_eq!(outbox.enqueue(&letters[0]).unwrap(), queued);
    }
    outbox.deliver_due(start()).unwrap();
    let given = relay.given();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].0["to"], "ops@studio.example");
    let (headers, _) = mailparse::parse_headers(&given[0].1).unwrap();
    let names: Vec<String> = headers.iter().map(mailparse::MailHeader::get_key).collect();
    assert!(names.contains(&"X-Exportd-Notice".into()) && !names.contains(&"Bcc".into()));
    assert!(text_of(&given[0].1).contains("its record cannot be read"));
}
