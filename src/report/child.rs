//! The children that speak to a network for the daemon: how they are started and bounded.
//!
//! What a server says is read in a process that knows nothing but its order and ends with it.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

/// Address space of a child, in bytes.
const MEMORY: u64 = 256 << 20;

/// Starts our own executable with a hidden command; it is told on its stdin and answers on its stdout.
pub(super) fn spawn(program: &Path, command: &str) -> io::Result<Child> {
    let mut child = Command::new(program);
    child.arg(command).env_clear().current_dir("/");
    // Where OpenSSL's certificates are, for machines that keep them elsewhere.
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            child.env(name, value);
        }
    }
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Bounds the child that calls it. It ends with its parent: a daemon that is gone must not have
/// anything sent that it has no record of.
pub(super) fn confine() -> io::Result<()> {
    let bound = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, bound(MEMORY))?;
    setrlimit(Resource::Core, bound(0))?;
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}
