//! The pool with real processes: this test binary plays the worker, and the bytes of an input
//! tell its engine what to do wrong.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Barrier, Mutex};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::crew::{Queued, State, Turn};
use super::lane::Ticket;
use super::process;
use super::wire::Channel;
use super::*;
use crate::diag::{Phrase, phrase};
use crate::imaging::Inputs;
use crate::imaging::hands::{Hands, Helpers};
use crate::imaging::plan::{Aux, Color, Conversion, Encoding, Output, Rect};
use crate::imaging::{PixelType, Size};

mod large;

/// Long enough for a machine that does ten other things.
const LONG: Duration = Duration::from_secs(60);

const MEMORY: u64 = 512 << 20;

/// Not a test: the worker processes of the others. Standard input tells which.
#[test]
fn worker_entry() {
    if Channel::from_stdin().is_some() {
        let _ = child_main();
    }
}

/// Not a test: worker processes that do not shut themselves in.
#[test]
fn unconfined_entry() {
    if let Some(channel) = Channel::from_stdin() {
        let _ = child::serve(&channel, |setup| {
            let none = || Held::Not("not asked to".into());
            let sandbox =
                Sandbox { limits: none(), ties: none(), landlock: none(), seccomp: none() };
            (sandbox, Helpers::start(setup.helpers, 1 << 20))
        });
    }
}

/// Not a test: a daemon to be killed. Prints its worker's id and waits.
#[test]
fn parent_entry() {
    if std::env::var_os("EXPORTD_TEST_PARENT").is_none() {
        return;
    }
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let _output = Fixture::new().submit(&lane, 0, "!spin");
    while pool.status().processes.is_empty() || pool.status().sandbox.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("\nworker {}", pool.status().processes[0]);
    let _ = lane.wait(LONG);
}

/// Does what the input says; `None` when it says nothing of the kind.
///
/// `!NAME TEXT`: with plan `n` the action is the `n`th of the words separated by `|`.
pub(super) fn obey(
    inputs: Inputs<'_>,
    plans: &[Plan],
    each: &mut dyn FnMut(usize, Result<Vec<u8>, Fault>),
) -> Option<Result<(), Fault>> {
    let script = std::str::from_utf8(inputs.source).ok()?;
    if !script.starts_with('!') {
        return None;
    }
    let actions: Vec<&str> = script.split('|').collect();
    for (index, plan) in plans.iter().enumerate() {
        // The test plans are numbered by their width, since a resumed task has fewer.
        let number = usize::try_from(plan.reply.width).unwrap_or(0);
        let action = actions.get(number).or(actions.first()).copied().unwrap_or_default();
        let reply = match action.trim_start_matches('!') {
            "aux" => Ok(beside(inputs.aux)),
            action if action.starts_with("helper ") => helped(inputs.hands, &action[7..]),
            _ => act(action),
        };
        let reply = match reply {
            Ok(reply) => Ok(reply.into_bytes()),
            Err(fault) => Err(fault),
        };
        each(index, reply);
    }
    Some(Ok(()))
}

/// Does it in another thread than the first, if there is one.
fn helped(hands: Hands<'_>, action: &str) -> Result<String, Fault> {
    if hands.is_alone() {
        return Ok("alone".into());
    }
    let (first, meeting) = (std::thread::current().id(), Barrier::new(2));
    let said = Mutex::new(Ok("no helper came".into()));
    hands.each(0..2, |_| {
        meeting.wait();
        if std::thread::current().id() != first {
            let done = act(action);
            *said.lock().unwrap() = done;
        }
    });
    said.into_inner().unwrap()
}

