//! stub

use std::path::PathBuf;
use std::time::Duration;

use crate::imaging::Limits;

/// What a pool is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSettings {
    /// Worker processes, at least 1.
    pub workers: usize,
    /// Address space of one worker in bytes.
    pub memory: u64,
    /// Longest time one request may take.
    pub deadline: Duration,
    /// Largest output in bytes.
    pub max_output: u64,
    /// What a source may be.
    pub limits: Limits,
    /// Whether EXIF orientation is applied.
    pub exif_orientation: bool,
    /// The binary that is started with the argument `worker`; `/proc/self/exe` in the daemon.
    pub program: PathBuf,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            memory: 1 << 30,
            deadline: Duration::from_secs(120),
            max_output: 4 << 30,
            limits: Limits::default(),
            exif_orientation: true,
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}
