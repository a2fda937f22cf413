//! stub

use std::collections::BTreeMap;
use std::time::Duration;

use crate::imaging::plan::Defaults;

/// What the configuration says about jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `company`, for job handles.
    pub company: String,
    /// How long a handle that names nothing is waited for.
    pub wait_for_assets: Duration,
    /// Presets: name (lower case) to definition (`[macros]`).
    pub macros: BTreeMap<String, String>,
    /// Keys of `[users]`.
    pub users: Vec<String>,
    /// Attributes of the engine.
    pub imaging: Defaults,
}
