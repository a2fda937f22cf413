//! What a daemon gives back when nothing happens, and before it needs much.
//!
//! Starting up and every job run through much code once: the command line, the configuration, a report.
//! Its pages stay mapped, several megabytes of them, because whoever touches one page gets those around
//! it too. An idle daemon needs a few, as does one that writes a long report; the others come again from
//! the page cache when they are used.

use std::time::Duration;

use rustix::mm::{Advice, madvise};

/// How long nothing must have happened.
pub(super) const QUIET: Duration = Duration::from_secs(3);

/// From so many assets on, writing the report is when a daemon needs most memory. What exporting them
/// took of the program is not used by it.
pub(super) const MANY: usize = 1_000;

/// Unmaps the code of this process and its libraries, until it is used.
pub(super) fn give_code_back() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(code) {
        let start = std::ptr::with_exposed_provenance_mut(start);
        #[expect(unsafe_code, reason = "what is not writable has no content of its own to lose")]
        // SAFETY: the range is one mapping of a file, private and not writable, and with code in it, so
        // nothing was ever relocated or written there: the kernel fills its pages from the file again.
        let given = unsafe { madvise(start, length, Advice::LinuxDontNeed) };
        if let Err(error) = given {
            tracing::debug!(%error, "code that is not used stays in memory");
            return;
        }
    }
}

/// Returns where code of a file is mapped and how long that is, if a line of `/proc/PID/maps` says so
/// (proc_pid_maps(5)).
fn code(line: &str) -> Option<(usize, usize)> {
    let mut parts = line.split_ascii_whitespace();
    let (range, rights, path) = (parts.next()?, parts.next()?, parts.nth(3)?);
    if rights != "r-xp" || !path.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).ok());
    Some((start?, end?.checked_sub(start?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_given_back() {
        let line = "55d0c0a00000-55d0c1f3e000 r-xp 00840000 fe:00 1234    /usr/bin/exportd";
        assert_eq!(code(line), Some((0x55d0_c0a0_0000, 0x153_e000)));
        for other in [
            "55d0c0200000-55d0c0a00000 r--p 00000000 fe:00 1234    /usr/bin/exportd",
            "55d0c1f3e000-55d0c2031000 rw-p 01d7e000 fe:00 1234    /usr/bin/exportd",
            "7ffd5a5f9000-7ffd5a5fb000 r-xp 00000000 00:00 0       [vdso]",
            "7f0000000000-7f0000001000 r-xp 00000000 00:00 0",
            "",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }

    /// How much of the code of files is in memory, in kilobytes.
    fn resident() -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut of_code = false;
        let mut sum = 0;
        for line in maps.lines() {
            if line.contains('-') && !line.starts_with(char::is_uppercase) {
                of_code = code(line).is_some();
            } else if of_code && let Some(rest) = line.strip_prefix("Rss:") {
                sum += rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            }
        }
        sum
    }

    #[test]
    fn code_that_was_given_back_runs_on() {
        // Other tests run meanwhile, and have theirs mapped again.
        let less = (0..50).any(|_| {
            let before = resident();
            give_code_back();
            resident() < before
        });
        assert!(less, "nothing was given back");
    }
}
