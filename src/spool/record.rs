//! What is kept of an accepted manifest beside its bytes, and the name its job goes by.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk;
use crate::fs::{Stamp, hex, sha256};

/// Version of [`Record`] that this release writes; a job with a newer one is put on hold.
pub const RECORD_VERSION: u32 = 1;
/// Longest manifest that is taken whole, in bytes.
pub const MOST_MANIFEST_BYTES: usize = 1 << 20;
/// What is kept of a longer one, so that its refusal can name it, in bytes.
pub const OVERSIZE_KEPT_BYTES: usize = 64 << 10;
/// Longest record that is read, in bytes.
const MOST_RECORD_BYTES: usize = 64 << 10;

pub(super) const MANIFEST: &str = "manifest.toml";
pub(super) const RECORD: &str = "job.json";
pub(super) const JOURNAL: &str = "journal";

const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Name of a job in the spool: `20261123T134512Z-0123456789ab`, for a firing of a schedule with
/// `-20261201T060000Z` behind it.
///
/// The time is the dropped file's last change, the rest a hash of its name, inode, change time and
/// content: the same drop always gives the same id, so that accepting it twice is noticed, and
/// dropping the same content again gives another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// A text that is not a [`JobId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a job")]
pub struct NotAJobId;

impl JobId {
    /// Names the job of one dropped file.
    #[must_use]
    pub fn of(name: &str, stamp: &Stamp, content: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(stamp.ino.to_le_bytes());
        hash.update(stamp.ctime_ns.to_le_bytes());
        hash.update(content);
        let time = Timestamp::from_nanosecond(stamp.ctime_ns).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(format!("{}-{}", time.strftime(TIME), &hex(&hash.finalize())[..12]))
    }

