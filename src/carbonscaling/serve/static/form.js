// The form and the scenario it stands for.
import { by, h } from "./dom.js";
import { number, plain, duration, count } from "./words.js";

const TEXTS = ["region", "device", "objective", "stack", "space", "law"];
const NUMBERS = ["tokens", "target_loss", "devices", "batch", "seq_len", "max_devices", "price_usd_per_device_hour"];
const SLIDERS = ["max_days", "carbon_intensity_g_per_kwh", "pue", "precision", "years_ahead", "lifetime_years"];
const DEFAULTS = { region: "us-east5", device: "h100-sxm", objective: "paper", space: "default", stack: "" };
const LONGEST = 1000;

let recipes = [];
let upload = null;
let rest = {};
const touched = new Set();

const daysOf = (place) => { const days = LONGEST ** (place / 100); return days < 10 ? Math.round(days * 10) / 10 : Math.round(days); };
const placeOf = (days) => Math.round((100 * Math.log(days)) / Math.log(LONGEST));
const valueOf = (name) => {
  const at = Number(by(name).value);
  return name === "max_days" ? daysOf(at) : name === "precision" ? recipes[at] : at;
};
const setSlider = (name, value) => {
  by(name).value = name === "max_days" ? placeOf(value) : name === "precision" ? Math.max(0, recipes.indexOf(value)) : value;
};

function say(name, value, own) {
  const words = {
    max_days: (v) => duration(v), carbon_intensity_g_per_kwh: (v) => `${plain(v)} g/kWh`, pue: (v) => plain(v), precision: (v) => v,
    years_ahead: (v) => (v ? `${plain(v)} years` : "today"), lifetime_years: (v) => `${plain(v)} years`,
  };
  const text = value === undefined || value === null ? "default" : words[name](value);
  document.querySelector(`output[for="${name}"]`).textContent = text;
  by(name).setAttribute("aria-valuetext", own || text === "default" ? text : `${text}, default`);
  by(name).closest(".slider").classList.toggle("set", own);
}

const options = (list, value, words) => list.map((item) => h("option", { value: value(item) }, words(item)));

function grouped(list, group, value, words) {
  const groups = new Map();
  for (const item of list) groups.set(group(item), [...(groups.get(group(item)) || []), item]);
  return [...groups].map(([name, items]) => h("optgroup", { label: name }, options(items, value, words)));
}

export function fillForm(catalogue) {
  recipes = catalogue.precisions;
  by("precision").max = recipes.length - 1;
  by("models").replaceChildren(...catalogue.models.map((m) => h("option", { value: m.id }, `${count(m.parameters)} parameters`)));
  by("law").replaceChildren(...options(catalogue.laws, (l) => l.id, (l) => l.title));
  by("device").replaceChildren(...grouped(catalogue.devices, (d) => d.vendor, (d) => d.id, (d) => `${d.name}`));
  by("region").replaceChildren(...grouped(catalogue.regions, (r) => r.provider || "countries (life-cycle)", (r) => r.id,
    (r) => `${r.id} · ${plain(r.g_per_kwh)} g/kWh`));
  by("objective").replaceChildren(...options(Object.entries(catalogue.objectives), ([name]) => name, ([name, text]) => (text || name).split(",")[0]));
  by("stack").replaceChildren(h("option", { value: "" }, "not said"), ...options(catalogue.stacks, (s) => s, (s) => s));
}

/** Show a scenario in the form; what the form has no field for is kept and sent along. */
export function showScenario(scenario) {
  const form = by("form");
  upload = typeof scenario.model === "object" ? scenario.model : null;
  const goal = scenario.target_loss ? "loss" : "model";
  form.dataset.goal = goal;
  form.elements.goal.value = goal;
  by("model").value = upload ? `uploaded: ${upload.model_type || "model"}` : scenario.model || "";
  for (const name of TEXTS) by(name).value = scenario[name] ?? DEFAULTS[name] ?? by(name).value;
  for (const name of NUMBERS) by(name).value = scenario[name] ? (name === "tokens" ? count(scenario[name]) : scenario[name]) : "";
  if (scenario.tokens && number(by("tokens").value) !== scenario.tokens) by("tokens").value = String(scenario.tokens);
  touched.clear();
  for (const name of SLIDERS) if (scenario[name] !== undefined) { touched.add(name); setSlider(name, scenario[name]); }
  exact = Object.fromEntries(SLIDERS.map((name) => [name, scenario[name]]));
  const shown = new Set([...TEXTS, ...NUMBERS, ...SLIDERS, "model"]);
  rest = Object.fromEntries(Object.entries(scenario).filter(([key]) => !shown.has(key)));
}

let exact = {};

/** Return the scenario of the form; a number that is none is named in `wrong`. */
export function readScenario() {
  const goal = by("form").elements.goal.value;
  by("form").dataset.goal = goal;
  const scenario = {};
  const wrong = [];
  if (goal === "model") scenario.model = upload || by("model").value.trim() || undefined;
  for (const name of NUMBERS) {
    const text = by(name).value.trim();
    if (!text || (name === "target_loss") !== (goal === "loss") && ["target_loss", "tokens"].includes(name)) continue;
    const value = number(text);
    if (value === undefined) wrong.push(name); else scenario[name] = value;
  }
  for (const name of TEXTS) {
    const value = by(name).value;
    if (value && value !== DEFAULTS[name] && (name !== "law" || goal === "loss")) scenario[name] = value;
  }
  scenario.device = by("device").value || DEFAULTS.device;
  for (const name of SLIDERS) if (touched.has(name)) scenario[name] = exact[name] ?? valueOf(name);
  Object.assign(scenario, rest);
  return { scenario: JSON.parse(JSON.stringify(scenario)), wrong };
}

/** Show beside every untouched slider what the answer took. */
export function showDefaults(answer, scenario) {
  const taken = answer?.feasible ? {
    max_days: scenario.devices ? undefined : 90, carbon_intensity_g_per_kwh: answer.carbon.carbon_intensity_g_per_kwh, pue: answer.carbon.pue,
    precision: answer.summary.precision, years_ahead: 0, lifetime_years: undefined,
  } : {};
  for (const name of SLIDERS) {
    const own = touched.has(name);
    if (!own && taken[name] !== undefined) setSlider(name, taken[name]);
    say(name, own ? scenario[name] : taken[name], own);
  }
}

export const uploadedName = () => upload && (String(upload._name_or_path || "").split("/").pop().match(/[\w.-]+/)?.[0] || upload.model_type || "model");

export function watchForm(changed, failed) {
  const form = by("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name } = event.target;
    if (SLIDERS.includes(name)) {
      touched.add(name);
      delete exact[name];
      say(name, valueOf(name), true);
    }
    if (name === "model") upload = null;
    if (event.target.type !== "file") changed(SLIDERS.includes(name));
  });
  for (const button of form.querySelectorAll(".reset")) {
    button.addEventListener("click", () => { touched.delete(button.dataset.for); delete exact[button.dataset.for]; changed(false); });
  }
  by("upload").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    try {
      if (file.size > 200_000) throw new Error("the file is too large for a config.json");
      const data = JSON.parse(await file.text());
      if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error("the file holds no JSON object");
      upload = data;
      by("model").value = `uploaded: ${file.name}`;
      changed(false);
    } catch (error) {
      failed({ problem: `${file.name} is no config.json: ${error.message}`, key: "model", remedy: "choose the model's config.json" });
    }
  });
}
