use jiff::SignedDuration;

use super::round::Summary;
use super::*;
use crate::job::Verdict;
use crate::report::samples;

/// A queue whose caller is a script, which keeps what it is told and answers what a file says.
struct Hook {
    dir: tempfile::TempDir,
    webhook: Webhook,
}

impl Hook {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("caller");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/caller.sh");
        std::os::unix::fs::symlink(script, &program).unwrap();
        let settings = WebhookSettings {
            folder: dir.path().join("webhook"),
            url: "http://127.0.0.1:9/hook?token=secret".into(),
            secret_file: None,
            ca_file: None,
            timeout: Duration::from_secs(20),
        };
        let hook = Self { webhook: Webhook::open(settings, program).unwrap(), dir };
        hook.answers(204, None);
        hook
    }

    fn answers(&self, status: u16, rest: Option<u64>) {
        let answer = call::Answer { status: Some(status), text: "said".into(), rest };
        let answer = serde_json::to_vec(&answer).unwrap();
        write_atomic(&self.dir.path().join("answer"), &answer, MODE).unwrap();
    }

    fn announce(&self, run: &str) -> bool {
        let mut log = samples::log(Verdict::Partial);
        log.run = run.into();
        self.webhook
            .announce(&Report { log: &log, places: &samples::places(), retry: None })
            .unwrap()
    }

    /// A round, so many minutes after the runs ended.
    fn round(&self, minutes: i64) -> Summary {
        self.webhook.deliver_while(at(minutes), &|| true).unwrap()
    }

    fn told(&self) -> String {
        fs::read_to_string(self.dir.path().join("told")).unwrap_or_default()
    }

    /// How many calls were made so far.
    fn calls(&self) -> usize {
        self.told().matches("\"webhook-id\"").count()
    }

    fn in_state(&self, state: State) -> usize {
        self.webhook.ids(state).unwrap().len()
    }
}

fn at(minutes: i64) -> Timestamp {
    samples::log(Verdict::Partial).end + SignedDuration::from_mins(minutes)
}

#[test]
fn a_run_is_told_of_once() {
    let hook = Hook::new();
    assert!(hook.announce("one"));
    assert!(!hook.announce("one"));
    let summary = hook.round(0);
    assert_eq!((summary.sent, hook.calls(), summary.next_due), (1, 1, None));
    assert!(!hook.announce("one"), "it was told of already");
    hook.round(1);
    assert_eq!((hook.calls(), hook.in_state(State::Sent)), (1, 1));
}

#[test]
fn the_document_says_what_somebody_needs_and_is_the_same_at_each_try() {
    let hook = Hook::new();
    hook.announce("lookbook_1");
    hook.answers(500, None);
    hook.round(0);
    hook.answers(204, None);
    hook.round(5);
    let told = hook.told();
    let bodies: Vec<&str> = told.lines().filter(|line| line.starts_with("{\"type\"")).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    let body: serde_json::Value = serde_json::from_str(bodies[0]).unwrap();
    assert_eq!(body["type"], "run.ended");
    let data = &body["data"];
    assert_eq!((&data["run"], &data["verdict"]), (&"lookbook_1".into(), &"partial".into()));
    assert_eq!(data["fileErrorCount"], 2);
    assert_eq!(data["failuresLeftOut"], 0);
    let log = samples::log(Verdict::Partial);
    let text = crate::report::text::subject(&log);
    assert_eq!(data["subject"], text);
    for failure in data["failures"].as_array().unwrap() {
        for key in ["assetHandle", "cause", "nextStep"] {
            assert!(!failure[key].as_str().unwrap().is_empty(), "{failure}");
        }
    }
    assert_eq!(data["failures"].as_array().unwrap().len(), 2);
    assert!(data["reportFolder"].as_str().unwrap().ends_with("/lookbook_1"));
}

