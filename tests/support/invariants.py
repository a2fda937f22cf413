#!/usr/bin/env python3
"""What must hold of exportd's folders, whatever happened to the daemon.

    python3 tests/support/invariants.py ROOT [--accepted FILE] [--originals FILE] [--settled]

One line a violation, `N: words`, and exit code 1 when there is any. The numbers:

    1  whatever was accepted is one job in one state folder
    2  every published file has the hash that its report and SHA256SUMS give it
    3  nothing half-made is left
    4  each finished run has its mails, as its emailSetting asks, and one for each recipient; with a
       [webhook] in ROOT/exportd.toml it has its call, in one place
    5  originals are as they were
    6  no manifest that was accepted lies in the drop folder
    7  journals are whole, and say what the folders say
    8  the counts of reports and digests add up

`--accepted` names what was accepted, one a line: the id of a job or the SHA-256 of its manifest.
`--originals` is a list in the form of sha256sum, relative to ROOT/assets. Without `--settled` the
daemon may be at work, or may have been killed: then only what is over is judged, and what belongs
to a job that is not may be half-made.

Only Python's standard library is used, and nothing of exportd's own: formats are read as their
descriptions say, so that a mistake in the program is not made here again.
"""

import argparse
import collections
import email.parser
import email.policy
import functools
import hashlib
import json
import os
import pathlib
import re
import sys
import time
import tomllib
import zlib

STATES = ("queue", "active", "scheduled", "hold", "done", "failed", "corrupt")
OVER = ("done", "failed", "corrupt")
JOB = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}(-\d{8}T\d{6}Z)?")
STAGE = ".exportd-stage"
THUMBNAIL = re.compile(r"(source|output)-[0-9a-f]{24}\.(jpg|png)")
IN_REPORT = {"manifest.toml", "report.json", "report.html", "report.csv", "SHA256SUMS", "WHY-IT-FAILED.txt",
             "retry-failed.toml", "thumbnails"}
OURS_IN_TMP = re.compile(r"\..*\.\d+-\d+\.tmp")
# Which verdicts are mailed at which level.
MAILED = {
    "All": {"clean", "warnings", "partial", "failed", "fatal", "refused", "stopped"},
    "JobCompletion": {"clean", "warnings", "partial", "failed", "fatal", "refused", "stopped"},
    "ErrorAndWarning": {"warnings", "partial", "failed", "fatal", "refused"},
    "Error": {"partial", "failed", "fatal", "refused"},
    "None": set(),
}
LEVELS = {"全部": "All", "錯誤": "Error", "错误": "Error", "無": "None", "无": "None"}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def job_id(name, ino, ctime_ns, content):
    """The name of the job of a dropped file."""
    digest = hashlib.sha256()
    digest.update(len(name.encode()).to_bytes(8, "little"))
    digest.update(name.encode())
    digest.update(ino.to_bytes(8, "little"))
    digest.update(ctime_ns.to_bytes(16, "little", signed=True))
    digest.update(content)
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(ctime_ns // 1_000_000_000))
    return f"{when}-{digest.hexdigest()[:12]}"


def files_below(folder):
    """Every file below a folder, relative to it, sorted; links are not followed."""
    found = []
    for above, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(above, name), folder) for name in names]
    return sorted(found)


def read_journal(path):
    """The events of a journal as (who, event), and what is wrong behind the last good line."""
    events, rest = [], path.read_bytes()
    while rest:
        line, newline, after = rest.partition(b"\n")
        if not newline:
            return events, f"a torn line of {len(line)} bytes"
        digits, text = line[:9], line[9:]
        if digits != b"%08x " % zlib.crc32(text):
            return events, f"line {len(events) + 1} has a wrong sum"
        try:
            record = json.loads(text)
            who, event, number = record["by"], record["event"], record["seq"]
        except (ValueError, KeyError, TypeError) as error:
            return events, f"line {len(events) + 1} is not a record: {error}"
        if number != len(events) + 1:
            return events, f"line {len(events) + 1} has the number {number}"
        events.append((who, event))
        rest = after
    return events, None


def read_sums(text):
    """SHA256SUMS as a mapping of name to hash."""
    sums = {}
    for line in text.splitlines():
        digest, _, name = line.removeprefix("\\").partition("  ")
        if line.startswith("\\"):
            name = name.replace("\\\\", "\\").replace("\\n", "\n")
        sums[name] = digest
    return sums


