//! Tests of the whole, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "tests end where something is wrong, and write files as they like"
)]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod catalogues;
mod cli;
mod control;
mod daemon;
mod demo;
mod doctor;
mod documents;
mod hostile;
mod mail;
mod manifests;
mod modifiers_doc;
mod shipped;
mod webhook;
