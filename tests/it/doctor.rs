//! `exportd doctor` finds what it is there to find, one thing a test.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::playground::Playground;
use crate::support::smtp::{Mode, Server, Setup};

/// What the doctor says, and its exit code.
fn findings(play: &Playground, more: &[&str]) -> (Vec<Value>, i32) {
    let mut args = vec!["doctor", "--json"];
    args.extend(more);
    let output = play.command(&args).output().unwrap();
    let list = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (list, output.status.code().unwrap())
}

/// The finding of that kind whose message holds these words.
fn find<'f>(findings: &'f [Value], check: &str, words: &str) -> &'f Value {
    let of_kind = |finding: &&Value| {
        finding["check"] == check && finding["message"].as_str().unwrap().contains(words)
    };
    findings.iter().find(of_kind).unwrap_or_else(|| panic!("no {check}: {words}\n{findings:#?}"))
}

fn shipped_unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/exportd.service");
    path.display().to_string()
}

#[test]
fn a_healthy_daemon_has_nothing_wrong() {
    let mut play = Playground::new();
    let (before, code) = findings(&play, &[]);
    assert_eq!(code, 0, "{before:#?}");
    assert_eq!(find(&before, "daemon", "none runs")["state"], "warning");
    assert_eq!(find(&before, "spool", "the daemon makes it")["state"], "ok");
    play.start();
    let (list, code) = findings(&play, &[]);
    assert_eq!(code, 0, "{list:#?}");
    for (check, words) in [
        ("daemon", "runs, process"),
        ("drop", "can be written"),
        ("out", "can be written"),
        ("reports", "can be written"),
        ("spool", "can be written"),
        ("mail", "can be written"),
        ("assets", "can be read"),
        ("watching", "by events"),
        ("clock", "not behind"),
        ("relay", "none"),
    ] {
        assert_eq!(find(&list, check, words)["state"], "ok", "{check}");
    }
    let text = play.command(&["doctor"]).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.starts_with("ok       configuration  can be read\n"), "{text}");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_folder_that_the_daemon_may_not_write() {
    let play = Playground::new();
    for name in ["out", "spool", "reports", "mail"] {
        std::fs::create_dir(play.path(name)).unwrap();
    }
    let mode = |name: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(play.path(name), permissions).unwrap();
    };
    mode("", 0o755);
    mode("out", 0o555);
    // The superuser looks with the rights of whoever owns the spool.
    let nobody = 65534;
    if chown(play.path("spool"), Some(nobody), None).is_ok() {
        for name in ["drop", "reports", "mail"] {
            chown(play.path(name), Some(nobody), None).unwrap();
        }
    }
    let (list, code) = findings(&play, &[]);
    let finding = find(&list, "out", "the daemon has no permission to write to");
    assert_eq!((code, &finding["state"]), (1, &"error".into()), "{list:#?}");
    assert!(finding["help"].as_str().unwrap().contains("systemd-tmpfiles"));
    assert_eq!(find(&list, "spool", "can be written")["state"], "ok");
    mode("out", 0o755);
}

#[test]
fn something_in_the_place_of_a_folder() {
    let play = Playground::new();
    play.write("reports", b"a file");
    let (list, code) = findings(&play, &[]);
    assert_eq!((code, &find(&list, "reports", "is not a folder")["state"]), (1, &"error".into()));
    std::fs::remove_dir(play.path("assets")).unwrap();
    let (list, _) = findings(&play, &[]);
    assert_eq!(find(&list, "assets", "is not there")["state"], "error");
}

#[test]
fn an_output_folder_with_other_file_systems_below_it() {
    let play = Playground::with_config("[folders]\nout = \"/\"\n");
    let (list, code) = findings(&play, &[]);
    let finding = find(&list, "file systems", "/proc is another file system than /");
    assert_eq!((code, &finding["state"]), (1, &"error".into()));
}

#[test]
fn a_profile_that_is_missing() {
    let play = Playground::with_config("[imaging.profiles]\npaper = \"/nowhere/paper.icc\"\n");
    let (list, code) = findings(&play, &[]);
    assert_eq!(code, 78);
    let finding = find(&list, "configuration", "/nowhere/paper.icc");
    assert!(finding["message"].as_str().unwrap().contains("imaging.profiles.paper"));
}

#[test]
fn a_relay_that_is_dead() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let play = Playground::with_config(&format!("[mail]\nport = {port}\n"));
    let (list, code) = findings(&play, &[]);
    let finding = find(&list, "relay", "does not answer");
    assert_eq!((code, &finding["state"]), (1, &"error".into()));
}

#[test]
fn a_password_that_is_wrong_and_one_that_is_right() {
    let server = Server::start(Setup::new(Mode::Starttls));
    let play = Playground::new();
    play.write(
        "exportd.toml",
        format!(
            "[mail]\nhost = \"localhost\"\nport = {}\ntls = \"starttls\"\nuser = \"exportd\"\n\
             password_file = {:?}\nca_file = {:?}\n",
            server.port,
            play.path("password"),
            server.ca_file()
        )
        .as_bytes(),
    );
    let write = |password: &str| {
        play.write("password", password.as_bytes());
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(play.path("password"), private).unwrap();
    };
    write("wrong");
    let (list, code) = findings(&play, &[]);
    let finding = find(&list, "relay", "does not take the password of mail.user: 535");
    assert_eq!((code, &finding["state"]), (1, &"error".into()));
    assert!(finding["help"].as_str().unwrap().contains("mail.password_file"));
    write("s3cret pässword");
    let (list, code) = findings(&play, &[]);
    assert_eq!(find(&list, "relay", "answers and takes our mail")["state"], "ok");
    assert_eq!(code, 0);
    assert!(server.received().is_empty(), "nobody gets a mail from that");
}

