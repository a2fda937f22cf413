//! The system's accounts: who gets mail, and whose rights the daemon has.

use std::os::unix::fs::MetadataExt as _;

use nix::unistd;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

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

/// The account that the package makes.
const SHIPPED: &str = "exportd";

/// The account that the daemon has, or would have.
pub struct Account {
    /// Its name.
    pub name: String,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl Account {
    /// Finds the account of the daemon that runs, else the one that owns the spool, else the one
    /// that the package makes, else our own.
    #[must_use]
    pub fn of_the_daemon(settings: &Settings, pid: Option<u32>) -> Self {
        let running =
            pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
        if let Some(account) = running.as_deref().and_then(Self::of_process) {
            return account;
        }
        let owner = std::fs::metadata(&settings.folders.spool).map(|meta| meta.uid());
        let owner = owner.ok().and_then(|uid| user(unistd::Uid::from_raw(uid)));
        let shipped = || unistd::User::from_name(SHIPPED).ok().flatten();
        owner.or_else(shipped).map_or_else(Self::own, Self::of_user)
    }

    fn of_user(user: unistd::User) -> Self {
        // With the groups of the account, as the service manager gives them.
        let name = std::ffi::CString::new(user.name.as_str()).unwrap_or_default();
        let groups = unistd::getgrouplist(&name, user.gid).unwrap_or_default();
        let groups = groups.into_iter().map(unistd::Gid::as_raw).collect();
        Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups }
    }

    fn of_process(status: &str) -> Option<Self> {
        let numbers = |key: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().map(|n| n.parse().ok()).collect()
        };
        // Real, effective, saved, file system.
        let uid = *numbers("Uid:")?.get(1)?;
        let gid = *numbers("Gid:")?.get(1)?;
        let name =
            user(unistd::Uid::from_raw(uid)).map_or_else(|| uid.to_string(), |user| user.name);
        Some(Self { name, uid, gid, groups: numbers("Groups:")? })
    }

    fn own() -> Self {
        let (uid, gid) = (unistd::geteuid(), unistd::getegid());
        let name = user(uid).map_or_else(|| uid.to_string(), |user| user.name);
        let groups = unistd::getgroups().unwrap_or_default();
        let groups = groups.into_iter().map(unistd::Gid::as_raw).collect();
        Self { name, uid: uid.as_raw(), gid: gid.as_raw(), groups }
    }

    /// Tells whether it is our own, or one whose rights we can have.
    #[must_use]
    pub fn is_within_reach(&self) -> bool {
        let own = unistd::geteuid().as_raw();
        own == self.uid || self.can_be_taken_on(own)
    }

    const fn can_be_taken_on(&self, own: u32) -> bool {
        own == 0 && self.uid != 0
    }

    /// Does something with the account's rights, where they can be had, in a thread of its own.
    pub fn act<T: Send>(&self, act: impl FnOnce() -> Vec<T> + Send) -> Vec<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if self.can_be_taken_on(unistd::geteuid().as_raw()) {
                    self.take_on().ok()?;
                }
                Some(act())
            });
            thread.join().ok().flatten().unwrap_or_default()
        })
    }

    fn take_on(&self) -> rustix::io::Result<()> {
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups)?;
        set_thread_gid(Gid::from_raw(self.gid))?;
        set_thread_uid(Uid::from_raw(self.uid))
    }
}

fn user(uid: unistd::Uid) -> Option<unistd::User> {
    unistd::User::from_uid(uid).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_process_is_its_effective_one() {
        let account = Account::of_process(
            "Name:\texportd\nUid:\t0\t998\t998\t998\nGid:\t0\t997\t997\t997\nGroups:\t996 997 \n",
        )
        .unwrap();
        assert_eq!((account.uid, account.gid), (998, 997));
        assert_eq!(account.groups, [996, 997]);
        assert!(account.can_be_taken_on(0) && !account.can_be_taken_on(1000));
    }
}
