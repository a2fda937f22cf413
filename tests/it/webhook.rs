//! Webhooks for real: the daemon, the calling child and a server that records what is posted.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use exportd::job::Verdict;
use exportd::report::webhook::{Meaning, Webhook};
use exportd::report::{Report, WebhookSettings};
use jiff::Timestamp;

use crate::support::http::{Act, Posted, Server};
use crate::support::playground::Playground;
use crate::support::runs;
use crate::support::smtp::certificate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exportd");
const MANIFEST: &str = "jobName = \"shirts\"\nfmt = \"orig\"\nemailSetting = \"None\"\n\
                        assetHandleArray = [\"a.txt\", \"absent.png\"]\n";
const PATIENCE: Duration = Duration::from_secs(30);

fn now() -> Timestamp {
    "2026-12-01T05:03:12Z".parse().unwrap()
}

/// A queue that calls the server by the real program.
fn hook(dir: &tempfile::TempDir, url: &str) -> Webhook {
    let settings = WebhookSettings {
        folder: dir.path().join("webhook"),
        url: url.to_owned(),
        secret_file: None,
        ca_file: None,
        timeout: Duration::from_secs(20),
    };
    Webhook::open(settings, PathBuf::from(PROGRAM)).unwrap()
}

fn with(hook: &Webhook, change: impl FnOnce(&mut WebhookSettings)) -> Webhook {
    let mut settings = hook.settings().clone();
    change(&mut settings);
    Webhook::open(settings, PathBuf::from(PROGRAM)).unwrap()
}

fn posted(play: &Playground, server: &Server, many: usize) -> Vec<Posted> {
    play.wait("calls", PATIENCE, || {
        let posted = server.posted();
        (posted.len() >= many).then_some(posted)
    })
}

#[test]
fn a_run_that_is_over_is_told_of() {
    let server = Server::start(None);
    let url = format!("http://127.0.0.1:{}/hook?to=shop", server.port);
    let mut play = Playground::with_config(&format!("[webhook]\nurl = \"{url}\"\n"));
    play.write("assets/a.txt", b"words");
    play.start();
    play.drop_manifest("shirts.toml", MANIFEST);
    let (run, report) = play.report_of("shirts", PATIENCE);
    let posted = posted(&play, &server, 1);
    assert_eq!(posted[0].line, "POST /hook?to=shop HTTP/1.1");
    assert_eq!(posted[0].head("content-type"), Some("application/json"));
    assert!(posted[0].head("user-agent").unwrap().starts_with("exportd/"));
    assert_eq!(posted[0].head("webhook-signature"), None);
    let body = posted[0].json();
    assert_eq!((&body["type"], &body["data"]["run"]), (&"run.ended".into(), &run.clone().into()));
    for key in ["jobHandle", "jobName", "verdict", "totalFileCount", "fileErrorCount", "endDate"] {
        assert_eq!(body["data"][key], report[key], "{key}");
    }
    assert_eq!(body["data"]["failures"][0]["assetHandle"], "absent.png");
    let folder = play.path("reports").join(&run).display().to_string();
    assert_eq!(body["data"]["reportFolder"], folder);
    // emailSetting is about mail: there is none.
    assert_eq!(std::fs::read_dir(play.path("mail/sent")).unwrap().count(), 0);
    assert_eq!(play.stop(), Some(0));
    let list = play.command(&["webhook", "list", "--all", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&list[0]["state"], &list[0]["run"]), (&"sent".into(), &run.into()));
    assert_eq!(list[0]["id"].as_str(), posted[0].head("webhook-id"));
}

