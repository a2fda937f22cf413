//! Files that survive: names confined to their root, writes that are whole or not there.
//!
//! Everything durable goes through here. The pattern is always the same: write under another
//! name, `fsync` the file, rename, `fsync` the folder. Without the last step a finished rename can
//! vanish in a power cut, on ext4 and XFS alike, whenever nothing else is written after it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags, Statx,
    StatxFlags,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Longest name of one file or folder, in bytes.
pub const MOST_NAME_BYTES: usize = 255;
/// Longest relative path, in bytes.
pub const MOST_PATH_BYTES: usize = 4000;

/// A path below some root: never absolute, never with `..`, `.`, an empty part, a control or
/// direction-override character; at most [`MOST_PATH_BYTES`] long.
///
/// The bytes are kept as given (file systems tell NFC and NFD apart); [`RelPath::nfc`] gives the
/// form for outputs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is not a [`RelPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Begins with `/`.
    #[error("the name begins with \"/\"; names are relative to their folder")]
    Absolute,
    /// Has a part `.` or `..`.
    #[error("the name has a part \".\" or \"..\"")]
    Dots,
    /// Has an empty part.
    #[error("the name has an empty part (\"//\" or a \"/\" at its end)")]
    EmptyPart,
    /// A part is too long.
    #[error("a part of the name is longer than {MOST_NAME_BYTES} bytes")]
    LongPart,
    /// The whole is too long.
    #[error("the name is longer than {MOST_PATH_BYTES} bytes")]
    Long,
    /// A character that is invisible or turns the reading direction.
    #[error("the name has a control or direction character (U+{0:04X})")]
    Character(u32),
}

impl RelPath {
    /// Checks a text.
    ///
    /// # Errors
    /// See [`RelPathError`].
    pub fn parse(text: &str) -> Result<Self, RelPathError> {
        if text.is_empty() {
            return Err(RelPathError::Empty);
        }
        if text.starts_with('/') {
            return Err(RelPathError::Absolute);
        }
        if text.len() > MOST_PATH_BYTES {
            return Err(RelPathError::Long);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(RelPathError::EmptyPart),
                "." | ".." => return Err(RelPathError::Dots),
                _ if part.len() > MOST_NAME_BYTES => return Err(RelPathError::LongPart),
                _ => {}
            }
        }
        if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
            return Err(RelPathError::Character(c as u32));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns it as a path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Returns the last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folder it lies in, if it has one.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Returns the last part without its extension; a name that only begins with a dot has none.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        match name.rfind('.') {
            Some(at) if at > 0 => &name[..at],
            _ => name,
        }
    }

    /// Returns the extension as written, without the dot.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let name = self.file_name();
        match name.rfind('.') {
            Some(at) if at > 0 && at + 1 < name.len() => Some(&name[at + 1..]),
            _ => None,
        }
    }

    /// Returns the same path in Unicode normal form C.
    #[must_use]
    pub fn nfc(&self) -> Self {
        Self(self.0.nfc().collect())
    }

    /// Returns the form under which two names that look alike are equal: NFC, without case.
    ///
    /// By way of the capitals, as disks without case do: `ß` is `SS`.
    #[must_use]
    pub fn folded(&self) -> String {
        let small = self.0.nfc().flat_map(char::to_lowercase);
        let large = small.flat_map(|c| {
            // The one letter without a capital of its own: `ı` is not `i`.
            let (kept, raised) = if c == 'ı' { (Some(c), None) } else { (None, Some(c)) };
            kept.into_iter().chain(raised.into_iter().flat_map(char::to_uppercase))
        });
        large.flat_map(char::to_lowercase).nfc().collect()
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;

    fn try_from(text: String) -> Result<Self, RelPathError> {
        Self::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

/// Tells whether a character is a control or turns the reading direction, so that a name with it
/// would not be read as it is.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

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
    pub fn content(&self) -> (u64, u64, u64, i128) {
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

/// Makes the entries of a folder durable.
///
/// # Errors
/// The system's.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    let fd = rustix::fs::open(
        folder,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(rustix::fs::fsync(fd)?)
}

/// Writes a whole file under its final name, durably, replacing what was there: `.NAME.tmp`,
/// `fsync`, rename, `fsync` of the folder.
///
/// # Errors
/// The system's; the temporary file is removed and the old content is untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_atomic_by(path, mode, |file| file.write_all(bytes))
}

/// As [`write_atomic`], of content that is made as it is written.
///
/// # Errors
/// As [`write_atomic`], and those of `fill`.
pub fn write_atomic_by(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = parent_of(path);
    let tmp = temporary_name(path);
    let result = create_filled(&tmp, mode, fill).and_then(|file| {
        file.sync_all()?;
        rustix::fs::rename(&tmp, path)?;
        sync_dir(folder)
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&tmp);
    }
    result
}

/// Removes from a folder what a killed [`write_atomic`] has left there of files that `wanted` names.
///
/// # Errors
/// The system's.
pub fn remove_temporaries(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().and_then(temporary_of).is_some_and(&wanted) {
            std::fs::remove_file(folder.join(name))?;
        }
    }
    Ok(())
}

