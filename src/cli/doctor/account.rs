//! The account that the daemon has, or would have.

use super::Finding;
use crate::daemon::people::Account;

/// Says whose rights count.
pub(super) fn account(account: &Account) -> Finding {
    let works = format!("the daemon works as {}", account.name);
    if account.is_within_reach() {
        return Finding::ok("account", works);
    }
    Finding::warning(
        "account",
        format!("{works}, folders are looked at with your own rights"),
        "run `exportd doctor` as root to look with the daemon's",
    )
}
