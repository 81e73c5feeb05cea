/* The clock of both worlds: play, step, scrub, speed, and a flag for every rule, from the day it was heard of to the day it bound. */

const SPEEDS = [4, 8, 16, 2];

class Timeline {
  constructor(texts, act) {
    this.t = texts; this.act = act; this.speed = 0;
    this.play = h("button", { type: "button", class: "play", "data-testid": "play", onclick: () => act.toggle() }, "▶ " + texts.play);
    this.back = h("button", { type: "button", "data-testid": "back", "aria-label": texts.step_back, onclick: () => act.step(-1) }, "◀");
    this.on = h("button", { type: "button", "data-testid": "forward", "aria-label": texts.step_on, onclick: () => act.step(1) }, "▶");
    this.pace = h("button", { type: "button", "data-testid": "speed", onclick: () => { this.speed = (this.speed + 1) % SPEEDS.length; this.paced(); } });
    this.when = h("output", { class: "when", "data-testid": "when" });
    this.range = h("input", { type: "range", min: 0, step: 1, "data-testid": "scrub", "aria-label": texts.week, oninput: () => act.seek(Number(this.range.value)) });
    this.flags = h("div", { class: "flags", role: "group", "aria-label": texts.rules_on_timeline });
    const bar = h("div", { class: "transport", role: "toolbar", "aria-label": texts.playback }, this.back, this.play, this.on, this.pace);
    this.box = h("div", { class: "timeline" }, h("div", { class: "clock" }, bar, this.when), this.flags, this.range, this.axis = h("div", { class: "axis", "aria-hidden": "true" }));
    roving(bar, "button");
    this.paced();
  }

  paced() {
    this.pace.textContent = SPEEDS[this.speed] / 4 + "×";
    this.pace.setAttribute("aria-label", this.t.speed + " " + SPEEDS[this.speed] / 4 + "×");
  }

  get weeksPerSecond() { return SPEEDS[this.speed]; }

  set(world, changed) {
    this.world = world;
    this.range.max = world.T - 1;
    const span = world.T - 1 || 1, width = this.flags.clientWidth || 900, place = (tick) => (100 * Math.max(0, Math.min(span, tick)) / span);
    const rules = world.rules.filter((rule) => rule.since < world.T && (rule.until === null || rule.until > 0) && rule.since >= 0).sort((a, b) => a.since - b.since);
    const em = parseFloat(getComputedStyle(this.box).fontSize) || 15, most = width < 560 ? 2 : 3, taken = Array.from({ length: most }, () => []);
    const spot = new Map();
    for (const rule of [...rules].sort((a, b) => b.weight - a.weight || a.since - b.since)) {
      const x = place(rule.since) / 100 * width, from = Math.max(0, place(rule.announced) / 100 * width), to = x + rule.title.length * em * 0.43 + 20;
      const row = to > width + 40 ? -1 : taken.findIndex((some) => some.every(([a, b]) => to < a - 6 || from > b + 6));
      if (row >= 0) taken[row].push([from, to]);
      spot.set(rule.id, row);
    }
    const rows = taken.filter((some) => some.length).length, crowd = [...spot.values()].includes(-1);
    const buttons = rules.map((rule) => {
      const row = spot.get(rule.id), named = row >= 0, lead = named ? place(rule.since) - place(rule.announced) : 0;
      return h("button", { type: "button", class: "flag" + (changed.has(rule.id) ? " moved" : "") + " by_" + rule.by, "data-testid": "flag", "data-rule": rule.id, style: { left: place(rule.since) + "%", top: (named ? row : rows) * 1.5 + "em" },
        "aria-label": rule.title + ", " + dayOf(world.start, rule.since), title: rule.title + " · " + rule.since_date, onclick: () => { this.act.seek(Math.max(0, rule.since)); this.act.select({ kind: "rule", id: rule.id }); } },
      lead > 0.4 ? h("span", { class: "lead", style: { width: lead / 100 * width + "px" } }) : null, h("span", { class: "pole" }), named ? h("span", { class: "name" }, rule.title) : null);
    });
    clear(this.flags, buttons);
    this.flags.style.height = 1.25 * (rows + (crowd ? 1 : 0)) + 0.3 + "em";
    this.flags.hidden = !rules.length;
    roving(this.flags, ".flag");
    const years = [];
    for (let t = 0; t < world.T; t++) {
      const day = dateOf(world.start, t), before = t ? dateOf(world.start, t - 1) : null;
      if (!before || day.getUTCFullYear() !== before.getUTCFullYear()) years.push([t, String(day.getUTCFullYear()), true]);
      else if (Math.floor(day.getUTCMonth() / 3) !== Math.floor(before.getUTCMonth() / 3) && world.T <= 160 && width * 13 / span > 3 * em) years.push([t, "Q" + (Math.floor(day.getUTCMonth() / 3) + 1), false]);
    }
    clear(this.axis, years.map(([t, text, year]) => h("span", { class: year ? "year" : "", style: { left: place(t) + "%" } }, text)));
  }

  draw(tick, playing) {
    this.range.value = tick;
    const day = dayOf(this.world.start, tick);
    this.range.setAttribute("aria-valuetext", day);
    if (this.when.dataset.tick !== String(tick)) clear(this.when, h("b", {}, day), h("span", {}, " · " + this.t.week + " " + (tick + 1) + " / " + this.world.T));
    this.when.dataset.tick = tick;
    const text = playing ? "❚❚ " + this.t.pause : "▶ " + this.t.play;
    if (this.play.textContent !== text) this.play.textContent = text;
  }
}
