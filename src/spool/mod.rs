//! stub

use std::path::PathBuf;

/// Where the spool is and what it watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Where people drop manifests.
    pub drop: PathBuf,
    /// Ours alone: queue, schedules, journals.
    pub spool: PathBuf,
}
