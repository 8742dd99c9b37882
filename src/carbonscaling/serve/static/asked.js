// The questions beside the plan: their fields, and what each sends along of the run at hand.
import { by, h } from "./dom.js";
import { number } from "./words.js";

export const QUESTIONS = [
  { path: "schedule", title: "When to work, pause and move", parts: [hours], body: timetable, fields: [["within_days", "Days until the deadline"], ["released", "Pauses give the devices back"], ["restart_hours", "Hours to start again"], ["least", "Least"], ["under_usd", "Most money, USD"], ["windows", "Random windows beside it"]] },
  { path: "chances", title: "By when, with what chance", body: (own, { scenario }) => ({ ...scenario, chances: own }), fields: [["write_s", "Seconds to write a checkpoint"], ["restart_s", "Seconds to start again"], ["within_days", "Limit: days"], ["under_tco2e", "Limit: tCO₂e"], ["mtbf_device_hours", "Device-hours between interruptions"]] },
  { path: "inference", title: "Serve the model", body: serving, fields: [["requests_per_day", "Requests a day"], ["prompt", "Tokens of a prompt"], ["output", "Tokens of an answer"], ["ttft_s", "Most seconds to the first token"], ["tpot_s", "Most seconds a token"], ["engine", "Engine"], ["weights", "Weights"]] },
  { path: "decide", title: "Another size, with what is served", parts: [hours], body: decision, first: { objective: "carbon" }, fields: [["served_tokens", "Tokens served over its life"], ["objective", "Least"], ["loss", "Loss to reach", "this model’s"], ["law", "Scaling law"], ["candidates", "Sizes to compare", "0.1 to 3 × this one"],
    ["devices", "Devices that may train", "this run’s"], ["counts", "How many of them", "this run’s"], ["regions", "Places", "this run’s"], ["columns", "Columns that may be places", "the one chosen"], ["serve_devices", "Devices that may serve", "those that train"], ["in_flight", "Requests in flight"]] },
  { path: "attribute", title: "Share a meter among jobs", parts: [meter, list, storage], body: shared, said: { devices: "accelerators alone", it: "machines, before cooling", facility: "machines and cooling", building: "the whole building" }, fields: [["energy_scope", "The meter counts"], ["devices", "Devices behind the meter", "this run’s"], ["pue", "PUE", "the place’s"]] },
  { path: "project", title: "A whole project", parts: [projects], body: (own, _, q) => ({ ...own, project: by(id(q, "name")).value }), alone: true, fields: [["region", "In another place"], ["device", "On another device"], ["hours", "Hours that are"]] },
];
const SERVED = ["device", "region", "pue", "carbon_intensity_g_per_kwh", "price_usd_per_device_hour"];
const SIZES = 16;
const GROUPED = /^\d{1,3}(,\d{3})+(\.\d+)?[kKMBGTPE]?$/;

export const id = (q, name) => `${q.path}-${name}`;
const refuse = (problem, remedy, key) => { throw { error: { problem, key, remedy } }; };
const given = (table, names) => Object.fromEntries(names.filter((name) => table[name] !== undefined).map((name) => [name, table[name]]));

/** One value or several, as their kind is read. */
function read(name, kind, text) {
  const one = (part) => number(part) ?? refuse("not a number", "write a number such as 15.6T, 2e12 or 16,384", name);
  if (kind === "bool") return text === "true";
  if (kind === "texts") return text.split(/[,;]/).map((part) => part.trim()).filter(Boolean);
  if (kind === "whole" || kind === "number") return one(text);
  if (kind !== "wholes" && kind !== "numbers") return text;
  return text.split(/;|,\s+|\s+/).filter(Boolean).map((part) => (part.includes(",") && !GROUPED.test(part) ? refuse("not a number", "separate several by semicolons: 512; 1,024", name) : one(part)));
}

export function values(q, box, kinds) {
  const found = {};
  for (const [name] of q.fields) {
    const text = box.querySelector(`[name="${name}"]`).value.trim();
    if (text) found[name] = read(name, kinds[name].kind, text);
  }
  return found;
}