    /// Checks a text.
    ///
    /// # Errors
    /// When it does not have the form.
    pub fn parse(text: &str) -> Result<Self, NotAJobId> {
        let mut parts = text.split('-');
        let time = |part: &str| {
            part.len() == 16
                && part.bytes().enumerate().all(|(at, b)| match at {
                    8 => b == b'T',
                    15 => b == b'Z',
                    _ => b.is_ascii_digit(),
                })
        };
        let hash = |part: &str| {
            part.len() == 12 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let good = parts.next().is_some_and(time)
            && parts.next().is_some_and(hash)
            && parts.next().is_none_or(time)
            && parts.next().is_none();
        if good { Ok(Self(text.to_owned())) } else { Err(NotAJobId) }
    }

    /// Names the firing of this schedule that was due at `at`.
    #[must_use]
    pub fn firing(&self, at: Timestamp) -> Self {
        Self(format!("{}-{}", self.schedule().0, at.strftime(TIME)))
    }

    /// Returns the schedule this is a firing of; itself when it is none.
    #[must_use]
    pub fn schedule(&self) -> Self {
        Self(self.0[..29].to_owned())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what puts jobs in order: the time of the firing, else of the drop, then the name.
    pub(super) fn age(&self) -> (&str, &str) {
        let time = self.0.get(30..).unwrap_or(&self.0[..16]);
        (time, &self.0)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for JobId {
    type Error = NotAJobId;

    fn try_from(text: String) -> Result<Self, NotAJobId> {
        Self::parse(&text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// What is known of a job from the moment it was accepted; never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// [`RECORD_VERSION`] of the release that wrote it.
    pub version: u32,
    /// Name of the job, and of its folder.
    pub id: JobId,
    /// Last field of the job handle: from 1, never used twice; a crash leaves a gap.
    pub number: u64,
    /// File name of the manifest in the drop folder.
    pub name: String,
    /// Owner of the dropped file.
    pub uid: u32,
    /// SHA-256 of the manifest as kept, lower-case hexadecimal.
    pub sha256: String,
    /// Inode of the dropped file.
    pub ino: u64,
    /// Its last change, nanoseconds since 1970.
    pub ctime_ns: i128,
    /// When it was accepted; for a firing, when that was made.
    pub received: Timestamp,
    /// Whether the dropped file was longer than [`MOST_MANIFEST_BYTES`], so that only its
    /// beginning is kept.
    pub oversize: bool,
    /// For a firing of a schedule: when it was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firing: Option<Timestamp>,
}

/// Why a job's folder cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is not there.
    Gone,
    /// Written by a later release.
    Newer(u32),
    /// Damaged, or never ours.
    Garbage(String),
    /// The system does not let us look; says nothing about the job.
    Io(io::Error),
}

/// The part of a record that every release can read.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Record {
    /// Reads the record of the job in a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Unusable> {
        if let Err(error) = folder.symlink_metadata()
            && error.kind() == io::ErrorKind::NotFound
        {
            return Err(Unusable::Gone);
        }
        let bytes = read_bounded(&folder.join(RECORD), MOST_RECORD_BYTES)?;
        let header: Header = serde_json::from_slice(&bytes)
            .map_err(|_| Unusable::Garbage("its record cannot be read".into()))?;
        if header.version > RECORD_VERSION {
            return Err(Unusable::Newer(header.version));
        }
        let record: Self = serde_json::from_slice(&bytes)
            .map_err(|_| Unusable::Garbage("its record cannot be read".into()))?;
        if folder.file_name().is_some_and(|name| name == record.id.as_str()) {
            Ok(record)
        } else {
            Err(Unusable::Garbage(format!("its record belongs to {}", record.id)))
        }
    }

    /// Reads the manifest beside the record and holds it against the record's sum.
    pub(super) fn read_manifest(&self, folder: &Path) -> Result<Vec<u8>, Unusable> {
        let bytes = read_bounded(&folder.join(MANIFEST), MOST_MANIFEST_BYTES)?;
        if sha256(&bytes) == self.sha256 {
            Ok(bytes)
        } else {
            Err(Unusable::Garbage("its manifest is not the one that was accepted".into()))
        }
    }

    /// Writes manifest and record into a new folder.
    pub(super) fn write(&self, folder: &Path, manifest: &[u8]) -> io::Result<Written> {
        let mut json = serde_json::to_vec(self).map_err(io::Error::other)?;
        json.push(b'\n');
        disk::make_folder(folder)?;
        let manifest = disk::write_unsynced(&folder.join(MANIFEST), manifest)?;
        let record = disk::write_unsynced(&folder.join(RECORD), &json)?;
        Ok(Written { files: [manifest, record], folder: folder.to_owned() })
    }
}

/// A job's folder as written, until it is durable.
#[derive(Debug)]
#[must_use = "it is not durable"]
pub(super) struct Written {
    files: [File; 2],
    folder: PathBuf,
}

impl Written {
    /// Makes several durable, but for their own names.
    ///
    /// Returns the folders of the first ones, for which that was done, and what kept the others.
    pub(super) fn sync_all(written: Vec<Self>) -> (Vec<PathBuf>, io::Result<()>) {
        let mut folders = Vec::with_capacity(written.len());
        let mut files = Vec::with_capacity(2 * written.len());
        for one in written {
            files.extend(one.files);
            folders.push(one.folder);
        }
        let (synced, result) = disk::sync_together(&files);
        folders.truncate(synced / 2);
        drop(files);
        let mut opened = Vec::with_capacity(folders.len());
        let mut unopened = Ok(());
        for folder in &folders {
            match File::open(folder) {
                Ok(folder) => opened.push(folder),
                Err(error) => {
                    unopened = Err(error);
                    break;
                }
            }
        }
        let (synced, of_folders) = disk::sync_together(&opened);
        folders.truncate(synced);
        (folders, of_folders.and(unopened).and(result))
    }
}

/// Reads a small file of ours, never following a link, waiting for a pipe or reading past `most`.
pub(super) fn read_bounded(path: &Path, most: usize) -> Result<Vec<u8>, Unusable> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| {
        use rustix::io::Errno;
        match error {
            Errno::NOENT | Errno::NOTDIR => Unusable::Garbage(format!("it has no {name}")),
            Errno::LOOP | Errno::NXIO => Unusable::Garbage(format!("its {name} is not a file")),
            other => Unusable::Io(other.into()),
        }
    })?;
    let file = File::from(fd);
    let meta = file.metadata().map_err(Unusable::Io)?;
    if !meta.is_file() {
        return Err(Unusable::Garbage(format!("its {name} is not a file")));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(Unusable::Io)?;
    if bytes.len() > most {
        return Err(Unusable::Garbage(format!("its {name} is longer than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp { dev: 1, ino: 7, size: 3, mtime_ns: 0, ctime_ns: 1_795_441_512_345_678_901, uid: 0 }
    }

    #[test]
    fn the_same_drop_has_the_same_name_and_another_has_another() {
        let id = JobId::of("a.toml", &stamp(), b"abc");
        assert_eq!(id, JobId::of("a.toml", &stamp(), b"abc"));
        assert!(id.as_str().starts_with("20261123T134512Z-"), "{id}");
        assert_eq!(JobId::parse(id.as_str()), Ok(id.clone()));
        for other in [
            JobId::of("b.toml", &stamp(), b"abc"),
            JobId::of("a.toml", &stamp(), b"abd"),
            JobId::of("a.toml", &Stamp { ino: 8, ..stamp() }, b"abc"),
            JobId::of("a.toml", &Stamp { ctime_ns: stamp().ctime_ns + 1, ..stamp() }, b"abc"),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_firing_knows_its_schedule_and_waits_in_the_order_of_its_time() {
        let id = JobId::of("a.toml", &stamp(), b"abc");
        let firing = id.firing("2026-12-01T06:00:00Z".parse().unwrap());
        assert_eq!(firing.as_str(), format!("{id}-20261201T060000Z"));
        assert_eq!(JobId::parse(firing.as_str()), Ok(firing.clone()));
        assert_eq!((firing.schedule(), id.schedule()), (id.clone(), id.clone()));
        let between = JobId::parse("20261130T000000Z-000000000000").unwrap();
        assert!(id.age() < between.age() && between.age() < firing.age());
    }

    #[test]
    fn other_texts_name_no_job() {
        for text in [
            "",
            "..",
            "20261123T134512Z",
            "20261123T134512Z-0123456789aB",
            "20261123T134512Z-0123456789ab-",
            "20261123T134512Z-0123456789ab-20261201T060000Z-x",
            "20261123x134512Z-0123456789ab",
            "20261123T134512Z-0123456789ab.1",
        ] {
            assert_eq!(JobId::parse(text), Err(NotAJobId), "{text}");
        }
    }

    #[test]
    fn a_record_is_read_back_and_a_newer_one_is_told_apart_from_garbage() {
        let dir = tempfile::tempdir().unwrap();
        let id = JobId::of("a.toml", &stamp(), b"abc");
        let record = Record {
            version: RECORD_VERSION,
            id: id.clone(),
            number: 4,
            name: "a.toml".into(),
            uid: 1000,
            sha256: sha256(b"abc"),
            ino: 7,
            ctime_ns: stamp().ctime_ns,
            received: "2026-11-23T13:45:14Z".parse().unwrap(),
            oversize: false,
            firing: None,
        };
        let folder = dir.path().join(id.as_str());
        let written = record.write(&folder, b"abc").unwrap();
        let (synced, result) = Written::sync_all(vec![written]);
        assert_eq!((synced, result.is_ok()), (vec![folder.clone()], true));
        assert_eq!(Record::read(&folder).unwrap(), record);
        assert_eq!(record.read_manifest(&folder).unwrap(), b"abc");
        let path = folder.join(RECORD);
        crate::fs::write_atomic(&path, br#"{"version":9,"other":1}"#, 0o600).unwrap();
        assert!(matches!(Record::read(&folder), Err(Unusable::Newer(9))));
        crate::fs::write_atomic(&path, b"{", 0o600).unwrap();
        assert!(matches!(Record::read(&folder), Err(Unusable::Garbage(_))));
        crate::fs::write_atomic(&folder.join(MANIFEST), b"abd", 0o600).unwrap();
        assert!(matches!(record.read_manifest(&folder), Err(Unusable::Garbage(_))));
        assert!(matches!(Record::read(&dir.path().join("none")), Err(Unusable::Gone)));
    }
}