/// Tells what came beside the source, in order.
fn beside(aux: &[(Aux, Vec<u8>)]) -> String {
    let one = |(aux, bytes): &(Aux, Vec<u8>)| format!("{aux:?} {}", String::from_utf8_lossy(bytes));
    aux.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[expect(clippy::exit, reason = "what a library in C may do")]
fn act(action: &str) -> Result<String, Fault> {
    let (name, rest) = action.split_once(' ').unwrap_or((action, ""));
    let refused = |result: io::Result<()>| match result {
        Ok(()) => "allowed".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    Ok(match name.trim_start_matches('!') {
        "echo" => rest.to_owned(),
        "fail" => return Err(Fault::Damaged { detail: rest.to_owned().into() }),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(7),
        "panic" => panic!("told to"),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "pause" => {
            std::thread::sleep(Duration::from_millis(20));
            rest.to_owned()
        }
        "sleep" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        "nap" => {
            std::thread::sleep(Duration::from_millis(5));
            String::new()
        }
        "alloc" => vec![1_u8; usize::try_from(2 * MEMORY).unwrap()].len().to_string(),
        "reserve" => match Vec::<u8>::new().try_reserve(usize::try_from(2 * MEMORY).unwrap()) {
            Ok(()) => "got it".into(),
            Err(_) => return Err(Fault::OutOfMemory { limit: 1 }),
        },
        "stack" => recurse(0).to_string(),
        "signal" => {
            let signal = Signal::from_named_raw(rest.parse().unwrap()).unwrap();
            // Again and again: the first SIGSEGV only takes down the standard library's handler.
            loop {
                kill_process(rustix::process::getpid(), signal).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        "open" => refused(File::open(rest).map(drop)),
        "create" => refused(File::create_new(rest).map(drop)),
        "socket" => refused(std::net::UdpSocket::bind("127.0.0.1:0").map(drop)),
        "listen" => refused(std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
        "connect" => refused(std::os::unix::net::UnixStream::connect(rest).map(drop)),
        "thread" => refused(std::thread::Builder::new().spawn(|| ()).map(drop)),
        "spawn" => {
            refused(Command::new("/bin/true").spawn().and_then(|mut it| it.wait()).map(drop))
        }
        "exec" => refused(Err(Command::new("/bin/true").exec())),
        "stat" => refused(std::fs::metadata(rest).map(drop)),
        "kill" => refused(kill_process(Pid::INIT, Signal::WINCH).map_err(Into::into)),
        "chatter" => {
            for _ in 0..100_000 {
                let _ = io::stderr().write_all(b"memory allocation of words\n");
            }
            "said".into()
        }
        "long" => "x".repeat(rest.parse().unwrap()),
        "environment" => {
            format!("{:?}", std::env::vars().map(|(name, _)| name).collect::<Vec<_>>())
        }
        other => panic!("no such action: {other}"),
    })
}

#[expect(unconditional_recursion, reason = "to run out of stack")]
fn recurse(depth: u64) -> u64 {
    let block = std::hint::black_box([depth; 512]);
    recurse(depth + 1) + block[7]
}

pub(super) fn plan() -> Plan {
    let size = Size::new(0, 1);
    let background = Color { pixel_type: PixelType::Rgb, components: [255; 4], alpha: 255 };
    Plan {
        page: None,
        source: size,
        composite: size,
        reply: size,
        placement: Rect { x: 0, y: 0, size },
        steps: Vec::new(),
        output: Output {
            encoding: Encoding::Png,
            pixel_type: PixelType::Rgb,
            alpha: false,
            background,
            conversion: Conversion::default(),
            embed_profile: false,
            embed_xmp: false,
            paths: None,
            dpi: None,
        },
        aux: Vec::new(),
        extension: "png".into(),
    }
}

fn settings(workers: usize, deadline: Duration) -> PoolSettings {
    PoolSettings {
        workers,
        memory: MEMORY,
        deadline,
        max_output: 1 << 20,
        program: std::env::current_exe().unwrap(),
        ..PoolSettings::default()
    }
}

fn pool(workers: usize, deadline: Duration) -> Pool {
    pool_with(settings(workers, deadline), LONG)
}

fn pool_with(settings: PoolSettings, idle: Duration) -> Pool {
    pool_of("worker_entry", settings, idle)
}

/// Starts a pool whose workers run that one of the tests above that is none.
fn pool_of(entry: &str, settings: PoolSettings, idle: Duration) -> Pool {
    let entry = format!("worker::tests::{entry}");
    let arguments = ["--exact", &entry, "--nocapture", "--test-threads=1"];
    Pool::start_with(settings, arguments.map(str::to_owned).into(), idle).unwrap()
}

/// A folder for the inputs and outputs of a test.
struct Fixture {
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn input(&self, content: &[u8]) -> File {
        let mut file = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
        file.write_all(content).unwrap();
        file.reopen().unwrap()
    }

    /// Returns an output as a task wants it, and one to read what became of it.
    fn output(&self) -> (File, File) {
        let file = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
        let writable = File::options().write(true).open(file.path()).unwrap();
        (writable, file.into_file())
    }

    /// Submits a conversion with one plan per action; returns its outputs.
    fn submit(&self, lane: &Lane, tag: u64, script: &str) -> Vec<File> {
        self.submit_sized(lane, (tag, Size::new(0, 1)), script)
    }

    /// The same for a source of this size.
    fn submit_sized(&self, lane: &Lane, (tag, source): (u64, Size), script: &str) -> Vec<File> {
        let count = script.split('|').count();
        let (outputs, readers) = (0..count).map(|_| self.output()).unzip();
        let numbered = |n: usize| {
            let mut plan = plan();
            plan.reply.width = u32::try_from(n).unwrap();
            plan.source = source;
            plan
        };
        let plans = (0..count).map(numbered).collect();
        lane.submit(
            tag,
            Task::Convert {
                input: self.input(script.as_bytes()),
                aux: Vec::new(),
                plans,
                outputs,
                showing: Showing::Nothing,
            },
        );
        readers
    }

    /// Runs a conversion with one plan; returns what it wrote.
    fn run(&self, lane: &Lane, script: &str) -> Result<String, Fault> {
        self.run_sized(lane, Size::new(0, 1), script)
    }

    /// The same for a source of this size.
    fn run_sized(&self, lane: &Lane, source: Size, script: &str) -> Result<String, Fault> {
        let output = self.submit_sized(lane, (0, source), script).remove(0);
        match lane.wait(LONG).unwrap() {
            (0, Ok(Answer::Converted(mut replies, _))) => {
                let written = replies.remove(0)?;
                let text = content(output);
                assert_eq!(written.bytes, text.len() as u64);
                assert_eq!(written.sha256, crate::fs::sha256(text.as_bytes()));
                Ok(text)
            }
            (0, Err(fault)) => Err(fault),
            other => panic!("{other:?}"),
        }
    }
}

fn content(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// Tells whether a process runs; a zombie does not.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

fn eventually(what: impl Fn() -> bool) -> bool {
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_pool_without_work_is_no_process() {
    let pool = pool(2, LONG);
    assert!(pool.status().processes.is_empty());
    assert!(pool.lane().wait(LONG).is_none(), "nothing is outstanding");
    assert!(matches!(Pool::start(settings(0, LONG)), Err(PoolError::NoWorkers)));
}

#[test]
fn outputs_are_written_hashed_and_numbered() {
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!echo hello"), Ok("hello".into()));
    let outputs = fixture.submit(&lane, 7, "!echo a|!fail cut short|!echo ccc");
    let (tag, answer) = lane.wait(LONG).unwrap();
    let Ok(Answer::Converted(replies, _)) = answer else { panic!("{answer:?}") };
    assert_eq!(tag, 7);
    assert_eq!(replies[1], Err(Fault::Damaged { detail: "cut short".into() }));
    assert_eq!(replies[2].as_ref().unwrap().bytes, 3);
    assert_eq!(outputs.into_iter().map(content).collect::<Vec<_>>(), ["a", "", "ccc"]);
    assert_eq!(pool.status().processes.len(), 1, "the worker used last is used again");
}

#[test]
fn a_copy_is_the_source_and_its_hash() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let text = "original ".repeat(50_000);
    let (output, reader) = fixture.output();
    lane.submit(3, Task::Copy { input: fixture.input(text.as_bytes()), output });
    let sha256 = crate::fs::sha256(text.as_bytes());
    let written = Written { bytes: text.len() as u64, sha256, thumbnail: None };
    assert_eq!(lane.wait(LONG), Some((3, Ok(Answer::Copied(written)))));
    assert!(content(reader) == text);
    let (output, _reader) = fixture.output();
    lane.submit(4, Task::Copy { input: fixture.input(&vec![0; (1 << 20) + 1]), output });
    let (_, answer) = lane.wait(LONG).unwrap();
    assert!(matches!(answer, Err(Fault::NotWritable { .. })), "{answer:?}");
}

#[test]
fn what_breaks_a_worker_fails_one_task() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let ended = |how: Phrase| Fault::WorkerDied { how };
    let without_reason = || ended(process::stopped());
    for (broken, (script, fault)) in (1..).zip([
        ("!abort", without_reason()),
        ("!exit", without_reason()),
        (
            "!panic",
            Fault::Damaged { detail: phrase!("decoder-gave-up", "it could not be decoded") },
        ),
        ("!alloc", Fault::OutOfMemory { limit: MEMORY }),
        ("!stack", ended(phrase!("stack-overflowed", "it is nested too deeply"))),
        ("!signal 11", without_reason()),
        ("!signal 25", child::too_long(1 << 20)),
        ("!signal 24", Fault::TooSlow { seconds: LONG.as_secs() }),
        (
            "!signal 9",
            ended(phrase!(
                "killed-for-memory",
                "the system stopped it, probably because memory ran out"
            )),
        ),
    ]) {
        assert_eq!(fixture.run(&lane, script), Err(fault), "{script}");
        assert_eq!(fixture.run(&lane, "!echo still here"), Ok("still here".into()), "{script}");
        assert_eq!(pool.status().broken, broken, "{script}");
    }
    assert_eq!(fixture.run(&lane, "!reserve"), Err(Fault::OutOfMemory { limit: 1 }));
}

#[test]
fn a_worker_that_hangs_is_killed_at_the_deadline() {
    let fixture = Fixture::new();
    let pool = pool(1, Duration::from_millis(300));
    let lane = pool.lane();
    for script in ["!sleep", "!spin"] {
        let begin = Instant::now();
        assert_eq!(fixture.run(&lane, script), Err(Fault::TooSlow { seconds: 1 }));
        assert!(begin.elapsed() >= Duration::from_millis(300));
    }
    assert_eq!(fixture.run(&lane, "!echo next"), Ok("next".into()));
}

#[test]
fn a_thread_promises_as_long_as_a_worker_may_take_and_then_rests() {
    let fixture = Fixture::new();
    let pool = pool(1, Duration::from_millis(800));
    let [pulse] = pool.pulses() else { panic!("one thread") };
    assert_eq!(pulse.due(Duration::ZERO), None);
    let lane = pool.lane();
    let _output = fixture.submit(&lane, 0, "!sleep");
    let limit = Duration::from_millis(800) + process::BURIAL;
    let doing = |at| pulse.overdue(at, Duration::ZERO).map(|overdue| overdue.doing);
    assert!(eventually(|| doing(Instant::now() + limit) == Some("waits for a worker")));
    assert_eq!(doing(Instant::now()), None, "not before its limit");
    assert!(lane.wait(LONG).is_some());
    assert!(eventually(|| pulse.due(Duration::ZERO).is_none()));
}

#[test]
fn the_files_of_a_task_are_closed_by_its_lane() {
    use rustix::fs::{FlockOperation::NonBlockingLockExclusive, flock};
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let path = fixture.dir.path().join("source");
    crate::fs::write_new(&path, b"x", 0o600).unwrap();
    let (input, again) = (File::open(&path).unwrap(), File::open(&path).unwrap());
    // Held until whatever came of this descriptor is closed.
    flock(&input, NonBlockingLockExclusive).unwrap();
    let (output, _reader) = fixture.output();
    lane.submit(0, Task::Copy { input, output });
    // Its worker is at the next task: it has closed what it was lent for the first.
    let _output = fixture.submit(&lane, 1, "!sleep");
    assert!(eventually(|| pool.status().queued == 0));
    assert_eq!(flock(&again, NonBlockingLockExclusive), Err(rustix::io::Errno::WOULDBLOCK));
    assert!(matches!(lane.wait(LONG), Some((0, Ok(_)))));
    flock(&again, NonBlockingLockExclusive).unwrap();
    pool.abort();
}

#[test]
fn an_output_that_breaks_a_worker_leaves_the_others_alone() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let outputs = fixture.submit(&lane, 0, "!echo 0|!abort|!echo 2|!fail x|!echo 4");
    let (_, answer) = lane.wait(LONG).unwrap();
    let Ok(Answer::Converted(replies, _)) = answer else { panic!("{answer:?}") };
    let good: Vec<bool> = replies.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true, false, true]);
    assert_eq!(replies[1], Err(Fault::WorkerDied { how: process::stopped() }));
    assert_eq!(outputs.into_iter().map(content).collect::<Vec<_>>(), ["0", "", "2", "", "4"]);
}

#[test]
fn a_worker_cannot_get_out() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!environment"), Ok(r#"["GLIBC_TUNABLES"]"#.into()));
    let sandbox = pool.status().sandbox.unwrap();
    let denied = Ok("permission denied".to_owned());
    let secret = fixture.dir.path().join("secret");
    crate::fs::write_new(&secret, b"s", 0o644).unwrap();
    let secret = secret.to_str().unwrap();
    if sandbox.landlock == Held::Fully || sandbox.seccomp == Held::Fully {
        assert_eq!(fixture.run(&lane, &format!("!open {secret}")), denied);
    }
    if sandbox.seccomp != Held::Fully {
        return;
    }
    for script in
        ["!socket", "!connect /run/x", "!spawn", "!thread", "!kill", &format!("!stat {secret}")]
    {
        assert_eq!(fixture.run(&lane, script), denied, "{script}");
    }
    assert_eq!(pool.status().broken, 0);
    let fault = Fault::WorkerDied { how: forbidden() };
    assert_eq!(fixture.run(&lane, "!exec"), Err(fault));
}

fn forbidden() -> Phrase {
    phrase!("tried-forbidden", "it was blocked by a safety rule")
}

/// What is forbidden is tried twice, by a worker that is shut in and by one that is not: so that it
/// is the sandbox that refuses, and not a test that asks for what does not work anyway.
#[test]
fn what_a_worker_is_refused_works_without_the_sandbox() {
    let fixture = Fixture::new();
    let secret = fixture.dir.path().join("secret");
    crate::fs::write_new(&secret, b"s", 0o644).unwrap();
    let ear = fixture.dir.path().join("ear");
    let _ear = std::os::unix::net::UnixListener::bind(&ear).unwrap();
    let made = fixture.dir.path().join("made");
    let script = |what: &str, path: &Path| format!("!{what} {}", path.display());
    let confined = pool(1, LONG);
    let lane = confined.lane();
    assert_eq!(fixture.run(&lane, "!echo x"), Ok("x".into()));
    let sandbox = confined.status().sandbox.unwrap();
    // Where the kernel has seccomp, so do we: a worker without it must not pass here unseen.
    let kernel_has_it = Path::new("/proc/sys/kernel/seccomp/actions_avail").exists();
    assert_eq!(sandbox.seccomp == Held::Fully, kernel_has_it, "{sandbox}");
    if sandbox.seccomp != Held::Fully {
        return;
    }
    let free = pool_of("unconfined_entry", settings(1, LONG), LONG);
    let free_lane = free.lane();
    for script in [
        // a file
        script("open", &secret),
        script("stat", &secret),
        script("create", &made),
        // a socket
        "!socket".into(),
        "!listen".into(),
        script("connect", &ear),
        // a process
        "!spawn".into(),
        "!thread".into(),
    ] {
        let refused = fixture.run(&lane, &script);
        assert_eq!(refused, Ok("permission denied".into()), "{script}");
        assert!(!made.exists() || !script.starts_with("!create"), "{script}");
        assert_eq!(fixture.run(&free_lane, &script), Ok("allowed".into()), "{script}");
    }
    assert!(made.exists());
    assert_eq!(confined.status().broken, 0);
    // To become another program ends the one that is shut in, and works for the other: it then
    // ends as that program does, without a word.
    let died = |how: Phrase| Err(Fault::WorkerDied { how });
    assert_eq!(fixture.run(&lane, "!exec"), died(forbidden()));
    assert_eq!(fixture.run(&free_lane, "!exec"), died(process::stopped()));
}

#[test]
fn the_kernel_confirms_the_limits() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    assert_eq!(fixture.run(&pool.lane(), "!echo x"), Ok("x".into()));
    let PoolStatus { processes, sandbox, .. } = pool.status();
    let proc = Path::new("/proc").join(processes[0].to_string());
    let read = |name: &str| std::fs::read_to_string(proc.join(name)).unwrap();
    let limits = read("limits");
    let of = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("Max address space"), [MEMORY.to_string(), MEMORY.to_string()]);
    assert_eq!(of("Max file size"), ["1048576", "1048576"]);
    assert_eq!(of("Max core file size"), ["0", "0"]);
    assert_eq!(of("Max processes"), ["0", "0"]);
    assert_eq!(of("Max open files"), ["258", "258"]);
    let time: u64 = of("Max cpu time")[0].parse().unwrap();
    assert!((LONG.as_secs()..LONG.as_secs() + 10).contains(&time), "{time}");
    assert_eq!(read("oom_score_adj").trim(), "900");
    // A worker has one thread; this test binary, playing it, has more.
    let threads: Vec<String> = std::fs::read_dir(proc.join("task"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path().join("status")).unwrap())
        .collect();
    let full = sandbox.unwrap().seccomp == Held::Fully;
    assert!(threads.iter().any(|status| status.contains("NoNewPrivs:\t1")));
    assert!(!full || threads.iter().any(|status| status.contains("Seccomp:\t2")));
}

