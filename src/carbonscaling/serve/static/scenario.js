// A scenario as a link, and as TOML.
export const FIRST = { model: "llama-3.1-405b", tokens: 15.6e12, device: "h100-sxm" };
export const kindOf = (scenario) => (scenario.devices || (scenario.layout?.tp && scenario.layout.pp && scenario.layout.dp) ? "estimate" : "plan");
const NUMBERS = new Set(["tokens", "target_loss", "compute", "d_model", "devices", "max_devices", "nic_gbps", "max_days", "batch", "seq_len",
  "carbon_intensity_g_per_kwh", "pue", "lifetime_years", "run_overhead", "price_usd_per_device_hour", "years_ahead"]);
const TABLES = ["layout", "boundary"];

const packed = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const unpacked = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));

export function encode(scenario) {
  const flat = new URLSearchParams();
  for (const [key, value] of Object.entries(scenario)) {
    if (value === null || value === undefined || value === "") continue;
    if (key === "model" && typeof value === "object") flat.set("config", packed(value));
    else if (typeof value === "object") for (const [inner, v] of Object.entries(value)) flat.set(`${key}.${inner}`, v);
    else flat.set(key, value);
  }
  return flat.toString();
}

const read = (key, text) => {
  if (text === "true" || text === "false") return text === "true";
  const value = Number(text);
  return (NUMBERS.has(key) || TABLES.some((t) => key.startsWith(`${t}.`))) && text.trim() && Number.isFinite(value) ? value : text;
};

/** Return the scenario of a link, and the one it is compared with; null where the link holds none. */
export function decode(hash) {
  const flat = new URLSearchParams(hash.replace(/^#/, ""));
  const scenario = {};
  let other = null;
  for (const [key, text] of flat) {
    const [table, inner] = key.split(".");
    if (key === "vs") other = decode(text)?.scenario || null;
    else if (key === "config") { try { scenario.model = unpacked(text); } catch { scenario.model = "unreadable"; } }
    else if (inner && TABLES.includes(table)) (scenario[table] ||= {})[inner] = read(key, text);
    else scenario[key] = read(key, text);
  }
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
