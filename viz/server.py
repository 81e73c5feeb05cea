"""Server: Solara's page behind a guard that checks where a socket comes from, mends the page's head, and serves the stage."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from viz import export, state

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SETTINGS = {
    "SOLARA_APP": "viz.app",
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_TITLE": "chokepoint",
    "SOLARA_ASSETS_PROXY": "true",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_KERNEL_CULL_TIMEOUT": "30m",
    "SOLARA_KERNEL_MAX_PER_SESSION": "20",
    "SOLARA_CHECK_HOOKS": "off",
}
"""Solara's settings, set before it is imported: no telemetry, no look at the package index, closed tabs forgotten."""

MESSAGE_BYTES = 128 * 1024
"""No request of a tab is near this size; a larger one ends its socket."""

CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'self'; form-action 'self'"
)
HEADERS = [
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]

_ZOOM_FORBIDDEN = "width=device-width, initial-scale=1, maximum-scale=1, user-scalable=no, minimal-ui"


def application(house: state.House) -> App:
    """The ASGI application of a house."""
    for name, value in SETTINGS.items():
        os.environ[name] = value
    state.house = house
    from solara.server.starlette import app

    return Guard(app, house.language)


class Guard:
    """In front of Solara: sockets from elsewhere are turned away, the page gets its language and its zoom back."""

    def __init__(self, inner: Any, language: str = "en") -> None:
        self.inner, self.language = inner, language
        self.files = {
            "/stage.js": (export.script().encode(), b"text/javascript; charset=utf-8"),
            "/stage.css": (export.style().encode(), b"text/css; charset=utf-8"),
        }
        self.mark = hashlib.sha256(b"".join(body for body, _ in self.files.values())).hexdigest()[:12]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not same_origin(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self.inner(scope, receive, send)
        elif scope["path"] in self.files:
            await self._file(scope["path"], send)
        elif scope["path"] in ("/resourcez", "/favicon.ico"):
            await _reply(send, 204, b"", b"text/plain", [])
        else:
            await self._page(scope, receive, send)

    async def _file(self, path: str, send: Send) -> None:
        body, kind = self.files[path]
        await _reply(send, 200, body, kind, [(b"cache-control", b"public, max-age=31536000, immutable")])

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Solara's answer; an HTML one whole, mended, the rest as it comes."""
        plain = dict(scope)
        if scope["path"] == "/":
            plain["headers"] = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: MutableMapping[str, Any] = {}
        body = bytearray()

        async def relay(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                headers = [*message["headers"], *HEADERS]
                if kind.startswith(b"text/html") and scope["path"] == "/":
                    start.update(message, headers=[(n, v) for n, v in headers if n.lower() not in (b"content-length", b"etag")])
                    return
                await send({**message, "headers": headers})
            elif start:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    mended = self.mend(body.decode()).encode()
                    start["headers"].append((b"content-length", str(len(mended)).encode()))
                    await send(start)
                    await send({"type": "http.response.body", "body": mended})
            else:
                await send(message)

        await self.inner(plain, receive, relay)

    def mend(self, html: str) -> str:
        """Language, zoom, a description, and the stage's own files, which load beside Solara's."""
        head = "\n".join(
            (
                '<meta name="description" content="chokepoint: the AI-chip trade under export controls">',
                f'<link rel="stylesheet" href="/stage.css?v={self.mark}">',
                f'<script data-stage defer src="/stage.js?v={self.mark}"></script>',
                "</head>",
            )
        )
        return (
            html.replace("<html>", f'<html lang="{self.language}">', 1)
            .replace(_ZOOM_FORBIDDEN, "width=device-width, initial-scale=1", 1)
            .replace("</head>", head, 1)
        )


def same_origin(scope: Scope) -> bool:
    """Whether a socket's Origin is the host it asks; a client without an Origin is no browser and is let in."""
    headers: dict[bytes, bytes] = {name.lower(): value for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    if origin is None:
        return True
    return urlsplit(origin.decode("latin-1")).netloc.lower() == headers.get(b"host", b"").decode("latin-1").lower()


async def _reply(send: Send, status: int, body: bytes, kind: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    said = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *headers, *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": body})


def serve(house: state.House, host: str, port: int) -> None:
    """Serve until interrupted."""
    import uvicorn

    warnings.filterwarnings("ignore", "Cookies with samesite", UserWarning)
    with contextlib.closing(house.desk):
        uvicorn.run(
            application(house),
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            ws_max_size=MESSAGE_BYTES,
            ws_ping_timeout=120,
            timeout_graceful_shutdown=2,
        )