#[test]
fn a_worker_keeps_no_descriptor() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let open = || {
        let worker = pool.status().processes[0];
        std::fs::read_dir(format!("/proc/{worker}/fd")).unwrap().count()
    };
    assert_eq!(fixture.run(&lane, "!echo x"), Ok("x".into()));
    let before = open();
    for tag in 0..50 {
        fixture.submit(&lane, tag, "!echo a|!fail b|!echo c");
    }
    while lane.wait(LONG).is_some() {}
    // The last request's end is reported after its files are closed.
    assert_eq!(open(), before);
}

#[test]
fn a_worker_that_talks_neither_blocks_nor_confuses() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!chatter"), Ok("said".into()));
    // What it said before is not taken for the reason of its end.
    let fault = Fault::WorkerDied { how: process::stopped() };
    assert_eq!(fixture.run(&lane, "!abort"), Err(fault));
}

#[test]
fn what_an_earlier_worker_wrote_is_forgotten() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let half_written = || {
        let (mut output, reader) = fixture.output();
        output.write_all(b"half an output").unwrap();
        (output, reader)
    };
    let (output, reader) = half_written();
    let input = fixture.input(b"!echo whole");
    lane.submit(
        0,
        Task::Convert {
            input,
            aux: Vec::new(),
            plans: vec![plan()],
            outputs: vec![output],
            showing: Showing::Nothing,
        },
    );
    assert!(matches!(lane.wait(LONG), Some((0, Ok(_)))));
    assert_eq!(content(reader), "whole");
    let (output, reader) = half_written();
    let mut input = fixture.input(b"original");
    input.read_exact(&mut [0; 4]).unwrap();
    lane.submit(1, Task::Copy { input, output });
    assert!(matches!(lane.wait(LONG), Some((1, Ok(_)))));
    assert_eq!(content(reader), "original");
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    lane.submit(1, Task::Copy { input: fixture.input(b"x"), output: full() });
    assert_eq!(lane.wait(LONG), Some((1, Err(Fault::DiskFull))));
    let input = fixture.input(b"!echo x");
    lane.submit(
        2,
        Task::Convert {
            input,
            aux: Vec::new(),
            plans: vec![plan()],
            outputs: vec![full()],
            showing: Showing::Nothing,
        },
    );
    let answer = Answer::Converted(vec![Err(Fault::DiskFull)], None);
    assert_eq!(lane.wait(LONG), Some((2, Ok(answer))));
}