#[test]
fn a_dead_receiver_keeps_no_job_and_is_caught_up_with() {
    let server = Server::start(None);
    server.script([Act::HangUp]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut play = Playground::with_config(&format!("[webhook]\nurl = \"{url}\"\n"));
    play.write("assets/a.txt", b"words");
    play.start();
    play.drop_manifest("shirts.toml", MANIFEST);
    play.report_of("shirts", PATIENCE);
    let why = play.wait("trouble on the board", PATIENCE, || {
        let board = play.json("drop/.exportd/status.json")?;
        assert!(board.get("mail").is_none(), "{board}");
        board["webhook"].as_str().map(str::to_owned)
    });
    let status = play.command(&["status"]).output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned()
        + &String::from_utf8_lossy(&status.stderr);
    assert!(status.contains(&format!("the webhook is not reached: {why}")), "{status}");
    play.kill();
    // The next daemon knows nothing of the trouble, only of the call.
    play.start();
    let posted = posted(&play, &server, 1);
    assert_eq!(posted[0].json()["data"]["jobName"], "shirts");
    play.wait("no trouble on the board", PATIENCE, || {
        let board = play.json("drop/.exportd/status.json")?;
        board.get("webhook").is_none().then_some(())
    });
    assert_eq!(play.stop(), Some(0));
    assert_eq!(server.posted().len(), 1);
}

#[test]
fn a_reload_brings_a_webhook_changes_it_and_takes_it_away() {
    let servers = [Server::start(None), Server::start(None)];
    let mut play = Playground::new();
    play.write("assets/a.txt", b"words");
    play.start();
    let mut runs = 0;
    let mut run = |play: &Playground| {
        runs += 1;
        play.drop_manifest("shirts.toml", MANIFEST);
        play.reports_of("shirts", runs, PATIENCE);
    };
    let reload = |play: &Playground, config: &str| {
        let before = play.log().matches("configuration read").count();
        play.write("exportd.toml", config.as_bytes());
        play.signal("HUP");
        play.wait("another configuration", PATIENCE, || {
            (play.log().matches("configuration read").count() > before).then_some(())
        });
    };
    run(&play);
    for server in &servers {
        reload(&play, &format!("[webhook]\nurl = \"http://127.0.0.1:{}/\"\n", server.port));
        run(&play);
        posted(&play, server, 1);
    }
    reload(&play, "");
    run(&play);
    assert_eq!(play.stop(), Some(0));
    assert_eq!(servers.map(|server| server.posted().len()), [1, 1]);
}

#[test]
fn a_call_is_signed_anew_at_each_try() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(None);
    let plain = hook(&dir, &format!("http://127.0.0.1:{}/", server.port));
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let signing = with(&plain, |settings| settings.secret_file = Some(secret.clone()));
    let log = runs::log(Verdict::Clean);
    let report = Report { log: &log, places: &runs::places(), retry: None };
    assert!(signing.announce(&report).unwrap());
    server.script([Act::Answer("503 Busy", "later")]);
    let later = now() + jiff::SignedDuration::from_mins(5);
    assert_eq!(signing.deliver_while(now(), &|| true).unwrap().sent, 0);
    assert_eq!(signing.deliver_while(later, &|| true).unwrap().sent, 1);
    let posted = server.posted();
    let head = |n: usize, name: &str| posted[n].head(name).unwrap().to_owned();
    assert_eq!(head(0, "webhook-id"), head(1, "webhook-id"));
    assert_eq!(head(0, "webhook-timestamp"), now().as_second().to_string());
    assert_eq!(head(1, "webhook-timestamp"), later.as_second().to_string());
    assert_ne!(head(0, "webhook-signature"), head(1, "webhook-signature"));
    assert!(head(0, "webhook-signature").starts_with("v1,"));
    // A key that cannot be read sends nothing unsigned.
    std::fs::remove_file(&secret).unwrap();
    let answer = signing.test(now());
    assert_eq!((answer.meaning(), server.posted().len()), (Meaning::Later, 2));
    assert!(answer.words().contains("secret_file cannot be read"), "{answer:?}");
}

#[test]
fn a_receiver_is_who_it_says_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for (name, known, taken) in
        [("localhost", true, true), ("localhost", false, false), ("other.example", true, false)]
    {
        let (tls, pem) = certificate(name);
        let server = Server::start(Some(tls));
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, pem).unwrap();
        let hook = hook(&dir, &format!("https://localhost:{}/", server.port));
        let hook = with(&hook, |settings| settings.ca_file = known.then_some(ca));
        let answer = hook.test(now());
        assert_eq!(answer.meaning() == Meaning::Taken, taken, "{name} {known}: {answer:?}");
        assert_eq!(server.posted().len(), usize::from(taken), "{answer:?}");
        assert!(taken || answer.words().contains("certificate"), "{answer:?}");
    }
}

