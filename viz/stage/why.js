/* Why? The ledger of what was picked, what it did and what bound it, and the chain back to the decree that began it. */

class Why {
  constructor(texts, act) {
    this.t = texts; this.act = act; this.picked = null;
    this.ask = this.question();
    this.story = h("div", { class: "story", "data-testid": "story" });
    this.box = h("div", { class: "why" }, this.story, this.ask);
  }

  set(world, base, parting) { this.world = world; this.base = base; this.parting = parting; this.offers(); this.draw(this.act.tick()); }
  pick(picked, tick) { this.picked = picked; this.draw(tick); }

  draw(tick) {
    if (!this.world) return;
    this.tick = tick;
    const parts = this.picked ? this[this.picked.kind + "Story"](this.picked.id, tick) : [h("p", { class: "hint" }, this.t.pick_something), this.chipList(this.world.chips, tick)];
    redrawn(this.story, () => clear(this.story, this.parted(), parts), "h2");
  }

  parted() {
    const p = this.parting;
    if (!p) return null;
    const line = (event) => (event ? this.plain(event) : this.t.nothing_there);
    return h("div", { class: "parting", "data-testid": "parting" }, h("h3", {}, this.t.parting), h("p", {}, h("button", { type: "button", class: "link", onclick: () => this.act.seek(p.tick) }, dayOf(this.world.start, p.tick))), h("p", {}, h("b", {}, this.t.baseline + ": "), line(p.base)), h("p", {}, h("b", {}, this.t.policy + ": "), line(p.policy)));
  }

  /** One event in plain words. */
  plain(event) {
    const name = (id) => { const row = this.world.node.get(id); return row === undefined ? String(id).replaceAll("_", " ") : this.world.nodes[row].members.length === 1 ? this.world.nodes[row].label : String(id).replaceAll("_", " "); };
    const amount = event.quantity ? short(event.quantity) + " " + (event.unit || "") : "";
    const pattern = this.t["event_" + event.kind];
    if (pattern) return pattern.replace("{actor}", name(event.actor)).replace("{other}", event.other ? name(event.other) : this.t.others).replace("{chip}", event.chip || this.t.chips).replace("{rule}", this.title(event.rule || (this.chain(event).find((cause) => cause.rule) || {}).rule)).replace("{amount}", amount).replace("{text}", event.text).replace("{day}", this.signed(event));
    return [event.text || event.kind.replaceAll("_", " "), event.actor ? " · " + name(event.actor) : "", event.chip ? " · " + event.chip : "", event.other ? " → " + name(event.other) : "", amount ? " · " + amount : ""].join("");
  }

  /** The day a rule was announced, bound or ended, where the event is one of these. */
  signed(event) {
    const rule = this.world.rule.get(event.rule), day = rule && { decree_announced: rule.announced_date, decree_in_force: rule.since_date, decree_ended: rule.until_date }[event.kind];
    return day ? dayOf(day, 0) : this.t.week_of + " " + dayOf(this.world.start, event.tick);
  }

