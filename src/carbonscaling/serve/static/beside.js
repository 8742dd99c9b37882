// What stands beside an answer: the same run elsewhere, measured trainings like it, sources and citation.
import { hours, scatter } from "./charts.js";
import { by, h, put, scroller } from "./dom.js";
import * as w from "./words.js";

let provider = "google";
let sorted = [];

/** What a start changes operational carbon by in single years, as words. */
const saved = (row) => [row.saved_high, row.saved_low].map((share) => `${share < 0 ? "+" : "−"}${Number(Math.abs(100 * share).toPrecision(2))}`).join(" to ").concat(" %");

function hoursOf(data) {
  const own = data.rows.find((row) => row.region === data.region);
  if (!data.hours) return h("p", { class: "note" }, `Hours: not known for ${data.region}. Places that say when to begin have them.`);
  const { grid, years, g_per_kwh: table } = data.hours;
  const begin = own?.best_start || "";
  return [
    h("h4", null, "When: typical g/kWh by month and hour, UTC"),
    hours(Math.min(520, Math.max(260, by("regions").clientWidth)), table, begin),
    h("p", { class: "note" }, `${grid}, ${years[0]} to ${years.at(-1)}: ${w.plain(Math.min(...table.flat()))} (faint) to ${w.plain(Math.max(...table.flat()))} g/kWh (strong). `, begin ? `A run of this length begins best on ${begin} (framed): ${saved(own)} of operational carbon, year by year, against the mean of all starts.` : ""),
  ];
}

function regionRows(data, pick) {
  const shown = data.rows.filter((row) => provider === "all" || row.provider === provider || row.region === data.region);
  const most = Math.max(...shown.map((row) => row.total_tco2e));
  const [size, unit] = w.massUnit(most);
  const current = shown.find((row) => row.region === data.region);
  const pinned = current && shown.indexOf(current) > 7 ? [current] : [];
  return [...pinned, ...shown].map((row, i) => {
    const rest = row.total_tco2e - row.operational_tco2e;
    const begun = row.best_start ? `best start ${row.best_start}: ${w.plain(row.at_best_tco2e / size)} ${unit}` : "";
    const words = `${row.region}, ${row.country}: ${w.mass(row.total_tco2e)}, of which operation ${w.mass(row.operational_tco2e)} at ${w.plain(row.carbon_intensity_g_per_kwh)} g/kWh (${row.basis}), by market ${w.mass(row.market_tco2e)}`
      + (begun && `; ${begun} in a typical year; ${saved(row)} of operation in single years`);
    return h("li", { class: i < pinned.length ? "here pinned" : row === current ? "here" : null },
      h("button", { type: "button", title: words, onclick: () => pick(row.region), "aria-current": row.region === data.region ? "true" : null },
        h("span", { class: "where" }, row.region, h("small", null, ` ${row.country}`)), h("span", { class: "grams" }, `${w.plain(row.carbon_intensity_g_per_kwh)} g`), h("span", { class: "stack" }, h("i", { "width%": (96 * row.operational_tco2e) / most }), h("i", { "width%": (96 * rest) / most })),
        h("span", null, `${w.plain(row.total_tco2e / size)} ${unit}`), begun && h("small", { class: "begun" }, begun)));
  });
}

export function showRegions(data, pick) {
  const choose = h("select", { "aria-label": "Cloud provider", onchange: (event) => { provider = event.target.value; showRegions(data, pick); by("regions").querySelector("select").focus(); } },
    ["google", "aws", "azure", "all"].map((name) => h("option", { value: name, selected: name === provider }, name === "all" ? "all clouds" : name)));
  sorted = data.rows;
  const place = sorted.findIndex((row) => row.region === data.region) + 1;
  put("regions", h("div", null, h("div", { class: "row" }, choose, h("span", { class: "key" }, h("i"), "operation", h("i", { class: "second" }), "embodied and beside the run")),
    h("ol", { class: "list" }, regionRows(data, pick)),
    h("p", { class: "note" }, `${place ? `${data.region} is number ${place} of ${sorted.length} cloud regions. ` : ""}Same setting everywhere, location-based, central values; choose a region to plan there.`)),
    h("div", null, hoursOf(data)));
}

