#!/usr/bin/env bash
# Log entries in a real journal: fields and priorities. The journal runs in namespaces of its own.
set -u
fail() { echo "$1"; exit 1; }
program=${EXPORTD:-$PWD/target/release/exportd}
work=$(mktemp -d /tmp/exportd-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
cat > "$work/inside.sh" <<'INSIDE'
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
id=$(cat /etc/machine-id)
mkdir -p /run/systemd/journal "/run/log/journal/$id"
/lib/systemd/systemd-journald 2> "$WORK/journald" &
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
[ -S /run/systemd/journal/socket ]
# As a unit with StandardError=journal has it.
systemd-cat -t other sh -c '
    JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$PROGRAM" run --config "$WORK/exportd.toml" --root "$WORK/root"' &
daemon=$!
for _ in $(seq 100); do [ -e "$WORK/root/drop/.exportd/status.json" ] && break; sleep 0.1; done
cp "$WORK/job.toml" "$WORK/root/drop/.job" && mv "$WORK/root/drop/.job" "$WORK/root/drop/job.toml"
for _ in $(seq 200); do ls "$WORK"/root/reports/*/report.json > /dev/null 2>&1 && break; sleep 0.1; done
sleep 1
kill "$daemon"
wait "$daemon"
journalctl --sync
journalctl -o json --no-pager > "$WORK/entries"
run=$(basename "$(dirname "$(ls "$WORK"/root/reports/*/report.json)")")
journalctl --no-pager -o cat "EXPORTD_RUN=$run" > "$WORK/of-run"
journalctl --no-pager -o cat SYSLOG_IDENTIFIER=exportd -p err > "$WORK/errors"
kill %1
INSIDE
mkdir -p "$work/root/drop" "$work/root/assets"
echo words > "$work/root/assets/a.txt"
printf 'jobName = "fields"\nfmt = "orig"\nemailSetting = "All"\nassetHandleArray = ["a.txt"]\n' > "$work/job.toml"
# A relay that is away: a warning.
printf '[mail]\nport = 1\nto = ["ops@studio.example"]\n' > "$work/exportd.toml"
made=0
[ -s /etc/machine-id ] || { made=1; echo 0123456789abcdef0123456789abcdef > /etc/machine-id; }
WORK=$work PROGRAM=$program timeout 60 unshare --mount --pid --fork --kill-child bash "$work/inside.sh" > "$work/out" 2>&1
status=$?
[ $made = 1 ] && : > /etc/machine-id
[ $status = 0 ] || { cat "$work/out" "$work/journald"; fail "the journal could not be run or read"; }
grep -q 'job over' "$work/of-run" || fail "no entry of the run: $(cat "$work/of-run")"
[ -s "$work/errors" ] && fail "errors: $(cat "$work/errors")"
/usr/bin/python3 - "$work/entries" <<'READ' || fail "$(tail -5 "$work/entries")"
import json, sys
entries = [json.loads(line) for line in open(sys.argv[1])]
ours = [entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "exportd"]
over = [entry for entry in ours if "job over" in entry["MESSAGE"]]
assert len(over) == 1, over
over = over[0]
assert over["PRIORITY"] == "6" and over["EXPORTD_VERDICT"] == "clean" and over["EXPORTD_MANIFEST"] == "job.toml", over
assert over["_TRANSPORT"] == "journal", over
accepted = [entry for entry in ours if entry["MESSAGE"].startswith("accepted")]
assert accepted and accepted[0]["EXPORTD_ID"] == over["EXPORTD_ID"], accepted
assert not [entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "other"], "lines beside the entries"
assert [entry for entry in ours if entry["PRIORITY"] == "4" and entry["MESSAGE"].startswith("the relay takes no mail")], "no warning"
print(len(ours), "entries")
READ
echo "a journal has the fields"
