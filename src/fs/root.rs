//! Looking things up below a folder from which nothing leads out.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::RelPath;

/// The part of a [`Stamp`] that changes when the content does: device, inode, length, last change.
pub type Content = (u64, u64, u64, i128);

/// What tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Last change of content or attributes, nanoseconds since 1970.
    pub ctime_ns: i128,
    /// Owner.
    pub uid: u32,
}

impl Stamp {
    /// Reads the stamp of an open file.
    ///
    /// # Errors
    /// The system's.
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        let stat = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
        Ok(Self::from_statx(&stat))
    }

    /// Returns the part that changes when the content does; owner and links do not count.
    #[must_use]
    pub fn content(&self) -> Content {
        (self.dev, self.ino, self.size, self.mtime_ns)
    }

    fn from_statx(stat: &Statx) -> Self {
        let ns = |t: &rustix::fs::StatxTimestamp| {
            i128::from(t.tv_sec) * 1_000_000_000 + i128::from(t.tv_nsec)
        };
        Self {
            dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            size: stat.stx_size,
            mtime_ns: ns(&stat.stx_mtime),
            ctime_ns: ns(&stat.stx_ctime),
            uid: stat.stx_uid,
        }
    }
}

/// Why a file below a [`Root`] could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing of that name.
    #[error("no such file")]
    NotFound,
    /// A symbolic link or `..` on the way.
    #[error("the path leads out of its folder")]
    Outside,
    /// Not a regular file: what it is, with its article.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// No permission.
    #[error("permission denied")]
    Denied,
    /// Anything else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; names that are not UTF-8 are left out by [`Root::list`].
    pub name: String,
    /// Whether it is a folder; links are not followed.
    pub folder: bool,
    /// Whether it is a regular file; links are not followed.
    pub file: bool,
}

/// An open folder from which nothing escapes: every look-up goes through `openat2` with
/// `RESOLVE_BENEATH`, without symbolic links.
///
/// Where there is no `openat2` (an old kernel, or systemd's `RestrictSUIDSGID=`, which cannot look
/// into its arguments and answers `ENOSYS`), the path is walked folder by folder instead. Since a
/// path has no `..`, that confines as well.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    path: PathBuf,
}

impl Root {
    /// Opens the folder; links on the way to it are the operator's and are followed.
    ///
    /// # Errors
    /// The system's, when it is absent or not a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Returns the path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder below it as a root of its own.
    ///
    /// # Errors
    /// See [`OpenError`]; a file of that name is `NotFound`.
    pub fn below(&self, folder: &RelPath) -> Result<Self, OpenError> {
        let fd =
            self.resolve(folder.as_str(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
        Ok(Self { fd, path: self.path.join(folder.as_path()) })
    }

    /// Reads the stamp of a regular file below it without opening it for reading.
    ///
    /// # Errors
    /// See [`OpenError`]; anything but a regular file is `Outside` (a link) or `NotAFile`.
    pub fn look(&self, path: &RelPath) -> Result<Stamp, OpenError> {
        let fd = self.resolve(path.as_str(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
        let stat = rustix::fs::statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
            .map_err(io::Error::from)?;
        match not_a_file(FileType::from_raw_mode(stat.stx_mode.into())) {
            Some(what) => Err(what),
            None => Ok(Stamp::from_statx(&stat)),
        }
    }

    /// Opens a regular file below it for reading, never blocking on a FIFO.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_file(&self, path: &RelPath) -> Result<(File, Stamp), OpenError> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        // O_PATH first: opening a device for reading can have effects.
        let probe =
            self.resolve(path.as_str(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
        let mode = rustix::fs::fstat(&probe).map_err(io::Error::from)?.st_mode;
        if let Some(what) = not_a_file(FileType::from_raw_mode(mode)) {
            return Err(what);
        }
        let fd = self.resolve(path.as_str(), flags)?;
        let mode = rustix::fs::fstat(&fd).map_err(io::Error::from)?.st_mode;
        if let Some(what) = not_a_file(FileType::from_raw_mode(mode)) {
            return Err(what);
        }
        let stamp = Stamp::of(&fd)?;
        Ok((File::from(fd), stamp))
    }

    /// Lists a folder below it (`None` is the root itself), unsorted, without `.` and `..`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn list(&self, folder: Option<&RelPath>) -> Result<Vec<Entry>, OpenError> {
        let fd = self.resolve(
            folder.map_or(".", RelPath::as_str),
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        )?;
        let mut entries = Vec::new();
        let mut folder = Dir::new(fd).map_err(io::Error::from)?;
        while let Some(entry) = folder.read() {
            let entry = entry.map_err(io::Error::from)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // File systems that do not keep the type beside the name.
                FileType::Unknown => folder
                    .fd()
                    .and_then(|fd| rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW))
                    .map_or(FileType::Unknown, |s| FileType::from_raw_mode(s.st_mode)),
                known => known,
            };
            entries.push(Entry {
                name: name.to_owned(),
                folder: kind == FileType::Directory,
                file: kind == FileType::RegularFile,
            });
        }
        Ok(entries)
    }

    fn resolve(&self, path: &str, flags: OFlags) -> Result<OwnedFd, OpenError> {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            return match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), how) {
                Ok(fd) => Ok(fd),
                // The tree was changed while it was walked: look again.
                Err(Errno::AGAIN) => continue,
                Err(Errno::NOSYS) => self.walk(path, flags),
                Err(other) => Err(open_error(other)),
            };
        }
    }

    /// Does the same by hand: each part is opened in the folder that the one before it led to.
    fn walk(&self, path: &str, flags: OFlags) -> Result<OwnedFd, OpenError> {
        let open = |folder: BorrowedFd<'_>, name: &str, flags: OFlags| {
            rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty())
                .map_err(open_error)
        };
        // `O_DIRECTORY` would not tell a link from a file.
        let enter = |folder: BorrowedFd<'_>, name: &str| {
            let fd = open(folder, name, OFlags::PATH | OFlags::CLOEXEC)?;
            let mode = rustix::fs::fstat(&fd).map_err(io::Error::from)?.st_mode;
            match FileType::from_raw_mode(mode) {
                FileType::Directory => Ok(fd),
                FileType::Symlink => Err(OpenError::Outside),
                _ => Err(OpenError::NotFound),
            }
        };
        let (above, last) = path.rsplit_once('/').map_or((None, path), |(a, l)| (Some(a), l));
        let mut folder = None;
        for part in above.iter().flat_map(|above| above.split('/')) {
            folder = Some(enter(folder.as_ref().map_or(self.fd.as_fd(), OwnedFd::as_fd), part)?);
        }
        let folder = folder.as_ref().map_or(self.fd.as_fd(), OwnedFd::as_fd);
        if flags.contains(OFlags::DIRECTORY) {
            open(enter(folder, last)?.as_fd(), ".", flags)
        } else {
            open(folder, last, flags)
        }
    }
}

