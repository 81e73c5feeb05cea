"""The page in Debian's Chromium, over made-up runs: numbers in brackets are points of the checklist in docs/viz.md."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.viz.conftest import Site, Tab, start, stop
from tests.viz.fake_record import BAN

pytestmark = pytest.mark.browser
Open = Callable[..., Tab]

LEAK = "[data-path='behaviour.leak']"


def move(tab: Tab, value: str) -> str:
    """Open the rule, move its slider, wait for the new picture."""
    before = tab.hash
    if not tab.page.locator(LEAK).count():
        tab.page.click("[data-testid=tab_levers]")
        tab.page.click("[data-testid=lever]")
    tab.page.fill(LEAK, value)
    return tab.settled(before)


def test_the_first_picture_is_quick_light_and_local(browser: Any, site: Site, tab: Open) -> None:
    """[1 2 3 4]"""
    first = tab()
    sizes = first.page.evaluate("performance.getEntries().filter(e => e.transferSize).reduce((n, e) => n + e.transferSize, 0)")
    assert sizes <= 1_500_000
    began = time.perf_counter()
    first.page.reload()
    first.page.wait_for_selector("[data-hash]")
    assert time.perf_counter() - began < 6  # a loaded machine; test_pace holds the real limits


def test_a_lever_moves_the_world_and_comes_back(tab: Open) -> None:
    """[5 18 20 27]"""
    page = tab("?w=60")
    calm = page.hash
    moved = move(page, "3")
    assert "against baseline" in page.page.inner_text("[data-testid=live]")
    assert "▲" in page.page.inner_text("[data-id=smuggled].chart") and "+" in page.page.inner_text("[data-id=smuggled].chart")
    assert page.page.inner_text("[data-testid=lever]").endswith("changed")
    assert "was 1" in page.page.inner_text(".control.moved")
    page.page.click("[data-testid=undo]")
    assert page.settled(moved) == calm
    move(page, "2")
    page.page.click("[data-testid=reset_all]")
    page.page.wait_for_function("h => document.querySelector('[data-hash]').dataset.hash === h", arg=calm)


def test_the_baseline_outlasts_ten_moves(tab: Open) -> None:
    """[17] Few frames are held, the baseline's always: no move is shown without what it is compared with."""
    page = tab("?w=60")
    for turn in range(10):
        move(page, str(round(1.4 + turn / 10, 1)))
        assert "▲" in page.page.inner_text("[data-id=smuggled].chart"), turn


def test_the_second_lever_is_heard_too(tab: Open) -> None:
    page = tab()
    page.page.click("[data-testid=lever]")
    before = page.hash
    page.page.uncheck("[data-path='rules.OCT_2022.in_force']")
    page.settled(before)
    assert page.page.locator("[data-testid=flag]").count() == 1


def test_a_refused_value_is_told_in_place_and_the_picture_stays(tab: Open) -> None:
    page = tab("?" + urlencode({"c": '{"behaviour.leak":3}'}))
    kept = page.hash
    page.page.click("[data-testid=lever]")
    page.page.evaluate(
        "s => { const i = document.querySelector(s); i.max = 99; i.value = 9; i.dispatchEvent(new Event('change')); }",
        LEAK,
    )
    page.page.wait_for_selector(".control .fault")
    assert "write 5 or less" in page.page.inner_text(".control .fault") and page.hash == kept


def test_play_scrub_step_and_speed(tab: Open) -> None:
    """[8 15] Playing sends nothing to the server and hears nothing from it."""
    page = tab("?w=10")
    when = page.page.locator("[data-testid=when]")
    page.page.click("[data-testid=forward]")
    assert "week 12 / 104" in when.inner_text()
    page.page.click("[data-testid=back]")
    page.page.click("[data-testid=back]")
    assert "week 10 / 104" in when.inner_text()
    page.page.fill("[data-testid=scrub]", "30")
    assert "week 31 / 104" in when.inner_text()
    page.page.click("[data-testid=speed]")
    page.page.wait_for_timeout(700)
    sent = page.frames
    page.page.click("[data-testid=play]")
    page.page.wait_for_timeout(1500)
    assert page.frames == sent
    page.page.click("[data-testid=play]")
    assert page.page.evaluate("Number(document.querySelector('[data-testid=scrub]').value)") >= 36


