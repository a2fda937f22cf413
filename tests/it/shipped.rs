//! Files that are shipped beside the program agree with it and with each other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Folders people work in; the daemon may not write to `assets`.
const SHARED: [&str; 4] = ["drop", "assets", "out", "reports"];
/// Folders below the daemon's own state.
const PRIVATE: [&str; 2] = ["spool", "mail"];

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    let read = fs::read_to_string(tree(path));
    assert!(read.is_ok(), "{path}: {read:?}");
    read.unwrap_or_default()
}

/// Reads a unit: directive to all its values, empty ones included.
fn unit() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text("systemd/exportd.service").lines() {
        if line.starts_with(['#', '[']) {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            found.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    found
}

/// Reads tmpfiles.d: path to (mode, user, group).
fn tmpfiles() -> BTreeMap<String, (String, String, String)> {
    text("systemd/exportd.tmpfiles.conf")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let mut fields = line.split_whitespace().skip(1).map(str::to_owned);
            let mut next = || fields.next().expect("type, path, mode, user, group");
            (next(), (next(), next(), next()))
        })
        .collect()
}

#[test]
fn the_unit_shows_the_daemon_its_folders_and_nothing_else() {
    let unit = unit();
    let folders = |names: &[&str]| {
        names.iter().map(|name| format!("/srv/exportd/{name}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(unit["BindPaths"], [folders(&["drop", "out", "reports"])]);
    assert_eq!(unit["BindReadOnlyPaths"], [folders(&["assets"])]);
    assert!(unit["TemporaryFileSystem"][0].contains("/srv:ro"));
    assert_eq!(unit["StateDirectory"], ["exportd"]);
    // One file may be executed, and it is the one that is started.
    let program = unit["ExecStart"][0].split(' ').next().expect("a program");
    assert_eq!(program, "/usr/bin/exportd");
    assert_eq!(unit["NoExecPaths"], ["/"]);
    assert!(unit["ExecPaths"][0].split(' ').any(|path| path == program));
    // `--config` would leave out conf.d.
    assert_eq!(unit["ExecStart"], [format!("{program} run")]);
}

#[test]
fn the_unit_keeps_its_promises_about_ends() {
    let unit = unit();
    // A wrong configuration (78) is not tried again; see docs/operations.md.
    assert_eq!(unit["RestartPreventExitStatus"], ["78"]);
    assert_eq!(unit["Type"], ["notify"]);
    assert_eq!(unit["NotifyAccess"], ["main"]);
    // An orderly stop takes up to 40 s.
    let stop: u32 = unit["TimeoutStopSec"][0].parse().expect("seconds");
    assert!(stop > 40, "{stop}");
    // Who dropped a file decides who gets the mail.
    assert_eq!(unit["PrivateUsers"], ["no"]);
}

/// What `systemd/deb/build` writes before the package is made.
const WRITTEN: &str = "target/deb-assets/";

#[test]
fn the_package_brings_files_that_exist_and_are_documented() {
    let manifest: toml::Table = toml::from_str(&text("Cargo.toml")).expect("TOML");
    let package = &manifest["package"]["metadata"]["deb"];
    let page = text("docs/operations.md");
    let build = text("systemd/deb/build");
    let assets = package["assets"].as_array().expect("a list");
    assert!(assets.len() > 10, "{assets:?}");
    for asset in assets {
        let part = |at: usize| asset[at].as_str().expect("text");
        let (source, target, mode) = (part(0), part(1), part(2));
        let name = source.rsplit('/').next().expect("a name");
        match source.strip_prefix(WRITTEN) {
            Some(written) => assert!(build.contains(written), "nothing writes {source}"),
            None => assert!(tree(source.trim_end_matches('*')).exists(), "{source}"),
        }
        // A folder as target takes the file's own name.
        let path =
            if target.ends_with('/') { format!("/{target}{name}") } else { format!("/{target}") };
        let aside = ["/usr/share/doc/", "/usr/share/lintian/"];
        let told =
            path.trim_start_matches("/usr/share/man/man1/").trim_start_matches("/usr/share/man/");
        let documented =
            page.contains(&format!("`{path}`")) || page.contains(&format!("{told}.gz`"));
        assert!(documented || aside.iter().any(|aside| path.starts_with(aside)), "{path}");
        assert_eq!(mode, if path == "/usr/bin/exportd" { "755" } else { "644" }, "{path}");
    }
    // The unit comes by itself, named after what it starts.
    assert_eq!(package["systemd-units"]["unit-name"].as_str(), Some("exportd"));
    assert!(tree("systemd/exportd.service").exists());
    for script in ["postinst", "postrm"] {
        // Where what enables, starts and stops the unit is put.
        assert!(text(&format!("systemd/deb/{script}")).contains("\n#DEBHELPER#\n"), "{script}");
    }
}

#[test]
fn people_are_told_which_group_may_drop() {
    let users = text("systemd/exportd.sysusers.conf");
    let group = users.lines().find_map(|line| line.strip_prefix("g ")?.split_whitespace().next());
    let told = format!("usermod -aG {}", group.expect("a group"));
    for page in
        ["README.md", "docs/operations.md", "systemd/deb/postinst", "systemd/exportd.sysusers.conf"]
    {
        assert!(text(page).contains(&told), "{page}");
    }
    assert_eq!(tmpfiles()["/srv/exportd/drop"].2, group.expect("a group"));
}

#[test]
fn the_unit_names_the_pages_there_are() {
    for page in unit()["Documentation"][0].split(' ') {
        let (name, _) = page.trim_start_matches("man:").split_once('(').expect("name(section)");
        let out =
            std::process::Command::new(env!("CARGO_BIN_EXE_exportd")).args(["man", name]).output();
        let out = String::from_utf8(out.expect("a page").stdout).expect("text");
        let title =
            format!(".TH {} {}", name.to_uppercase(), if name == "exportd" { 1 } else { 5 });
        assert!(out.contains(&title), "{page}");
    }
}

#[test]
fn every_folder_is_made_with_its_mode() {
    let made = tmpfiles();
    let of = |path: &str| {
        let (mode, user, group) = &made[path];
        format!("{mode} {user}:{group}")
    };
    // Sticky and set-group-id: nobody removes another's manifest, the daemon may.
    assert_eq!(of("/srv/exportd/drop"), "3770 exportd:exportd-submit");
    assert_eq!(of("/srv/exportd/assets"), "2775 root:exportd-submit");
    assert_eq!(of("/srv/exportd/out"), "2750 exportd:exportd-submit");
    assert_eq!(of("/srv/exportd/reports"), "2750 exportd:exportd-submit");
    for name in PRIVATE {
        assert_eq!(of(&format!("/var/lib/exportd/{name}")), "0700 exportd:exportd");
    }
    for name in SHARED {
        assert!(made.contains_key(&format!("/srv/exportd/{name}")), "{name}");
    }
    // The credential of the unit exists from the start, for root alone.
    let credential = &unit()["LoadCredential"][0];
    let (_, path) = credential.split_once(':').expect("name:path");
    assert_eq!(of(path), "0600 root:root");
}

#[test]
fn users_of_the_unit_exist() {
    let made = text("systemd/exportd.sysusers.conf");
    let lines: Vec<Vec<&str>> =
        made.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    let unit = unit();
    assert!(lines.iter().any(|line| line[..2] == ["u", &unit["User"][0]]));
    assert!(lines.iter().any(|line| line[..2] == ["g", "exportd-submit"]));
    // Without membership the daemon could not read a 0640 manifest.
    assert!(lines.iter().any(|line| line[..] == ["m", "exportd", "exportd-submit"]));
}

#[test]
fn the_operations_page_names_every_folder_and_exit_code() {
    let page = text("docs/operations.md");
    for name in SHARED.iter().chain(&PRIVATE) {
        assert!(page.contains(&format!("`{name}/")), "docs/operations.md does not explain {name}/");
    }
    for code in [0, 1, 2, 3, 65, 66, 69, 73, 74, 75, 78] {
        assert!(
            page.contains(&format!("\n| {code} |")),
            "docs/operations.md lacks exit code {code}"
        );
    }
}

/// Every key of a manifest.
const KEYS: [&str; 16] = [
    "jobName",
    "description",
    "userHandle",
    "locale",
    "assetHandleArray",
    "fmt",
    "is_modifier",
    "macro",
    "emailSetting",
    "clientId",
    "execTime",
    "execSchedule",
    "destination",
    "overwrite",
    "outputName",
    "rendition",
];

#[test]
fn the_manifest_page_names_every_key() {
    let page = text("docs/manifest.md");
    for key in KEYS {
        assert!(page.contains(&format!("\n### `{key}`")), "docs/manifest.md lacks {key}");
    }
}

/// A command that is named in a page and does not exist would send its reader nowhere.
#[test]
fn pages_name_commands_that_exist() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_exportd")).arg("--help").output();
    let help = String::from_utf8(help.expect("help").stdout).expect("text");
    let commands: Vec<&str> =
        help.lines().filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next()).collect();
    for page in [
        "README.md",
        "CHANGELOG.md",
        "ARCHITECTURE.md",
        "docs/catalogues.md",
        "docs/manifest.md",
        "docs/modifiers.md",
        "docs/operations.md",
        "config/exportd.toml",
        "config/manifest.example.toml",
        "systemd/exportd.service",
    ] {
        let text = text(page);
        for rest in text.split("`exportd ").chain(text.split("$ exportd ")).skip(1) {
            let word: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            let known = word.is_empty() || commands.contains(&word.as_str());
            assert!(known, "{page} names `exportd {word}`");
        }
    }
}

#[test]
fn pages_link_to_what_exists() {
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/catalogues.md",
        "docs/manifest.md",
        "docs/modifiers.md",
        "docs/operations.md",
    ] {
        let folder = tree(page).parent().expect("a folder").to_path_buf();
        let content = text(page);
        for target in content.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().expect("a part");
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(folder.join(path).exists(), "{page} links to {target}");
        }
    }
}

