//! Large pictures: who gets how many threads, and what helpers may do.

use super::*;
use crate::worker::sandbox::HELPER_SPACE;

/// Large enough for several threads.
const LARGE: Size = Size::new(4000, 3000);

/// On one core there are no helpers to be tested.
fn has_helpers() -> bool {
    cores() > 1
}

#[test]
fn a_large_picture_takes_the_cores_that_are_idle() {
    let fixture = Fixture::new();
    let task = |plans: Vec<Plan>| Task::Convert {
        input: fixture.input(b""),
        aux: Vec::new(),
        plans,
        outputs: Vec::new(),
        showing: Showing::Nothing,
    };
    let of = |source: Size, reply: Size| Plan { source, reply, ..plan() };
    let small = Size::new(3000, 2000);
    let large = task(vec![of(small, small), of(LARGE, small)]);
    let enlarged = task(vec![of(small, LARGE)]);
    let mut state = State::default();
    assert_eq!(state.lend(&task(vec![of(small, small)]), (16, 8)), 1);
    assert_eq!(state.lend(&Task::Probe { input: fixture.input(b"") }, (16, 8)), 1);
    // Two are at work already.
    assert_eq!(state.lend(&enlarged, (16, 8)), 8);
    assert_eq!(state.lend(&large, (16, 8)), 6);
    assert_eq!(state.lend(&large, (16, 8)), 1);
    let mut state = State::default();
    state.announce(1, 9);
    state.announce(2, 4);
    assert_eq!(state.lend(&large, (16, 8)), 3);
    state.announce(1, 0);
    let (sender, _answers) = std::sync::mpsc::channel();
    let queued = |tag| Queued {
        task: Task::Probe { input: fixture.input(b"") },
        ticket: Ticket::new(tag, sender.clone()),
    };
    state.turns.push_back(Turn { lane: 7, queue: (0..7).map(queued).collect() });
    assert_eq!(state.lend(&large, (16, 8)), 2);
}

#[test]
fn helpers_are_started_for_large_pictures_alone() {
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let lane = pool.lane();
    for (size, said) in [(Size::new(9, 9), "alone"), (LARGE, "x"), (Size::new(9, 9), "alone")] {
        let said = if has_helpers() { said } else { "alone" };
        assert_eq!(fixture.run_sized(&lane, size, "!helper echo x"), Ok(said.into()));
        assert!(pool.status().processes.len() <= 2);
    }
}

#[test]
fn a_worker_without_helpers_makes_room_for_one_with() {
    if !has_helpers() {
        return;
    }
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let lane = pool.lane();
    for tag in 0..2 {
        let _ = fixture.submit(&lane, tag, "!pause");
    }
    while lane.wait(LONG).is_some() {}
    let before = pool.status().processes;
    assert_eq!(before.len(), 2);
    assert_eq!(fixture.run_sized(&lane, LARGE, "!helper echo x"), Ok("x".into()));
    let after = pool.status().processes;
    assert_eq!((after.len(), pool.status().broken), (2, 0));
    assert_eq!(after.iter().filter(|id| before.contains(id)).count(), 1);
    // The next one finds it there.
    assert_eq!(fixture.run_sized(&lane, LARGE, "!helper echo y"), Ok("y".into()));
    assert_eq!(pool.status().processes, after);
}

/// As for the first thread: by one that is shut in, and by one that is not.
#[test]
fn a_helper_cannot_get_out() {
    if !has_helpers() {
        return;
    }
    let fixture = Fixture::new();
    let secret = fixture.dir.path().join("secret");
    crate::fs::write_new(&secret, b"s", 0o644).unwrap();
    let ear = fixture.dir.path().join("ear");
    let _ear = std::os::unix::net::UnixListener::bind(&ear).unwrap();
    let made = fixture.dir.path().join("made");
    let confined = pool(2, LONG);
    let lane = confined.lane();
    assert_eq!(fixture.run_sized(&lane, LARGE, "!helper echo x"), Ok("x".into()));
    if confined.status().sandbox.unwrap().seccomp != Held::Fully {
        return;
    }
    let free = pool_of("unconfined_entry", settings(2, LONG), LONG);
    let free_lane = free.lane();
    let script = |what: &str, path: &Path| format!("{what} {}", path.display());
    for action in [
        script("open", &secret),
        script("stat", &secret),
        script("create", &made),
        script("connect", &ear),
        "socket".into(),
        "listen".into(),
        "spawn".into(),
        "thread".into(),
    ] {
        let script = format!("!helper {action}");
        let refused = fixture.run_sized(&lane, LARGE, &script);
        assert_eq!(refused, Ok("permission denied".into()), "{script}");
        let allowed = fixture.run_sized(&free_lane, LARGE, &script);
        assert_eq!(allowed, Ok("allowed".into()), "{script}");
    }
    assert_eq!(confined.status().broken, 0);
    let died = Err(Fault::WorkerDied { how: forbidden() });
    assert_eq!(fixture.run_sized(&lane, LARGE, "!helper exec"), died);
}

#[test]
fn what_breaks_a_helper_breaks_the_worker() {
    if !has_helpers() {
        return;
    }
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    let lane = pool.lane();
    let run = |script: &str| fixture.run_sized(&lane, LARGE, script);
    let gave_up = phrase!("decoder-gave-up", "it could not be decoded");
    assert_eq!(run("!helper panic"), Err(Fault::Damaged { detail: gave_up }));
    let overflowed = phrase!("stack-overflowed", "it is nested too deeply");
    assert_eq!(run("!helper stack"), Err(Fault::WorkerDied { how: overflowed }));
    assert_eq!(run("!helper abort"), Err(Fault::WorkerDied { how: process::stopped() }));
    // Where memory was too little for several, one has the last word.
    assert_eq!(run("!helper alloc"), Ok("alone".into()));
    assert_eq!(run("!helper echo x"), Ok("x".into()));
}

#[test]
fn the_kernel_confirms_the_fences_of_every_thread() {
    if !has_helpers() {
        return;
    }
    let fixture = Fixture::new();
    let pool = pool(2, LONG);
    assert_eq!(fixture.run_sized(&pool.lane(), LARGE, "!helper echo x"), Ok("x".into()));
    let PoolStatus { processes, sandbox, .. } = pool.status();
    let proc = Path::new("/proc").join(processes[0].to_string());
    let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
    let space = (MEMORY + HELPER_SPACE).to_string();
    assert!(limits.lines().any(|line| line.starts_with("Max address") && line.contains(&space)));
    let threads: Vec<String> = std::fs::read_dir(proc.join("task"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path().join("status")).unwrap())
        .collect();
    assert!(threads.iter().any(|status| status.contains("exportd-helper")));
    if sandbox.unwrap().seccomp == Held::Fully {
        for status in threads {
            assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"));
        }
    }
}
