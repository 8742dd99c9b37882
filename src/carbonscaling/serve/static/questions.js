// Questions beside the plan, asked and answered: each answer is its report's own paragraphs, pictures and tables.
import { post } from "./api.js";
import { id, QUESTIONS, values } from "./asked.js";
import { by, h, scroller } from "./dom.js";
import { count } from "./words.js";

const REST = ["The run", "What was asked", "In all", "Sources"];
let run = null;
let mixtures = new Set();
let fail = () => {};

const note = (text) => h("p", { class: "note" }, text);

function control(q, [name, label, placeholder], known) {
  const about = { id: id(q, name), name, title: known.meaning, "aria-describedby": id(q, `${name}-about`) };
  const choices = known.kind === "choice" ? known.choices : known.kind === "bool" ? [true, false] : null;
  const say = (value) => q.said?.[value] ?? ({ true: "yes", false: "no" })[value] ?? String(value ?? "");
  const plain = (value) => (value >= 1e6 ? count(value) : value);
  const usual = Array.isArray(known.default) ? known.default.map(plain).join("; ") : plain(known.default);
  const input = choices
    ? h("select", about, h("option", { value: "" }, say(known.default) || "choose"), choices.filter((c) => c !== known.default).map((c) => h("option", { value: String(c) }, say(c))))
    : h("input", { ...about, type: "text", inputmode: known.kind.startsWith("text") ? null : "decimal", spellcheck: "false", placeholder: placeholder ?? usual ?? "" });
  if (q.first?.[name]) input.value = q.first[name];
  return h("div", { class: "field" }, h("label", { for: about.id, title: known.meaning }, label), input, h("p", { class: "hidden", id: about["aria-describedby"] }, known.meaning));
}

/** A part of the report, fit for this page; it comes from this service and holds no script. */
function part(from) {
  if (from.tagName === "H2") return h("h4", null, from.textContent);
  const own = document.adoptNode(from);
  if (from.tagName === "TABLE") return scroller("Answer", own, own.rows[0].cells.length > 4 ? "" : "narrow");
  if (from.tagName !== "FIGURE") return own;
  return h("div", { class: "drawn scroll", tabindex: "0", role: "region", "aria-label": "Picture of the answer" }, own);
}

function shown(text) {
  const plain = text.replace(/<style>[^]*?<\/style>/, "");
  const parts = [...new DOMParser().parseFromString(plain, "text/html").querySelector("h1").parentElement.children].slice(2);
  const end = parts.findIndex((one) => one.tagName === "H2" && REST.includes(one.textContent));
  return parts.slice(0, end < 0 ? undefined : end).map(part);
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
    const text = await post(`${q.path}/html`, q.body(values(q, box, kinds), run, q));
    if (!q.alone && asked !== run) return;
    result.replaceChildren(...shown(text), h("button", { type: "button", class: "save", onclick: () => save(q, text) }, "Save report"));
  } catch (error) {
    const { problem, key, value, allowed, remedy } = error.error || {};
    if (!problem) { fail(error); return; }
    const name = String(key || "").split(".").pop();
    box.querySelector(`[name="${name}"]`)?.setAttribute("aria-invalid", "true");
    const about = [key && `${key}: `, problem, value !== undefined && value !== null && ` (${value})`, allowed && `; allowed: ${allowed}`];
    result.replaceChildren(note(`${about.filter(Boolean).join("")}${remedy ? `. What would help: ${remedy}` : ""}.`));
  }
}

/** Build the questions from what the catalogue says of their fields. */
export function buildQuestions(catalogue, failed) {
  fail = failed;
  mixtures = new Set(catalogue.models.filter((m) => m.experts).map((m) => m.id));
  by("questions").replaceChildren(...QUESTIONS.map((q) => {
    const kinds = catalogue.questions[q.path];
    const box = h("details", { class: "fields", id: `ask-${q.path}` }, h("summary", null, q.title),
      h("div", { class: "asking" }, (q.parts || []).map((make) => make(q, catalogue)), q.fields.map((field) => control(q, field, kinds[field[0]]))),
      h("button", { type: "button", class: "go" }, "Answer"), h("div", { class: "result", role: "status" }));
    box.querySelector(".go").addEventListener("click", () => answer(q, box, kinds));
    return box;
  }));
}

const hasExperts = ({ model }) => (model && typeof model === "object" ? Object.keys(model).some((key) => /expert/i.test(key)) : mixtures.has(model));

/** A new answer: what was asked about the last one goes. */
export function forgetQuestions({ scenario, answer: found }) {
  by("more").hidden = !found.feasible;
  if (run?.scenario === scenario) return;
  run = { scenario, answer: found, experts: hasExperts(scenario) };
  for (const q of QUESTIONS) if (!q.alone) by(`ask-${q.path}`).querySelector(".result").replaceChildren();
}
