// The answer: headline, figures, breakdowns, front, settings, doubts.
import { bars, front, interval } from "./charts.js";
import { by, h, hideTip, put, scroller } from "./dom.js";
import { nameFormats } from "./files.js";
import { explainedAs, knowTerms, term } from "./terms.js";
import * as w from "./words.js";

const KWH = 3.6e6;
const STALE = "What stands below answers the question before this one.";
let labels = {};
let reasons = {};
let devices = new Map();

export function know(catalogue) {
  ({ labels, reasons } = catalogue);
  devices = new Map(catalogue.devices.map((d) => [d.id, d.name]));
  knowTerms(catalogue.glossary);
  nameFormats(catalogue.launch_formats);
}

export const label = (name) => labels[name] || w.named(name);
export const deviceName = (id) => devices.get(id) || id;

/** What a run and the lines beside it take together; empty where nothing stands beside it. */
function besideWords(a) {
  const lines = a.carbon.boundary.filter((line) => line.share), { energy_kwh: kwh, cost_usd: usd } = a.summary;
  if (!lines.length) return "";
  const sum = (key) => lines.reduce((all, line) => all + line[key], 0);
  return `with ${lines.map((line) => line.name.replaceAll("_", " ")).join(", ")} ${w.energy(kwh + sum("energy_kwh"))}`
    + (usd === null ? "" : `, ${w.money(usd * (1 + sum("share")))}`);
}

export function headline(a) {
  const s = a.summary, more = besideWords(a);
  const cost = s.cost_usd === null ? "" : `, ${w.money(s.cost_usd)}${a.price ? ` (${a.price})` : ""}`;
  const taken = more ? `${cost} for the run itself; ${more}` : "";
  return `Train ${s.model} on ${w.count(s.tokens)} tokens: ${w.whole(s.n_devices)} × ${deviceName(s.device)} for ${w.duration(s.duration_days)}. `
    + `That takes ${w.energy(s.energy_kwh)}${taken} and ${w.mass(s.carbon_total_tco2e)}${more ? "" : cost}.`;
}

/** The main figures: name, value, small print. */
export function figures(a) {
  const s = a.summary;
  const [size, unit] = w.massUnit(s.carbon_total_tco2e);
  const [kwh, energyUnit] = w.energyUnit(s.energy_kwh);
  const [run, whole] = besideWords(a) ? [" of the run", " of the run and all beside it"] : ["", ""];
  return [
    ["Devices", w.whole(s.n_devices), deviceName(s.device)],
    ["Run time", w.duration(s.duration_days), `${w.percent(s.mfu)} MFU`],
    [`Device-hours${run}`, w.count(s.device_hours), `${w.plain(s.tokens_per_s_per_device)} tokens/s each`],
    [`Energy${run}`, w.energy(s.energy_kwh), `${w.between(a.carbon.intervals.energy_kwh, 1 / kwh)} ${energyUnit}`],
    [`Carbon${whole}`, w.mass(s.carbon_total_tco2e), `${w.between(a.carbon.interval_tco2e, 1 / size)} ${unit}`],
    [`Cost${run}`, w.money(s.cost_usd), s.cost_usd === null ? "no price known: give one in “Search, price and power”" : `${w.plain(s.cost_usd / s.device_hours)} $ a device-hour${a.price && !a.price.startsWith("at ") ? `, ${a.price}` : ""}`],
    ...(a.needed ? [["Device-hours in practice", w.count(a.needed.median), `what people needed: ${w.count(a.needed.low)} to ${w.count(a.needed.high)}`]] : []),
    ...(s.loss === null ? [] : [["Expected loss", w.plain(s.loss), "by the scaling law"]]),
  ];
}

function settingWords(s) {
  const degrees = [["tensor", s.tp], ["pipeline", s.pp], ["context", s.cp], ["data", s.dp]].filter(([, n]) => n > 1).flatMap(([name, n], i) => [i ? " × " : "", explainedAs(name, `${name} parallelism`), ` ${n}`]);
  const more = [
    s.ep > 1 && `experts over ${s.ep}`, s.zero_stage ? `ZeRO-${s.zero_stage}` : "no ZeRO", (s.pp > 1 || s.schedule === "combined-1f1b") && `${s.schedule}${s.vpp > 1 ? ` with ${s.vpp} chunks a stage` : ""}`,
    s.recompute === "none" ? "no recomputation" : s.recompute === "partial" ? `full recomputation of ${s.recompute_percent} % of layers` : `${s.recompute} recomputation`, s.precision,
    `batch ${w.whole(s.global_batch_seqs)} × ${w.whole(s.seq_len)} tokens in micro-batches of ${s.micro_batch}`, `${w.whole(s.n_steps)} steps of ${w.duration(s.step_time_s / 86400)}`,
  ].filter(Boolean);
  return [h("b", null, "Setting: "), degrees.length ? degrees : "one device", "; ", more.join(", "), "."];
}