class Job:
    """One folder of a state folder."""

    def __init__(self, state, folder):
        self.state, self.folder, self.id = state, folder, folder.name
        self.events, self.wrong = [], None
        self.record = None
        try:
            self.record = json.loads((folder / "job.json").read_bytes())
        except (OSError, ValueError):
            pass
        try:
            self.events, self.wrong = read_journal(folder / "journal")
        except FileNotFoundError:
            pass
        except OSError as error:
            self.wrong = str(error)

    def steps(self):
        """The spool's own events."""
        return [event for who, event in self.events if who == "spool" and isinstance(event, dict)]

    def told(self, kind):
        """The job's events of one kind."""
        return [event[kind] for who, event in self.events if who == "job" and isinstance(event, dict) and kind in event]

    @functools.cache
    def run(self):
        named = self.told("named")
        return named[-1]["run"] if named else None


class Tree:
    """The folders of one daemon, and everything wrong with them."""

    def __init__(self, root, settled, accepted=(), originals=None):
        self.root, self.settled = pathlib.Path(root), settled
        self.accepted, self.originals = list(accepted), originals
        self.out, self.reports = self.root / "out", self.root / "reports"
        self.violations = []
        self.jobs = self._jobs()
        self.runs = self._runs()
        self.held = {job.id for job in self.jobs if job.state == "hold"}
        self.live = {job.id for job in self.jobs if job.state not in OVER}
        self.live_runs = {job.run() for job in self.jobs if job.state not in OVER}

    def wrong(self, number, words):
        self.violations.append((number, words))

    def _jobs(self):
        # Jobs move while they are listed; what went from one folder to the next is seen in both or neither.
        jobs = []
        for state in STATES:
            folder = self.root / "spool" / state
            if folder.is_dir():
                jobs += [Job(state, path) for path in sorted(folder.iterdir()) if JOB.fullmatch(path.name)]
        return jobs

    def _runs(self):
        runs = []
        for path in sorted(self.reports.glob("*/report.json")):
            try:
                report = json.loads(path.read_bytes())
            except ValueError as error:
                self.wrong(8, f"{path.relative_to(self.root)} is not JSON: {error}")
                continue
            runs.append((path.parent, report))
        return sorted(runs, key=lambda run: run[1]["endDate"])

    def check(self):
        self.one_state_each()
        self.published_as_reported()
        self.nothing_half_made()
        self.mails()
        self.calls()
        self.originals_untouched()
        self.drop_is_clear()
        self.journals()
        self.counts()
        return self.violations

    # ------------------------------------------------------------ 1

    def one_state_each(self):
        places = collections.defaultdict(list)
        of_manifest = collections.defaultdict(list)
        for job in self.jobs:
            places[job.id].append(job)
            if job.record and not job.record.get("firing"):
                of_manifest[job.record["sha256"]].append(job)
        for name, jobs in places.items():
            if len(jobs) > 1:
                self.wrong(1, f"{name} is in {' and '.join(job.state for job in jobs)}")
        for name in self.accepted:
            found = places.get(name, []) or of_manifest.get(name, [])
            ids = {job.id for job in found}
            if not found and not self._run_over(name):
                self.wrong(1, f"{name} was accepted and is nowhere")
            elif len(ids) > 1:
                self.wrong(1, f"{name} was accepted more than once: {', '.join(sorted(ids))}")
            elif self.settled and found and found[0].state in ("queue", "active"):
                self.wrong(1, f"{name} never ended: it is in {found[0].state}")

    def _run_over(self, manifest):
        """Whether a run of this manifest is over although its job is no longer kept."""
        return any((folder / "manifest.toml").is_file() and sha256(folder / "manifest.toml") == manifest
                   for folder, _ in self.runs)

    # ------------------------------------------------------------ 2

    @staticmethod
    def _manifest(folder):
        try:
            return tomllib.loads((folder / "manifest.toml").read_text("utf-8-sig"))
        except (OSError, ValueError):
            return {}

    @staticmethod
    def _outputs(report):
        return {entry["output"]: entry for entry in report["details"] if "sha256" in entry and "output" in entry}

    def published_as_reported(self):
        # Of a file that several runs put into one destination, the last one counts.
        merged = collections.defaultdict(list)
        for folder, report in self.runs:
            outputs, run = self._outputs(report), report["run"]
            destination = self._manifest(folder).get("destination")
            if folder.name != run:
                self.wrong(2, f"reports/{folder.name} reports on {run}")
            if report["verdict"] in ("failed", "fatal", "refused") and (outputs or (self.out / run).exists()):
                self.wrong(2, f"{run} is {report['verdict']} and has outputs")
            if not outputs or report["verdict"] == "stopped" and self._stays_staged(run, outputs, destination):
                continue
            sums = folder / "SHA256SUMS" if destination else self.out / run / "SHA256SUMS"
            listed = read_sums(sums.read_text()) if sums.is_file() else None
            if listed != {name: entry["sha256"] for name, entry in outputs.items()}:
                self.wrong(2, f"{run}: SHA256SUMS and report differ" if listed is not None else f"{run}: no SHA256SUMS")
            for name, entry in outputs.items():
                path = pathlib.Path(destination, name) if destination else pathlib.Path(run, name)
                merged[str(path)].append((report, entry))
            if not destination:
                strangers = set(files_below(self.out / run)) - set(outputs) - {"SHA256SUMS"}
                for name in sorted(strangers):
                    self.wrong(2, f"{run}: {name} is in no report")
        for path, told in merged.items():
            file, last = self.out / path, told[-1][0]
            # Of runs at the same time it is not known which came last.
            told = [entry for report, entry in told if report["endDate"] >= last["startDate"]]
            if not file.is_file() or file.is_symlink():
                self.wrong(2, f"{last['run']}: out/{path} is not there")
            elif (file.stat().st_size, sha256(file)) not in [(entry["bytes"], entry["sha256"]) for entry in told]:
                self.wrong(2, f"{last['run']}: out/{path} is not what was reported")
        if self.settled and self.out.is_dir():
            tops = {pathlib.Path(path).parts[0] for path in merged} | {STAGE}
            for path in self.out.iterdir():
                if path.is_dir() and path.name not in tops and (path / "SHA256SUMS").exists():
                    self.wrong(2, f"out/{path.name} is a run without a report")

    def _stays_staged(self, run, outputs, destination):
        """Whether nothing of a stopped run is published; then it is staged, until somebody deletes it."""
        if not destination and (self.out / run).exists():
            return False
        for job in self.jobs:
            if job.run() == run and job.state == "hold":
                for name, entry in outputs.items():
                    file = self.out / STAGE / job.id / "files" / name
                    if not file.is_file() or sha256(file) != entry["sha256"]:
                        self.wrong(2, f"{run} was stopped, and {name} is not staged as it was reported")
        return True

    # ------------------------------------------------------------ 3

    def nothing_half_made(self):
        left = []
        spool, mail, drop = self.root / "spool", self.root / "mail", self.root / "drop"
        for folder in (spool / "tmp", mail / "tmp", drop / ".exportd/taken"):
            if self.settled and folder.is_dir():
                left += folder.iterdir()
        if (self.out / STAGE).is_dir():
            # What rests keeps what it has done.
            ours = self.held if self.settled else self.live
            left += [path for path in (self.out / STAGE).iterdir() if path.name not in ours]
        if self.settled:
            for folder in (spool, drop, self.reports, mail):
                if folder.is_dir():
                    names = (folder / name for name in files_below(folder))
                    left += [path for path in names if OURS_IN_TMP.fullmatch(path.name)]
            for path in self.reports.iterdir() if self.reports.is_dir() else ():
                if path.name == ".exportd":
                    # What was said to requests, for an hour.
                    left += [file for file in path.rglob("*") if file.is_file() and file.parent.name != "answers"]
                elif path.name.startswith(".exportd-"):
                    left.append(path)
                elif path.is_dir() and path.name not in self.live_runs:
                    names = ("status.json", ".job")
                    left += [path / name for name in names if (path / name).exists()]
                    if not (path / "report.json").exists():
                        left.append(path)
                    left += [file for file in path.iterdir() if file.name not in IN_REPORT]
                    if (path / "thumbnails").is_dir():
                        left += [file for file in (path / "thumbnails").iterdir() if not THUMBNAIL.fullmatch(file.name)]
            for path in self.out.iterdir() if self.out.is_dir() else ():
                if path.is_file():
                    left.append(path)
            for path in mail.glob("*/*.env"):
                if not path.with_suffix(".eml").exists():
                    left.append(path)
        for path in sorted(set(left)):
            self.wrong(3, f"{path.relative_to(self.root)} is left")

    # ------------------------------------------------------------ 4

    @staticmethod
    def _headers(path):
        with path.open("rb") as file:
            return email.parser.BytesHeaderParser(policy=email.policy.default).parse(file)

    def mails(self):
        of_run, seen = collections.defaultdict(collections.Counter), {}
        # The last of each name first, so that the first stays.
        jobs = {job.run(): job for job in reversed(self.jobs)}
        for state in ("new", "deferred", "sent", "dead"):
            for path in sorted((self.root / "mail" / state).glob("*.eml")):
                try:
                    message = self._headers(path)
                except FileNotFoundError:
                    continue
                name, where = message["Message-ID"], f"{state}/{path.name}"
                if name in seen:
                    self.wrong(4, f"mail {name} is in {seen[name]} and {where}")
                seen[name] = where
                # One that was stopped and goes on is told about again.
                if "-resumed-" in str(name):
                    continue
                # A digest stands for several runs.
                for run in (message["X-Exportd-Run"] or "").replace(",", " ").split():
                    of_run[run][str(message["To"])] += 1
        for folder, report in self.runs:
            run, manifest = report["run"], self._manifest(folder)
            job = jobs.get(run)
            if job and job.state not in OVER:
                continue
            level = manifest.get("emailSetting")
            level = LEVELS.get(level, level)
            wanted = report["verdict"] in MAILED.get(level, MAILED["All"])
            found = of_run[run]
            if wanted and not found:
                self.wrong(4, f"{run}: no mail, although it is {report['verdict']} and emailSetting is {level}")
            if not wanted and found:
                self.wrong(4, f"{run}: a mail, although it is {report['verdict']} and emailSetting is {level}")
            for recipient, count in found.items():
                if count > 1:
                    self.wrong(4, f"{run}: {count} mails to {recipient}")

    def calls(self):
        config = self.root / "exportd.toml"
        if not config.exists() or "webhook" not in tomllib.loads(config.read_text()):
            return
        of_run, seen = collections.Counter(), {}
        for state in ("waiting", "sent", "dead"):
            for path in sorted((self.root / "mail/webhook" / state).glob("exportd_*.json")):
                try:
                    call = json.loads(path.read_text())
                except FileNotFoundError:
                    continue
                except ValueError as error:
                    self.wrong(4, f"call {state}/{path.name}: {error}")
                    continue
                if path.name in seen:
                    self.wrong(4, f"call {path.name} is in {seen[path.name]} and {state}")
                seen[path.name] = state
                if json.loads(call["body"])["data"]["run"] != call["run"]:
                    self.wrong(4, f"call {state}/{path.name} is about another run")
                of_run[call["run"]] += 1
        jobs = {job.run(): job for job in reversed(self.jobs)}
        for _, report in self.runs:
            job = jobs.get(report["run"])
            if job and job.state not in OVER:
                continue
            if not of_run[report["run"]]:
                self.wrong(4, f"{report['run']}: no call of the webhook")

    # ------------------------------------------------------------ 5

    def originals_untouched(self):
        if self.originals is None:
            return
        assets = self.root / "assets"
        there = set(files_below(assets))
        for name in sorted(there - set(self.originals)):
            self.wrong(5, f"assets/{name} is new")
        for name, digest in sorted(self.originals.items()):
            if name not in there:
                self.wrong(5, f"assets/{name} is gone")
            elif sha256(assets / name) != digest:
                self.wrong(5, f"assets/{name} was changed")

    # ------------------------------------------------------------ 6

    def drop_is_clear(self):
        ids = {job.id: job for job in self.jobs}
        # A file that was put back has another change time, but is the same file.
        inodes = {(job.record["ino"], job.record["sha256"]): job
                  for job in self.jobs if job.record and not job.record.get("firing")}
        for path in sorted((self.root / "drop").glob("*.toml")):
            if path.name[0] in "._~":
                continue
            try:
                content, stat = path.read_bytes(), path.stat()
            except FileNotFoundError:
                continue
            name = job_id(path.name, stat.st_ino, stat.st_ctime_ns, content)
            job = ids.get(name) or inodes.get((stat.st_ino, hashlib.sha256(content).hexdigest()))
            if job and (self.settled or job.state in OVER):
                self.wrong(6, f"drop/{path.name} was accepted as {job.id}, which is in {job.state}")

    # ------------------------------------------------------------ 7

    def journals(self):
        for job in self.jobs:
            name = f"{job.state}/{job.id}"
            if job.wrong and (self.settled or job.state in OVER or not job.wrong.startswith("a torn line")):
                self.wrong(7, f"{name}: journal: {job.wrong}")
            if (job.folder / "journal.cut").exists():
                self.wrong(7, f"{name}: a journal was cut in its middle")
            ends = [step["ended"] for step in job.steps() if step.get("step") == "finished"]
            published = job.told("published")
            if len(ends) > 1:
                self.wrong(7, f"{name} ended {len(ends)} times")
            if len(published) > 1:
                self.wrong(7, f"{name} was published {len(published)} times")
            if len({json.dumps(named, sort_keys=True) for named in job.told("named")}) > 1:
                self.wrong(7, f"{name} was named more than once")
            if job.state in OVER and ends and ends[-1] != job.state:
                self.wrong(7, f"{name} ended as {ends[-1]}")
            if job.state in ("queue", "scheduled") and ends:
                self.wrong(7, f"{name} has ended and is in {job.state}")
            run = job.run()
            if run and job.state in OVER and not (self.reports / run / "report.json").is_file():
                self.wrong(7, f"{name} is over and reports/{run}/report.json is not there")
            if ends and not run:
                self.wrong(7, f"{name} has ended without a run")
        runs = collections.Counter(job.run() for job in self.jobs if job.run())
        for run, count in runs.items():
            if count > 1:
                self.wrong(7, f"{count} jobs have the run {run}")

    # ------------------------------------------------------------ 8

    def counts(self):
        by_run = {report["run"]: report for _, report in self.runs}
        resumed = {job.run() for job in self.jobs if job.told("stopped")}
        for _, report in self.runs:
            run, details = report["run"], report["details"]
            total, success, error, warning, cancel, duplicate, update = (
                report[key] for key in ("totalFileCount", "fileSuccessCount", "fileErrorCount", "fileWarningCount",
                                        "fileCancelCount", "fileDuplicateCount", "fileUpdateCount"))
            if total != success + error + warning + cancel:
                self.wrong(8, f"{run}: {total} files are not {success} + {error} + {warning} + {cancel}")
            if duplicate + update > success:
                self.wrong(8, f"{run}: more duplicates and updates than successes")
            kinds = collections.defaultdict(set)
            for entry in details:
                if "assetHandle" in entry:
                    kinds[(entry["assetHandle"], entry.get("rendition"))].add(entry["logType"])
            of = lambda *names: sum(1 for found in kinds.values() if found & set(names))
            delivered = ("ExportSuccess", "DuplicateSkipped", "FileUpdated")
            only_warned = sum(1 for found in kinds.values() if found == {"ExportWarning"})
            seen = (of(*delivered), of("ExportError"), only_warned, of("FileCancel"))
            if kinds and seen != (success, error, warning, cancel):
                self.wrong(8, f"{run}: its details say {seen}, its counts {(success, error, warning, cancel)}")
            told = [entry["logMessage"] for entry in details if entry["logType"] == "TotalFileCount"]
            if told != [str(total)]:
                self.wrong(8, f"{run}: TotalFileCount is {told}, not {total}")
        for path in sorted((self.root / "mail").glob("*/*.eml")):
            try:
                message = self._headers(path)
            except FileNotFoundError:
                continue
            report = by_run.get(str(message["X-Exportd-Run"]))
            if not report:
                continue
            run, verdict = report["run"], message["X-Exportd-Verdict"]
            if verdict == "stopped" and run in resumed:
                continue
            if verdict != report["verdict"]:
                self.wrong(8, f"{run}: its mail says {verdict}, its report {report['verdict']}")
            told = re.search(r": done, ([\d,]+) files?\b", str(message["Subject"]))
            if told and int(told[1].replace(",", "")) != report["fileSuccessCount"]:
                self.wrong(8, f"{run}: its mail says {told[1]} files, its report {report['fileSuccessCount']}")


def violations(root, settled=True, accepted=(), originals=None):
    """Everything that is wrong below a root, as (number, words)."""
    return Tree(root, settled, accepted, originals).check()


def hashes(folder):
    """The hashes of all files below a folder, to hold against later."""
    return {name: sha256(os.path.join(folder, name)) for name in files_below(folder)}


def command():
    parser = argparse.ArgumentParser(description="Tells what is wrong with exportd's folders.")
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--accepted", type=pathlib.Path, help="ids of jobs or hashes of manifests, one a line")
    parser.add_argument("--originals", type=pathlib.Path, help="SHA256SUMS of the assets")
    parser.add_argument("--settled", action="store_true", help="nothing is going on any more")
    arguments = parser.parse_args()
    accepted = arguments.accepted.read_text().split() if arguments.accepted else ()
    originals = read_sums(arguments.originals.read_text()) if arguments.originals else None
    found = violations(arguments.root, arguments.settled, accepted, originals)
    for number, words in found:
        print(f"{number}: {words}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(command())