/** The chosen file of hours and its column, as a request has them; nothing without one. */
function chosen(q) {
  if (!q.text) return {};
  const { value, hidden } = by(id(q, "column"));
  return { hourly: hidden ? "hours.csv" : `hours.csv:${value}`, files: { "hours.csv": q.text } };
}

function timetable(own, { scenario }, q) {
  if (!q.text) refuse("a timetable needs the hours of a grid", "choose a CSV file with the columns time and g_per_kwh");
  return { ...scenario, timetable: own, ...chosen(q) };
}

function serving(own, { scenario }) {
  if (typeof scenario.model !== "string") refuse("a serving is of a model that the catalogue has", "choose one");
  return { ...given(scenario, SERVED), model: scenario.model, ...own };
}

/** These questions know places, not the intensity that a slider sets. */
function placed({ scenario }) {
  if (scenario.carbon_intensity_g_per_kwh !== undefined) refuse("this question takes the intensity of a place, not the slider’s", "reset Carbon intensity, and choose a region");
}

function decision(own, run, q) {
  const { summary: s } = run.answer;
  const size = { ...chosen(q), params: run.experts ? s.training_flops / (6 * s.tokens) : s.n_params, tokens: s.tokens };
  if (run.experts && own.loss === undefined) refuse("scaling laws are of dense models, and this one has experts", "give a loss to reach", "loss");
  if (own.objective === undefined) return { ...size, ...own };
  placed(run);
  const sizes = own.candidates ? {} : { sizes: SIZES };
  const { max_days: within_days, precision, pue } = run.scenario;
  return { ...size, ...sizes, ...given({ within_days, precision, pue }, ["within_days", "precision", "pue"]), devices: [s.device], counts: [s.n_devices], regions: [s.region], ...own };
}

function shared(own, run, q) {
  placed(run);
  const { device, n_devices: devices, region } = run.answer.summary;
  const [readings, jobs] = ["readings", "jobs"].map((name) => by(id(q, name)).value.trim());
  if (!readings) refuse("nothing was metered", "write the meter’s kWh, a month a line", "readings");
  if (!jobs) refuse("there is no job", "write the jobs, one a line", "jobs");
  const kw = by(id(q, "load")).value.trim();
  const load = kw ? { load: { storage: read("load", "number", kw) } } : {};
  return { device, devices, region, ...own, ...load, readings: "meter.csv", jobs: ["jobs.csv"], files: { "meter.csv": `${readings}\n`, "jobs.csv": `${jobs}\n` } };
}

/** A file of a grid's hours, and which of its columns. */
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

/** A small table to write, or to fill from a file. */
function written(q, name, label, placeholder) {
  const text = h("textarea", { id: id(q, name), name, rows: "4", spellcheck: "false", placeholder });
  const file = h("input", { id: id(q, `${name}-file`), class: "hidden", type: "file", accept: ".csv,.txt,text/csv,text/plain" });
  file.addEventListener("change", async () => { if (file.files[0]) text.value = await file.files[0].text(); file.value = ""; });
  return h("div", { class: "field written" }, h("label", { for: text.id }, label), text, file, h("label", { class: "button", for: file.id }, "From a file", h("span", { class: "hidden" }, `: ${label}`)));
}

function meter(q) { return written(q, "readings", "Meter (CSV: month, kwh)", "month,kwh\n2026-01,30000"); }
function list(q) { return written(q, "jobs", "Jobs (CSV: job, device_hours; or sacct, CodeCarbon, DCGM, nvidia-smi)", "job,device_hours\npretrain,20000\nablations,10000"); }

function storage(q) {
  const input = h("input", { id: id(q, "load"), name: "load", type: "text", inputmode: "decimal", placeholder: "none" });
  return h("div", { class: "field" }, h("label", { for: input.id }, "Storage behind it, kW"), input);
}

function projects(q, { projects: names }) {
  return h("div", { class: "field" }, h("label", { for: id(q, "name") }, "Project"), h("select", { id: id(q, "name") }, names.map((name) => h("option", { value: name }, name))));
}
