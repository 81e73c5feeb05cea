"""Export: a run and its baseline as one HTML file that plays by itself, without server, fonts or network."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

PARTS = ("core", "picture", "timeline", "charts", "levers", "why", "lesson", "data", "stage")
"""The stage's script, in the order its parts build on each other."""

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


@cache
def script() -> str:
    """The stage's whole script, closed in a function of its own."""
    here = Path(__file__).parent / "stage"
    body = "\n".join((here / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    return f'(function () {{\n"use strict";\n{body}\n}})();\n'


@cache
def style() -> str:
    return (Path(__file__).parent / "stage" / "stage.css").read_text(encoding="utf-8")


def page(policy: str, base: str, parting: Any, boot: dict[str, Any]) -> str:
    """The whole file. policy, base: frames as JSON text; boot: texts, version and view, as the server gives them."""
    title = escape(str(json.loads(policy)["about"]["title"]))
    data = f'{{"policy":{policy},"base":{base},"parting":{json.dumps(parting)}}}'
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title} · chokepoint</title>",
            f"<style>{style()}</style>",
            "</head>",
            "<body>",
            '<div id="stage"></div>',
            f'<script type="application/json" id="boot">{inside(json.dumps(boot))}</script>',
            f'<script type="application/json" id="world">{inside(data)}</script>',
            f"<script>{script()}</script>",
            "<script>(function(){var read=function(id){return JSON.parse(document.getElementById(id).textContent)};"
            'Chokepoint.mount(document.getElementById("stage"),read("boot"),null).update("world",read("world"))})();</script>',
            "</body>",
            "</html>",
            "",
        )
    )


def inside(text: str) -> str:
    """JSON text that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
