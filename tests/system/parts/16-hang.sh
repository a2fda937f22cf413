#!/bin/bash
# Threads that hang, under the shipped unit in the real systemd (see ../boot.sh): the loop, the mail
# thread, a thread of the worker pool, and a job's thread in its journal. A system call of each is
# never answered (see ../hang.py). Every time the watchdog restarts the daemon, within WatchdogSec and
# 5 s, and the job that was at work is finished once, with what was made before.
. "$(dirname "$0")/../boot.sh"

cat > "$work/inside.sh" <<'INSIDE'
exec > /mnt/inside.log 2>&1
. /etc/tools.sh
of_unit() { systemctl show exportd -p "$1" --value; }
# Tells whether two assets of the job are over.
far_enough() { [ "$(cat /var/lib/exportd/spool/active/*/journal | grep -c '"asset":')" -ge 2 ]; }
# Lets the workers stop, so that the job is still at work when the daemon ends, however fast they are.
stop_workers() {
    local worker
    for worker in /proc/[0-9]*; do
        [ "$(cat "$worker/comm" 2>/dev/null)" != exportd-worker ] || kill -STOP "${worker#/proc/}"
    done
}
hang() { # JOB THREAD CALL N [PATH]
    local process restarts held ended
    process=$(of_unit MainPID) restarts=$(of_unit NRestarts)
    case $1 in
        # The one that comes first: later there are workers, and none is started.
        pool) echo "$process ${*:2}" > /etc/exportd/hang; drop pool ;;
        job) drop job; until_true far_enough; echo "$process ${*:2}" > /etc/exportd/hang ;;
        *)
            drop "$1"; until_true far_enough; stop_workers
            echo "$process ${*:2}" > /etc/exportd/hang
            # Something to be mailed about.
            drop refused ;;
    esac
    until_true eval '[ $(grep -c "^held" /mnt/daemon.log) -gt '"$hung"' ]'
    held=$(grep '^held' /mnt/daemon.log | tail -1 | grep -o '[0-9.]*$')
    until_true eval '[ "$(of_unit Result)" = watchdog ]'
    ended=$(date +%s.%N)
    echo "$1 result $(of_unit Result)"
    awk -v held="$held" -v now="$ended" 'BEGIN { print "took", now - held > "/dev/stderr"; exit now - held > 10 }'; echo "$1 in time $?"
    [ "$1" = loop ] || echo "$1 status $(of_unit StatusText | sed 's/job [0-9TZa-f-]*/job ID/')"
    until_true eval '[ "$(of_unit NRestarts)" -gt '"$restarts"' ] && [ "$(of_unit ActiveState)" = active ]'
    echo "$1 state $(of_unit ActiveState), restarts $(($(of_unit NRestarts) - restarts))"
    verdict "$1"
    echo "$1 out $(ls -d /srv/exportd/out/"$1"_* | wc -l), reports $(ls -d /srv/exportd/reports/"$1"_* | wc -l)," \
        "files $(find /srv/exportd/out/"$1"_* -name '*.png' | wc -l)"
    # A hanging start of a worker keeps the headers from being read, and nothing is made before.
    [ "$1" = pool ] || [ "$(find /srv/exportd/out/"$1"_* -name '*.png' ! -newermt "@$ended" | wc -l)" -ge 2 ]; echo "$1 kept what was made $?"
    until_true eval "ls /var/lib/exportd/mail/{new,deferred} | grep -q '^$1_.*eml'"
    echo "$1 mails $(ls /var/lib/exportd/mail/{new,deferred,sent,dead} | grep -c "^$1_.*\.eml$")"
    hung=$((hung + 1))
}
hung=0
systemctl start exportd.service; echo "start $?"
hang pool worker- openat 2
hang loop exportd openat 1
hang mail mail openat 1
hang job job write 1 journal
systemctl stop exportd.service; echo "stop $?"
echo "result $(of_unit Result)"
touch /mnt/finished
INSIDE

cat > "$work/setup.sh" <<'SETUP'
lab=$R/usr/local/lib/exportd-lab
install -D -m 644 -t "$lab" "$TREE/tests/system/calls.py" "$TREE/tests/system/hang.py"
# Some seconds of work.
python3 - "$R/srv/exportd/assets" "$TREE/tests/system" <<'PICTURES'
import os, pathlib, sys
sys.path.insert(0, sys.argv[2])
from exportd_test import png
for k in range(12):
    path = pathlib.Path(sys.argv[1], f"p{k:02}.png")
    path.write_bytes(png(700, 700, k))
    path.chmod(0o644)
PICTURES
for job in loop mail pool job; do
    cat > "$R/etc/$job-manifest.toml" <<MANIFEST
jobName = "$job"
assetHandleArray = ["*.png"]
fmt = "convert"
is_modifier = "op_blur=60&wid=700&fmt=png"
emailSetting = "All"
MANIFEST
done
echo 'nonsense = 1' > "$R/etc/refused-manifest.toml"
cat > "$R/etc/exportd/conf.d/lab.toml" <<'TOML'
workers = 2
[mail]
host = "127.0.0.1"
port = 25
tls = "none"
from = "exportd <exportd@studio.example>"
to = ["ops@studio.example"]
TOML
mkdir -p "$R/etc/systemd/system/exportd.service.d"
# What watches over calls is a script, and it has to look at the threads of another process.
cat > "$R/etc/systemd/system/exportd.service.d/hang.conf" <<'UNIT'
[Service]
WatchdogSec=5
ExecStart=
ExecStart=/usr/bin/python3 /usr/local/lib/exportd-lab/hang.py /etc/exportd/hang /usr/bin/exportd run
NoExecPaths=
MemoryDenyWriteExecute=no
UNIT
SETUP

boot 150

once='out 1, reports 1, files 12'
declare -A status=(
    [pool]='the worker pool has not come back for 5 s: starts a worker'
    [mail]='the mail thread has not come back for 5 s: looks through the outbox'
    [job]='the thread of job ID has not come back for 5 s: writes its journal'
)
expected="start 0"
for job in pool loop mail job; do
    expected+="
$job result watchdog
$job in time 0${status[$job]:+
$job status ${status[$job]}}
$job state active, restarts 1
$job verdict:clean
$job $once
$job kept what was made 0
$job mails 1"
done
expected+='
stop 0
result success'
found=$(grep -v '^took' "$work/out/inside.log")
[ "$found" = "$expected" ] || fail "expected:
$expected
found:
$found"
echo "restarted after $(grep '^took' "$work/out/inside.log" | cut -d' ' -f2 | paste -sd' ') s; each job finished once"
