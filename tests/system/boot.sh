# Boots the shipped unit in the real systemd; parts source this.
#
# systemd is started as PID 1 in namespaces of its own over a copy-on-write view of this machine, so
# that nothing outside is touched. A part writes two scripts before it calls `boot SECONDS`:
#   $work/install.sh  is sourced there before, and puts exportd into $R; without it, boot does
#   $work/setup.sh    is sourced while the new root, $R, is made: assets, manifests, drop-ins
#   $work/inside.sh   runs as PID 1's child once it is up, ends by touching /mnt/finished; what it may
#                     use is in /etc/tools.sh
# /mnt in there is $work/out here; the daemon's words are in daemon.log in it.
set -euo pipefail
part=$(basename "${0%.*}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program=${EXPORTD:-$PWD/target/release/exportd}
work=$(mktemp -d)
cgroups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
boot=
group=$cgroups/exportd-test-$$
end() {
    [ -z "$boot" ] || kill -KILL "$boot" 2>/dev/null || true
    wait 2>/dev/null || true
    # The kernel needs a moment to empty the group; what systemd made below it goes first.
    for _ in $(seq 50); do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$group" ] || break
        sleep 0.1
    done
    rm -rf "$work"
}
trap end EXIT
fail() {
    echo "$part: $*" >&2
    cat "$work"/out/*.log >&2 || true
    exit 1
}

[ -n "$cgroups" ] || fail "no cgroup2 file system is mounted"
[ -x "$program" ] || fail "$program is missing"
mkdir -p "$work/out" "$work/t" "$group"

# What inside.sh may source as /etc/tools.sh.
cat > "$work/tools.sh" <<'TOOLS'
submitter() { setpriv --reuid 4321 --regid 4321 --groups "$(getent group exportd-submit | cut -d: -f3)" "$@"; }
until_true() { # COMMAND: tries for 20 s
    for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
}
drop() { # JOB
    submitter bash -c "umask 027; cd /srv/exportd/drop; cp /etc/$1-manifest.toml .$1.tmp; mv .$1.tmp $1.toml"
}
verdict() { # JOB
    until_true eval "ls /srv/exportd/reports/$1_*/report.json"
    echo "$1 $(grep -o '"verdict": *"[a-z]*"' /srv/exportd/reports/"$1"_*/report.json | tr -d '" ')"
}
TOOLS

# By hand, each file where the package has it.
cat > "$work/install.sh" <<'INSTALL'
install -m 755 "$PROGRAM" "$R/usr/bin/exportd"
install -m 644 "$TREE/systemd/exportd.service" "$R/etc/systemd/system/"
install -m 644 "$TREE/systemd/exportd.tmpfiles.conf" "$R/usr/lib/tmpfiles.d/exportd.conf"
systemd-sysusers --root="$R" "$TREE/systemd/exportd.sysusers.conf"
chroot "$R" systemd-tmpfiles --create /usr/lib/tmpfiles.d/exportd.conf
INSTALL

# Runs as PID 1 before it becomes systemd.
cat > "$work/pid1.sh" <<'PID1'
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$WORK/t"
mkdir -p "$WORK/t/upper" "$WORK/t/work" "$WORK/t/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/t/upper,workdir=$WORK/t/work" "$WORK/t/root"
R=$WORK/t/root
mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys"
mount -t cgroup2 cgroup2 "$R/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$R/run"
mount --rbind /dev "$R/dev"
mount --bind "$WORK/out" "$R/mnt"
ip link set lo up
: > "$R/mnt/console.log"
mount --bind "$R/mnt/console.log" "$R/dev/console"
echo 0123456789abcdef0123456789abcdef > "$R/etc/machine-id"
# Over whatever this machine has.
rm -rf "$R/srv/exportd" "$R/var/lib/exportd" "$R/etc/exportd"
. "$WORK/install.sh"
. "$WORK/setup.sh"
install -m 755 "$WORK/inside.sh" "$WORK/tools.sh" "$R/etc/"
# The little that a boot without a machine needs: no journal, no network target.
cd "$R/etc/systemd/system"
ln -sf /dev/null network-online.target
mkdir -p exportd.service.d
printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=append:/mnt/daemon.log\nStandardError=append:/mnt/daemon.log\n' > exportd.service.d/lab.conf
printf '[Unit]\nRequires=inside.service\nAllowIsolate=yes\nDefaultDependencies=no\n' > lab.target
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/bash /etc/inside.sh\n' > inside.service
# pivot_root, as a chroot may not make user namespaces; shared mounts, or credentials stay empty.
cd "$R"
mkdir -p oldroot
pivot_root . oldroot
umount -l /oldroot
mount --make-rshared /
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=lab.target \
    --log-target=console --log-level=info --show-status=no
PID1

boot() { # SECONDS
    (
        echo "$BASHPID" > "$group/cgroup.procs"
        export WORK=$work PROGRAM=$program TREE=$PWD
        exec unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net bash "$work/pid1.sh" > "$work/out/setup.log" 2>&1
    ) &
    boot=$!
    local _
    for _ in $(seq $(($1 * 10))); do
        [ -e "$work/out/finished" ] && return
        kill -0 "$boot" 2>/dev/null || fail "the boot ended early"
        sleep 0.1
    done
    fail "not finished within $1 s"
}