export function showEvidence(data) {
  if (!data.n_rows) {
    put("evidence", h("p", null, `No measured training on ${data.device_name} with a model of this kind is known: the answer rests on the data sheet and on what other devices showed.`));
    return;
  }
  const rows = data.rows.map((row) => ({
    ...row,
    words: `${row.source}\n${w.plain(row.params_b)}B parameters${row.n_devices ? ` on ${w.whole(row.n_devices)} devices` : ""}, ${row.precision}, ${row.stack}\nmeasured ${w.plain(row.measured)}, predicted ${w.plain(row.predicted)} (${w.between([row.low, row.high])})`,
  }));
  const size = data.within_factor === null ? "of every size" : `within a factor of ${w.plain(data.within_factor)} of ${w.plain(data.params_b)}B parameters`;
  const shown = rows.length < data.n_rows ? ` The ${rows.length} nearest in size are drawn.` : "";
  put("evidence",
    h("p", { class: "note" }, `${w.whole(data.n_rows)} measured configurations of ${data.n_sources} source${data.n_sources > 1 ? "s" : ""} on ${data.device_name}, ${size}, each predicted by a fit that never saw its source: median error ${w.percent(data.median_error)}, bias ${data.bias >= 0 ? "+" : "−"}${w.percent(Math.abs(data.bias))}, ${w.percent(data.covered)} inside the 90 % interval.${shown}${data.projected ? " The projected device itself was never measured." : ""}`),
    scatter(Math.max(260, by("evidence").clientWidth), rows));
}

const link = (text, url) => (/^https?:\/\//.test(url || "") ? h("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, text) : text);

function numbers(list, urls) {
  const groups = new Map();
  for (const row of list) groups.set(row.group, [...(groups.get(row.group) || []), row]);
  return [...groups].map(([name, rows]) => h("details", { id: `numbers-${name}` }, h("summary", null, `${name}: ${rows.length} number${rows.length > 1 ? "s" : ""}`),
    scroller(`Numbers of ${name}`, h("table", null, h("thead", null, h("tr", null, ["number", "value", "range", "source", "remark"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", null, rows.map((row) => h("tr", null, h("th", { scope: "row" }, w.named(row.name)), h("td", null, `${w.plain(row.value)} ${row.unit === "1" ? "" : row.unit}`),
        h("td", null, row.low === null ? "" : w.between([row.low, row.high])), h("td", null, link(row.source, urls.get(row.source))), h("td", { class: "more" }, row.remark))))))));
}

export function showSources(data, answer) {
  const references = data.references.map((r) => h("li", null, link(r.title, r.url), ` ${r.authors}, ${r.year}. ${r.venue} `, h("code", null, r.key)));
  put("sources", answer.notes.length ? h("ul", { class: "plain" }, answer.notes.map((text) => h("li", null, text))) : null,
    numbers(data.numbers, new Map(data.references.map((r) => [r.key, r.url]))),
    h("details", { id: "numbers-works" }, h("summary", null, `${references.length} works behind this answer`), h("ul", { class: "plain" }, references)),
    h("details", null, h("summary", null, "Citation (BibTeX)"), h("pre", { tabindex: "0", role: "region", "aria-label": "BibTeX" }, data.bibtex)));
}

/** Open what a panel's figures rest on, and go there. */
export function openSources(group) {
  const found = document.getElementById(`numbers-${group}`) || by("sources");
  if (found.tagName === "DETAILS") found.open = true;
  found.scrollIntoView({ block: "start" });
  found.querySelector("summary")?.focus({ preventScroll: true });
}