#[test]
fn what_does_not_become_durable_is_not_written() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    // It takes what is written and cannot be synced.
    let null = File::options().write(true).open("/dev/null").unwrap();
    let outputs = vec![null, fixture.output().0];
    let input = fixture.input(b"!echo x");
    let plans = vec![plan(), plan()];
    let showing = Showing::Nothing;
    lane.submit(3, Task::Convert { input, aux: Vec::new(), plans, outputs, showing });
    let Some((3, Ok(Answer::Converted(replies, _)))) = lane.wait(LONG) else { panic!("no answer") };
    assert!(matches!(replies[0], Err(Fault::NotWritable { .. })), "{replies:?}");
    assert!(replies[1].is_ok(), "{replies:?}");
}

#[test]
fn an_output_beyond_the_limit_is_refused() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!long 1048576").unwrap().len(), 1 << 20);
    let fault = fixture.run(&lane, "!long 1048577").unwrap_err();
    assert!(matches!(fault, Fault::NotWritable { .. }), "{fault:?}");
    assert_eq!(pool.status().broken, 0);
}

#[test]
fn a_small_job_is_not_kept_waiting_by_a_large_one() {
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let large = pool.lane();
    for tag in 0..1000 {
        fixture.submit(&large, tag, "!nap");
    }
    let small = pool.lane();
    for tag in 0..3 {
        fixture.submit(&small, tag, "!nap");
    }
    for _ in 0..3 {
        assert!(matches!(small.wait(LONG), Some((_, Ok(_)))));
    }
    assert!(pool.status().queued > 0, "the large job was done first");
    assert!(small.wait(LONG).is_none(), "nothing is outstanding");
    assert_eq!((large.room(), small.room()), (0, 4));
}