def test_flags_name_the_rules_and_lead_to_them(tab: Open) -> None:
    """[16]"""
    page = tab()
    page.page.click("[data-rule=OCT_2022]")
    assert f"week {BAN + 1} /" in page.page.inner_text("[data-testid=when]")
    assert "October 2022 rule" in page.page.inner_text("[data-testid=story] h2")
    assert page.page.locator("[data-testid=story] a").first.get_attribute("href").startswith("https://")


def test_why_walks_back_to_the_decree(tab: Open) -> None:
    page = tab("?w=70")
    page.page.click("[data-testid=tab_why]")
    page.page.focus("g[data-id=shop_hk_02]")
    page.page.keyboard.press("Enter")
    story = page.page.inner_text("[data-testid=story]")
    assert (
        story.index("found and shut")
        < story.index("because Shop SG 00 moved 80 chips of H100")
        < story.index("announced 29 Aug 2022")
    )
    page.page.click("summary:has-text('May X sell')")
    page.page.click("[data-testid=may]")
    page.page.wait_for_selector(".verdict.no")


def test_a_chip_can_be_picked_from_the_list_a_maker_and_a_lane(tab: Open) -> None:
    """Any node, lane, chip or chart point answers; a chart point with the week it stands for."""
    page = tab("?w=60")
    page.page.click("[data-testid=tab_why]")
    chip = page.page.inner_text("[data-testid=chips] [data-testid=chip] >> nth=0")
    page.page.click("[data-testid=chips] [data-testid=chip] >> nth=0")
    assert page.page.inner_text("[data-testid=story] h2") == chip
    assert "Total processing performance" in page.page.inner_text("[data-testid=story]")
    page.page.click("[data-testid=story] .ledger .link")
    assert page.page.locator("[data-testid=story] [data-testid=chips] li").count() >= 1
    page.page.click("[data-testid=story] .lanes .link >> nth=0")
    page.page.click("[data-testid=story] .ledger [data-testid=chip] >> nth=0")
    assert "Sold this week" in page.page.inner_text("[data-testid=story]")
    page.page.click("[data-id=smuggled].chart .plot", position={"x": 20, "y": 40})
    assert "Chips moved past the rules" in page.page.inner_text("[data-testid=story] h2")
    assert int(page.page.input_value("[data-testid=scrub]")) < 20


def test_bands_over_seeds_follow_the_picture(tab: Open) -> None:
    """[25] For policy and baseline, with the number of seeds in words."""
    page = tab("?w=60")
    move(page, "3.5")
    page.page.wait_for_selector("[data-testid=bands]", timeout=30_000)
    assert "of 8 seeds" in page.page.inner_text("[data-testid=bands]")
    assert page.page.get_attribute("[data-id=smuggled].chart .spread.base", "d")
    assert page.page.get_attribute("[data-id=smuggled].chart .spread.policy", "d")


def test_a_rule_of_ones_own_is_signed_on_the_page(tab: Open) -> None:
    page = tab("?w=60")
    page.page.click("[data-testid=add_rule]")
    page.page.select_option("[data-testid=kind]", "tariff")
    page.page.fill(".maker [data-name=rate]", "0.25")
    page.page.press(".maker [data-name=rate]", "Tab")
    page.page.click("[data-testid=another]")
    page.page.fill(".maker [data-name=rate]", "0.1")
    page.page.press(".maker [data-name=rate]", "Tab")
    assert "rate 0.25" in page.page.inner_text("[data-testid=parts]")
    before = page.page.get_attribute("[data-hash]", "data-seq")
    page.page.click("[data-testid=sign]")
    page.page.wait_for_function("s => document.querySelector('[data-hash]').dataset.seq !== s", arg=before)
    own = json.loads(page.page.evaluate("new URLSearchParams(location.search).get('c')"))["rules.OWN_1"]
    assert own["effects"] == [{"lever": "tariff", "rate": 0.25}, {"lever": "tariff", "rate": 0.1}] and own["since"] == "2023-02-27"


