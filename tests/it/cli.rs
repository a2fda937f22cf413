//! The command line as it is typed: README.md and the transcripts beside this file.
//!
//! A transcript is Markdown with `console` blocks: a `$` line is run, `? 65` is the exit code it
//! must end with, and what follows is what it must print, both streams together. `...` stands for
//! any lines and `[..]` for any text in one. `TRYCMD=overwrite cargo test --test it cli::` writes
//! what is printed now into the files; read the difference before believing it.
//!
//! Each transcript runs in a folder of its own. README.md starts in an empty one, as its reader
//! does, with the manifest that it shows; the others find the playground of the demo there.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::support::playground::list;

const BINARY: &str = env!("CARGO_BIN_EXE_exportd");

/// What transcripts may run beside exportd.
const TOOLS: [(&str, &str); 2] = [("cat", "/bin/cat"), ("ls", "/bin/ls")];

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Sets a transcript up in a folder with its working directory beside it, which is returned.
fn stage(folder: &Path, transcript: &Path) -> PathBuf {
    let name = transcript.file_name().expect("a name");
    symlink(transcript, folder.join(name)).expect("a link");
    let work = folder.join(name).with_extension("in");
    std::fs::create_dir(&work).expect("a folder");
    work
}

/// A runner skips what it does not know; here that is a mistake.
fn nothing_is_skipped(transcript: &Path) {
    let text = std::fs::read_to_string(transcript).expect("a transcript");
    let mut ran = 0;
    let mut inside = false;
    for line in text.lines() {
        assert!(!line.starts_with("```console,"), "{}: {line}", transcript.display());
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let program = command.split(' ').next().expect("a word");
            let known = program == "exportd" || TOOLS.iter().any(|(name, _)| *name == program);
            assert!(known, "{}: nothing runs `{command}`", transcript.display());
            ran += 1;
        }
    }
    assert!(ran > 0, "{}: nothing is run", transcript.display());
}

fn cases() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.register_bin("exportd", Path::new(BINARY));
    cases.register_bins(TOOLS.map(|(name, path)| (name, Path::new(path))));
    cases.env("NO_COLOR", "1").env("TZ", "UTC").env("LC_ALL", "C.UTF-8").env("COLUMNS", "100");
    cases.timeout(std::time::Duration::from_secs(60));
    cases
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn the_transcripts_say_what_is_printed() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().canonicalize().expect("a path");
    let mut found = 0;
    for entry in std::fs::read_dir(tree("tests/it/cli")).expect("a folder") {
        let transcript = entry.expect("an entry").path();
        if transcript.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        nothing_is_skipped(&transcript);
        let work = stage(&folder, &transcript);
        copy(&tree("config/demo"), &work);
        copy(&tree("tests/it/cli/manifests"), &work);
        std::fs::create_dir(work.join("drop")).expect("a folder");
        found += 1;
    }
    assert!(found >= 5, "{found} transcripts");
    cases().case(folder.join("*.md")).run();
}

/// Names the commands that the help of a command lists.
fn commands(of: &[&str]) -> Vec<String> {
    let help = std::process::Command::new(BINARY).args(of).arg("--help").output().expect("help");
    let help = String::from_utf8(help.stdout).expect("text");
    let listed = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names = listed.unwrap_or_default().lines().filter_map(|line| {
        // What goes on is indented further.
        line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split(' ').next()
    });
    names.map(str::to_owned).collect()
}

#[test]
fn every_command_shows_its_help() {
    let shown = std::fs::read_to_string(tree("tests/it/cli/help.md")).expect("a transcript");
    let mut all = commands(&[]);
    assert!(all.len() > 10, "{all:?}");
    for group in all.clone() {
        all.extend(commands(&[&group]).iter().map(|name| format!("{group} {name}")));
    }
    for command in all {
        assert!(shown.contains(&format!("\n$ exportd {command} --help\n")), "{command}");
    }
}

/// What a shell does with `&`: runs the daemon behind the prompt. It is left in `daemon.pid`.
fn shell(folder: &Path) -> PathBuf {
    let script = format!(
        r#"#!/bin/sh
for last; do :; done
[ "$last" = "&" ] || exec {BINARY} "$@"
# run --config FILE &
{BINARY} "$1" "$2" "$3" >daemon.out 2>&1 </dev/null &
echo $! >{folder}/daemon.pid
for _ in $(seq 200); do
    {BINARY} status "$2" "$3" >/dev/null 2>&1 && exit 0
    sleep 0.05
done
cat daemon.out
exit 1
"#,
        folder = folder.display()
    );
    let path = folder.join("exportd.sh");
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

/// The daemon of README.md, ended with the test.
struct Background(PathBuf);

impl Drop for Background {
    fn drop(&mut self) {
        let Ok(pid) = std::fs::read_to_string(&self.0) else { return };
        let _ = std::process::Command::new("kill").arg(pid.trim()).status();
        let gone = || !Path::new("/proc").join(pid.trim()).exists();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(45);
        while !gone() && std::time::Instant::now() < until {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn the_readme_can_be_followed() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().canonicalize().expect("a path");
    let readme = tree("README.md");
    nothing_is_skipped(&readme);
    let work = stage(&folder, &readme);
    // The manifest that the reader is told to write.
    let text = std::fs::read_to_string(&readme).expect("a page");
    let shown = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    std::fs::write(work.join("spring.toml"), shown.expect("a manifest")).expect("a manifest");
    let _daemon = Background(folder.join("daemon.pid"));
    cases().register_bin("exportd", shell(&folder).as_path()).case(folder.join("README.md")).run();

    // The tree that the page shows is the one that is there now: the run of step 3, the later one.
    let tree =
        text.split("```text\nplayground/out/").nth(1).and_then(|rest| rest.split("```").next());
    let shown =
        tree.expect("a tree").lines().skip(1).filter_map(|line| line.rsplit(['/', ' ']).next());
    let shown: BTreeSet<&str> = shown.filter(|name| !name.is_empty()).collect();
    let out = work.join("playground/out");
    let mut runs = list(&out);
    runs.retain(|run| run.starts_with("Spring-tops_"));
    let there = files(&out.join(runs.last().expect("a run")));
    assert_eq!(there.iter().map(String::as_str).collect::<BTreeSet<_>>(), shown);
}

/// Names the files below a folder, without their folders.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in list(folder) {
        if folder.join(&name).is_dir() {
            names.extend(files(&folder.join(name)));
        } else {
            names.insert(name);
        }
    }
    names
}
