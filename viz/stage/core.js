/* Words the other parts share: elements, numbers, dates, packed integers. No framework, so that a page without a server plays too. */

const KINDS = {
  licensed: { colour: "#2f5d8c", dash: [] },
  domestic: { colour: "#2f9e74", dash: [] },
  resale: { colour: "#75629b", dash: [9, 3, 2, 3] },
  rented: { colour: "#75629b", dash: [1.5, 5] },
  grey: { colour: "#c4500a", dash: [7, 5] },
  input: { colour: "#aeb6c1", dash: [] },
};
const INK = "#1c2530", SOFT = "#5d6875", BASE = "#6f7986", POLICY = "#9a3d06", BARRED = "#9b1c31", SHUT = "#b0808a";
const MEAN_WEEKS = 4;

function put(node, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((one) => put(node, one));
  else node.append(child instanceof Node ? child : document.createTextNode(String(child)));
}

function fill(node, attrs) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style" && typeof value === "object") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
}

function h(tag, attrs, ...children) {
  const node = document.createElement(tag);
  fill(node, attrs);
  put(node, children);
  return node;
}

function s(tag, attrs, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, attrs);
  put(node, children);
  return node;
}

function clear(node, ...children) {
  node.replaceChildren();
  put(node, children);
  return node;
}

/** Draw a box anew; whoever stood with the keyboard on something in it (`data-key`) stands there again, or on what is given. */
function redrawn(box, draw, otherwise) {
  const held = document.activeElement, inside = held && held !== box && box.contains(held), key = inside ? held.dataset.key : null;
  draw();
  if (!inside || box.contains(held)) return;
  const again = (key && box.querySelector(`[data-key="${CSS.escape(key)}"]`)) || (otherwise && box.querySelector(otherwise));
  if (again) again.focus({ preventScroll: true });
}

/** One tab stop for a row of things: arrows move, Home and End jump. */
function roving(box, selector) {
  const items = () => [...box.querySelectorAll(selector)].filter((node) => !node.disabled);
  const settle = () => {
    const all = items();
    if (!all.some((node) => node.getAttribute("tabindex") === "0")) all.forEach((node, i) => node.setAttribute("tabindex", i ? "-1" : "0"));
  };
  if (!box.dataset.roving) {
    box.dataset.roving = "1";
    box.addEventListener("keydown", (event) => {
      const all = items(), at = all.indexOf(document.activeElement);
      if (at < 0) return;
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = all[(to + all.length) % all.length];
      all.forEach((node) => node.setAttribute("tabindex", node === next ? "0" : "-1"));
      next.focus();
    });
    box.addEventListener("focusin", (event) => {
      const all = items();
      if (all.includes(event.target)) all.forEach((node) => node.setAttribute("tabindex", node === event.target ? "0" : "-1"));
    });
  }
  const all = items(), held = all.filter((node) => node.getAttribute("tabindex") === "0");
  all.forEach((node) => { if (node !== held[0]) node.setAttribute("tabindex", "-1"); });
  settle();
}

/** Numbers that `packed` wrote: base64 of zigzag LEB128. */
function unpack(text, n) {
  const bytes = atob(text), out = new Float64Array(n);
  let at = 0, value = 0, scale = 1;
  for (let i = 0; i < bytes.length && at < n; i++) {
    const byte = bytes.charCodeAt(i);
    value += (byte & 127) * scale;
    if (byte & 128) scale *= 128;
    else { out[at++] = value % 2 ? -(value + 1) / 2 : value / 2; value = 0; scale = 1; }
  }
  return out;
}

function summed(values, rows, ticks) {
  for (let row = 0; row < rows; row++) for (let t = 1; t < ticks; t++) values[row * ticks + t] += values[row * ticks + t - 1];
  return values;
}

