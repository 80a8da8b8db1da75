"""A real browser without a window, driven by its own protocol: keys are pressed in it, by people with own cookies."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SECONDS = 20.0
_CONTROL = """(label => {
  const said = [...document.querySelectorAll('label')].find(e => e.textContent.trim().startsWith(label));
  const control = said && (said.control || document.getElementById(said.htmlFor));
  if (!control) throw new Error('no field ' + label);
  control.focus(); if (control.select) control.select();
  return control.type;
})"""
_BUTTON = """(name => {
  const said = e => e.textContent.trim().replace(/\\s+/g, ' ');
  const button = [...document.querySelectorAll('button, a')].find(e => said(e) === name);
  if (!button) throw new Error('nothing to press is called ' + name);
  button.focus(); return button.tagName;
})"""


def browser() -> str:
    """The program; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH (apt-get install chromium)")
    return found


@dataclass
class Chromium:
    """A running browser."""

    socket: ClientConnection
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(_SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait(self, method: str, session: str) -> None:
        """Until the page of a session has told an event; one that was told before counts."""
        while not any(each.get("method") == method and each.get("sessionId") == session for each in self.events):
            self.events.append(json.loads(self.socket.recv(_SECONDS)))

    def person(self, width: int = 1280, height: int = 900) -> "Tab":
        """A window with no cookies."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable", session)
        tab = Tab(self, session)
        tab.resize(width, height)
        return tab


@dataclass
class Tab:
    browser: Chromium
    session: str

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.ask(method, self.session, **parameters)

    def resize(self, width: int, height: int) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def evaluate(self, script: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, f"{found['exceptionDetails']}\n{self.text[:2000]}"
        return found["result"].get("value")

    def go(self, address: str) -> "Tab":
        self.browser.events.clear()
        self.ask("Page.navigate", url=address)
        self.browser.wait("Page.loadEventFired", self.session)
        return self

    def write(self, **fields: str) -> "Tab":
        """Write into the fields whose labels begin so, with a space for each underscore."""
        for name, text in fields.items():
            label = json.dumps(name.replace("_", " "))
            if self.evaluate(f"{_CONTROL}({label})") in ("date", "select-one"):
                self.evaluate(f"document.activeElement.value = {json.dumps(text)}")
            else:
                self.ask("Input.insertText", text=text)
        return self

    def tick(self, label: str) -> "Tab":
        self.evaluate(f"{_CONTROL}({json.dumps(label)})")
        self._key(" ", 32)
        return self

    def press(self, name: str) -> "Tab":
        """Press a button or a link by the keyboard, and wait for the page that it leads to."""
        self.evaluate(f"{_BUTTON}({json.dumps(name)})")
        self.browser.events.clear()
        self._key("\r", 13)
        self.browser.wait("Page.loadEventFired", self.session)
        return self

    def _key(self, text: str, code: int) -> None:
        key = {"text": text, "windowsVirtualKeyCode": code, "key": "Enter" if code == 13 else text}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **key)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **key)

    @property
    def text(self) -> str:
        found = self.ask("Runtime.evaluate", expression="document.body.innerText", returnByValue=True)
        return str(found["result"].get("value"))

    @property
    def path(self) -> str:
        return str(self.evaluate("location.pathname"))

    def made(self) -> str:
        """The secret that the page shows this once."""
        return str(self.evaluate("document.getElementById('made').textContent"))


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    command = [browser(), *QUIET, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = profile / "DevToolsActivePort"
        deadline = time.monotonic() + _SECONDS
        while not port.exists() or port.read_text().count("\n") < 1:
            assert process.poll() is None, "the browser did not start"
            assert time.monotonic() < deadline, "the browser did not say where it listens"
            time.sleep(0.05)
        number, path = port.read_text().split("\n")[:2]
        with connect(f"ws://127.0.0.1:{number}{path}", max_size=None, open_timeout=_SECONDS) as socket:
            yield Chromium(socket)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(profile, ignore_errors=True)