#[test]
fn lanes_take_turns() {
    let fixture = Fixture::new();
    let (sender, _answers) = std::sync::mpsc::channel();
    let mut state = State::default();
    for (lane, tags) in [(1, vec![10, 11, 12, 13]), (2, vec![20]), (3, vec![30, 31])] {
        let queued = |tag| Queued {
            task: Task::Probe { input: fixture.input(b"") },
            ticket: Ticket::new(tag, sender.clone()),
        };
        state.turns.push_back(Turn { lane, queue: tags.into_iter().map(queued).collect() });
    }
    let order: Vec<u64> =
        std::iter::from_fn(|| state.next()).map(|queued| queued.ticket.tag).collect();
    assert_eq!(order, [10, 20, 30, 11, 31, 12, 13]);
}

#[test]
fn a_lane_keeps_its_order_and_can_take_back_what_has_not_begun() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    for tag in 0..20 {
        fixture.submit(&lane, tag, "!echo x");
    }
    assert_eq!(lane.wait(LONG).unwrap().0, 0);
    assert_eq!(lane.wait(LONG).unwrap().0, 1);
    let back = lane.withdraw();
    let mut seen = vec![0, 1];
    seen.extend(std::iter::from_fn(|| lane.wait(LONG)).map(|(tag, _)| tag));
    seen.extend(back);
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    assert!(lane.is_open() && lane.outstanding() == 0);
}

