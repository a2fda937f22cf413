use super::*;
use crate::diag::{Severity, position};

const GOOD: &str = "jobName = \"spring\"\nassetHandleArray = [\"a.tif\", \"b*\"]\nfmt = \"convert\"\n\
                    emailSetting = \"All\"\n";

fn manifest(text: &str) -> Manifest {
    parse(text.as_bytes()).manifest.unwrap()
}

/// The findings as `line: what is pointed at: message`.
fn findings(text: &str) -> Vec<String> {
    let parsed = parse(text.as_bytes());
    parsed
        .findings
        .iter()
        .map(|d| {
            let (line, _) = position(&parsed.text, d.span.start);
            format!("{line}: {}: {}", &parsed.text[d.span.clone()], d.message)
        })
        .collect()
}

/// The only finding of a good manifest with one line more.
fn one(line: &str) -> String {
    let all = findings(&format!("{GOOD}{line}\n"));
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].strip_prefix("5: ").unwrap().to_owned()
}

#[test]
fn every_key_is_read() {
    let text = format!(
        "{GOOD}description = \"d\"\nuserHandle = \"mia\"\nlocale = \"de\"\nis_modifier = \"wid=1\"\n\
         macro = \"$web$\"\nclientId = \"c\"\nexecTime = 2026-12-01T06:00:00+01:00\n\
         destination = \"web/e\u{301}/\"\noverwrite = true\noutputName = \"{{stem}}\"\n"
    );
    assert_eq!(findings(&text), [""; 0]);
    let manifest = manifest(&text);
    assert!(!manifest.refused);
    assert_eq!(manifest.job_name.unwrap().value.as_str(), "spring");
    assert_eq!(manifest.email_setting.unwrap().value, EmailSetting::All);
    assert_eq!(manifest.exec_time.unwrap().value, "2026-12-01T05:00:00Z".parse().unwrap());
    assert_eq!(manifest.destination.unwrap().value.as_str(), "web/é");
    assert!(manifest.overwrite.unwrap().value);
    let Request { handles, fmt, is_modifier, preset, output_name } = manifest.common;
    let handles: Vec<String> =
        handles.unwrap().value.iter().map(|handle| handle.value.to_string()).collect();
    assert_eq!(handles, ["a.tif", "b*"]);
    assert_eq!(fmt.unwrap().value, Fmt::Convert);
    assert_eq!(is_modifier.unwrap().value, "wid=1");
    assert_eq!(preset.unwrap().value, "web");
    assert_eq!(output_name.unwrap().value.as_str(), "{stem}");
    for text in [manifest.description, manifest.user_handle, manifest.locale, manifest.client_id] {
        assert!(text.is_some());
    }
}

#[test]
fn the_mail_level_survives_a_wrong_manifest() {
    let manifest = manifest("emailSetting = \"None\"\nfmt = orig\n");
    assert!(manifest.refused);
    assert_eq!(manifest.email_setting.unwrap().value, EmailSetting::None);
}

#[test]
fn chinese_names_mean_the_same() {
    for (word, level) in [
        ("全部", EmailSetting::All),
        ("錯誤", EmailSetting::Error),
        ("错误", EmailSetting::Error),
        ("無", EmailSetting::None),
        ("无", EmailSetting::None),
    ] {
        let text = GOOD.replace("\"All\"", &format!("\"{word}\"")) + "\"宏\" = \"$web$\"\n";
        let manifest = manifest(&text);
        assert_eq!(manifest.email_setting.unwrap().value, level);
        assert_eq!(manifest.common.preset.unwrap().value, "web");
    }
    assert_eq!(
        findings(&format!("{GOOD}macro = \"a\"\n\"宏\" = \"a\"\n")),
        ["6: \"宏\": `macro` and \"宏\" are the same key"]
    );
    let bare = parse(format!("{GOOD}宏 = \"a\"\n").as_bytes());
    assert_eq!(bare.findings[0].help.as_deref(), Some("write \"宏\""));
}

