//! What arises below this layer: findings, warnings, and each [`Fault`] with what to do about it.
//!
//! They come as [`Phrase`]s, with their English words. The other languages have theirs in
//! `findings.LANG.ftl`; `findings.en.ftl` is the list that translators start from, and no part of the
//! program. What a language has no words for is said in English.

use fluent_bundle::{FluentArgs, FluentValue};

use super::{Language, Say};
use crate::diag::{Argument, Diagnostic, Fault, Labels, MOST_FINDINGS, Phrase, shown};

impl Language {
    /// Says a message.
    #[must_use]
    pub fn phrase(self, phrase: &Phrase) -> String {
        let said = phrase.id().filter(|_| self != Self::English).and_then(|id| {
            let mut args = FluentArgs::new();
            for (name, value) in phrase.given() {
                args.set(name.to_owned(), self.given(value));
            }
            self.said(id, &args)
        });
        said.unwrap_or_else(|| phrase.to_string())
    }

    fn given(self, value: &Argument) -> FluentValue<'static> {
        match value {
            Argument::Count(count) => FluentValue::from(*count),
            Argument::Text(text) => FluentValue::from(shown(text)),
            Argument::List(names) => FluentValue::from(shown(&self.list(names))),
            Argument::Bytes { bytes } => FluentValue::from(self.bytes(*bytes)),
            Argument::Phrase(phrase) => FluentValue::from(shown(&self.phrase(phrase))),
        }
    }

    /// Says a finding.
    pub(in crate::report) fn finding(self, finding: &Diagnostic) -> Diagnostic {
        Diagnostic {
            message: self.phrase(&finding.message).into(),
            help: finding.help.as_ref().map(|help| self.phrase(help).into()),
            ..finding.clone()
        }
    }

    /// Returns what stands before and below findings where they are shown with their lines.
    pub(in crate::report) fn labels(self, findings: &[Diagnostic]) -> Labels {
        let more = u64::try_from(findings.len().saturating_sub(MOST_FINDINGS)).unwrap_or(0);
        Labels {
            error: self.say(Say::LabelError),
            warning: self.say(Say::LabelWarning),
            help: self.say(Say::LabelHelp),
            more: self.say(Say::More { more }),
        }
    }

    /// Says why something failed: no capital, no full stop.
    #[must_use]
    pub fn cause(self, fault: &Fault) -> String {
        self.phrase(&fault.words())
    }

    /// Says what to do about it: no capital, no full stop.
    #[must_use]
    pub fn next_step(self, fault: &Fault) -> String {
        self.phrase(&fault.next_step())
    }

    /// Says both, in one line.
    pub(in crate::report) fn cause_and_step(self, fault: &Fault) -> String {
        let (cause, step) = (&self.cause(fault), &self.next_step(fault));
        shown(&self.say(Say::LogStep { cause, step }))
    }
}
