// A scenario as a link, and as TOML.
export const FIRST = { model: "llama-3.1-405b", tokens: 15.6e12, device: "h100-sxm" };
export const kindOf = (scenario) => (scenario.devices || (scenario.layout?.tp && scenario.layout.pp && scenario.layout.dp) ? "estimate" : "plan");
const NUMBERS = new Set(["tokens", "target_loss", "compute", "d_model", "devices", "max_devices", "nic_gbps", "max_days", "batch", "seq_len",
  "carbon_intensity_g_per_kwh", "pue", "lifetime_years", "run_overhead", "price_usd_per_device_hour", "years_ahead", "budget_usd",
  "budget_carbon", "budget_energy", "power_limit", "memory_margin"]);
const TABLES = ["layout", "boundary", "software", "contracts"];

const packed = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const unpacked = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));

/** Every value of a scenario by its name, those of tables behind the table's; an uploaded model stays whole. */
export function flat(scenario) {
  const known = Object.entries(scenario).flatMap(([key, value]) => (TABLES.includes(key) && value ? Object.entries(value).map(([inner, v]) => [`${key}.${inner}`, v]) : [[key, value]]));
  return Object.fromEntries(known.filter(([, value]) => value !== null && value !== undefined && value !== ""));
}

/** The scenario whose values these are. */
export function nested(values) {
  const scenario = {};
  for (const [name, value] of Object.entries(values)) {
    const [table, inner] = name.split(".");
    if (inner && TABLES.includes(table)) (scenario[table] ||= {})[inner] = value; else scenario[name] = value;
  }
  return scenario;
}

export function encode(scenario) {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(flat(scenario))) {
    if (key === "model" && typeof value === "object") words.set("config", packed(value)); else words.set(key, value);
  }
  return words.toString();
}

const read = (key, text) => {
  if (text === "true" || text === "false") return text === "true";
  const value = Number(text);
  return (NUMBERS.has(key) || TABLES.some((t) => key.startsWith(`${t}.`))) && text.trim() && Number.isFinite(value) ? value : text;
};

/** Return the scenario of a link, and the one it is compared with; null where the link holds none. */
export function decode(hash) {
  const values = {};
  let other = null;
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (key === "vs") other = decode(text)?.scenario || null;
    else if (key === "config") { try { values.model = unpacked(text); } catch { values.model = "unreadable"; } }
    else values[key] = read(key, text);
  }
  const scenario = nested(values);
  return Object.keys(scenario).length ? { scenario, other } : null;
}

const tomlValue = (value) => (typeof value === "string" ? JSON.stringify(value) : String(value));

export function toml(scenario, name) {
  const lines = [`# carbonscaling ${kindOf(scenario)} scenario.toml`];
  for (const [key, value] of Object.entries(scenario)) {
    if (key === "model" && typeof value === "object") lines.push("# the uploaded file, beside this one", `model = "${name}/config.json"`);
    else if (typeof value !== "object") lines.push(`${key} = ${tomlValue(value)}`);
  }
  for (const table of TABLES) {
    const rows = Object.entries(scenario[table] || {});
    if (rows.length) lines.push("", `[${table}]`, ...rows.map(([key, value]) => `${key} = ${tomlValue(value)}`));
  }
  return `${lines.join("\n")}\n`;
}
