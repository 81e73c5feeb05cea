/* Lessons: predict, try, check, discuss; steps tick off by what was done. In a class the teacher asks, collects and shows. */

class Lessons {
  constructor(texts, act, lessons) {
    this.t = texts; this.act = act; this.all = lessons; this.done = new Set(); this.answers = {}; this.current = null; this.room = null;
    this.box = h("div", { class: "lessons" });
    this.draw();
  }

  open(id, quiet) {
    this.current = this.all.find((one) => one.id === id) || null;
    if (this.current && !quiet) this.act.preset({ scenario: this.current.scenario, changes: {}, title: this.current.title });
    this.draw();
  }

  /** Something was done: tick the steps that waited for it. */
  did(what, detail) {
    if (!this.current) return;
    let fresh = false;
    this.current.steps.forEach((step, i) => step.todo.forEach((todo, j) => {
      const key = this.current.id + i + "." + j;
      if (todo.when && !this.done.has(key) && todo.when.some((w) => w.do === what && (!w.with || String(detail || "").includes(w.with)))) { this.done.add(key); fresh = true; this.act.say(this.t.ticked + ": " + todo.text); }
    }));
    if (fresh) this.draw();
  }

  draw() { redrawn(this.box, () => this.shape(), "h2"); }

  shape() {
    const t = this.t;
    if (!this.current) {
      clear(this.box, this.classroom(), h("h2", { tabindex: "-1" }, t.lessons), h("ul", { class: "contents" }, this.all.map((lesson) => h("li", {}, h("button", { type: "button", class: "lesson", "data-testid": "lesson", onclick: () => this.open(lesson.id) }, h("b", {}, lesson.title), h("span", {}, lesson.about), h("small", {}, lesson.minutes + " " + t.minutes))))));
      roving(this.box.querySelector(".contents"), "button.lesson");
      return;
    }
    const lesson = this.current;
    clear(this.box, this.classroom(), h("p", {}, h("button", { type: "button", class: "link", onclick: () => this.open(null) }, "← " + t.lessons), " ", h("button", { type: "button", class: "link", "data-testid": "handout", onclick: () => this.print() }, t.handout)), h("h2", { tabindex: "-1" }, lesson.title), h("p", { class: "hint" }, lesson.about),
      lesson.steps.map((step, i) => h("section", { class: "step " + step.kind }, h("h3", {}, h("span", { class: "number" }, i + 1), t["step_" + step.kind], " ", h("span", {}, step.title)), html(step.html), this.question(step, i), this.todo(step, i))), this.teachersPage());
  }

  /** Answer, timing and debrief: where there is no class, or for its teacher. */
  teachersPage() {
    const t = this.t, id = this.current.id;
    if (this.room && this.room.code && !this.room.teacher) return null;
    this.notes = this.notes || {};
    const box = h("details", { class: "maker notes", open: this.reading === id, ontoggle: () => { this.reading = box.open ? id : null; if (box.open && this.notes[id] === undefined) this.act.ask("notes", { lesson: id }); } }, h("summary", { "data-testid": "notes", "data-key": "notes" }, t.teachers_page), this.notes[id] ? [html(this.notes[id]), h("button", { type: "button", class: "quiet", onclick: () => this.sheet(t.teachers_page, html(this.notes[id])) }, t.print)] : null);
    return box;
  }

  noted(said) { this.notes = { ...this.notes, [said.lesson]: said.html }; this.draw(); }

  todo(step, i) {
    return step.todo.length ? h("ul", { class: "todo" }, step.todo.map((todo, j) => { const key = this.current.id + i + "." + j, done = this.done.has(key); return h("li", { class: done ? "done" : "" }, h("label", {}, h("input", { type: "checkbox", checked: done, "data-testid": "todo", "data-key": key, onchange: (event) => { event.target.checked ? this.done.add(key) : this.done.delete(key); this.draw(); } }), todo.text)); })) : null;
  }

  question(step, i) {
    if (!step.options.length) return null;
    const name = "q_" + this.current.id + i, chosen = this.answers[name];
    return h("fieldset", { class: "question" }, h("legend", {}, step.question), step.options.map((option, j) => h("label", {}, h("input", { type: "radio", name, "data-key": name + j, value: j, checked: chosen === j, onchange: () => { this.answers[name] = j; this.did("predict"); if (this.room && this.room.code) this.act.ask("predict", { question: name, choice: j }); } }), option)), this.histogram(name, step.options));
  }

  histogram(name, options) {
    const shown = this.room && this.room.revealed && this.room.counts && this.room.counts[name] && this.room.counts[name].slice(0, options.length);
    if (!shown) return null;
    const most = Math.max(1, ...shown), all = shown.reduce((a, b) => a + b, 0);
    return h("div", { class: "histogram", role: "img", "aria-label": options.map((o, i) => o + ": " + (shown[i] || 0)).join("; ") }, options.map((option, i) => h("div", {}, h("span", {}, option), h("i", { style: { width: 100 * (shown[i] || 0) / most * 0.5 + "%" } }), h("b", {}, (shown[i] || 0) + " / " + all))));
  }