#[test]
fn a_dropped_lane_is_forgotten() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    for tag in 0..500 {
        fixture.submit(&lane, tag, "!echo x");
    }
    drop(lane);
    assert_eq!(pool.status().queued, 0);
    assert_eq!(fixture.run(&pool.lane(), "!echo next"), Ok("next".into()));
}

#[test]
fn a_worker_that_died_idle_is_replaced_unseen() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!echo one"), Ok("one".into()));
    let pid = pool.status().processes[0];
    let raw = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(raw, Signal::KILL).unwrap();
    assert!(eventually(|| !lives(pid)));
    assert_eq!(fixture.run(&lane, "!echo two"), Ok("two".into()));
    assert_ne!(pool.status().processes, [pid]);
}

#[test]
fn idle_workers_are_sent_home() {
    let fixture = Fixture::new();
    let pool = pool_with(settings(2, LONG), Duration::from_millis(20));
    let lane = pool.lane();
    assert_eq!(fixture.run(&lane, "!echo one"), Ok("one".into()));
    assert!(eventually(|| pool.status().processes.is_empty()));
    assert_eq!(pool.status().broken, 0);
    assert_eq!(fixture.run(&lane, "!echo two"), Ok("two".into()));
}

#[test]
fn a_program_that_is_no_worker_is_a_fault_and_not_a_hang() {
    let fixture = Fixture::new();
    for (program, reason) in [("/nonexistent", "No such file"), ("/bin/false", "exit status: 1")] {
        let settings = PoolSettings { program: program.into(), ..settings(1, LONG) };
        let pool = Pool::start(settings).unwrap();
        let fault = fixture.run(&pool.lane(), "!echo x").unwrap_err();
        let Fault::Internal { detail } = fault else { panic!("{fault:?}") };
        assert!(detail.contains(reason), "{detail}");
        assert!(pool.status().processes.is_empty());
    }
}

