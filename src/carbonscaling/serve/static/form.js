// The form and the scenario it stands for.
import { by, h } from "./dom.js";
import { buildChoices, buildPanels, choose, chosen, CHOICES, countSet, PANEL_FIELDS } from "./fields.js";
import { flat, nested } from "./scenario.js";
import { number, plain, duration, count } from "./words.js";

const FIXED = { law: "text", region: "text", device: "text", objective: "text", tokens: "number", target_loss: "number", compute: "number", devices: "number" };
const SLIDERS = ["max_days", "carbon_intensity_g_per_kwh", "pue", "lifetime_years"];
const DEFAULTS = { region: "us-east5", device: "h100-sxm", objective: "paper" };
const GOAL = { model: ["tokens"], loss: ["target_loss", "compute", "law"] };
const LONGEST = 1000;

let kinds = FIXED;
let upload = null;
let rest = {};
let exact = {};
let ready = false;
const touched = new Set();
const early = new Set();

const daysOf = (place) => { const days = LONGEST ** (place / 100); return days < 10 ? Math.round(days * 10) / 10 : Math.round(days); };
const placeOf = (days) => Math.round((100 * Math.log(days)) / Math.log(LONGEST));
const valueOf = (name) => (name === "max_days" ? daysOf(Number(by(name).value)) : Number(by(name).value));
const setSlider = (name, value) => { by(name).value = name === "max_days" ? placeOf(value) : value; };
const WORDS = { max_days: (v) => duration(v), carbon_intensity_g_per_kwh: (v) => `${plain(v)} g/kWh`, pue: (v) => plain(v), lifetime_years: (v) => `${plain(v)} years` };

function say(name, value, own, silent) {
  const text = value === undefined || value === null ? silent : WORDS[name](value);
  document.querySelector(`output[for="${name}"]`).textContent = text;
  by(name).setAttribute("aria-valuetext", own || text === silent ? text : `${text}, default`);
  by(name).closest(".slider").classList.toggle("set", own);
}

const options = (list, value, words) => list.map((item) => h("option", { value: value(item) }, words(item)));

function grouped(list, group, value, words) {
  const groups = new Map();
  for (const item of list) groups.set(group(item), [...(groups.get(group(item)) || []), item]);
  return [...groups].map(([name, items]) => h("optgroup", { label: name }, options(items, value, words)));
}

export function fillForm(catalogue) {
  buildChoices(catalogue.precisions);
  buildPanels(catalogue.fields, { stack: catalogue.stacks, batch_law: catalogue.batch_laws });
  kinds = { ...FIXED, ...Object.fromEntries(PANEL_FIELDS.map((name) => [name, { whole: "number", number: "number", bool: "bool" }[catalogue.fields[name].kind] || "text"])) };
  by("models").replaceChildren(...catalogue.models.map((m) => h("option", { value: m.id }, `${count(m.parameters)} parameters`)));
  by("law").replaceChildren(...options(catalogue.laws, (l) => l.id, (l) => l.title));
  by("device").replaceChildren(...grouped(catalogue.devices, (d) => d.vendor, (d) => d.id, (d) => `${d.name}`));
  by("region").replaceChildren(...grouped(catalogue.regions, (r) => r.provider || "countries (life-cycle)", (r) => r.id,
    (r) => `${r.id} · ${plain(r.g_per_kwh)} g/kWh`));
  by("objective").replaceChildren(...options(Object.entries(catalogue.objectives), ([name]) => name, ([name, text]) => (text || name).split(",")[0]));
  DEFAULTS.law = catalogue.usual_law;
  ready = true;
}

/** Show a scenario in the form; what the form has no field for is kept and sent along. What a user typed before the
 *  catalogue was there stays. */
