/* The numbers beside every picture, and the run to take away: table, CSV, SVG, PNG, scenario file, one HTML page, link. */

class Data {
  constructor(texts, act) {
    this.t = texts; this.act = act; this.which = "now";
    this.box = h("div", { class: "data" });
  }

  set(world, base) { this.world = world; this.base = base === world ? null : base; this.shape(); }

  shape() {
    const t = this.t, button = (id, text, run) => h("button", { type: "button", "data-testid": id, onclick: run }, text);
    const pick = h("select", { "aria-label": t.which_table, "data-testid": "which", onchange: () => { this.which = pick.value; this.draw(this.act.tick()); } }, h("option", { value: "now" }, t.table_now), h("option", { value: "nodes" }, t.table_nodes), h("option", { value: "lanes" }, t.table_lanes), h("option", { value: "rules" }, t.table_rules), this.world.series.map((one) => h("option", { value: one.id }, (t["chart_" + one.id] || one.id) + ", " + t.by_week)));
    pick.value = this.which;
    this.table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t.table });
    const tools = h("div", { class: "tools", role: "toolbar", "aria-label": t.take_away }, button("csv", t.csv, () => save(this.file("csv"), "text/csv;charset=utf-8", this.csv())), button("svg", "SVG", () => save(this.file("svg"), "image/svg+xml", this.act.svg())), button("png", "PNG", () => this.png()),
      this.act.online ? [button("yaml", t.scenario_file, () => this.act.ask("file", { file: "scenario" })), button("html", t.one_page, () => this.act.ask("file", { file: "page" })), button("link", t.copy_link, () => this.act.copyLink())] : null);
    roving(tools, "button");
    clear(this.box, h("h2", {}, t.take_away), tools, h("p", { class: "hint" }, t.hash + " ", h("code", { "data-testid": "hash" }, this.world.hash), " · " + t.seed + " " + this.world.about.seed + " · " + t.version + " " + this.world.about.version), h("h2", {}, t.table), pick, this.table);
    this.draw(this.act.tick());
  }

  file(end) { return "chokepoint-" + String(this.world.about.scenario).replace(/[^a-z0-9-]+/gi, "-") + "-seed" + this.world.about.seed + "-" + this.world.hash + "." + end; }

  draw(tick) {
    if (!this.table) return;
    const [head, rows] = this.rows(this.which, tick);
    clear(this.table, h("table", {}, h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, i) => (i ? h("td", {}, typeof value === "number" ? exact(value, Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : 3) : value) : h("th", { scope: "row" }, value))))))));
  }

  rows(which, tick) {
    const t = this.t, w = this.world, b = this.base, at = (line, i) => (line[i] === null || line[i] === undefined ? "–" : line[i]);
    if (which === "now") return [[t.measure, t.policy, t.baseline, t.unit], w.series.map((one) => { const twin = b && b.series.find((o) => o.id === one.id); return [t["chart_" + one.id] || one.id, at(one.values, tick), twin ? at(twin.values, tick) : at(one.values, tick), one.unit]; })];
    if (which === "nodes") return [[t.actor, t.kind, t.holds, t.waiting], w.nodes.map((n, i) => [n.label, t["kind_" + n.kind], w.level[i * w.T + tick], w.waiting[i * w.T + tick]])];
    if (which === "lanes") return [[t.lane, t.kind, t.chips_this_week, t.barred], w.lanes.map((l, i) => [w.nodes[l.from].label + " → " + w.nodes[l.to].label, t["lane_" + l.kind], w.flow[i * w.T + tick], l.bars.some(([x, y]) => tick >= x && tick < y) ? t.yes : t.no])];
    if (which === "rules") return [[t.rule, t.signed_by, t.announced, t.in_force], w.rules.map((r) => [r.title, r.by.toUpperCase(), r.announced_date, r.since_date])];
    const one = w.series.find((o) => o.id === which), twin = b && b.series.find((o) => o.id === which);
    return one ? [[t.week, t.policy, t.baseline], one.values.slice(0, w.T).map((v, i) => [isoOf(w.start, i), at(one.values, i), twin ? at(twin.values, i) : at(one.values, i)])] : [[t.table], []];
  }

  /** Tidy long rows, each with its unit, seed and version; text cells can never be formulas. */
  csv() {
    const out = [["world", "scenario", "changes", "seed", "version", "frames", "date", "tick", "metric", "unit", "from", "to", "kind", "value"]];
    for (const [name, world] of this.base ? [["baseline", this.base], ["policy", this.world]] : [["policy", this.world]]) {
      const about = [name, world.about.scenario, JSON.stringify(world.about.changes || {}), world.about.seed, world.about.version, world.hash];
      world.series.forEach((one) => { for (let t = 0; t < world.T; t++) if (one.values[t] !== null) out.push([...about, isoOf(world.start, t), t, one.id, one.unit, "", "", "", one.values[t]]); });
      world.lanes.forEach((lane, row) => { for (let t = 0; t < world.T; t++) { const n = world.flow[row * world.T + t]; if (n) out.push([...about, isoOf(world.start, t), t, "lane_chips", "chips", world.nodes[lane.from].id, world.nodes[lane.to].id, lane.kind, n]); } });
    }
    return out.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  png() {
    const text = this.act.svg(), image = new Image(), url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.width * 2; canvas.height = image.height * 2;
      const pen = canvas.getContext("2d");
      pen.scale(2, 2);
      pen.drawImage(image, 0, 0);
      URL.revokeObjectURL(url);
      canvas.toBlob((blob) => save(this.file("png"), "image/png", blob));
    };
    image.src = url;
  }
}
