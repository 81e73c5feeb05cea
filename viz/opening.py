"""Opening: what `chokepoint viz` does: the scenarios offered, the room for a class, the baking of presets, the serving."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path

from sim.errors import ChokepointError, UsageError
from viz.baked import Shelf
from viz.crew import Crew, cores
from viz.desk import Desk
from viz.runs import QueueFullError
from viz.server import serve
from viz.state import House
from viz.texts import languages

LOCAL = ("127.0.0.1", "localhost", "::1")


def open_page(
    scenario: str | None,
    host: str,
    port: int,
    in_class: bool,
    language: str,
    workers: int | None,
    shots: Path | None,
    bake: bool,
    quiet: bool,
) -> None:
    """Serve until interrupted, or take screenshots or bake and return. Raises UsageError for what cannot be served."""
    if language not in languages():
        raise UsageError(f'no texts in "{language}"; there are {", ".join(languages())}')
    size = cores() if workers is None else workers
    desk = Desk(offered(scenario), Crew(size) if size else None, Shelf())
    desk.scenario(desk.names[0])
    if bake:
        desk.bake(lambda name: None if quiet else print(name, file=sys.stderr), wait=False)
        return
    _free(host, port)
    house = House(desk, language=language, join_at=f"http://{address(host)}:{port}/")
    if shots is not None:
        from viz.shots import take

        take(house, port, shots, quiet)
        return

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr)

    if in_class:
        room = house.classroom.open()
        if host in LOCAL:
            say("Nobody else can join: the page listens on this machine alone. Add --host 0.0.0.0 to let the class in.")
        # The token stands in the fragment, which browsers keep to themselves; this terminal is the only place it is shown.
        print(f"Students: {house.join_at}?room={room.code}\nTeacher (keep to yourself): {house.join_at}#t={room.token}")
    say("Getting the first world ready; the very first time its kernels are compiled, which takes about a minute.")
    with contextlib.suppress(ChokepointError, QueueFullError, TimeoutError):
        desk.framed(desk.names[0], {}, 1)
    say(f"chokepoint is at http://{address(host)}:{port}/ (stop with Ctrl-C)")
    threading.Thread(target=desk.bake, args=(lambda name: None,), daemon=True).start()
    serve(house, host, port)


def offered(scenario: str | None) -> list[str]:
    """Scenarios to pick from: the one asked for first, then the teaching worlds, then the rest that ships."""
    from sim.scenario_io import shipped_names

    shipped = sorted(shipped_names(), key=lambda name: (not name.startswith("teaching/"), name != "history", name))
    first = [scenario] if scenario else []
    return list(dict.fromkeys([*first, *shipped]))


def address(host: str) -> str:
    """The address others reach this machine at, where it listens on all; nothing is sent to find it."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address set aside for documentation; connecting a datagram socket sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from None
