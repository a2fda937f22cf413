//! Every reason for which an asset or a run fails, each with its sentence and its next step.

use std::fmt;
use std::io::{self, ErrorKind};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Argument, Phrase, phrase, shown, step};

/// Who can mend a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Remedy {
    /// The person who dropped the manifest.
    Submitter,
    /// Whoever runs the daemon.
    Operator,
}

/// What a fault lies in that may pass.
enum Passing {
    /// The disk of the outputs.
    Output,
    /// The source, which is being written.
    Source,
}

/// Whether the same attempt may succeed later without anybody doing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Waiting {
    /// Trying again later is useful.
    Helps,
    /// It fails in the same way every time.
    Useless,
}

/// Why one asset, or a whole run, did not come to its end.
///
/// The text is what a studio assistant reads in a mail: what happened, no internal term, no chain
/// of causes. [`Fault::next_step`] says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    // -- finding the source
    /// The handle names nothing.
    NotFound {
        /// The handle or file that comes nearest.
        nearest: Option<String>,
    },
    /// A glob that matched nothing.
    NothingMatches,
    /// A stem that several files bear.
    Ambiguous {
        /// The files, relative to their root.
        candidates: Vec<String>,
    },
    /// A path that leaves the asset folder, or tries to.
    OutsideRoot,
    /// A device, a FIFO, a socket or a folder.
    NotAFile {
        /// What it is, with its article.
        what: Phrase,
    },
    /// The file may not be read.
    Unreadable,
    /// Reading failed: the disk, or a network folder that went away.
    ReadFailed {
        /// The system's reason.
        detail: Phrase,
    },
    /// The file changed while it was read, three times.
    KeepsChanging,
    // -- reading the source
    /// The content is not what the name says.
    Mismatch {
        /// What its name promises, with its article.
        named: Phrase,
        /// What the first bytes say, with its article.
        found: Phrase,
    },
    /// The picture is cut short or damaged.
    Damaged {
        /// What the decoder found, in plain words.
        detail: Phrase,
    },
    /// More pixels or bytes than the limits allow.
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The limit, in words.
        limit: Phrase,
    },
    /// A variant of a format that is not read.
    UnsupportedSource {
        /// Which variant.
        detail: Phrase,
    },
    /// One page of a document failed, and with it the document.
    Page {
        /// Which, from 1.
        number: u32,
        /// Why.
        fault: Box<Fault>,
    },
    // -- the work
    /// The modifiers do not apply to this source.
    Modifiers {
        /// The first finding.
        message: Phrase,
        /// What to write instead.
        help: Option<Phrase>,
    },
    /// The worker needed more memory than it may have.
    OutOfMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// The worker did not answer in time.
    TooSlow {
        /// The deadline in seconds.
        seconds: u64,
    },
    /// The worker died.
    WorkerDied {
        /// How it ended.
        how: Phrase,
    },
    // -- the output
    /// Two assets want the same output name.
    Collision {
        /// The name both want.
        name: String,
        /// The other handles.
        others: Vec<String>,
    },
    /// The output name cannot be a file name.
    BadOutputName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: Phrase,
    },
    /// A different file of that name exists in the destination.
    Exists {
        /// The name below the output folder.
        name: String,
    },
    /// No space on the output's disk.
    DiskFull,
    /// The output folder cannot be used as things are, which an operator or time may change.
    Blocked {
        /// The system's reason.
        detail: Phrase,
    },
    /// The output cannot be written for another reason.
    NotWritable {
        /// The system's reason.
        detail: Phrase,
    },
    // -- whole runs
    /// The manifest is wrong.
    Refused {
        /// First line that is wrong, from 1.
        line: usize,
        /// What is wrong there.
        message: Phrase,
        /// How many findings there are in all.
        findings: usize,
    },
    /// Not one asset of the list can be exported.
    NothingExportable,
    /// The job broke the daemon three times.
    Poison {
        /// How often it was tried.
        attempts: u32,
    },
    /// An asset folder is not there, or cannot be entered.
    NoAssets {
        /// The folder.
        path: String,
    },
    /// Something only the operator can look into.
    Internal {
        /// What happened.
        detail: Phrase,
    },
}