fn open_error(errno: Errno) -> OpenError {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => OpenError::NotFound,
        Errno::XDEV | Errno::LOOP => OpenError::Outside,
        Errno::ACCESS | Errno::PERM => OpenError::Denied,
        Errno::NXIO => OpenError::NotAFile("a socket or a device"),
        other => OpenError::Io(other.into()),
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn not_a_file(kind: FileType) -> Option<OpenError> {
    let what = match kind {
        FileType::RegularFile => return None,
        FileType::Symlink => return Some(OpenError::Outside),
        FileType::Directory => "a folder",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something else",
    };
    Some(OpenError::NotAFile(what))
}

#[cfg(test)]
mod tests {
    use rustix::fs::CWD;

    use super::*;
    use crate::fs::write_new;

    #[test]
    fn a_root_keeps_links_devices_and_pipes_out() {
        let dir = tempfile::tempdir().unwrap();
        let assets = dir.path().join("assets");
        std::fs::create_dir_all(assets.join("sub")).unwrap();
        write_new(&dir.path().join("secret"), b"s", 0o600).unwrap();
        write_new(&assets.join("sub/ok"), b"ok", 0o600).unwrap();
        std::os::unix::fs::symlink("../secret", assets.join("link")).unwrap();
        std::os::unix::fs::symlink("..", assets.join("up")).unwrap();
        rustix::fs::mknodat(CWD, assets.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let root = Root::open(&assets).unwrap();
        let open = |name: &str| root.open_file(&RelPath::parse(name).unwrap());
        assert!(open("sub/ok").is_ok());
        assert!(matches!(open("link"), Err(OpenError::Outside)));
        assert!(matches!(open("up/secret"), Err(OpenError::Outside)));
        assert!(matches!(open("pipe"), Err(OpenError::NotAFile("a named pipe"))));
        assert!(matches!(open("sub"), Err(OpenError::NotAFile("a folder"))));
        assert!(matches!(open("none"), Err(OpenError::NotFound)));
        let look = |name: &str| root.look(&RelPath::parse(name).unwrap());
        assert_eq!(look("sub/ok").unwrap(), open("sub/ok").unwrap().1);
        assert!(matches!(look("link"), Err(OpenError::Outside)));
        assert!(matches!(look("pipe"), Err(OpenError::NotAFile("a named pipe"))));
        let below = |name: &str| root.below(&RelPath::parse(name).unwrap());
        assert!(below("sub").unwrap().open_file(&RelPath::parse("ok").unwrap()).is_ok());
        assert!(matches!(below("up"), Err(OpenError::Outside)));
        assert!(matches!(below("sub/ok"), Err(OpenError::NotFound)));
    }

    #[test]
    fn walking_by_hand_comes_to_the_same_as_openat2() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("root/a/b")).unwrap();
        write_new(&dir.path().join("root/a/b/ok"), b"ok", 0o600).unwrap();
        write_new(&dir.path().join("secret"), b"s", 0o600).unwrap();
        for (to, link) in [("..", "up"), ("a", "in"), ("a/b/ok", "file"), ("nowhere", "none")] {
            std::os::unix::fs::symlink(to, dir.path().join("root").join(link)).unwrap();
        }
        let root = Root::open(&dir.path().join("root")).unwrap();
        let outcome = |found: Result<OwnedFd, OpenError>| {
            found.map(|fd| Stamp::of(fd).unwrap()).map_err(|error| error.to_string())
        };
        let paths = [
            ".",
            "a",
            "a/b",
            "a/b/ok",
            "a/b/ok/on",
            "up",
            "up/secret",
            "in",
            "in/b/ok",
            "file",
            "none",
            "none/x",
            "absent",
            "absent/x",
        ];
        let plain = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for flags in [plain, look, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC] {
            for path in paths {
                let (walked, resolved) = (root.walk(path, flags), root.resolve(path, flags));
                assert_eq!(outcome(walked), outcome(resolved), "{path} {flags:?}");
            }
        }
    }
}