def test_another_world_can_be_the_baseline(tab: Open) -> None:
    """A counterfactual beside what it is compared with: both in the link, both named over the pictures."""
    page = tab("?s=fake-calm&a=fake&w=60&view=both")
    names = page.page.locator("figcaption").all_inner_texts()
    assert "A made-up world" in names[0] and "A calmer world" in names[1]
    assert "a=fake" in page.page.evaluate("location.search")
    page.page.click("[data-testid=pin]")
    page.page.wait_for_function("!location.search.includes('a=fake')")


def test_two_worlds_share_a_clock_and_name_where_they_part(tab: Open) -> None:
    """[17]"""
    page = tab("?w=60")
    move(page, "2")
    page.page.click("[data-testid=view_both]")
    assert page.page.locator("figure:visible").count() == 2
    assert page.page.locator(".line.base").first.is_visible()
    page.page.click("[data-testid=view_difference]")
    assert "more than baseline" in page.page.inner_text(".legend")
    page.page.click("[data-testid=pin]")
    page.page.wait_for_function("document.querySelector('[data-testid=view_difference]').disabled")


def test_a_branch_shares_the_past(tab: Open) -> None:
    page = tab("?w=60")
    page.page.click("[data-testid=branch]")
    assert "27 Feb 2023" in page.page.inner_text(".banner")
    page.page.click("[data-testid=lever]")
    page.page.click("[data-path='rules.OCT_2022.in_force']")
    page.page.wait_for_function("location.search.includes('OCT_2022.until')")
    assert json.loads(page.page.evaluate("new URLSearchParams(location.search).get('c')")) == {"rules.OCT_2022.until": "2023-02-27"}


def test_the_link_is_the_view(tab: Open) -> None:
    """[12 13 14]"""
    first = tab()
    move(first, "2.5")
    first.page.fill("[data-testid=scrub]", "33")
    first.page.click("[data-testid=view_both]")
    first.page.wait_for_function("location.search.includes('w=33')")
    link = first.page.evaluate("location.search")
    assert {"c", "seed", "s", "w", "view", "m"} <= set(first.page.evaluate("[...new URLSearchParams(location.search).keys()]"))
    second = tab(link)
    assert second.hash == first.hash and "week 34 /" in second.page.inner_text("[data-testid=when]")
    assert second.page.get_attribute("[data-testid=view_both]", "aria-checked") == "true"
    first.page.reload()
    first.page.wait_for_selector("[data-hash]")
    assert first.hash == second.hash


def test_two_browsers_never_share(tab: Open) -> None:
    """[10]"""
    mine, yours = tab(), tab()
    before = yours.hash
    move(mine, "4")
    yours.page.wait_for_timeout(400)
    assert yours.hash == before != mine.hash


HOSTILE = [
    "s=nope&seed=nan",
    "w=1e999&view=%3Cscript%3E",
    "c=" + quote('{"behaviour.leak":1e300}'),
    "c=" + quote("[" * 2000),
    "c=" + quote('{"<img src=x onerror=alert(1)>":"<script>alert(1)</script>"}'),
    "w=" + "9" * 4000,
    "w=1&w=2&w=3",
    "room=<b>x</b>",
    "room=ZZZZZ",
]


