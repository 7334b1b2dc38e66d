"use strict";
// Texts from the run are only ever put into the page as text nodes, never as markup.

// Characters that turn the direction of text, or are invisible, are named instead of obeyed.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const visible = (text) =>
  text.replace(HIDDEN, (c) => `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

function element(tag, { text, kind, children = [] } = {}) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = visible(String(text));
  made.append(...children);
  return made;
}

// --- light and dark ---

const root = document.documentElement;
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

// --- figures ---

const FIGURES = JSON.parse(document.getElementById("figures").textContent);
const ON_DARK = { "#0072b2": "#5aa9e6", "#8c6bb1": "#b79ad6", "#d55e00": "#ff8c42", "#009e73": "#3fc79a" };

function draw(place) {
  const { data, layout } = structuredClone(FIGURES[place.dataset.figure]);
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const ink = (hex) => (isDark() && ON_DARK[hex]) || hex;
  for (const trace of data) {
    trace.marker.color = ink(trace.marker.color);
    if (trace.line) trace.line.color = ink(trace.line.color);
    if (trace.error_y) trace.error_y.color = trace.marker.color;
  }
  for (const axis of [layout.xaxis, layout.yaxis]) {
    Object.assign(axis, { gridcolor: color("--grid"), zeroline: false, linecolor: color("--line"), color: color("--text") });
  }
  for (const shape of layout.shapes ?? []) Object.assign(shape.line, { color: color("--soft"), width: 1.5 });
  Object.assign(layout, { paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { color: color("--text"), size: 12 },
    modebar: { bgcolor: "transparent", color: color("--line"), activecolor: color("--accent") } });
  // Below the title of the x axis, however many lines the legend has.
  Object.assign(layout.legend, { yref: "container", yanchor: "bottom", y: 0 });
  // Without the button that uploads the chart: the page sends nothing anywhere.
  const options = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  return Plotly.react(place, data, layout, options);
}

const drawAll = () => document.querySelectorAll(".plot").forEach(draw);
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  drawAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
for (const chooser of document.querySelectorAll(".choose")) {
  chooser.addEventListener("change", () => {
    const place = chooser.closest("section").querySelector(".plot");
    place.dataset.figure = chooser.value;
    draw(place);
  });
}
let themeBeforePrint;
addEventListener("beforeprint", () => {
  themeBeforePrint = root.dataset.theme;
  root.dataset.theme = "light";
  drawAll();
  for (const place of document.querySelectorAll(".plot")) Plotly.relayout(place, { width: 330, height: 240 });
});
addEventListener("afterprint", () => {
  if (themeBeforePrint) root.dataset.theme = themeBeforePrint;
  else delete root.dataset.theme;
  drawAll();
});
drawAll();

// --- examples ---

const PER_PAGE = 25;
const VERDICTS = { 0: ["wrong", "✗"], 1: ["right", "✓"], 2: ["unread", "–"] };
const mark = (verdict) => element("span", { text: VERDICTS[verdict][1], kind: VERDICTS[verdict][0] });

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function rightOf(students, count) {
  const right = new Uint16Array(count);
  for (const { verdicts } of students) for (let at = 0; at < count; at++) right[at] += verdicts[at] === "1";
  return right;
}

class Browser {
  constructor(section, found) {
    Object.assign(this, { section, found, page: 0, rows: [] });
    const { ids, inputs, golds, teacher, students } = found;
    this.right = rightOf(students, ids.length);
    this.haystack = ids.map((id, at) =>
      [id, inputs[at], golds[at], teacher.label[at], teacher.rationale[at]].join("\n").toLowerCase());
    this.form = section.querySelector("form");
    for (const name of ["student1", "student2"]) {
      students.forEach((student, at) => this.form[name].append(new Option(visible(student.name), String(at))));
    }
    if (students.length > 1) this.form.student2.value = "1";
    this.form.addEventListener("input", () => this.filter());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    section.querySelector("[name=previous]").addEventListener("click", () => this.turn(-1));
    section.querySelector("[name=next]").addEventListener("click", () => this.turn(1));
    this.filter();
  }

  filter() {
    const { students, teacher, ids } = this.found;
    const value = (name) => this.form[name].value;
    const words = value("search").toLowerCase();
    const wanted = [[teacher.verdicts, value("teacher")]];
    for (const n of [1, 2]) wanted.push([students[Number(value(`student${n}`))].verdicts, value(`verdict${n}`)]);
    const strict = wanted.filter(([, verdict]) => verdict);
    const together = { "": () => true, all: (r) => r === students.length, none: (r) => r === 0, some: (r) => r > 0 && r < students.length }[value("students")];
    this.rows = [];
    for (let at = 0; at < ids.length; at++) {
      if (!together(this.right[at])) continue;
      if (!strict.every(([verdicts, verdict]) => verdicts[at] === verdict)) continue;
      if (words && !this.haystack[at].includes(words)) continue;
      this.rows.push(at);
    }
    this.page = 0;
    this.show();
  }

  turn(by) {
    this.page = Math.min(Math.max(this.page + by, 0), Math.max(Math.ceil(this.rows.length / PER_PAGE) - 1, 0));
    this.show();
  }

  show() {
    const pages = Math.max(Math.ceil(this.rows.length / PER_PAGE), 1);
    const total = this.found.ids.length.toLocaleString("en");
    this.section.querySelector("output").textContent =
      `${this.rows.length.toLocaleString("en")} of ${total}, page ${this.page + 1} of ${pages}`;
    const shown = this.rows.slice(this.page * PER_PAGE, (this.page + 1) * PER_PAGE);
    this.section.querySelector(".rows").replaceChildren(...shown.map((at) => this.row(at)));
  }

  row(at) {
    const { ids, inputs, golds, teacher, students } = this.found;
    const counts = element("span", { text: ` ${this.right[at]} of ${students.length} students right, gold: ${golds[at] || "none"}` });
    const line = element("span", { children: [document.createTextNode("teacher "), mark(teacher.verdicts[at]), counts] });
    const summary = element("summary", { children: [
      line, element("span", { text: inputs[at] || ids[at], kind: "brief" }), element("span", { text: ids[at], kind: "id" })] });
    const details = element("details", { children: [summary] });
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(this.body(at));
    });
    return element("li", { children: [details] });
  }

  body(at) {
    const { inputs, golds, teacher, students, words } = this.found;
    const facts = [["input", inputs[at]], ["gold", golds[at] || "none"], ["teacher's label", teacher.label[at] || "none"],
      ["teacher's rationale", teacher.rationale[at] || "none"], ["outcome", teacher.outcome[at] || "not asked"]];
    const list = element("dl", { children: facts.flatMap(([name, text]) =>
      [element("dt", { text: name }), element("dd", { text, kind: "text" })]) });
    const rows = students.map((student) => element("tr", { children: [
      element("td", { children: [mark(student.verdicts[at])] }), element("td", { text: student.name }),
      element("td", { text: words[student.answers[at]] })] }));
    return element("div", { children: [list, element("div", { kind: "wide", children: [element("table", { children: rows })] })] });
  }
}

for (const section of document.querySelectorAll(".examples")) {
  const rows = section.querySelector(".rows");
  if (typeof DecompressionStream === "undefined") {
    rows.textContent = "This browser cannot unpack the examples; one of 2023 or later can.";
  } else {
    unpack(document.getElementById(section.dataset.examples).textContent).then((found) => {
      new Browser(section, found);
      section.dataset.ready = "true";
    });
  }
}
