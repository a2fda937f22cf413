//! Tests of the whole, in one binary.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod daemon;
mod mail;
mod manifests;
mod shipped;
