"""A server in a process of its own and Debian's Chromium; where there is no Chromium the browser tests skip and say so."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from viz.shots import FLAGS, chromium

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 120_000
"""A crowded machine is slow, not wrong; the limits of time are held by test_pace."""


@dataclass
class Site:
    """A running server."""

    port: int
    code: str
    token: str
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def rss_mb(self) -> float:
        import psutil

        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*names: str, port: int = 0) -> Site:
    """Start a server over made-up runs, or over the scenarios named."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.viz.serve", str(port), *names],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert len(first.split()) == 2, first + process.communicate()[0]
    code, token = first.split()
    for _ in range(300):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return Site(port, code, token, process)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def stop(site: Site) -> str:
    """Stop a server; what it printed after its first line."""
    site.process.terminate()
    try:
        said, _ = site.process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        site.process.kill()
        said, _ = site.process.communicate()
    return said


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """One server for all tests; it must end without a traceback in its log, and without the teacher's token."""
    found = start()
    yield found
    said = stop(found)
    assert "Traceback" not in said, said
    assert found.token not in said


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: the page is NOT tested in a browser (install the package `chromium`)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


class Tab:
    """A page that notes what must not happen: foreign requests, failed ones, errors of script."""

    def __init__(self, browser: Any, url: str, query: str = "", **more: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **({"viewport": {"width": 1366, "height": 768}} | more))
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.bad: list[str] = []
        self.bytes = 0
        self.frames = 0
        self.page.on("pageerror", lambda error: self.bad.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on(
            "response",
            lambda answer: self.bad.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )
        self.page.on("websocket", lambda socket: socket.on("framesent", self._sent) or socket.on("framereceived", self._sent))
        self.page.goto(url + query)
        self.page.wait_for_selector("[data-hash]")

    def _request(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:", "ws://127.0.0.1:", "about:")):
            self.bad.append(f"foreign request: {url}")

    def _sent(self, _: Any) -> None:
        self.frames += 1

    @property
    def hash(self) -> str:
        return str(self.page.get_attribute("[data-hash]", "data-hash"))

    def settled(self, before: str) -> str:
        """The hash of the picture that follows `before`."""
        self.page.wait_for_function("before => document.querySelector('[data-hash]').dataset.hash !== before", arg=before)
        return self.hash

    def close(self) -> None:
        self.context.close()
        assert not self.bad, self.bad


@pytest.fixture(scope="module")
def home(browser: Any, site: Site) -> Iterator[Tab]:
    """One tab for tests that only look; it is checked at the end."""
    found = Tab(browser, site.url, "?w=60")
    yield found
    found.close()


@pytest.fixture
def tab(browser: Any, site: Site) -> Iterator[Any]:
    """Opens tabs; each is closed, and checked, at the end."""
    opened: list[Tab] = []

    def open_tab(query: str = "", url: str | None = None, **more: Any) -> Tab:
        opened.append(Tab(browser, url or site.url, query, **more))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()