const short = (c) => [`TP${c.tp}`, `PP${c.pp}`, `DP${c.dp}`, c.cp > 1 && `CP${c.cp}`, c.ep > 1 && `EP${c.ep}`, `ZeRO-${c.zero}`, `mb ${c.micro_batch}`, c.recompute ? "recompute" : ""].filter(Boolean).join(" ");
const batch = (c) => c.dp * c.micro_batch * c.n_micro;
const total = (name, value) => h("div", { class: "bar total" }, h("span", null, name), h("em"), h("span", null, value), h("span"));

function breakdowns(a) {
  const entries = (o, skip) => Object.entries(o).filter(([key]) => !skip.includes(key));
  const step = a.step_time_s;
  put("time", bars(entries(step, ["total"]).map(([k, v]) => [label(k), v]), "", undefined, w.seconds), total("one step", w.seconds(step.total)));
  const m = a.memory_bytes;
  put("memory", bars(entries(m, ["total", "limit"]).map(([k, v]) => [label(k), v]), "", m.limit, w.bytes), total(`of ${w.bytes(m.limit)} usable`, w.bytes(m.total)));
  const c = a.carbon;
  const s = a.summary;
  const [kwh, kwhUnit] = w.energyUnit(s.energy_kwh);
  const joules = entries(c.parts, []).filter(([k]) => k.endsWith("_energy_j"));
  const e = c.intervals.energy_kwh.map((v) => v / kwh);
  put("energy", bars(joules.map(([k, v]) => [label(k), v / KWH / kwh]), kwhUnit), total("facility energy", w.energy(s.energy_kwh)),
    interval("90 % interval", e[0], s.energy_kwh / kwh, e[1], e[1], `${w.between(e)} ${kwhUnit}`),
    h("p", { class: "note" }, `${w.between(e)} ${kwhUnit}; PUE ${w.plain(c.pue)}; water ${w.plain(s.water_litres / 1000)} m³`));
  const [t, tUnit] = w.massUnit(s.carbon_total_tco2e);
  const kilos = entries(c.parts, ["total_kg"]).filter(([k]) => k.endsWith("_kg")).map(([k, v]) => [label(k), v / 1000 / t, k !== "operational_kg"]);
  const lines = c.boundary.filter((line) => line.share).map((line) => [label(line.name), (line.operational_tco2e + line.embodied_tco2e) / t, true]);
  const most = Math.max(c.interval_tco2e[1], c.intervals.operational_tco2e[1]) / t;
  const span = (name, pair, value) => interval(name, pair[0] / t, value / t, pair[1] / t, most, `${w.between(pair, 1 / t)} ${tUnit}`);
  put("carbon", bars([...kilos, ...lines], tUnit), total("total", w.mass(s.carbon_total_tco2e)),
    span("total, 90 %", c.interval_tco2e, s.carbon_total_tco2e), span("operation", c.intervals.operational_tco2e, s.carbon_operational_tco2e),
    span("embodied", c.intervals.embodied_tco2e, s.carbon_embodied_tco2e),
    h("p", { class: "note" }, `${w.between(c.interval_tco2e, 1 / t)} ${tUnit}; ${w.plain(c.carbon_intensity_g_per_kwh)} g/kWh (${c.carbon_basis}); by market ${w.mass(s.carbon_operational_market_tco2e)} of operation`));
}

function frontPanel(a, pick) {
  const found = a.search?.front || [];
  if (found.length < 2) {
    put("front", h("p", { class: "note" }, found.length ? "One device count is best in time, carbon and cost at once: nothing is traded." : "The device count is given: clear “How many” to see what other counts would trade."));
    return;
  }
  const rows = found.map((c) => ({
    days: c.duration_days, carbon: c.carbon_tco2e, cost: c.cost_usd === null ? null : c.cost_usd / 1e6, n: c.n_devices, name: w.whole(c.n_devices), here: c.n_devices === a.summary.n_devices,
    words: `${w.whole(c.n_devices)} devices\n${w.duration(c.duration_days)}, ${w.mass(c.carbon_tco2e)} (${w.between(c.carbon_interval_tco2e || [c.carbon_tco2e, c.carbon_tco2e])})${c.cost_usd === null ? "" : `, ${w.money(c.cost_usd)}`}\n${short(c)}\nChoose to plan with this count`,
  }));
  put("front", front(Math.max(260, by("front").clientWidth), rows, (row) => { hideTip(); pick(row.n); }),
    h("p", { class: "key" }, h("i", { class: "round" }), "carbon", h("i", { class: "money" }), "cost", h("i", { class: "second round" }), "this plan; numbers are devices. Below the stair lies what no setting reaches; a small point is beaten here and best in something else."));
}

