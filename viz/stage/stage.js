/* The stage: one page, one state, two worlds on one clock. The server is asked for runs; everything that moves, moves here. */

class Stage {
  constructor(root, boot, send) {
    this.root = root; this.boot = boot; this.t = boot.texts; this.send = send; this.online = Boolean(send);
    this.state = { scenario: boot.state.scenario, seed: boot.state.seed, changes: boot.state.changes || {}, base: boot.state.base || {}, against: boot.state.against || "", week: boot.state.week || 0, view: boot.state.view || "one" };
    this.past = []; this.seq = 0; this.seen = new Map(); this.flying = null; this.waiting = null; this.playing = false; this.clock = this.state.week; this.token = null;
    const act = this.act();
    this.actor = act;
    this.left = new Picture(this.t, act); this.right = new Picture(this.t, act);
    this.timeline = new Timeline(this.t, act); this.charts = new Charts(this.t, act); this.why = new Why(this.t, act); this.data = new Data(this.t, act);
    this.levers = this.online ? new Levers(this.t, act) : null;
    this.lessons = this.online ? new Lessons(this.t, act, boot.lessons || []) : null;
    this.build();
    this.frame = this.frame.bind(this);
    this.watcher = new ResizeObserver(() => { clearTimeout(this.resizing); this.resizing = setTimeout(() => this.refit(), 60); });
    this.watcher.observe(this.left.box);
    this.hidden = () => { if (document.hidden && this.playing) this.toggle(); };
    document.addEventListener("visibilitychange", this.hidden);
    if (this.online) this.enterRoom();
  }

  act() {
    let timer = null, last = -Infinity;
    return {
      online: this.online, playing: () => this.playing, now: () => this.clock, tick: () => this.state.week, start: () => (this.policy || this.boot.state).start || "2022-01-03", changes: () => this.state.changes, scenario: () => this.state.scenario, against: () => this.state.against,
      toggle: () => this.toggle(), step: (n) => { this.stop(); this.seek(this.state.week + n); }, seek: (tick) => this.seek(tick), select: (picked) => this.select(picked), say: (text) => this.say(text),
      change: (changes, said, quiet) => { clearTimeout(timer); this.change(changes, said, quiet); }, undo: () => { clearTimeout(timer); this.undo(); }, preset: (preset) => { clearTimeout(timer); this.preset(preset); }, soon: (run) => { clearTimeout(timer); const wait = this.flying ? 120 : Math.max(0, 120 - (performance.now() - last)); timer = setTimeout(() => { last = performance.now(); run(); }, wait); },
      ask: (what, data) => this.ask(what, data), openLever: (id) => { if (this.levers) { this.levers.open = id; this.levers.find = ""; this.tab("levers"); this.levers.draw(); const item = this.levers.box.querySelector(`[data-id="${CSS.escape(id)}"]`); if (item) { item.scrollIntoView({ block: "nearest" }); item.focus(); } } },
      svg: () => (this.state.view === "both" ? this.right : this.left).document(this.caption(), this.sourceLine()), copyLink: () => this.copyLink(),
    };
  }

