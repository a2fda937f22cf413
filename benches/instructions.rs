//! Does each stage twice, small, so that the instructions of the second time can be counted.
//!
//! ```text
//! instructions FOLDER [STAGE ...]
//! ```
//!
//! FOLDER is empty. Of each stage, or of those named, a line says the name and a number of what it
//! was given. `tests/system/parts/86-instructions.py` runs it under callgrind, which counts what
//! happens inside of [`measured_stage`]. It needs nothing but `std` and the library, so that it can
//! be linked with the one that is there already.

use std::path::PathBuf;

use exportd::imaging::Size;

#[path = "work/engine.rs"]
mod engine;
#[path = "work/shell.rs"]
mod shell;
#[path = "work/stage.rs"]
mod stage;

use stage::{Job, Result, Work};

/// Small: it takes fifty times as long when it is counted.
const SOURCE: Size = Size::new(600, 400);
const REPLY: Size = Size::new(240, 160);

/// They ask for the time by the kernel's page for it, which a process under valgrind does not have.
/// What they cost is the disk's anyway.
const NOT_COUNTED: [&str; 2] = ["journal/", "spool/"];

fn main() -> Result<()> {
    // Cargo says that it is a benchmark, and means all of them.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(folder) = arguments.next() else { return Ok(()) };
    let wanted: Vec<String> = arguments.collect();
    let engine_desk = engine::Desk::new(SOURCE, REPLY);
    let shell_desk = shell::Desk { folder: PathBuf::from(folder), files: 10_000, handles: 10_000 };
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    for (name, stage) in engine::STAGES.iter().filter(|(name, _)| is_wanted(name)) {
        count(name, engine_desk.prepare(*stage))?;
    }
    let counts = |name: &str| NOT_COUNTED.iter().all(|theme| !name.starts_with(theme));
    for (name, stage) in shell::STAGES.iter().filter(|(name, _)| is_wanted(name) && counts(name)) {
        count(name, shell_desk.prepare(*stage))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what it is for")]
fn count(name: &str, prepared: Result<Work>) -> Result<()> {
    let again = |error| format!("{name}: {error}");
    let mut work = prepared.map_err(again)?;
    // The first time tables are made and folders listed.
    work.once().map_err(again)?;
    let job = (work.fresh)().map_err(again)?;
    if !measured_stage(job) {
        return Err(format!("{name}: it does not do what it should").into());
    }
    println!("{name} {:08x}", work.input);
    Ok(())
}

/// The part that counts.
#[inline(never)]
fn measured_stage(job: Job) -> bool {
    // Not the last thing here, so that it is no jump out of this function.
    std::hint::black_box(job())
}
