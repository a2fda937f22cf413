#!/bin/bash
# The Debian package: what is in it, what lintian and the readers of manual pages say, completions in
# the three shells, and dpkg: install, upgrade, remove, purge, in a copy-on-write view of this machine
# without a running systemd. 17-installed has one.
set -euo pipefail
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "11-package: $*" >&2; exit 1; }

package=$(systemd/deb/build "${EXPORTD:-target/release/exportd}" -- --fast)
dpkg-deb -x "$package" "$work/x"
x=$work/x

# Everything is where Debian's tools look for it.
while read -r mode path; do
    found=$(stat -c %a "$x$path") || fail "$path is missing"
    [ "$found" = "$mode" ] || fail "$path has mode $found, not $mode"
done <<'FILES'
755 /usr/bin/exportd
644 /usr/lib/systemd/system/exportd.service
644 /usr/lib/sysusers.d/exportd.conf
644 /usr/lib/tmpfiles.d/exportd.conf
644 /etc/exportd/exportd.toml
644 /usr/share/man/man1/exportd.1.gz
644 /usr/share/man/man5/exportd.toml.5.gz
644 /usr/share/man/man5/exportd-manifest.5.gz
644 /usr/share/bash-completion/completions/exportd
644 /usr/share/zsh/vendor-completions/_exportd
644 /usr/share/fish/vendor_completions.d/exportd.fish
644 /usr/share/exportd/exportd.schema.json
644 /usr/share/doc/exportd/README.md
644 /usr/share/doc/exportd/changelog.gz
644 /usr/share/doc/exportd/copyright
644 /usr/share/doc/exportd/third-party.txt.gz
644 /usr/share/doc/exportd/docs/operations.md
644 /usr/share/doc/exportd/examples/manifest.example.toml
FILES
cmp systemd/exportd.service "$x/usr/lib/systemd/system/exportd.service" || fail "another unit"
for file in docs/*; do
    cmp "$file" "$x/usr/share/doc/exportd/$file" || fail "$file"
done
"$x/usr/bin/exportd" schema | cmp - "$x/usr/share/exportd/exportd.schema.json" || fail "another schema"
[ "$(dpkg-deb -I "$package" conffiles)" = /etc/exportd/exportd.toml ] || fail "conffiles"
# Licences of C libraries, too, which lie deeper in their crates.
for crate in lcms2-sys mozjpeg-sys ring serde; do
    zgrep -q "^$crate [0-9.]*: " "$x/usr/share/doc/exportd/third-party.txt.gz" || fail "no terms of $crate"
    zgrep -q "^==== .*\b$crate\b" "$x/usr/share/doc/exportd/third-party.txt.gz" || fail "no text of $crate"
done
complaints=$(lintian --allow-root --no-cfg --tag-display-limit 0 "$package" 2>&1) || fail "lintian: $complaints"
[ -z "$complaints" ] || fail "lintian: $complaints"

# Manual pages, as lintian reads them, and by another reader.
for page in "$x"/usr/share/man/man*/*.gz; do
    complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >"$work/page")
    [ -z "$complaints" ] || fail "$page: $complaints"
    [ -s "$work/page" ] || fail "$page is empty"
    gunzip -c "$page" > "$work/page.roff"
    complaints=$(mandoc -Tlint "$work/page.roff" 2>&1) || fail "$page: $complaints"
    [ -z "$complaints" ] || fail "$page: $complaints"
done

# Completions: each shell finds the commands that begin with "sta", and an option.
bash_finds() { # WORDS
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); cur=${!#}
        _exportd exportd "${!#}" "${COMP_WORDS[$(($# - 2))]}"; printf "%s\n" "${COMPREPLY[@]}"' \
        "$x/usr/share/bash-completion/completions/exportd" "$@"
}
[ "$(bash_finds exportd sta)" = status ] || fail "bash: $(bash_finds exportd sta)"
[ "$(bash_finds exportd submit --wa)" = --wait ] || fail "bash: $(bash_finds exportd submit --wa)"
fish_finds() { HOME=$work fish -c 'source $argv[1]; complete -C $argv[2]' "$x/usr/share/fish/vendor_completions.d/exportd.fish" "$1" | cut -f1; }
[ "$(fish_finds 'exportd sta')" = status ] || fail "fish: $(fish_finds 'exportd sta')"
[ "$(fish_finds 'exportd submit --wa')" = --wait ] || fail "fish: $(fish_finds 'exportd submit --wa')"
zsh -n "$x/usr/share/zsh/vendor-completions/_exportd" || fail "zsh cannot read its completions"
# What would be offered, by the function that offers it.
zsh_finds() {
    HOME=$work zsh -fc 'fpath=($1 $fpath); autoload -Uz compinit; compinit -D -u
        compadd() { print -r -- "$@" }; _describe() { print -rl -- ${(P)4} ${(P)2} }
        [[ ${_comps[exportd]} = _exportd ]] && autoload +X _exportd && source $1/_exportd 2>/dev/null
        _exportd_commands' zsh "$x/usr/share/zsh/vendor-completions"
}
zsh_finds | grep -q '^status:' || fail "zsh: $(zsh_finds)"

