"""A client that speaks the page's own protocol over a websocket, without a browser."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect


class Client:
    """One tab: opens the page, hears its traits, asks."""

    def __init__(self, port: int, query: str = "", origin: str | None = None) -> None:
        with urlopen(Request(f"http://127.0.0.1:{port}/{query}"), timeout=20) as page:
            cookie = page.headers.get("set-cookie", "").split(";")[0]
        kernel, self.page = uuid.uuid4().hex, uuid.uuid4().hex
        self.socket: ClientConnection = connect(
            f"ws://127.0.0.1:{port}/jupyter/api/kernels/{kernel}/channels?session_id={self.page}",
            origin=origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            max_size=None,
            legacy=True,
            open_timeout=20,
        )
        self.stage = ""
        self.seen: dict[str, str] = {}
        self.held: dict[str, None] = {}
        self.seq = 0
        control = uuid.uuid4().hex
        self.send("comm_open", {"comm_id": control, "target_name": "solara.control", "data": {}})
        self.send(
            "comm_msg",
            {
                "comm_id": control,
                "data": {
                    "method": "run",
                    "args": {"path": "/" + query, "appName": None, "dark": False, "themes": {"light": {}, "dark": {}}},
                },
            },
        )

    def send(self, kind: str, content: dict[str, Any]) -> None:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self.page,
            "username": "",
            "version": "5.3",
            "date": "",
        }
        self.socket.send(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                    "buffers": [],
                }
            )
        )

    def event(self, content: Any) -> None:
        """Raw content of a component's message, as hostile as one likes."""
        self.send("comm_msg", {"comm_id": self.stage, "data": {"method": "custom", "content": content}})

    def ask(self, **data: Any) -> None:
        self.event({"event": "ask", "data": data})

    def world(self, **data: Any) -> dict[str, Any]:
        """Ask for a world and wait for its answer. As the page does, it names the last frames it holds."""
        self.seq += 1
        self.ask(what="world", seq=self.seq, **{"have": list(self.held)[-8:], **data})
        while True:
            said = json.loads(self.hear("world"))
            if said["seq"] == self.seq:
                for frames in filter(None, (said.get("policy"), said.get("base"))):
                    name = frames if isinstance(frames, str) else frames["hash"]
                    self.held.pop(name, None)
                    self.held[name] = None
                return dict(said)

    def hear(self, name: str, timeout: float = 60) -> str:
        """The next value of a trait."""
        while True:
            message = self.socket.recv(timeout)
            text = message if isinstance(message, str) else message[message.index(b"{") :].decode("utf-8", "replace")
            said = json.loads(text)
            content = said.get("content", {})
            data = content.get("data", {}) if isinstance(content, dict) else {}
            state = data.get("state", {}) if isinstance(data, dict) else {}
            if said["header"]["msg_type"] == "comm_open" and "boot" in state:
                self.stage = content["comm_id"]
            self.seen.update({key: value for key, value in state.items() if isinstance(value, str)})
            if state.get(name):
                return str(state[name])

    def close(self) -> None:
        self.socket.close()
