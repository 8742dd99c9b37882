// The answer as a file: TOML, JSON, CSV, a picture, or any report of the service.
import { post } from "./api.js";
import { svg } from "./dom.js";
import { figures, headline, label } from "./panels.js";
import { kindOf, toml } from "./scenario.js";
import { mass, percent, plain } from "./words.js";

export const FORMATS = [["toml", "Scenario (TOML)"], ["json", "Answer (JSON)"], ["csv", "Figures (CSV)"], ["png", "Picture (PNG)"], ["html", "Report to print (HTML)"],
  ["model-card", "Model card"], ["annex-xi", "EU AI Act, Annex XI"], ["sci", "SCI"], ["esrs", "ESRS E1 (CSV)"], ["boamps", "BoAmps (JSON)"]];
const ENDING = { "model-card": "md", "annex-xi": "md", sci: "md", esrs: "csv", boamps: "json" };

let made = {};
/** With what version and catalogue answers are made. */
export function nameMaker({ version, catalogue }) { made = { version, catalogue }; }

/** The answer with its question, as `-o FILE.json` saves it, so that `again` and `report` can ask once more; an uploaded model is a file elsewhere. */
function whole(scenario, answer, text) {
  if (typeof scenario.model === "object") return text;
  const date = new Date().toISOString().slice(0, 10);
  const asked = scenario.finish_by && !scenario.start_date ? { ...scenario, start_date: date } : scenario;
  return `${JSON.stringify({ ...answer, saved: { command: kindOf(scenario), scenario: asked, ...made, date } }, null, 2)}\n`;
}

function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1).length + word.length > most) lines.push("");
    lines[lines.length - 1] += `${word} `;
  }
  return lines;
}

/** One picture of the answer: headline, figures, carbon by part. */
function picture(answer) {
  const text = (x, y, size, words, fill = "#17242a", weight = 400) => svg("text", { x, y, fill, "font-size": size, "font-weight": weight, "font-family": "sans-serif" }, words);
  const parts = [svg("rect", { width: 1200, height: 675, fill: "#fff" })];
  wrapped(headline(answer), 82).forEach((line, i) => parts.push(text(48, 72 + 36 * i, 27, line, "#17242a", 600)));
  figures(answer).slice(0, 6).forEach(([name, value, small], i) => {
    const x = 48 + (i % 3) * 375;
    const y = 215 + Math.floor(i / 3) * 105;
    parts.push(svg("rect", { x, y: y - 24, width: 340, height: 2, fill: "#2f7f8c" }), text(x, y, 17, name, "#51636b"), text(x, y + 34, 28, value, "#17242a", 600), text(x, y + 58, 16, small, "#51636b"));
  });
  const kilos = Object.entries(answer.carbon.parts).filter(([k, v]) => k.endsWith("_kg") && k !== "total_kg" && v > 0).sort((a, b) => b[1] - a[1]).slice(0, 5);
  const sum = answer.carbon.parts.total_kg;
  kilos.forEach(([key, value], i) => {
    const y = 450 + 32 * i;
    parts.push(text(48, y, 17, label(key)), svg("rect", { x: 330, y: y - 14, width: Math.max(1, (560 * value) / sum), height: 16, fill: key === "operational_kg" ? "#2f7f8c" : "#b9783a" }), text(910, y, 17, `${mass(value / 1000)}  ${percent(value / sum)}`));
  });
  parts.push(text(48, 640, 15, `carbonscaling; ${answer.summary.region}, ${plain(answer.carbon.carbon_intensity_g_per_kwh)} g/kWh, PUE ${plain(answer.carbon.pue)}; intervals: 5th to 95th percentile`, "#51636b"));
  return svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: 1200, height: 675, viewBox: "0 0 1200 675" }, parts);
}

async function png(answer) {
  const source = new XMLSerializer().serializeToString(picture(answer));
  const url = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
  const image = new Image();
  await new Promise((done, failed) => { image.onload = done; image.onerror = failed; image.src = url; });
  const canvas = document.createElement("canvas");
  canvas.width = 1200;
  canvas.height = 675;
  canvas.getContext("2d").drawImage(image, 0, 0);
  URL.revokeObjectURL(url);
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
}

export async function download(format, { scenario, answer, text, uploaded }) {
  const name = `carbonscaling-${(answer.summary?.model || "plan").replace(/[^\w.-]+/g, "-")}`;
  if (format === "toml") save(`${name}.toml`, toml(scenario, uploaded), "application/toml");
  else if (format === "json") save(`${name}.json`, whole(scenario, answer, text), "application/json");
  else if (format === "png") save(`${name}.png`, await png(answer), "image/png");
  else save(`${name}-${format}.${ENDING[format] || format}`, await post(`report/${format}?kind=${kindOf(scenario)}`, scenario), "text/plain");
}