# The next version, for an upgrade.
dpkg-deb -R "$package" "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/next" "$work/next.deb" >/dev/null
cp "$package" "$work/first.deb"

# dpkg in a view of this machine that forgets everything, without anything of exportd's.
cat > "$work/dpkg.sh" <<'DPKG'
set -e
mount --make-rprivate /
mkdir "$WORK/t"
mount -t tmpfs tmpfs "$WORK/t"
mkdir "$WORK/t/upper" "$WORK/t/work" "$WORK/t/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/t/upper,workdir=$WORK/t/work" "$WORK/t/root"
R=$WORK/t/root
mount -t proc proc "$R/proc"
mount -t tmpfs -o mode=755 tmpfs "$R/run"
mount --rbind /dev "$R/dev"
rm -rf "$R/srv/exportd" "$R/var/lib/exportd" "$R/etc/exportd" "$R"/etc/systemd/system/exportd* "$R/usr/bin/exportd"
sed -i '/^exportd/d' "$R"/etc/passwd "$R"/etc/group "$R"/etc/shadow "$R"/etc/gshadow
# Some images keep manual pages out.
rm -f "$R"/etc/dpkg/dpkg.cfg.d/*
# systemd is there, says this folder; nobody answers, so nothing is started.
mkdir -p "$R/run/systemd/system"
cp "$WORK/first.deb" "$WORK/next.deb" "$R/tmp/"
inside() { chroot "$R" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
there() { local p; for p; do [ -e "$R$p" ] || { echo "$p is missing $when"; exit 1; }; done; }
gone() { local p; for p; do [ ! -e "$R$p" ] || { echo "$p is left $when"; exit 1; }; done; }

when="after installing"
inside dpkg -i /tmp/first.deb > "$WORK/install.log" 2>&1 || { cat "$WORK/install.log"; exit 1; }
grep -q 'usermod -aG exportd-submit' "$WORK/install.log" || { echo "nobody says who may drop"; exit 1; }
inside getent passwd exportd >/dev/null
inside id -nG exportd | grep -qw exportd-submit
there /usr/bin/exportd /etc/exportd/conf.d /etc/exportd/smtp-password /etc/exportd/webhook-secret /srv/exportd/drop/.exportd/control \
    /var/lib/exportd/spool /var/lib/exportd/mail
[ -L "$R/etc/systemd/system/multi-user.target.wants/exportd.service" ] || { echo "it is not enabled"; exit 1; }
[ "$(stat -c '%a %U %G' "$R/srv/exportd/drop")" = "3770 $(stat -c '%U %G' "$R/srv/exportd/reports")" ]
inside exportd config | grep -q '^folders.drop = "/srv/exportd/drop"'
inside man -w exportd exportd.toml exportd-manifest >/dev/null
complaints=$(inside systemd-analyze verify exportd.service 2>&1)
[ -z "$complaints" ] || { echo "verify: $complaints"; exit 1; }

when="after the upgrade"
echo 'company = "7"' > "$R/etc/exportd/conf.d/own.toml"
sed -i 's/^#keep_days = .*/keep_days = 9/' "$R/etc/exportd/exportd.toml"
touch "$R/srv/exportd/out/picture" "$R/var/lib/exportd/spool/job"
inside dpkg -i /tmp/next.deb > "$WORK/upgrade.log" 2>&1 || { cat "$WORK/upgrade.log"; exit 1; }
! grep -q 'usermod' "$WORK/upgrade.log" || { echo "an upgrade welcomes again"; exit 1; }
there /usr/bin/exportd /etc/exportd/conf.d/own.toml /srv/exportd/out/picture /var/lib/exportd/spool/job
inside exportd config | grep -q '^keep_days = 9 '
inside dpkg-query -W -f '${Version}\n' exportd | grep -q '+next$'

when="after removing"
inside dpkg -r exportd > "$WORK/remove.log" 2>&1 || { cat "$WORK/remove.log"; exit 1; }
gone /usr/bin/exportd /usr/lib/systemd/system/exportd.service
there /etc/exportd/exportd.toml /etc/exportd/conf.d/own.toml /srv/exportd/out/picture /var/lib/exportd/spool/job

when="after purging"
inside dpkg -P exportd > "$WORK/purge.log" 2>&1 || { cat "$WORK/purge.log"; exit 1; }
grep -q '/srv/exportd .*was left' "$WORK/purge.log" || { echo "purging does not say what stays"; cat "$WORK/purge.log"; exit 1; }
gone /etc/exportd /var/lib/exportd /etc/systemd/system/multi-user.target.wants/exportd.service /etc/systemd/system/exportd.service
there /srv/exportd/out/picture
DPKG
WORK=$work unshare --mount --pid --fork --kill-child --net bash "$work/dpkg.sh" || fail "dpkg, see above"
echo "$(basename "$package"), $(($(stat -c %s "$package") / 1024)) KiB: installed, upgraded, removed, purged"
