// Elements in one call, and the small card that follows pointer and focus.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "width%") element.style.width = `${value}%`;
    else if (name === "left%") element.style.left = `${value}%`;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const by = (id) => document.getElementById(id);
export const put = (id, ...children) => by(id).replaceChildren(...children.flat(Infinity).filter(Boolean));

const tip = () => by("tip");

export function showTip(target, text) {
  const box = target.getBoundingClientRect();
  tip().textContent = text;
  tip().hidden = false;
  const { offsetWidth: w, offsetHeight: t } = tip();
  const left = Math.min(Math.max(4, box.left + box.width / 2 - w / 2), window.innerWidth - w - 4);
  const above = box.top - t - 8;
  tip().style.left = `${left}px`;
  tip().style.top = `${above > 4 ? above : box.bottom + 8}px`;
}

export const hideTip = () => { tip().hidden = true; };

/** Give an element a card when it has focus, and its name for screen readers; `nearest` shows it to the pointer. */
export function described(element, text) {
  element.setAttribute("aria-label", text.replaceAll("\n", "; "));
  element.show = () => showTip(element, text);
  element.addEventListener("focus", element.show);
  element.addEventListener("blur", hideTip);
  return element;
}

const REACH = 28;

/** Let the pointer reach the nearest of many points, however close they lie; `point.act` is what a click does. */
export function nearest(chart, points) {
  let current = null;
  const find = (event) => {
    const away = (p) => { const b = p.getBoundingClientRect(); return Math.hypot(b.left + b.width / 2 - event.clientX, b.top + b.height / 2 - event.clientY); };
    const best = points.reduce((a, b) => (away(b) < away(a) ? b : a), points[0]);
    const found = best && away(best) <= REACH ? best : null;
    if (found === current) return;
    current?.classList.remove("near");
    current = found;
    if (current) { current.classList.add("near"); current.show(); } else hideTip();
  };
  for (const name of ["pointermove", "pointerdown"]) chart.addEventListener(name, find);
  chart.addEventListener("pointerleave", () => { current?.classList.remove("near"); current = null; hideTip(); });
  chart.addEventListener("click", () => current?.act?.());
  return chart;
}

/** Something wide that scrolls sideways by itself, by keyboard too. */
export const scroller = (name, content, extra = "") => h("div", { class: `scroll ${extra}`.trim(), tabindex: "0", role: "region", "aria-label": `${name}, as a table` }, content);

/** One tab stop for many points; arrow keys walk among them. */
export function roving(points) {
  points.forEach((point, i) => {
    point.setAttribute("tabindex", i === 0 ? "0" : "-1");
    point.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = points[(i + step + points.length) % points.length];
      point.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
  return points;
}