#[test]
fn the_licence_is_there_in_full() {
    let licence = text("LICENSE");
    assert!(text("Cargo.toml").contains("license = \"MIT OR Apache-2.0\""));
    assert!(licence.contains("MIT License"));
    assert!(licence.contains("Apache License") && licence.contains("END OF TERMS AND CONDITIONS"));
}

#[test]
fn demo_manifests_name_demo_assets() {
    let manifest: toml::Table = toml::from_str(&text("config/demo/clean.toml")).expect("TOML");
    for handle in manifest["assetHandleArray"].as_array().expect("a list") {
        let handle = handle.as_str().expect("text");
        let stem = handle.split('*').next().expect("a part");
        let catalogue = text("config/demo/assets/catalog.toml");
        let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        let found = fs::read_dir(tree("config/demo/assets").join(folder))
            .expect("a folder")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .any(|file| file.starts_with(name));
        assert!(found || catalogue.contains(&format!("\"{handle}\"")), "{handle}");
    }
    // The wrong one is wrong in what it says, not in how it is written.
    for name in ["clean", "partly-failing", "wrong", "exportd"] {
        let read: Result<toml::Table, _> =
            toml::from_str(&text(&format!("config/demo/{name}.toml")));
        assert!(read.is_ok(), "{name}: {read:?}");
    }
}

#[test]
fn the_demo_is_small_enough_to_ride_in_the_program() {
    fn size(folder: &Path) -> u64 {
        fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .map(
                |path| {
                    if path.is_dir() { size(&path) } else { path.metadata().expect("a file").len() }
                },
            )
            .sum()
    }
    let bytes = size(&tree("config/demo/assets"));
    assert!(bytes > 100_000, "{bytes}");
    assert!(bytes < 1_500_000, "{bytes}");
}

#[test]
fn scripts_can_be_run() {
    for script in [".ci/run", "systemd/deb/build", "tests/system/run"] {
        let mode = tree(script).metadata().expect("a script").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script}");
    }
}