impl Fault {
    /// Says what happened: no capital, no full stop.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a catalogue: each has its sentence")]
    pub fn words(&self) -> Phrase {
        match self {
            Self::NotFound { .. } => phrase!(
                "cause-not-found",
                "there is no file or catalogue entry of that name in the asset folders"
            ),
            Self::NothingMatches => phrase!(
                "cause-nothing-matches",
                "nothing in the asset folders matches that pattern"
            ),
            Self::Ambiguous { candidates } => phrase!(
                "cause-ambiguous",
                "several files bear that name: {files}",
                files = candidates.clone()
            ),
            Self::OutsideRoot => {
                phrase!(
                    "cause-outside",
                    "the name leads out of the asset folder, or over a symbolic link"
                )
            }
            Self::NotAFile { what } => {
                phrase!("cause-not-a-file", "this is {what}, not a file", what = what.clone())
            }
            Self::Unreadable => {
                phrase!("cause-unreadable", "exportd has no permission to read the file")
            }
            Self::ReadFailed { detail } => phrase!(
                "cause-read-failed",
                "the file cannot be read: {detail}",
                detail = detail.clone()
            ),
            Self::KeepsChanging => {
                phrase!("cause-keeps-changing", "the file kept changing while it was read")
            }
            Self::Mismatch { named, found } => phrase!(
                "cause-mismatch",
                "the file should be {named}, but it is {found}",
                named = named.clone(),
                found = found.clone(),
            ),
            Self::Damaged { detail } => {
                phrase!(
                    "cause-damaged",
                    "the picture is damaged: {detail}",
                    detail = detail.clone()
                )
            }
            Self::TooLarge { width, height, limit } => phrase!(
                "cause-too-large",
                "the picture is too large: {width} × {height} pixels; the limit is {limit}",
                width = Argument::Count(*width),
                height = Argument::Count(*height),
                limit = limit.clone(),
            ),
            Self::UnsupportedSource { detail } => phrase!(
                "cause-unsupported",
                "this kind of picture cannot be read: {detail}",
                detail = detail.clone()
            ),
            Self::Page { number, fault } => {
                phrase!("cause-page", "page {page}: {cause}", page = *number, cause = fault.words())
            }
            Self::Modifiers { message, .. } => message.clone(),
            Self::OutOfMemory { limit } => phrase!(
                "cause-out-of-memory",
                "the picture needs more memory than is allowed for one picture ({limit})",
                limit = Argument::bytes(*limit)
            ),
            Self::TooSlow { seconds } => phrase!(
                "cause-too-slow",
                "exporting the picture took longer than the {seconds} seconds allowed",
                seconds = Argument::Count(*seconds)
            ),
            Self::WorkerDied { how } => {
                phrase!(
                    "cause-worker-died",
                    "exportd could not process this picture ({how})",
                    how = how.clone()
                )
            }
            Self::Collision { name, others } => phrase!(
                "cause-collision",
                "it would be saved as {name}, and so would {others}",
                name = name,
                others = others.clone(),
            ),
            Self::BadOutputName { name, reason } => phrase!(
                "cause-bad-name",
                "its output name {name} cannot be used: {reason}",
                name = name,
                reason = reason.clone(),
            ),
            Self::Exists { name } => phrase!(
                "cause-exists",
                "a different file named {name} is already in the destination folder",
                name = name
            ),
            Self::DiskFull => {
                phrase!("cause-disk-full", "the disk of the output folder is full")
            }
            Self::Blocked { detail } => phrase!(
                "cause-blocked",
                "the output folder cannot be used: {detail}",
                detail = detail.clone()
            ),
            Self::NotWritable { detail } => phrase!(
                "cause-not-writable",
                "the exported file cannot be written: {detail}",
                detail = detail.clone()
            ),
            Self::Refused { line, message, .. } => phrase!(
                "cause-refused",
                "line {line}: {message}",
                line = *line,
                message = message.clone(),
            ),
            Self::NothingExportable => {
                phrase!("cause-nothing-exportable", "nothing in the list can be exported")
            }
            Self::Poison { attempts } => phrase!(
                "cause-poison",
                "the job could not be finished in {attempts} attempts",
                attempts = *attempts
            ),
            Self::NoAssets { path } => phrase!(
                "cause-no-assets",
                "the asset folder {path} cannot be reached",
                path = shown(path)
            ),
            Self::Internal { detail } => phrase!(
                "cause-internal",
                "something went wrong inside exportd ({detail})",
                detail = detail.clone()
            ),
        }
    }

