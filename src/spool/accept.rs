//! Accepting one settled manifest: into the queue first, then out of the drop folder.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::record::{JobId, MOST_MANIFEST_BYTES, OVERSIZE_KEPT_BYTES, RECORD_VERSION, Record};
use super::{Home, Numbers, Spool, SpoolError, State, at, disk};
use crate::fs::{OpenError, RelPath, Root, Stamp, sha256};

/// Our corner of the drop folder.
pub(super) const CORNER: &str = ".exportd";
/// Where a manifest passes through on its way out.
const TAKEN: &str = "taken";
/// Behind the name of a refused manifest.
const NOTE_SUFFIX: &str = ".FAILED.txt";

/// A manifest as read from the drop folder.
pub(super) struct Content<'a> {
    pub(super) name: &'a RelPath,
    pub(super) bytes: &'a [u8],
    pub(super) stamp: Stamp,
    pub(super) oversize: bool,
}

/// What became of the dropped file of an accepted manifest.
#[derive(Debug)]
pub(super) enum Cleared {
    /// It is gone, or was already.
    Gone,
    /// Another file has its name now.
    Changed,
    /// It cannot be removed.
    Stuck(io::Error),
}

/// What came of accepting one of several.
pub(super) enum Outcome {
    /// A new job.
    New(Record),
    /// The same drop was accepted before, and is there.
    Known(JobId, State),
}

impl Outcome {
    const fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

impl Home {
    pub(super) fn number_file(&self) -> PathBuf {
        self.folders.spool.join(Numbers::FILE)
    }

    /// Makes jobs durable, those that do not exist; the dropped files are left.
    ///
    /// Returns what came of the first ones, in their order, and what kept the others.
    pub(super) fn accept(
        &self,
        contents: &[Content<'_>],
        received: Timestamp,
    ) -> (Vec<Outcome>, Result<(), SpoolError>) {
        let (mut outcomes, mut result) = self.as_known_or_new(contents, received);
        let fresh: Vec<(&Record, &[u8])> = outcomes
            .iter()
            .zip(contents)
            .filter_map(|(outcome, content)| match outcome {
                Outcome::New(record) => Some((record, content.bytes)),
                Outcome::Known(..) => None,
            })
            .collect();
        let (made, enqueued) = self.enqueue_unlocked(&fresh);
        if enqueued.is_err() {
            result = enqueued;
            let mut fresh = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_new());
            let end = fresh.nth(made).map(|(at, _)| at);
            outcomes.truncate(end.unwrap_or(outcomes.len()));
        }
        for (outcome, content) in outcomes.iter().zip(contents) {
            // What nobody has looked at yet can only have a note from before.
            if !matches!(outcome, Outcome::Known(_, state) if *state != State::Queue) {
                self.remove_note(content.name.as_str());
            }
        }
        (outcomes, result)
    }

    /// As [`Home::enqueue`], without `shared`, which is taken for the instant of the renames only:
    /// jobs that end meanwhile need not wait for the disk. Nobody else makes jobs of these names,
    /// since there is one scan at a time.
    fn enqueue_unlocked(&self, fresh: &[(&Record, &[u8])]) -> (usize, Result<(), SpoolError>) {
        if fresh.is_empty() {
            return (0, Ok(()));
        }
        let (written, wrote) = self.write_jobs(fresh);
        let (moved, result) = {
            let _shared = self.shared();
            self.queue_jobs(&written, fresh)
        };
        if let Err(error) = self.sync_queue() {
            return (0, Err(error));
        }
        let mut shared = self.shared();
        for (record, _) in &fresh[..moved] {
            shared.waiting.push(record.id.clone());
        }
        (moved, result.and(wrote))
    }

