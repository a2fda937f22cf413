"""A headless Chromium, spoken with by its own protocol, and axe-core run in it."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import axe_playwright_python
import websocket

AXE = pathlib.Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()


class Browser:
    """One tab; a context manager. What the page says or asks for is noted."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="exportd-browser-")
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={self.profile}",
                   "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"ws://\S+", line):
                break
        else:
            raise AssertionError("Chromium does not start")
        self.number, self.said, self.session = 0, [], None
        self.socket = websocket.create_connection(found.group(0), suppress_origin=True, timeout=60)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps({**message, "sessionId": self.session} if self.session else message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.said.append(answer)

    def show(self, path, width, dark):
        """Opens a page so wide, light or dark; returns the seconds until it had loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.said.clear()
        begun = time.monotonic()
        self.ask("Page.navigate", url=path.as_uri())
        while self.value("document.readyState") != "complete":
            time.sleep(0.01)
        return time.monotonic() - begun

    def value(self, expression, **more):
        """What a script in the page gives."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, **more)
        if "exceptionDetails" in done:
            raise AssertionError(f"{expression[:80]}: {done['exceptionDetails']['text']}")
        return done["result"].get("value")

    def complaints(self):
        """Messages on the console and exceptions since the page was opened."""
        events = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [event["params"] for event in self.said if event.get("method") in events]

    def requests(self):
        """Everything that was loaded since, but for what is in the page itself."""
        asked = [event["params"]["request"]["url"] for event in self.said
                 if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith("data:")]

    def findings(self):
        """What axe-core finds: rule, and where."""
        self.value(AXE + "\n;undefined")
        run = "axe.run().then(result => result.violations.map(v => [v.id, v.nodes.map(n => n.html + n.failureSummary)]))"
        return self.value(run, awaitPromise=True)

    def picture(self, path):
        shown = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shown["data"]))
