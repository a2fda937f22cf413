//! Who gets mail, with the system accounts of the configuration looked up.

use nix::unistd;

use crate::config::Settings;
use crate::job::check::known_locale;
use crate::report::{Address, Directory, User};

/// Makes the directory of everybody a run may be mailed to.
///
/// A `unix_user` that the system does not know is said and otherwise nobody's.
pub(super) fn directory(settings: &Settings) -> Directory {
    let users = settings
        .users
        .iter()
        .map(|(handle, user)| User {
            handle: handle.clone(),
            addresses: addresses(&user.addresses),
            uid: user.unix_user.as_deref().and_then(uid),
            locale: user.locale.as_deref().and_then(known_locale),
        })
        .collect();
    Directory { users, fallback: addresses(&settings.mail_to) }
}

/// Reads mailboxes that the configuration has checked.
fn addresses(texts: &[String]) -> Vec<Address> {
    texts.iter().filter_map(|text| Address::parse(text).ok()).collect()
}

fn uid(name: &str) -> Option<u32> {
    match unistd::User::from_name(name) {
        Ok(Some(user)) => Some(user.uid.as_raw()),
        Ok(None) => {
            tracing::warn!(unix_user = name, "no such account");
            None
        }
        Err(error) => {
            tracing::warn!(unix_user = name, %error, "the account cannot be looked up");
            None
        }
    }
}
