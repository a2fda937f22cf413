#!/bin/bash
# The shipped unit: systemd finds nothing to complain of, the sandbox stays as tight as it was, and
# sysusers and tmpfiles make the folders with their modes.
set -euo pipefail
cd "$(dirname "$0")/../../.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() { echo "10-unit: $*" >&2; exit 1; }

# verify looks for the programs at their paths: below a root of our own, with stand-ins.
mkdir -p "$root/usr/bin" "$root/bin" "$root/etc/systemd/system" "$root/usr/lib/systemd"
cp -r /usr/lib/systemd/system "$root/usr/lib/systemd/"
cp systemd/exportd.service "$root/etc/systemd/system/"
if complaints=$(systemd-analyze verify --man=no --root="$root" exportd.service 2>&1); then
    fail "verify does not notice that the program is missing"
fi
cp /bin/true "$root/usr/bin/exportd"
cp /bin/true "$root/bin/kill"
complaints=$(systemd-analyze verify --man=no --root="$root" exportd.service 2>&1) || fail "verify: $complaints"
[ -z "$complaints" ] || fail "verify: $complaints"

# Ten times the exposure: 1.2 because PrivateUsers must stay off (who dropped a file gets the mail).
systemd-analyze security --no-pager --offline=true --threshold=12 systemd/exportd.service > "$root/security" \
    || fail "$(tail -1 "$root/security")"
tail -1 "$root/security"

# Users and folders.
systemd-sysusers --root="$root" "$PWD/systemd/exportd.sysusers.conf"
getent_file() { grep -q "$2" "$root/etc/$1" || fail "no $2 in $1"; }
getent_file passwd '^exportd:'
getent_file group '^exportd-submit:.*:exportd$'
systemd-tmpfiles --root="$root" --create "$PWD/systemd/exportd.tmpfiles.conf"
while read -r mode path; do
    found=$(stat -c %a "$root$path") || fail "$path was not made"
    [ "$found" = "$mode" ] || fail "$path has mode $found, not $mode"
done <<'MODES'
3770 /srv/exportd/drop
2750 /srv/exportd/drop/.exportd
3770 /srv/exportd/drop/.exportd/control
2775 /srv/exportd/assets
2750 /srv/exportd/out
2750 /srv/exportd/reports
750 /var/lib/exportd
700 /var/lib/exportd/spool
700 /var/lib/exportd/mail
600 /etc/exportd/smtp-password
600 /etc/exportd/webhook-secret
MODES
