//! What integration tests share.
#![allow(unreachable_pub, reason = "a module of a test binary")]

pub use exportd;

pub mod http;
pub mod playground;
pub mod runs;
pub mod smtp;
