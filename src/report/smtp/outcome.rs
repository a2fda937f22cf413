//! What the relay said, and what follows from it.

use serde::{Deserialize, Serialize};

use crate::diag::shown;

/// How far a transaction had come (RFC 5321 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the child spoke to anybody.
    Start,
    /// Name look-up, connection, TLS from the first byte, greeting, EHLO.
    Connect,
    /// STARTTLS and what comes with it.
    Starttls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA and the message.
    Data,
    /// From the final dot on; without an answer nobody knows.
    Dot,
}

/// What follows from a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The relay has it.
    Sent,
    /// The relay wants this mail later.
    Deferred,
    /// The relay will never take this mail.
    Dead,
    /// The relay takes no mail at all now; this one is not to blame.
    Relay,
    /// The final dot went out and no answer came.
    Unknown,
    /// The relay takes no message of this length.
    TooBig,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Where it ended.
    pub phase: Phase,
    /// The relay's code, if it gave one.
    pub code: Option<u16>,
    /// What the relay or the system said, in one line.
    pub text: String,
    /// What follows.
    pub class: Class,
}

impl Outcome {
    /// Judges an attempt that did not succeed.
    #[must_use]
    pub fn failed(phase: Phase, code: Option<u16>, text: &str) -> Self {
        Self { phase, code, text: shown(text.trim()), class: classify(phase, code, text.trim()) }
    }

    /// Tells whether the connection can carry another mail: what was said was about this one.
    pub(super) const fn leaves_the_connection_in_order(&self) -> bool {
        match self.class {
            Class::Sent | Class::Deferred | Class::Dead | Class::TooBig => true,
            Class::Relay | Class::Unknown => false,
        }
    }
}

/// Says what a failure means: whose fault it is, and whether later helps.
///
/// 421 (RFC 5321 §3.8), 530 and 535 (RFC 4954 §6) are about the connection or the account wherever
/// they come; a refusal before RCPT is about us and not about the recipient. 552 is about the
/// length of the message (RFC 1870 §6.1), unless it says that the mailbox is full (RFC 3463, X.2.2).
fn classify(phase: Phase, code: Option<u16>, text: &str) -> Class {
    let says_too_big = text.starts_with("5.3.4") || !text.starts_with("5.2.");
    match (phase, code) {
        (_, Some(421 | 454 | 530 | 534 | 535 | 538)) => Class::Relay,
        (Phase::Start | Phase::Connect | Phase::Starttls | Phase::Auth, _) => Class::Relay,
        (_, Some(400..=499)) => Class::Deferred,
        (Phase::Mail | Phase::Data | Phase::Dot, Some(552)) if says_too_big => Class::TooBig,
        (Phase::Rcpt | Phase::Data | Phase::Dot, Some(500..=599)) => Class::Dead,
        (Phase::Mail | Phase::Rcpt | Phase::Data, _) => Class::Relay,
        (Phase::Dot, _) => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_means() {
        for (phase, code, class) in [
            (Phase::Connect, None, Class::Relay),
            (Phase::Connect, Some(554), Class::Relay),
            (Phase::Starttls, Some(454), Class::Relay),
            (Phase::Auth, Some(535), Class::Relay),
            (Phase::Mail, Some(530), Class::Relay),
            (Phase::Mail, Some(550), Class::Relay),
            (Phase::Mail, Some(451), Class::Deferred),
            (Phase::Rcpt, Some(450), Class::Deferred),
            (Phase::Rcpt, Some(421), Class::Relay),
            (Phase::Rcpt, Some(550), Class::Dead),
            (Phase::Rcpt, None, Class::Relay),
            (Phase::Data, Some(554), Class::Dead),
            (Phase::Data, None, Class::Relay),
            (Phase::Dot, Some(552), Class::TooBig),
            (Phase::Mail, Some(552), Class::TooBig),
            (Phase::Rcpt, Some(552), Class::Dead),
            (Phase::Dot, Some(452), Class::Deferred),
            (Phase::Dot, None, Class::Unknown),
        ] {
            assert_eq!(classify(phase, code, ""), class, "{phase:?} {code:?}");
        }
        let full = "5.2.2 the mailbox is full";
        assert_eq!(classify(Phase::Dot, Some(552), full), Class::Dead);
    }
}
