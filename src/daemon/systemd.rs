//! What the service manager is told.
//!
//! Without `NOTIFY_SOCKET` every message is silently nothing, so the daemon runs the same from a
//! shell. Workers and senders are started with an empty environment and cannot speak for us.

use std::time::Duration;

use sd_notify::NotifyState;

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

/// Says that start-up is over: the lock is held, recovery is done, the drop folder was looked at.
pub(super) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says what the daemon is doing, for `systemctl status`.
pub(super) fn status(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

/// Says that the configuration is being read again; [`ready`] ends it.
///
/// The time is in the same datagram, so that `Type=notify-reload` works as well as `Type=notify`.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// Says that the daemon is on its way out.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Says that every thread that matters has moved since the last time.
pub(super) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// Says why not every thread that matters moves, and asks for what the watchdog does about that: it
/// would come by itself as nobody is alive any more, but up to one of its periods later.
pub(super) fn hung(words: &str) {
    notify(&[NotifyState::Status(words), NotifyState::WatchdogTrigger]);
}

/// Returns within what time the manager expects [`alive`], if it does.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Returns the folder in memory that the service manager lent.
pub(super) fn runtime_folder() -> Option<std::path::PathBuf> {
    let folders = std::env::var_os("RUNTIME_DIRECTORY")?;
    std::env::split_paths(&folders).next().filter(|folder| folder.is_absolute())
}

/// Returns the file that holds a secret of this name, when the service manager lent it.
pub(super) fn credential(name: &str) -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let file = std::path::Path::new(&folder).join(name);
    // An empty one is shipped so that the unit starts without it being filled in.
    std::fs::metadata(&file).is_ok_and(|meta| meta.len() > 0).then_some(file)
}
