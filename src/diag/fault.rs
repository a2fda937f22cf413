//! Every reason for which an asset or a run fails, each with its sentence and its next step.

use std::io::{self, ErrorKind};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::human_bytes;

/// Who can mend a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Remedy {
    /// The person who dropped the manifest.
    Submitter,
    /// Whoever runs the daemon.
    Operator,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    // -- finding the source
    /// The handle names nothing.
    #[error("there is no file or catalogue entry of that name in the asset folders")]
    NotFound {
        /// The handle or file that comes nearest.
        nearest: Option<String>,
    },
    /// A glob that matched nothing.
    #[error("nothing in the asset folders matches that pattern")]
    NothingMatches,
    /// A stem that several files bear.
    #[error("several files bear that name: {}", .candidates.join(", "))]
    Ambiguous {
        /// The files, relative to their root.
        candidates: Vec<String>,
    },
    /// A path that leaves the asset folder, or tries to.
    #[error("the name leads out of the asset folder")]
    OutsideRoot,
    /// A device, a FIFO, a socket or a folder.
    #[error("that is {what}, not a file")]
    NotAFile {
        /// What it is, with its article.
        what: String,
    },
    /// The file may not be read.
    #[error("the file may not be read by the export service")]
    Unreadable,
    /// The file changed while it was read, three times.
    #[error("the file kept changing while it was read")]
    KeepsChanging,
    // -- reading the source
    /// The content is not what the name says.
    #[error("the file should be {named}, but holds {found}")]
    Mismatch {
        /// What its name promises, with its article.
        named: String,
        /// What the first bytes say, with its article.
        found: String,
    },
    /// The picture is cut short or damaged.
    #[error("the picture is damaged: {detail}")]
    Damaged {
        /// What the decoder found, in plain words.
        detail: String,
    },
    /// More pixels or bytes than the limits allow.
    #[error("the picture is too large: {width} × {height} pixels, at most {limit} are allowed")]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The limit, in words.
        limit: String,
    },
    /// A variant of a format that is not read.
    #[error("this kind of picture cannot be read: {detail}")]
    UnsupportedSource {
        /// Which variant.
        detail: String,
    },
    /// One page of a document failed, and with it the document.
    #[error("page {number}: {fault}")]
    Page {
        /// Which, from 1.
        number: u32,
        /// Why.
        fault: Box<Fault>,
    },
    // -- the work
    /// The modifiers do not apply to this source.
    #[error("{message}")]
    Modifiers {
        /// The first finding.
        message: String,
        /// What to write instead.
        help: Option<String>,
    },
    /// The worker needed more memory than it may have.
    #[error("the picture needs more memory than a worker may use ({})", human_bytes(*.limit))]
    OutOfMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// The worker did not answer in time.
    #[error("the picture took longer than {seconds} s")]
    TooSlow {
        /// The deadline in seconds.
        seconds: u64,
    },
    /// The worker died.
    #[error("the picture broke its worker ({how})")]
    WorkerDied {
        /// How it ended, for example `signal 11`.
        how: String,
    },
    // -- the output
    /// Two assets want the same output name.
    #[error("its output {name} would also be the output of {}", .others.join(", "))]
    Collision {
        /// The name both want.
        name: String,
        /// The other handles.
        others: Vec<String>,
    },
    /// The output name cannot be a file name.
    #[error("its output name {name} cannot be used: {reason}")]
    BadOutputName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A different file of that name exists in the destination.
    #[error("{name} exists in the destination with other content")]
    Exists {
        /// The name below the output folder.
        name: String,
    },
    /// No space on the output's disk.
    #[error("the disk of the output folder is full")]
    DiskFull,
    /// The output folder cannot be used as things are, which an operator or time may change.
    #[error("the output folder cannot be used: {detail}")]
    Blocked {
        /// The system's reason.
        detail: String,
    },
    /// The output cannot be written for another reason.
    #[error("the output cannot be written: {detail}")]
    NotWritable {
        /// The system's reason.
        detail: String,
    },
    // -- whole runs
    /// The manifest is wrong.
    #[error("line {line}: {message}")]
    Refused {
        /// First line that is wrong, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
        /// How many findings there are in all.
        findings: usize,
    },
    /// Not one asset of the list can be exported.
    #[error("nothing in the list can be exported")]
    NothingExportable,
    /// The job broke the daemon or its workers three times.
    #[error("the job could not be finished in {attempts} attempts")]
    Poison {
        /// How often it was tried.
        attempts: u32,
    },
    /// Something only the operator can look into.
    #[error("the export service met a problem of its own: {detail}")]
    Internal {
        /// What happened.
        detail: String,
    },
}

