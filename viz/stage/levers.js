/* Levers: every rule of the scenario and every field of it, from the schema; a decree of one's own; what was changed, and back. */

class Levers {
  constructor(texts, act) {
    this.t = texts; this.act = act; this.open = null; this.find = ""; this.faults = {};
    this.box = h("div", { class: "levers" });
  }

  set(levers) { this.levers = levers; this.unfolded = new Set(levers.groups.slice(0, 2).map((group) => group.title)); this.controls = new Map(); levers.groups.forEach((g) => g.items.forEach((i) => i.controls.forEach((c) => this.controls.set(c.path, c)))); this.draw(); }

  refuse(faults) { this.faults = {}; faults.forEach((fault) => { this.faults[fault.path || ""] = fault.said; }); this.draw(); }

  changedItems() {
    const changes = this.act.changes(), found = new Set();
    this.levers.groups.forEach((g) => g.items.forEach((i) => { if (i.controls.some((c) => c.path in changes)) found.add(i.id); }));
    return found;
  }

  draw() { redrawn(this.box, () => this.shape(), "[data-key=undo], summary"); }

  shape() {
    const t = this.t, changes = this.act.changes(), moved = this.changedItems();
    const made = Object.keys(changes).filter((path) => path.startsWith("rules.") && typeof changes[path] === "object" && changes[path] !== null);
    const count = Object.keys(changes).length;
    const search = h("input", { type: "search", placeholder: t.find_lever, "aria-label": t.find_lever, "data-key": "search", value: this.find, oninput: (event) => { this.find = event.target.value; this.rows(); } });
    search.value = this.find;
    this.list = h("div", { class: "list" });
    clear(this.box, this.presets(),
      this.faults[""] ? h("p", { class: "fault", role: "alert" }, this.faults[""]) : null,
      count ? h("div", { class: "changed" }, h("div", { class: "inline" }, h("b", {}, t.changed.replace("{n}", count)), h("button", { type: "button", class: "quiet", "data-testid": "undo", "data-key": "undo", onclick: () => this.act.undo() }, "↶ " + t.undo), h("button", { type: "button", class: "quiet", "data-testid": "reset_all", "data-key": "reset_all", onclick: () => this.act.change({}, t.all_reset) }, t.reset_all)),
        h("ul", {}, Object.entries(changes).map(([path, value]) => h("li", {}, h("span", {}, this.name(path), " → ", h("b", {}, this.write(path, value))), h("button", { type: "button", class: "quiet", "data-testid": "reset_one", "aria-label": t.reset + " " + this.name(path), onclick: () => { const next = { ...changes }; delete next[path]; this.act.change(next, this.name(path) + ": " + t.reset); } }, "×"))))) : h("p", { class: "hint" }, this.act.against() ? t.as_shipped : t.nothing_changed),
      search, this.list, this.maker(made));
    this.moved = moved;
    this.rows();
  }

  presets() {
    const list = this.levers.presets || [];
    if (!list.length) return null;
    const pick = h("select", { "data-testid": "preset", "data-key": "preset", "aria-label": this.t.presets, onchange: () => { if (pick.value) this.act.preset(list[Number(pick.value)]); } }, h("option", { value: "" }, this.t.pick_preset), list.map((one, i) => h("option", { value: i }, one.title)));
    return h("label", { class: "preset" }, pick);
  }

  name(path) {
    const control = this.controls.get(path);
    return control ? control.of + " · " + control.title : path.replace(/^(rules|levers)\./, "").replaceAll(/[_-]/g, " ");
  }

  write(path, value) {
    const control = this.controls.get(path);
    if (value !== null && typeof value === "object") return Array.isArray(value) ? value.join(", ") : this.t.own_rule;
    if (typeof value === "boolean") return value ? this.t.on : this.t.off;
    return String(value) + (control && control.unit ? " " + control.unit : "");
  }

  rows() {
    const wanted = this.find.trim().toLowerCase(), match = (item) => !wanted || (item.title + " " + item.id + " " + item.controls.map((c) => c.title).join(" ")).toLowerCase().includes(wanted);
    clear(this.list, this.levers.groups.map((group) => {
      const items = group.items.filter(match);
      const open = wanted !== "" || this.unfolded.has(group.title) || items.some((item) => item.id === this.open || this.moved.has(item.id));
      const box = items.length ? h("details", { class: "group", open }, h("summary", { "data-testid": "group" }, group.title, h("small", {}, " " + items.length)), items.map((item) => this.row(item))) : null;
      if (box) box.addEventListener("toggle", () => { if (box.open) this.unfolded.add(group.title); else this.unfolded.delete(group.title); this.stops(); });
      return box;
    }));
    this.stops();
  }

  stops() { this.list.querySelectorAll("[tabindex]").forEach((node) => node.removeAttribute("tabindex")); roving(this.list, "summary, details[open] > .lever > button.item"); }