  /** What the room's teacher says; true where a lesson was set anew. A tab follows each setting once, so that a reload keeps the reader's own world. */
  seen(room) {
    this.room = room;
    const turn = room && room.turn && !room.teacher ? room.code + " " + room.turn : null, fresh = turn !== null && turn !== sessionStorage.getItem("chokepoint-turn");
    if (fresh) {
      sessionStorage.setItem("chokepoint-turn", turn);
      if (room.scenario) this.act.preset({ scenario: room.scenario, changes: room.changes || {}, title: this.t.set_by_teacher, taught: true });
      this.current = this.all.find((one) => one.id === room.lesson) || this.current;
    }
    this.draw();
    return fresh && Boolean(room.lesson);
  }

  classroom() {
    const room = this.room, t = this.t, act = this.act;
    if (!room) return null;
    if (!room.code) return room.gone ? h("p", { class: "fault" }, t.room_gone) : null;
    if (!room.teacher) return h("div", { class: "room" }, h("b", {}, t.room + " " + room.code), room.paused ? h("p", { class: "hint" }, t.paused_by_teacher) : null);
    const steps = this.current ? this.current.steps.map((step, i) => [step, "q_" + this.current.id + i]).filter(([step]) => step.options.length) : [];
    return h("div", { class: "room teacher", "data-testid": "teacher" }, h("div", { class: "join" }, h("img", { src: room.qr, alt: t.qr, width: 116, height: 116 }), h("div", {}, h("span", { class: "hint" }, t.room), h("b", { class: "code", "data-testid": "code" }, room.code), h("span", { class: "url" }, room.join), h("span", { class: "hint" }, t.joined.replace("{n}", room.joined)))),
      h("div", { class: "inline" }, h("button", { type: "button", "data-testid": "set_all", "data-key": "set_all", onclick: () => act.ask("teach", { act: "set", lesson: this.current ? this.current.id : "", scenario: act.scenario(), changes: act.changes() }) }, t.set_all), h("button", { type: "button", "data-testid": "pause_all", "data-key": "pause_all", "aria-pressed": String(room.paused), onclick: () => act.ask("teach", { act: room.paused ? "resume" : "pause" }) }, room.paused ? t.resume_all : t.pause_all), h("button", { type: "button", "data-testid": "reveal", "data-key": "reveal", "aria-pressed": String(room.revealed), onclick: () => act.ask("teach", { act: room.revealed ? "hide" : "reveal" }) }, room.revealed ? t.hide : t.reveal), h("button", { type: "button", "data-key": "clear", onclick: () => act.ask("teach", { act: "clear" }) }, t.clear)),
      steps.map(([step, name]) => { const counts = (room.counts || {})[name] || []; return h("div", { class: "live" }, h("span", { class: "hint" }, step.question), h("div", { class: "histogram" }, step.options.map((option, i) => h("div", {}, h("span", {}, option), h("i", { style: { width: 50 * (counts[i] || 0) / Math.max(1, ...counts) + "%" } }), h("b", {}, counts[i] || 0))))); }));
  }

  /** A page of its own, for paper. */
  sheet(title, body) {
    const page = window.open("", "_blank");
    if (!page) return;
    page.document.title = title;
    page.document.documentElement.lang = document.documentElement.lang;
    put(page.document.body, [h("style", {}, "body{font:12pt/1.5 Georgia,serif;max-width:42rem;margin:2rem auto;color:#111}h1{font-size:20pt}li{margin:.3rem 0}.rule{border-bottom:1px solid #999;height:2.2em}"), body]);
    page.print();
  }

  print() {
    const lesson = this.current;
    this.sheet(lesson.title, [h("h1", {}, lesson.title), h("p", {}, lesson.about), lesson.steps.map((step, i) => [h("h2", {}, i + 1 + ". " + this.t["step_" + step.kind] + " " + step.title), html(step.html), step.question ? [h("p", {}, h("b", {}, step.question)), h("ul", { style: { listStyle: "none" } }, step.options.map((o) => h("li", {}, "☐ " + o)))] : null, step.todo.length ? h("ul", { style: { listStyle: "none" } }, step.todo.map((todo) => h("li", {}, "☐ " + todo.text))) : null, h("div", { class: "rule" }), h("div", { class: "rule" })])]);
  }
}

/** Text of our own lesson files, made into HTML on the server with raw HTML refused. */
function html(text) {
  const box = h("div", { class: "prose" });
  box.innerHTML = text;
  return box;
}
