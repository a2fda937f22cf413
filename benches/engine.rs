//! How long each stage of a conversion takes.
//!
//! ```text
//! cargo bench --bench engine                      all
//! cargo bench --bench engine -- decode/jpeg       those whose names contain it
//! ```
//!
//! What else runs on the machine shows in the figures; a change is judged by instructions (see
//! `instructions.rs`) or by both sides in turns (`peers/`).

use exportd::imaging::Size;

#[path = "work/clock.rs"]
mod clock;
#[path = "work/engine.rs"]
mod engine;
#[path = "work/stage.rs"]
mod stage;

fn main() -> stage::Result<()> {
    let mut criterion = clock::criterion();
    let desk = engine::Desk::new(Size::new(3000, 2000), Size::new(1200, 800));
    for (name, stage) in engine::STAGES {
        clock::time(&mut criterion, name, || desk.prepare(*stage))?;
    }
    criterion.final_summary();
    Ok(())
}