/** Frames as the server sent them, made ready to draw: flows by lane and week, their means, levels, events by subject. */
function ready(frames) {
  const T = frames.ticks, L = frames.lanes.length, N = frames.nodes.length;
  const world = { ...frames, T, flow: unpack(frames.flow, L * T), level: summed(unpack(frames.level, N * T), N, T),
    waiting: summed(unpack(frames.waiting, N * T), N, T) };
  world.mean = new Float32Array(L * T);
  for (let lane = 0; lane < L; lane++) {
    let sum = 0;
    for (let t = 0; t < T; t++) {
      sum += world.flow[lane * T + t] - (t >= MEAN_WEEKS ? world.flow[lane * T + t - MEAN_WEEKS] : 0);
      world.mean[lane * T + t] = sum / Math.min(t + 1, MEAN_WEEKS);
    }
  }
  world.came = new Float64Array(N * T);
  frames.lanes.forEach((lane, row) => {
    if (lane.kind === "rented" || lane.kind === "input") return;
    let sum = 0;
    for (let t = 0; t < T; t++) { sum += world.flow[row * T + t] - (t >= 13 ? world.flow[row * T + t - 13] : 0); world.came[lane.to * T + t] += sum; }
  });
  world.key = frames.lanes.map((lane) => frames.nodes[lane.from].id + ">" + frames.nodes[lane.to].id + ">" + lane.kind);
  world.row = new Map(world.key.map((key, row) => [key, row]));
  world.peak = frames.nodes.map((_, node) => { let top = 0; for (let t = 0; t < T; t++) top = Math.max(top, world.level[node * T + t]); return top; });
  world.node = new Map();
  frames.nodes.forEach((node, row) => { world.node.set(node.id, row); node.members.forEach((member) => world.node.set(member, row)); });
  world.log = log(frames.events);
  world.rule = new Map(frames.rules.map((rule) => [rule.id, rule]));
  return world;
}

function log(events) {
  const word = (column) => (row) => events.words[events[column][row]];
  const get = { kind: word("kind"), actor: word("actor"), chip: word("chip"), other: word("other"), rule: word("rule"), unit: word("unit"), text: word("text") };
  return events.tick.map((tick, row) => ({ row, tick, cause: events.cause[row], quantity: events.quantity[row], kind: get.kind(row),
    actor: get.actor(row), chip: get.chip(row), other: get.other(row), rule: get.rule(row), unit: get.unit(row), text: get.text(row) }));
}

function exact(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits || 0, maximumFractionDigits: digits || 0 });
}

function short(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  for (const [cut, mark] of [[1e12, "tn"], [1e9, "bn"], [1e6, "m"], [1e4, "k"]]) {
    if (size >= cut) { const v = value / (mark === "k" ? 1e3 : cut); return exact(v, Math.abs(v) < 100 ? 1 : 0) + " " + mark; }
  }
  return exact(value, digits);
}

const signed = (value, write) => (value > 0 ? "+" : value < 0 ? "−" : "±") + write(Math.abs(value));
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dateOf(start, tick) {
  const day = new Date(start + "T00:00:00Z");
  day.setUTCDate(day.getUTCDate() + 7 * Math.round(tick));
  return day;
}
const isoOf = (start, tick) => dateOf(start, tick).toISOString().slice(0, 10);
function dayOf(start, tick) {
  const day = dateOf(start, tick);
  return day.getUTCDate() + " " + MONTHS[day.getUTCMonth()] + " " + day.getUTCFullYear();
}
const tickOf = (start, iso) => Math.floor((Date.parse(iso + "T00:00:00Z") - Date.parse(start + "T00:00:00Z")) / 6048e5);

const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

function save(name, type, body) {
  const link = h("a", { href: URL.createObjectURL(new Blob([body], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 4000);
}

/** A CSV cell that no spreadsheet takes for a formula. */
function cell(value) {
  if (typeof value === "number") return String(value);
  let text = value === null || value === undefined ? "" : String(value);
  if (/^[=+\-@\t\r|%]/.test(text)) text = "'" + text;
  return /[",\n\r;]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}
