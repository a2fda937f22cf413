#!/bin/bash
# The package, installed by apt where a real systemd runs (see ../boot.sh): it starts by itself, a
# member of the group copies a manifest into the drop folder, and there is output, report and mail with
# no further step; members control jobs, others do not, and the doctor finds nothing wrong. Mail reaches
# a mailbox by the MTA of the machine. Then an upgrade while jobs are in the spool, removal, and purging.
. "$(dirname "$0")/../boot.sh"

package=$(systemd/deb/build "$program" -- --fast) || fail "no package"
# Another version of the same; one that apt takes for newer.
dpkg-deb -R "$package" "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/next" "$work/next.deb" > /dev/null
cp "$package" "$work/first.deb"
rm -r "$work/next"

cat > "$work/install.sh" <<'INSTALL'
rm -rf "$R"/etc/systemd/system/exportd* "$R/usr/bin/exportd" "$R/usr/lib/tmpfiles.d/exportd.conf" "$R/usr/sbin/policy-rc.d"
sed -i '/^exportd/d' "$R"/etc/passwd "$R"/etc/group "$R"/etc/shadow "$R"/etc/gshadow
chroot "$R" useradd -m mia
chroot "$R" useradd -M tom
cp "$WORK/first.deb" "$WORK/next.deb" "$R/opt/"
INSTALL

cat > "$work/setup.sh" <<'SETUP'
# The MTA is OpenSMTPD as Debian configures it.
mkdir -p "$R/etc/systemd/system/opensmtpd.service.d"
printf '[Unit]\nDefaultDependencies=no\n' > "$R/etc/systemd/system/opensmtpd.service.d/lab.conf"
for job in boot:kitchen/mug-clay.jpg posted:kitchen/mug-clay.jpg waits:not/yet.jpg second:not/yet.jpg; do
    cat > "$R/etc/${job%%:*}.toml" <<MANIFEST
jobName = "${job%%:*}"
assetHandleArray = ["${job#*:}"]
fmt = "convert"
is_modifier = "wid=300"
emailSetting = "All"
MANIFEST
done
cat > "$R/etc/nightly.toml" <<MANIFEST
jobName = "nightly"
assetHandleArray = ["kitchen/mug-clay.jpg"]
fmt = "orig"
emailSetting = "None"
execSchedule = "0 0 6 1 1 ? 2099"
MANIFEST
cp "$TREE/config/demo/assets/kitchen/mug-clay.jpg" "$R/opt/"
SETUP

cat > "$work/inside.sh" <<'INSIDE'
exec > /mnt/inside.log 2>&1
. /etc/tools.sh
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt() { apt-get -y -q "$@" >> /mnt/apt.log 2>&1; }
mia() { setpriv --reuid mia --regid mia --init-groups bash -c "umask 027; $*"; }
running() { mia exportd status --json | grep -q "\"run\": *\"$1_"; }
apt install /opt/first.deb; echo "install $?"
echo "state $(systemctl is-active exportd) $(systemctl is-enabled exportd)"
usermod -aG exportd-submit mia
# Originals are people's: a member of the group brings them.
mia "mkdir /srv/exportd/assets/kitchen && cp /opt/mug-clay.jpg /srv/exportd/assets/kitchen/"
mia "cp /etc/boot.toml /srv/exportd/drop/"; echo "copied $?"
verdict boot
mia "test -r /srv/exportd/out/boot_*/kitchen/mug-clay.jpg"; echo "output $?"
mia "test -r /srv/exportd/reports/boot_*/report.html"; echo "report $?"
until_true eval 'ls /var/lib/exportd/mail/sent/boot_*.eml'
echo "mails $(ls /var/lib/exportd/mail/sent | grep -c '^boot_.*\.eml$')"
man -w exportd exportd.toml exportd-manifest > /dev/null; echo "pages $?"
systemd-analyze verify exportd.service; echo "verified $?"

# Members of the group control jobs, others do not; whoever runs the machine asks the doctor.
mia "cp /etc/nightly.toml /srv/exportd/drop/"
scheduled() { mia exportd status --json 2> /dev/null | grep -q '"scheduleState": "'"$1"; }
until_true scheduled Normal
for command in run-now pause; do mia exportd "$command" nightly 2>> /mnt/words; echo "$command $?"; done
verdict nightly
until_true scheduled Paused
setpriv --reuid tom --regid tom --init-groups exportd delete nightly 2>> /mnt/words; echo "not for tom $?"
for command in resume delete; do mia exportd "$command" nightly 2>> /mnt/words; echo "$command $?"; done
mia "exportd logs nightly | grep -c ExportSuccess"
exportd doctor > /mnt/doctor.log; echo "doctor $?"