#[test]
fn what_is_named_beside_the_source_arrives_in_order_and_every_time() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let aux = || {
        let mut mask = fixture.input(b"a mask");
        // Whoever opened it may have read from it.
        mask.read_exact(&mut [0; 2]).unwrap();
        vec![
            (Aux::Profile("press".into()), fixture.input(b"a profile")),
            (Aux::Mask("m.png".into()), mask),
        ]
    };
    let wanted = "Profile(\"press\") a profile; Mask(\"m.png\") a mask";
    for tag in 0..2 {
        let (output, reader) = fixture.output();
        let input = fixture.input(b"!aux");
        let (plans, outputs) = (vec![plan()], vec![output]);
        lane.submit(
            tag,
            Task::Convert { input, aux: aux(), plans, outputs, showing: Showing::Nothing },
        );
        let answer = lane.wait(LONG);
        assert!(matches!(answer, Some((_, Ok(Answer::Converted(..))))), "{answer:?}");
        assert_eq!(content(reader), wanted);
    }
    // A worker that breaks is followed by another, which gets the same files from their beginning.
    let (outputs, mut readers): (Vec<File>, Vec<File>) = (0..2).map(|_| fixture.output()).unzip();
    let numbered = |n: u32| {
        let mut plan = plan();
        plan.reply.width = n;
        plan
    };
    let (first, plans) =
        (fixture.input(b"!aux|!abort|!aux"), vec![numbered(0), numbered(1), numbered(2)]);
    let (third, reader) = fixture.output();
    readers.push(reader);
    let outputs = outputs.into_iter().chain([third]).collect();
    lane.submit(
        2,
        Task::Convert { input: first, aux: aux(), plans, outputs, showing: Showing::Nothing },
    );
    let Some((2, Ok(Answer::Converted(replies, _)))) = lane.wait(LONG) else { panic!("no answer") };
    assert_eq!(replies.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(content(readers.remove(2)), wanted);
}

