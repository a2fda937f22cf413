//! Whole files copied and hashed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::str::FromStr;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 of a file's content; in text 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

/// Why a text is no [`ContentHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 lower-case hexadecimal digits")]
pub struct NoHash;

impl ContentHash {
    /// Returns that of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl FromStr for ContentHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(NoHash),
        };
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() {
            return Err(NoHash);
        }
        for (byte, [high, low]) in hash.iter_mut().zip(text.as_bytes().as_chunks().0) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl TryFrom<String> for ContentHash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// What a copy was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Length in bytes.
    pub bytes: u64,
    /// The hash of the content.
    pub sha256: ContentHash,
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
    Ok(Copied { bytes, sha256: ContentHash(hash.finalize().into()) })
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
    Ok(Copied { bytes, sha256: ContentHash(hash.finalize().into()) })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::write_new;

    #[test]
    fn a_hash_is_its_text() {
        let hash = ContentHash::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((hash.to_string().as_str(), text.parse()), (text, Ok(hash)));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<ContentHash>(&json).unwrap(), hash);
        for wrong in ["", "ba", "../../etc", &text.to_uppercase(), &format!("{text}0")] {
            assert_eq!(wrong.parse::<ContentHash>(), Err(NoHash), "{wrong}");
        }
        assert!(serde_json::from_str::<ContentHash>("\"../../etc\"").is_err());
    }

    #[test]
    fn a_copy_is_the_same_and_its_hash_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        write_new(&dir.path().join("a"), &bytes, 0o600).unwrap();
        let from = File::open(dir.path().join("a")).unwrap();
        let mut to = File::create(dir.path().join("b")).unwrap();
        let copied = copy_hashed(&from, &mut to).unwrap();
        assert_eq!(copied, Copied { bytes: 3_000_000, sha256: ContentHash::of(&bytes) });
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), bytes);
    }
}
