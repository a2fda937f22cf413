//! The engine alone, for `peers/figures.py`: what isolation, journal and hash cost is the difference.
//!
//! Reads a request a line from standard input, as other peers do, and answers each with a line:
//!
//! ```text
//! {"source": "a.jpg", "to": "out/a", "asked": {"1": "wid=1200&fmt=jpeg"}}
//! ```
//!
//! A reply is written to the name of `to` with its number appended, and not synced.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, Cursor, Write as _};
use std::path::PathBuf;

use exportd::imaging::modifiers::{Presets, Rules, parse};
use exportd::imaging::plan::{Defaults, Plan, plan};
use exportd::imaging::{Inputs, Limits, Made, SourceInfo, Uprighting, convert_and_show, probe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Request {
    source: PathBuf,
    to: String,
    asked: BTreeMap<String, String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo says that it is a benchmark, and means all of them.
    if std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        serve(&serde_json::from_str(&line?)?)?;
        writeln!(answers)?;
        answers.flush()?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "peers do not sync what they write, either")]
fn serve(request: &Request) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let source = std::fs::read(&request.source)?;
    let info = probe(Cursor::new(&*source), &limits, Uprighting::Apply)?;
    let plans = request
        .asked
        .values()
        .map(|modifiers| planned(modifiers, &info))
        .collect::<Result<Vec<_>, _>>()?;
    let mut done = Ok(());
    convert_and_show(Inputs::of(&source), &plans, &limits, Uprighting::Apply, &mut |made| {
        // The thumbnails a report shows are part of the work.
        let Made::Reply(number, reply) = made else { return };
        let written = reply.map_err(Into::into).and_then(|reply| {
            Ok::<_, Box<dyn Error>>(std::fs::write(format!("{}-{number}", request.to), reply.file)?)
        });
        if written.is_err() {
            done = written;
        }
    })?;
    done
}

fn planned(modifiers: &str, info: &SourceInfo) -> Result<Plan, Box<dyn Error>> {
    let parsed = parse(modifiers, &Presets::default(), Rules::default());
    let planned = plan(&parsed.modifiers, info, &Defaults::default());
    Ok(planned.map_err(|finding| finding.message.to_string())?.plan)
}
