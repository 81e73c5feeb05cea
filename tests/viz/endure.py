"""Half an hour of a class: `python -m tests.viz.endure [--minutes 30] [--world teaching/rush]`.

Thirty protocol-level clients and, where Chromium is there, one real tab move different levers of one server. Every minute it tells
worlds made, the wait from message in to frames out, and memory of server and workers; at the end whether memory stayed flat.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from contextlib import suppress

import psutil

from tests.viz.conftest import Site, start, stop
from tests.viz.protocol import Client
from viz.shots import FLAGS, chromium

CLIENTS = 30
FLAT = 1.10
"""Memory at the end over memory at a third of the time: more is no longer flat."""


class Pupil(threading.Thread):
    """One client: moves a lever, looks at the picture for some seconds, moves on."""

    def __init__(self, site: Site, number: int, until: float) -> None:
        super().__init__(daemon=True)
        self.site, self.number, self.until = site, number, until
        self.waits: list[float] = []
        self.refused = 0
        self.failed = ""

    def run(self) -> None:
        chance = random.Random(self.number)
        try:
            client = Client(self.site.port)
            client.hear("world")
            while time.monotonic() < self.until:
                time.sleep(chance.uniform(4, 16))
                began = time.monotonic()
                said = client.world(changes={"behaviour.lead_weeks": round(chance.uniform(2, 20), 4)})
                if "policy" in said:
                    self.waits.append(time.monotonic() - began)
                else:
                    self.refused += 1
            client.close()
        except Exception as error:  # told at the end: one pupil's fault must not end the class
            self.failed = f"{type(error).__name__}: {error}"


def browse(site: Site, until: float) -> None:
    """A real tab that plays and scrubs all the while."""
    path = chromium()
    if path is None:
        print("no Chromium: without the real tab")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(site.url)
        page.wait_for_selector("[data-hash]", timeout=60_000)
        while time.monotonic() < until:
            with suppress(Exception):
                page.click("[data-testid=play]", timeout=5000)
                page.wait_for_timeout(8000)
        browser.close()


def memory_mb(site: Site) -> tuple[float, list[float]]:
    server = psutil.Process(site.process.pid)
    return server.memory_info().rss / 1e6, [child.memory_info().rss / 1e6 for child in server.children(recursive=True)]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--world", default="teaching/rush")
    args = asked.parse_args()
    site = start(args.world)
    began, until = time.monotonic(), time.monotonic() + 60 * args.minutes
    pupils = [Pupil(site, number, until) for number in range(CLIENTS)]
    for pupil in pupils:
        pupil.start()
    threading.Thread(target=browse, args=(site, until), daemon=True).start()
    marks: list[tuple[float, float]] = []
    while time.monotonic() < until:
        time.sleep(min(60.0, max(1.0, until - time.monotonic())))
        server, workers = memory_mb(site)
        waits = sorted(wait for pupil in pupils for wait in pupil.waits)
        past = (time.monotonic() - began) / 60
        marks.append((past, server + sum(workers)))
        if waits:
            p95 = waits[int(0.95 * len(waits))]
            told = f"{len(waits)} worlds, median {waits[len(waits) // 2]:.2f} s, p95 {p95:.2f} s"
            print(f"{past:5.1f} min: {told}; server {server:.0f} MB, workers {sum(workers):.0f} MB", flush=True)
    for pupil in pupils:
        pupil.join(60)
    faults = [pupil.failed for pupil in pupils if pupil.failed]
    log = stop(site)
    early = next((mb for past, mb in marks if past >= args.minutes / 3), marks[0][1])
    growth = marks[-1][1] / early
    print(f"memory at the end over memory at a third: {growth:.2f}; refused {sum(p.refused for p in pupils)}; faults {faults}")
    return int(growth > FLAT or bool(faults) or "Traceback" in log)


if __name__ == "__main__":
    sys.exit(main())
