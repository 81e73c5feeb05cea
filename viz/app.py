"""The page: one component of ours, fed with texts; everything it says comes back through one door."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import solara
from ipyvue.VueTemplateWidget import Events
from solara.server import kernel_context

from viz import state
from viz.link import read
from viz.making import version


def only_events(self: Any, _: Any, content: Any, buffers: Any) -> None:
    """A component's event from a browser, and nothing else: ipyvue would also import modules and call attributes by name."""
    if not isinstance(content, dict):
        return
    event = content.get("event")
    if isinstance(event, str) and event in self.events:
        getattr(self, f"vue_{event}")(content.get("data"))


Events._handle_event = only_events


@solara.component_vue("stage.vue", vuetify=False)
def Stage(  # noqa: N802
    boot: str = "",
    levers: str = "",
    room: str = "",
    world: str = "",
    bands: str = "",
    status: str = "",
    word: str = "",
    event_ask: Callable[[Any], None] | None = None,
) -> None:
    """The stage: texts in, requests out."""


@solara.component
def Page() -> None:  # noqa: N802
    """One tab."""
    house = state.house
    assert house is not None, "the server sets the house before the first page"
    router = solara.use_router()
    widget: list[Any] = []

    def begin() -> tuple[state.Session, str]:
        desk = house.desk
        view, left = read(router.search or "", desk.names, desk.names[0], version())
        context = kernel_context.get_current_context()

        def put(name: str, text: str) -> None:
            # Past Solara's state, which would draw the page anew on the server for every text.
            with context:
                setattr(widget[0], name, text)

        session = state.Session(house, view, left, put)
        return session, json.dumps(session.boot(), separators=(",", ":"))

    session, boot = solara.use_memo(begin, dependencies=[])
    element = Stage(boot=boot, event_ask=session.asked)

    def live() -> Callable[[], None]:
        widget.append(solara.get_widget(element))
        threading.Thread(target=session.begin, daemon=True).start()  # the page stands, and shows that it waits, before its world
        return session.leave

    solara.use_effect(live, [])
