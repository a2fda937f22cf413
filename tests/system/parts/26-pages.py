#!/usr/bin/env python3
"""Reports and mails as people see them: in a browser at three widths, light and dark, and in mail readers.

Pages and mails of every verdict, some in every language, with names that are meant to harm: nothing sticks out or is asked for
from outside, no word on the console, no finding of axe-core, and names are text. A mail is taken
apart by Python's email package and by mblaze. A page of 2,000 assets opens in a second or, on a busy
machine, two. With
EXPORTD_SCREENS=FOLDER pictures of all of them are put there.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from browser import Browser
from exportd_test import Daemon, check, main, manifest, png, run_each, wait_for

WIDTHS = (320, 800, 1400)
ODD = ["<img src=x onerror=alert(1)>.png", "quotes \"' & <b>.png", "turned \u202egnp.png", "a\u2028line.png",
       "<script>document.title='owned'<script>.png", "x" * 251 + ".png"]
LANGUAGES = ("zh-Hant", "zh-Hans", "ja", "de", "fr", "es")
SCREENS = os.environ.get("EXPORTD_SCREENS")
# The longest a page of 2,000 assets may take to open, in seconds.
OPENED = 2.0


def looked_at(browser, name, path, may_load=(), language="en"):
    """Looks at a page in every width and colour."""
    for width in WIDTHS:
        for dark in (False, True):
            where = f"{name}, {width} px, {'dark' if dark else 'light'}"
            browser.show(path, width, dark)
            wide = browser.value("document.documentElement.scrollWidth")
            check(wide <= width, f"{where}: it is {wide} px wide")
            check(not browser.complaints(), f"{where}: {browser.complaints()}")
            loaded = [url for url in browser.requests() if url != path.as_uri()]
            check(all(any(url.endswith(end) for end in may_load) for url in loaded), f"{where}: it asks for {loaded}")
            found = browser.findings()
            check(not found, f"{where}: axe-core finds {found}")
            if SCREENS:
                browser.picture(pathlib.Path(SCREENS) / f"{name}-{width}-{'dark' if dark else 'light'}.png")
    check(browser.value("document.querySelectorAll('script, iframe, object, [onerror]').length") == 0, f"{name}: a script")
    check(browser.value("document.querySelectorAll('h1').length") == 1, f"{name}: not one h1")
    check(browser.value("document.documentElement.lang") == language, f"{name}: its language")


def page_of_mail(message, folder):
    """The HTML part as a file, its pictures beside it, as a mail reader would show it."""
    part = message.get_body(("html",))
    page = part.get_content()
    pictures = {inner["Content-ID"].strip("<>"): inner for inner in message.walk() if inner["Content-ID"]}
    used = set(re.findall(r'src="cid:([^"]+)"', page))
    check(used == set(pictures), f"pictures that are shown and that are there: {used ^ set(pictures)}")
    for number, (cid, inner) in enumerate(sorted(pictures.items())):
        check(inner.get_content_type() in ("image/jpeg", "image/png"), inner.get_content_type())
        check(inner.get_content_disposition() == "inline", f"{cid}: {inner.get_content_disposition()}")
        (folder / f"{number}.img").write_bytes(inner.get_content())
        page = page.replace(f"cid:{cid}", f"{number}.img")
    path = folder / "mail.html"
    path.write_text(page)
    return path


def taken_apart(message):
    """A mail as Python's email package and as mblaze have it."""
    check(not [part for part in message.walk() if part.defects], "the mail has defects")
    check(message.get_content_type() == "multipart/alternative", message.get_content_type())
    text = message.get_body(("plain",))
    check(text.get_content_charset() == "utf-8" and text["Content-Type"].params.get("charset"), "the charset")
    for header in ("Auto-Submitted", "List-Id", "Message-ID", "X-Exportd-Run", "X-Exportd-Verdict", "Date"):
        check(message[header], f"no {header}")
    raw = message.as_bytes()
    check(len(raw) <= 1 << 20, f"the mail has {len(raw)} bytes")
    with tempfile.NamedTemporaryFile(suffix=".eml") as file:
        file.write(raw)
        file.flush()
        says = lambda *command: subprocess.run(command, capture_output=True, check=True).stdout
        kinds = re.findall(r"^\s*\d+: (\S+)", says("mshow", "-t", file.name).decode(), re.MULTILINE)
        ours = [part.get_content_type() for part in message.walk()]
        check([kind for kind in kinds if kind != "message/rfc822"] == ours, f"mblaze sees {kinds}, not {ours}")
        subject = says("mhdr", "-h", "subject", "-d", file.name).decode().strip()
        check(subject == str(message["Subject"]), f"mblaze reads {subject!r}, not {message['Subject']!r}")
        number = str(kinds.index("text/plain") + 1)
        shown = says("mshow", "-O", file.name, number).decode()
        check(shown.split() == text.get_content().split(), "mblaze shows another text")


def tell(browser, daemon, job, verdict, language="en"):
    """Looks at the page and the mail of one run."""
    run = daemon.run(job, 60)
    check(run.report["verdict"] == verdict, f"{job}: {run.report['verdict']}")
    looked_at(browser, f"page-{job}", run.reports / "report.html", language=language)
    shown = browser.value("document.body.innerText")
    message = wait_for(lambda: [m for m in daemon.mails() if m["X-Exportd-Run"] == run.name], 30, f"no mail of {job}")[0]
    taken_apart(message)
    with tempfile.TemporaryDirectory() as folder:
        path = page_of_mail(message, pathlib.Path(folder))
        looked_at(browser, f"mail-{job}", path, (".img",), language)
    return run, shown, message


