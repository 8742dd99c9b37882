// Two scenarios side by side: what differs in the question, then every figure, differences marked.
import { by, h, put, scroller } from "./dom.js";
import { flat } from "./scenario.js";
import { term } from "./terms.js";
import * as w from "./words.js";

const COMPARED = [["Devices", "n_devices", w.whole], ["Run time, days", "duration_days", w.plain], ["MFU", "mfu", w.percent], ["Device-hours", "device_hours", w.count],
  ["Energy, MWh", "energy_kwh", (v) => w.plain(v / 1000)], ["Carbon, tCO₂e", "carbon_total_tco2e", w.plain], ["Operational carbon", "carbon_operational_tco2e", w.plain],
  ["Embodied carbon", "carbon_embodied_tco2e", w.plain], ["Cost, M$", "cost_usd", (v) => w.plain(v === null ? null : v / 1e6)], ["Memory, GB", "memory_per_device_gb", w.plain]];
const SAME = 0.005;

const text = (v) => (v === undefined ? "default" : typeof v === "object" ? "uploaded" : typeof v === "number" ? w.plain(v) : String(v));
const cell = (value, kind) => h("td", { class: `n ${kind || ""}`.trim() }, value);
const named = (name) => { const [head, ...unit] = name.split(", "); return [term(head), unit.length ? `, ${unit.join(", ")}` : ""]; };

/** By how much the second is more or less, and whether the intervals of both lie apart. */
function difference(x, y, spans) {
  if (!x || !y) return { words: "", kind: "" };
  const ratio = y / x;
  if (Math.abs(ratio - 1) < SAME) return { words: "same", kind: "same" };
  const size = ratio >= 10 || ratio <= 0.1 ? `× ${w.plain(ratio)}` : `${ratio >= 1 ? "+" : "−"}${w.plain(Math.abs(100 * (ratio - 1)))} %`;
  const apart = spans.every(Boolean) && (spans[0][1] < spans[1][0] || spans[1][1] < spans[0][0]);
  return { words: size, kind: ratio > 1 ? "up" : "down", apart };
}

function figureRow([name, key, say], kept, now) {
  const [a, b] = [kept, now].map((x) => (x?.feasible ? x.summary : null));
  const change = a && b ? difference(a[key], b[key], [kept, now].map((x) => x.intervals[key])) : { words: "", kind: "" };
  const mark = { up: " ▲", down: " ▼" }[change.kind] || "";
  return h("tr", { class: change.kind && change.kind !== "same" ? "differs" : null }, h("th", { scope: "row" }, named(name)), cell(a ? say(a[key]) : "not feasible"), cell(b ? say(b[key]) : "not feasible"),
    cell([change.words, mark && h("span", { class: "mark", "aria-hidden": "true" }, mark)], change.kind), h("td", { class: "quiet" }, change.apart ? "intervals apart" : ""));
}

/** Show the comparison; `unpin` ends it, `swap` exchanges the two. */
export function showComparison(kept, now, unpin, swap) {
  by("compare").hidden = !kept;
  if (!kept) return;
  const [mine, other] = [flat(kept.scenario), flat(now.scenario)];
  const keys = [...new Set([...Object.keys(mine), ...Object.keys(other)])].filter((k) => JSON.stringify(mine[k]) !== JSON.stringify(other[k]));
  const asked = keys.map((k) => h("tr", { class: "differs asked" }, h("th", { scope: "row" }, w.named(k.replace(".", ": "))), cell(text(mine[k])), cell(text(other[k])), cell("asked"), h("td")));
  const rows = COMPARED.map((row) => figureRow(row, kept.answer, now.answer));
  const heads = ["", "kept", "now", "change", ""].map((t, i) => (i && t ? h("th", { class: "n", scope: "col" }, t) : h("td")));
  put("compare-body", scroller("Side by side", h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, asked, rows))),
    h("p", { class: "note" }, keys.length ? "Lines that differ are marked. “Intervals apart”: the difference is larger than what is not known of either." : "Both questions are the same: change one thing."),
    h("p", { class: "tools" }, h("button", { type: "button", onclick: swap }, "Swap"), h("button", { type: "button", onclick: unpin }, "End comparison")));
}
