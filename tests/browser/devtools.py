"""A headless Chromium driven over a pipe by the DevTools protocol, with no further package."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
SECONDS = 30
ATTEMPTS = 10  # at each click


def chromium() -> str | None:
    """The path of a Chromium; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page of the browser; every request that it sends is kept in `requests`."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._text, self._number, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.errors: list[str] = []

    def open(
        self, path: Path, width: int = 1400, height: int = 900, dark: bool = False, scripts: bool = True
    ) -> None:
        """Open a file in a new tab of that size and wait until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank", session="")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True, session="")[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=theme)
        if not scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.requests.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while self._event()["method"] != "Page.loadEventFired":
            pass

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description", expression))
        return found["result"].get("value")

    def key(self, name: str) -> None:
        """Press and release a key."""
        codes = {
            "Tab": 9,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
            "Home": 36,
            "End": 35,
        }
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name]
            )

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of what the selector finds, where the window shows it.

        A busy machine may drop an event of the mouse without a word, so what the page did not hear is made again.
        Keys (`key`) are pressed once.
        """
        found = f"document.querySelector({json.dumps(selector)})"
        self.run("""(() => {
            const heard = window.heard = {};
            window.listening?.abort();
            window.listening = new AbortController();
            for (const kind of ["mousedown", "mouseup"])
                addEventListener(kind, () => { heard[kind] = true; }, {capture: true, signal: listening.signal});
        })()""")
        for _ in range(ATTEMPTS):
            x, y = self.run(f"""(async () => {{
                {found}.scrollIntoView({{block: "center"}});
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                const box = {found}.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }})()""")
            for kind, event in (("mousePressed", "mousedown"), ("mouseReleased", "mouseup")):
                if not self.run(f"heard.{event}"):
                    self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
                if not self.run(f"heard.{event}"):
                    break
            else:
                return
        raise RuntimeError(f"the page did not hear the mouse on {selector} in {ATTEMPTS} attempts")

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(b64decode(found["data"]))

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Send a command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        session = self._session if session is None else session
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _event(self) -> dict[str, Any]:
        while "method" not in (message := self._read()):
            pass
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(message["params"]["exceptionDetails"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._text:
            more = os.read(self._answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self._text += more
        line, _, self._text = self._text.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def browser(program: str) -> Iterator[Page]:
    """A browser with no profile, which ends with the block."""
    (commands, our_commands), (our_answers, answers) = _pipe(), _pipe()
    folder = Path(tempfile.mkdtemp())
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
               "--disable-background-networking", "--no-first-run", f"--user-data-dir={folder}",
               "--remote-debugging-pipe", "about:blank"]  # fmt: skip
    # The protocol is spoken on the descriptors 3 and 4, which the shell puts there.
    line = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
    process = subprocess.Popen(
        ["bash", "-c", line, program, *options],
        pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(commands)
    os.close(answers)
    try:
        yield Page(our_commands, our_answers)
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the program may be a script that waits for the browser
        process.wait(SECONDS)
        os.close(our_commands)
        os.close(our_answers)
        shutil.rmtree(folder, ignore_errors=True)


def _pipe() -> tuple[int, int]:
    """A pipe whose descriptors lie above 3 and 4, which the shell gives to the browser."""
    low = os.pipe()
    read, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return read, write
