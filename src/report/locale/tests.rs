//! Tests of the language files and of what they are given.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{
    CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement,
};

use super::messages::ALL;
use super::*;
use crate::diag::{Argument, Phrase, phrase};
use crate::imaging::formats::SourceFormat;

mod corpus;
mod sources;

type Variables = BTreeSet<String>;

/// Names the messages of a language file, each with its variables.
fn messages(source: &str) -> BTreeMap<String, Variables> {
    let resource = fluent_syntax::parser::parse(source).unwrap_or_else(|(_, errors)| {
        let at = errors.iter().map(|error| &source[error.pos.clone()]).collect::<Vec<_>>();
        unreachable!("{errors:?} {at:?}")
    });
    let mut out = BTreeMap::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                assert!(message.attributes.is_empty(), "{} has attributes", message.id.name);
                let mut variables = Variables::new();
                pattern(message.value.as_ref().unwrap(), &mut variables);
                let before = out.insert(message.id.name.to_owned(), variables);
                assert_eq!(before, None, "{} stands there twice", message.id.name);
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            other => unreachable!("neither message nor comment: {other:?}"),
        }
    }
    out
}

fn pattern(pattern: &Pattern<&str>, variables: &mut Variables) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            self::expression(expression, variables);
        }
    }
}

fn expression(expression: &Expression<&str>, variables: &mut Variables) {
    match expression {
        Expression::Inline(inline) => self::inline(inline, variables),
        Expression::Select { selector, variants } => {
            inline(selector, variables);
            for variant in variants {
                pattern(&variant.value, variables);
            }
        }
    }
}

