//! What parent and worker say to each other, and the socket they say it over.
//!
//! The socket is a pair of `AF_UNIX` `SOCK_SEQPACKET` ends: it keeps messages apart and carries
//! descriptors. Its child's end becomes the worker's standard input, so nothing has to be arranged
//! between `fork` and `exec`. A message is JSON, cut into packets that always fit the socket's
//! buffer; the first byte of a packet says whether more follow. Descriptors travel with the first
//! packet, the input, then what else is read, then outputs, and only downwards: whatever a worker attaches to an answer is
//! dropped by the kernel.
//!
//! The two take turns: one request, then reports until the one that ends it. So neither side ever
//! writes while the other does, and the buffer cannot fill up from both ends.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recvmsg, sendmsg, shutdown,
    socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Written;
use super::sandbox::Sandbox;
use crate::diag::Fault;
use crate::imaging::plan::{Aux, Plan};
use crate::imaging::thumbnail::Thumbnail;
use crate::imaging::{Limits, Showing, SourceInfo};

/// Most descriptors of one message; the kernel's own bound is 253.
pub(super) const MAX_FILES: usize = 250;

/// Bytes of a message in one packet. Well below the smallest send buffer anybody sets.
const PIECE: usize = 32 << 10;

/// Longest message in bytes; as many plans as a request can have outputs stay far below it.
const MAX_MESSAGE: usize = 16 << 20;

/// Longest report in bytes. It says one thing, the longest of which are the names of a source's
/// hundred paths, the sizes of a document's pages and a thumbnail; parts of it are printed and mailed.
const MAX_REPORT: usize = 96 << 10;

/// First byte of a packet that is the last of its message.
const LAST: u8 = 0;
/// First byte of a packet that another one follows.
const MORE: u8 = 1;

/// What every request of a worker has in common; the first message it gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Setup {
    /// Address space in bytes.
    pub(super) memory: u64,
    /// Largest output in bytes.
    pub(super) max_output: u64,
    /// Processor time in seconds a request may take until its next report.
    pub(super) seconds: u64,
    /// What a source may be.
    pub(super) limits: Limits,
    /// Whether EXIF orientation is applied.
    pub(super) exif_orientation: bool,
    /// Threads beside the first that it starts, for large pictures.
    pub(super) helpers: usize,
}

/// What the parent asks. The first descriptor is the input; those of [`Convert::aux`] follow, and
/// the others are outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Read the header.
    Probe,
    /// Make one output per plan.
    Convert(Convert),
    /// Copy the input to the only output.
    Copy,
    /// Make a thumbnail of the input.
    Show,
}

/// What to convert, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Convert {
    /// What the plans need beside the input: one descriptor each, in this order.
    pub(super) aux: Vec<Aux>,
    /// What to make.
    pub(super) plans: Vec<Plan>,
    /// Whether to make thumbnails too.
    pub(super) showing: Showing,
    /// How many threads may work on it, the first included.
    pub(super) threads: usize,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Report {
    /// It has confined itself and takes requests.
    Ready(Sandbox),
    /// It has a request with its descriptors. From here on it may have written something.
    Started,
    /// One plan is carried out, or has failed on its own.
    Rendered {
        /// Which plan.
        index: usize,
        /// What came of it.
        result: Result<Written, Fault>,
    },
    /// The source can be shown.
    Seen(Thumbnail),
    /// The source is shown, if that can be done: the end of the request.
    Shown(Option<Thumbnail>),
    /// The header is read: the end of the request.
    Probed(SourceInfo),
    /// The copy is made: the end of the request.
    Copied(Written),
    /// Every plan was reported: the end of the request.
    Finished,
    /// The request, or what was left of it, has failed: the end of the request.
    Failed(Fault),
    /// The engine panicked: the end of the request and of the worker.
    Panicked {
        /// Message and place, for the operator.
        message: String,
    },
}

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The other end is closed.
    #[error("the other end is closed")]
    Closed,
    /// The other end did not read or write in time.
    #[error("the other end does not answer")]
    TimedOut,
    /// The message has more bytes or descriptors than can be sent.
    #[error("a message of {bytes} bytes and {files} files is too large")]
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
        /// Its descriptors.
        files: usize,
    },
    /// What came is no message.
    #[error("what the other end says makes no sense")]
    Garbled(#[from] serde_json::Error),
    /// Anything else the system says.
    #[error("the socket fails")]
    Socket(#[source] io::Error),
}

impl From<Errno> for WireError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::Closed,
            Errno::AGAIN => Self::TimedOut,
            other => Self::Socket(other.into()),
        }
    }
}

/// One end of the socket.
#[derive(Debug)]
pub(super) struct Channel {
    fd: OwnedFd,
    /// Whether this end was shut by [`Channel::shut`].
    shut: AtomicBool,
}