/// Returns for which file, if its name was not cut, a temporary name was made.
fn temporary_of(name: &str) -> Option<&str> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (name, numbers) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    let (process, count) = numbers.split_once('-')?;
    (number(process) && number(count)).then_some(name)
}

/// Writes a new file and makes its content durable; its name is not until the folder is synced.
///
/// # Errors
/// The system's, `AlreadyExists` when the name is taken.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_unsynced(path, bytes, mode)?.sync_all()
}

/// Writes a new file and leaves it open: its content is durable when it has been synced.
///
/// # Errors
/// The system's, `AlreadyExists` when the name is taken.
pub fn write_unsynced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    create_filled(path, mode, |file| file.write_all(bytes))
}

fn create_filled(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<File> {
    let fd = rustix::fs::open(
        path,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::RUSR | Mode::WUSR,
    )?;
    let mut file = BufWriter::new(File::from(fd));
    fill(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    // After the content: the umask must not decide who reads a published file.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    Ok(file)
}

/// Renames, never over something that exists, and makes both folders durable.
///
/// # Errors
/// `AlreadyExists` when `to` exists, else the system's.
pub fn publish(from: &Path, to: &Path) -> io::Result<()> {
    rename_new(from, to)?;
    sync_parents(from, to)
}

/// Renames, never over something that exists. Not durable before both folders are synced.
///
/// # Errors
/// `AlreadyExists` when `to` exists, else the system's.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // File systems without RENAME_NOREPLACE (some network ones): look, then rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            Ok(rustix::fs::rename(from, to)?)
        }
        Err(other) => Err(other.into()),
    }
}

/// Renames over whatever is there and makes both folders durable.
///
/// # Errors
/// The system's.
pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    rustix::fs::rename(from, to)?;
    sync_parents(from, to)
}

/// Makes both folders of a rename durable.
///
/// # Errors
/// The system's.
pub fn sync_parents(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (parent_of(from), parent_of(to));
    sync_dir(to)?;
    if from == to { Ok(()) } else { sync_dir(from) }
}