#[test]
fn a_clock_that_is_behind_what_was_written() {
    let play = Playground::new();
    play.write("reports/tops_2026-12-01-06-00-00/manifest.toml", b"");
    let run = std::fs::File::open(play.path("reports/tops_2026-12-01-06-00-00")).unwrap();
    run.set_modified(SystemTime::now() + Duration::from_secs(3 * 86_400 + 60)).unwrap();
    let (list, code) = findings(&play, &[]);
    let finding = find(&list, "clock", "is dated 3 days later than now");
    assert_eq!((code, &finding["state"]), (1, &"error".into()));
}

#[test]
fn a_unit_of_another_release() {
    let play = Playground::new();
    let (list, _) = findings(&play, &["--unit", &shipped_unit()]);
    assert_eq!(find(&list, "unit", "is of this release")["state"], "ok");
    let old = std::fs::read_to_string(shipped_unit()).unwrap().replace("WatchdogSec=60\n", "");
    play.write("old.service", old.as_bytes());
    let (list, _) = findings(&play, &["--unit", play.path("old.service").to_str().unwrap()]);
    let finding = find(&list, "unit", "is not the one of this release");
    assert_eq!(finding["state"], "warning");
}

#[test]
fn a_daemon_whose_program_was_replaced() {
    let mut play = Playground::new();
    play.start();
    let board =
        play.wait("a board", Duration::from_secs(10), || play.json("drop/.exportd/status.json"));
    let mut other = board.clone();
    other["version"] = "0.0.9".into();
    play.write("drop/.exportd/status.json", other.to_string().as_bytes());
    let (list, _) = findings(&play, &[]);
    let finding = find(&list, "daemon", "version 0.0.9 runs");
    assert!(finding["help"].as_str().unwrap().contains("systemctl restart"));
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_sandbox_that_hides_what_the_configuration_names_and_the_drop_in_for_it() {
    let play = Playground::with_config("[mail]\nhost = \"192.0.2.25\"\ntls = \"implicit\"\n");
    play.write("a.service", std::fs::read_to_string(shipped_unit()).unwrap().as_bytes());
    let unit = play.path("a.service").display().to_string();
    let (list, code) = findings(&play, &["--unit", &unit]);
    let finding = find(&list, "sandbox", "keeps the daemon from");
    assert_eq!((code, &finding["state"]), (1, &"error".into()));
    let help = finding["help"].as_str().unwrap();
    let lines: Vec<&str> = help
        .lines()
        .map(str::trim)
        .filter(|line| line.contains('=') || *line == "[Service]")
        .collect();
    let root = play.path("").display().to_string();
    assert!(lines.contains(&format!("BindPaths={root}out").as_str()), "{help}");
    assert!(lines.contains(&format!("BindReadOnlyPaths={root}assets").as_str()), "{help}");
    assert!(lines.contains(&"IPAddressAllow=192.0.2.25"), "{help}");
    // What it prints is what helps.
    play.write("a.service.d/local.conf", lines.join("\n").as_bytes());
    let (list, _) = findings(&play, &["--unit", &unit]);
    assert_eq!(find(&list, "sandbox", "lets the daemon reach")["state"], "ok");
}

#[test]
fn a_webhook_without_its_key_or_its_receiver() {
    let key = |play: &Playground| play.path("key").display().to_string();
    let server = crate::support::http::Server::start(None);
    let port = server.port;
    let play = Playground::new();
    let config = format!(
        "[webhook]\nurl = \"http://127.0.0.1:{port}/\"\nsecret_file = \"{}\"\n",
        key(&play)
    );
    play.write("exportd.toml", config.as_bytes());
    let (list, code) = findings(&play, &[]);
    assert_eq!((code, &find(&list, "webhook", "cannot be read")["state"]), (1, &"error".into()));
    assert_eq!(find(&list, "webhook", "listens")["state"], "ok");
    play.write("key", b"\n");
    let (list, _) = findings(&play, &[]);
    assert_eq!(find(&list, "webhook", "is empty")["state"], "error");
    play.write("key", b"a key");
    let (list, code) = findings(&play, &[]);
    assert_eq!((code, &find(&list, "webhook", "are signed")["state"]), (0, &"ok".into()));
    drop(server);
    let (list, code) = findings(&play, &[]);
    assert_eq!((code, &find(&list, "webhook", "does not answer")["state"]), (1, &"error".into()));
    // The sandbox must let it out.
    let config = "[webhook]\nurl = \"https://192.0.2.77/\"\nsecret_file = \"/opt/key\"\n";
    play.write("exportd.toml", config.as_bytes());
    let unit =
        std::fs::read_to_string(shipped_unit()).unwrap() + "\n[Service]\nInaccessiblePaths=/opt\n";
    play.write("a.service", unit.as_bytes());
    let (list, _) = findings(&play, &["--unit", play.path("a.service").to_str().unwrap()]);
    let help = find(&list, "sandbox", "keeps the daemon from")["help"].as_str().unwrap();
    assert!(help.contains("IPAddressAllow=192.0.2.77"), "{help}");
    assert!(help.contains("BindReadOnlyPaths=/opt/key"), "{help}");
}
