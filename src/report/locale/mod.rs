//! The languages in which people read about a run, and the only door to Fluent.
//!
//! A message is a `Say` with the values it needs; how a language says it stands in its file beside
//! this one. What arises below, where no language is known, is a `Phrase`: see `phrases`. Tests hold
//! the files together: the same messages, the same variables, none unused. What nobody here can have
//! translated, such as what the system says, stays English inside its sentence.
//!
//! Fluent's isolation marks are off: they would stand in mails as text, and what comes from outside has
//! passed through [`crate::diag::shown`].

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::diag::{Fault, grouped_by, human_bytes, shown};
use crate::job::log::JobLog;

mod messages;
mod phrases;

pub(super) use messages::Say;

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, and what is used where no other is asked for.
    English,
    /// Chinese in traditional characters, as written in Taiwan.
    ChineseTraditional,
    /// Chinese in simplified characters.
    ChineseSimplified,
    /// Japanese.
    Japanese,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

type Bundle = FluentBundle<FluentResource>;

/// Each language's messages once somebody reads it, in the order of [`Language::ALL`]: what nobody
/// reads takes no memory.
static BUNDLES: [OnceLock<Bundle>; Language::ALL.len()] =
    [const { OnceLock::new() }; Language::ALL.len()];

impl Language {
    /// Every language.
    pub const ALL: [Self; 7] = [
        Self::English,
        Self::ChineseTraditional,
        Self::ChineseSimplified,
        Self::Japanese,
        Self::German,
        Self::French,
        Self::Spanish,
    ];

    /// Returns the language that a run is reported in.
    #[must_use]
    pub fn of(log: &JobLog) -> Self {
        let tag = log.about.locale.as_deref();
        Self::ALL.into_iter().find(|language| Some(language.tag()) == tag).unwrap_or(Self::English)
    }

    /// Returns its tag (BCP 47), which is the manifest's word for it and the `lang` of a page.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::ChineseTraditional => "zh-Hant",
            Self::ChineseSimplified => "zh-Hans",
            Self::Japanese => "ja",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// Tells whether lines may break between its characters, and words have no spaces between them.
    #[must_use]
    pub const fn is_dense(self) -> bool {
        match self {
            Self::ChineseTraditional | Self::ChineseSimplified | Self::Japanese => true,
            Self::English | Self::German | Self::French | Self::Spanish => false,
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("en.ftl"),
            Self::ChineseTraditional => include_str!("zh-Hant.ftl"),
            Self::ChineseSimplified => include_str!("zh-Hans.ftl"),
            Self::Japanese => include_str!("ja.ftl"),
            Self::German => include_str!("de.ftl"),
            Self::French => include_str!("fr.ftl"),
            Self::Spanish => include_str!("es.ftl"),
        }
    }

