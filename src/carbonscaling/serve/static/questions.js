// Questions beside the plan: when to work, by when it is done, serving the model, a whole project; each answered by its report.
import { post } from "./api.js";
import { by, h, scroller } from "./dom.js";
import { number } from "./words.js";

const QUESTIONS = [
  { path: "schedule", title: "When to work, pause and move", table: "timetable", hours: true, fields: [["within_days", "Days until the deadline"], ["released", "Pauses give the devices back"], ["restart_hours", "Hours to start again"], ["least", "Least"], ["under_usd", "Most money, USD"], ["windows", "Random windows beside it"]] },
  { path: "chances", title: "By when, with what chance", table: "chances", fields: [["write_s", "Seconds to write a checkpoint"], ["restart_s", "Seconds to start again"], ["within_days", "Limit: days"], ["under_tco2e", "Limit: tCO₂e"], ["mtbf_device_hours", "Device-hours between interruptions"]] },
  { path: "inference", title: "Serve the model", serves: true, fields: [["requests_per_day", "Requests a day"], ["prompt", "Tokens of a prompt"], ["output", "Tokens of an answer"], ["ttft_s", "Most seconds to the first token"], ["tpot_s", "Most seconds a token"], ["engine", "Engine"], ["weights", "Weights"]] },
  { path: "project", title: "A whole project", projects: true, fields: [["region", "In another place"], ["device", "On another device"], ["hours", "Hours that are"]] },
];
const SERVED = ["device", "region", "pue", "carbon_intensity_g_per_kwh", "price_usd_per_device_hour"];
const REST = ["The run", "What was asked", "In all"];
let run = null;
let fail = () => {};

const id = (q, name) => `${q.path}-${name}`;
const note = (text) => h("p", { class: "note" }, text);

function control(q, [name, label], known) {
  const about = { id: id(q, name), name, title: known.meaning, "aria-describedby": id(q, `${name}-about`) };
  const choices = known.kind === "choice" ? known.choices : known.kind === "bool" ? [true, false] : null;
  const say = (value) => ({ true: "yes", false: "no" })[value] ?? String(value ?? "");
  const input = choices
    ? h("select", about, h("option", { value: "" }, say(known.default) || "its own"), choices.filter((c) => c !== known.default).map((c) => h("option", { value: String(c) }, say(c))))
    : h("input", { ...about, type: "text", inputmode: known.kind === "text" ? null : "decimal", spellcheck: "false", placeholder: known.default ?? "" });
  return h("div", { class: "field" }, h("label", { for: about.id, title: known.meaning }, label), input, h("p", { class: "hidden", id: about["aria-describedby"] }, known.meaning));
}

/** Two more controls of a timetable: the file of hours, and which of its columns. */
function hours(q) {
  const column = h("select", { id: id(q, "column"), "aria-label": "Column of the hours", hidden: true });
  const file = h("input", { id: id(q, "file"), type: "file", accept: ".csv,text/csv" });
  file.addEventListener("change", async () => {
    q.text = file.files[0] ? await file.files[0].text() : "";
    const names = q.text.split(/\r?\n/, 1)[0].split(",").slice(1).map((name) => name.trim());
    column.hidden = names.length < 2;
    column.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
  });
  return h("div", { class: "field" }, h("label", { for: file.id }, "Hours of the grid (CSV: time, g_per_kwh or a column a place)"), file, column);
}

function values(q, box, kinds) {
  const found = {};
  for (const [name] of q.fields) {
    const text = box.querySelector(`[name="${name}"]`).value.trim();
    const { kind } = kinds[name];
    if (!text) continue;
    const value = kind === "bool" ? text === "true" : kind === "whole" || kind === "number" ? number(text) : text;
    if (value === undefined) throw { error: { problem: "not a number", key: name, remedy: "write a number such as 15.6T, 2e12 or 16,384" } };
    found[name] = value;
  }
  return found;
}

function body(q, box, kinds) {
  const own = values(q, box, kinds);
  if (q.projects) return { ...own, project: by(id(q, "name")).value };
  const { scenario } = run;
  if (q.serves) {
    if (typeof scenario.model !== "string") throw { error: { problem: "a serving is of a model that the catalogue has", remedy: "choose one" } };
    return { ...Object.fromEntries(SERVED.filter((name) => scenario[name] !== undefined).map((name) => [name, scenario[name]])), model: scenario.model, ...own };
  }
  const asked = { ...scenario, [q.table]: own };
  if (!q.hours) return asked;
  if (!q.text) throw { error: { problem: "a timetable needs the hours of a grid", remedy: "choose a CSV file with the columns time and g_per_kwh" } };
  const { value, hidden } = by(id(q, "column"));
  return { ...asked, hourly: hidden ? "hours.csv" : `hours.csv:${value}`, files: { "hours.csv": q.text } };
}

/** The report's own paragraphs and tables, as far as they are the answer; it comes from this service and holds no script. */
function shown(text) {
  const plain = text.replace(/<style>[^]*?<\/style>/, "");
  const parts = [...new DOMParser().parseFromString(plain, "text/html").querySelector("h1").parentElement.children].slice(2);
  const end = parts.findIndex((part) => part.tagName === "H2" && REST.includes(part.textContent));
  return parts.slice(0, end < 0 ? undefined : end).map((part) => {
    if (part.tagName === "TABLE") return scroller("Answer", document.adoptNode(part));
    return part.tagName === "H2" ? h("h4", null, part.textContent) : document.adoptNode(part);
  });
}

function save(q, text) {
  const anchor = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/html" })), download: `${q.path}.html` });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

async function answer(q, box, kinds) {
  const result = box.querySelector(".result");
  for (const field of box.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  result.replaceChildren(note("…"));
  const asked = run;
  try {
    const text = await post(`${q.path}/html`, body(q, box, kinds));
    if (!q.projects && asked !== run) return;
    result.replaceChildren(...shown(text), h("button", { type: "button", class: "save", onclick: () => save(q, text) }, "Save report"));
  } catch (error) {
    const { problem, key, remedy } = error.error || {};
    if (!problem) { fail(error); return; }
    const name = String(key || "").split(".").pop();
    box.querySelector(`[name="${name}"]`)?.setAttribute("aria-invalid", "true");
    result.replaceChildren(note(`${key ? `${key}: ` : ""}${problem}${remedy ? `. What would help: ${remedy}` : ""}.`));
  }
}

/** Build the questions from what the catalogue says of their fields. */
export function buildQuestions(catalogue, failed) {
  fail = failed;
  by("questions").replaceChildren(...QUESTIONS.map((q) => {
    const kinds = catalogue.questions[q.path];
    const names = q.projects && h("div", { class: "field" }, h("label", { for: id(q, "name") }, "Project"), h("select", { id: id(q, "name") }, catalogue.projects.map((name) => h("option", { value: name }, name))));
    const box = h("details", { class: "fields", id: `ask-${q.path}` }, h("summary", null, q.title),
      h("div", { class: "asking" }, names, q.hours && hours(q), q.fields.map((field) => control(q, field, kinds[field[0]]))),
      h("button", { type: "button", class: "go" }, "Answer"), h("div", { class: "result", role: "status" }));
    box.querySelector(".go").addEventListener("click", () => answer(q, box, kinds));
    return box;
  }));
}

/** A new answer: what was asked about the last one goes. */
export function forgetQuestions({ scenario, answer: found }) {
  by("more").hidden = !found.feasible;
  if (run?.scenario === scenario) return;
  run = { scenario };
  for (const q of QUESTIONS) if (!q.projects) by(`ask-${q.path}`).querySelector(".result").replaceChildren();
}
