//! The corpus of wrong manifests, refused in every language.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::diag::{Argument, Phrase};
use crate::imaging::plan::Defaults;
use crate::job::Verdict;
use crate::job::check::{Judged, Moment, Policy, about, judge};
use crate::job::log::{AssetOutcome, Change, JobLog};
use crate::library::{Library, Reason};
use crate::report::locale::Language;
use crate::report::page::Front;
use crate::report::{MailContent, Report, csv, samples, text};

/// A manifest with a mistake of many kinds.
const WRONG: &str = "\
jobName = \"spring/tops\"
emailSeting = \"All\"
userHandle = \"miya\"
fmt = \"jpeg\"
assetHandleArray = [\"tops/a.tiff\", \"\"]
execTime = 2026-12-01T06:00:00
execSchedule = \"0 0 25 * * *\"
outputName = \"{path}/{stam}\"
destination = \"../web\"
overwrite = \"yes\"
is_modifier = \"wid=abc&fmt=png&qualty=3\"
macro = \"$wep$\"
locale = “de”
";

/// Words that only English has, and no name or code that is shown.
const ENGLISH: [&str; 14] = [
    " the ", " is ", " not ", " are ", " has ", " with ", " of ", " and ", " to ", " cannot ",
    " there ", " write ", " found ", " which ",
];

struct World {
    _folder: tempfile::TempDir,
    library: Library,
    policy: Policy,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    for file in ["tops/a.tif", "tops/twice.tif", "tops/twice.jpg", "logo.jpg", "notes.txt"] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::fs::write_new(&path, b"", 0o644).unwrap();
    }
    let library = Library::open(&[folder.path().to_owned()], None).unwrap();
    let policy = Policy {
        company: "1".into(),
        wait_for_assets: Duration::ZERO,
        macros: [("web".into(), "wid=1200&fmt=jpeg&qlt=85".into())].into(),
        profiles: BTreeMap::new(),
        users: vec!["mia".into()],
        imaging: Defaults::default(),
    };
    World { _folder: folder, library, policy }
}

impl World {
    fn judge(&self, manifest: &[u8]) -> Judged {
        let now = "2026-11-24T12:00+01:00[Europe/Berlin]".parse().unwrap();
        judge(manifest, &self.library, &self.policy, &Moment::HandedIn(now))
    }

    /// Tells what comes of a manifest that is refused.
    fn refused(&self, name: &str, manifest: &[u8]) -> JobLog {
        let judged = self.judge(manifest);
        let mut log = samples::log(Verdict::Refused);
        log.about = about(judged.manifest.as_ref(), name, None);
        log.findings = judged.told();
        log.fatal = judged.refusal();
        log.manifest = judged.text;
        log
    }
}

/// The wrong manifests that are kept for tests, each with its name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifests/wrong");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 60, "{}", files.len());
    files.push(("all-kinds.toml".into(), WRONG.into()));
    files
}

