"""A page's server in a process of its own: `python -m tests.viz.serve PORT [SCENARIO ...]`.

Over made-up runs where no scenario is named; prints a room's code and its teacher's token.
"""

from __future__ import annotations

import sys

from tests.viz.fake_desk import FakeDesk
from viz.crew import Crew, cores
from viz.desk import Desk
from viz.server import serve
from viz.state import House


def main(port: int, names: list[str]) -> None:
    house = House(Desk(names, Crew(cores())) if names else FakeDesk(), join_at=f"http://127.0.0.1:{port}/")
    for name in house.desk.names:
        house.desk.framed(name, {}, 1)
    room = house.classroom.open()
    print(room.code, room.token, flush=True)
    serve(house, "127.0.0.1", port)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