  /** Chips as buttons, the most sold of the last thirteen weeks first, each with its sales over the run. */
  chipList(chips, tick) {
    const world = this.world, sold = (chip) => { let sum = 0; const by = this.sold(chip); for (let t = Math.max(0, tick - 12); t <= tick; t++) sum += by[t]; return sum; };
    const found = chips.map((chip) => [chip, sold(chip)]).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]).slice(0, 12);
    if (!found.length) return null;
    return [h("h3", {}, this.t.chips_sold), h("ul", { class: "chiplist", "data-testid": "chips" }, found.map(([chip, n]) => h("li", {}, this.chipLink(chip.id), this.spark(this.sold(chip), tick), h("span", { class: "hint" }, exact(n)))))];
  }

  chipLink(id) { return h("button", { type: "button", class: "link", "data-testid": "chip", onclick: () => this.act.select({ kind: "chip", id }) }, id.replaceAll("_", " ")); }

  sold(chip) {
    this.unpacked = this.unpacked && this.unpacked.of === this.world ? this.unpacked : { of: this.world, by: new Map() };
    if (!this.unpacked.by.has(chip.id)) this.unpacked.by.set(chip.id, unpack(chip.sold, this.world.T));
    return this.unpacked.by.get(chip.id);
  }

  spark(values, tick, wide) {
    const T = this.world.T, most = Math.max(1, ...values), W = wide ? 300 : 90, H = wide ? 60 : 20, x = (t) => (W * t / Math.max(1, T - 1)).toFixed(1);
    return s("svg", { class: "spark", viewBox: `0 0 ${W} ${H}`, width: wide ? "100%" : W, height: H, preserveAspectRatio: "none", "aria-hidden": "true" }, s("path", { class: "area", d: "M0," + H + [...values].map((v, t) => "L" + x(t) + "," + (H - (H - 1) * v / most).toFixed(1)).join("") + "L" + W + "," + H + "z" }), s("line", { x1: x(tick), x2: x(tick), y1: 0, y2: H }));
  }

  title(id) { const rule = this.world.rule.get(id); return rule ? rule.title : String(id || this.t.no_rule).replaceAll("_", " "); }

  chain(event) {
    const links = [];
    for (let at = event.cause, n = 0; at >= 0 && n < 12; at = this.world.log[at].cause, n++) links.push(this.world.log[at]);
    return links;
  }

  line(event) {
    const chain = this.chain(event), rule = this.world.rule.get(event.rule);
    return h("li", { class: event.tick > this.tick ? "later" : "" }, h("button", { type: "button", class: "link date", onclick: () => this.act.seek(event.tick) }, dayOf(this.world.start, event.tick)), " ", this.plain(event),
      rule && rule.source ? h("small", {}, " ", source(rule.source)) : null,
      chain.length ? h("ol", { class: "chain" }, chain.map((cause) => h("li", {}, this.t.because + " ", this.plain(cause), cause.kind.startsWith("decree") ? "" : " (" + this.t.week_of + " " + dayOf(this.world.start, cause.tick) + ")"))) : null);
  }

  events(test) {
    const found = this.world.log.filter(test), near = found.filter((e) => e.tick <= this.tick).slice(-8).reverse(), next = found.filter((e) => e.tick > this.tick).slice(0, 2);
    if (!found.length) return h("p", { class: "hint" }, this.t.no_events);
    return [h("h3", {}, this.t.decisions.replace("{n}", found.length)), near.length ? h("ul", { class: "log" }, near.map((e) => this.line(e))) : null, next.length ? [h("h3", {}, this.t.later), h("ul", { class: "log" }, next.map((e) => this.line(e)))] : null];
  }

  figures(rows) { return h("table", { class: "ledger" }, h("tbody", {}, rows.map(([name, value, other]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value), h("td", { class: "delta" }, other || ""))))); }

  nodeStory(id, tick) {
    const world = this.world, row = world.node.get(id);
    if (row === undefined) return [h("p", {}, this.t.gone)];
    const node = world.nodes[row], at = row * world.T + tick, base = this.base, twin = base ? base.node.get(id) : undefined, gap = (name) => (twin === undefined || base === world ? null : signed(world[name][at] - base[name][twin * base.T + Math.min(tick, base.T - 1)], exact));
    const lanes = (end, other) => world.lanes.map((lane, i) => [lane, i]).filter(([lane]) => lane[end] === row).map(([lane, i]) => { let sum = 0; for (let t = Math.max(0, tick - 12); t <= tick; t++) sum += world.flow[i * world.T + t]; return [lane, i, sum, world.nodes[lane[other]]]; }).filter((x) => x[2] > 0 || x[0].bars.some(([a, b]) => tick >= a && tick < b)).sort((a, b) => b[2] - a[2]).slice(0, 6);
    const list = (title, found) => (found.length ? [h("h3", {}, title), h("ul", { class: "lanes" }, found.map(([lane, i, sum, other]) => h("li", {}, h("button", { type: "button", class: "link", onclick: () => this.act.select({ kind: "lane", id: world.key[i] }) }, other.label), " ", h("span", {}, exact(sum) + " · " + this.t["lane_" + lane.kind]), lane.bars.some(([a, b]) => tick >= a && tick < b) ? h("b", { class: "barred" }, " ⊘ " + this.t.barred) : null)))] : null);
    return [h("h2", { tabindex: "-1" }, node.label), h("p", { class: "hint" }, this.t["kind_" + node.kind] + (node.country ? " · " + node.country : "") + (node.members.length > 1 ? " · " + node.members.length + " " + this.t.actors : "")),
      this.figures([[this.t["ledger_" + node.kind], exact(world.level[at]), gap("level")], [this.t[node.kind === "maker" ? "ledger_owes" : "ledger_waits"], exact(world.waiting[at]), gap("waiting")]]),
      list(this.t.in13, lanes("to", "from")), list(this.t.out13, lanes("from", "to")), node.kind === "maker" ? this.chipList(world.chips.filter((chip) => node.members.includes(chip.maker)), tick) : null, this.events((e) => node.members.includes(e.actor) || node.members.includes(e.other))];
  }

  laneStory(key, tick) {
    const world = this.world, row = world.row.get(key);
    if (row === undefined) return [h("p", {}, this.t.gone)];
    const lane = world.lanes[row], a = world.nodes[lane.from], b = world.nodes[lane.to], twin = this.base && this.base !== world ? this.base.row.get(key) : undefined;
    let total = 0, other = 0;
    for (let t = 0; t <= tick; t++) { total += world.flow[row * world.T + t]; if (this.base && twin !== undefined && t < this.base.T) other += this.base.flow[twin * this.base.T + t]; }
    const flow = world.flow[row * world.T + tick];
    return [h("h2", { tabindex: "-1" }, a.label + " → " + b.label), h("p", { class: "hint" }, this.t["lane_" + lane.kind]),
      this.figures([[this.t.this_week, exact(flow), ""], [this.t.since_start, exact(total), this.base && this.base !== world ? signed(total - other, exact) : ""], ...lane.chips.map(([chip, n]) => [[this.chipLink(chip), ", " + this.t.whole_run], exact(n), ""])]),
      lane.bars.length ? h("p", {}, h("b", { class: "barred" }, "⊘ " + this.t.barred + ": "), lane.bars.map(([since, until]) => dayOf(world.start, since) + " – " + (until >= world.T ? this.t.end : dayOf(world.start, until))).join("; ")) : null,
      this.events((e) => (a.members.includes(e.actor) && b.members.includes(e.other)) || (b.members.includes(e.actor) && a.members.includes(e.other)) || (lane.bars.length && e.rule && a.members.includes(e.actor) && lane.chips.some(([chip]) => chip === e.chip)))];
  }

  chipStory(id, tick) {
    const chip = this.world.chips.find((one) => one.id === id);
    if (!chip) return [h("p", {}, this.t.gone)];
    const sold = this.sold(chip), twin = this.base && this.base !== this.world ? this.base.chips.find((one) => one.id === id) : null, before = twin ? unpack(twin.sold, this.base.T) : null;
    let total = 0, other = 0;
    for (let t = 0; t <= tick; t++) { total += sold[t]; if (before && t < this.base.T) other += before[t]; }
    const gap = (a, b) => (this.base && this.base !== this.world ? signed(a - b, exact) : ""), maker = this.world.node.get(chip.maker);
    const by = maker === undefined ? chip.maker : h("button", { type: "button", class: "link", onclick: () => this.act.select({ kind: "node", id: this.world.nodes[maker].id }) }, this.world.nodes[maker].label);
    return [h("h2", { tabindex: "-1" }, id), this.spark(sold, tick, true), this.figures([[this.t.maker, by, ""], [this.t.tpp, exact(chip.tpp), ""], [this.t.sold_this_week, exact(sold[tick]), gap(sold[tick], before && tick < this.base.T ? before[tick] : 0)], [this.t.since_start, exact(total), gap(total, other)]]), this.events((e) => e.chip === id)];
  }

  chartStory(id, tick) {
    const series = this.world.series.find((one) => one.id === id), twin = this.base && this.base !== this.world ? this.base.series.find((one) => one.id === id) : null;
    if (!series) return [h("p", {}, this.t.gone)];
    const kinds = this.t["cause_" + id] || [], v = series.values[tick], b = twin ? twin.values[tick] : null;
    return [h("h2", { tabindex: "-1" }, this.t["chart_" + id] || id), h("p", { class: "hint" }, this.t["note_" + id] || ""), this.figures([[this.t.this_week, short(v, series.digits) + " " + series.unit, b === null || v === null ? "" : signed(v - b, (n) => short(n, series.digits))]]),
      this.events((e) => kinds.some((kind) => e.kind.includes(kind)))];
  }

  ruleStory(id) {
    const rule = this.world.rule.get(id);
    if (!rule) return [h("p", {}, this.t.gone)];
    return [h("h2", { tabindex: "-1" }, rule.title), h("p", { class: "hint" }, rule.by.toUpperCase() + " · " + this.t.announced + " " + rule.announced_date + " · " + this.t.in_force + " " + rule.since_date + (rule.until_date ? " · " + this.t.until + " " + rule.until_date : "")), rule.clause ? h("p", {}, rule.clause) : null, rule.source ? h("p", { class: "hint" }, this.t.source + ": ", source(rule.source)) : null,
      this.act.online ? h("p", {}, h("button", { type: "button", class: "quiet", onclick: () => this.act.openLever(id) }, this.t.change_rule)) : null, this.events((e) => e.rule === id)];
  }

  /** May A sell X to B on this date? The rulebook answers. */
  question() {
    const t = this.t, field = (name, label) => h("label", { class: "field" }, h("span", {}, label), (this[name] = h("select", { "data-testid": "may_" + name })));
    this.reply = h("div", { class: "reply", role: "status", "data-testid": "reply" });
    return h("details", { class: "may" }, h("summary", {}, t.may_title), field("seller", t.may_seller), field("chip", t.may_chip), field("buyer", t.may_buyer),
      h("p", { class: "hint" }, t.may_date), this.chips = h("div", { class: "chips" }),
      h("button", { type: "button", class: "main", "data-testid": "may", onclick: () => { clear(this.reply, t.asking); this.act.ask("explain", { seller: this.seller.value, buyer: this.buyer.value, chip: this.chip.value, tick: this.act.tick() }); } }, t.may_ask), this.reply);
  }

  offers() {
    const world = this.world, sets = (box, options) => { const held = box.value; clear(box, options.map(([id, label]) => h("option", { value: id }, label))); if (options.some(([id]) => id === held)) box.value = held; };
    const people = (kinds) => world.nodes.filter((n) => kinds.includes(n.kind)).flatMap((n) => n.members.map((m) => [m, n.members.length === 1 ? n.label : m.replaceAll("_", " ")]));
    sets(this.seller, people(["maker", "distributor"])); sets(this.buyer, people(["lab", "distributor"])); sets(this.chip, world.chips.map((c) => [c.id, c.id]));
    this.ask.hidden = !this.act.online;
  }

  answered(answer) {
    clear(this.reply, h("p", { class: "verdict " + (answer.allowed ? "yes" : "no") }, (answer.allowed ? "✓ " : "⊘ ") + answer.said), (answer.lines || []).map((line) => h("p", {}, line)), answer.source ? h("p", { class: "hint" }, this.t.source + ": ", source(answer.source)) : null);
  }
}
