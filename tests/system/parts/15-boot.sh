#!/bin/bash
# The shipped unit in the real systemd (see ../boot.sh). A person who is not the daemon drops a
# manifest, gets the file, sees the daemon's state and stops a job; the daemon reads its configuration
# again and stops in order.
. "$(dirname "$0")/../boot.sh"

# Runs as PID 1's child in the booted system; what it prints is judged at the end.
cat > "$work/inside.sh" <<'INSIDE'
exec > /mnt/inside.log 2>&1
. /etc/tools.sh
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
# As many jobs as can be begun at once wait for their assets.
submitter bash -c 'umask 027; cd /srv/exportd/drop
    for k in $(seq 300); do cp /etc/slow-manifest.toml ".c$k.tmp" && mv ".c$k.tmp" "c$k.toml"; done'
crowd() { [ "$(ls /var/lib/exportd/spool/active | wc -l)" = 256 ]; }
until_true crowd
crowd; echo "crowd $?"
tasks=$(ls "/proc/$(systemctl show exportd -p MainPID --value)/task" | wc -l)
# Here nothing may enforce the limit.
[ "$tasks" -gt 256 ] && [ "$tasks" -lt "$(systemctl show exportd -p TasksMax --value)" ]; echo "tasks $?"
echo "state $(systemctl show exportd -p ActiveState --value), restarts $(systemctl show exportd -p NRestarts --value)"
systemctl stop exportd.service; echo "stop $?"
echo "result $(systemctl show exportd -p Result --value)"
touch /mnt/finished
INSIDE

cat > "$work/setup.sh" <<'SETUP'
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
SETUP

boot 60

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
crowd 0
tasks 0
state active, restarts 0
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