def test_hostile_links_leave_the_page_alive(browser: Any, site: Site) -> None:
    """[35] Clamped, left out and said, or refused in words; a plain world can then be asked for."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append("a script ran"))
    for query in HOSTILE:
        page.goto(f"{site.url}?{query}")
        page.wait_for_selector("[data-hash], .banner:visible", timeout=20_000)
        page.select_option("[data-testid=scenario]", "fake-calm")
        page.wait_for_selector("[data-hash]")
    context.close()
    assert not errors


def test_the_run_can_be_taken_away(tab: Open, tmp_path: Path) -> None:
    """[22 23 37]"""
    page = tab("?w=50")
    move(page, "2")
    page.page.click("[data-testid=tab_data]")

    def taken(name: str) -> Path:
        with page.page.expect_download() as waiting:
            page.page.click(f"[data-testid={name}]")
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    rows = list(csv.DictReader(io.StringIO(taken("csv").read_text(encoding="utf-8"))))
    assert (
        {row["world"] for row in rows} == {"baseline", "policy"}
        and rows[0]["unit"]
        and rows[0]["seed"] == "1"
        and rows[0]["version"]
    )
    assert json.loads(rows[-1]["changes"]) == {"behaviour.leak": 2}
    svg = taken("svg").read_text(encoding="utf-8")
    assert "A made-up world · 19 Dec 2022" in svg and "chokepoint" in svg and page.hash in svg
    assert taken("png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert json.loads(taken("yaml").read_text(encoding="utf-8"))["changes"] == {"behaviour.leak": 2}
    alone = taken("html")
    context = page.context.browser.new_context(offline=True)
    sheet = context.new_page()
    errors: list[str] = []
    sheet.on("pageerror", lambda error: errors.append(str(error)))
    sheet.on(
        "request",
        lambda request: errors.append(request.url) if not request.url.startswith(("file:", "blob:", "data:")) else None,
    )
    sheet.goto(alone.as_uri())
    sheet.wait_for_selector("[data-hash]")
    assert sheet.get_attribute("[data-hash]", "data-hash") == page.hash
    sheet.click("[data-testid=play]")
    sheet.wait_for_timeout(700)
    sheet.click("[data-testid=view_both]")
    assert int(sheet.input_value("[data-testid=scrub]")) > 50
    context.close()
    assert not errors


def test_a_cell_is_never_a_formula(home: Tab) -> None:
    for text in ("=1+1", "+x", "-x", "@x", "\t=x", "|cmd", "%x"):
        assert home.page.evaluate("t => Chokepoint.cell(t)", text).strip('"').startswith("'")
    assert home.page.evaluate("Chokepoint.cell(-1.5)") == "-1.5"


def test_the_keyboard_reaches_all_in_twenty_stops(tab: Open) -> None:
    """[26]"""
    page = tab()
    page.page.click("[data-testid=lever]")
    page.page.evaluate("document.querySelector('.skip').focus()")
    stops: list[str] = ["skip"]
    mark = """e => { const seen = e.dataset.stop; e.dataset.stop = 1;
        return seen || e === document.body ? '' : (e.dataset.testid || e.tagName) + ' ' + e.textContent.slice(0, 12); }"""
    for _ in range(40):
        page.page.keyboard.press("Tab")
        here = page.page.evaluate(f"({mark})(document.activeElement)")
        if not here:
            break
        stops.append(here)
    assert 10 <= len(stops) <= 20, stops
    assert {"node", "scrub", "flag", "chart", "control"} <= {stop.split()[0] for stop in stops}, stops
    page.page.focus("g.node[tabindex='0']")
    first = page.page.evaluate("document.activeElement.dataset.id")
    page.page.keyboard.press("ArrowDown")
    assert page.page.evaluate("document.activeElement.dataset.id") != first


def test_every_control_has_a_name_and_the_page_a_language(home: Tab) -> None:
    """[19 29 and the template]"""
    page = home
    assert page.page.get_attribute("html", "lang") == "en"
    assert "user-scalable" not in page.page.get_attribute("meta[name=viewport]", "content")
    for name in ("levers", "why", "lessons", "data"):
        page.page.click(f"[data-testid=tab_{name}]")
        nameless = page.page.evaluate("""() => [...document.querySelectorAll('.cp :is(button, input, select, [role=button])')]
            .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim()
                || (e.labels && e.labels.length) || e.title))
            .map((e) => e.outerHTML.slice(0, 120))""")
        assert nameless == []
    assert page.page.locator("h1:visible").count() == 1
    shapes = page.page.evaluate("""() => [...document.querySelectorAll('g.node')].map((g) => [
        g.getAttribute('aria-label').split(', ')[1].split(':')[0],
        g.querySelector('.mark').getAttribute('d').replace(/[-0-9.,]/g, '')])""")
    assert len({kind for kind, _ in shapes}) == 4 == len({shape for _, shape in shapes})


def test_the_keyboard_keeps_its_place_where_a_panel_is_drawn_anew(tab: Open) -> None:
    """[26] A radio, a button and a link are still under the reader's hand after what they did redrew the panel."""
    page = tab("?w=60").page
    held = "document.activeElement.dataset.key || document.activeElement.tagName"
    page.click("[data-testid=tab_levers]")
    page.click("[data-testid=lever]")
    for value in ("3", "4"):
        before = page.get_attribute("[data-hash]", "data-hash")
        page.fill(LEAK, value)
        page.wait_for_function("h => document.querySelector('[data-hash]').dataset.hash !== h", arg=before)
    page.focus("[data-testid=undo]")
    page.keyboard.press("Enter")
    assert page.evaluate(held) == "undo"
    page.click("[data-testid=tab_why]")
    page.focus("[data-testid=chips] [data-testid=chip] >> nth=0")
    page.keyboard.press("Enter")
    assert page.evaluate(held) == "H2"
    page.click("[data-testid=tab_lessons]")
    page.focus("[data-testid=lesson] >> nth=0")
    page.keyboard.press("Enter")
    assert page.evaluate(held) == "H2"
    page.focus(".question input >> nth=0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".step.predict .done")
    assert page.evaluate("document.activeElement.value") == "2" and page.locator(".question input >> nth=2").is_checked()


def test_a_table_says_what_the_picture_shows(home: Tab) -> None:
    """[28]"""
    page = home
    page.page.click("[data-testid=tab_data]")
    value = page.page.inner_text("[data-id=lag].chart .value").partition(".")[0] + "."
    row = page.page.locator(".scroll tr", has_text="Chinese labs behind").inner_text()
    assert value in row and "months" in row
    for which in ("nodes", "lanes", "rules", "lag"):
        page.page.select_option("[data-testid=which]", which)
        assert page.page.locator(".scroll tbody tr").count() >= 2


def test_reduced_motion_moves_by_weeks_alone(tab: Open) -> None:
    """[30]"""
    page = tab("?w=45", reduced_motion="reduce")
    page.page.click("[data-testid=play]")
    shots = page.page.evaluate("""async () => { const out = []; for (let i = 0; i < 12; i++) {
        await new Promise(requestAnimationFrame);
        out.push([document.querySelector('[data-testid=scrub]').value, document.querySelector('canvas').toDataURL()]); }
        return out; }""")
    by_week: dict[str, set[str]] = {}
    for week, picture in shots:
        by_week.setdefault(week, set()).add(picture)
    assert all(
        len(pictures) <= 2 for pictures in by_week.values()
    )  # the frame in which the week turns may still show the one before


def test_nothing_is_cut_off(tab: Open) -> None:
    """[31] 683 is 1366 at a zoom of 200%."""
    page = tab("?w=60")
    for width in (390, 683, 820, 1366, 1920):
        page.page.set_viewport_size({"width": width, "height": 900})
        for name in ("levers", "why", "lessons", "data"):
            page.page.click(f"[data-testid=tab_{name}]")
            assert page.page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth"), (width, name)
        for view in ("view_both", "view_one"):
            page.page.click(f"[data-testid={view}]")
            assert page.page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth"), (width, view)


def test_a_projector_shows_nothing_below_eighteen_pixels(home: Tab) -> None:
    """[32]"""
    page = home
    page.page.click("[data-testid=projector]")
    for name in ("levers", "why", "lessons", "data"):
        page.page.click(f"[data-testid=tab_{name}]")
        small = page.page.evaluate("""() => [...document.querySelectorAll('.cp *')]
            .filter((e) => e.checkVisibility() && !e.closest('.live-text, .skip')
                && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
                && parseFloat(getComputedStyle(e).fontSize) < 18).map((e) => e.outerHTML.slice(0, 90))""")
        assert small == []
    page.page.click("[data-testid=projector]")


def test_a_lesson_ticks_off_what_was_done(tab: Open) -> None:
    """[33]"""
    page = tab()
    page.page.click("[data-testid=tab_lessons]")
    assert page.page.locator("[data-testid=lesson]").count() == 5
    page.page.click("[data-testid=lesson] >> nth=0")
    page.page.wait_for_selector(".step.predict")
    page.page.check(".question input >> nth=2")
    page.page.wait_for_selector(".step.predict .done")
    page.page.click("[data-testid=play]")
    page.page.wait_for_selector(".step.try .done")


def test_a_lesson_can_be_printed(tab: Open) -> None:
    """On a page of its own, with lines to write on and every question and task of the lesson."""
    page = tab().page
    page.context.add_init_script("window.print = () => { window.printed = true; }")
    page.click("[data-testid=tab_lessons]")
    page.click("[data-testid=lesson] >> nth=0")
    with page.expect_popup() as waiting:
        page.click("[data-testid=handout]")
    sheet = waiting.value
    assert sheet.locator("h2").count() == page.locator(".step").count() and sheet.locator(".rule").count() >= 8
    words = sheet.inner_text("body")
    asked = [*page.locator(".step .todo label").all_inner_texts(), *page.locator(".question label").all_inner_texts()]
    assert len(asked) >= 5 and all(one in words for one in asked)
    assert sheet.evaluate("getComputedStyle(document.querySelector('.rule')).borderBottomStyle") == "solid"


def test_a_class(browser: Any, site: Site, tab: Open) -> None:
    """[34] The token stands in a fragment, leaves the address at once, and no student's page ever holds it."""
    teacher, student = tab(f"#t={site.token}"), tab(f"?room={site.code}")
    teacher.page.wait_for_selector("[data-testid=teacher]")
    assert site.token not in teacher.page.url and teacher.page.inner_text("[data-testid=code]") == site.code
    teacher.page.select_option("[data-testid=scenario]", "fake-calm")
    teacher.page.wait_for_function("location.search.includes('fake-calm')")
    teacher.page.click("[data-testid=tab_lessons]")
    teacher.page.click("[data-testid=set_all]")
    student.page.wait_for_function("location.search.includes('fake-calm')")
    teacher.page.click("[data-testid=pause_all]")
    student.page.wait_for_selector(".held")
    assert site.token not in student.page.content()
    teacher.page.click("[data-testid=pause_all]")
    student.page.wait_for_selector(".cp:not(.held)")
    teacher.page.click("[data-testid=lesson] >> nth=0")
    teacher.page.click("[data-testid=notes]")
    teacher.page.wait_for_selector(".notes .prose")
    student.page.click("[data-testid=tab_lessons]")
    assert student.page.locator("[data-testid=notes]").count() == 0


def test_a_class_predicts_while_it_is_held(browser: Any) -> None:
    """[33 34] Answers fill the teacher's picture as they come, students see it once it is shown; a lesson set while the class is
    paused reaches all, opens itself, and a reload keeps what a student made of it."""
    site = start("teaching/rush")
    teacher, student = Tab(browser, site.url, f"#t={site.token}"), Tab(browser, site.url, f"?room={site.code}")
    teacher.page.wait_for_selector("[data-testid=teacher]")
    teacher.page.click("[data-testid=pause_all]")
    student.page.wait_for_selector(".held")
    teacher.page.click("[data-testid=lesson] >> nth=0")
    teacher.page.click("[data-testid=set_all]")
    student.page.wait_for_selector(".step .question")
    student.page.click(".question input >> nth=1")
    counts = ".teacher .histogram b"
    teacher.page.wait_for_function("s => document.querySelectorAll(s)[1].textContent === '1'", arg=counts)
    assert student.page.locator(".question .histogram").count() == 0
    teacher.page.click("[data-testid=reveal]")
    student.page.wait_for_selector(".question .histogram")
    assert "1 / 1" in student.page.inner_text(".question .histogram >> nth=0")
    teacher.page.click("[data-testid=pause_all]")
    student.page.wait_for_selector(".cp:not(.held)")
    student.page.click("[data-testid=tab_levers]")
    before = student.hash
    student.page.select_option("[data-testid=preset]", index=1)
    moved = student.settled(before)
    student.page.reload()
    student.page.wait_for_selector("[data-hash]")
    student.page.click("[data-testid=tab_lessons]")
    student.page.wait_for_selector(".room")
    student.page.wait_for_timeout(500)
    assert student.hash == moved
    teacher.close()
    student.close()
    assert "Traceback" not in stop(site)
