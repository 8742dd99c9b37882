// Charts drawn as SVG at their own size: every point can be hovered, focused and, where it helps, chosen.
import { described, h, hideTip, nearest, roving, svg } from "./dom.js";
import { term } from "./terms.js";
import { percent, plain } from "./words.js";

export const PAD = { left: 58, right: 14, top: 10, bottom: 34 };

const tick = (v) => (Math.abs(v) >= 1e6 ? v.toExponential(0).replace("e+", "e") : plain(v));

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

/** Places of values between two ends, with some air; `low` and `high` are what the ends stand for. */
export function scale(values, from, to, log) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) { low /= 1.08; high *= 1.08; } else { const pad = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1; low = Math.max(0, low - pad); high += pad; }
  const t = log ? Math.log : (v) => v;
  const place = (v) => from + ((t(v) - t(low)) / (t(high) - t(low) || 1)) * (to - from);
  return Object.assign(place, { low, high, log });
}

/** Rules and numbers of a chart's axes; `few` is the most numbers upward. */
export function axes({ x, y, width, height, top, xTitle, yTitle, few = 5 }) {
  const parts = [];
  const across = ticks(y.low, y.high, few, y.log);
  const each = Math.ceil(across.length / (few + 2));
  for (const v of across.filter((_, i) => i % each === 0)) {
    parts.push(svg("line", { class: "rule", x1: PAD.left, x2: width - PAD.right, y1: y(v), y2: y(v) }));
    parts.push(svg("text", { x: PAD.left - 6, y: y(v) + 4, "text-anchor": "end" }, tick(v)));
  }
  if (xTitle) {
    let last = -Infinity;
    for (const v of ticks(x.low, x.high, width / 90, x.log)) {
      if (x(v) - last < 44) continue;
      last = x(v);
      parts.push(svg("text", { x: x(v), y: top + height - PAD.bottom + 16, "text-anchor": "middle" }, tick(v)));
    }
    parts.push(svg("text", { x: width - PAD.right, y: top + height - 3, "text-anchor": "end" }, xTitle));
  }
  parts.push(svg("text", { x: PAD.left, y: top + PAD.top + 2 }, yTitle));
  parts.push(svg("line", { class: "axis", x1: PAD.left, x2: width - PAD.right, y1: top + height - PAD.bottom, y2: top + height - PAD.bottom }));
  return parts;
}

function point(x, y, name, words, act, r = 5) {
  const attributes = act
    ? { role: "button", onkeydown: (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); act(); } } }
    : { role: "img" };
  const shape = svg("g", { class: "point", ...attributes }, svg("circle", { class: name, cx: x, cy: y, r }));
  return described(Object.assign(shape, { act }), words);
}

/** The corners of a front: rows that no other beats in days and `key` at once, the fastest first. */
function corners(rows, key) {
  const found = [];
  for (const row of [...rows].sort((a, b) => a.days - b.days || a[key] - b[key])) if (!found.length || row[key] < found.at(-1)[key]) found.push(row);
  return found;
}

/** One front: a stair with what nothing reaches shaded below it; points that another beats here, though not in all, are small. */
function stair({ rows, key, x, top, height, width, title, xTitle, money, pick }) {
  const y = scale(rows.map((row) => row[key]), top + height - PAD.bottom - 8, top + PAD.top + 16, false);
  const floor = top + height - PAD.bottom;
  const front = corners(rows, key);
  const steps = front.map((row, i) => `${i ? `H${x(row.days)}V${y(row[key])}` : `M${x(row.days)} ${top + PAD.top + 8}V${y(row[key])}`}`).join("");
  const line = `${steps}H${width - PAD.right}`;
  const parts = [svg("path", { class: "out", d: `${line}V${floor}H${PAD.left}V${top + PAD.top + 8}Z` }), ...axes({ x, y, width, height, top, xTitle, yTitle: title }), svg("path", { class: "joined", d: line })];
  const points = [...rows].sort((a, b) => a.days - b.days).map((row) => point(x(row.days), y(row[key]), `dot ${money ? "money" : ""} ${row.here ? "here" : ""}`, row.words, () => pick(row), front.includes(row) || row.here ? 6 : 3.5));
  let last = Infinity;
  for (const row of [...front].reverse()) {
    if (last - x(row.days) < 52) continue;
    last = x(row.days);
    parts.push(svg("text", { class: "name", ...(x(row.days) > width - 75 ? { x: x(row.days) - 9, y: y(row[key]) + 13, "text-anchor": "end" } : { x: x(row.days) + 5, y: y(row[key]) - 9 }) }, row.name));
  }
  return { parts, points };
}

