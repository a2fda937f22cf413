//! What the configuration says about mail.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Address, Pace, smtp};

/// How mail leaves: the configuration's `[mail]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Relay.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether and when the connection is encrypted.
    pub tls: Tls,
    /// User for AUTH; none is sent without it.
    pub user: Option<String>,
    /// Where the password is read from, at each sending: `password_file`, or the systemd
    /// credential `smtp-password`.
    pub password_file: Option<PathBuf>,
    /// Further trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long the relay is waited for.
    pub patience: Patience,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all; loopback only.
    None,
    /// STARTTLS, required.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// Wall-clock limits of one transaction, however the relay spends the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the connection to the last byte of the message.
    pub transaction: Duration,
    /// For the answer to the final dot. RFC 5321 §4.5.3.2.6 asks for 10 minutes, because giving up
    /// earlier makes duplicates.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { transaction: Duration::from_mins(5), answer: Duration::from_mins(10) }
    }
}

/// Why `[mail]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No encryption on a network.
    #[error(
        "tls = \"none\" is allowed on the loopback interface only, and \"{0}\" is not on it; use \"starttls\" or \"implicit\""
    )]
    PlainOffLoopback(String),
    /// A user but no password.
    #[error("user \"{0}\" has no password: set password_file or the credential smtp-password")]
    NoPassword(String),
    /// A host that is no host name.
    #[error("\"{0}\" is not a host name")]
    BadHost(String),
    /// A sender that is no address.
    #[error("from: {0}")]
    BadFrom(#[from] smtp::AddressError),
}

impl SmtpSettings {
    /// Finds what can be known to be wrong without speaking to the relay.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.tls == Tls::None && !is_loopback(&self.host) {
            return Err(SettingsError::PlainOffLoopback(self.host.clone()));
        }
        match (&self.user, &self.password_file) {
            (Some(user), None) => Err(SettingsError::NoPassword(user.clone())),
            _ => Ok(()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Everything the outbox needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// `mail/`.
    pub folder: PathBuf,
    /// The relay; without one messages end in `mail/sent/` unsent.
    pub smtp: Option<SmtpSettings>,
    /// `From:`.
    pub from: String,
    /// Host part of Message-IDs and `List-Id`, and what we call ourselves towards the relay.
    pub host: String,
    /// Who is told about the daemon itself (`mail.to`); without anybody `operator@localhost`.
    pub operators: Vec<Address>,
    /// When on each day they are sent a digest of it (`mail.daily`), on the clocks of this machine.
    pub daily: Option<jiff::civil::Time>,
    /// How much leaves in what time.
    pub pace: Pace,
    /// A folder with templates that are used instead of the shipped ones.
    pub templates: Option<PathBuf>,
}

impl MailSettings {
    /// Returns who is told about the daemon itself.
    #[must_use]
    pub fn operators(&self) -> Vec<Address> {
        if self.operators.is_empty() { vec![Address::operator()] } else { self.operators.clone() }
    }

    /// Finds what can be known to be wrong without speaking to the relay.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        Address::parse(&self.from)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if self.host.split('.').any(str::is_empty) || !self.host.chars().all(fits) {
            return Err(SettingsError::BadHost(self.host.clone()));
        }
        self.smtp.as_ref().map_or(Ok(()), SmtpSettings::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn smtp(host: &str, tls: Tls) -> SmtpSettings {
        SmtpSettings { host: host.into(), tls, ..samples::nowhere() }
    }

    #[test]
    fn nothing_leaves_the_machine_in_the_clear() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost"] {
            assert_eq!(smtp(host, Tls::None).check(), Ok(()), "{host}");
        }
        for host in ["mail.example", "10.0.0.1", "localhost.example", "128.0.0.1"] {
            let error = smtp(host, Tls::None).check().unwrap_err();
            assert_eq!(error, SettingsError::PlainOffLoopback(host.into()));
            assert_eq!(smtp(host, Tls::Starttls).check(), Ok(()));
        }
    }

    #[test]
    fn a_user_needs_a_password() {
        let mut settings = smtp("mail.example", Tls::Implicit);
        settings.user = Some("exportd".into());
        assert_eq!(settings.check(), Err(SettingsError::NoPassword("exportd".into())));
    }

    #[test]
    fn our_own_name_is_a_host_name() {
        let mut settings = samples::mail();
        assert_eq!(settings.check(), Ok(()));
        for host in ["", "a..b", "a b", "a>\r\nX-Evil: 1", "exämple.org", ".a"] {
            settings.host = host.into();
            assert_eq!(settings.check(), Err(SettingsError::BadHost(host.into())));
        }
    }
}