    /// Makes the records of manifests, except for those that were accepted before; as far as that
    /// can be done.
    fn as_known_or_new(
        &self,
        contents: &[Content<'_>],
        received: Timestamp,
    ) -> (Vec<Outcome>, Result<(), SpoolError>) {
        let mut shared = self.shared();
        let mut outcomes = Vec::with_capacity(contents.len());
        for (at, content) in contents.iter().enumerate() {
            let left = contents.len() - at;
            match self.one_as_known_or_new(content, (&mut shared.numbers, left), received) {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => return (outcomes, Err(error)),
            }
        }
        (outcomes, Ok(()))
    }

    /// Makes the record of a manifest, unless the same drop was accepted before.
    fn one_as_known_or_new(
        &self,
        content: &Content<'_>,
        (numbers, left): (&mut Numbers, usize),
        received: Timestamp,
    ) -> Result<Outcome, SpoolError> {
        let name = content.name.as_str();
        let id = JobId::of(name, &content.stamp, content.bytes);
        if let Some(state) = self.find(&id) {
            // Its rename may have been seen by nobody but the page cache; see the module head.
            let folder = self.folder(state);
            disk::sync_folder(&folder).map_err(at("sync", &folder))?;
            return Ok(Outcome::Known(id, state));
        }
        Ok(Outcome::New(Record {
            version: RECORD_VERSION,
            id,
            number: numbers.take(&self.number_file(), left)?,
            name: name.to_owned(),
            uid: content.stamp.uid,
            sha256: sha256(content.bytes),
            ino: content.stamp.ino,
            ctime_ns: content.stamp.ctime_ns,
            received,
            oversize: content.oversize,
            firing: None,
        }))
    }

    /// Removes the dropped file of an accepted manifest, unless it is no longer that file.
    pub(super) fn clear(
        &self,
        drop: &Root,
        taken: &OwnedFd,
        (name, stamp): (&RelPath, &Stamp),
        id: &JobId,
    ) -> Cleared {
        match drop.look(name) {
            Ok(now) if now == *stamp => {}
            Ok(_) | Err(OpenError::Outside | OpenError::NotAFile(_)) => return Cleared::Changed,
            Err(OpenError::NotFound) => return Cleared::Gone,
            Err(OpenError::Denied) => {
                return Cleared::Stuck(io::ErrorKind::PermissionDenied.into());
            }
            Err(OpenError::Io(error)) => return Cleared::Stuck(error),
        }
        match self.clear_by_way_of(drop, taken, (name.as_str(), stamp), id.as_str()) {
            Ok(cleared) => cleared,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Cleared::Gone,
            Err(error) => Cleared::Stuck(error),
        }
    }

    fn clear_by_way_of(
        &self,
        drop: &Root,
        taken: &OwnedFd,
        (name, stamp): (&str, &Stamp),
        id: &str,
    ) -> io::Result<Cleared> {
        disk::move_at(drop, name, taken, id)?;
        let moved = stamp_at(taken, id)?;
        // The rename itself changes the ctime.
        if (moved.ino, moved.size, moved.mtime_ns) == (stamp.ino, stamp.size, stamp.mtime_ns) {
            disk::unlink_at(taken, id)?;
            return Ok(Cleared::Gone);
        }
        put_back(drop, taken, id, name)?;
        Ok(Cleared::Changed)
    }

    /// Opens `drop/.exportd/taken`, making it where it is missing.
    pub(super) fn taken_folder(&self, drop: &Root) -> Result<OwnedFd, OpenError> {
        let corner = open_corner(drop)?;
        make_at(&corner, TAKEN, Mode::RWXU)?;
        open_folder(&corner.below(&known(TAKEN)?)?)
    }

    /// Deals with what a crash left in `taken`: removes what is in the spool, puts the rest back.
    /// Notes and lists that were being written are removed.
    pub(super) fn empty_taken(&self, drop: &Root, taken: &OwnedFd) -> io::Result<()> {
        let cleaned = crate::fs::remove_temporaries(drop.path(), |n| n.ends_with(NOTE_SUFFIX))
            .and_then(|()| crate::fs::remove_temporaries(&drop.path().join(CORNER), |_| true));
        if let Err(error) = cleaned {
            // Everybody who drops manifests can leave something there.
            tracing::warn!(%error, "what an interrupted write left in the drop folder stays");
        }
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(taken)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        for name in names.iter().filter(|name| *name != "." && *name != "..") {
            let record = JobId::parse(name).ok().and_then(|id| {
                let state = self.find(&id)?;
                Record::read(&self.job(state, &id)).ok()
            });
            let Some(record) = record else {
                tracing::warn!(file = %name, "unexplained file in .exportd/taken");
                continue;
            };
            if is_of(taken, name, &record)? {
                disk::unlink_at(taken, name)?;
            } else {
                put_back(drop, taken, name, &record.name)?;
            }
        }
        Ok(())
    }

    /// Removes the note of an earlier refusal; it is only a courtesy, so failing is logged.
    fn remove_note(&self, name: &str) {
        let path = self.folders.drop.join(note_name(name));
        if path.symlink_metadata().is_ok()
            && let Err(error) = disk::remove_file(&path)
        {
            tracing::warn!(note = %path.display(), %error, "cannot remove an old note");
        }
    }
}

impl Spool {
    /// Puts a note beside where a refused manifest was: `NAME.toml.FAILED.txt`, replacing an older
    /// one as a whole. It is removed when a manifest of that name is accepted.
    ///
    /// A name too long for the suffix is cut before it.
    ///
    /// # Errors
    /// The disk's; none of them means that the job is in danger.
    pub fn refuse_note(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.home.folders.drop.join(note_name(name));
        crate::fs::write_atomic(&path, text.as_bytes(), 0o644)
    }

