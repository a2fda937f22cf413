//! Fuzz loops: hostile bytes for everything that reads bytes of strangers.
//!
//! Each target takes seeds it makes itself (our own writers, hand-made headers) and the small
//! files of `fuzz/corpus/<target>/`, changes them at random, and runs one part of the program on
//! what comes out. The order is that of a seeded generator, so a round is repeatable.
//!
//! ```text
//! cargo test                                                  a few hundred rounds of each
//! cargo test --release --test fuzz -- --seconds 10 decode     by time, targets named like that
//! cargo test --test fuzz -- --seed 7 modifiers                another order
//! ```
//!
//! A finding is a panic, a broken promise (see [`targets`]) or an input that takes longer than
//! [`SLOW`]. It is made smaller, left as a file and shown in hexadecimal digits; fixed, it belongs
//! into the corpus. An abort or an overflow of the stack ends the process; the input is then in
//! `current-<target>` in Cargo's folder for test files.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

// The kinds that our own writer does not make; tests of the decoder have them, too.
#[path = "../src/imaging/formats/jpeg_decoder/tests/made.rs"]
mod jpegs;
mod mutate;
mod seeds;
mod targets;

use mutate::Random;
use targets::Target;

/// Rounds of each target when no time is given; few enough for unoptimised code.
const ROUNDS: u64 = 250;

/// Longest a target may take then, in seconds: a slow machine does fewer rounds.
const PATIENCE: u64 = 2;

/// Longest one input may take, of the processor's time: a machine may stand still or be busy.
const SLOW: Duration = Duration::from_secs(20);

/// Address space of the process, in bytes: what a worker has, and some for threads.
const MEMORY: u64 = 2 << 30;

/// Stack of a target, in bytes: that of a worker's main thread.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    let (settings, rest) = match Settings::from_arguments(std::env::args()) {
        Ok(found) => found,
        Err(words) => {
            tell(&words);
            return ExitCode::from(2);
        }
    };
    let mut arguments = Arguments::from_iter(rest);
    // Two at a time would share the memory and the clock.
    arguments.test_threads = Some(1);
    if !arguments.list {
        let limit = Rlimit { current: Some(MEMORY), maximum: getrlimit(Resource::As).maximum };
        if let Err(error) = setrlimit(Resource::As, limit) {
            tell(&format!("the memory cannot be limited: {error}"));
            return ExitCode::FAILURE;
        }
    }
    let trials = targets::all().into_iter().map(|target| {
        Trial::test(target.name.clone(), move || {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let run = thread.spawn(move || fuzz(&target, settings)).map_err(Failed::from)?;
            run.join()
                .map_err(|_| Failed::from("the fuzzer itself panicked"))?
                .map_err(Failed::from)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

#[expect(clippy::print_stderr, reason = "for whoever runs it")]
fn tell(words: &str) {
    eprintln!("{words}");
}

/// How long, and in which order.
#[derive(Debug, Clone, Copy)]
struct Settings {
    seconds: Option<u64>,
    seed: u64,
}

impl Settings {
    /// Takes our own options out of the arguments.
    fn from_arguments(
        arguments: impl Iterator<Item = String>,
    ) -> Result<(Self, Vec<String>), String> {
        let mut settings = Self { seconds: None, seed: 1 };
        let mut rest = Vec::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
                value.ok_or_else(|| format!("{argument} needs a whole number"))
            };
            match argument.as_str() {
                "--seconds" => settings.seconds = Some(number()?),
                "--seed" => settings.seed = number()?,
                _ => rest.push(argument),
            }
        }
        Ok((settings, rest))
    }
}

/// Runs one target; the error says what was found.
fn fuzz(target: &Target, settings: Settings) -> Result<(), String> {
    let mut seeds = target.seeds.clone();
    seeds.extend(corpus(&target.name)?);
    if seeds.is_empty() {
        return Err("there are no seeds".into());
    }
    let current = Current::open(&target.name).map_err(|error| error.to_string())?;
    // Every seed as it is comes first.
    for seed in &seeds {
        examine(target, seed, &current)?;
    }
    let mut random = Random::new(settings.seed);
    let time = Duration::from_secs(settings.seconds.unwrap_or(PATIENCE));
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < time && (settings.seconds.is_some() || rounds < ROUNDS) {
        let input = mutate::changed(&seeds, target.kind, &mut random);
        examine(target, &input, &current)?;
        rounds += 1;
    }
    if settings.seconds.is_some() {
        tell(&format!("{}: {rounds} rounds from {} seeds", target.name, seeds.len()));
    }
    Ok(())
}

/// The file of the input that runs. It stays open and is overwritten: file systems hurry to store
/// a file that was emptied and closed.
struct Current(File);

impl Current {
    fn open(target: &str) -> std::io::Result<Self> {
        let path = folder()?.join(format!("current-{target}"));
        Ok(Self(File::create(path)?))
    }

    fn is(&self, input: &[u8]) -> std::io::Result<()> {
        self.0.write_all_at(input, 0)?;
        self.0.set_len(input.len() as u64)
    }
}

/// Runs one input; a finding is made smaller and kept.
fn examine(target: &Target, input: &[u8], current: &Current) -> Result<(), String> {
    current.is(input).map_err(|error| error.to_string())?;
    let start = spent();
    let Err(words) = holds(target, input) else {
        let took = spent().saturating_sub(start);
        if took <= SLOW {
            return Ok(());
        }
        let kept = keep(&format!("slow-{}", target.name), input)?;
        return Err(format!("one input took {} s: {}", took.as_secs(), kept.display()));
    };
    let small = smaller(target, input);
    let kept = keep(&format!("finding-{}", target.name), &small)?;
    Err(format!("{words}\n{} bytes, {}:\n{}", small.len(), kept.display(), hexadecimal(&small)))
}

/// Returns how long the process has had a processor.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Runs one input; a panic is an error as well.
fn holds(target: &Target, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("panicked: {}", words.unwrap_or_default()))
    })
}

/// Leaves out parts of a finding as long as it stays one.
fn smaller(target: &Target, input: &[u8]) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut part = best.len() / 2;
    let start = Instant::now();
    while part > 0 {
        let mut at = 0;
        while at < best.len() && start.elapsed() < SLOW {
            let mut shorter = best.clone();
            shorter.drain(at..(at + part).min(best.len()));
            if holds(target, &shorter).is_err() {
                best = shorter;
            } else {
                at += part;
            }
        }
        part /= 2;
    }
    best
}

fn hexadecimal(bytes: &[u8]) -> String {
    const MOST: usize = 1024;
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(MOST)] {
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > MOST { text + "…" } else { text }
}

/// Reads the files of `fuzz/corpus/<target>/`, in the order of their names.
fn corpus(target: &str) -> Result<Vec<Vec<u8>>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| error.to_string())?.path());
    }
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).map_err(|error| error.to_string())).collect()
}

fn folder() -> std::io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[expect(clippy::disallowed_methods, reason = "nothing that has to outlive a crash of the machine")]
fn keep(name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let kept = folder().map(|folder| folder.join(name));
    let kept = kept.and_then(|path| std::fs::write(&path, bytes).map(|()| path));
    kept.map_err(|error| format!("{name}: {error}"))
}