  build() {
    const t = this.t, pick = (attrs, options) => h("select", attrs, options);
    this.scenarioBox = pick({ "data-testid": "scenario", "aria-label": t.scenario, onchange: () => this.preset({ scenario: this.scenarioBox.value, changes: {}, title: this.scenarioBox.selectedOptions[0].textContent }) }, (this.boot.scenarios || []).map((one) => h("option", { value: one.id }, one.title)));
    const views = ["one", "both", "difference"].map((view) => h("button", { type: "button", role: "radio", "data-testid": "view_" + view, "data-view": view, onclick: () => this.view(view) }, t["view_" + view]));
    this.views = h("div", { class: "views", role: "radiogroup", "aria-label": t.view }, views);
    const tool = (id, text, run, label) => h("button", { type: "button", "data-testid": id, onclick: run, title: label || null }, text);
    this.pinBox = tool("pin", t.pin, () => this.pin(), t.pin_help);
    this.branchBox = tool("branch", t.branch, () => this.branch(), t.branch_help);
    this.projector = tool("projector", t.projector, () => { const on = this.root.classList.toggle("projector"); this.projector.setAttribute("aria-pressed", String(on)); this.refit(); }, t.projector_help);
    const tools = h("div", { class: "tools", role: "toolbar", "aria-label": t.tools }, this.online ? [this.pinBox, this.branchBox, tool("share", t.copy_link, () => this.copyLink())] : null, this.projector);
    this.title = h("h1", {}, "chokepoint");
    this.summary = h("p", { class: "summary" });
    this.work = h("div", { class: "work", role: "status", "data-testid": "work", hidden: true });
    this.banner = h("div", { class: "banner", role: "status", hidden: true });
    this.nameLeft = h("figcaption"); this.nameRight = h("figcaption");
    this.figures = h("div", { class: "figures", id: "cp-picture", tabindex: "-1" }, h("figure", {}, this.nameLeft, this.left.box), this.second = h("figure", { class: "second" }, this.nameRight, this.right.box));
    this.legend = h("ul", { class: "legend", "aria-label": t.legend });
    const names = this.online ? ["levers", "why", "lessons", "data"] : ["why", "data"];
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t.panels }, names.map((name) => h("button", { type: "button", role: "tab", id: "tab_" + name, "aria-controls": "panel", "data-testid": "tab_" + name, onclick: () => this.tab(name) }, t["tab_" + name])));
    this.panel = h("div", { id: "panel", role: "tabpanel" });
    this.live = h("div", { class: "live-text", "aria-live": "polite", role: "status", "data-testid": "live" });
    clear(this.root, h("a", { class: "skip", href: "#cp-picture" }, t.skip),
      h("header", {}, h("div", { class: "brand" }, h("span", { class: "logo", "aria-hidden": "true" }, "chokepoint"), this.title), this.boot.scenarios && this.boot.scenarios.length > 1 ? this.scenarioBox : null, this.views, tools),
      this.banner,
      h(this.online ? "div" : "main", { class: "grid" }, h("div", { class: "stage" }, this.summary, h("div", { class: "frame" }, this.figures, this.work), this.legend, this.timeline.box, this.charts.box), h("aside", { "aria-label": t.panels }, this.tabs, this.panel)),
      this.live);
    this.root.classList.add("cp");
    roving(this.views, "button"); roving(tools, "button"); roving(this.tabs, "[role=tab]");
    this.tab(this.boot.state.tab && names.includes(this.boot.state.tab) ? this.boot.state.tab : names[0]);
  }

  /* What the server sends. */

  update(name, value) {
    if (name === "status" && !value) { if (!this.flying) this.working(null); return; }
    if (!value) return;
    const data = typeof value === "string" ? JSON.parse(value) : value;
    if (name === "levers" && this.levers && data.groups) this.levers.set(data);
    if (name === "world") this.arrived(data);
    if (name === "bands") { if (this.policy && data.hash === this.policy.hash) { this.spread = data; this.chartsSet(); } }
    if (name === "word") this.told(data);
    if (name === "room" && this.lessons) { if (this.lessons.seen(data)) this.tab("lessons"); this.held(data); }
    if (name === "status") this.working(data);
  }

  arrived(data) {
    if (data.seq && data.seq < (this.lastSeq || 0)) return;
    this.lastSeq = data.seq;
    this.flying = null;
    if (data.faults && data.faults.length) {
      this.working(null);
      if (this.levers) this.levers.refuse(data.faults);
      this.say(data.faults.map((fault) => fault.said).join(" "));
      this.banner.hidden = false;
      clear(this.banner, data.faults[0].said);
    } else if (data.policy) {
      const open = (frames) => { const hash = typeof frames === "string" ? frames : frames.hash, world = this.seen.get(hash) || ready(frames); this.seen.delete(hash); this.seen.set(hash, world); return world; };
      const first = !this.policy, before = this.policy;
      this.policy = open(data.policy); this.base = open(data.base); this.parting = data.parting || null; this.spread = null;
      while (this.seen.size > 8) this.seen.delete(this.seen.keys().next().value);
      this.banner.hidden = !data.note;
      if (data.note) clear(this.banner, data.note);
      this.working(null);
      if (this.state.week >= this.policy.T) this.state.week = this.policy.T - 1;
      this.clock = this.state.week;
      this.shown();
      if (this.levers && Object.keys(this.levers.faults).length) this.levers.refuse([]);
      if (!first && before !== this.policy) this.tellChange();
      this.root.dataset.hash = this.policy.hash;
      this.root.dataset.seq = data.seq || 0;
      this.link();
    }
    if (this.waiting) { const next = this.waiting; this.waiting = null; this.request(next.quiet); }
  }

  shown() {
    const changed = this.base && this.base.hash !== this.policy.hash, about = this.policy.about;
    this.title.textContent = this.title.title = about.title;
    this.summary.textContent = about.summary || "";
    this.scenarioBox.value = this.state.scenario;
    if (!changed && this.state.view === "difference") this.state.view = "one";
    [...this.views.children].forEach((button) => { const on = button.dataset.view === this.state.view; button.setAttribute("aria-checked", String(on)); button.disabled = !changed && button.dataset.view === "difference"; });
    roving(this.views, "button");
    const both = this.state.view === "both", named = (world) => (this.base.about.scenario === about.scenario ? "" : ": " + world.about.title);
    this.figures.classList.toggle("both", both);
    this.second.hidden = !both;
    clear(this.nameLeft, both ? [h("i", { class: "swatch base" }), this.t.baseline, named(this.base)] : this.state.view === "difference" ? this.t.difference_caption : changed ? [h("i", { class: "swatch policy" }), this.t.policy] : "");
    clear(this.nameRight, h("i", { class: "swatch policy" }), this.t.policy, named(this.policy));
    this.left.set(both ? this.base : this.policy, this.base, this.state.view === "difference", both ? this.t.baseline : this.t.policy);
    if (both) this.right.set(this.policy, this.base, false, this.t.policy);
    const moved = this.levers && this.levers.levers ? this.levers.changedItems() : new Set();
    this.timeline.set(this.policy, moved);
    this.why.set(this.policy, this.base, this.parting);
    this.chartsSet();
    this.legendSet();
    this.data.set(this.policy, this.base);
    this.draw();
  }

  chartsSet() { this.charts.set(this.policy, this.base, this.spread, this.base && this.base.hash !== this.policy.hash); this.charts.draw(this.state.week); }

  legendSet() {
    const t = this.t, line = (colour, dash) => s("svg", { width: 30, height: 10, "aria-hidden": "true" }, s("line", { x1: 1, y1: 5, x2: 29, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash.join(" ") || null }));
    const mark = (kind) => s("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, s("path", { d: SHAPES[kind](4.5), fill: SOFT }));
    const used = new Set(this.policy.lanes.map((lane) => lane.kind));
    clear(this.legend, this.state.view === "difference" ? [h("li", {}, line(POLICY, []), t.more), h("li", {}, line("#2f5d8c", [6, 4]), t.less)] : Object.keys(KINDS).filter((kind) => used.has(kind)).map((kind) => h("li", {}, line(KINDS[kind].colour, KINDS[kind].dash), t["lane_" + kind])),
      h("li", {}, s("svg", { width: 24, height: 12, "aria-hidden": "true" }, s("line", { x1: 1, y1: 6, x2: 23, y2: 6, stroke: SHUT, "stroke-dasharray": "2 4" }), s("line", { x1: 12, y1: 0, x2: 12, y2: 12, stroke: BARRED, "stroke-width": 2.5 })), t.barred),
      h("li", {}, s("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, s("circle", { r: 5, fill: "none", stroke: "#b8860b", "stroke-width": 2.5, "stroke-dasharray": "20 32", transform: "rotate(-90)" })), t.legend_wait),
      ["supplier", "maker", "distributor", "lab"].filter((kind) => this.policy.nodes.some((node) => node.kind === kind)).map((kind) => h("li", { class: "shape" }, mark(kind), t["kind_" + kind])));
  }

  told(data) {
    if (data.kind === "explain") this.why.answered(data);
    if (data.kind === "notes" && this.lessons) this.lessons.noted(data);
    if (data.kind === "file") save(data.name, data.type, data.body);
    if (data.kind === "refused") { this.flying = null; this.waiting = null; this.working(null); this.say(data.said); this.banner.hidden = false; clear(this.banner, data.said); }
  }

  working(data) {
    const busy = Boolean(data && data.text);
    this.work.hidden = !busy;
    this.root.classList.toggle("busy", busy);
    if (busy) clear(this.work, h("span", { class: "spin", "aria-hidden": "true" }), data.text, data.share !== undefined && data.share !== null ? h("progress", { max: 1, value: data.share }) : null);
  }

  /* What a reader does. */

  change(changes, said, quiet) {
    if (this.locked) { this.say(this.t.paused_by_teacher); return; }
    const next = this.branched ? this.fromHere(changes) : changes, same = JSON.stringify(next) === JSON.stringify(this.state.changes);
    if (same) { if (!quiet) { this.dragging = false; if (this.levers) this.levers.draw(); } return; }
    if (!this.dragging) { this.past.push(this.moment()); if (this.past.length > 60) this.past.shift(); }
    this.dragging = Boolean(quiet);
    this.state.changes = next;
    this.said = said;
    if (!quiet && this.levers) this.levers.draw();
    if (this.lessons) for (const path of Object.keys(changes)) this.lessons.did("change", path);
    this.request();
  }

  moment() { const { scenario, changes, base, against } = this.state; return { scenario, changes, base, against }; }

  /** In a branch a rule switched off ends this week, and one switched on starts this week: the past is shared. */
  fromHere(changes) {
    const day = this.branched, out = {};
    for (const [path, value] of Object.entries(changes)) {
      if (path.endsWith(".in_force") && this.state.base[path] === undefined) out[path.replace(/in_force$/, value ? "since" : "until")] = day;
      else out[path] = value;
    }
    return out;
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    Object.assign(this.state, before);
    this.said = this.t.undone;
    if (this.levers) this.levers.draw();
    this.request();
  }

  preset(preset) {
    if (this.locked && !preset.taught) { this.say(this.t.paused_by_teacher); return; }
    this.past.push(this.moment());
    this.branched = null;
    this.state.scenario = preset.scenario || this.state.scenario; this.state.changes = preset.changes || {}; this.state.base = preset.base || {}; this.state.against = preset.against || "";
    this.said = preset.title;
    if (this.levers && this.levers.levers) this.levers.draw();
    if (this.lessons) { this.lessons.did("preset", this.state.scenario); for (const path of Object.keys(this.state.changes)) this.lessons.did("change", path); }
    this.request();
  }

  pin() { this.state.base = { ...this.state.changes }; this.state.against = ""; this.say(this.t.pinned); if (this.lessons) this.lessons.did("pin"); this.request(); }

  branch() {
    this.stop();
    this.branched = isoOf(this.policy.start, this.state.week);
    this.state.base = { ...this.state.changes }; this.state.against = "";
    this.banner.hidden = false;
    clear(this.banner, this.t.branched.replace("{day}", dayOf(this.policy.start, this.state.week)), " ", h("button", { type: "button", class: "quiet", onclick: () => { this.branched = null; this.banner.hidden = true; } }, this.t.leave_branch));
    this.say(this.t.branched.replace("{day}", dayOf(this.policy.start, this.state.week)));
    this.tab("levers");
    this.view("both");
    this.request();
  }

  ask(what, data) { if (this.online) this.send({ what, ...data, scenario: data.scenario || this.state.scenario, changes: data.changes || this.state.changes, base: this.state.base, against: this.state.against, seed: this.state.seed, tick: this.state.week, token: this.token }); }

  /** One request under way; the newest waits and replaces what waited before it. */
  request(quiet) {
    if (!this.online) return;
    if (this.flying) { this.waiting = { quiet }; return; }
    this.flying = ++this.seq;
    clearTimeout(this.slow);
    this.slow = setTimeout(() => { if (this.flying) this.working({ text: this.t.computing }); }, 150);
    this.send({ what: "world", seq: this.seq, scenario: this.state.scenario, changes: this.state.changes, base: this.state.base, against: this.state.against, seed: this.state.seed, have: [...this.seen.keys()], token: this.token });
  }

  tellChange() {
    const lines = this.policy.series.map((one) => { const twin = this.base.series.find((o) => o.id === one.id), v = one.values[this.state.week], b = twin ? twin.values[this.state.week] : null; return v !== null && b !== null && Number(Math.abs(v - b).toFixed(one.digits)) > 0 ? (this.t["chart_" + one.id] || one.id) + " " + short(v, one.digits) + " " + one.unit + ", " + signed(v - b, (n) => short(n, one.digits)) + " " + this.t.against_base : null; }).filter(Boolean).slice(0, 3);
    this.say((this.said ? this.said + ". " : "") + dayOf(this.policy.start, this.state.week) + ": " + (lines.join("; ") || this.t.same_as_base) + ".");
    this.said = null;
  }

  say(text) { this.live.textContent = text; }

  view(view) { this.state.view = view; if (this.lessons) this.lessons.did("view", view); if (this.policy) this.shown(); this.link(); }

  tab(name) {
    [...this.tabs.children].forEach((tab) => { const on = tab.id === "tab_" + name; tab.setAttribute("aria-selected", String(on)); if (on) tab.setAttribute("tabindex", "0"); else tab.setAttribute("tabindex", "-1"); });
    this.panel.setAttribute("aria-labelledby", "tab_" + name);
    this.open = name;
    const { box } = { levers: this.levers, why: this.why, lessons: this.lessons, data: this.data }[name];
    if (box.parentNode !== this.panel) clear(this.panel, box);
    if (name === "data" && this.policy) this.data.draw(this.state.week);
    if (name === "why" && this.policy) this.why.draw(this.state.week);
  }

  select(picked) {
    if (this.lessons) this.lessons.did("open", picked.kind + " " + picked.id);
    this.why.pick(picked, this.state.week);
    this.tab("why");
    this.say(this.why.story.querySelector("h2") ? this.why.story.querySelector("h2").textContent : "");
  }

  seek(tick) {
    if (!this.policy) return;
    this.state.week = Math.max(0, Math.min(this.policy.T - 1, Math.round(tick)));
    this.clock = this.state.week;
    this.draw();
    if (this.lessons) this.lessons.did("week", isoOf(this.policy.start, this.state.week));
    clearTimeout(this.linking);
    this.linking = setTimeout(() => this.link(), 250);
  }

  toggle() { if (this.playing) this.stop(); else this.start(); }

  start() {
    if (!this.policy) return;
    if (this.state.week >= this.policy.T - 1) this.state.week = this.clock = 0;
    this.playing = true; this.last = null;
    if (this.lessons) this.lessons.did("play");
    requestAnimationFrame(this.frame);
  }

  stop() { if (!this.playing) return; this.playing = false; this.clock = this.state.week; this.left.drawn = this.right.drawn = -1; this.draw(); this.link(); if (this.open === "why") this.why.draw(this.state.week); if (this.open === "data") this.data.draw(this.state.week); }

  frame(now) {
    if (!this.playing) return;
    const past = this.last === null ? 0 : Math.min(100, now - this.last);
    this.last = now;
    this.clock += past / 1000 * this.timeline.weeksPerSecond;
    const tick = Math.floor(this.clock);
    if (tick >= this.policy.T) { this.state.week = this.policy.T - 1; this.stop(); return; }
    const moved = tick !== this.state.week;
    this.state.week = tick;
    if (moved || !still()) this.pictures(still() ? tick : this.clock);
    if (moved) { this.timeline.draw(tick, true); this.charts.draw(tick); }
    requestAnimationFrame(this.frame);
  }

  pictures(now) {
    const week = this.state.week;
    this.left.draw(Math.min(week, this.left.world.T - 1), now);
    if (this.state.view === "both") this.right.draw(week, now);
  }

  draw() {
    if (!this.policy) return;
    this.pictures(this.clock);
    this.timeline.draw(this.state.week, this.playing);
    this.charts.draw(this.state.week);
    if (!this.playing && this.open === "why") this.why.draw(this.state.week);
    if (!this.playing && this.open === "data") this.data.draw(this.state.week);
  }

  refit() { this.left.lay(); if (this.state.view === "both") this.right.lay(); if (this.policy) { this.timeline.set(this.policy, this.levers && this.levers.levers ? this.levers.changedItems() : new Set()); this.draw(); } }

  /* Links, captions, rooms. */

  caption() { return this.policy.about.title + " · " + dayOf(this.policy.start, this.state.week) + (this.state.view === "difference" ? " · " + this.t.difference_caption : ""); }
  sourceLine() { const a = this.policy.about; return "chokepoint " + a.version + " · " + a.scenario + " · " + this.t.seed + " " + a.seed + " · " + this.t.hash + " " + this.policy.hash + " · " + Object.keys(a.changes || {}).length + " " + this.t.changes; }

  query() {
    const q = new URLSearchParams(), st = this.state;
    q.set("v", "1"); q.set("s", st.scenario); q.set("seed", st.seed); q.set("w", st.week); q.set("view", st.view); q.set("m", this.boot.version);
    if (Object.keys(st.changes).length) q.set("c", JSON.stringify(st.changes));
    if (Object.keys(st.base).length) q.set("b", JSON.stringify(st.base));
    if (st.against && st.against !== st.scenario) q.set("a", st.against);
    if (this.roomCode) q.set("room", this.roomCode);
    return "?" + q.toString();
  }

  link() { if (this.online && !this.playing) history.replaceState(history.state, "", location.pathname + this.query()); }

  copyLink() {
    const url = location.origin + location.pathname + this.query();
    const done = () => this.say(this.t.link_copied);
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(url).then(done, () => this.showLink(url)); else this.showLink(url);
  }

  showLink(url) { this.banner.hidden = false; const box = h("input", { type: "text", readonly: true, value: url, "aria-label": this.t.copy_link }); clear(this.banner, box); box.select(); }

  /** The teacher's token travels in the fragment, which no server sees in an address, and leaves the address bar at once. */
  enterRoom() {
    const found = /[#&]t=([A-Za-z0-9_-]{16,64})/.exec(location.hash);
    this.token = found ? found[1] : sessionStorage.getItem("chokepoint-teacher");
    if (found) { sessionStorage.setItem("chokepoint-teacher", found[1]); history.replaceState(history.state, "", location.pathname + location.search); }
    this.roomCode = new URLSearchParams(location.search).get("room");
    if (this.token || this.roomCode) this.send({ what: "enter", room: this.roomCode, token: this.token, member: this.member() });
  }

  /** A random mark of this tab, so that a reload is not another student. It says nothing of whoever sits here. */
  member() {
    const kept = sessionStorage.getItem("chokepoint-member") || [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("chokepoint-member", kept);
    return kept;
  }

  held(room) { this.locked = Boolean(room && room.paused && !room.teacher); if (room && room.code && !room.teacher) this.roomCode = room.code; if (this.locked) this.stop(); this.root.classList.toggle("held", this.locked); if (room && room.teacher && !this.taught) { this.taught = true; this.tab("lessons"); } }

  destroy() { this.playing = false; this.watcher.disconnect(); document.removeEventListener("visibilitychange", this.hidden); }
}

window.Chokepoint = { mount: (root, boot, send) => new Stage(root, boot, send), ready, unpack, cell };