    /// Removes that note, if it is there.
    ///
    /// # Errors
    /// The disk's.
    pub fn clear_note(&self, name: &str) -> io::Result<()> {
        disk::remove_file(&self.home.folders.drop.join(note_name(name)))
    }
}

/// Returns the name of the note about a manifest.
fn note_name(name: &str) -> String {
    let mut end = name.len().min(crate::fs::MOST_NAME_BYTES - NOTE_SUFFIX.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // A name comes from a listing or a record and has no slash; if it had, it must not lead away.
    format!("{}{NOTE_SUFFIX}", name[..end].replace('/', "_"))
}

/// Puts a file that is not ours back; when its name was taken again meanwhile, it has been
/// replaced by whoever took it, as it would have been without us.
fn put_back(drop: &Root, taken: &OwnedFd, id: &str, name: &str) -> io::Result<()> {
    match disk::move_at(taken, id, drop, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk::unlink_at(taken, id),
        other => other,
    }
}

/// Tells whether a file is the one of which the record was made.
fn is_of(taken: &OwnedFd, name: &str, record: &Record) -> io::Result<bool> {
    let stamp = stamp_at(taken, name)?;
    if stamp.ino != record.ino || (stamp.size > MOST_MANIFEST_BYTES as u64) != record.oversize {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(taken, name, flags, Mode::empty())?);
    let most = if record.oversize { OVERSIZE_KEPT_BYTES } else { MOST_MANIFEST_BYTES };
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(sha256(&bytes) == record.sha256)
}

fn stamp_at(folder: &OwnedFd, name: &str) -> io::Result<Stamp> {
    let fd = rustix::fs::openat(
        folder,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Stamp::of(fd)
}

/// Opens `drop/.exportd`, making it where it is missing.
pub(super) fn open_corner(drop: &Root) -> Result<Root, OpenError> {
    make_at(drop, CORNER, mode_of(drop)?.difference(Mode::WGRP | Mode::WOTH))?;
    drop.below(&known(CORNER)?)
}

/// Makes a folder in another with exactly this mode; one that is there is left as it is.
pub(super) fn make_at(folder: &Root, name: &str, mode: Mode) -> io::Result<()> {
    match rustix::fs::mkdirat(folder, name, Mode::RWXU) {
        Ok(()) => {
            let fd = folder.below(&known(name).map_err(io::Error::other)?);
            let fd = fd.and_then(|made| open_folder(&made)).map_err(io::Error::other)?;
            // The group's inheritance bit may have come from the parent.
            let set_gid = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) & Mode::SGID;
            match rustix::fs::fchmod(&fd, mode | set_gid) {
                // The unit's sandbox lets nobody ask for that bit, not even to keep it.
                Err(Errno::PERM) => Ok(rustix::fs::fchmod(&fd, mode.difference(Mode::SGID))?),
                other => Ok(other?),
            }
        }
        Err(Errno::EXIST) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Returns the permission bits of a folder.
pub(super) fn mode_of(folder: &Root) -> io::Result<Mode> {
    Ok(Mode::from_raw_mode(rustix::fs::fstat(folder)?.st_mode))
}

/// Opens a folder for listing and syncing.
pub(super) fn open_folder(folder: &Root) -> Result<OwnedFd, OpenError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, ".", flags, Mode::empty()).map_err(|errno| match errno {
        Errno::ACCESS | Errno::PERM => OpenError::Denied,
        other => OpenError::Io(other.into()),
    })
}

/// Turns a name written in this program into a path.
pub(super) fn known(name: &str) -> io::Result<RelPath> {
    RelPath::parse(name).map_err(io::Error::other)
}

/// Completes an error of the drop folder.
pub(super) fn drop_error(home: &Home, doing: &'static str, error: OpenError) -> SpoolError {
    let source = match error {
        OpenError::NotFound => io::ErrorKind::NotFound.into(),
        OpenError::Denied => io::ErrorKind::PermissionDenied.into(),
        OpenError::Io(error) => error,
        other @ (OpenError::Outside | OpenError::NotAFile(_)) => io::Error::other(other),
    };
    at(doing, &home.folders.drop)(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::Place;

    #[test]
    fn what_took_the_name_at_the_last_instant_is_put_back() {
        let place = Place::new();
        let (spool, _) = place.open();
        let home = &spool.home;
        place.rename_in("a.toml", b"first end");
        let drop = Root::open(&place.folders.drop).unwrap();
        let name = RelPath::parse("a.toml").unwrap();
        let stamp = drop.look(&name).unwrap();
        let id = JobId::of("a.toml", &stamp, b"first end");
        let taken = home.taken_folder(&drop).unwrap();
        // It was looked at; now another comes, and then the name is cleared.
        place.rename_in("a.toml", b"other end");
        let cleared = home.clear_by_way_of(&drop, &taken, ("a.toml", &stamp), id.as_str());
        assert!(matches!(cleared, Ok(Cleared::Changed)), "{cleared:?}");
        assert_eq!(std::fs::read(place.path("a.toml")).unwrap(), b"other end");
        let stamp = drop.look(&name).unwrap();
        let cleared = home.clear(&drop, &taken, (&name, &stamp), &id);
        assert!(matches!(cleared, Cleared::Gone), "{cleared:?}");
        assert!(!place.path("a.toml").exists());
        assert_eq!(std::fs::read_dir(place.path(".exportd/taken")).unwrap().count(), 0);
    }
}