#[test]
fn bad_receivers_take_no_more_than_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(None);
    let hook = hook(&dir, &format!("http://127.0.0.1:{}/secret-path", server.port));
    let hook = with(&hook, |settings| settings.timeout = Duration::from_secs(2));
    let long = "HTTP/1.1 ".repeat(20_000).leak();
    for (act, words) in [
        (Act::Silence, "it took too long"),
        (Act::Endless, "500 xxx"),
        (Act::HangUp, ""),
        (Act::Answer("302 Found\r\nlocation: http://127.0.0.1:1/", ""), "change webhook.url"),
        (Act::Answer("404 Not Found", ""), "404 Not Found"),
        (Act::Answer("404 Not Found", "Cannot POST /secret-path"), "404 Cannot POST /…"),
        (Act::Answer("308 x\r\nlocation: http://127.0.0.1:1/secret-path/", ""), "127.0.0.1:1/…"),
        (Act::Answer("401 No\r\nretry-after: soon", "who\u{1b}[2Jare you"), "401 who"),
        (Act::Answer(long, ""), ""),
        (Act::Answer("nonsense", ""), ""),
    ] {
        server.script([act.clone()]);
        let begun = Instant::now();
        let answer = hook.test(now());
        assert_eq!(answer.meaning(), Meaning::Later, "{act:?}: {answer:?}");
        assert!(answer.words().contains(words), "{act:?}: {answer:?}");
        assert!(!answer.words().contains(['\u{1b}', '\n']), "{answer:?}");
        assert!(!answer.words().contains("secret-path"), "{answer:?}");
        assert!(answer.words().len() < 300 && !answer.words().is_empty(), "{answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{act:?}: {:?}", begun.elapsed());
    }
    drop(server);
    let answer = hook.test(now());
    assert!(answer.words().to_lowercase().contains("refused"), "{answer:?}");
}

#[test]
fn the_command_line_tests_it_lists_it_and_has_calls_made_again() {
    let server = Server::start(None);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut play = Playground::with_config(&format!("[webhook]\nurl = \"{url}\"\n"));
    play.write("assets/a.txt", b"words");
    let said = |play: &Playground, args: &[&str]| {
        let output = play.command(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap(), text + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, text) = said(&play, &["webhook", "test"]);
    assert_eq!((code, text.as_str()), (0, "127.0.0.1 took it (not signed): 204 No Content\n"));
    assert_eq!(server.posted()[0].json()["type"], "test");
    server.script([Act::Answer("403 No", ""), Act::Answer("422 No", "no such field")]);
    let (code, text) = said(&play, &["webhook", "test"]);
    assert_eq!((code, text.contains("did not take it: 403")), (69, true), "{text}");
    assert!(text.contains("LoadCredential=webhook-secret"), "{text}");
    assert_eq!(said(&play, &["webhook", "list"]).1, "no call waits, and none was given up\n");
    play.start();
    play.drop_manifest("shirts.toml", MANIFEST);
    let (run, _) = play.report_of("shirts", PATIENCE);
    // Whoever runs exportd hears of it.
    let mail = play.wait("a mail", PATIENCE, || {
        let entry = std::fs::read_dir(play.path("mail/sent")).ok()?.next()?.ok()?;
        std::fs::read_to_string(entry.path()).ok()
    });
    assert!(mail.contains("1 call of the webhook at 127.0.0.1 given up"), "{mail}");
    let (_, text) = said(&play, &["webhook", "list"]);
    assert!(text.starts_with("dead     exportd_"), "{text}");
    assert!(text.contains(&run) && text.contains("422 no such field"), "{text}");
    let id = text.split_whitespace().nth(1).unwrap().to_owned();
    let (code, text) = said(&play, &["webhook", "retry", &id]);
    assert_eq!((code, text), (0, format!("{id}\nmade at the daemon's next try\n")));
    assert_eq!(said(&play, &["webhook", "retry", &id]).0, 66);
    assert_eq!(said(&play, &["webhook", "retry", "--all"]), (0, String::new()));
    assert_eq!(play.stop(), Some(0));
    // At its start a daemon looks for itself.
    play.start();
    posted(&play, &server, 4);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn without_an_address_there_is_no_webhook() {
    let play = Playground::new();
    let output = play.command(&["webhook", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("webhook.url is not in the"));
    for (config, words) in [
        ("[webhook]\nurl = \"http://hooks.studio.example/\"\n", "on the loopback interface only"),
        ("[webhook]\nsecret_file = \"/etc/secret\"\n", "[webhook] has no `url`"),
        ("[webhook]\nurl = \"https://x/\"\ntimeout = \"0s\"\n", "from \"1s\" to \"5m\""),
    ] {
        let play = Playground::with_config(config);
        let output = play.command(&["config"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains(words), "{text}");
    }
}
