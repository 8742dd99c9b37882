// The plan as files for training software, and as a picture of its pipeline; made when somebody asks.
import { post } from "./api.js";
import { by, h, put } from "./dom.js";
import { kindOf } from "./scenario.js";

const NAMES = { megatron: "Megatron-LM", "megatron-bridge": "Megatron Bridge", torchtitan: "TorchTitan", deepspeed: "DeepSpeed", maxtext: "MaxText", simai: "SimAI (simulator)", trace: "Trace for Perfetto", svg: "Picture (SVG)" };
const ENDING = { megatron: "sh", "megatron-bridge": "txt", torchtitan: "toml", deepspeed: "json", maxtext: "yml", simai: "txt", trace: "json", svg: "svg" };
let run = null;
let fail = () => {};
let address = "";

const make = (format) => post(`launch/${format}?kind=${kindOf(run.scenario)}`, run.scenario);

async function shown(id, format, show) {
  const asked = run;
  put(id, h("p", { class: "note" }, "…"));
  try {
    const text = await make(format);
    if (asked === run) put(id, show(text));
  } catch (error) {
    const { problem, remedy } = error.error || {};
    if (!problem) { fail(error); return; }
    put(id, h("p", { class: "note" }, `${problem}${remedy ? `. What would help: ${remedy}` : ""}.`));
  }
}

function picture(text) {
  URL.revokeObjectURL(address);
  address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Picture of the pipeline" },
    h("img", { class: "pipeline", src: address, alt: "The pipeline on the clock, where a step’s time goes, and which ranks lie where; the panels above say the same in words and numbers." }));
}

const file = (text) => h("pre", { tabindex: "0", role: "region", "aria-label": `Settings for ${NAMES[by("launch").value]}` }, text);

function refresh() {
  if (by("pipeline-box").open) shown("pipeline", "svg", picture);
  if (by("launch-box").open) shown("launch-text", by("launch").value, file);
}

/** A new answer: what is open is made anew, what is not, when it is opened. */
export function forgetFiles({ scenario, answer }) {
  by("files").hidden = !answer.feasible;
  if (!answer.feasible) return;
  run = { scenario };
  put("pipeline");
  put("launch-text");
  refresh();
}

export function nameFormats(formats) {
  by("launch").replaceChildren(...formats.filter((name) => name !== "svg").map((name) => h("option", { value: name }, NAMES[name] || name)));
}

export function watchFiles(failed) {
  fail = failed;
  for (const id of ["pipeline-box", "launch-box"]) by(id).addEventListener("toggle", () => { if (run && by(id).open) refresh(); });
  by("launch").addEventListener("change", refresh);
  by("launch-save").addEventListener("click", () => {
    const anchor = h("a", { href: URL.createObjectURL(new Blob([by("launch-text").textContent], { type: "text/plain" })), download: `launch-${by("launch").value}.${ENDING[by("launch").value] || "txt"}` });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
  });
}
