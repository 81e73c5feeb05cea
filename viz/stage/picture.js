/* The picture: goods on lanes (canvas), actors as marks one can focus (SVG), over bands of jurisdiction. */

const SHAPES = {
  supplier: (r) => `M${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  maker: (r) => [0, 1, 2, 3, 4, 5].map((i) => (i ? "L" : "M") + (1.12 * r * Math.cos(Math.PI * i / 3)).toFixed(2) + "," + (1.12 * r * Math.sin(Math.PI * i / 3)).toFixed(2)).join("") + "z",
  distributor: (r) => `M0,${-1.3 * r}L${1.3 * r},0L0,${1.3 * r}L${-1.3 * r},0z`,
  lab: (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
};
const FILL = { US: "#3c6797", ROW: "#8b93a1", CN: "#a8643c" };
const TINT = { US: "#f2f6fa", ROW: "#fbfbfa", CN: "#fbf6f1" };

class Picture {
  constructor(texts, act) {
    this.t = texts; this.act = act; this.world = null; this.other = null; this.tick = 0; this.hot = null; this.difference = false;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.svg = s("svg", { role: "group" });
    this.tip = h("div", { class: "tip", hidden: true, role: "status" });
    this.box = h("div", { class: "picture" }, this.canvas, this.svg, this.tip);
    this.box.addEventListener("pointermove", (event) => this.point(event));
    this.box.addEventListener("pointerleave", () => this.heat(null));
    this.box.addEventListener("click", (event) => { if (this.hot && this.hot.lane !== undefined && !event.target.closest("g.node")) this.act.select({ kind: "lane", id: this.world.key[this.hot.lane] }); });
  }

  set(world, other, difference, name) {
    this.world = world; this.other = other; this.difference = difference; this.name = name;
    this.svg.setAttribute("aria-label", this.t.picture + ": " + name);
    this.lay();
  }

  /** Places, curves and marks for the size at hand; again on every resize. */
  lay() {
    const world = this.world;
    if (!world) return;
    const width = this.box.clientWidth, height = this.box.clientHeight;
    if (!width || !height) return;
    this.w = width; this.hgt = height; this.em = parseFloat(getComputedStyle(this.box).fontSize);
    const top = 2.0 * this.em, foot = 8;
    const scale = this.scale = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = width * scale; this.canvas.height = height * scale;
    this.layer = this.layer || document.createElement("canvas");
    this.layer.width = this.canvas.width; this.layer.height = this.canvas.height;
    this.atY = (y) => top + y * (height - top - foot);
    this.at = world.nodes.map((node) => ({ x: (width < 620 ? 0.06 + (node.x - 0.07) * 0.86 : node.x) * width, y: this.atY(node.y) }));
    this.largest = {};
    world.nodes.forEach((node, row) => { this.largest[node.kind] = Math.max(this.largest[node.kind] || 1, world.peak[row], this.other ? this.other.peak[row] || 0 : 0); });
    this.most = Math.max(4, Math.min(13, height / 40, width / 60));
    this.curves = world.lanes.map((lane) => this.curve(this.at[lane.from], this.at[lane.to]));
    this.widest = {};
    world.lanes.forEach((lane, row) => { const kind = lane.kind === "input" ? "input" : "goods"; for (let t = 0; t < world.T; t++) this.widest[kind] = Math.max(this.widest[kind] || 1, world.mean[row * world.T + t]); });
    this.marks();
    this.drawn = -1;
    this.draw(this.tick, this.tick);
  }

  /** Sixteen-step samples of a curve, for the moving goods and for pointing. */
  curve(a, b) {
    const back = b.x <= a.x + 1, bend = back ? 22 + Math.abs(b.y - a.y) * 0.1 : Math.max(24, (b.x - a.x) * 0.48), side = back && a.x > this.w * 0.7 ? -1 : 1;
    const c = { x: a.x + side * bend, y: a.y }, d = { x: back ? b.x + side * bend : b.x - bend, y: b.y }, points = new Float32Array(34);
    for (let i = 0; i <= 16; i++) {
      const u = i / 16, v = 1 - u, p = v * v * v, q = 3 * v * v * u, r = 3 * v * u * u, z = u * u * u;
      points[2 * i] = p * a.x + q * c.x + r * d.x + z * b.x;
      points[2 * i + 1] = p * a.y + q * c.y + r * d.y + z * b.y;
    }
    return { a, b, c, d, points };
  }

  marks() {
    const world = this.world, texts = this.t, held = document.activeElement && this.svg.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.svg.setAttribute("viewBox", `0 0 ${this.w} ${this.hgt}`);
    const heads = ["supplier", "maker", "distributor", "lab"].map((kind) => {
      const own = world.nodes.findIndex((node) => node.kind === kind);
      return own < 0 ? null : s("text", { class: "head", x: Math.min(this.at[own].x, this.w - 4), y: 1.15 * this.em, "text-anchor": kind === "supplier" ? "start" : kind === "lab" ? "end" : "middle", dx: kind === "supplier" ? -Math.min(this.at[own].x - 4, 30) : kind === "lab" ? Math.min(this.w - 4 - this.at[own].x, 40) : 0 }, texts["column_" + kind + (this.w < 560 ? "_short" : "")]);
    });
    const bands = ["US", "ROW", "CN"].map((band, i) => s("text", { class: "band", x: 6, y: this.atY(world.bands[i]) + 0.95 * this.em }, texts["band_" + band]));
    this.groups = world.nodes.map((node, row) => {
      const ring = s("circle", { class: "ring", fill: "none" }), mark = s("path", { class: "mark", fill: FILL[node.band] }), label = s("text", { class: "label" }, node.label);
      const group = s("g", { class: "node", "data-id": node.id, "data-testid": "node", role: "button", tabindex: "-1", transform: `translate(${this.at[row].x},${this.at[row].y})`,
        onclick: () => this.act.select({ kind: "node", id: node.id }),
        onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.act.select({ kind: "node", id: node.id }); } },
        onfocus: () => this.heat({ node: row }), onblur: () => this.heat(null),
        onpointerenter: () => this.heat({ node: row }), onpointerleave: () => this.heat(null) }, s("circle", { class: "reach", r: 11 }), ring, mark, label);
      return { group, ring, mark, label, shown: -1, wait: -1 };
    });
    clear(this.svg, heads, bands, this.groups.map((entry) => entry.group));
    this.label();
    roving(this.svg, "g.node");
    if (held) { const again = this.svg.querySelector(`g.node[data-id="${CSS.escape(held)}"]`); if (again) again.focus(); }
  }

  /** Labels for as many marks as do not collide, those that matter most first; the others show when pointed at. */
  label() {
    const size = Math.max(10.5, this.em * 0.72), r = this.most * 0.75;
    const taken = this.at.map((at) => [at.x - r, at.y - r * 0.8, at.x + r, at.y + r * 0.8]);
    ["US", "ROW", "CN"].forEach((band, i) => { const up = this.atY(this.world.bands[i]); taken.push([0, up, 6 + this.t["band_" + band].length * this.em * 0.55, up + 1.2 * this.em]); });
    const order = this.world.nodes.map((node, row) => row).sort((a, b) => this.weight(b) - this.weight(a));
    for (const row of order) {
      const node = this.world.nodes[row], entry = this.groups[row], at = this.at[row], own = node.kind === "lab" ? this.most + 7 : this.radius(row, this.world.peak[row]) * { distributor: 1.3, maker: 1.12, supplier: 1 }[node.kind] + 5;
      const room = Math.floor((this.w - at.x - own - 2) / (size * 0.57)), text = node.kind === "lab" && node.label.length > room && room >= 5 ? node.label.slice(0, room - 1).trimEnd() + "…" : node.label, wide = text.length * size * 0.54;
      if (entry.label.textContent !== text) entry.label.textContent = text;
      const above = [0, -own, "middle"], right = [own, size * 0.35, "start"], left = [-own, size * 0.35, "end"];
      const spots = { lab: [right], supplier: [right, above], maker: [left, above], distributor: [right, left] }[node.kind];
      const fits = spots.find(([dx, dy, anchor]) => {
        const from = at.x + dx - (anchor === "middle" ? wide / 2 : anchor === "end" ? wide : 0), up = at.y + dy - size * 0.85;
        const box = [from, up, from + wide, up + size * 0.95];
        if (box[0] < 0 || box[2] > this.w || box[1] < 0) return false;
        if (taken.some((o, i) => i !== row && box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) return false;
        taken.push(box);
        return true;
      });
      entry.plain = Boolean(fits);
      const [dx, dy, anchor] = fits || (at.x > this.w * 0.8 && node.kind === "lab" && at.x + r + wide > this.w ? left : spots[0]);
      entry.label.style.display = fits ? "" : "none";
      fill(entry.label, { x: dx, y: dy, "text-anchor": anchor });
    }
  }

  /** How large a mark is for what it holds. */
  radius(row, level) { return 2.6 + (this.most - 2.6) * Math.pow(level / this.largest[this.world.nodes[row].kind], 0.4); }

  weight(row) {
    const node = this.world.nodes[row];
    return this.world.peak[row] / this.largest[node.kind] + (node.kind === "maker" ? 2 : node.kind === "supplier" ? 1 : 0);
  }

  /** The week `tick`; `now` runs between weeks while it plays and only moves the goods. */
  draw(tick, now) {
    if (!this.world || !this.w) return;
    this.tick = tick;
    if (this.drawn !== tick || this.heated !== this.hot) { this.lanes(tick); this.nodes(tick); this.drawn = tick; this.heated = this.hot; this.fresh = this.groups; }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.layer, 0, 0);
    if (!this.difference) this.goods(pen, tick, now);
  }

  touches(row) {
    if (!this.hot) return true;
    const lane = this.world.lanes[row];
    return this.hot.lane !== undefined ? this.hot.lane === row : lane.from === this.hot.node || lane.to === this.hot.node;
  }

  trace(pen, curve) {
    pen.beginPath();
    pen.moveTo(curve.a.x, curve.a.y);
    pen.bezierCurveTo(curve.c.x, curve.c.y, curve.d.x, curve.d.y, curve.b.x, curve.b.y);
  }

  thick(row, amount) {
    const input = this.world.lanes[row].kind === "input";
    return (input ? 0.5 : 0.8) + (input ? 2 : this.most * 0.55) * Math.pow(amount / this.widest[input ? "input" : "goods"], 0.4);
  }

  lanes(tick) {
    const world = this.world, pen = this.layer.getContext("2d");
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, this.w, this.hgt);
    ["US", "ROW", "CN"].forEach((band, i) => {
      pen.fillStyle = TINT[band];
      const up = i ? this.atY(world.bands[i]) : 0;
      pen.fillRect(0, up, this.w, this.atY(world.bands[i + 1]) + (i === 2 ? 20 : 0) - up);
      if (i) { pen.strokeStyle = "#d3d8de"; pen.lineWidth = 1; pen.setLineDash([2, 4]); pen.beginPath(); pen.moveTo(0, up); pen.lineTo(this.w, up); pen.stroke(); }
    });
    const shut = [];
    world.lanes.forEach((lane, row) => {
      const barred = lane.bars.some(([since, until]) => tick >= since && tick < until), clear = this.touches(row);
      if (this.difference) { this.changed(pen, row, tick, clear); if (barred) shut.push(row); return; }
      const amount = world.mean[row * world.T + tick];
      if (barred) shut.push(row);
      if (barred && world.flow[row * world.T + tick] <= 0) {
        pen.setLineDash([2, 4]); pen.strokeStyle = SHUT; pen.globalAlpha = clear ? 0.6 : 0.12; pen.lineWidth = 1;
      } else if (amount > 0) {
        pen.setLineDash(KINDS[lane.kind].dash); pen.strokeStyle = KINDS[lane.kind].colour; pen.lineCap = lane.kind === "rented" ? "round" : "butt";
        pen.globalAlpha = clear ? (lane.kind === "grey" ? 0.85 : lane.kind === "input" ? 0.4 : this.hot ? 0.8 : 0.34) : 0.05;
        pen.lineWidth = this.thick(row, amount);
      } else return;
      this.trace(pen, this.curves[row]);
      pen.stroke();
    });
    this.bars(pen, shut);
    if (this.difference) this.largestGaps(pen, tick);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  /** A short bar across each lane that the law bars, where it nears its buyer. */
  bars(pen, shut) {
    pen.setLineDash([]);
    for (const row of shut) {
      const p = this.curves[row].points, i = 2 * (8 + (row * 5) % 4), x = p[i], y = p[i + 1], dx = p[i + 2] - p[i - 2], dy = p[i + 3] - p[i - 1], size = Math.hypot(dx, dy) || 1;
      pen.globalAlpha = this.touches(row) ? 0.9 : 0.12;
      pen.beginPath();
      pen.moveTo(x - 6 * dy / size, y + 6 * dx / size);
      pen.lineTo(x + 6 * dy / size, y - 6 * dx / size);
      pen.strokeStyle = "#ffffff"; pen.lineWidth = 5; pen.stroke();
      pen.strokeStyle = BARRED; pen.lineWidth = 2.5; pen.stroke();
    }
  }

  gap(row, tick) {
    const twin = this.other ? this.other.row.get(this.world.key[row]) : undefined;
    return this.world.mean[row * this.world.T + tick] - (twin === undefined ? 0 : this.other.mean[twin * this.other.T + Math.min(tick, this.other.T - 1)]);
  }

  changed(pen, row, tick, clear) {
    const gap = this.gap(row, tick);
    if (Math.abs(gap) < 0.5) return;
    pen.strokeStyle = gap > 0 ? POLICY : "#2f5d8c";
    pen.setLineDash(gap > 0 ? [] : [6, 4]);
    pen.globalAlpha = clear ? 0.75 : 0.07;
    pen.lineWidth = this.thick(row, Math.abs(gap));
    this.trace(pen, this.curves[row]);
    pen.stroke();
  }

  /** The four lanes that differ most say by how many chips a week. */
  largestGaps(pen, tick) {
    const rows = this.world.lanes.map((_, row) => row).filter((row) => !["rented", "input"].includes(this.world.lanes[row].kind) && Math.abs(this.gap(row, tick)) >= 0.5).sort((a, b) => Math.abs(this.gap(b, tick)) - Math.abs(this.gap(a, tick))).slice(0, 4);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    pen.font = `600 ${Math.max(11, this.em * 0.78)}px system-ui, sans-serif`;
    pen.textAlign = "center";
    rows.forEach((row, i) => {
      const at = 2 * (7 + 2 * (i % 3)), x = this.curves[row].points[at], y = this.curves[row].points[at + 1], text = signed(this.gap(row, tick), (v) => short(Math.round(v)));
      pen.lineWidth = 4;
      pen.strokeStyle = "#ffffff";
      pen.strokeText(text, x, y - 4);
      pen.fillStyle = INK;
      pen.fillText(text, x, y - 4);
    });
  }

  goods(pen, tick, now) {
    const world = this.world;
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    for (let row = 0; row < world.lanes.length; row++) {
      const amount = world.mean[row * world.T + tick];
      if (amount <= 0) continue;
      const kind = world.lanes[row].kind, n = Math.min(kind === "input" ? 2 : 5, 1 + Math.floor(Math.log2(1 + amount) / 3)), points = this.curves[row].points;
      pen.fillStyle = KINDS[kind].colour;
      pen.globalAlpha = this.touches(row) ? (kind === "input" ? 0.55 : 0.95) : 0.08;
      const size = kind === "input" ? 2 : Math.max(2.4, Math.min(4, this.thick(row, amount)));
      for (let i = 0; i < n; i++) {
        const u = ((now * 0.16 + i / n + (row * 0.618) % 1) % 1) * 16, k = Math.min(15, Math.floor(u)), f = u - k;
        const x = points[2 * k] + f * (points[2 * k + 2] - points[2 * k]), y = points[2 * k + 1] + f * (points[2 * k + 3] - points[2 * k + 1]);
        pen.fillRect(x - size / 2, y - size / 2, size, size);
      }
    }
    pen.globalAlpha = 1;
  }

  nodes(tick) {
    const world = this.world;
    world.nodes.forEach((node, row) => {
      const entry = this.groups[row], level = world.level[row * world.T + tick], wait = world.waiting[row * world.T + tick];
      const r = this.radius(row, level), rounded = Math.round(r * 10);
      if (entry.shown !== rounded) { entry.mark.setAttribute("d", SHAPES[node.kind](r)); entry.shown = rounded; }
      const share = node.kind === "lab" && wait > 0 ? Math.min(1, wait / Math.max(1, world.came[row * world.T + tick]) * 13 / 52) : 0, turn = Math.round(share * 60);
      if (entry.wait !== turn + 100 * rounded) {
        const radius = r + 3, around = 2 * Math.PI * radius;
        fill(entry.ring, { r: radius.toFixed(1), "stroke-dasharray": `${(share * around).toFixed(1)} ${around.toFixed(1)}`, transform: "rotate(-90)" });
        entry.ring.style.display = turn ? "" : "none";
        entry.wait = turn + 100 * rounded;
      }
      if (!this.act.playing()) entry.group.setAttribute("aria-label", node.label + ", " + this.t["kind_" + node.kind] + ": " + this.said(row, tick));
      const near = !this.hot || this.hot.node === row || (this.hot.lane !== undefined ? [world.lanes[this.hot.lane].from, world.lanes[this.hot.lane].to].includes(row) : this.joined(row));
      if (this.heated === this.hot && this.fresh === this.groups) return;
      entry.group.style.opacity = near ? 1 : 0.3;
      entry.label.style.display = entry.plain || (this.hot && (this.hot.node === row || (this.hot.lane !== undefined && near))) ? "" : "none";
    });
  }

  joined(row) {
    return this.world.lanes.some((lane) => (lane.from === row && lane.to === this.hot.node) || (lane.to === row && lane.from === this.hot.node));
  }

  said(row, tick) {
    const world = this.world, node = world.nodes[row], level = world.level[row * world.T + tick], wait = world.waiting[row * world.T + tick];
    const holds = this.t["level_" + node.kind].replace("{n}", exact(level));
    return wait > 0 ? holds + "; " + this.t[node.kind === "maker" ? "owes" : "waits"].replace("{n}", exact(wait)) : holds;
  }

  heat(hot) {
    if (JSON.stringify(hot) === JSON.stringify(this.hot)) return;
    this.hot = hot;
    this.tip.hidden = !hot;
    if (hot) this.tell(hot);
    this.draw(this.tick, this.act.now());
  }

  tell(hot) {
    const world = this.world, lane = hot.lane !== undefined ? world.lanes[hot.lane] : null, at = lane ? { x: this.curves[hot.lane].points[16], y: this.curves[hot.lane].points[17] } : this.at[hot.node];
    if (lane) {
      const barred = lane.bars.some(([since, until]) => this.tick >= since && this.tick < until), flow = world.flow[hot.lane * world.T + this.tick];
      clear(this.tip, h("b", {}, world.nodes[lane.from].label + " → " + world.nodes[lane.to].label), h("br"), this.t["lane_" + lane.kind] + ": " + exact(flow) + " " + this.t.chips_this_week,
        this.difference ? [h("br"), signed(this.gap(hot.lane, this.tick), (v) => exact(v, 1)) + " " + this.t.against_base] : null, barred ? [h("br"), this.t.barred_now] : null);
    } else clear(this.tip, h("b", {}, world.nodes[hot.node].label), h("br"), this.said(hot.node, this.tick));
    const left = Math.max(4, Math.min(this.w - 230, at.x + 14));
    Object.assign(this.tip.style, { left: left + "px", top: Math.max(4, Math.min(this.hgt - 70, at.y + 12)) + "px" });
  }

  /** The lane under the pointer, if any is near. */
  point(event) {
    if (!this.world || event.target.closest("g.node") || event.pointerType === "touch") return;
    const frame = this.box.getBoundingClientRect(), x = event.clientX - frame.left, y = event.clientY - frame.top;
    let best = 49, lane;
    this.curves.forEach((curve, row) => {
      const seen = this.difference ? Math.abs(this.gap(row, this.tick)) >= 0.5 : this.world.mean[row * this.world.T + this.tick] > 0 || this.world.lanes[row].bars.length;
      if (!seen) return;
      for (let i = 0; i < 16; i++) {
        const p = curve.points, ax = p[2 * i], ay = p[2 * i + 1], bx = p[2 * i + 2] - ax, by = p[2 * i + 3] - ay;
        const u = Math.max(0, Math.min(1, ((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by || 1))), dx = x - ax - u * bx, dy = y - ay - u * by, d = dx * dx + dy * dy;
        if (d < best) { best = d; lane = row; }
      }
    });
    this.heat(lane === undefined ? null : { lane });
  }

  /** The picture as one SVG document with a caption and its source. */
  document(caption, source) {
    const pen = [], world = this.world, tick = this.tick, ns = "http://www.w3.org/2000/svg";
    const out = s("svg", { xmlns: ns, width: this.w, height: this.hgt + 58, viewBox: `0 0 ${this.w} ${this.hgt + 58}`, "font-family": "system-ui, sans-serif" }, s("title", {}, caption), s("rect", { width: this.w, height: this.hgt + 58, fill: "#ffffff" }));
    ["US", "ROW", "CN"].forEach((band, i) => { const up = i ? this.atY(world.bands[i]) : 0; pen.push(s("rect", { x: 0, y: up, width: this.w, height: this.atY(world.bands[i + 1]) - up, fill: TINT[band] })); });
    world.lanes.forEach((lane, row) => {
      const gap = this.difference ? this.gap(row, tick) : world.mean[row * world.T + tick], barred = lane.bars.some(([since, until]) => tick >= since && tick < until), c = this.curves[row];
      const idle = Math.abs(gap) < (this.difference ? 0.5 : 1e-9);
      if (idle && !barred) return;
      const colour = idle ? SHUT : this.difference ? (gap > 0 ? POLICY : "#2f5d8c") : KINDS[lane.kind].colour;
      const dash = idle ? [2, 4] : this.difference ? (gap > 0 ? [] : [6, 4]) : KINDS[lane.kind].dash;
      pen.push(s("path", { d: `M${c.a.x},${c.a.y}C${c.c.x},${c.c.y} ${c.d.x},${c.d.y} ${c.b.x},${c.b.y}`, fill: "none", stroke: colour, "stroke-width": idle ? 1 : this.thick(row, Math.abs(gap)).toFixed(2), "stroke-opacity": 0.6, "stroke-dasharray": dash.join(" ") || null }));
      if (barred) pen.push(s("text", { x: c.points[16], y: c.points[17], fill: BARRED, "font-size": 13, "font-weight": 700, "text-anchor": "middle" }, "⊘"));
    });
    const marks = this.svg.cloneNode(true);
    marks.querySelectorAll(".reach").forEach((node) => node.remove());
    marks.querySelectorAll("text").forEach((node) => fill(node, { "font-size": node.classList.contains("label") ? 10.5 : 12, fill: node.classList.contains("label") ? INK : SOFT }));
    marks.querySelectorAll(".ring").forEach((node) => fill(node, { stroke: "#b8860b", "stroke-width": 2.5 }));
    pen.push(...[...marks.childNodes]);
    pen.push(s("text", { x: 12, y: this.hgt + 24, "font-size": 14, "font-weight": 600, fill: INK }, caption), s("text", { x: 12, y: this.hgt + 44, "font-size": 11, fill: SOFT }, source));
    put(out, pen);
    return new XMLSerializer().serializeToString(out);
  }
}
