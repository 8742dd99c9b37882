// The parts of the form that the catalogue describes: panels of fields, and choices as buttons.
import { by, h } from "./dom.js";

const PANELS = [
  ["Budget and date", [["budget_usd", "Most money, USD", "none"], ["budget_carbon", "Most carbon, tCO₂e", "none"], ["budget_energy", "Most energy, kWh", "none"], ["finish_by", "Finished by", ""]]],
  ["Batch and sequence", [["batch", "Batch, sequences", "searched"], ["batch_law", "Law of the batch", "none: searched"], ["seq_len", "Sequence length, tokens", "the model’s own"], ["sample_len", "Samples in a sequence, tokens each", "one: all attend"]]],
  ["What is trained", [["train", "Weights that are trained"], ["lora_rank", "Rank of the adapters"]]],
  ["What is counted", [["basis", "Carbon intensity is", "as published"], ["scope2", "Electricity by"], ["amortisation", "Embodied carbon shared by"], ["shared_hosts", "Hosts shared with others"],
    ["boundary.development", "Experiments before, × the run", "not counted"], ["boundary.failed_runs", "Failed runs, × the run", "not counted"], ["boundary.evaluation", "Evaluation, × the run", "not counted"],
    ["boundary.inference", "Use after, × the run", "not counted"], ["boundary.idle_reservation", "Reserved and idle, × its time", "not counted"]]],
  ["Software", [["stack", "Software stack", "what its maker has"], ["practice", "Open choices are"], ["pace", "Speed is"], ["software.optimizer", "Optimizer"], ["software.attention_kernel", "Attention"],
    ["software.compile", "Compiled"], ["software.cuda_graphs", "Captured graphs"], ["software.dp_overlap", "Gradients hidden behind passes"], ["software.tp_overlap", "Tensor traffic hidden, share", "the stack’s"],
    ["software.dispatcher", "Tokens get to experts by"], ["software.expert_overlap", "Expert traffic hidden"], ["software.zero3_gather", "ZeRO-3 collects by"], ["offload", "Held by the host"]]],
  ["Layout", [["layout.tp", "Tensor", "searched"], ["layout.pp", "Pipeline", "searched"], ["layout.dp", "Data", "searched"], ["layout.cp", "Context", "searched"], ["layout.ep", "Expert", "searched"],
    ["layout.vpp", "Chunks a stage", "searched"], ["layout.zero", "ZeRO stage", "searched"], ["layout.micro_batch", "Micro-batch", "searched"], ["layout.recompute", "Recomputation", "searched"], ["layout.schedule", "Schedule", "searched"]]],
  ["Search, price and power", [["space", "Rules of the search"], ["max_devices", "Most devices", "65,536"], ["price_usd_per_device_hour", "Price, USD per device-hour", "list price"], ["price_basis", "Shipped price"],
    ["power_limit", "Power limit of a device, W", "its rating"], ["run_overhead", "Run time over steady time", "as people report"]]],
];
const YEARS = [0, 1, 2, 3, 5, 10];
const SAID = { null: "as usual", none: "nothing", true: "yes", false: "no", best: "best", paper: "the papers’" };
const words = (value) => SAID[value] ?? String(value).replaceAll("_", " ");

export const PANEL_FIELDS = PANELS.flatMap(([, rows]) => rows.map(([name]) => name));
export const CHOICES = ["precision", "years_ahead"];

function control(name, known, placeholder, options) {
  const described = { id: name, name, "aria-describedby": `about-${name}` };
  const choices = options || (known.kind === "choice" ? known.choices : known.kind === "bool" ? [true, false] : null);
  if (choices) {
    const first = placeholder || words(known.default);
    return h("select", described, h("option", { value: "" }, first), choices.filter((c) => c !== known.default).map((c) => h("option", { value: String(c) }, words(c))));
  }
  const type = name === "finish_by" ? "date" : "text";
  const mode = { whole: "numeric", number: "decimal" }[known.kind];
  return h("input", { ...described, type, inputmode: mode || null, spellcheck: "false", placeholder: placeholder || (known.default ?? "") });
}

/** Build the panels; `listed` holds the names of fields whose choices the catalogue has elsewhere. */
export function buildPanels(fields, listed) {
  by("panels").replaceChildren(...PANELS.map(([title, rows]) => h("details", { class: "fields" },
    h("summary", null, title, h("span", { class: "count" })),
    rows.map(([name, label, placeholder]) => h("div", { class: "field" },
      h("label", { for: name, title: fields[name].meaning }, label), control(name, fields[name], placeholder, listed[name]),
      h("p", { class: "hint", id: `about-${name}` }, fields[name].meaning))))));
}

/** Say beside every panel's name how many of its fields are set, and open those that a link sets. */
export function countSet(values, open) {
  for (const panel of by("panels").children) {
    const n = [...panel.querySelectorAll("[name]")].filter((e) => values[e.name] !== undefined).length;
    panel.querySelector(".count").textContent = n ? ` · ${n} set` : "";
    if (n && open) panel.open = true;
  }
}

const radio = (name, value, text) => h("label", null, h("input", { type: "radio", name, value: String(value) }), h("span", null, text));
const SHOWN = { precision: (value) => value, years_ahead: (value) => (Number(value) ? `${value} y` : "today") };

/** Show a choice among buttons; a value that none of them has gets one. */
export function choose(name, value) {
  const group = by(name);
  const text = value === undefined ? "" : String(value);
  const found = () => [...group.querySelectorAll("input")].find((e) => e.value === text);
  if (!found()) group.append(radio(name, text, SHOWN[name](text)));
  found().checked = true;
}

export const chosen = (name) => {
  const { value } = by(name).querySelector("input:checked") || { value: "" };
  return value === "" ? undefined : name === "years_ahead" ? Number(value) || undefined : value;
};

export function buildChoices(precisions) {
  by("precision").replaceChildren(radio("precision", "", "as usual"), ...precisions.map((name) => radio("precision", name, name)));
  by("years_ahead").replaceChildren(radio("years_ahead", "", "today"), ...YEARS.slice(1).map((n) => radio("years_ahead", n, SHOWN.years_ahead(n))));
  for (const name of CHOICES) choose(name, undefined);
}