impl Channel {
    /// Makes a pair: our end, and the one that becomes a worker's standard input.
    ///
    /// `patience` bounds each packet we send: a worker that does not read is given up.
    pub(super) fn pair(patience: Duration) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_timeout(&ours, Timeout::Send, Some(patience))?;
        Ok((Self { fd: ours, shut: AtomicBool::new(false) }, theirs))
    }

    /// Takes standard input; `None` when it is not such a socket.
    pub(super) fn from_stdin() -> Option<Self> {
        let fd = io::stdin().as_fd().try_clone_to_owned().ok()?;
        let kind = sockopt::socket_type(&fd).ok()?;
        (kind == SocketType::SEQPACKET).then_some(Self { fd, shut: AtomicBool::new(false) })
    }

    /// Closes both directions for both ends; who waits in [`Channel::receive`] wakes up.
    pub(super) fn shut(&self) {
        self.shut.store(true, Ordering::Release);
        // Fails only when the other end is gone already.
        let _ = shutdown(&self.fd, Shutdown::Both);
    }

    /// Tells whether it was we who closed it.
    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Sends a message with descriptors.
    pub(super) fn send(
        &self,
        message: &impl Serialize,
        files: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        let bytes = serde_json::to_vec(message)?;
        if bytes.len() > MAX_MESSAGE || files.len() > MAX_FILES {
            return Err(WireError::TooLarge { bytes: bytes.len(), files: files.len() });
        }
        let pieces = bytes.len().div_ceil(PIECE);
        for (number, piece) in bytes.chunks(PIECE).enumerate() {
            let head = [if number + 1 == pieces { LAST } else { MORE }];
            self.send_packet(head, piece, if number == 0 { files } else { &[] })?;
        }
        Ok(())
    }

    fn send_packet(
        &self,
        head: [u8; 1],
        piece: &[u8],
        files: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(WireError::TooLarge { bytes: piece.len(), files: files.len() });
        }
        let parts = [IoSlice::new(&head), IoSlice::new(piece)];
        retry_on_intr(|| sendmsg(&self.fd, &parts, &mut control, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    /// Waits for a message as long as it takes; with its descriptors.
    pub(super) fn receive_with_files<T: DeserializeOwned>(
        &self,
    ) -> Result<(T, Vec<OwnedFd>), WireError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut files = Vec::new();
        let mut message = Vec::new();
        let mut more = true;
        while more {
            let mut control = RecvAncillaryBuffer::new(&mut space);
            more = self.receive_packet(&mut message, &mut control)?;
            if message.len() > MAX_MESSAGE {
                return Err(WireError::TooLarge { bytes: message.len(), files: files.len() });
            }
            for item in control.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = item {
                    files.extend(fds);
                }
            }
        }
        Ok((serde_json::from_slice(&message)?, files))
    }

    /// Waits for a short message until a moment; descriptors that came with it are dropped.
    pub(super) fn receive<T: DeserializeOwned>(&self, until: Instant) -> Result<T, WireError> {
        let mut message = Vec::new();
        let mut more = true;
        while more {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(WireError::TimedOut);
            }
            // Zero would mean for ever.
            let left = left.max(Duration::from_millis(1));
            sockopt::set_socket_timeout(&self.fd, Timeout::Recv, Some(left))?;
            more = self.receive_packet(&mut message, &mut RecvAncillaryBuffer::default())?;
            if message.len() > MAX_REPORT {
                return Err(WireError::TooLarge { bytes: message.len(), files: 0 });
            }
        }
        Ok(serde_json::from_slice(&message)?)
    }

    /// Appends one packet's content to `message`; tells whether more follow.
    fn receive_packet(
        &self,
        message: &mut Vec<u8>,
        control: &mut RecvAncillaryBuffer<'_>,
    ) -> Result<bool, WireError> {
        let mut head = [LAST];
        let start = message.len();
        message.resize(start + PIECE, 0);
        let mut parts = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut message[start..])];
        let got =
            retry_on_intr(|| recvmsg(&self.fd, &mut parts, control, RecvFlags::CMSG_CLOEXEC))?;
        if got.bytes == 0 {
            return Err(WireError::Closed);
        }
        message.truncate(start + got.bytes - 1);
        Ok(head == [MORE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};

    const PATIENCE: Duration = Duration::from_secs(10);

    fn pair() -> (Channel, Channel) {
        let (ours, theirs) = Channel::pair(PATIENCE).unwrap();
        (ours, Channel { fd: theirs, shut: AtomicBool::new(false) })
    }

    fn soon() -> Instant {
        Instant::now() + PATIENCE
    }

    #[test]
    fn messages_longer_than_the_socket_s_buffer_arrive_whole() {
        let (ours, theirs) = pair();
        let message: Vec<String> = (0..200_000).map(|n| format!("piece {n}")).collect();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| ours.send(&message, &[]));
            let (got, files): (Vec<String>, _) = theirs.receive_with_files().unwrap();
            sender.join().unwrap().unwrap();
            assert!(got == message && files.is_empty());
        });
    }

    #[test]
    fn a_message_beyond_all_bounds_is_refused_before_it_is_sent() {
        let (ours, theirs) = pair();
        let huge = "x".repeat(MAX_MESSAGE);
        assert!(matches!(ours.send(&huge, &[]), Err(WireError::TooLarge { .. })));
        let many = vec![ours.fd.as_fd(); MAX_FILES + 1];
        assert!(matches!(ours.send(&"x", &many), Err(WireError::TooLarge { .. })));
        // The channel still stands at the beginning of a message.
        ours.send(&"small", &[]).unwrap();
        assert_eq!(theirs.receive::<String>(soon()).unwrap(), "small");
    }

    #[test]
    fn who_does_not_read_is_given_up() {
        let (ours, _theirs) = Channel::pair(Duration::from_millis(50)).unwrap();
        let long = "x".repeat(MAX_MESSAGE / 2);
        assert!(matches!(ours.send(&long, &[]), Err(WireError::TimedOut)));
    }

    #[test]
    fn descriptors_arrive_in_order_and_close_on_exec() {
        let (ours, theirs) = pair();
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<File> = (0..MAX_FILES)
            .map(|n| {
                let path = dir.path().join(n.to_string());
                let mut file = File::create_new(&path).unwrap();
                write!(file, "{n}").unwrap();
                File::open(path).unwrap()
            })
            .collect();
        let borrowed: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        ours.send(&Request::Probe, &borrowed).unwrap();
        let (request, got): (Request, _) = theirs.receive_with_files().unwrap();
        assert_eq!((request, got.len()), (Request::Probe, MAX_FILES));
        for (n, fd) in got.into_iter().enumerate() {
            assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
            let mut text = String::new();
            File::from(fd).read_to_string(&mut text).unwrap();
            assert_eq!(text, n.to_string());
        }
    }

    #[test]
    fn an_answer_cannot_carry_descriptors() {
        let (ours, theirs) = pair();
        let (reader, writer) = io::pipe().unwrap();
        theirs.send(&Report::Started, &[writer.as_fd()]).unwrap();
        drop(writer);
        assert_eq!(ours.receive::<Report>(soon()).unwrap(), Report::Started);
        // Nobody holds the writing end any more.
        assert_eq!({ reader }.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn silence_ends_at_the_deadline_and_a_closed_end_is_seen() {
        let (ours, theirs) = pair();
        let until = Instant::now() + Duration::from_millis(20);
        assert!(matches!(ours.receive::<Report>(until), Err(WireError::TimedOut)));
        assert!(Instant::now() >= until);
        drop(theirs);
        assert!(matches!(ours.receive::<Report>(soon()), Err(WireError::Closed)));
        assert!(matches!(ours.send(&"x", &[]), Err(WireError::Closed)));
    }

    #[test]
    fn shutting_wakes_who_waits() {
        let (ours, _theirs) = pair();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ours.receive::<Report>(soon()));
            assert!(!ours.is_shut());
            ours.shut();
            assert!(ours.is_shut());
            assert!(matches!(waiting.join().unwrap(), Err(WireError::Closed)));
        });
    }

    #[test]
    fn a_report_has_room_for_a_hundred_paths_of_the_longest_names() {
        let path = crate::imaging::PathBounds {
            // Each of them takes two bytes.
            name: "\"".repeat(255),
            bounds: [-127.123_456_789_012_34; 4],
        };
        let bytes = serde_json::to_vec(&vec![path; 100]).unwrap();
        // The rest of what a header says is far below four kilobytes.
        assert!(bytes.len() + (4 << 10) <= MAX_REPORT, "{}", bytes.len());
    }

    #[test]
    fn nonsense_is_an_error() {
        let (ours, theirs) = pair();
        theirs.send(&"hello", &[]).unwrap();
        assert!(matches!(ours.receive::<Report>(soon()), Err(WireError::Garbled(_))));
        let deep = vec![b'['; MAX_REPORT];
        theirs.send_packet([LAST], &deep, &[]).unwrap();
        assert!(matches!(ours.receive::<Report>(soon()), Err(WireError::Garbled(_))));
        theirs.send(&"x".repeat(MAX_REPORT), &[]).unwrap();
        assert!(matches!(ours.receive::<String>(soon()), Err(WireError::TooLarge { .. })));
    }
}
