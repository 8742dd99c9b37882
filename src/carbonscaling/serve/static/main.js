// The page: one scenario, asked again whenever it changes; at most one question is under way.
import { catalogue, post, Refused } from "./api.js";
import { openSources, showEvidence, showRegions, showSources } from "./beside.js";
import { showComparison } from "./compare.js";
import { knowCurve, placeOnCurve, showCurve, stale } from "./curve.js";
import { by, h, hideTip } from "./dom.js";
import { download, FORMATS, nameMaker } from "./download.js";
import { forgetFiles, watchFiles } from "./files.js";
import { fillForm, readScenario, showDefaults, showScenario, typedEarly, uploadedName, watchForm } from "./form.js";
import { know, showAnswer, showError } from "./panels.js";
import { buildQuestions, forgetQuestions } from "./questions.js";
import { decode, encode, FIRST, kindOf } from "./scenario.js";

const now = { scenario: FIRST, answer: null, text: "" };
let kept = null;
let asking = false;
let again = false;
let timer = 0;
let later = null;
let since = 0;
let wrong = null;

const DEBOUNCE = { typing: 250, sliding: 25, beside: 350 };
const failed = (error) => { if (error.name !== "AbortError") showError(error instanceof Refused ? error.error : { problem: "the page failed", value: error.message }); };
const status = (text) => { by("status").textContent = text; };

function remember() {
  const vs = kept ? `&vs=${encodeURIComponent(encode(kept.scenario))}` : "";
  history.replaceState(null, "", `#${encode(now.scenario)}${vs}`);
}

async function solve(scenario) {
  const text = await post(kindOf(scenario), scenario);
  return { scenario, text, answer: JSON.parse(text) };
}

function compare() {
  const same = (run) => () => { kept = null; if (run) { run(); } compare(); remember(); };
  showComparison(kept, now, same(), () => { const other = now.scenario; const mine = kept; kept = { scenario: other, answer: now.answer }; show(mine.scenario); });
  by("pin").setAttribute("aria-pressed", String(Boolean(kept)));
}

async function beside() {
  later?.abort();
  later = new AbortController();
  if (!now.answer?.feasible) return;
  const { scenario, answer } = now;
  const kind = `?kind=${kindOf(scenario)}`;
  const ask = async (path) => JSON.parse(await post(path + kind, scenario, later.signal));
  try {
    showRegions(await ask("regions"), (region) => change({ region, carbon_intensity_g_per_kwh: undefined }));
    showEvidence(await ask("evidence"));
    showSources(await ask("sources"), answer);
    if (stale(now, now.curved)) {
      showCurve(await ask("curve"), now, change);
      now.curved = scenario;
    }
    document.body.dataset.settled = String(Number(document.body.dataset.settled || 0) + 1);
  } catch (error) { failed(error); }
}

function draw() {
  hideTip();
  showAnswer(now.answer, change);
  showDefaults(now.answer, now.scenario);
  placeOnCurve(now);
  forgetFiles(now);
  forgetQuestions(now);
  if (wrong) showError(wrong);
  compare();
  remember();
  document.body.dataset.redraws = String(Number(document.body.dataset.redraws || 0) + 1);
  if (since) { status(`answered in ${Math.round(performance.now() - since)} ms`); document.body.dataset.took = String(performance.now() - since); }
  clearTimeout(timer);
  timer = setTimeout(beside, DEBOUNCE.beside);
}

async function ask() {
  if (asking) { again = true; return; }
  asking = true;
  document.body.classList.add("busy");
  do {
    again = false;
    for (const input of document.querySelectorAll("form [aria-invalid]")) input.removeAttribute("aria-invalid");
    try {
      Object.assign(now, await solve(now.scenario));
      draw();
    } catch (error) { failed(error); }
  } while (again);
  asking = false;
  document.body.classList.remove("busy");
}

function changed(sliding) {
  const read = readScenario();
  clearTimeout(changed.timer);
  wrong = read.wrong.length ? { problem: "not a number", key: read.wrong[0], remedy: "write a number such as 15.6T, 2e12 or 16,384" } : null;
  if (wrong) { showError(wrong); return; }
  const { scenario } = read;
  since = performance.now();
  changed.timer = setTimeout(() => { now.scenario = scenario; ask(); }, sliding ? DEBOUNCE.sliding : DEBOUNCE.typing);
}

function show(scenario) {
  clearTimeout(changed.timer);
  wrong = null;
  now.scenario = JSON.parse(JSON.stringify(scenario));
  showScenario(now.scenario);
  since = performance.now();
  return ask();
}

const change = (values) => show({ ...now.scenario, ...values });

async function fromLink() {
  const found = decode(location.hash);
  kept = null;
  if (found?.other) { try { kept = await solve(found.other); } catch (error) { failed(error); } }
  await show(found?.scenario || FIRST);
}

function wire() {
  watchForm(changed, showError);
  watchFiles(failed);
  by("format").replaceChildren(...FORMATS.map(([value, words]) => h("option", { value }, words)));
  by("download").addEventListener("click", () => {
    if (now.answer) download(by("format").value, { ...now, uploaded: uploadedName() }).catch(failed);
  });
  by("print").addEventListener("click", () => window.print());
  by("pin").addEventListener("click", () => { kept = now.answer ? { scenario: now.scenario, answer: now.answer } : null; compare(); remember(); });
  by("share").addEventListener("click", async () => {
    remember();
    try { await navigator.clipboard.writeText(location.href); status("link copied"); } catch { status("the address bar holds the link"); }
  });
  for (const button of document.querySelectorAll("button.from")) button.addEventListener("click", () => openSources(button.dataset.group));
  window.addEventListener("hashchange", fromLink);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    clearTimeout(wire.timer);
    wire.timer = setTimeout(() => { if (window.innerWidth !== width && now.answer) { width = window.innerWidth; now.curved = null; draw(); } }, 150);
  });
}

async function begin() {
  wire();
  const known = catalogue();
  const first = decode(location.hash) ? null : solve(FIRST).catch(() => null);
  try {
    const names = await known;
    fillForm(names);
    know(names);
    knowCurve(names);
    nameMaker(names);
    buildQuestions(names, failed);
    by("accuracy").textContent = names.accuracy;
  } catch (error) { failed(error); return; }
  if (!first) { await fromLink(); return; }
  const typed = typedEarly();
  showScenario(FIRST);
  if (typed) { changed(false); return; }
  const answered = await first;
  if (!answered) { await ask(); return; }
  Object.assign(now, answered);
  draw();
}

begin();