# With a relay: an empty table is the one of this machine. Whose file it is gets the mail.
systemctl start opensmtpd; echo "MTA $?"
until_true bash -c 'echo > /dev/tcp/127.0.0.1/25'
cat > /etc/exportd/conf.d/mail.toml <<MAIL
[mail]
[users.mia]
address = "Mia Wang <mia@localhost>"
unix_user = "mia"
MAIL
systemctl reload exportd; echo "reload $?"
exportd doctor > /mnt/doctor.log; echo "doctor $?"
mia "cp /etc/posted.toml /srv/exportd/drop/"
verdict posted
until_true eval 'ls ~mia/Maildir/new/*'
letter=$(ls ~mia/Maildir/new/*)
[ "$(stat -c %U "$letter")" = mia ] && grep -E '^(Subject|From|To): ' "$letter"
mshow "$letter" 2> /dev/null | grep -c -F "$(basename /srv/exportd/out/posted_*)" > /dev/null; echo "letter $?"

# A job that waits for its picture, and another behind it.
echo 'job.wait_for_assets = "60s"' > /etc/exportd/conf.d/lab.toml
sed -i 's/^#keep_days = .*/keep_days = 9/' /etc/exportd/exportd.toml
systemctl reload exportd; echo "reload $?"
mia "cp /etc/waits.toml /srv/exportd/drop/"
until_true running waits
before=$(systemctl show exportd -p MainPID --value)
mia "cp /etc/second.toml /srv/exportd/drop/.second.tmp && mv /srv/exportd/drop/.second.tmp /srv/exportd/drop/second.toml"
until_true eval '! ls /srv/exportd/drop/second.toml'
echo "spool $(ls /var/lib/exportd/spool/active /var/lib/exportd/spool/queue | grep -c -- -)"
apt install /opt/next.deb; echo "upgrade $?"
dpkg-query -W -f '${Version}\n' exportd | grep -c '+next$'
[ "$before" != "$(systemctl show exportd -p MainPID --value)" ]; echo "another process $?"
echo "state $(systemctl is-active exportd)"
mia "mkdir /srv/exportd/assets/not && cp /opt/mug-clay.jpg /srv/exportd/assets/not/yet.jpg"
verdict waits
verdict second
exportd config | grep '^keep_days'
until_true eval 'ls /var/lib/exportd/mail/sent/waits_*.eml && ls /var/lib/exportd/mail/sent/second_*.eml'
for job in boot waits second; do
    echo "$job: runs $(ls -d /srv/exportd/out/"$job"_* | wc -l), mails $(ls /var/lib/exportd/mail/sent | grep -c "^${job}_.*\.eml$")"
done

apt remove exportd; echo "remove $?"
echo "state $(systemctl is-active exportd), processes $(pgrep -c -u exportd)"
ls -d /var/lib/exportd/mail/sent /srv/exportd/out/boot_*/kitchen /etc/exportd/exportd.toml | wc -l
apt purge exportd; echo "purge $?"
ls -d /var/lib/exportd /etc/exportd 2>/dev/null | wc -l
ls -d /srv/exportd/out/boot_*/kitchen | wc -l
touch /mnt/finished
INSIDE

boot 90

expected='install 0
state active enabled
copied 0
boot verdict:clean
output 0
report 0
mails 1
pages 0
verified 0
run-now 0
pause 0
nightly verdict:clean
not for tom 69
resume 0
delete 0
1
doctor 0
MTA 0
reload 0
doctor 0
posted verdict:clean
From: exportd <exportd@localhost>
To: "Mia Wang" <mia@localhost>
Subject: [exportd] posted: done, 1 file
letter 0
reload 0
spool 2
upgrade 0
1
another process 0
state active
waits verdict:clean
second verdict:clean
keep_days = 9  # /etc/exportd/exportd.toml:16
boot: runs 1, mails 1
waits: runs 1, mails 1
second: runs 1, mails 1
remove 0
state inactive, processes 0
3
purge 0
0
1'
found=$(cat "$work/out/inside.log")
[ "$found" = "$expected" ] || fail "expected:
$expected
found:
$found"
echo "$(basename "$package"): installed, exported, upgraded with two jobs in the spool, removed, purged"
