//! People stop, pause, resume, delete and retry jobs, by files in the drop folder.

use std::time::Duration;

use serde_json::Value;

use crate::support::playground::{Playground, list, picture};

const SOON: Duration = Duration::from_secs(120);
const MANY: usize = 200;

/// What a command said and returned.
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn say(play: &Playground, args: &[&str]) -> Said {
    let output = play.command(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code().unwrap(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// A job that takes seconds, at work, with something done already; returns its run.
fn long_job(play: &mut Playground) -> String {
    job_at_work(play, MANY, "wid=900")
}

/// As [`long_job`], of so many assets that are made in this way.
fn job_at_work(play: &mut Playground, many: usize, modifier: &str) -> String {
    let bytes = picture("a.png", 1500, 1500);
    for n in 0..many {
        play.write(&format!("assets/long/{n:03}.png"), &bytes);
    }
    play.start();
    play.drop_manifest(
        "long.toml",
        &manifest("long", &["long/*.png"], &format!("is_modifier = \"{modifier}\"")),
    );
    begun(play)
}

fn begun(play: &Playground) -> String {
    play.wait("a beginning", SOON, || {
        let run = list(&play.path("reports")).into_iter().find(|name| name.starts_with("long_"))?;
        let status = play.json(&format!("reports/{run}/status.json"))?;
        (count(&status, "fileSuccessCount") > 0).then_some(run)
    })
}

fn manifest(job: &str, handles: &[&str], more: &str) -> String {
    format!(
        "jobName = \"{job}\"\nassetHandleArray = {handles:?}\nfmt = \"convert\"\n\
         emailSetting = \"All\"\n{more}\n"
    )
}

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_default()
}

/// What the board says of a job, once it says that it waits for this.
fn resting(play: &Playground, run: &str, waiting: &str) -> Value {
    play.wait(waiting, SOON, || {
        let jobs: Vec<Value> = serde_json::from_str(&say(play, &["status", "--json"]).out).ok()?;
        jobs.into_iter().find(|job| job["run"] == run && job["waiting"] == waiting)
    })
}

fn outputs(play: &Playground, run: &str) -> usize {
    list(&play.path(&format!("out/{run}/long"))).len()
}

#[test]
fn a_paused_job_rests_over_a_restart_and_loses_nothing() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    let paused = say(&play, &["pause", &run]);
    assert_eq!(paused.code, 0, "{}", paused.err);
    let shown = resting(&play, &run, "paused");
    let done = count(&shown, "fileSuccessCount");
    assert!(0 < done && done < MANY as u64, "{shown:#}");
    assert_eq!(shown["state"], "WaitingClient");
    let status = play.json(&format!("reports/{run}/status.json")).unwrap();
    assert_eq!((&status["state"], &status["waiting"]), (&"WaitingClient".into(), &"paused".into()));
    assert!(!play.path(&format!("out/{run}")).exists(), "nothing half-made is seen");
    // It rests, whatever becomes of the daemon.
    play.kill();
    play.start();
    let shown = resting(&play, &run, "paused");
    assert_eq!(count(&shown, "fileSuccessCount"), done);
    assert!(say(&play, &["stop", &run]).err.contains("rests already"));
    assert_eq!(say(&play, &["resume", &run]).code, 0);
    let (again, report) = play.report_of("long", SOON);
    assert_eq!((&again, &report["verdict"]), (&run, &"clean".into()), "{report:#}");
    assert_eq!(count(&report, "fileSuccessCount"), MANY as u64);
    assert_eq!(outputs(&play, &run), MANY);
    // What was done before the pause was not done again.
    let log = play.log();
    assert!(!log.contains("ERROR"), "{log}");
    play.wait("the mail", SOON, || (play.mails().len() == 1).then_some(()));
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_job_that_is_resumed_before_it_rests_goes_on() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    assert_eq!(say(&play, &["pause", &run]).code, 0);
    let resumed = say(&play, &["resume", "long"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    let (_, report) = play.report_of("long", SOON);
    assert_eq!(report["verdict"], "clean");
    assert_eq!(play.stop(), Some(0));
}

/// Joins the lines of a mail, those that quoted-printable broke first.
fn whole(mail: &str) -> String {
    mail.replace('\r', "").replace("=\n", "").replace('\n', " ")
}

#[test]
fn a_stopped_job_is_reported_kept_and_can_go_on() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    let stopped = say(&play, &["stop", &run]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    assert!(stopped.err.contains("is stopping"), "{}", stopped.err);
    let (_, report) = play.report_of("long", SOON);
    let done = count(&report, "fileSuccessCount");
    assert_eq!(report["verdict"], "stopped", "{report:#}");
    assert!(0 < done && done < MANY as u64);
    assert_eq!(count(&report, "fileCancelCount"), MANY as u64 - done);
    assert!(!play.path(&format!("out/{run}")).exists());
    let shown = resting(&play, &run, "stopped");
    assert_eq!(count(&shown, "fileSuccessCount"), done);
    let mail = play.mails().pop().unwrap();
    assert!(
        mail.contains(&format!("Subject: [exportd] long: stopped, {done} of {MANY} done")),
        "{mail}"
    );
    assert!(whole(&mail).contains(&format!("exportd resume {run}")), "{mail}");
    assert!(say(&play, &["retry", &run]).err.contains("exportd resume"));
    let watched = say(&play, &["status", "--watch", "long"]);
    assert_eq!((watched.code, watched.out), (1, format!("{run}: stopped\n")));
    // The daemon may end meanwhile.
    assert_eq!(play.stop(), Some(0));
    play.start();
    assert_eq!(say(&play, &["resume", "long"]).code, 0);
    let report = play.wait("the end", SOON, || {
        let report = play.json(&format!("reports/{run}/report.json"))?;
        (report["verdict"] == "clean").then_some(report)
    });
    assert_eq!(count(&report, "fileSuccessCount"), MANY as u64);
    assert_eq!(outputs(&play, &run), MANY);
    let mails = play.wait("the second mail", SOON, || {
        let mails = play.mails();
        (mails.len() == 2).then_some(mails)
    });
    let second = mails.iter().find(|mail| mail.contains("done, 200 files")).unwrap();
    assert!(second.contains("\nReferences: <"), "{second}");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn what_a_stopped_job_did_is_thrown_away_when_it_is_deleted() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    let refused = say(&play, &["delete", &run]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("stop it first"), "{}", refused.err);
    say(&play, &["stop", &run]);
    play.report_of("long", SOON);
    resting(&play, &run, "stopped");
    assert_eq!(list(&play.path("out/.exportd-stage")).len(), 1);
    let deleted = say(&play, &["delete", &run]);
    assert_eq!(deleted.code, 0, "{}", deleted.err);
    assert_eq!(list(&play.path("out/.exportd-stage")).len(), 0);
    assert_eq!(list(&play.path("spool/hold")).len(), 0);
    assert_eq!(play.json(&format!("reports/{run}/report.json")).unwrap()["verdict"], "stopped");
    let over = say(&play, &["resume", &run]);
    assert_eq!((over.code, over.err.contains("is over")), (1, true), "{}", over.err);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_paused_job_that_is_deleted_has_a_report_and_no_output() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    say(&play, &["pause", &run]);
    resting(&play, &run, "paused");
    assert_eq!(say(&play, &["delete", &run]).code, 0);
    let (_, report) = play.report_of("long", SOON);
    assert_eq!(report["verdict"], "stopped", "{report:#}");
    assert_eq!(count(&report, "fileCancelCount"), MANY as u64);
    assert_eq!(list(&play.path("out/.exportd-stage")).len(), 0);
    play.wait("its rest", SOON, || list(&play.path("spool/hold")).is_empty().then_some(()));
    assert!(!play.path(&format!("reports/{run}/status.json")).exists());
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn what_is_asked_while_no_daemon_runs_is_done_when_one_does() {
    let mut play = Playground::with_config("workers = 1\n");
    let run = long_job(&mut play);
    play.kill();
    let shown = say(&play, &["status"]);
    assert_eq!(shown.code, 69);
    assert!(
        shown.out.contains(&run) && shown.err.contains("exportd is not running"),
        "{}",
        shown.err
    );
    let unknown = say(&play, &["pause", "long_2020-01-01-00-00-00"]);
    assert_eq!(unknown.code, 69, "{}", unknown.err);
    let asked = say(&play, &["pause", &run]);
    assert_eq!((asked.code, asked.err.contains("is kept")), (0, true), "{}", asked.err);
    play.start();
    resting(&play, &run, "paused");
    assert_eq!(list(&play.path("drop/.exportd/control")).len(), 0);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_schedule_is_paused_run_now_and_forgotten() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    let schedule = "execSchedule = \"0 0 6 1 1 ? 2099\"";
    play.drop_manifest("nightly.toml", &manifest("every night", &["a.png"], schedule));
    let posting = |state: &'static str| {
        play.wait(state, SOON, || {
            let jobs = say(&play, &["status", "--json", "nightly"]).out;
            let jobs: Vec<Value> = serde_json::from_str(&jobs).ok()?;
            jobs.into_iter().find(|job| job["scheduleState"] == state)
        })
    };
    let before = posting("Normal");
    let text = say(&play, &["status"]);
    assert!(text.out.contains("2099-01-01 06:00:00"), "{}", text.out);
    // By any of its names.
    assert_eq!(say(&play, &["run-now", "every night"]).code, 0);
    let (run, report) = play.report_of("every-night", SOON);
    assert_eq!(report["verdict"], "clean", "{report:#}");
    assert!(play.path(&format!("out/{run}/a.jpg")).exists());
    assert_eq!(posting("Normal")["nextFireTime"], before["nextFireTime"]);
    assert_eq!(say(&play, &["pause", "nightly.toml"]).code, 0);
    posting("Paused");
    let refused = say(&play, &["run-now", "nightly"]);
    assert_eq!((refused.code, refused.err.contains("resume it first")), (1, true));
    let resumed = say(&play, &["resume", "nightly"]);
    assert!(resumed.err.contains("2099-01-01 06:00:00"), "{}", resumed.err);
    posting("Normal");
    let running = say(&play, &["stop", "nightly"]);
    assert!(running.code == 1 && running.err.contains("exportd delete"), "{}", running.err);
    assert_eq!(say(&play, &["delete", "nightly"]).code, 0);
    assert_eq!(list(&play.path("spool/scheduled")).len(), 0);
    let gone = say(&play, &["run-now", "nightly"]);
    assert_eq!(
        (gone.code, gone.err.contains("there is no job nightly")),
        (66, true),
        "{}",
        gone.err
    );
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn stop_means_the_run_of_a_schedule_and_leaves_the_schedule() {
    // It is at work for as long as an asset is not there.
    let mut play = Playground::with_config("[job]\nwait_for_assets = \"10m\"\n");
    play.start();
    let schedule = "execSchedule = \"0 0 6 1 1 ? 2099\"";
    play.drop_manifest("nightly.toml", &manifest("every night", &["later.png"], schedule));
    let scheduled = |play: &Playground| {
        let jobs = say(play, &["status", "--json", "nightly"]).out;
        let jobs: Vec<Value> = serde_json::from_str(&jobs).unwrap_or_default();
        jobs.into_iter().find(|job| job.get("scheduleState").is_some())
    };
    play.wait("a schedule", SOON, || scheduled(&play));
    for (name, runs) in [("every night", 1), ("nightly.toml", 2), ("nightly", 3)] {
        assert_eq!(say(&play, &["run-now", name]).code, 0);
        let run = play.wait("a run that waits", SOON, || {
            let jobs: Vec<Value> =
                serde_json::from_str(&say(&play, &["status", "--json"]).out).ok()?;
            let job = jobs.into_iter().find(|job| job["waiting"] == "waiting-assets")?;
            job["run"].as_str().map(str::to_owned)
        });
        let stopped = say(&play, &["stop", name]);
        assert_eq!(stopped.code, 0, "{name}: {}", stopped.err);
        assert!(stopped.err.contains(&run), "{name}: {}", stopped.err);
        let reports = play.reports_of("every-night", runs, SOON);
        let (_, report) = reports.iter().find(|(name, _)| *name == run).unwrap();
        assert_eq!(report["verdict"], "stopped", "{name}: {report:#}");
        assert!(scheduled(&play).is_some(), "{name}");
    }
    assert_eq!(list(&play.path("spool/scheduled")).len(), 1);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_schedule_that_was_paused_over_its_time_does_not_make_up_for_it() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    play.drop_manifest(
        "often.toml",
        &manifest("often", &["a.png"], "execSchedule = \"0 0 * * * ?\""),
    );
    play.wait("the schedule", SOON, || {
        (list(&play.path("spool/scheduled")).len() == 1).then_some(())
    });
    assert_eq!(say(&play, &["pause", "often"]).code, 0);
    // As if it had been due an hour ago.
    let job = list(&play.path("spool/hold")).pop().unwrap();
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    play.write(
        &format!("spool/hold/{job}/due.json"),
        format!("{{\"repeats\":\"{hour_ago}\"}}").as_bytes(),
    );
    let resumed = say(&play, &["resume", "often"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert!(resumed.err.contains(":00:00"), "{}", resumed.err);
    assert_eq!(list(&play.path("spool/scheduled")), [job]);
    assert_eq!(play.stop(), Some(0));
    assert!(list(&play.path("reports")).iter().all(|name| name.starts_with('.')), "it ran");
}

#[test]
fn what_failed_is_asked_for_again_by_name() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.write("assets/b.png", b"no picture");
    play.start();
    play.drop_manifest("two.toml", &manifest("two", &["a.png", "b.png"], ""));
    let (run, _) = play.report_of("two", SOON);
    let log = say(&play, &["logs", "two"]);
    assert!(log.out.contains("ExportSuccess     a.png -> a.jpg"), "{}", log.out);
    let errors = say(&play, &["logs", &run, "--only", "errors"]);
    assert!(errors.out.starts_with("ExportError       b.png"), "{}", errors.out);
    assert_eq!(errors.out.lines().count(), 1, "{}", errors.out);
    let json: Value = serde_json::from_str(&say(&play, &["logs", &run, "--json"]).out).unwrap();
    assert_eq!(json["verdict"], "partial");
    play.write("assets/b.png", &picture("b.png", 30, 30));
    let again = say(&play, &["retry", "two", "--wait"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains(&format!("retry-{run}.toml")), "{}", again.out);
    let runs = say(&play, &["logs"]);
    assert!(runs.out.starts_with(&format!("{run}  partial  ")), "{}", runs.out);
    assert_eq!(runs.out.lines().count(), 2, "{}", runs.out);
    let last = runs.out.lines().last().unwrap();
    assert!(last.contains("  clean  "), "{last}");
    let nothing = say(&play, &["retry", last.split(' ').next().unwrap()]);
    assert_eq!(
        (nothing.code, nothing.err.contains("nothing failed")),
        (0, true),
        "{}",
        nothing.err
    );
    assert_eq!(say(&play, &["logs", "never"]).code, 66);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn machines_that_watch_machines_have_figures() {
    let mut play = Playground::new();
    let file = play.path("metrics.prom");
    play.write("exportd.toml", format!("[metrics]\ntextfile = {file:?}\n").as_bytes());
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    play.drop_manifest("one.toml", &manifest("one", &["a.png"], ""));
    play.report_of("one", SOON);
    let read = || std::fs::read_to_string(&file).ok();
    play.wait("the figures", SOON, || {
        read().filter(|text| text.contains("exportd_runs_total{verdict=\"clean\"} 1\n"))
    });
    assert!(read().unwrap().contains("exportd_files_total{outcome=\"exported\"} 1\n"));
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_job_that_was_to_go_on_and_is_stopped_stays_stopped() {
    let mut play = Playground::with_config("workers = 1\n");
    // So slow that the asset in hand is not finished when it is stopped.
    let run = job_at_work(&mut play, 6, "wid=1400&fmt=avif");
    for (asked, answer) in
        [("pause", "as soon as"), ("resume", "goes on as soon as"), ("stop", "is stopping")]
    {
        let said = say(&play, &[asked, &run]);
        assert!(said.code == 0 && said.err.contains(answer), "{asked}: {}", said.err);
    }
    resting(&play, &run, "stopped");
    // Whatever would begin it again has had its turn twice.
    std::thread::sleep(Duration::from_secs(3));
    resting(&play, &run, "stopped");
    let (_, report) = play.report_of("long", SOON);
    assert_eq!(report["verdict"], "stopped", "{report:#}");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn what_is_to_run_now_begins_now() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    let schedule = "execSchedule = \"0 0 6 1 1 ? 2099\"";
    play.drop_manifest("nightly.toml", &manifest("nightly", &["a.png"], schedule));
    play.wait("the schedule", SOON, || {
        (list(&play.path("spool/scheduled")).len() == 1).then_some(())
    });
    // An idle daemon looks around every five seconds; the quickest of five is not by chance.
    let quickest = (1..=5).map(|runs| {
        assert_eq!(say(&play, &["run-now", "nightly"]).code, 0);
        let asked = std::time::Instant::now();
        play.reports_of("nightly", runs, SOON);
        asked.elapsed()
    });
    let all: Vec<Duration> = quickest.collect();
    let soon = all.iter().filter(|time| **time < Duration::from_secs(2)).count();
    assert!(soon >= 3, "{all:?}");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_run_that_begins_long_after_its_time_says_so() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    let often = "execSchedule = \"0 0 6 1 1 ? 2099\"";
    play.drop_manifest("often.toml", &manifest("often", &["a.png"], often));
    play.wait("the schedule", SOON, || {
        (list(&play.path("spool/scheduled")).len() == 1).then_some(())
    });
    assert_eq!(play.stop(), Some(0));
    // As if it had been due an hour ago.
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let job = list(&play.path("spool/scheduled")).pop().unwrap();
    play.write(
        &format!("spool/scheduled/{job}/due.json"),
        format!("{{\"repeats\":\"{hour_ago}\"}}").as_bytes(),
    );
    play.start();
    let (_, report) = play.report_of("often", SOON);
    assert_eq!(report["verdict"], "warnings", "{report:#}");
    let log = report.to_string();
    assert!(log.contains("it was due at ") && log.contains(" and began at "), "{report:#}");
    assert_eq!(play.stop(), Some(0));
}
