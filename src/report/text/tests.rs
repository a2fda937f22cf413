//! Tests of the words.

use super::page::WIDTH;
use super::*;
use crate::report::samples;
use proptest::prelude::*;

#[test]
fn subjects_are_those_of_the_table() {
    let expected = [
        "done, 2 files",
        "done, 1 file, 2 warnings",
        "2 of 3 need you",
        "NOT exported (all 2 failed)",
        "NOT exported (the disk of the output folder is full)",
        "NOT exported (line 2: unknown key `emailSeting`)",
        "stopped, 1 of 3 done",
    ];
    for (verdict, expected) in Verdict::ALL.into_iter().zip(expected) {
        let log = samples::log(verdict);
        assert_eq!(log.verdict(), verdict);
        assert_eq!(subject(&log), format!("[exportd] spring-tops: {expected}"));
    }
}

#[test]
fn nothing_exportable_is_its_own_cause() {
    let mut log = samples::log(Verdict::Warnings);
    log.assets.remove(0);
    assert_eq!(log.verdict(), Verdict::Fatal);
    assert_eq!(
        outcome(&log, Language::English),
        "NOT exported (nothing in the list can be exported)"
    );
}

#[test]
fn numbers_are_grouped_and_nouns_agree() {
    assert_eq!(
        [0, 7, 999, 1000, 1984, 1_234_567].map(grouped),
        ["0", "7", "999", "1,000", "1,984", "1,234,567"]
    );
    assert_eq!(count(1, "file"), "1 file");
    assert_eq!(count(0, "file"), "0 files");
    assert_eq!(count(1984, "file"), "1,984 files");
}

#[test]
fn a_cause_from_outside_stays_in_its_line() {
    let mut log = samples::log(Verdict::Refused);
    log.about.job_name = "a\r\nBcc: all@example".into();
    log.fatal = Some(Fault::Refused {
        line: 1,
        message: format!("x\nX-Evil: 1 \u{202e}{}", "y".repeat(400)).into(),
        findings: 1,
    });
    let subject = subject(&log);
    assert!(!subject.chars().any(crate::fs::is_invisible), "{subject:?}");
    assert!(subject.chars().count() < 200, "{subject:?}");
}

#[test]
fn the_fifty_first_failure_is_counted() {
    let mut log = samples::log(Verdict::Failed);
    log.assets =
        (0..1_200).map(|n| samples::failed(&format!("{n:04}"), Fault::Unreadable)).collect();
    let places = samples::places();
    let text = body(&Report { log: &log, places: &places, retry: None }, MailContent::Lists);
    assert!(text.contains(" 50. tops/0049.tif\n"));
    assert!(!text.contains("tops/0050.tif"));
    assert!(text.contains("and 1,150 more, see report.html\n"));
    assert!(text.contains("Failed (1,200)\n"));
}

#[test]
fn lines_are_short_where_they_can_be() {
    let mut log = samples::log(Verdict::Partial);
    log.assets[1].handle = format!("tops/{}", "long".repeat(40));
    let places = samples::places();
    let request = samples::retry();
    let report = Report { log: &log, places: &places, retry: Some(&request) };
    for line in body(&report, MailContent::Lists).lines() {
        let words = line.split_whitespace().count();
        assert!(line.chars().count() <= WIDTH || words <= 3, "{line}");
    }
}

#[test]
fn every_verdict_reads_well() {
    let places = samples::places();
    let request = samples::retry();
    for verdict in Verdict::ALL {
        let log = samples::log(verdict);
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        let mail = body(&report, report.mail_content().unwrap());
        let whole = format!("Subject: {}\n\n{mail}", subject(&log));
        insta::assert_snapshot!(format!("mail_{}", verdict.word()), whole);
    }
    let log = samples::log(Verdict::Refused);
    let report = Report { log: &log, places: &places, retry: None };
    insta::assert_snapshot!("beside_the_drop", beside_the_drop(&report));
    let log = samples::log(Verdict::Failed);
    let report = Report { log: &log, places: &places, retry: Some(&request) };
    insta::assert_snapshot!("why_it_failed", summary(&report, Language::English));
}

