// Elements in one call, and the small card that follows pointer and focus.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "width%") element.style.width = `${value}%`;
    else if (name === "left%") element.style.left = `${value}%`;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const by = (id) => document.getElementById(id);
export const put = (id, ...children) => by(id).replaceChildren(...children.flat().filter(Boolean));

const tip = () => by("tip");

function show(target, text) {
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

/** Give an element a card for pointer and focus, and its name for screen readers. */
export function described(element, text) {
  element.setAttribute("aria-label", text.replaceAll("\n", "; "));
  for (const event of ["pointerenter", "focus"]) element.addEventListener(event, () => show(element, text));
  for (const event of ["pointerleave", "blur"]) element.addEventListener(event, hideTip);
  return element;
}

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
