// What is wrong with the page for people who do not see or click as its maker does; a sentence for each thing.
() => {
  const found = [];
  const say = (what, e) => found.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => found.push(`id twice: ${id}`));
  for (const [tag, n] of [["main", 1], ["header", 1], ["h1", 1]]) if (document.querySelectorAll(tag).length !== n) found.push(`${tag} count`);
  if (!document.documentElement.lang || !document.title) found.push("no language or title");
  let level = 0;
  for (const e of [...document.querySelectorAll("h1,h2,h3,h4")].filter(shown)) {
    const now = Number(e.tagName[1]);
    if (now > level + 1) say("heading level left out", e);
    level = now;
  }
  const words = (e) => (e.getAttribute("aria-label") || [...(e.labels || [])].map((l) => l.textContent).join(" ") || e.textContent || "").trim();
  const active = "input, select, button, a, summary, [role=button], [tabindex='0']";
  for (const e of [...document.querySelectorAll(active)].filter(shown)) if (!words(e)) say("no name", e);
  for (const e of document.querySelectorAll("label[for]")) if (!document.getElementById(e.htmlFor)) say("label of nothing", e);
  for (const name of ["aria-labelledby", "aria-describedby"]) {
    for (const e of document.querySelectorAll(`[${name}]`)) if (!document.getElementById(e.getAttribute(name))) say(`${name} of nothing`, e);
  }
  for (const e of [...document.querySelectorAll("input:not([type=radio], [type=file]), select, button, .button")].filter(shown)) {
    const box = e.getBoundingClientRect();
    if (box.height < 23.5 || box.width < 23.5) say(`small target ${Math.round(box.width)} x ${Math.round(box.height)}`, e);
  }
  const rgb = (text) => { const v = text.match(/[\d.]+/g).map(Number); return { c: v.slice(0, 3), a: v[3] === undefined ? 1 : v[3] }; };
  const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (let p = e; p; p = p.parentElement) { const b = rgb(getComputedStyle(p).backgroundColor); if (b.a === 1) return b.c; } return [255, 255, 255]; };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let n = 0;
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !shown(e) || e.closest(".hidden, .skip, option, datalist, noscript")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgb(e.namespaceURI.includes("svg") ? style.fill : style.color).c), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    n += 1;
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, e);
  }
  if (n < 50) found.push(`only ${n} texts looked at`);
  return found;
}
