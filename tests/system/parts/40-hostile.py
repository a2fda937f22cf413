#!/usr/bin/env python3
"""Bad pictures among good ones: each has its own plain reason, the rest is delivered."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import DEMO, Daemon, check, main, manifest, png, png_bomb

GOOD = 20
# What a studio assistant should never have to read.
INTERNAL = re.compile(r"panick|unwrap|os error|Err\(|\{|::|errno|0x[0-9a-f]{4}|signal \d", re.IGNORECASE)


def hostile(assets):
    """Writes the bad assets and returns their handles."""
    jpeg = (DEMO / "assets/kitchen/mug-clay.jpg").read_bytes()
    (assets / "bad").mkdir()
    (assets / "bad/short.jpg").write_bytes(jpeg[: len(jpeg) // 3])
    (assets / "bad/bomb.png").write_bytes(png_bomb())
    (assets / "bad/note.png").write_text("This is a note, not a picture.\n" * 20)
    return ["bad/short.jpg", "bad/bomb.png", "bad/note.png", "bad/absent.jpg"]


def test():
    with Daemon() as daemon:
        names = [f"good/g{k:02}.png" for k in range(GOOD)]
        (daemon.assets / "good").mkdir()
        for k, name in enumerate(names):
            (daemon.assets / name).write_bytes(png(200, 150, k))
        bad = hostile(daemon.assets)
        modifiers = {"is_modifier": "wid=100&fmt=jpeg"}

        daemon.drop_text("warm.toml", manifest("warm", names, **modifiers))
        check(daemon.run("warm", 30).report["verdict"] == "clean", "the good pictures alone are not clean")
        before = daemon.own()

        handles = [*bad[:2], *names, *bad[2:], "a|1|22|77"]
        daemon.drop_text("mixed.toml", manifest("mixed", handles, **modifiers))
        run = daemon.run("mixed", 60)
        after = daemon.own()

        check(run.report["verdict"] == "partial", f"verdict {run.report['verdict']}")
        check(run.counts() == (GOOD + 5, GOOD, 4, 1, 0), f"counts {run.counts()}")
        check(len(run.files()) == GOOD, f"{len(run.files())} files")
        run.check_sums()

        reasons = []
        for handle in bad:
            entries = run.of(handle)
            kinds = [entry["logType"] for entry in entries]
            check(kinds == ["ExportError"], f"{handle}: {kinds}")
            reasons.append(entries[0]["logMessage"])
            check(len(reasons[-1]) > 15, f"{handle}: the reason is {reasons[-1]!r}")
            check(not INTERNAL.search(reasons[-1]), f"{handle}: not for people: {reasons[-1]!r}")
            check("output" not in entries[0], f"{handle}: an output of a failed asset")
        check(len(set(reasons)) == len(bad), f"reasons are not their own: {reasons}")
        (entry,) = run.of("a|1|22|77")
        check(entry["logType"] == "ExportWarning", f"set handle: {entry}")

        for name in ("retry-failed.toml", "manifest.toml", "report.json"):
            check((run.reports / name).is_file(), f"no {name}")
        check(not (run.reports / "status.json").exists(), "status.json is left")
        check(daemon.alive(), "the daemon is dead")
        grown = (after - before) / 1_000_000
        check(grown <= 5, f"the daemon grew by {grown:.1f} MB")
        (mail,) = [mail for mail in daemon.mails() if mail["X-Exportd-Run"] == run.name]
        check(mail["Subject"] == f"[exportd] mixed: 4 of {GOOD + 5} need you", mail["Subject"])


if __name__ == "__main__":
    main(test)
