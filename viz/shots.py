"""Shots: screenshots of every page at three widths, with Debian's Chromium; for looking at, and for the docs."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from sim.errors import UsageError
from viz.server import MESSAGE_BYTES, application
from viz.state import House

SIZES = ((390, 1700), (820, 1500), (1366, 1000))
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Path of the machine's own Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def start(house: House, port: int) -> Any:
    """A server in a thread of its own, ready when this returns; `should_exit` stops it."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            application(house),
            host="127.0.0.1",
            port=port,
            access_log=False,
            log_level="error",
            ws_max_size=MESSAGE_BYTES,
            ws_ping_timeout=120,
        )
    )
    threading.Thread(target=server.run, daemon=True).start()
    for _ in range(300):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    raise UsageError("the page's server did not start")


def take(house: House, port: int, folder: Path, quiet: bool) -> None:
    """Write page-WIDTH.png for each page and width. Raises UsageError where there is no Chromium."""
    path = chromium()
    if path is None:
        raise UsageError("no Chromium on this machine; install the package `chromium`")
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    server = start(house, port)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for width, height in SIZES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"http://127.0.0.1:{port}/?w=60")
            page.wait_for_selector("[data-hash]", timeout=120_000)
            for name, steps in PAGES.items():
                for selector in steps:
                    page.locator(selector).first.click(timeout=5000)
                page.wait_for_timeout(300)
                page.screenshot(path=folder / f"{name}-{width}.png")
                if not quiet:
                    print(folder / f"{name}-{width}.png", file=sys.stderr)
            page.close()
        browser.close()
    server.should_exit = True


PAGES: dict[str, tuple[str, ...]] = {
    "levers": ("[data-testid=lever]",),
    "both": ("[data-testid=view_both]",),
    "why": ("[data-testid=view_one]", "[data-testid=tab_why]", "[data-testid=chart]"),
    "lessons": ("[data-testid=tab_lessons]",),
    "lesson": ("[data-testid=lesson]",),
    "data": ("[data-testid=tab_data]",),
    "projector": ("[data-testid=projector]",),
}
"""Page -> what to click to get there from the one before."""