/** Run time against carbon and, below, against cost; `rows` have days, carbon, cost, words, name, here. */
export function front(width, rows, pick) {
  const priced = rows.filter((row) => row.cost !== null);
  const heights = priced.length ? [225, 220] : [330, 0];
  const days = rows.map((row) => row.days);
  const x = scale(days, PAD.left, width - PAD.right, Math.max(...days) / Math.min(...days) > 6);
  const both = [stair({ rows, key: "carbon", x, top: 0, height: heights[0], width, title: "tCO₂e", xTitle: priced.length ? "" : "days", pick })];
  if (priced.length) both.push(stair({ rows: priced, key: "cost", x, top: heights[0], height: heights[1], width, title: "M$", xTitle: "days", money: true, pick }));
  const points = both.flatMap((one) => one.points);
  return nearest(svg("svg", { class: "picks", viewBox: `0 0 ${width} ${heights[0] + heights[1]}`, height: heights[0] + heights[1], role: "group", "aria-label": "Pareto front: run time against carbon and cost" }, both.flatMap((one) => one.parts), roving(points)), points);
}

/** Predicted against measured speed on logarithmic axes; `rows` have measured, predicted, low, high, words. */
export function scatter(width, rows) {
  const height = 300;
  const all = rows.flatMap((row) => [row.measured, row.predicted]);
  const x = scale(all, PAD.left, width - PAD.right, true);
  const y = scale(all, height - PAD.bottom, PAD.top + 14, true);
  const inside = (v) => Math.min(Math.max(v, y.low), y.high);
  const parts = axes({ x, y, width, height, top: 0, xTitle: "measured, tokens/s per device", yTitle: "predicted" });
  parts.push(svg("line", { class: "one", x1: x(x.low), y1: y(x.low), x2: x(x.high), y2: y(x.high) }));
  for (const row of rows) parts.push(svg("line", { class: "whisker", x1: x(row.measured), x2: x(row.measured), y1: y(inside(row.low)), y2: y(inside(row.high)) }));
  const points = rows.map((row) => point(x(row.measured), y(row.predicted), "dot", row.words));
  return nearest(svg("svg", { class: "small", viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": "Predicted against measured speed" }, parts, roving(points)), points);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A year as a table of colours, a row a month and a column an hour; `begin` (Oct 3, 05:00 UTC) is framed. */
export function hours(width, table, begin) {
  const [left, top, tall] = [34, 16, 14];
  const wide = (width - left) / 24;
  const flat = table.flat();
  const [least, most] = [Math.min(...flat), Math.max(...flat)];
  const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;
  const said = (row, value) => `${plain(value)} at ${clock(row.indexOf(value))}`;
  const rows = table.map((row, m) => {
    const cells = row.map((value, hour) => svg("rect", { class: "hour", x: left + hour * wide, y: top + m * tall, width: wide, height: tall, "fill-opacity": 0.06 + (0.94 * (value - least)) / (most - least || 1) }));
    const words = `${MONTHS[m]}: ${plain(row.reduce((sum, value) => sum + value, 0) / 24)} g/kWh in the mean\nleast ${said(row, Math.min(...row))}, most ${said(row, Math.max(...row))} UTC`;
    const one = described(svg("g", { class: "month", role: "img" }, svg("text", { x: 0, y: top + m * tall + 11 }, MONTHS[m]), cells), words);
    one.addEventListener("pointerenter", one.show);
    one.addEventListener("pointerleave", hideTip);
    return one;
  });
  const marks = [0, 6, 12, 18].map((hour) => svg("text", { x: left + hour * wide, y: 10 }, clock(hour)));
  const month = MONTHS.indexOf(begin.slice(0, 3));
  const at = /(\d\d):/.exec(begin);
  const frame = month < 0 ? [] : [svg("rect", { class: "begin", x: left + (at ? Number(at[1]) * wide : 0), y: top + month * tall, width: at ? wide : 24 * wide, height: tall })];
  const height = top + 12 * tall + 2;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Typical intensity by month and hour, ${plain(least)} to ${plain(most)} g/kWh` }, marks, roving(rows), frame);
}

/** Parts of a whole as horizontal bars; parts of nothing are left out. `parts` are [name, value, second?]. */
export function bars(parts, unit, whole, say = plain) {
  const sum = whole ?? parts.reduce((total, [, value]) => total + value, 0);
  const shown = parts.filter(([, value]) => value > 1e-5 * sum).sort((a, b) => b[1] - a[1]);
  const largest = Math.max(...shown.map(([, value]) => value), 1e-300);
  return shown.map(([name, value, second]) => h("div", { class: "bar" },
    h("span", null, term(name)), h("em", null, h("i", { class: second ? "second" : null, "width%": (100 * value) / (whole ?? largest) })),
    h("span", null, `${say(value)} ${unit}`.trim()), h("span", null, percent(value / sum))));
}

/** An interval as a line with its central value, on an axis that starts at nought. */
export function interval(name, low, value, high, most, text) {
  const at = (v) => Math.min(100, (100 * v) / most);
  return h("div", { class: "bar" }, h("span", null, name),
    h("div", { class: "range" }, h("b", { "left%": at(low), "width%": at(high) - at(low) }), h("u", { "left%": at(value) })),
    h("span", null, plain(value)), h("span", null, ""), h("span", { class: "hidden" }, text));
}
