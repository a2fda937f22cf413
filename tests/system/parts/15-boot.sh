#!/bin/bash
# The shipped unit in the real systemd: started as PID 1 in namespaces of its own over a copy-on-write
# view of this machine, so that nothing outside is touched. A person who is not the daemon drops a
# manifest, gets the file, sees the daemon's state and stops a job; the daemon reads its configuration
# again and stops in order.
set -euo pipefail
cd "$(dirname "$0")/../../.."
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
    echo "15-boot: $*" >&2
    cat "$work"/out/*.log >&2 || true
    exit 1
}

[ -n "$cgroups" ] || fail "no cgroup2 file system is mounted"
[ -x "$program" ] || fail "$program is missing"
mkdir -p "$work/out" "$work/t" "$group"

# Runs as PID 1's child in the booted system; what it prints is judged at the end.
cat > "$work/inside.sh" <<'INSIDE'
exec > /mnt/inside.log 2>&1
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
shown() { submitter exportd status --json | grep -q "\"run\": *\"$1_"; }
systemctl start exportd.service; echo "start $?"
echo "state $(systemctl show exportd -p ActiveState --value)"
echo "$(systemd-analyze security exportd.service --no-pager | tail -1)"
drop boot
verdict boot
for file in /srv/exportd/out/*/kitchen/mug-clay.jpg /srv/exportd/out/*/SHA256SUMS /srv/exportd/reports/*/report.json; do
    submitter test -r "$file"; echo "people read ${file##*/} $?"
done
submitter test -w /srv/exportd/out; echo "people write out $?"
test -e /srv/exportd/drop/boot.toml; echo "manifest left $?"
grep -q 'workers are confined' /mnt/daemon.log; echo "confined $?"
until_true eval 'ls /var/lib/exportd/mail/sent/boot_*.eml'
echo "mails $(ls /var/lib/exportd/mail/sent | grep -c '^boot_.*\.eml$')"
# Assets are waited for from now on, and there is a relay, but nobody in it.
cat > /etc/exportd/conf.d/lab.toml <<'TOML'
[job]
wait_for_assets = "60s"
[mail]
host = "127.0.0.1"
port = 25
tls = "none"
from = "exportd <exportd@studio.example>"
to = ["ops@studio.example"]
TOML
systemctl reload exportd.service; echo "reload $?"
echo "state $(systemctl show exportd -p ActiveState --value)"
drop slow
until_true shown slow
submitter exportd stop slow.toml 2>/dev/null; echo "people stop $?"
verdict slow
# The sender runs in the sandbox as well: it finds that nobody listens, and the mail waits.
until_true grep -q 'mail.*refused' /mnt/daemon.log
grep -q 'mail.*refused' /mnt/daemon.log; echo "relay refuses $?"
echo "mails wait $(ls /var/lib/exportd/mail/new /var/lib/exportd/mail/deferred | grep -c '^slow_.*\.eml$')"
systemctl stop exportd.service; echo "stop $?"
echo "result $(systemctl show exportd -p Result --value)"
touch /mnt/finished
INSIDE

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
# Installed as the README says, over whatever this machine has.
rm -rf "$R/srv/exportd" "$R/var/lib/exportd" "$R/etc/exportd"
install -m 755 "$PROGRAM" "$R/usr/bin/exportd"
install -m 644 "$TREE/systemd/exportd.service" "$R/etc/systemd/system/"
install -m 644 "$TREE/systemd/exportd.tmpfiles.conf" "$R/usr/lib/tmpfiles.d/exportd.conf"
systemd-sysusers --root="$R" "$TREE/systemd/exportd.sysusers.conf"
chroot "$R" systemd-tmpfiles --create /usr/lib/tmpfiles.d/exportd.conf
install -D -m 640 -g "$(chroot "$R" getent group exportd-submit | cut -d: -f3)" \
    "$TREE/config/demo/assets/kitchen/mug-clay.jpg" "$R/srv/exportd/assets/kitchen/mug-clay.jpg"
chmod 755 "$R/srv/exportd/assets/kitchen"
for job in boot:kitchen/mug-clay.jpg slow:not/yet.jpg; do
    cat > "$R/etc/${job%%:*}-manifest.toml" <<MANIFEST
jobName = "${job%%:*}"
assetHandleArray = ["${job#*:}"]
fmt = "convert"
is_modifier = "wid=300"
emailSetting = "All"
MANIFEST
done
install -m 755 "$WORK/inside.sh" "$R/etc/inside.sh"
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

(
    echo "$BASHPID" > "$group/cgroup.procs"
    export WORK=$work PROGRAM=$program TREE=$PWD
    exec unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net bash "$work/pid1.sh" > "$work/out/setup.log" 2>&1
) &
boot=$!
for _ in $(seq 600); do
    [ -e "$work/out/finished" ] && break
    kill -0 "$boot" 2>/dev/null || fail "the boot ended early"
    sleep 0.1
done
[ -e "$work/out/finished" ] || fail "not finished within 60 s"

expected='start 0
state active
boot verdict:clean
people read mug-clay.jpg 0
people read SHA256SUMS 0
people read report.json 0
people write out 1
manifest left 1
confined 0
mails 1
reload 0
state active
people stop 0
slow verdict:stopped
relay refuses 0
mails wait 1
stop 0
result success'
found=$(grep -v 'exposure level' "$work/out/inside.log")
[ "$found" = "$expected" ] || fail "expected:
$expected
found:
$found"
exposure=$(grep -o 'exportd.service: [0-9.]*' "$work/out/inside.log" | grep -o '[0-9.]*$')
awk -v e="$exposure" 'BEGIN { exit !(e > 0 && e <= 1.2) }' || fail "exposure $exposure in the live manager"
echo "exposure $exposure, started, exported, reloaded, stopped"
