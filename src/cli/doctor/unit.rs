//! The service around the daemon: which program runs, and whether its sandbox lets it work.
//!
//! The shipped unit shows the daemon the folders that the shipped configuration names, and lets it
//! speak to this machine alone. A configuration that names others needs a drop-in, which is
//! computed from the directives of the unit that decide about it.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use super::Finding;
use crate::config::Settings;
use crate::daemon::board::Board;

/// The unit of this release.
const SHIPPED: &str = include_str!("../../../systemd/exportd.service");
/// Where units are, the first found holds.
const UNITS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Where drop-ins are; those of all places hold.
const DROP_INS: [&str; 3] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];
const NAME: &str = "exportd.service";
/// Where the drop-in belongs that is printed.
const OURS: &str = "/etc/systemd/system/exportd.service.d/local.conf";

/// Says whether a daemon runs, and whether it is the program that is installed.
pub(super) fn daemon(board: Option<&Board>, drop: &Path) -> Finding {
    let Some(board) = board else {
        return Finding::warning(
            "daemon",
            format!("none runs over {}", drop.display()),
            "`systemctl start exportd`, or `exportd run` from a shell",
        );
    };
    let restart = "restart it: `systemctl restart exportd`; unfinished jobs go on";
    if board.version != env!("CARGO_PKG_VERSION") {
        let (old, new) = (&board.version, env!("CARGO_PKG_VERSION"));
        return Finding::warning("daemon", format!("version {old} runs, this is {new}"), restart);
    }
    let program = std::fs::read_link(format!("/proc/{}/exe", board.pid));
    if program.is_ok_and(|path| path.to_string_lossy().ends_with(" (deleted)")) {
        let message = "it runs from a program that has been replaced since";
        return Finding::warning("daemon", message, restart);
    }
    Finding::ok("daemon", format!("runs, process {}", board.pid))
}

/// Compares the unit with the one of this release, and with what the configuration needs.
pub(super) fn unit(settings: &Settings, given: Option<&Path>) -> Vec<Finding> {
    let installed = || UNITS.iter().map(|folder| Path::new(folder).join(NAME)).find(|p| p.exists());
    let Some(path) = given.map(Path::to_owned).or_else(installed) else {
        return vec![Finding::ok("unit", "none is installed")];
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("{}: {error}", path.display());
            return vec![Finding::error("unit", message, "name one that can be read")];
        }
    };
    let mut findings = Vec::new();
    if directives(&text) == directives(SHIPPED) {
        findings.push(Finding::ok("unit", format!("{} is of this release", path.display())));
    } else {
        findings.push(Finding::warning(
            "unit",
            format!("{} is not the one of this release", path.display()),
            "install the one that comes with this program and `systemctl daemon-reload`; local \
             changes belong in a drop-in (`systemctl edit exportd`)",
        ));
    }
    let folders = match given {
        Some(path) => vec![with_d(path)],
        None => DROP_INS.iter().map(|folder| with_d(&Path::new(folder).join(NAME))).collect(),
    };
    let drop_ins = folders.iter().flat_map(|folder| conf_files(folder));
    let all = drop_ins
        .fold(text, |all, path| all + "\n" + &std::fs::read_to_string(path).unwrap_or_default());
    let sandbox = Sandbox::of(&all);
    let missing = sandbox.missing(settings);
    if missing.is_empty() {
        findings.push(Finding::ok("sandbox", "lets the daemon reach what the configuration names"));
    } else {
        let lines: String = missing.iter().map(|line| format!("{line}\n")).collect();
        findings.push(Finding::error(
            "sandbox",
            "the unit keeps the daemon from what the configuration names",
            format!(
                "write into {OURS}:\n  [Service]\n  {}\nthen `systemctl daemon-reload` and \
                 `systemctl restart exportd`",
                lines.trim_end().replace('\n', "\n  ")
            ),
        ));
    }
    findings
}

fn with_d(unit: &Path) -> PathBuf {
    let mut name = unit.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

fn conf_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    files.sort();
    files
}

/// Returns the lines of a unit that say something.
fn directives(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])).collect()
}