fn inline(inline: &InlineExpression<&str>, variables: &mut Variables) {
    match inline {
        InlineExpression::VariableReference { id } => {
            variables.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference {
            arguments: CallArguments { positional, .. }, ..
        } => {
            positional.iter().for_each(|argument| self::inline(argument, variables));
        }
        InlineExpression::Placeable { expression } => self::expression(expression, variables),
        _ => {}
    }
}

#[test]
fn every_language_says_every_message_with_the_same_variables() {
    let expected: BTreeMap<String, Variables> = ALL
        .iter()
        .map(|(id, fields)| ((*id).to_owned(), fields.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(expected.len(), ALL.len(), "two messages have one name");
    for language in Language::ALL {
        let found = messages(language.source());
        for (id, variables) in &expected {
            assert_eq!(found.get(id), Some(variables), "{}: {id}", language.tag());
        }
        for id in found.keys() {
            assert!(expected.contains_key(id), "{}: {id} is never asked for", language.tag());
        }
    }
}

#[test]
fn each_locale_of_a_manifest_has_its_language() {
    let tags: Vec<&str> = Language::ALL.iter().map(|language| language.tag()).collect();
    assert_eq!(tags, crate::job::manifest::LOCALES);
    let mut log = crate::report::samples::log(crate::job::Verdict::Clean);
    for language in Language::ALL {
        log.about.locale = Some(language.tag().into());
        assert_eq!(Language::of(&log), language);
    }
    for other in [None, Some("tlh".to_owned())] {
        log.about.locale = other;
        assert_eq!(Language::of(&log), Language::English);
    }
}

#[test]
fn numbers_are_grouped_as_each_language_does() {
    let of = |language: Language| [999, 1_984, 19_840, 1_000_000].map(|n| language.number(n));
    let comma = ["999", "1,984", "19,840", "1,000,000"];
    for language in [Language::English, Language::ChineseTraditional, Language::Japanese] {
        assert_eq!(of(language), comma);
    }
    assert_eq!(of(Language::German), ["999", "1.984", "19.840", "1.000.000"]);
    assert_eq!(
        of(Language::French),
        ["999", "1\u{202f}984", "19\u{202f}840", "1\u{202f}000\u{202f}000"]
    );
    assert_eq!(of(Language::Spanish), ["999", "1984", "19.840", "1.000.000"]);
    assert_eq!(Language::German.bytes(1_400_000), "1,4 MB");
    assert_eq!(Language::French.bytes(1_400_000), "1,4\u{a0}Mo");
    assert_eq!(Language::French.bytes(418), "418 octets");
    assert_eq!(Language::English.bytes(418), crate::diag::human_bytes(418));
}

#[test]
fn nouns_agree_with_their_numbers() {
    let mut out = String::new();
    for language in Language::ALL {
        out.push_str(&format!("{}\n", language.tag()));
        for n in [0, 1, 2, 1_984, 1_000_000] {
            for message in [
                Say::OutcomeWarnings { files: n, warnings: n },
                Say::TodoClean { files: n },
                Say::StoppedRest { rest: n },
                Say::MoreInReport { more: n },
            ] {
                out.push_str(&format!("  {}\n", language.say(message)));
            }
        }
    }
    insta::assert_snapshot!("plurals", out);
}

/// One of each fault.
pub(crate) fn faults() -> Vec<Fault> {
    let text = |text: &str| text.to_owned();
    let files = vec![text("a.tif"), text("a.psd")];
    let picture = || phrase!("thing-any-picture", "a picture");
    let blocked = |detail: Phrase| Fault::Blocked { detail };
    vec![
        Fault::NotFound { nearest: None },
        Fault::NotFound { nearest: Some(text("back.tif")) },
        Fault::NothingMatches,
        Fault::Ambiguous { candidates: files.clone() },
        Fault::OutsideRoot,
        Fault::NotAFile { what: phrase!("thing-folder", "a folder") },
        Fault::NotAFile { what: phrase!("thing-socket-or-device", "a socket or a device") },
        Fault::Unreadable,
        Fault::ReadFailed { detail: "Stale file handle".into() },
        Fault::KeepsChanging,
        Fault::Mismatch { named: SourceFormat::Jpeg.words(), found: SourceFormat::Pdf.words() },
        Fault::Mismatch { named: SourceFormat::Avif.words(), found: SourceFormat::Svg.words() },
        Fault::Mismatch {
            named: picture(),
            found: phrase!("thing-zeroes", "empty space only (zero bytes)"),
        },
        Fault::Damaged {
            detail: phrase!("ends-too-early", "it ends too early, the rest of the file is missing"),
        },
        Fault::TooLarge {
            width: 40_000,
            height: 30_000,
            limit: phrase!(
                "limit-pixels",
                "{pixels} pixels",
                pixels = Argument::Count(500_000_000)
            ),
        },
        Fault::UnsupportedSource { detail: phrase!("source-rare-tiff", "a rare kind of TIFF") },
        Fault::Page { number: 3, fault: Box::new(Fault::DiskFull) },
        Fault::Modifiers { message: "`wid` needs a number".into(), help: None },
        Fault::Modifiers { message: "no".into(), help: Some("write `wid=100`".into()) },
        Fault::OutOfMemory { limit: 1_500_000_000 },
        Fault::TooSlow { seconds: 600 },
        Fault::WorkerDied { how: phrase!("stack-overflowed", "it is nested too deeply") },
        Fault::Collision { name: text("a.jpg"), others: files },
        Fault::BadOutputName {
            name: text("a/"),
            reason: phrase!("name-of-sums", "that name is reserved for the list of checksums"),
        },
        Fault::Exists { name: text("a.jpg") },
        Fault::DiskFull,
        blocked(phrase!("detail-denied", "permission denied")),
        blocked(phrase!("detail-read-only", "the disk is read-only")),
        blocked(phrase!("detail-gone", "the folder is gone")),
        blocked(phrase!("detail-disk-errors", "the disk reports errors")),
        Fault::NotWritable { detail: "File too large".into() },
        Fault::NotWritable { detail: phrase!("file-name-too-long", "the file name is too long") },
        Fault::Refused {
            line: 2_000,
            message: phrase!("no-value", "the value is missing"),
            findings: 1,
        },
        Fault::NothingExportable,
        Fault::Poison { attempts: 3 },
        Fault::NoAssets { path: text("/srv/exportd/assets") },
        Fault::Internal { detail: "no".into() },
    ]
}

#[test]
fn every_fault_has_its_sentence_and_step_in_every_language() {
    for language in Language::ALL.into_iter().skip(1) {
        let mut out = String::new();
        for fault in faults() {
            let (cause, step) = (language.cause(&fault), language.next_step(&fault));
            // What is English stays so only where the fault brings it.
            if !matches!(fault, Fault::Modifiers { .. }) {
                assert_ne!(cause, fault.to_string(), "{}", language.tag());
                assert_ne!(step, fault.next_step().as_str(), "{}", language.tag());
            }
            out.push_str(&format!(
                "{}\n    {}\n",
                language.sentence(&cause),
                language.sentence(&step)
            ));
        }
        insta::assert_snapshot!(format!("faults_{}", language.tag()), out);
    }
}

#[test]
fn a_sentence_ends_as_its_language_does() {
    let of = |language: Language, text: &str| language.sentence(text);
    assert_eq!(of(Language::German, "die Datei fehlt"), "Die Datei fehlt.");
    assert_eq!(
        of(Language::Japanese, "画像が壊れています：the end"),
        "画像が壊れています：the end。"
    );
    assert_eq!(of(Language::Japanese, "what a decoder says"), "What a decoder says.");
    assert_eq!(of(Language::Japanese, "outputName を直す"), "outputName を直す。");
    assert_eq!(of(Language::Japanese, ""), "");
    let page = Fault::Page { number: 3, fault: Box::new(Fault::DiskFull) };
    assert!(Language::German.cause(&page).starts_with("Seite 3: Der "), "a capital, there");
    assert_eq!(of(Language::ChineseTraditional, "好嗎？"), "好嗎？");
    let two = [String::from("好。"), String::new(), String::from("好。")];
    assert_eq!(Language::ChineseTraditional.join(&two), "好。好。");
    assert_eq!(Language::English.join(&two), "好。 好。");
}

#[test]
fn names_from_outside_cannot_turn_a_message() {
    for language in Language::ALL {
        let text = language.say(Say::NotTaken { name: "a\u{202e}\n{ $name }\u{2068}" });
        assert!(!text.chars().any(crate::fs::is_invisible), "{text:?}");
        assert!(text.contains("{ $name }"), "{text}");
    }
}