#[test]
fn a_file_beside_the_source_that_is_far_too_long_is_not_read() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let path = fixture.dir.path().join("huge");
    let sparse = File::create_new(&path).unwrap();
    sparse.set_len(MAX_AUX_BYTES + 1).unwrap();
    let aux = vec![(Aux::Mask("m.png".into()), File::open(path).unwrap())];
    let (output, _reader) = fixture.output();
    let input = fixture.input(b"!aux");
    lane.submit(
        0,
        Task::Convert {
            input,
            aux,
            plans: vec![plan()],
            outputs: vec![output],
            showing: Showing::Nothing,
        },
    );
    let Some((0, Err(fault))) = lane.wait(LONG) else { panic!("it was read") };
    assert!(fault.to_string().contains("the mask m.png is larger than"), "{fault}");
}

#[test]
fn more_outputs_than_descriptors_fit_is_a_fault() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    let most = vec!["!echo x"; MAX_OUTPUTS].join("|");
    let outputs = fixture.submit(&lane, 0, &most);
    let (_, answer) = lane.wait(LONG).unwrap();
    let Ok(Answer::Converted(replies, _)) = answer else { panic!("{answer:?}") };
    assert!(replies.iter().all(Result::is_ok) && replies.len() == MAX_OUTPUTS);
    drop(outputs);
    let too_many = vec!["!echo x"; wire::MAX_FILES].join("|");
    fixture.submit(&lane, 1, &too_many);
    assert!(matches!(lane.wait(LONG), Some((1, Err(Fault::Internal { .. })))));
    assert_eq!(fixture.run(&lane, "!echo next"), Ok("next".into()));
}

#[test]
fn stopping_finishes_what_runs_and_drops_what_waits() {
    let fixture = Fixture::new();
    let pool = pool(1, LONG);
    let lane = pool.lane();
    for tag in 0..50 {
        fixture.submit(&lane, tag, "!pause");
    }
    assert!(lane.wait(LONG).is_some());
    let processes = pool.status().processes;
    pool.stop();
    assert!(!lane.is_open());
    let answered = std::iter::from_fn(|| lane.wait(LONG)).filter(|(_, a)| a.is_ok()).count();
    assert!(answered < 49, "{answered}");
    assert_eq!(lane.outstanding(), 0);
    fixture.submit(&lane, 0, "!echo late");
    assert!(lane.wait(LONG).is_none());
    assert!(!processes.into_iter().any(lives));
}

#[test]
fn aborting_kills_what_runs_and_calls_nothing_failed() {
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let lane = pool.lane();
    for tag in 0..4 {
        fixture.submit(&lane, tag, "!spin");
    }
    assert!(eventually(|| pool.status().processes.len() == 2 && pool.status().sandbox.is_some()));
    let processes = pool.status().processes;
    let begin = Instant::now();
    pool.abort();
    assert!(lane.wait(LONG).is_none(), "no answer, and no waiting");
    assert_eq!(lane.outstanding(), 0);
    drop(pool);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(!processes.into_iter().any(lives));
}

#[test]
fn a_killed_daemon_leaves_no_worker() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker::tests::parent_entry", "--nocapture"])
        .env("EXPORTD_TEST_PARENT", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let worker = BufReader::new(parent.stdout.take().unwrap())
        .lines()
        .find_map(|line| line.unwrap().strip_prefix("worker ")?.parse().ok())
        .unwrap();
    assert!(lives(worker) && Path::new("/proc/self").exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(eventually(|| !lives(worker)));
}