export function showScenario(scenario) {
  const form = by("form");
  const values = flat(scenario);
  if (!early.has("model")) upload = typeof scenario.model === "object" ? scenario.model : null;
  const goal = scenario.model ? "model" : "loss";
  if (!early.has("goal")) { form.dataset.goal = goal; form.elements.goal.value = goal; }
  if (!early.has("model")) by("model").value = upload ? `uploaded: ${upload.model_type || "model"}` : scenario.model || "";
  for (const name of Object.keys(kinds)) {
    const field = by(name);
    if (!field || early.has(name)) continue;
    const value = values[name];
    if (value === undefined) field.value = DEFAULTS[name] ?? "";
    else field.value = ["tokens", "compute"].includes(name) && number(count(value)) === value ? count(value) : String(value);
  }
  touched.clear();
  for (const name of SLIDERS) {
    if (early.has(name)) touched.add(name); else if (values[name] !== undefined) { touched.add(name); setSlider(name, values[name]); }
  }
  exact = Object.fromEntries(SLIDERS.filter((name) => !early.has(name)).map((name) => [name, values[name]]));
  for (const name of CHOICES) choose(name, values[name]);
  early.clear();
  const shown = new Set([...Object.keys(kinds), ...SLIDERS, ...CHOICES, "model"]);
  rest = Object.fromEntries(Object.entries(values).filter(([key]) => !shown.has(key)));
  countSet(values, true);
}

export const typedEarly = () => early.size > 0;

/** Return the scenario of the form; a number that is none is named in `wrong`. */
export function readScenario() {
  const goal = by("form").elements.goal.value;
  by("form").dataset.goal = goal;
  const values = {};
  const wrong = [];
  const other = GOAL[goal === "model" ? "loss" : "model"];
  if (goal === "model") values.model = upload || by("model").value.trim() || undefined;
  for (const [name, kind] of Object.entries(kinds)) {
    const text = by(name)?.value.trim() ?? "";
    if (!text || other.includes(name) || (text === DEFAULTS[name] && name !== "law" && name !== "device")) continue;
    if (kind !== "number") { values[name] = kind === "bool" ? text === "true" : text; continue; }
    const value = number(text);
    if (value === undefined) wrong.push(name); else values[name] = value;
  }
  for (const name of SLIDERS) if (touched.has(name)) values[name] = exact[name] ?? valueOf(name);
  for (const name of CHOICES) values[name] = chosen(name);
  const all = flat({ ...values, ...rest });
  countSet(all, false);
  return { scenario: nested(all), wrong };
}

/** Show beside every untouched slider what the answer took; a count that is given has no deadline. */
export function showDefaults(answer, scenario) {
  const counted = Boolean(scenario.devices);
  const taken = answer?.feasible ? { max_days: counted || scenario.finish_by ? undefined : 90, carbon_intensity_g_per_kwh: answer.carbon.carbon_intensity_g_per_kwh, pue: answer.carbon.pue } : {};
  for (const name of SLIDERS) {
    const own = touched.has(name);
    if (!own && taken[name] !== undefined) setSlider(name, taken[name]);
    say(name, own ? scenario[name] : taken[name], own, name === "max_days" && counted ? "none: a count is given" : name === "max_days" && scenario.finish_by ? "by date" : "default");
  }
}

export const uploadedName = () => upload && (String(upload._name_or_path || "").split("/").pop().match(/[\w.-]+/)?.[0] || upload.model_type || "model");

function edited(event, changed) {
  const { name, type } = event.target;
  if (type === "file") return;
  if (!ready) { early.add(name); if (name === "goal") by("form").dataset.goal = by("form").elements.goal.value; return; }
  if (SLIDERS.includes(name)) {
    touched.add(name);
    delete exact[name];
    say(name, valueOf(name), true, "");
  }
  if (name === "model") upload = null;
  if (name === "target_loss" && event.target.value) by("compute").value = "";
  if (name === "compute" && event.target.value) by("target_loss").value = "";
  changed(SLIDERS.includes(name) || CHOICES.includes(name));
}

async function uploaded(event, changed, failed) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  try {
    if (file.size > 200_000) throw new Error("the file is too large for a config.json");
    const data = JSON.parse(await file.text());
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error("the file holds no JSON object");
    upload = data;
    by("model").value = `uploaded: ${file.name}`;
    if (ready) changed(false); else early.add("model");
  } catch (error) {
    failed({ problem: `${file.name} is no config.json: ${error.message}`, key: "model", remedy: "choose the model's config.json" });
  }
}

export function watchForm(changed, failed) {
  const form = by("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => edited(event, changed));
  for (const button of form.querySelectorAll(".reset")) {
    button.addEventListener("click", () => { touched.delete(button.dataset.for); delete exact[button.dataset.for]; changed(false); });
  }
  by("upload").addEventListener("change", (event) => uploaded(event, changed, failed));
}