/// What a unit lets its service see, write and reach.
#[derive(Debug, Default)]
struct Sandbox {
    /// Nothing of these is seen, but for what is shown.
    hidden: Vec<PathBuf>,
    written: Vec<PathBuf>,
    read: Vec<PathBuf>,
    /// Everything that is not named is read-only.
    strict: bool,
    allowed: Vec<String>,
    denied: bool,
}

impl Sandbox {
    fn of(text: &str) -> Self {
        let mut sandbox = Self::default();
        for line in directives(text) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let words = || value.split_whitespace();
            let paths = || words().map(|word| PathBuf::from(target(word)));
            match key {
                "TemporaryFileSystem" => sandbox.hidden.extend(
                    words().map(|word| PathBuf::from(word.split(':').next().unwrap_or(word))),
                ),
                "ProtectHome" if value == "yes" || value == "tmpfs" => {
                    sandbox.hidden.extend(["/home", "/root", "/run/user"].map(PathBuf::from));
                }
                "PrivateTmp" if value == "yes" => {
                    sandbox.hidden.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
                }
                "InaccessiblePaths" => sandbox.hidden.extend(paths()),
                "BindPaths" | "ReadWritePaths" => sandbox.written.extend(paths()),
                "BindReadOnlyPaths" | "ReadOnlyPaths" => sandbox.read.extend(paths()),
                "StateDirectory" => {
                    sandbox.written.extend(words().map(|w| Path::new("/var/lib").join(w)));
                }
                "CacheDirectory" => {
                    sandbox.written.extend(words().map(|w| Path::new("/var/cache").join(w)));
                }
                "RuntimeDirectory" => {
                    sandbox.written.extend(words().map(|w| Path::new("/run").join(w)));
                }
                "ProtectSystem" => sandbox.strict = value == "strict",
                "IPAddressAllow" => sandbox.allowed.extend(words().map(str::to_owned)),
                "IPAddressDeny" => sandbox.denied = value == "any",
                _ => {}
            }
        }
        sandbox
    }

    /// Returns the directives that the configuration needs beside those.
    fn missing(&self, settings: &Settings) -> Vec<String> {
        let folders = &settings.folders;
        let written =
            [&folders.drop, &folders.out, &folders.reports, &folders.spool, &folders.mail];
        let figures = settings.metrics.as_deref().and_then(Path::parent);
        let written = written.map(PathBuf::as_path);
        let mut missing: Vec<String> = written
            .into_iter()
            .chain(figures)
            .filter(|path| !self.lets_write(path))
            .map(|path| format!("BindPaths={}", path.display()))
            .collect();
        let policy = &settings.policy;
        let files = policy.profiles.values().chain(&folders.assets).chain(&folders.catalogs);
        let smtp = settings.mail.smtp.as_ref();
        let secrets =
            smtp.into_iter().flat_map(|smtp| smtp.ca_file.iter().chain(&smtp.password_file));
        let webhook = settings.webhook.as_ref();
        let calls =
            webhook.into_iter().flat_map(|hook| hook.ca_file.iter().chain(&hook.secret_file));
        let read = files.chain(&settings.mail.templates).chain(secrets).chain(calls);
        missing.extend(
            read.filter(|path| !self.lets_read(path))
                .map(|path| format!("BindReadOnlyPaths={}", path.display())),
        );
        if let Some(smtp) = smtp {
            missing.extend(self.addresses(&smtp.host));
        }
        if let Some(webhook) = webhook {
            missing.extend(self.addresses(webhook.host()));
        }
        missing.sort();
        missing.dedup();
        missing
    }

    fn lets_write(&self, path: &Path) -> bool {
        self.written.iter().any(|shown| path.starts_with(shown))
            || !self.strict && !self.hides(path)
    }

    fn lets_read(&self, path: &Path) -> bool {
        !self.hides(path)
            || self.written.iter().chain(&self.read).any(|shown| path.starts_with(shown))
    }

    fn hides(&self, path: &Path) -> bool {
        self.hidden.iter().any(|hidden| path.starts_with(hidden))
    }

    /// Returns what must be allowed so that a host can be found and spoken to.
    fn addresses(&self, host: &str) -> Vec<String> {
        if !self.denied {
            return Vec::new();
        }
        let bare = host.trim_matches(['[', ']']);
        let mut needed: Vec<IpAddr> = match bare.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = (bare, 0).to_socket_addrs().into_iter().flatten();
                found.map(|address| address.ip()).chain(name_servers()).collect()
            }
        };
        needed.retain(|address| !address.is_loopback() && !self.allows(*address));
        needed.iter().map(|address| format!("IPAddressAllow={address}")).collect()
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|word| match word.as_str() {
            "any" => true,
            word => within(address, word),
        })
    }
}

