//! Making and moving names below a folder from which nothing leads out.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{OpenError, RelPath};

/// Folders that are made can be read by all, whatever the umask.
const FOLDER_MODE: u32 = 0o755;

/// An open folder in which names are made, moved and removed.
///
/// It stays the same folder whatever its path becomes: what was opened below a root can be renamed
/// or exchanged for a link, and nothing that is done here ends up elsewhere. Every step below it
/// opens one part of a path in the folder that the part before led to, without following a link.
/// That confines, since a [`RelPath`] has no `..`, and needs no `openat2`, which systemd's
/// `RestrictSUIDSGID=` takes away.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
}

impl Folder {
    /// Opens a folder; links on the way to it are the operator's and are followed.
    ///
    /// # Errors
    /// The system's, when it is absent or not a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// Opens a folder below it; `None` is itself.
    ///
    /// # Errors
    /// See [`OpenError`]: a link or a file on the way is `Outside`.
    pub fn enter(&self, below: Option<&RelPath>) -> Result<Self, OpenError> {
        self.walk(below, step)
    }

    /// Opens a folder below it and makes what is missing on the way; `None` is itself. Not durable
    /// before each folder on the way is synced.
    ///
    /// # Errors
    /// See [`OpenError`]: a link or a file on the way is `Outside`.
    pub fn make(&self, below: Option<&RelPath>) -> Result<Self, OpenError> {
        self.walk(below, |folder, name| match step(folder, name) {
            Err(OpenError::NotFound) => {
                let mode = Mode::from_raw_mode(FOLDER_MODE);
                match rustix::fs::mkdirat(folder, name, mode) {
                    Ok(()) => {
                        let made = step(folder, name)?;
                        rustix::fs::fchmod(&made, mode).map_err(io::Error::from)?;
                        Ok(made)
                    }
                    Err(Errno::EXIST) => step(folder, name),
                    Err(other) => Err(OpenError::Io(other.into())),
                }
            }
            other => other,
        })
    }

    fn walk(
        &self,
        below: Option<&RelPath>,
        next: impl Fn(BorrowedFd<'_>, &str) -> Result<OwnedFd, OpenError>,
    ) -> Result<Self, OpenError> {
        let mut fd = step(self.fd.as_fd(), ".")?;
        for part in below.iter().flat_map(|path| path.as_str().split('/')) {
            fd = next(fd.as_fd(), part)?;
        }
        Ok(Self { fd })
    }

    /// Tells what has a name in it, not following a link; `None` when nothing does.
    ///
    /// # Errors
    /// The system's.
    pub fn find(&self, name: &str) -> io::Result<Option<Found>> {
        match rustix::fs::statat(&self.fd, one(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    Found::File { bytes: u64::try_from(stat.st_size).unwrap_or(0) }
                }
                FileType::Directory => Found::Folder,
                _ => Found::Other,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Opens a regular file in it for reading; `None` when there is none of that name.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, name: &str) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // Opening a device can have effects.
        if !matches!(self.find(name)?, Some(Found::File { .. })) {
            return Ok(None);
        }
        let file = match rustix::fs::openat(&self.fd, one(name)?, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Makes a new file in it.
    ///
    /// # Errors
    /// The system's, `AlreadyExists` when the name is taken.
    pub fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode);
        let fd = rustix::fs::openat(&self.fd, one(name)?, flags, mode)?;
        // The umask must not decide who reads a published file.
        rustix::fs::fchmod(&fd, mode)?;
        Ok(File::from(fd))
    }

    /// Removes a file or a link from it; one that is not there is fine.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, one(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Moves what has a name into another folder, never over something that exists. Not durable
    /// before both are synced.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken there, else the system's.
    pub fn move_new(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let (from, into) = (one(name)?, one(new_name)?);
        match rustix::fs::renameat_with(&self.fd, from, &to.fd, into, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // File systems without RENAME_NOREPLACE (some network ones): look, then rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if to.find(new_name)?.is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                self.move_over(name, to, new_name)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Moves what has a name into another folder, over whatever has that name there. Not durable
    /// before both are synced.
    ///
    /// # Errors
    /// The system's.
    pub fn move_over(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, one(name)?, &to.fd, one(new_name)?)?)
    }

    /// Makes its entries durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }
}

/// What has a name in a [`Folder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File {
        /// Its length.
        bytes: u64,
    },
    /// A folder.
    Folder,
    /// A link, a device, a pipe or a socket.
    Other,
}

/// Opens one folder in another, not following a link.
fn step(folder: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, OpenError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT => OpenError::NotFound,
        Errno::NOTDIR | Errno::LOOP => OpenError::Outside,
        Errno::ACCESS | Errno::PERM => OpenError::Denied,
        other => OpenError::Io(other.into()),
    })
}

/// Refuses what is no single name.
fn one(name: &str) -> io::Result<&str> {
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn rel(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[test]
    fn a_link_on_the_way_is_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        std::fs::create_dir_all(out.join("web")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        symlink("../outside", out.join("link")).unwrap();
        symlink("../../outside", out.join("web/link")).unwrap();
        let root = Folder::open(&out).unwrap();
        for path in ["link", "link/a", "web/link", "web/link/a/b"] {
            assert!(matches!(root.make(Some(&rel(path))), Err(OpenError::Outside)), "{path}");
            assert!(matches!(root.enter(Some(&rel(path))), Err(OpenError::Outside)), "{path}");
        }
        assert_eq!(std::fs::read_dir(dir.path().join("outside")).unwrap().count(), 0);
        assert_eq!(root.find("link").unwrap(), Some(Found::Other));
        assert!(root.read("link").unwrap().is_none());
        assert!(matches!(root.enter(Some(&rel("none"))), Err(OpenError::NotFound)));
    }

    #[test]
    fn what_was_opened_stays_what_it_is_when_its_name_becomes_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        let root = Folder::open(dir.path()).unwrap();
        let web = root.make(Some(&rel("web"))).unwrap();
        root.move_new("web", &root, "moved").unwrap();
        symlink("outside", dir.path().join("web")).unwrap();
        root.create("a", 0o644).unwrap();
        root.move_new("a", &web, "a").unwrap();
        assert!(dir.path().join("moved/a").exists());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn names_are_single_and_nothing_is_replaced_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let root = Folder::open(dir.path()).unwrap();
        for name in ["", ".", "..", "a/b", "/a", "../a"] {
            assert_eq!(root.create(name, 0o600).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert!(root.move_over("a", &root, name).is_err() && root.remove(name).is_err());
        }
        root.create("a", 0o600).unwrap();
        root.create("b", 0o644).unwrap();
        let taken = root.move_new("a", &root, "b").unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        root.move_over("a", &root, "b").unwrap();
        assert_eq!(root.find("b").unwrap(), Some(Found::File { bytes: 0 }));
        let made = root.make(Some(&rel("x/y"))).unwrap();
        made.sync().unwrap();
        let mode = dir.path().join("x/y").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, FOLDER_MODE);
        root.remove("b").unwrap();
        root.remove("b").unwrap();
        assert_eq!(root.find("b").unwrap(), None);
    }
}
