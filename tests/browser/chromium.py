"""A headless Chromium that is clicked and typed at, through its own debugging pipe."""

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--window-size=1500,950",
]
PATIENCE = 120.0
_GONE = "Inspected target navigated or closed"
# Chromium reads its orders from descriptor 3 and answers on 4.
_LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
# name: (code, number of the key, text that it types)
_KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, ""),
    "Escape": ("Escape", 27, ""),
    " ": ("Space", 32, " "),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "Home": ("Home", 36, ""),
    "End": ("End", 35, ""),
}


class Chromium:
    """A browser with one page at a time.

    Attributes:
        downloads: The folder of what the page has downloaded.
        errors: What the page's console complained of, and what it threw.
        requests: Addresses that were asked for.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        """Start it.

        Args:
            command: The browser and its flags.
            folder: For its profile.
        """
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        inherited = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (orders, answers)]
        launch = [sys.executable, "-c", _LAUNCH, *map(str, inherited), *command]
        profile = f"--user-data-dir={folder / 'profile'}"
        self._process = subprocess.Popen(
            [*launch, "--remote-debugging-pipe", profile, "about:blank"],
            pass_fds=inherited,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (orders, answers, *inherited):
            os.close(end)
        self.downloads = folder
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._session: str | None = None
        self._waiting: dict[int, queue.Queue[dict[str, Any]]] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    @contextmanager
    def page(self, folder: Path) -> Iterator[None]:
        """Show a new page, with storage and a cache of its own.

        Args:
            folder: For what it downloads.
        """
        self.downloads, self.errors, self.requests = folder / "downloads", [], []
        self.downloads.mkdir(parents=True)
        own = self.send("Target.createBrowserContext")
        page = self.send("Target.createTarget", url="about:blank", **own)
        self._session = self.send("Target.attachToTarget", **page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(self.downloads),
            **own,
        )
        self.send("Page.bringToFront")
        self.show_as()
        try:
            yield
        finally:
            self._session = None
            self.send("Target.disposeBrowserContext", **own)

    def close(self) -> None:
        """End it."""
        self.send("Browser.close")
        self._process.wait(PATIENCE)
        os.close(self._orders)
        os.close(self._answers)

    def send(self, method: str, **options: Any) -> dict[str, Any]:
        """Give an order of the DevTools protocol and wait for what comes of it."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": options}
        if self._session:
            message["sessionId"] = self._session
        self._waiting[number] = queue.Queue()
        os.write(self._orders, json.dumps(message).encode() + b"\0")
        answer = self._waiting[number].get(timeout=PATIENCE)
        del self._waiting[number]
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self._answers, 1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._waiting[message["id"]].put(message)
                else:
                    self._note(message["method"], message["params"])

    def _note(self, method: str, what: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(what["exceptionDetails"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(what["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning"):
            self.errors.append(json.dumps(what["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])

    def open(self, address: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self.send("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def show_as(
        self, width: int = 1280, height: int = 900, *, phone: bool = False, **media: str
    ) -> None:
        """Choose the window, and media features such as `prefers_color_scheme="dark"`."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression holds on the page."""

        def holds() -> bool:
            try:
                return bool(self.run(f"Boolean({script})"))
            except AssertionError as error:
                if _GONE in str(error):  # the page that was asked is on its way to the next one
                    return False
                raise

        wait_for(holds, script)

    def text(self, selector: str) -> str:
        """The text of an element, as it is seen."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element that can be seen there."""
        found = json.dumps(selector)
        x, y, hit = self.run(
            f"""(() => {{
              const element = document.querySelector({found});
              element.scrollIntoView({{ block: "center", behavior: "instant" }});
              const box = element.getClientRects()[0];
              const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
              const at = document.elementFromPoint(x, y);
              return [x, y, element.contains(at) || at.contains(element)];
            }})()"""
        )
        assert hit, f"{selector} is covered"
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        for letter in text:
            self.send("Input.dispatchKeyEvent", type="keyDown", key=letter, text=letter)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def insert(self, text: str) -> None:
        """Put a text at once into what has the focus, as a paste does."""
        self.send("Input.insertText", text=text)

    def press(self, key: str, times: int = 1, *, shift: bool = False) -> None:
        """Press a key that is no letter."""
        code, number, text = _KEYS[key]
        known = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 * shift}
        for _ in range(times):
            self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **known)
            self.send("Input.dispatchKeyEvent", type="keyUp", **known)

    def focused(self) -> str:
        """The id of what has the focus, or else what it is and says."""
        return str(
            self.run(
                "(e => e.id || `${e.tagName.toLowerCase()}:${e.innerText}`)(document.activeElement)"
            )
        )

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a PNG of the whole page, or of what the window shows."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
            data = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)[
                "data"
            ]
        path.write_bytes(base64.b64decode(data))

    def downloaded(self, name: str) -> bytes:
        """A file that was downloaded, once it is complete; it is taken away."""
        path = self.downloads / name
        # An empty file stands for its name until the content is complete.
        wait_for(lambda: path.exists() and path.stat().st_size > 0, f"download of {name}")
        content = path.read_bytes()
        path.unlink()
        return content


@contextmanager
def started(folder: Path) -> Iterator[Chromium]:
    """A browser without a page, where the machine has one."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    browser = Chromium([found[0], *FLAGS], folder)
    try:
        yield browser
    finally:
        browser.close()


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Wait until a function says so."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.05)