/// Takes from `SOURCE:TARGET:OPTIONS`, with a sign before it, where the service finds it.
fn target(word: &str) -> &str {
    let word = word.trim_start_matches(['-', '+']);
    let mut parts = word.split(':');
    let source = parts.next().unwrap_or(word);
    parts.next().unwrap_or(source)
}

/// Tells whether an address is one that `ADDRESS` or `ADDRESS/LENGTH` names.
fn within(address: IpAddr, named: &str) -> bool {
    let (base, length) = named.split_once('/').unwrap_or((named, ""));
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    if base.is_ipv4() != address.is_ipv4() {
        return false;
    }
    let ((base, most), (address, _)) = (bits(base), bits(address));
    let length: u32 = length.parse().unwrap_or(most).min(most);
    length == 0 || (base ^ address) >> (128 - length) == 0
}

/// Returns the servers that are asked for names.
fn name_servers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.strip_prefix("nameserver"));
    servers.filter_map(|server| server.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_unit_lets_the_shipped_configuration_work() {
        let sandbox = Sandbox::of(SHIPPED);
        for path in ["/srv/exportd/drop", "/srv/exportd/out/a", "/var/lib/exportd/spool"] {
            assert!(sandbox.lets_write(Path::new(path)), "{path}");
        }
        for path in ["/srv/exportd", "/mnt/nas", "/home/mia", "/var/spool/exportd", "/etc/exportd"]
        {
            assert!(!sandbox.lets_write(Path::new(path)), "{path}");
        }
        for path in ["/srv/exportd/assets/a.png", "/etc/exportd/ca.pem", "/usr/share/color"] {
            assert!(sandbox.lets_read(Path::new(path)), "{path}");
        }
        for path in ["/srv/pictures", "/mnt/nas", "/home/mia/assets"] {
            assert!(!sandbox.lets_read(Path::new(path)), "{path}");
        }
        assert_eq!(sandbox.addresses("127.0.0.1"), [""; 0]);
        assert_eq!(sandbox.addresses("192.0.2.25"), ["IPAddressAllow=192.0.2.25"]);
        assert_eq!(sandbox.addresses("[2001:db8::25]"), ["IPAddressAllow=2001:db8::25"]);
    }

    #[test]
    fn a_drop_in_is_taken_into_account() {
        let sandbox = Sandbox::of(&format!(
            "{SHIPPED}\n[Service]\nBindPaths=-/mnt/nas/out:/srv/exportd/nas\nBindReadOnlyPaths=/mnt/a\n\
             IPAddressAllow=192.0.2.0/24 2001:db8::/32\n"
        ));
        assert!(sandbox.lets_write(Path::new("/srv/exportd/nas/x")));
        assert!(!sandbox.lets_write(Path::new("/mnt/nas/out")));
        assert!(
            sandbox.lets_read(Path::new("/mnt/a/b.png"))
                && !sandbox.lets_write(Path::new("/mnt/a"))
        );
        assert_eq!(sandbox.addresses("192.0.2.25"), [""; 0]);
        assert_eq!(sandbox.addresses("2001:db8::25"), [""; 0]);
        assert_eq!(sandbox.addresses("198.51.100.1").len(), 1);
    }

    #[test]
    fn comments_make_no_other_unit() {
        assert_eq!(directives("# a\n\n[Unit]\n;b\n A=1 \n"), directives("[Unit]\nA=1\n"));
        assert_ne!(directives(SHIPPED), directives(&SHIPPED.replace("Nice=5", "Nice=6")));
    }
}
