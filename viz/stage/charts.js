/* Small charts on one clock: baseline dashed, policy solid, the spread over seeds behind each; the number at the week in words. */

class Charts {
  constructor(texts, act) {
    this.t = texts; this.act = act;
    this.box = h("div", { class: "charts", role: "group", "aria-label": texts.charts });
  }

  set(policy, base, spread, changed) {
    this.policy = policy; this.base = base; this.spread = spread || {}; this.same = !changed;
    const twins = new Map((base ? base.series : []).map((one) => [one.id, one]));
    this.cards = policy.series.map((series) => this.card(series, twins.get(series.id)));
    clear(this.box, this.cards.map((card) => card.box), spread && spread.seeds ? h("p", { class: "hint band-note", "data-testid": "bands" }, this.t.bands.replace("{n}", spread.seeds).replace("{seed}", policy.about.seed)) : null);
    roving(this.box, "button.chart");
  }

  card(series, twin) {
    const W = 300, H = 92, T = this.policy.T, name = this.t["chart_" + series.id] || series.observable, spread = this.spread[series.id] || {};
    const lines = [series.values, twin && twin.values, spread.policy && spread.policy.low, spread.policy && spread.policy.high, spread.base && spread.base.low, spread.base && spread.base.high].filter(Boolean);
    let low = Infinity, high = -Infinity;
    lines.forEach((line) => line.forEach((v) => { if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); } }));
    if (low >= 0 && low < high * 0.6) low = 0;
    if (high - low < 1e-9) high = low + Math.max(1e-6, Math.abs(low) * 0.1 || 1);
    const x = (t) => 2 + (W - 4) * t / Math.max(1, T - 1), y = (v) => 6 + (H - 12) * (1 - (v - low) / (high - low));
    const path = (line) => { let d = "", pen = false; line.forEach((v, t) => { if (t >= T) return; if (v === null) { pen = false; return; } d += (pen ? "L" : "M") + x(t).toFixed(1) + "," + y(v).toFixed(1); pen = true; }); return d; };
    const area = (band) => { if (!band) return ""; const on = band.low.map((v, t) => t).filter((t) => t < T && band.low[t] !== null); return on.length < 2 ? "" : "M" + on.map((t) => x(t).toFixed(1) + "," + y(band.high[t]).toFixed(1)).join("L") + "L" + on.reverse().map((t) => x(t).toFixed(1) + "," + y(band.low[t]).toFixed(1)).join("L") + "z"; };
    const cursor = s("line", { class: "cursor", y1: 0, y2: H }), dot = s("circle", { class: "dot", r: 3.2 }), square = s("rect", { class: "square", width: 5.6, height: 5.6 });
    const picture = s("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      s("path", { class: "spread base", d: area(spread.base) }), this.same ? null : s("path", { class: "spread policy", d: area(spread.policy) }),
      twin ? s("path", { class: "line base", d: path(twin.values) }) : null, s("path", { class: "line " + (this.same ? "alone" : "policy"), d: path(series.values) }), cursor);
    const marks = s("svg", { class: "marks", "aria-hidden": "true" }, this.same ? null : square, dot);
    const value = h("b", { class: "value" }), delta = h("span", { class: "delta" }), unit = h("span", { class: "unit" }, series.unit);
    const box = h("button", { type: "button", class: "chart", "data-testid": "chart", "data-id": series.id, onclick: (event) => {
      const frame = picture.getBoundingClientRect();
      if (event.detail && event.clientY >= frame.top) this.act.seek(Math.round((T - 1) * Math.max(0, Math.min(1, (event.clientX - frame.left) / frame.width))));
      this.act.select({ kind: "chart", id: series.id });
    } }, h("span", { class: "called" }, name), h("span", { class: "now" }, value, " ", unit, " ", delta), h("span", { class: "plot" }, h("span", { class: "top", "aria-hidden": "true" }, short(high, series.digits)), picture, marks));
    return { box, series, twin, name, cursor, dot, square, value, delta, x, y, W, H };
  }

  draw(tick) {
    for (const card of this.cards || []) {
      const v = card.series.values[tick], b = card.twin ? card.twin.values[tick] : null, digits = card.series.digits;
      card.cursor.setAttribute("x1", card.x(tick)); card.cursor.setAttribute("x2", card.x(tick));
      const put = (mark, value, square) => { mark.style.display = value === null || value === undefined ? "none" : ""; if (value === null || value === undefined) return; const px = 100 * card.x(tick) / card.W + "%", py = 100 * card.y(value) / card.H + "%"; if (square) { mark.setAttribute("x", px); mark.setAttribute("y", py); mark.setAttribute("transform", "translate(-2.8,-2.8)"); } else { mark.setAttribute("cx", px); mark.setAttribute("cy", py); } };
      put(card.dot, v);
      if (!this.same) put(card.square, b, true);
      card.value.textContent = short(v, digits);
      const gap = v !== null && b !== null && v !== undefined && b !== undefined ? v - b : null;
      card.delta.textContent = this.same || gap === null ? "" : Number(Math.abs(gap).toFixed(digits)) === 0 ? "= " + this.t.as_base : (gap > 0 ? "▲ " : "▼ ") + signed(gap, (n) => short(n, Math.max(digits, 0)));
    }
  }
}
