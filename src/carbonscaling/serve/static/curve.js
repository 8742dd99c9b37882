// Loss and carbon over compute, along a scaling law; the point on it can be moved.
import { axes, PAD, scale } from "./charts.js";
import { by, h, put, svg } from "./dom.js";
import { flat } from "./scenario.js";
import * as w from "./words.js";

const HEIGHTS = [150, 190];
const FREE = new Set(["compute", "devices", "batch"]);
const POINT = new Set(["model", "tokens", "target_loss", "law"]);
let usual = "";
let data = null;
let here = null;
let marks = null;

export const knowCurve = (catalogue) => { usual = catalogue.usual_law; };

const kept = (scenario, free) => JSON.stringify(Object.entries(flat(scenario)).filter(([key]) => !free(key)).sort());
/** What the curve depends on: the machine, the place and the law. */
const machine = (scenario) => (scenario.law || usual) + kept(scenario, (key) => FREE.has(key) || POINT.has(key) || key.startsWith("layout."));
/** What the point depends on too, where it does not follow a compute. */
const subject = (scenario) => (scenario.compute ? "" : kept(scenario, (key) => !POINT.has(key)));

/** Whether the curve drawn holds no longer, or the service has to say where the point is. */
export const stale = ({ scenario }, before) => !before || machine(scenario) !== machine(before) || Boolean(subject(scenario) && subject(scenario) !== subject(before));

const described = (at) => [`${w.plain(at.compute)} FLOP`, at.loss === null ? null : `loss ${w.plain(at.loss)}`, w.mass(at.carbon)].filter(Boolean).join(", ");
const stateOf = (now, compute, loss) => ({ compute, loss, carbon: now.answer.summary.carbon_total_tco2e, model: now.scenario.model });

/** Put the point where the answer is; the curve stays. */
export function placeOnCurve(now) {
  if (!marks || !now.answer?.feasible || stale(now, now.curved)) return;
  const { compute } = now.scenario;
  here = stateOf(now, compute || here.compute, compute ? now.answer.summary.loss : here.loss);
  mark();
}

function mark() {
  const { x, y, slider, words } = marks;
  const at = x(here.compute);
  marks.line.setAttribute("x1", at);
  marks.line.setAttribute("x2", at);
  for (const [dot, place, value] of [[marks.loss, y.loss, here.loss], [marks.carbon, y.carbon, here.carbon]]) {
    dot.setAttribute("cx", at);
    dot.setAttribute("cy", value === null ? -99 : place(value));
  }
  slider.value = Math.log10(here.compute);
  slider.setAttribute("aria-valuetext", described(here));
  words.textContent = `Here: ${described(here)}.${here.model && here.loss !== null ? " The point lies above the line or on it: the law would spend this model’s compute on another size." : ""}`;
}

const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");

function drawn(width) {
  const rows = data.rows.filter((row) => row.carbon_total_tco2e !== null);
  const compute = [...rows.map((row) => row.compute), here.compute];
  const x = scale(compute, PAD.left, width - PAD.right, true);
  const losses = [...rows.map((row) => row.loss), ...(here.loss === null ? [] : [here.loss])];
  const carbon = [...rows.flatMap((row) => [row.carbon_low_tco2e, row.carbon_high_tco2e]), here.carbon];
  const y = { loss: scale(losses, HEIGHTS[0] - 16, PAD.top + 14, false), carbon: scale(carbon, HEIGHTS[0] + HEIGHTS[1] - PAD.bottom, HEIGHTS[0] + PAD.top + 14, true) };
  const parts = [
    ...axes({ x, y: y.loss, width, height: HEIGHTS[0] + PAD.bottom - 16, top: 0, xTitle: "", yTitle: "loss, nats a token", few: 4 }),
    ...axes({ x, y: y.carbon, width, height: HEIGHTS[1], top: HEIGHTS[0], xTitle: "training FLOP", yTitle: "tCO₂e", few: 4 }),
    svg("path", { class: "band", d: `${path([...rows.map((row) => [x(row.compute), y.carbon(row.carbon_high_tco2e)]), ...rows.toReversed().map((row) => [x(row.compute), y.carbon(row.carbon_low_tco2e)])])}Z` }),
    svg("path", { class: "law", d: path(rows.map((row) => [x(row.compute), y.loss(row.loss)])) }),
    svg("path", { class: "law", d: path(rows.map((row) => [x(row.compute), y.carbon(row.carbon_total_tco2e)])) }),
  ];
  const line = svg("line", { class: "handle", y1: PAD.top, y2: HEIGHTS[0] + HEIGHTS[1] - PAD.bottom });
  const [loss, dot] = [0, 1].map(() => svg("circle", { class: "dot here", r: 7 }));
  const chart = svg("svg", { class: "drag", viewBox: `0 0 ${width} ${HEIGHTS[0] + HEIGHTS[1]}`, height: HEIGHTS[0] + HEIGHTS[1], role: "img",
    "aria-label": `Loss and carbon over compute by ${data.title}; ${described(here)}` }, parts, line, loss, dot);
  const ends = [Math.log10(x.low), Math.log10(x.high)];
  return { chart, x, y, line, loss, carbon: dot, ends };
}

function dragged(chart, slider, width) {
  let held = false;
  const move = (event) => {
    if (!held) return;
    const box = chart.getBoundingClientRect();
    const share = ((event.clientX - box.left) * (width / box.width) - PAD.left) / (width - PAD.left - PAD.right);
    const [low, high] = [Number(slider.min), Number(slider.max)];
    slider.value = Math.min(high, Math.max(low, low + share * (high - low)));
    slider.dispatchEvent(new Event("input"));
  };
  chart.addEventListener("pointerdown", (event) => { held = true; chart.setPointerCapture(event.pointerId); move(event); });
  chart.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) chart.addEventListener(name, () => { held = false; });
}

/** Draw the curve; without `found` that of before. `change` asks anew for a point of it. */
export function showCurve(found, now, change) {
  if (found) data = found;
  if (!data?.law || data.rows.every((row) => row.carbon_total_tco2e === null)) {
    marks = null;
    put("curve", h("p", { class: "note" }, "A scaling law says nothing of what is trained here, or nothing of it can be planned on this machine."));
    return;
  }
  if (found || !here) here = stateOf(now, found.here.compute, found.here.loss);
  const width = Math.max(260, by("curve").clientWidth);
  const made = drawn(width);
  const slider = h("input", { type: "range", id: "curve-at", min: made.ends[0], max: made.ends[1], step: "0.02", "aria-label": "Compute of the training" });
  const words = h("p", { class: "note", "aria-live": "polite" });
  let timer = 0;
  slider.addEventListener("input", () => {
    const compute = Number((10 ** Number(slider.value)).toPrecision(3));
    made.line.setAttribute("x1", made.x(compute));
    made.line.setAttribute("x2", made.x(compute));
    words.textContent = `${w.plain(compute)} FLOP: asked…`;
    clearTimeout(timer);
    timer = setTimeout(() => change({ model: undefined, tokens: undefined, target_loss: undefined, devices: undefined, law: data.law, compute }), 60);
  });
  dragged(made.chart, slider, width);
  marks = { ...made, slider, words };
  put("curve", made.chart, slider, words,
    h("p", { class: "note" }, `${data.title}. Each point is planned anew on this machine, its count open, by the same deadline and aim; the band is the 90 % interval. Move the point to ask for another compute.`));
  mark();
}
