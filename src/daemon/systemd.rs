//! What the service manager is told, and how log lines reach the journal.
//!
//! Without `NOTIFY_SOCKET` every message is silently nothing, so the daemon runs the same from a
//! shell. Workers and senders are started with an empty environment and cannot speak for us.

use std::io::{self, Write as _};
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Sends log lines to stderr: with a time on a terminal, with a priority under the journal.
///
/// `EXPORTD_LOG` chooses what is logged (`info` when unset).
pub(super) fn start_log() {
    let asked = std::env::var("EXPORTD_LOG").ok().and_then(|words| words.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        let layer = tracing_subscriber::fmt::layer()
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .with_writer(Priorities);
        let _ = registry.with(layer).try_init();
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .with_writer(io::stderr);
        let _ = registry.with(layer).try_init();
    }
}

/// Makes writers that put `<N>`, the priority of syslog, before each line.
struct Priorities;

/// Collects one event and writes it at once, so that lines of two threads do not mix.
struct PriorityLine {
    priority: u8,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Priorities {
    type Writer = PriorityLine;

    fn make_writer(&'a self) -> PriorityLine {
        PriorityLine { priority: 6, text: Vec::new() }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> PriorityLine {
        let priority = match *meta.level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        PriorityLine { priority, text: Vec::new() }
    }
}

impl io::Write for PriorityLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PriorityLine {
    /// Returns the lines with the priority before each: the journal looks at every line alone.
    fn prefixed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len() + 8);
        for line in self.text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            out.extend_from_slice(format!("<{}>", self.priority).as_bytes());
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out
    }
}

impl Drop for PriorityLine {
    fn drop(&mut self) {
        let _ = io::stderr().lock().write_all(&self.prefixed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_priority() {
        let mut line = PriorityLine { priority: 3, text: Vec::new() };
        line.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(line.prefixed(), b"<3>one\n<3>two\n");
        // Dropping it would write it out.
        line.text.clear();
    }
}
