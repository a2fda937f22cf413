//! One address that mail can go to.

use std::fmt;

use lettre::message::Mailbox;

use super::RenderError;
use crate::diag::shown;
use crate::fs::is_invisible;

/// One address that mail can go to, with the name people see.
///
/// The domain is kept as ASCII (A-labels, RFC 5890), which every relay takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: Option<String>,
    mailbox: String,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a mail address; write name@domain or Name <name@domain>")]
pub struct AddressError(String);

impl Address {
    /// Reads `name@domain` or `Name <name@domain>`.
    ///
    /// # Errors
    /// Anything else, and any invisible character.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(shown(text));
        if text.chars().any(is_invisible) {
            return Err(wrong());
        }
        let mailbox: Mailbox = text.trim().parse().map_err(|_| wrong())?;
        let domain = mailbox.email.domain();
        let domain = if domain.is_ascii() {
            domain.to_owned()
        } else {
            idna::domain_to_ascii(domain).map_err(|_| wrong())?
        };
        let email = lettre::Address::new(mailbox.email.user(), domain).map_err(|_| wrong())?;
        let name = mailbox.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self { name, mailbox: email.to_string() })
    }

    /// Who is told when the configuration names nobody.
    #[must_use]
    pub fn operator() -> Self {
        Self { name: None, mailbox: "operator@localhost".into() }
    }

    /// Gives the address the name that people see; one that cannot stand in a line is none.
    #[must_use]
    pub fn named(mut self, name: Option<String>) -> Self {
        self.name = name.filter(|name| !name.chars().any(is_invisible));
        self
    }

    /// Returns the name that people see.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns `name@domain`.
    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    pub(super) fn to_lettre(&self) -> Result<Mailbox, RenderError> {
        let email = self.mailbox.parse().map_err(|_| RenderError::Address(self.mailbox.clone()))?;
        Ok(Mailbox::new(self.name.clone(), email))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.mailbox),
            None => f.write_str(&self.mailbox),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_their_domains_are_ascii() {
        let address = Address::parse("Jörg <ops@exämple.org>").unwrap();
        assert_eq!(address.mailbox(), "ops@xn--exmple-cua.org");
        assert_eq!(address.to_string(), "Jörg <ops@xn--exmple-cua.org>");
        assert_eq!(Address::operator(), Address::parse("operator@localhost").unwrap());
        for wrong in
            ["", "mia", "mia@", "@x", "a@b\r\nBcc: c@d", "a@b c", "a\0@b", "<a@b", "a@b, c@d"]
        {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