function settingsPanel(search, others) {
  const n = (text) => h("td", { class: "n" }, text);
  const rows = search.layouts.slice(0, 5).map((c) => h("tr", null, n(w.whole(c.n_devices)), n(w.plain(c.duration_days)), n(w.plain(c.carbon_tco2e)),
    h("td", null, short(c), c.n_alike > 1 ? h("small", { class: "quiet" }, ` and ${w.whole(c.n_alike - 1)} alike`) : "", c.unmeasured.some((x) => !search.layouts[0].unmeasured.includes(x)) ? h("small", { class: "quiet" }, ` no measured run: ${c.unmeasured.join(", ")}`) : "")));
  const table = rows.length ? scroller("Best settings", h("table", null, h("thead", null, h("tr", null, h("th", { class: "n", scope: "col" }, "devices"), h("th", { class: "n", scope: "col" }, "days"), h("th", { class: "n", scope: "col" }, "tCO₂e"), h("th", { scope: "col" }, "setting"))), h("tbody", null, rows)), "settings") : null;
  const rejected = Object.entries(search.rejected).map(([key, value]) => [reasons[key] || w.named(key), value]);
  const beside = others.length ? h("ul", { class: "plain" }, others.map((c) => h("li", null, `${c.what}: ${w.whole(c.n_devices)} devices, ${w.plain(c.duration_days)} days, ${w.mass(c.carbon_tco2e)}: ${short(c)}${batch(c) === batch(search.layouts[0]) ? "" : ` batch ${w.whole(batch(c))}`}`))) : "";
  put("settings", table, beside,
    h("p", { class: "note" }, `${w.whole(search.n_candidates)} settings of ${w.whole(search.n_layouts)} layouts decided, ${w.whole(search.n_fit)} of them fit; ${w.whole(search.n_near)} within ${w.percent(search.near)} of the best. Rejected because:`),
    h("div", { class: "reasons" }, bars(rejected, "", search.n_candidates, w.count)));
}

function doubts(a) {
  const tidy = (text) => text.replace(/^-?[\d.]+(e[+-]?\d+)?/, (v) => w.plain(Number(v)));
  const known = new Set(a.levers.map((l) => l.name));
  const rows = a.levers.map((l) => h("tr", null, h("td", null, w.named(l.name)), h("td", null, `${tidy(l.low)} to ${tidy(l.high)}`), h("td", null, w.masses(l.at_low, l.at_high)), h("td", { class: "more" }, l.source)));
  const widest = a.carbon.widest.filter((x) => !known.has(x.name)).map((x) => h("tr", null, h("td", null, w.named(x.name)), h("td", null, x.name === "time" ? "the step model and the run’s overhead" : "its published range"), h("td", null, w.masses(x.low_tco2e, x.high_tco2e)), h("td", { class: "more" }, x.source)));
  put("doubt", scroller("What would change this most", h("table", null, h("thead", null, h("tr", null, ["input", "range", "carbon of the run", "source"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", null, rows, widest))));
}

function clear(ids) {
  for (const id of ids) put(id);
}

const number = (text) => Number(text.replaceAll(",", ""));
const REMEDIES = [[/^allow ([\d,]+) days/, "max_days"], [/^([\d,]+) devices would do/, "devices"], [/^a batch of ([\d,]+) sequences would do/, "batch"]];

/** What would help, as a button where the page can do it. */
function remedy(text, change) {
  const [found, key] = REMEDIES.map(([shape, name]) => [text.match(shape), name]).find(([match]) => match) || [];
  return h("li", null, "What would help: ", found ? h("button", { type: "button", onclick: () => change({ [key]: number(found[1]) }) }, text) : text);
}

export function showAnswer(a, change) {
  const pick = (devices) => change({ devices });
  by("error").hidden = true;
  if (by("status").textContent === STALE) by("status").textContent = "";
  document.body.classList.toggle("infeasible", !a.feasible);
  put("warnings", a.feasible ? a.warnings.map((text) => h("li", null, text)) : [h("li", null, a.reason), ...a.remedies.map((text) => remedy(text, change))]);
  if (!a.feasible) {
    by("headline").textContent = "No setting does this.";
    clear(["tiles", "setting", "time", "memory", "energy", "carbon", "front", "curve", "doubt"]);
    settingsPanel(a.search, []);
    return;
  }
  by("headline").textContent = headline(a);
  put("tiles", figures(a).map(([name, value, small]) => h("div", null, h("dt", null, term(name)), h("dd", null, value, h("small", null, small)))));
  const moved = a.notes.find((note) => note.includes("what this batch needs"));
  put("setting", settingWords(a.summary), moved && ` ${moved}.`);
  breakdowns(a);
  frontPanel(a, pick);
  if (a.search) settingsPanel(a.search, a.alternatives);
  doubts(a);
}

export function showError(error) {
  const lines = [error.problem + (error.key ? ` (${error.key}${error.value === null || error.value === undefined ? "" : `: ${error.value}`})` : ""),
    error.suggestion && `Did you mean ${error.suggestion}?`, error.allowed && `Allowed: ${error.allowed}`, error.remedy && `Remedy: ${error.remedy}`].filter(Boolean);
  put("error", lines.map((text) => h("p", null, text)));
  by("error").hidden = false;
  by("status").textContent = by("tiles").childElementCount ? STALE : "";
  for (const input of document.querySelectorAll("form [aria-invalid]")) input.removeAttribute("aria-invalid");
  const field = error.key && (by(error.key) || by(error.key.split(".").pop()));
  if (field?.form || field?.classList.contains("choices")) { field.setAttribute("aria-invalid", "true"); field.setAttribute("aria-errormessage", "error"); }
}