  row(item) {
    const open = this.open === item.id, changes = this.act.changes(), on = item.switch ? (item.switch in changes ? changes[item.switch] : this.controls.get(item.switch).value) : null;
    return h("div", { class: "lever" + (open ? " open" : "") + (this.moved.has(item.id) ? " moved" : "") },
      h("button", { type: "button", class: "item", "data-testid": "lever", "data-id": item.id, "data-key": "item " + item.id, "aria-expanded": String(open), onclick: () => { this.open = open ? null : item.id; this.rows(); const again = this.list.querySelector(`[data-id="${CSS.escape(item.id)}"]`); if (again) again.focus(); } },
        h("span", { class: "state" + (on === false ? " off" : "") , "aria-hidden": "true" }, on === null ? "◇" : on ? "●" : "○"), h("span", { class: "what" }, item.title, h("small", {}, item.note)), this.moved.has(item.id) ? h("span", { class: "badge" }, this.t.changed_mark) : null),
      open ? h("div", { class: "controls" }, item.summary ? h("p", { class: "hint" }, item.summary) : null, item.controls.map((control) => this.control(control)), item.source ? h("p", { class: "hint" }, this.t.source + ": ", source(item.source)) : null) : null);
  }

  control(control) {
    const t = this.t, changes = this.act.changes(), changed = control.path in changes, value = changed ? changes[control.path] : control.value, fault = this.faults[control.path], id = "c_" + control.path.replace(/[^A-Za-z0-9]/g, "_");
    const send = (next, quiet) => { const all = { ...this.act.changes() }; if (JSON.stringify(next) === JSON.stringify(control.value)) delete all[control.path]; else all[control.path] = next; this.act.change(all, this.name(control.path) + " → " + this.write(control.path, next), quiet); };
    const common = { id, "data-testid": "control", "data-path": control.path, "data-key": control.path, "aria-invalid": fault ? "true" : null, "aria-describedby": id + "_help" };
    let input, shown = null;
    if (control.kind === "switch") input = h("input", { ...common, type: "checkbox", role: "switch", checked: value === true, onchange: () => send(input.checked) });
    else if (control.kind === "choice") { input = h("select", { ...common, onchange: () => send(input.value) }, control.options.map((option) => h("option", { value: option, selected: option === value }, String(option).replaceAll("_", " ")))); }
    else if (control.kind === "date") { input = h("input", { ...common, type: "date", min: control.min, max: control.max, onchange: () => send(input.value || null) }); input.value = value || ""; }
    else if (control.kind === "number") {
      const wide = control.min !== null && control.max !== null, write = (n) => (n === null || n === "" ? t.none : n + (control.unit ? " " + control.unit : ""));
      shown = h("output", { for: id }, write(value));
      const field = h("input", { ...common, type: wide ? "range" : "number", min: control.min, max: control.max, step: control.step || "any",
        oninput: () => { shown.textContent = write(field.value); this.act.soon(() => send(field.value === "" ? null : Number(field.value), true)); }, onchange: () => send(field.value === "" ? null : Number(field.value)) });
      field.value = value;
      input = wide && control.value !== null ? h("span", { class: "slide" }, field, h("i", { class: "default", title: t.default + " " + control.value, style: { left: `calc(${(control.value - control.min) / (control.max - control.min || 1)} * (100% - 16px) + 8px)` } })) : field;
    } else { input = h("input", { ...common, type: "text", onchange: () => send(control.kind === "words" ? input.value.split(",").map((word) => word.trim()).filter(Boolean) : input.value) }); input.value = Array.isArray(value) ? value.join(", ") : value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : value; }
    return h("div", { class: "control " + control.kind + (changed ? " moved" : "") }, h("label", { for: id }, control.title, shown, changed ? h("span", { class: "was" }, t.was + " " + this.write(control.path, control.value)) : null), input,
      h("p", { class: "hint", id: id + "_help" }, control.help || ""), fault ? h("p", { class: "fault", role: "alert" }, fault) : null);
  }

  /** An effect of a rule being made, in a line. */
  title(part) { return [part.lever, ...Object.entries(part).filter(([key]) => key !== "lever").map(([key, value]) => key + " " + (Array.isArray(value) ? value.join(", ") : value))].join(" · ").replaceAll("_", " "); }