    /// Returns the words for what arises below; in English it has them itself.
    const fn findings(self) -> &'static str {
        match self {
            Self::English => "",
            Self::ChineseTraditional => include_str!("findings.zh-Hant.ftl"),
            Self::ChineseSimplified => include_str!("findings.zh-Hans.ftl"),
            Self::Japanese => include_str!("findings.ja.ftl"),
            Self::German => include_str!("findings.de.ftl"),
            Self::French => include_str!("findings.fr.ftl"),
            Self::Spanish => include_str!("findings.es.ftl"),
        }
    }

    /// Says a message.
    #[must_use]
    pub(super) fn say(self, message: Say<'_>) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in message.values() {
            args.set(name, value);
        }
        // The files are tested; should a message be wrong all the same, nobody goes without it.
        let said = self.said(message.id(), &args);
        let said = said.or_else(|| Self::English.said(message.id(), &args));
        said.unwrap_or_else(|| message.id().to_owned())
    }

    /// Looks a message up and fills it.
    fn said(self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let at = Self::ALL.iter().position(|other| *other == self)?;
        let bundle = BUNDLES.get(at)?.get_or_init(|| bundle(self));
        let pattern = bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
        errors.is_empty().then_some(text)
    }

    /// Writes a number with its thousands apart as the language does.
    #[must_use]
    pub fn number(self, n: u64) -> String {
        let apart = match self {
            Self::English | Self::ChineseTraditional | Self::ChineseSimplified | Self::Japanese => {
                ','
            }
            // Four digits stay together (Ortografía de la lengua española, 2010).
            Self::Spanish if n < 10_000 => return n.to_string(),
            Self::German | Self::Spanish => '.',
            Self::French => '\u{202f}',
        };
        grouped_by(n, apart)
    }

    /// Writes a number of bytes: `1.4 MB`, `1,4 Mo`.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> String {
        if bytes < 1000 {
            return self.say(Say::Bytes { bytes });
        }
        let text = human_bytes(bytes);
        match self {
            Self::German | Self::Spanish => text.replace('.', ","),
            Self::French => text.replace('.', ",").replace('B', "o").replace(' ', "\u{a0}"),
            Self::English | Self::ChineseTraditional | Self::ChineseSimplified | Self::Japanese => {
                text
            }
        }
    }

    /// Makes a sentence of a message: a capital first, a full stop last. What is English all through
    /// gets that of English.
    #[must_use]
    pub fn sentence(self, message: &str) -> String {
        let message = shown(message);
        let message = message.trim_end_matches(['.', '。']);
        // Where there are no capitals, a word that begins small is a name of something.
        let ours = self.is_dense() && message.chars().any(|c| u32::from(c) >= 0x3000);
        let mut out = if ours { message.to_owned() } else { capital(message) };
        if !out.is_empty() && !out.ends_with(['?', '!', '…', '？', '！']) {
            out.push(if ours { '。' } else { '.' });
        }
        out
    }

    /// Writes a clause as it stands behind a colon.
    fn behind_colon(self, clause: &str) -> String {
        if self == Self::German { capital(clause) } else { clause.to_owned() }
    }

    /// Says that nothing came of a run, and why.
    pub(super) fn nothing_because(self, fault: &Fault) -> String {
        self.say(Say::NothingBecause { cause: &self.behind_colon(&self.cause(fault)) })
    }

    /// Puts sentences behind each other.
    #[must_use]
    pub fn join(self, sentences: &[String]) -> String {
        let sentences = sentences.iter().map(String::as_str).filter(|text| !text.is_empty());
        let mut out = String::new();
        for sentence in sentences {
            // A full stop of a CJK font brings its own room.
            let together = self.is_dense() && out.ends_with(['。', '？', '！']);
            if !out.is_empty() && !together {
                out.push(' ');
            }
            out.push_str(sentence);
        }
        out
    }

    /// Puts names behind each other.
    fn list(self, names: &[String]) -> String {
        names.join(if self.is_dense() { "、" } else { ", " })
    }
}

/// Begins with a capital.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn bundle(language: Language) -> Bundle {
    let identifier: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![identifier]);
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::English
        | Language::ChineseTraditional
        | Language::ChineseSimplified
        | Language::Japanese => |value, _| grouped(Language::English, value),
        Language::German => |value, _| grouped(Language::German, value),
        Language::French => |value, _| grouped(Language::French, value),
        Language::Spanish => |value, _| grouped(Language::Spanish, value),
    }));
    // What cannot be read is not said in this language; a test sees it.
    for source in [language.source(), language.findings()] {
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let _ = bundle.add_resource(resource);
    }
    let french = language == Language::French;
    let _ = bundle.add_function("PLURAL", move |given, _| match given {
        [FluentValue::Number(n)] => FluentValue::from(plural(french, n.value)),
        _ => FluentValue::Error,
    });
    let _ = bundle.add_function("CAPITAL", |given, _| match given {
        [FluentValue::String(clause)] => FluentValue::from(capital(clause)),
        _ => FluentValue::Error,
    });
    bundle
}

/// Names the plural of a whole number in French or Spanish (CLDR 48). Fluent's own rules are older
/// than their `many`: `1 000 000 de fichiers`.
fn plural(french: bool, n: f64) -> &'static str {
    let one = if french { n < 2.0 } else { (n - 1.0).abs() < f64::EPSILON };
    if one {
        "one"
    } else if n > 0.0 && n % 1_000_000.0 < f64::EPSILON {
        "many"
    } else {
        "other"
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative")]
fn grouped(language: Language, value: &FluentValue<'_>) -> Option<String> {
    match value {
        FluentValue::Number(n) => Some(language.number(n.value as u64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
