#!/usr/bin/env python3
"""kill -9 in the middle of a job, twice: one run, complete, with right hashes, one mail, one call."""

import hashlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import invariants
from exportd_test import Daemon, Receiver, check, main, manifest, png, wait_for

ASSETS = 200


def test():
    with Receiver() as receiver, Daemon(receiver.config) as daemon:
        for k in range(ASSETS):
            (daemon.assets / f"p{k:03}.png").write_bytes(png(320, 240, k))
        originals = invariants.hashes(daemon.assets)
        text = manifest("big", ["*.png"], is_modifier="wid=240&fmt=png")
        daemon.drop_text("big.toml", text)
        # The third attempt must be allowed to end: three crashes would make it a poison job.
        for moment in (ASSETS // 5, ASSETS // 2):
            wait_for(lambda: daemon.progress() >= moment or daemon.runs("big"), 60, "no progress", 0.002)
            check(not daemon.runs("big"), f"the job was over before {moment} files were seen staged")
            daemon.kill()
            published = [path.name for path in daemon.out.iterdir() if path.name != ".exportd-stage"]
            check(published == [], f"published before it was complete: {published}")
            daemon.start()
        run = daemon.run("big", 120)

        check(run.report["verdict"] == "clean", f"verdict {run.report['verdict']}")
        check(run.counts() == (ASSETS, ASSETS, 0, 0, 0), f"counts {run.counts()}")
        check(len(run.files()) == ASSETS, f"{len(run.files())} files")
        run.check_sums()
        hashes = {entry["output"]: entry["sha256"] for entry in run.report["details"] if "sha256" in entry}
        check(len(hashes) == ASSETS, "the report does not name every file with its hash")
        listed = (run.out / "SHA256SUMS").read_text()
        check(all(value in listed for value in hashes.values()), "report and SHA256SUMS differ")

        wait_for(lambda: receiver.check(daemon) == 1, 30, "no call of the webhook")
        daemon.stop()
        published = sorted(path.name for path in daemon.out.iterdir() if path.name != ".exportd-stage")
        check(published == [run.name], f"in out/: {published}")
        check([path.name for path in daemon.reports.iterdir()] == [run.name], "more than one run folder in reports/")
        check(not daemon.staged(), "something is left in the stage")
        check(not list(daemon.drop.glob("*.toml")), "the manifest is still in drop/")
        mails = [mail for mail in daemon.mails() if mail["X-Exportd-Run"] == run.name]
        check(len(mails) == 1 == len(daemon.mails()), f"{len(daemon.mails())} mails")
        accepted = [hashlib.sha256(text.encode()).hexdigest()]
        found = invariants.violations(daemon.root, True, accepted, originals)
        check(not found, "; ".join(f"{number}: {what}" for number, what in found))


if __name__ == "__main__":
    main(test)
