//! How long it takes to look up, check, write down and accept.
//!
//! ```text
//! cargo bench --bench shell
//! EXPORTD_BENCH_FILES=1000000 cargo bench --bench shell -- library
//! ```
//!
//! The library has a hundred thousand files, or as many as the variable says; with a million,
//! making and removing them takes minutes and inodes of the folder for temporary files (`TMPDIR`).
//! That folder should be on a disk, where it counts what is made durable.

#[path = "work/clock.rs"]
mod clock;
#[path = "work/shell.rs"]
mod shell;
#[path = "work/stage.rs"]
mod stage;

fn main() -> stage::Result<()> {
    let mut criterion = clock::criterion();
    let files = match std::env::var("EXPORTD_BENCH_FILES") {
        Ok(files) => files.parse()?,
        Err(_) => 100_000,
    };
    let folder = tempfile::tempdir()?;
    let desk = shell::Desk { folder: folder.path().to_owned(), files, handles: 10_000 };
    for (name, stage) in shell::STAGES {
        clock::time(&mut criterion, name, || desk.prepare(*stage))?;
    }
    criterion.final_summary();
    Ok(())
}