#[test]
fn values_that_are_not_allowed_are_pointed_at() {
    for (line, expected) in [
        ("is_modifer = \"x\"", "is_modifer: unknown key `is_modifer`"),
        ("execTime = 2026-12-01", "2026-12-01: `execTime` needs a date, a time and a zone"),
        (
            "execTime = 2026-12-01T06:00:60Z",
            "2026-12-01T06:00:60Z: `execTime`: there is no such time",
        ),
        (
            "execSchedule = \"0 0 25 * * ?\"",
            "25: `execSchedule`: 0 to 23 are allowed for hours, found \"25\"",
        ),
        (
            "macro = \"$a$&$b$\"",
            "\"$a$&$b$\": `macro` takes one preset, written as $name$, not \"$a$&$b$\"",
        ),
        ("macro = \"\"", "\"\": `macro` takes one preset, written as $name$, not \"\""),
        (
            "destination = \"/srv\"",
            "\"/srv\": `destination`: the name begins with \"/\"; names are relative to their folder",
        ),
        (
            "destination = \".exportd-stage/x\"",
            "\".exportd-stage/x\": `destination`: names that begin with \".exportd\" are reserved for exportd",
        ),
        ("outputName = \"a/{x}\"", "{x}: `outputName`: there is no placeholder {x}"),
        ("locale = 7", "7: `locale` must be text in quotes, not a whole number"),
        ("overwrite = 1", "1: `overwrite` must be true or false, not a whole number"),
        ("exportJob = 1", "1: `exportJob` must be [[exportJob]] tables, not a whole number"),
        ("exportJob = [1]", "1: `exportJob` must be a section, not a whole number"),
        (
            "overwrite = true",
            "true: `overwrite` has no effect without `destination`: each run has a folder of its own",
        ),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn every_bad_handle_is_a_finding() {
    let text = GOOD.replace("\"a.tif\"", "\"\", 'x', 1, \"a\\tb\", [], \"\\u202Ey\"");
    assert_eq!(
        findings(&text),
        [
            "2: \"\": the handle is empty",
            "2: 1: `assetHandleArray` must be text in quotes, not a whole number",
            "2: \"a\\tb\": the handle has an invisible character (U+0009)",
            "2: []: `assetHandleArray` must be text in quotes, not a list",
            "2: \"\\u202Ey\": the handle has an invisible character (U+202E)",
        ]
    );
}

#[test]
fn required_keys_may_stand_at_either_level() {
    let text = "jobName = \"x\"\nemailSetting = \"All\"\nfmt = \"orig\"\n[[exportJob]]\n\
                rendition = \"a\"\nassetHandleArray = [\"a\"]\n[[exportJob]]\nrendition = \"b\"\n";
    assert_eq!(
        findings(text),
        ["7: [[exportJob]]: `assetHandleArray` is missing, here and at the top of the manifest"]
    );
    let inline = "jobName = \"x\"\nemailSetting = \"All\"\nfmt = \"orig\"\nexportJob = [{rendition = \
                  \"a\", assetHandleArray = [\"a\"]}]\n";
    assert_eq!(findings(inline), [""; 0]);
}

#[test]
fn names_of_renditions_are_unique_names_of_folders() {
    let of = |names: &[&str]| {
        let tables: String =
            names.iter().map(|name| format!("[[exportJob]]\nrendition = \"{name}\"\n")).collect();
        findings(&format!("{GOOD}{tables}")).len()
    };
    assert_eq!(of(&["web", "print", "Ünï"]), 0);
    assert_eq!(of(&["é", "e\u{301}"]), 1);
    assert_eq!(of(&["web", "WEB", "web"]), 2);
    assert_eq!(of(&["..", ".x", "a/b", "", &"x".repeat(101)]), 5);
}

#[test]
fn modifiers_are_ignored_only_where_nothing_is_converted() {
    let orig = GOOD.replace("convert", "orig") + "is_modifier = \"wid=1\"\nmacro = \"web\"\n";
    let parsed = parse(orig.as_bytes());
    assert_eq!(parsed.findings.len(), 2);
    assert!(parsed.findings.iter().all(|d| d.severity == Severity::Warning));
    assert!(!parsed.manifest.unwrap().refused);
    let mixed = orig
        + "[[exportJob]]\nrendition = \"a\"\n[[exportJob]]\nrendition = \"b\"\n\
                        fmt = \"convert\"\n";
    assert_eq!(findings(&mixed), [""; 0]);
}

#[test]
fn limits_hold() {
    let handles = "\"a\",".repeat(MOST_HANDLES + 1);
    let text = GOOD.replace("\"a.tif\", \"b*\"", &handles);
    assert_eq!(findings(&text), ["2: \"a\": this is handle 10,001, at most 10,000 are allowed"]);
    let long = "x".repeat((64 << 10) + 1);
    let all = parse(format!("{GOOD}description = \"{long}\"\n").as_bytes()).findings;
    assert_eq!(all[0].message, "`description` has 65,537 bytes, at most 65,536 are allowed");
    let tables = |count: usize| {
        let table = |n| format!("[[exportJob]]\nrendition = \"r{n}\"\n");
        findings(&(GOOD.to_owned() + &(0..count).map(table).collect::<String>()))
    };
    assert_eq!(tables(MOST_RENDITIONS), [""; 0]);
    let [one] = &tables(MOST_RENDITIONS + 20)[..] else { panic!("one finding") };
    assert!(one.ends_with("this is [[exportJob]] 1,001, at most 1,000 are allowed"), "{one}");
    let parts = format!("{GOOD}\ndescription = [{}]", "1,".repeat(MOST_PARTS / 2));
    assert!(parse(parts.as_bytes()).manifest.is_none() && !is_complete(parts.as_bytes()));
    let large = parse(&vec![b' '; MOST_BYTES + 1]);
    assert!(large.manifest.is_none() && large.findings.len() == 1);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_fine() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let parsed = parse(windows.as_bytes());
    assert!(parsed.findings.is_empty());
    let wrong = windows.replace("spring", "a/b");
    assert_eq!(
        findings(&wrong),
        ["1: /: \"/\" is not allowed in `jobName`; only letters, digits, spaces and - _ . are"]
    );
    assert_eq!(findings("\u{feff}x = 1\n")[1], "1: : `jobName` is missing");
}

#[test]
fn a_file_cut_anywhere_is_not_finished_although_it_may_parse() {
    let text =
        "jobName = \"a\"\nassetHandleArray = [\"a.jpg\"]\nfmt = \"orig\"\nemailSetting = \"All\"\n";
    let (whole, _) = text.split_at(text.len() - 1);
    assert!(is_finished(text.as_bytes()) && is_finished(whole.as_bytes()));
    let parses = (0..whole.len()).filter(|&end| is_complete(&whole.as_bytes()[..end])).count();
    assert!(parses > 3, "a line alone parses");
    for end in 0..whole.len() {
        assert!(!is_finished(&whole.as_bytes()[..end]), "{end}");
    }
    // What is wrong but lacks nothing is finished: it will not get better by waiting.
    assert!(is_finished(text.replace("orig", "neither").as_bytes()));
}

#[test]
fn a_file_is_complete_when_it_parses() {
    assert!(is_complete(GOOD.as_bytes()) && is_complete(b"x = 1"));
    for partial in
        [&b""[..], b"# only", b"x = ", b"x = [\"a\",", b"\xff\xfex\0=\x001\0", b"x = \"\xe9\""]
    {
        assert!(!is_complete(partial), "{partial:?}");
    }
}

#[test]
fn no_message_repeats_a_megabyte() {
    for text in [
        format!("x = {}", "y".repeat(900_000)),
        format!("{} = 1", "y".repeat(900_000)),
        format!("fmt = \"{}\"", "y".repeat(60_000)),
        format!("{GOOD}outputName = \"{{{}}}\"", "y".repeat(60_000)),
    ] {
        let parsed = parse(text.as_bytes());
        assert!(!parsed.findings.is_empty());
        for finding in parsed.findings {
            assert!(finding.message.chars().count() <= 300, "{}", finding.message.len());
            assert!(finding.help.unwrap_or_default().chars().count() <= 300);
        }
    }
}

#[test]
fn hostile_manifests_are_judged_soon() {
    let keys: String = (0..90_000).map(|n| format!("k{n:05} = 1\n")).collect();
    let handles = format!("assetHandleArray = [{}]", "\"\",".repeat(300_000));
    for text in [keys, handles, "=\n".repeat(500_000), "[".repeat(1_000_000), "a.".repeat(500_000)]
    {
        assert!(text.len() <= MOST_BYTES, "{}", text.len());
        let started = std::time::Instant::now();
        let parsed = parse(text.as_bytes());
        assert!(!parsed.findings.is_empty());
        // A quarter of a second when optimised.
        let beginning = &text[..12];
        assert!(started.elapsed().as_millis() < 3000, "{beginning}: {:?}", started.elapsed());
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let parsed = parse(&bytes);
        for finding in &parsed.findings {
            proptest::prop_assert!(parsed.text.get(finding.span.clone()).is_some());
        }
        let _ = is_complete(&bytes);
    }

    #[test]
    fn no_slip_of_the_keyboard_panics(at in 0..110_usize, slip in "[\\PC\n\"'\\[\\]{}=#]{0,3}", cut in 0..4_usize) {
        let mut text = format!("{GOOD}[[exportJob]]\nrendition = \"r\"\n");
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &slip);
        let parsed = parse(text.as_bytes());
        for finding in &parsed.findings {
            proptest::prop_assert!(parsed.text.get(finding.span.clone()).is_some());
        }
    }
}