    /// Says who can mend it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Page { fault, .. } => fault.remedy(),
            Self::NotWritable { detail } if step::of(detail).is_some() => Remedy::Submitter,
            Self::Unreadable
            | Self::ReadFailed { .. }
            | Self::NoAssets { .. }
            | Self::OutOfMemory { .. }
            | Self::DiskFull
            | Self::Blocked { .. }
            | Self::NotWritable { .. }
            | Self::Poison { .. }
            | Self::Internal { .. } => Remedy::Operator,
            Self::NotFound { .. }
            | Self::NothingMatches
            | Self::Ambiguous { .. }
            | Self::OutsideRoot
            | Self::NotAFile { .. }
            | Self::KeepsChanging
            | Self::Mismatch { .. }
            | Self::Damaged { .. }
            | Self::TooLarge { .. }
            | Self::UnsupportedSource { .. }
            | Self::Modifiers { .. }
            | Self::TooSlow { .. }
            | Self::WorkerDied { .. }
            | Self::Collision { .. }
            | Self::BadOutputName { .. }
            | Self::Exists { .. }
            | Self::Refused { .. }
            | Self::NothingExportable => Remedy::Submitter,
        }
    }

    /// Tells whether it is a full disk.
    #[must_use]
    pub fn lacks_room(&self) -> bool {
        match self {
            Self::Page { fault, .. } => fault.lacks_room(),
            other => *other == Self::DiskFull,
        }
    }

    /// Tells whether the same manifest has a chance once somebody has mended what is around it.
    #[must_use]
    pub const fn is_of_the_surroundings(&self) -> bool {
        match self {
            Self::Page { fault, .. } => fault.is_of_the_surroundings(),
            Self::Unreadable | Self::ReadFailed { .. } | Self::NoAssets { .. } => true,
            other => other.blocks_output(),
        }
    }

    /// Says whether the same attempt may succeed later by itself.
    #[must_use]
    pub const fn waiting(&self) -> Waiting {
        match self.passing() {
            Some(Passing::Output | Passing::Source) => Waiting::Helps,
            None => Waiting::Useless,
        }
    }

    /// Tells whether it is the output's disk that is to blame, and nothing that was asked for.
    #[must_use]
    pub const fn blocks_output(&self) -> bool {
        matches!(self.passing(), Some(Passing::Output))
    }

    /// Says what it lies in when it may pass by itself.
    const fn passing(&self) -> Option<Passing> {
        match self {
            Self::Page { fault, .. } => fault.passing(),
            Self::DiskFull | Self::Blocked { .. } => Some(Passing::Output),
            Self::KeepsChanging => Some(Passing::Source),
            Self::NotFound { .. }
            | Self::NothingMatches
            | Self::Ambiguous { .. }
            | Self::OutsideRoot
            | Self::NotAFile { .. }
            | Self::Unreadable
            | Self::ReadFailed { .. }
            | Self::Mismatch { .. }
            | Self::Damaged { .. }
            | Self::TooLarge { .. }
            | Self::UnsupportedSource { .. }
            | Self::Modifiers { .. }
            | Self::OutOfMemory { .. }
            | Self::TooSlow { .. }
            | Self::WorkerDied { .. }
            | Self::Collision { .. }
            | Self::BadOutputName { .. }
            | Self::Exists { .. }
            | Self::NotWritable { .. }
            | Self::Refused { .. }
            | Self::NothingExportable
            | Self::Poison { .. }
            | Self::NoAssets { .. }
            | Self::Internal { .. } => None,
        }
    }

    /// Tells why a file that was found cannot be read.
    #[must_use]
    pub fn of_reading(error: &io::Error) -> Self {
        if error.kind() == ErrorKind::PermissionDenied {
            return Self::Unreadable;
        }
        let detail = match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::IO) => disk_errors(),
            _ => said(error),
        };
        Self::ReadFailed { detail }
    }

    /// Turns the system's reason why an output cannot be written into ours.
    #[must_use]
    pub fn of_output(error: &io::Error) -> Self {
        let blocked = |detail: Phrase| Self::Blocked { detail };
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::PermissionDenied => blocked(phrase!("detail-denied", "permission denied")),
            ErrorKind::ReadOnlyFilesystem => {
                blocked(phrase!("detail-read-only", "the disk is read-only"))
            }
            ErrorKind::NotFound => blocked(phrase!("detail-gone", "the folder is gone")),
            ErrorKind::StaleNetworkFileHandle
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::TimedOut
            | ErrorKind::ResourceBusy
            | ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::OutOfMemory => Self::Blocked { detail: said(error) },
            _ => match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::IO) => blocked(disk_errors()),
                Some(Errno::NAMETOOLONG) => Self::NotWritable {
                    detail: phrase!("file-name-too-long", "the file name is too long"),
                },
                Some(Errno::MFILE | Errno::NFILE | Errno::NODEV | Errno::NXIO) => {
                    Self::Blocked { detail: said(error) }
                }
                _ => Self::NotWritable { detail: said(error) },
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl std::error::Error for Fault {}

/// Returns what the system says, without its number for it.
fn said(error: &io::Error) -> Phrase {
    let words = error.to_string();
    let end = words.find(" (os error ").unwrap_or(words.len());
    words[..end].to_owned().into()
}

fn disk_errors() -> Phrase {
    phrase!("detail-disk-errors", "the disk reports errors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_says_is_told_from_what_was_asked_for() {
        let of = |errno: Errno| Fault::of_output(&errno.into());
        assert_eq!(of(Errno::NOSPC), Fault::DiskFull);
        assert_eq!(of(Errno::DQUOT), Fault::DiskFull);
        for errno in [Errno::ACCESS, Errno::ROFS, Errno::IO, Errno::NOENT, Errno::STALE] {
            assert!(matches!(of(errno), Fault::Blocked { .. }), "{errno:?}");
            assert!(of(errno).blocks_output());
        }
        // However long one waits, a name stays too long.
        for errno in [Errno::NAMETOOLONG, Errno::FBIG, Errno::ISDIR, Errno::LOOP] {
            assert!(matches!(of(errno), Fault::NotWritable { .. }), "{errno:?}");
            assert!(!of(errno).blocks_output());
        }
    }
}
