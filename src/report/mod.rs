//! stub

use std::path::PathBuf;

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
    /// Where the password is read from, at each sending.
    pub password_file: Option<PathBuf>,
    /// Further trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all; loopback only.
    None,
    /// STARTTLS, required.
    Starttls,
    /// From the first byte.
    Implicit,
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
    /// Host part of Message-IDs and `List-Id`.
    pub host: String,
}

impl SmtpSettings {
    /// x
    pub fn check(&self) -> Result<(), String> {
        if self.tls == Tls::None && self.host != "127.0.0.1" && self.host != "localhost" {
            return Err(
                "mail.tls = \"none\" is for this machine only; use \"starttls\" or \"implicit\""
                    .into(),
            );
        }
        Ok(())
    }
}

/// x
pub fn check_mailboxes(_list: &[String]) -> Result<(), String> {
    Ok(())
}