/// Removes a file durably; one that is not there is fine.
///
/// # Errors
/// The system's.
pub fn remove_durable(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(parent_of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What a copy was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
}

/// Copies a whole file into an empty one and hashes it: by reflink where the file system can,
/// else in the kernel, else by reading and writing. Does not sync.
///
/// # Errors
/// The system's.
pub fn copy_hashed(from: &File, to: &mut File) -> io::Result<Copied> {
    let cloned = rustix::fs::ioctl_ficlone(&*to, from).is_ok();
    let mut reader = from;
    io::Seek::rewind(&mut reader)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0_u64;
    let mut in_kernel = !cloned;
    loop {
        let mut piece = 0;
        while piece < buffer.len() {
            match reader.read(&mut buffer[piece..]) {
                Ok(0) => break,
                Ok(n) => piece += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if piece == 0 {
            break;
        }
        hash.update(&buffer[..piece]);
        if in_kernel {
            in_kernel = copy_range(from, to, bytes, piece)?;
            if !in_kernel {
                to.write_all(&buffer[..piece])?;
            }
        } else if !cloned {
            to.write_all(&buffer[..piece])?;
        }
        bytes += piece as u64;
    }
    Ok(Copied { bytes, sha256: hex(&hash.finalize()) })
}

/// Hashes a whole file from its beginning.
///
/// # Errors
/// The system's.
pub fn hash_file(file: &File) -> io::Result<Copied> {
    let mut reader = file;
    io::Seek::rewind(&mut reader)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0_u64;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Copied { bytes, sha256: hex(&hash.finalize()) })
}

/// Copies one piece inside the kernel; `false` when this pair of files cannot.
fn copy_range(from: &File, to: &File, at: u64, length: usize) -> io::Result<bool> {
    let mut offset = at;
    let mut left = length;
    while left > 0 {
        match rustix::fs::copy_file_range(from, Some(&mut offset), to, None, left) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(n) => left -= n,
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF)
                if left == length =>
            {
                return Ok(false);
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(true)
}

/// Writes bytes as lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char])
        .collect()
}

/// Returns the SHA-256 of bytes, lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A folder that belongs to one process as long as this lives.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that is being started right now may have the file too.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

impl FolderLock {
    /// Takes the lock `FOLDER/lock` and writes our process id into it.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it, else the system's.
    pub fn take(folder: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(
            folder.join("lock"),
            OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::RUSR | Mode::WUSR,
        )?;
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        let mut file = File::from(fd);
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { file })
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Returns a hidden name beside `path` that nobody else uses at the same time.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or(OsStr::new("file"));
    let mut tmp = Vec::from(b".");
    // A name of 255 bytes has no room for more.
    tmp.extend_from_slice(&name.as_bytes()[..name.len().min(200)]);
    tmp.extend_from_slice(format!(".{}-{n}.tmp", std::process::id()).as_bytes());
    parent_of(path).join(OsStr::from_bytes(&tmp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_leave_their_root_are_no_names() {
        for (text, error) in [
            ("", RelPathError::Empty),
            ("/etc/passwd", RelPathError::Absolute),
            ("a/../b", RelPathError::Dots),
            ("..", RelPathError::Dots),
            ("./a", RelPathError::Dots),
            ("a//b", RelPathError::EmptyPart),
            ("a/", RelPathError::EmptyPart),
            ("a\u{202e}b", RelPathError::Character(0x202e)),
            ("a\0b", RelPathError::Character(0)),
        ] {
            assert_eq!(RelPath::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(RelPath::parse(&"x".repeat(256)), Err(RelPathError::LongPart));
    }

    #[test]
    fn names_are_equal_without_case_as_a_disk_finds_them() {
        let folded = |text: &str| RelPath::parse(text).unwrap().folded();
        for (one, other) in [("Straße", "STRASSE"), ("ẞ", "ß"), ("ﬁn", "FIN"), ("ΣΑΣ", "σας")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("kapı"), folded("kapi"));
    }

    #[test]
    fn stems_and_extensions() {
        let path = RelPath::parse("tops/a.b.TIF").unwrap();
        assert_eq!((path.stem(), path.extension()), ("a.b", Some("TIF")));
        assert_eq!(path.parent(), Some("tops"));
        let hidden = RelPath::parse(".profile").unwrap();
        assert_eq!((hidden.stem(), hidden.extension()), (".profile", None));
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_root(text in "[./a\\u{0}é]{0,12}") {
            if let Ok(path) = RelPath::parse(&text) {
                let joined = Path::new("/root").join(path.as_path());
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|c| c != std::path::Component::ParentDir));
            }
        }
    }

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

    #[test]
    fn write_atomic_replaces_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomic(&path, b"one", 0o640).unwrap();
        write_atomic(&path, b"two", 0o640).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn publish_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write_new(&a, b"a", 0o600).unwrap();
        write_new(&b, b"b", 0o600).unwrap();
        assert_eq!(publish(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&b).unwrap(), b"b");
    }

    #[test]
    fn a_copy_is_the_same_and_its_hash_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        write_new(&dir.path().join("a"), &bytes, 0o600).unwrap();
        let from = File::open(dir.path().join("a")).unwrap();
        let mut to = File::create(dir.path().join("b")).unwrap();
        let copied = copy_hashed(&from, &mut to).unwrap();
        assert_eq!(copied, Copied { bytes: 3_000_000, sha256: sha256(&bytes) });
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), bytes);
    }

    #[test]
    fn a_lock_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = FolderLock::take(dir.path()).unwrap();
        assert_eq!(FolderLock::take(dir.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        FolderLock::take(dir.path()).unwrap();
    }

    #[test]
    fn only_our_own_temporary_names_are_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let ours = [".a.toml.12-3.tmp", ".a.b.1-0.tmp"];
        let others =
            ["a.12-3.tmp", ".a.tmp", ".a.12.tmp", ".a.12-.tmp", ".a.12-3.part", ".a.x-3.tmp"];
        for name in ours.iter().chain(&others) {
            write_new(&dir.path().join(name), b"", 0o600).unwrap();
        }
        remove_temporaries(dir.path(), |name| name == "a.b").unwrap();
        assert!(dir.path().join(ours[0]).exists() && !dir.path().join(ours[1]).exists());
        remove_temporaries(dir.path(), |_| true).unwrap();
        assert!(!dir.path().join(ours[0]).exists());
        assert!(others.iter().all(|name| dir.path().join(name).exists()));
        // What is written has such a name until it is whole.
        let name = temporary_name(Path::new("x/report.json"));
        assert_eq!(temporary_of(name.file_name().unwrap().to_str().unwrap()), Some("report.json"));
    }
}