#[test]
fn every_verdict_reads_well_in_every_language() {
    let places = samples::places();
    let request = samples::retry();
    for language in Language::ALL.into_iter().skip(1) {
        let mut out = String::new();
        for verdict in Verdict::ALL {
            let mut log = samples::log(verdict);
            log.about.locale = Some(language.tag().into());
            let report = Report { log: &log, places: &places, retry: Some(&request) };
            let mail = body(&report, MailContent::Lists);
            out.push_str(&format!("Subject: {}\n\n{mail}\n----\n", subject(&log)));
            for line in mail.lines() {
                let words = line.split_whitespace().count();
                assert!(columns(line) <= WIDTH || words <= 3, "{line}");
            }
            let of = |language| Sheet::in_language(&report, MailContent::Lists, language);
            let (ours, english) = (of(language), of(Language::English));
            assert_ne!((&ours.todo, &ours.outcome), (&english.todo, &english.outcome));
            for (row, other) in ours.counts.iter().zip(&english.counts) {
                assert_eq!((row.key, row.label == other.label), (other.key, false), "{row:?}");
            }
        }
        let mut log = samples::log(Verdict::Refused);
        log.about.locale = Some(language.tag().into());
        let report = Report { log: &log, places: &places, retry: None };
        out.push_str(&beside_the_drop(&report));
        insta::assert_snapshot!(format!("mails_{}", language.tag()), out);
    }
}

#[test]
fn a_digest_and_the_command_line_stay_english() {
    let mut log = samples::log(Verdict::Partial);
    let english = gist(&log);
    let places = samples::places();
    let before = summary(&Report { log: &log, places: &places, retry: None }, Language::English);
    log.about.locale = Some("ja".into());
    assert_eq!(gist(&log), english);
    let report = Report { log: &log, places: &places, retry: None };
    assert_eq!(summary(&report, Language::English), before);
}

#[test]
fn a_short_mail_points_to_the_report() {
    let places = samples::places();
    let log = samples::log(Verdict::Partial);
    let report = Report { log: &log, places: &places, retry: None };
    let short = body(&report, MailContent::Counts).replace('\n', " ");
    assert!(short.contains("report.html in the report folder says what is wrong"), "{short}");
    assert!(!short.contains("below"), "{short}");
    let log = samples::log(Verdict::Warnings);
    let report = Report { log: &log, places: &places, retry: None };
    assert!(body(&report, MailContent::Counts).contains("in report.html"));
}

#[test]
fn a_manifest_that_names_no_level_says_why_it_is_mailed() {
    let mut log = samples::log(Verdict::Refused);
    log.about.email_setting = None;
    log.about.user_handle = None;
    let places = samples::places();
    let report = Report { log: &log, places: &places, retry: None };
    assert_eq!(report.mail_content(), Some(MailContent::Lists));
    let text = body(&report, MailContent::Lists).replace('\n', " ");
    assert!(text.contains("could not be read far enough"), "{text}");
}

proptest! {
    #[test]
    fn no_name_breaks_out_of_its_place(name in any::<String>(), word in any::<String>()) {
        let mut log = samples::log(Verdict::Partial);
        log.about.job_name.clone_from(&name);
        log.about.manifest_name.clone_from(&name);
        log.about.description = Some(word.clone());
        log.about.user_handle = Some(word.clone());
        log.assets[1].handle.clone_from(&word);
        log.assets[1].outcome =
            AssetOutcome::Failed { fault: Fault::NotFound { nearest: Some(word) } };
        let places = samples::places();
        let report = Report { log: &log, places: &places, retry: None };
        let text = body(&report, MailContent::Lists);
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert!(!subject(&log).chars().any(char::is_control));
    }
}
