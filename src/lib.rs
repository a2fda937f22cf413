//! A watch-folder export daemon.

pub mod cli;
pub mod config;
pub mod daemon;

pub mod diag;
pub mod fs;
pub mod imaging;
pub mod job;
pub mod library;
pub mod report;
pub mod spool;
pub mod worker;