fn report(log: &JobLog, check: impl FnOnce(&Report<'_>)) {
    check(&Report { log, places: &samples::places(), retry: None });
}

/// Tells a line that shows where a finding is.
fn is_excerpt(line: &&str) -> bool {
    let line = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    line.trim_start().starts_with(['|', '-'])
}

/// Everything that people read of a run, without what somebody wrote or typed: excerpts of the
/// manifest, code and values in quotes.
fn words(log: &JobLog) -> String {
    let mut all = String::new();
    report(log, |report| {
        all.push_str(&text::body(report, MailContent::Lists));
        all.push_str(&text::beside_the_drop(report));
    });
    let rows = log.assets.iter().map(|asset| csv::message(&asset.outcome, Language::of(log)));
    all.extend(rows.map(|row| row + "\n"));
    let lines: Vec<&str> = all.lines().filter(|line| !is_excerpt(line)).collect();
    let mut out = String::new();
    for (n, piece) in lines.join(" ").split('`').enumerate() {
        let outside: Vec<&str> =
            if n % 2 == 0 { piece.split('"').step_by(2).collect() } else { Vec::new() };
        out.push_str(&outside.join(" … "));
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_not_english(log: &mut JobLog, name: &str) {
    for language in Language::ALL.into_iter().skip(1) {
        log.about.locale = Some(language.tag().into());
        let words = words(log);
        for word in ENGLISH {
            let at = words.find(word).map(|at| {
                let from = words.floor_char_boundary(at.saturating_sub(60));
                words[from..words.ceil_char_boundary((at + 60).min(words.len()))].to_owned()
            });
            assert_eq!(at, None, "{name} in {}", language.tag());
        }
    }
}

/// Names the English words that have no other languages, of a message and what is in it.
fn nameless(phrase: &Phrase, found: &mut Vec<String>) {
    if phrase.id().is_none() {
        found.push(phrase.to_string());
    }
    for (_, argument) in phrase.given() {
        match argument {
            Argument::Phrase(inner) => nameless(inner, found),
            Argument::Text(text) if ENGLISH.iter().any(|word| text.contains(word)) => {
                found.push(text.clone());
            }
            Argument::Text(_) | Argument::Count(_) | Argument::List(_) | Argument::Bytes { .. } => {
            }
        }
    }
}

#[test]
fn every_finding_of_the_corpus_has_a_name() {
    let world = world();
    let mut found = Vec::new();
    for (_, manifest) in corpus() {
        for finding in world.judge(&manifest).all() {
            nameless(&finding.message, &mut found);
            finding.help.iter().for_each(|help| nameless(help, &mut found));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_refusal_says_anything_in_english_to_others() {
    let world = world();
    for (name, manifest) in corpus() {
        assert_not_english(&mut world.refused(&name, &manifest), &name);
    }
}

#[test]
fn no_run_with_warnings_and_failures_says_anything_in_english_to_others() {
    let world = world();
    let judged = world.judge(
        b"jobName = \"x\"\nemailSetting = \"All\"\nfmt = \"convert\"\noverwrite = true\n\
          assetHandleArray = [\"tops/a.tif\"]\nis_modifier = \"widt=5&fmt=png\"\nmacro = \"web\"\n\
          locale = \"xx\"\n",
    );
    let mut log = samples::log(Verdict::Partial);
    log.findings = judged.findings;
    assert!(judged.job.is_some() && log.findings.len() >= 4, "{:?}", log.findings);
    log.manifest = judged.text;
    let file = || Box::new(samples::delivered("a", Change::New));
    log.assets = [Reason::Set, Reason::Record, Reason::Template, Reason::NoPicture]
        .into_iter()
        .flat_map(|reason| {
            let warnings = vec![reason.words()];
            [
                AssetOutcome::Copied { file: file(), warnings },
                AssetOutcome::NotExportable { reason: reason.words() },
            ]
        })
        .map(|outcome| samples::asset("a", outcome))
        .collect();
    log.assets.extend(
        super::faults()
            .into_iter()
            // What has no name in that list stands for what the system says.
            .filter(|fault| {
                let mut found = Vec::new();
                nameless(&fault.words(), &mut found);
                nameless(&fault.next_step(), &mut found);
                found.is_empty()
            })
            .map(|fault| samples::failed("b", fault)),
    );
    assert!(log.assets.len() > 30);
    assert_not_english(&mut log, "warnings and failures");
}

#[test]
fn who_said_a_command_is_told_in_every_language() {
    let mut log = samples::log(Verdict::Clean);
    let told = Language::ALL.map(|language| {
        log.about.locale = Some(language.tag().into());
        let mut told = String::new();
        report(&log, |report| told.clone_from(&Front::over(report).recipes[0].commands[0].1));
        told
    });
    let [english, traditional, simplified, japanese, german, french, spanish] = told;
    assert_eq!([english, french, spanish].map(|text| text == "macro $web$"), [true; 3]);
    assert_eq!([traditional, simplified], ["巨集 $web$", "宏 $web$"]);
    assert_eq!([japanese, german], ["マクロ $web$", "Makro $web$"]);
}

#[test]
fn a_refusal_in_every_language() {
    let world = world();
    // What shows the place is the same in all of them.
    let mut places = None;
    for language in Language::ALL {
        let mut log = world.refused("spring-tops.toml", WRONG.as_bytes());
        log.about.locale = Some(language.tag().into());
        assert!(log.findings.len() >= 12, "{:?}", log.findings);
        report(&log, |report| {
            let mail = text::body(report, MailContent::Lists);
            let note = text::beside_the_drop(report);
            let shown: Vec<String> = mail.lines().filter(is_excerpt).map(str::to_owned).collect();
            assert_eq!(places.get_or_insert_with(|| shown.clone()), &shown);
            let both = format!("{mail}\n==== spring-tops.toml.FAILED.txt\n{note}");
            insta::assert_snapshot!(format!("refusal_{}", language.tag()), both);
        });
    }
}