  /** Add a rule: one or more effects, each any lever of the rulebook with its own fields; who signs; from when, until when. */
  maker(made) {
    const t = this.t, kinds = this.levers.kinds || [];
    if (!kinds.length) return null;
    const box = h("details", { class: "maker", open: this.making === true, ontoggle: () => { this.making = box.open; today(); } }, h("summary", { "data-testid": "add_rule", "data-key": "maker" }, "+ " + t.add_rule));
    const pick = h("select", { "aria-label": t.lever_kind, "data-testid": "kind", onchange: () => { this.kind = pick.value; Object.keys(draft).forEach((key) => delete draft[key]); this.touched = true; form(); } }, kinds.map((kind) => h("option", { value: kind.name, selected: kind.name === this.kind }, kind.title)));
    const fields = h("div", {}), draft = this.draft = this.draft || {};
    const field = (control) => {
      const read = { number: (input) => (input.value === "" ? null : Number(input.value)), switch: (input) => input.checked, words: (input) => input.value.split(",").map((w) => w.trim()).filter(Boolean) }[control.kind] || ((input) => input.value);
      const input = control.kind === "choice" ? h("select", {}, control.required ? null : h("option", { value: "" }, "–"), control.options.map((o) => h("option", { value: o }, String(o).replaceAll("_", " ")))) : h("input", { type: { number: "number", switch: "checkbox", date: "date" }[control.kind] || "text", min: control.min, max: control.max, step: control.kind === "number" ? "any" : null, placeholder: control.kind === "words" ? t.comma : null });
      if (draft[control.name] !== undefined) { if (control.kind === "switch") input.checked = draft[control.name]; else input.value = draft[control.name]; }
      input.dataset.name = control.name;
      input.addEventListener("change", () => { this.touched = true; const value = read(input); if (value === null || value === "" || (Array.isArray(value) && !value.length)) delete draft[control.name]; else draft[control.name] = value; });
      return h("label", { class: "field" }, h("span", {}, control.title, control.unit ? " (" + control.unit + ")" : "", control.required ? " *" : ""), input, control.help ? h("small", { class: "hint" }, control.help) : null);
    };
    const form = () => { const kind = kinds.find((one) => one.name === (this.kind || kinds[0].name)); this.kind = kind.name; clear(fields, h("p", { class: "hint" }, kind.help), ["", "chips.", "where."].map((lead) => { const inside = kind.fields.filter((one) => (one.name.match(/^(chips|where)\./) || [""])[0] === lead).map(field); return lead ? h("details", { class: "scope" }, h("summary", { "data-testid": "scope " + lead.slice(0, -1) }, lead === "chips." ? t.which_chips : t.which_deals), inside) : inside; })); };
    form();
    const parts = this.parts = this.parts || [], listed = h("ul", { class: "parts", "data-testid": "parts" });
    const list = () => clear(listed, parts.map((part, at) => h("li", {}, this.title(part), " ", h("button", { type: "button", "aria-label": t.remove_effect + ": " + this.title(part), onclick: () => { parts.splice(at, 1); list(); } }, "×"))));
    list();
    const more = h("button", { type: "button", "data-testid": "another", onclick: () => { if (parts.length + 1 >= this.levers.most_effects) return; parts.push({ lever: this.kind, ...draft }); Object.keys(draft).forEach((key) => delete draft[key]); this.touched = false; list(); form(); } }, "+ " + t.another_effect);
    const until = h("input", { type: "date", "data-testid": "until" });
    const since = h("input", { type: "date", "data-testid": "since" }), by = h("select", {}, (this.levers.governments || []).map((g) => h("option", { value: g }, g)));
    const today = () => { if (!since.dataset.typed) since.value = isoOf(this.act.start(), this.act.tick()); };
    since.addEventListener("input", () => { since.dataset.typed = "yes"; });
    today();
    const fault = Object.entries(this.faults).find(([path]) => made.includes(path) || path.startsWith("rules.OWN"));
    put(box, [h("label", { class: "field" }, h("span", {}, t.lever_kind), pick), h("label", { class: "field" }, h("span", {}, t.signed_by), by), h("label", { class: "field" }, h("span", {}, t.since), since), h("label", { class: "field" }, h("span", {}, t.ends), until), fields, listed, more,
      fault ? h("p", { class: "fault", role: "alert" }, fault[1]) : null,
      h("button", { type: "button", class: "main", "data-testid": "sign", onclick: () => {
        const changes = { ...this.act.changes() };
        let n = 1;
        while ("rules.OWN_" + n in changes) n++;
        const last = { lever: this.kind, ...draft }, effects = parts.length && !this.touched ? [...parts] : [...parts, last];
        changes["rules.OWN_" + n] = { by: by.value, since: since.value, ...(until.value ? { until: until.value } : {}), effects };
        parts.length = 0;
        this.act.change(changes, t.own_rule + " " + effects.map((one) => one.lever.replaceAll("_", " ")).join(", "));
      } }, t.sign)]);
    return box;
  }
}

/** A source as a link where it is one, else as text. */
function source(text) {
  const link = /^(https?:\/\/\S+)/.exec(text);
  return link ? h("a", { href: link[1], target: "_blank", rel: "noopener noreferrer" }, link[1].replace(/^https?:\/\/(www\.)?/, "").slice(0, 60)) : text;
}
