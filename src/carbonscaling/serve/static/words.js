// Numbers as people say them: three digits and a unit of a fitting size; the same words as the command line's.
const MASS = [[1e6, "MtCO₂e"], [1e3, "ktCO₂e"], [1, "tCO₂e"], [1e-3, "kgCO₂e"], [1e-6, "gCO₂e"]];
const ENERGY = [[1e9, "TWh"], [1e6, "GWh"], [1e3, "MWh"], [1, "kWh"], [1e-3, "Wh"]];
const BYTES = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]];
const COUNT = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"], [1, ""]];
const MONEY = [[1e9, " bn$"], [1e6, " M$"], [1e3, " k$"], [1, " $"]];

export function plain(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-3)) return value.toExponential(2);
  if (size >= 99.95) return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(3)));
}

export const unitOf = (units, value) => units.find(([size]) => Math.abs(value) >= 0.9995 * size) || (value ? units.at(-1) : units.find(([size]) => size === 1));
const say = (units, value, gap = " ") => {
  if (value === null || value === undefined) return "–";
  const [size, unit] = unitOf(units, value);
  return `${plain(value / size)}${unit ? gap + unit : ""}`;
};

export const massUnit = (tonnes) => (tonnes >= 1 && tonnes < 1e5 ? [1, "tCO₂e"] : unitOf(MASS, tonnes));
export const mass = (tonnes) => (tonnes === null ? "–" : `${plain(tonnes / massUnit(tonnes)[0])} ${massUnit(tonnes)[1]}`);
/** Two masses, the less first, in the unit of the larger. */
export function masses(a, b) {
  const [size, unit] = massUnit(Math.max(a, b));
  return `${plain(Math.min(a, b) / size)} to ${plain(Math.max(a, b) / size)} ${unit}`;
}
export const energyUnit = (kwh) => unitOf(ENERGY, kwh);
export const energy = (kwh) => say(ENERGY, kwh);
const SECONDS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
export const seconds = (value) => say(SECONDS, value);
export const bytes = (value) => say(BYTES, value);
export const count = (value) => say(COUNT, value, "");
export const money = (usd) => say(MONEY, usd, "");
export const percent = (share) => (share > 0 && share < 0.0005 ? "<0.1 %" : share >= 0.0995 || share <= 0 ? `${Math.round(100 * share)} %` : `${(100 * share).toFixed(1)} %`);
export const whole = (value) => Math.round(value).toLocaleString("en-US");
export const named = (key) => key.replaceAll("_", " ");

export function duration(days) {
  const s = days * 86400;
  if (days >= 3 * 365.25) return `${plain(days / 365.25)} years`;
  if (days >= 2) return `${plain(days)} days`;
  if (s >= 7200) return `${plain(s / 3600)} hours`;
  if (s >= 120) return `${plain(s / 60)} min`;
  return s >= 1 ? `${plain(s)} s` : `${plain(1000 * s)} ms`;
}

export const between = (pair, factor = 1) => `${plain(pair[0] * factor)} to ${plain(pair[1] * factor)}`;

const SUFFIX = { "": 1, k: 1e3, K: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };

/** Read a number as people write it: 15.6T, 16,384, 2e12; undefined where it is none, as 0,5 and 512,1024 are. */
export function number(text) {
  const found = /^([+-]?(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)\.?\d*|\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKMBGTPE]?)$/.exec(text.trim());
  if (!found) return undefined;
  const value = Number(found[1].replace(/[,_]/g, "")) * SUFFIX[found[2]];
  return Number.isFinite(value) ? value : undefined;
}