impl Fault {
    /// Says what to do about it, as one sentence without a full stop.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::NotFound { nearest: Some(near) } => {
                format!("did you mean \"{near}\"? Otherwise put the file there and retry")
            }
            Self::NotFound { nearest: None } => {
                "put the file into the asset folder, or correct the name".into()
            }
            Self::NothingMatches => "correct the pattern, or put the files there".into(),
            Self::Ambiguous { .. } => "write the name with its extension".into(),
            Self::OutsideRoot => "name the file by its path below the asset folder".into(),
            Self::NotAFile { .. } => "name a file".into(),
            Self::Unreadable => "ask the operator to give the service the right to read it".into(),
            Self::KeepsChanging => "wait until the file is complete, then retry".into(),
            Self::Mismatch { .. } => {
                "save it again in the format of its name, or rename it to what it holds".into()
            }
            Self::Damaged { .. } => "open it in an image editor, save it again and retry".into(),
            Self::TooLarge { .. } => "reduce the picture, or ask for a higher limit".into(),
            Self::UnsupportedSource { .. } => "save it as TIFF, PNG or JPEG and retry".into(),
            Self::Page { fault, .. } => fault.next_step(),
            Self::Modifiers { help: Some(help), .. } => help.clone(),
            Self::Modifiers { help: None, .. } => "correct the modifiers and retry".into(),
            Self::OutOfMemory { .. } => {
                "reduce the picture, or ask the operator for more memory a worker".into()
            }
            Self::TooSlow { .. } => "open it in an image editor, save it again and retry".into(),
            Self::WorkerDied { .. } => {
                "the file is probably damaged: save it again in an image editor and retry".into()
            }
            Self::Collision { .. } => {
                "tell them apart with outputName, for example \"{path}/{stem}-{n}\"".into()
            }
            Self::BadOutputName { .. } => "change outputName or the file's name".into(),
            Self::Exists { .. } => "set overwrite = true, or choose another destination".into(),
            Self::DiskFull => "free space on the output disk, then retry".into(),
            Self::Blocked { .. } | Self::NotWritable { .. } => {
                "ask the operator to look at the output folder".into()
            }
            Self::Refused { .. } => "correct the manifest and drop it again".into(),
            Self::NothingExportable => "list pictures or other single files".into(),
            Self::Poison { .. } | Self::Internal { .. } => {
                "tell the operator; the log of the service has the details".into()
            }
        }
    }

    /// Says who can mend it.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Page { fault, .. } => fault.remedy(),
            Self::Unreadable
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

    /// Says whether the same attempt may succeed later by itself.
    #[must_use]
    pub const fn waiting(&self) -> Waiting {
        match self {
            Self::Page { fault, .. } => fault.waiting(),
            Self::DiskFull | Self::Blocked { .. } | Self::KeepsChanging => Waiting::Helps,
            _ => Waiting::Useless,
        }
    }

    /// Tells whether it is the output's disk that is to blame, and nothing that was asked for.
    #[must_use]
    pub const fn blocks_output(&self) -> bool {
        match self {
            Self::Page { fault, .. } => fault.blocks_output(),
            Self::DiskFull | Self::Blocked { .. } => true,
            _ => false,
        }
    }

    /// Turns the system's reason why an output cannot be written into ours.
    #[must_use]
    pub fn of_output(error: &io::Error) -> Self {
        let blocked = |detail: &str| Self::Blocked { detail: detail.to_owned() };
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::PermissionDenied => blocked("permission denied"),
            ErrorKind::ReadOnlyFilesystem => blocked("the disk is read-only"),
            ErrorKind::NotFound => blocked("the folder is gone"),
            ErrorKind::StaleNetworkFileHandle
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::TimedOut
            | ErrorKind::ResourceBusy
            | ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::OutOfMemory => Self::Blocked { detail: error.to_string() },
            _ => match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::IO) => blocked("the disk reports errors"),
                Some(Errno::MFILE | Errno::NFILE | Errno::NODEV | Errno::NXIO) => {
                    Self::Blocked { detail: error.to_string() }
                }
                _ => Self::NotWritable { detail: error.to_string() },
            },
        }
    }
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
