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
    server, room = start(house, port), house.classroom.open()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for width, height in SIZES:
            page = browser.new_page(viewport={"width": width, "height": height})
            for name, (query, steps) in PAGES.items():
                if query is not None:
                    address = f"http://127.0.0.1:{port}/" + query.replace("TOKEN", room.token)
                    page.goto(address, wait_until="commit", timeout=120_000)
                    page.wait_for_selector("[data-hash]", timeout=240_000)
                for selector in steps:
                    page.locator(selector).first.click(timeout=10_000)
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{name}-{width}.png")
                if not quiet:
                    print(folder / f"{name}-{width}.png", file=sys.stderr)
            page.close()
        browser.close()
    server.should_exit = True


PAGES: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "levers": ("?s=history&w=60", ("[data-testid=lever]",)),
    "why": (None, ("[data-testid=tab_why]",)),
    "why-chart": (None, ("[data-testid=chart]",)),
    "why-chip": (None, ("[data-testid=tab_why]", "g.node[data-id=nvidia] .mark", "[data-testid=chip]")),
    "both": ("?s=no-controls&a=history&w=170&view=both", ()),
    "difference": ("?s=no-controls&a=history&w=170&view=difference", ("[data-testid=tab_data]",)),
    "lessons": ("?s=teaching/rush&w=45", ("[data-testid=tab_lessons]",)),
    "teacher": ("?s=teaching/rush&w=45#t=TOKEN", ("[data-testid=set_all]",)),
    "lesson": (None, ("[data-testid=lesson]", "[data-testid=notes]")),
    "projector": ("?s=teaching/grey-market&w=80", ("[data-testid=projector]",)),
}
"""Page -> the address to start from (none: where the one before ended), and what to click from there."""
