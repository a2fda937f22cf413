//! A watch-folder export daemon: manifests in, pictures and mails out.
//!
//! Somebody drops a TOML manifest into a folder. The daemon exports every asset it lists, as the
//! original file or converted by Image Serving modifiers, into an output folder, and mails what
//! came of it. This page is the map; each module's head says how it does its part, and
//! ARCHITECTURE.md where something new goes.
//!
//! # Layers
//! A module imports only from rows below its own; `tests/it/architecture.rs` holds that.
//!
//! | row | modules | what they know |
//! |---|---|---|
//! | 7 | [`cli`] | commands, and what is printed |
//! | 6 | [`daemon`] | the loop, a thread a job, reload and stop, systemd |
//! | 5 | [`config`] | the configuration, and where each value came from |
//! | 4 | [`report`] | what people are told: texts, report folder, outbox, SMTP |
//! | 3 | [`job`] | manifests, checks, running, publishing, the log of a run |
//! | 2 | [`worker`], [`spool`] | processes that touch untrusted bytes; the durable queue |
//! | 1 | [`imaging`], [`library`] | the engine; assets and their catalogues |
//! | 0 | [`diag`], [`fs`], [`pulse`] | findings and faults; names, durable writes; signs of life |
//!
//! The engine, [`imaging`], takes bytes and gives bytes: no path, clock, environment or network.
//! Everything else is the shell around it, and knows no pixel.
//!
//! # The path of one manifest
//! ```text
//! drop/lookbook.toml
//!   │ spool::watch wakes, Spool::scan looks: the listing decides, not the event
//!   ▼
//! Spool::scan accepts: copied, synced, renamed into spool/queue/; from here it is ours
//!   ▼ claimed, a thread of its own: daemon::conduct
//! job::manifest::parse    what was written, and every mistake with its place
//!   ▼
//! job::check              handles looked up, modifiers parsed: an ExportJob, or a refusal
//!   ▼
//! job::run                probes in worker processes, plans, names every output; collisions are
//!   │                     found; then copies and converts into a stage, journalled one by one
//!   ▼
//! job::publish            decided in the journal, then one rename to out/RUN
//!   ▼
//! job::log::JobLog        what came of it ─▶ report::folder ─▶ report::outbox
//!   ▼
//! Claim::finish           and the mail goes in its own time
//! ```
//! It goes forward only, and each step is durable before the next. What was interrupted is taken
//! up again: conversion is deterministic, names are fixed, writes are whole or not there.
//! `exportd once` is the same road without the spool, `exportd plan` the same up to the names.
//!
//! # Where to begin reading
//! [`job::log`] for what a run can end as, [`imaging::plan`] for what a conversion is,
//! [`spool`] for what a crash leaves behind, [`diag::Fault`] for how a failure reaches a person.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod diag;
pub mod fs;
pub mod imaging;
pub mod job;
pub mod library;
pub mod pulse;
pub mod report;
pub mod spool;
pub mod worker;