#[test]
fn a_document_is_short_however_much_failed() {
    let mut log = samples::log(Verdict::Failed);
    let failed = log.assets.iter().find(|asset| asset.outcome.files().is_empty()).unwrap().clone();
    for n in 0..5_000 {
        let handle = format!("{n}-{}", "\u{202e}é\n".repeat(200));
        log.assets.push(crate::job::log::AssetEntry { handle, ..failed.clone() });
    }
    log.about.description = Some("d".repeat(1 << 20));
    log.about.user_handle = Some("u".repeat(1 << 20));
    let places = samples::places();
    let body = event::of_run(&Report { log: &log, places: &places, retry: None }).unwrap();
    assert!(body.len() < 100 << 10, "{} bytes", body.len());
    assert!(!body.contains('\u{202e}'));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let told = body["data"]["failures"].as_array().unwrap().len();
    let left_out = body["data"]["failuresLeftOut"].as_u64().unwrap();
    assert_eq!(told as u64 + left_out, log.counts().file_error_count);
}

#[test]
fn a_refusal_tells_every_mistake_and_where_it_is() {
    let log = samples::log(Verdict::Refused);
    let places = samples::places();
    let body = event::of_run(&Report { log: &log, places: &places, retry: None }).unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let failures = body["data"]["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "{failures:#?}");
    assert!(failures[0]["place"].as_str().unwrap().contains("line 2"), "{failures:#?}");
    assert!(failures[0]["cause"].as_str().unwrap().contains("unknown key"), "{failures:#?}");
}

#[test]
fn a_receiver_that_takes_nothing_is_asked_by_one_call_at_a_time() {
    let hook = Hook::new();
    hook.answers(503, None);
    for run in ["one", "two", "three"] {
        hook.announce(run);
    }
    let summary = hook.round(0);
    assert_eq!((hook.calls(), summary.next_due), (1, Some(at(1))));
    let trouble = summary.trouble.unwrap();
    assert_eq!((trouble.words.as_str(), trouble.since), ("503 said", at(0)));
    assert_eq!(hook.round(0).next_due, Some(at(1)));
    assert_eq!(hook.calls(), 1, "not before it is due");
    // Another one finds out the next time, and then the third.
    hook.round(1);
    let summary = hook.round(2);
    assert_eq!((hook.calls(), summary.next_due), (3, Some(at(7))));
    let told = hook.told();
    let mut ids: Vec<&str> = told.split("exportd_").skip(1).map(|id| &id[..24]).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!(hook.round(7).trouble.unwrap().since, at(0));
    hook.answers(200, None);
    let summary = hook.round(12);
    assert_eq!((summary.sent, summary.trouble, summary.next_due), (3, None, None));
}

#[test]
fn a_receiver_is_left_alone_as_long_as_it_asks() {
    let hook = Hook::new();
    hook.answers(429, Some(30 * 60));
    hook.announce("one");
    assert_eq!(hook.round(0).next_due, Some(at(30)));
    hook.round(29);
    assert_eq!(hook.calls(), 1);
    hook.answers(429, Some(30 * 60 * 60));
    assert_eq!(hook.round(30).next_due, Some(at(90)), "an hour at most");
}

#[test]
fn a_document_that_is_refused_is_given_up_and_the_others_go() {
    let hook = Hook::new();
    hook.answers(422, None);
    hook.announce("one");
    let summary = hook.round(0);
    assert_eq!(summary.dead, [("one".to_owned(), "422 said".to_owned())]);
    assert_eq!((summary.trouble, summary.next_due), (None, None));
    hook.answers(200, None);
    hook.announce("two");
    assert_eq!(hook.round(1).sent, 1);
    let items = hook.webhook.list().unwrap();
    let dead = items.iter().find(|item| item.state == State::Dead).unwrap();
    assert_eq!((dead.call.run.as_str(), dead.call.last_status), ("one", Some(422)));
    // And once somebody has mended it, it goes, too.
    hook.webhook.retry(&dead.id, at(2)).unwrap();
    assert_eq!(hook.round(2).sent, 1);
    let again = hook.webhook.retry(&dead.id, at(3)).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::NotFound);
    assert_eq!(hook.webhook.retry("../x", at(3)).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_waits_for_five_days_is_given_up() {
    let hook = Hook::new();
    hook.answers(500, None);
    hook.announce("one");
    hook.announce("two");
    let days = |n: i64| n * 24 * 60;
    assert!(hook.round(0).dead.is_empty());
    assert!(hook.round(days(5)).dead.is_empty());
    let summary = hook.round(days(5) + 60);
    assert_eq!(summary.dead.len(), 2, "both, of which one was tried");
    assert_eq!((hook.in_state(State::Dead), summary.next_due), (2, None));
    // After thirty days more they are gone.
    hook.round(days(35));
    assert_eq!(hook.in_state(State::Dead), 2);
    hook.round(days(36));
    assert_eq!(hook.in_state(State::Dead), 0);
}

#[test]
fn one_call_that_goes_nowhere_keeps_no_other() {
    let hook = Hook::new();
    hook.announce("one");
    hook.announce("two");
    // Its receiver breaks off without a word.
    let silent = r#"{"status":null,"text":"it took too long","rest":null}"#;
    write_atomic(&hook.dir.path().join("answer"), silent.as_bytes(), MODE).unwrap();
    hook.round(0);
    hook.round(1);
    let told = hook.told();
    let ids: Vec<&str> = told.split("exportd_").skip(1).map(|id| &id[..24]).collect();
    assert_eq!((ids.len(), ids[0] == ids[1]), (2, false));
}

#[test]
fn what_was_taken_is_not_posted_again_because_the_disk_is_full() {
    let hook = Hook::new();
    hook.announce("one");
    let sent = hook.webhook.settings().folder.join("sent");
    // Nothing can be put there for a while.
    fs::remove_dir(&sent).unwrap();
    assert_eq!(hook.round(0).sent, 1);
    hook.round(1);
    assert_eq!((hook.calls(), hook.in_state(State::Waiting)), (1, 1));
    fs::create_dir(&sent).unwrap();
    hook.round(2);
    assert_eq!(
        (hook.calls(), hook.in_state(State::Waiting), hook.in_state(State::Sent)),
        (1, 0, 1)
    );
}

#[test]
fn one_failure_after_a_long_time_gives_nothing_up() {
    let hook = Hook::new();
    hook.announce("one");
    hook.announce("two");
    hook.answers(500, None);
    let days = 6 * 24 * 60;
    assert!(hook.round(days).dead.is_empty());
    hook.answers(204, None);
    assert_eq!(hook.round(days + 5).sent, 2);
}

#[test]
fn what_cannot_be_read_keeps_no_other_and_trouble_ends_with_the_last_call() {
    let hook = Hook::new();
    hook.announce("one");
    hook.answers(500, None);
    assert!(hook.round(0).trouble.is_some());
    let id = &hook.webhook.ids(State::Waiting).unwrap()[0];
    write_atomic(&hook.webhook.path(State::Waiting, id), b"{", MODE).unwrap();
    let summary = hook.round(5);
    assert_eq!((summary.trouble, summary.next_due), (None, None));
    hook.answers(204, None);
    hook.announce("two");
    assert_eq!(hook.round(6).sent, 1);
}

#[test]
fn what_is_known_of_a_receiver_outlives_a_reload() {
    let hook = Hook::new();
    hook.announce("one");
    hook.answers(500, None);
    hook.round(0);
    let again = |url: &str| {
        let settings = WebhookSettings { url: url.into(), ..hook.webhook.settings().clone() };
        Webhook::attach(settings, hook.dir.path().join("caller")).unwrap()
    };
    let other = again("http://127.0.0.1:1/").after(&hook.webhook);
    assert_eq!(other.deliver_while(at(10), &|| true).unwrap().trouble.unwrap().since, at(10));
    hook.round(11);
    let same = again(&hook.webhook.settings().url.clone()).after(&hook.webhook);
    assert_eq!(same.deliver_while(at(20), &|| true).unwrap().trouble.unwrap().since, at(0));
}

#[test]
fn a_crash_between_answer_and_note_calls_again_by_the_same_name() {
    let hook = Hook::new();
    hook.announce("one");
    let waiting = hook.webhook.path(State::Waiting, &hook.webhook.ids(State::Waiting).unwrap()[0]);
    let before = fs::read(&waiting).unwrap();
    hook.round(0);
    // As if what came of it had not been written, by the next daemon.
    write_atomic(&waiting, &before, MODE).unwrap();
    let program = hook.dir.path().join("caller");
    let next = Webhook::open(hook.webhook.settings().clone(), program).unwrap();
    assert_eq!(next.deliver_while(at(1), &|| true).unwrap().sent, 1);
    let told = hook.told();
    let ids: Vec<&str> = told.split("exportd_").skip(1).map(|id| &id[..24]).collect();
    assert_eq!((ids.len(), ids[0] == ids[1]), (2, true));
    assert_eq!((hook.in_state(State::Waiting), hook.in_state(State::Sent)), (0, 1));
}

#[test]
fn what_a_crash_left_half_written_is_cleared_by_the_owner_alone() {
    let hook = Hook::new();
    hook.announce("one");
    let half = hook.webhook.settings().folder.join("waiting/.exportd_0.json.7-1.tmp");
    crate::fs::write_new(&half, b"{", MODE).unwrap();
    let again = || (hook.webhook.settings().clone(), hook.dir.path().join("caller"));
    let beside = Webhook::attach(again().0, again().1).unwrap();
    assert_eq!((half.exists(), beside.list().unwrap().len()), (true, 1));
    let owner = Webhook::open(again().0, again().1).unwrap();
    assert_eq!((half.exists(), owner.list().unwrap().len()), (false, 1));
}

#[test]
fn a_clock_that_was_wrong_keeps_no_call_for_long() {
    let hook = Hook::new();
    hook.answers(500, None);
    hook.announce("one");
    hook.round(60 * 24);
    hook.answers(200, None);
    // Back in the present: the note of another try in a day is not believed.
    assert_eq!(hook.round(1).sent, 1);
}

#[test]
fn nothing_begins_once_an_end_is_asked_for() {
    let hook = Hook::new();
    hook.announce("one");
    let summary = hook.webhook.deliver_while(at(0), &|| false).unwrap();
    assert_eq!((summary.sent, hook.calls(), summary.next_due), (0, 0, Some(at(0))));
}

#[test]
fn an_address_is_one_that_can_be_used_and_keeps_its_secrets() {
    for url in [
        "https://hooks.studio.example/exportd",
        "https://hooks.studio.example:8443/a/b?token=x",
        "https://[2001:db8::1]/",
        "http://127.0.0.1:8000/",
        "http://[::1]:8000/hook",
        "http://localhost/",
    ] {
        assert_eq!(WebhookSettings::check(url), Ok(()), "{url}");
    }
    for url in ["", "hooks.studio.example", "https://", "https://:1/", "ftp://x/", "https://a b/"] {
        assert_eq!(WebhookSettings::check(url), Err(UrlError::NoAddress), "{url}");
    }
    for url in ["https://x:99999/", "https://x:y/", "https://x/\r\nHost: evil", "https://é/"] {
        assert_eq!(WebhookSettings::check(url), Err(UrlError::NoAddress), "{url}");
    }
    for url in ["http://hooks.studio.example/", "http://10.0.0.1/", "http://localhost.example/"] {
        assert_eq!(WebhookSettings::check(url), Err(UrlError::PlainOffLoopback), "{url}");
    }
    let url = "https://user:password@hooks.studio.example/";
    assert_eq!(WebhookSettings::check(url), Err(UrlError::Credentials));
    let hook = Hook::new();
    assert_eq!(hook.webhook.settings().host(), "127.0.0.1");
    let v6 = WebhookSettings { url: "https://[::1]:1/".into(), ..hook.webhook.settings().clone() };
    assert_eq!((v6.host(), v6.port()), ("[::1]", 1));
    let usual = |url: &str| WebhookSettings { url: url.into(), ..v6.clone() }.port();
    assert_eq!((usual("http://localhost/a:1"), usual("https://x?y")), (80, 443));
}
