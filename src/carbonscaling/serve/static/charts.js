// Charts drawn as SVG at their own size: every point can be hovered, focused and, where it helps, chosen.
import { described, h, nearest, roving, svg } from "./dom.js";
import { percent, plain } from "./words.js";

const PAD = { left: 58, right: 14, top: 10, bottom: 34 };

function ticks(low, high, n, log) {
  if (log) {
    const found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
      for (const m of high / low > 300 ? [1] : high / low > 20 ? [1, 3] : [1, 2, 5]) {
        const v = m * 10 ** e;
        if (v >= low * 0.999 && v <= high * 1.001) found.push(v);
      }
    }
    if (found.length > 1) return found;
  }
  const raw = (high - low) / n || 1;
  const base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * base >= raw) * base;
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) found.push(v);
  return found;
}

function scale(values, from, to, log) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) { low /= 1.08; high *= 1.08; } else { const pad = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1; low = Math.max(0, low - pad); high += pad; }
  const t = log ? Math.log : (v) => v;
  const place = (v) => from + ((t(v) - t(low)) / (t(high) - t(low) || 1)) * (to - from);
  return Object.assign(place, { low, high, log });
}

function axes(x, y, width, height, top, xTitle, yTitle) {
  const parts = [];
  for (const v of ticks(y.low, y.high, 5, y.log)) {
    parts.push(svg("line", { class: "rule", x1: PAD.left, x2: width - PAD.right, y1: y(v), y2: y(v) }));
    parts.push(svg("text", { x: PAD.left - 6, y: y(v) + 4, "text-anchor": "end" }, plain(v)));
  }
  if (xTitle) {
    let last = -Infinity;
    for (const v of ticks(x.low, x.high, width / 90, x.log)) {
      if (x(v) - last < 44) continue;
      last = x(v);
      parts.push(svg("text", { x: x(v), y: top + height - PAD.bottom + 16, "text-anchor": "middle" }, plain(v)));
    }
    parts.push(svg("text", { x: width - PAD.right, y: top + height - 4, "text-anchor": "end" }, xTitle));
  }
  parts.push(svg("text", { x: PAD.left, y: top + PAD.top + 2 }, yTitle));
  parts.push(svg("line", { class: "axis", x1: PAD.left, x2: width - PAD.right, y1: top + height - PAD.bottom, y2: top + height - PAD.bottom }));
  return parts;
}

function point(x, y, name, words, act) {
  const attributes = act
    ? { role: "button", onkeydown: (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); act(); } } }
    : { role: "img" };
  const shape = svg("g", { class: "point", ...attributes }, svg("circle", { class: name, cx: x, cy: y, r: 5 }));
  return described(Object.assign(shape, { act }), words);
}

/** Run time against carbon and, below, against cost; `rows` have days, carbon, cost, words, here. */
export function front(width, rows, pick) {
  const priced = rows.filter((row) => row.cost !== null);
  const heights = priced.length ? [170, 150] : [300, 0];
  const days = rows.map((row) => row.days);
  const x = scale(days, PAD.left, width - PAD.right, Math.max(...days) / Math.min(...days) > 6);
  const parts = [];
  const points = [];
  const draw = (list, key, top, height, title, xTitle, extra) => {
    const y = scale(list.map((row) => row[key]), top + height - PAD.bottom - 8, top + PAD.top + 14, false);
    parts.push(...axes(x, y, width, height, top, xTitle, title));
    const sorted = [...list].sort((a, b) => a.days - b.days);
    parts.push(svg("polyline", { class: "joined", points: sorted.map((row) => `${x(row.days)},${y(row[key])}`).join(" ") }));
    for (const row of list) points.push(point(x(row.days), y(row[key]), `dot ${extra} ${row.here ? "here" : ""}`, row.words, () => pick(row)));
  };
  draw(rows, "carbon", 0, heights[0], "tCO₂e", priced.length ? "" : "days", "");
  if (priced.length) draw(priced, "cost", heights[0], heights[1], "M$", "days", "money");
  return nearest(svg("svg", { class: "picks", viewBox: `0 0 ${width} ${heights[0] + heights[1]}`, height: heights[0] + heights[1], role: "group", "aria-label": "Pareto front: run time against carbon and cost" }, parts, roving(points)), points);
}

/** Predicted against measured speed on logarithmic axes; `rows` have measured, predicted, low, high, words. */
export function scatter(width, rows) {
  const height = 300;
  const all = rows.flatMap((row) => [row.measured, row.predicted]);
  const x = scale(all, PAD.left, width - PAD.right, true);
  const y = scale(all, height - PAD.bottom, PAD.top + 14, true);
  const inside = (v) => Math.min(Math.max(v, y.low), y.high);
  const parts = axes(x, y, width, height, 0, "measured, tokens/s per device", "predicted");
  parts.push(svg("line", { class: "one", x1: x(x.low), y1: y(x.low), x2: x(x.high), y2: y(x.high) }));
  for (const row of rows) parts.push(svg("line", { class: "whisker", x1: x(row.measured), x2: x(row.measured), y1: y(inside(row.low)), y2: y(inside(row.high)) }));
  const points = rows.map((row) => point(x(row.measured), y(row.predicted), "dot", row.words));
  return nearest(svg("svg", { class: "small", viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": "Predicted against measured speed" }, parts, roving(points)), points);
}

/** Parts of a whole as horizontal bars; parts of nothing are left out. `parts` are [name, value, second?]. */
export function bars(parts, unit, whole, say = plain) {
  const sum = whole ?? parts.reduce((total, [, value]) => total + value, 0);
  const shown = parts.filter(([, value]) => value > 1e-5 * sum).sort((a, b) => b[1] - a[1]);
  const largest = Math.max(...shown.map(([, value]) => value), 1e-300);
  return shown.map(([name, value, second]) => h("div", { class: "bar" },
    h("span", null, name), h("em", null, h("i", { class: second ? "second" : null, "width%": (100 * value) / (whole ?? largest) })),
    h("span", null, `${say(value)} ${unit}`.trim()), h("span", null, percent(value / sum))));
}

/** An interval as a line with its central value, on an axis that starts at nought. */
export function interval(name, low, value, high, most, text) {
  const at = (v) => Math.min(100, (100 * v) / most);
  return h("div", { class: "bar" }, h("span", null, name),
    h("div", { class: "range" }, h("b", { "left%": at(low), "width%": at(high) - at(low) }), h("u", { "left%": at(value) })),
    h("span", null, plain(value)), h("span", null, ""), h("span", { class: "hidden" }, text));
}
