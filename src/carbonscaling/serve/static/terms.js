// What a term means, where it stands: on hover, on focus, on a tap.
import { h, hideTip, showTip } from "./dom.js";

let glossary = new Map();

export function knowTerms(entries) {
  glossary = new Map(Object.entries(entries).map(([name, meaning]) => [name.toLowerCase(), meaning]));
}

const meaningOf = (name) => glossary.get(name.toLowerCase()) || glossary.get(name.toLowerCase().replace(/s$/, ""));

/** Give words a meaning to be asked for; they become one stop of the keyboard. */
function explained(words, meaning) {
  const shown = h("abbr", { title: meaning, tabindex: "0" }, words);
  const ask = () => { if (!shown.matches(":hover") || window.matchMedia("(hover: none)").matches) showTip(shown, meaning); };
  shown.addEventListener("focus", ask);
  shown.addEventListener("click", ask);
  shown.addEventListener("blur", hideTip);
  shown.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  return shown;
}

/** Words, with what a term of the glossary means where it has it. */
export function explainedAs(words, name) {
  const meaning = meaningOf(name);
  return meaning ? explained(words, meaning) : words;
}

export const term = (name) => explainedAs(name, name);