def every_verdict():
    daemon = Daemon()
    # Whoever runs the daemon is told of what it cannot use.
    rubbish = daemon.root / "spool/active/rubbish"
    rubbish.mkdir(parents=True)
    (rubbish / "x").write_text("no job at all")
    with daemon, Browser() as browser:
        for number, name in enumerate(ODD):
            (daemon.assets / name).write_bytes(png(90, 60, number))
        (daemon.assets / "cut.png").write_bytes(png(60, 50, 1)[:700])
        (daemon.assets / "text.jpg").write_bytes(b"no picture at all\n" * 40)
        modifiers = "wid=200&fmt=jpeg"
        daemon.drop_text("hostile.toml", manifest("hostile", ["*.png"], is_modifier="wid=40&fmt=png-alpha"))
        _, shown, _ = tell(browser, daemon, "hostile", "partial")
        for name in ODD[:2]:
            check(name in shown, f"{name} is not shown as it is")
        check("\u202e" not in shown, "a name turns the direction")
        daemon.drop_text("well.toml", manifest("well", [f"{'x' * 251}.png"], is_modifier=modifiers))
        tell(browser, daemon, "well", "clean")
        daemon.drop_text("failed.toml", manifest("failed", ["cut.png", "text.jpg", "nowhere.png"], is_modifier=modifiers))
        tell(browser, daemon, "failed", "failed")
        daemon.drop_text("odd.toml", manifest("odd", ["x*.png"], is_modifier="wid=200&fmt=jpeg&nonsense=1"))
        tell(browser, daemon, "odd", "warnings")
        daemon.drop_text("wrong.toml", 'jobName = "wrong"\nwidht = "<script>alert(1)</script>"\nfmt = "orig"\n'
                         'assetHandleArray = ["x*.png"]\nemailSetting = "All"\n')
        refused = wait_for(lambda: [m for m in daemon.mails() if "wrong" in m["Subject"]], 30, "no refusal")[0]
        taken_apart(refused)
        with tempfile.TemporaryDirectory() as folder:
            looked_at(browser, "mail-refused", page_of_mail(refused, pathlib.Path(folder)), may_load=(".img",))
        notice = next(message for message in daemon.mails() if message["X-Exportd-Notice"])
        with tempfile.TemporaryDirectory() as folder:
            looked_at(browser, "mail-notice", page_of_mail(notice, pathlib.Path(folder)))


def every_language():
    with Daemon() as daemon, Browser() as browser:
        (daemon.assets / "good.png").write_bytes(png(90, 60, 1))
        (daemon.assets / "cut.png").write_bytes(png(60, 50, 1)[:700])
        said = set()
        for language in LANGUAGES:
            handles = ["good.png", "cut.png", "nowhere.png"]
            keys = {"locale": language, "is_modifier": "wid=40&nonsense=1"}
            daemon.drop_text(f"{language}.toml", manifest(language, handles, **keys))
            _, _, message = tell(browser, daemon, language, "partial", language)
            said.add(str(message["Subject"]).partition(": ")[2])
        check(len(said) == len(LANGUAGES), f"they say the same: {said}")


def two_thousand():
    with Daemon() as daemon, Browser() as browser:
        (daemon.assets / "many").mkdir()
        pictures = [png(96, 72, seed) for seed in range(40)]
        for number in range(1998):
            (daemon.assets / f"many/p{number:04}.png").write_bytes(pictures[number % 40])
        (daemon.assets / "many/cut.png").write_bytes(pictures[0][:500])
        (daemon.assets / "many/text.png").write_bytes(b"no picture at all\n" * 40)
        daemon.drop_text("many.toml", manifest("many", ["many/*"], is_modifier="wid=48&fmt=jpeg"))
        run = daemon.run("many", 120)
        check(run.counts() == (2000, 1998, 2, 0, 0), f"{run.counts()}")
        page = run.reports / "report.html"
        size = page.stat().st_size
        check(size <= 5_000_000, f"the page has {size} bytes")
        took = min(browser.show(page, 1400, dark=False) for _ in range(3))
        print(f"a page of 2,000 assets: {size / 1e6:.2f} MB, open in {took:.2f} s")
        check(took <= OPENED, f"it takes {took:.2f} s to open")
        check(not browser.complaints(), f"{browser.complaints()}")
        message = wait_for(daemon.mails, 30, "no mail")[-1]
        check(str(message["Subject"]) == "[exportd] many: 2 of 2,000 need you", message["Subject"])
        causes = [entry for entry in run.report["details"] if entry["logType"] == "ExportError"]
        check(len(causes) == 2, f"{causes}")
        first = "\n".join(message.get_body(("plain",)).get_content().splitlines()[:12])
        with tempfile.TemporaryDirectory() as folder:
            browser.show(page_of_mail(message, pathlib.Path(folder)), 800, dark=False)
            above = browser.value("""[...document.querySelectorAll('*')]
                .filter(e => !e.children.length && e.getBoundingClientRect().bottom <= 600).map(e => e.innerText).join('\\n')""")
        for words, where in ((first, "the first 12 lines"), (above, "the first 600 pixels")):
            for name in ("many/cut.png", "many/text.png"):
                check(name in words, f"{where} do not name {name}: {words}")
            check(words.count("What to do") >= 1 or words.count("save it again") >= 1, f"{where} say no next step: {words}")


if __name__ == "__main__":
    main(lambda: run_each([every_verdict, every_language, two_thousand]))
