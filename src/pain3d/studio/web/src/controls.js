// Sliders, boxes, choices: each has a label, follows the state, and hands over what a person typed to be checked.
import { level } from "./facs.js";

let count = 0;

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * A slider with a box beside it.
 * @param setting {name, from, to, step, label, read(), write(value), typed(text)}: `write` takes a number that the slider
 *   gives; `typed` takes what stands in the box, and puts it back if it is refused
 */
export function slider(setting) {
  const id = `control-${++count}`;
  const range = element("input", { type: "range", id, min: setting.from, max: setting.to, step: setting.step, name: setting.name });
  const box = element("input", { type: "number", step: "any", "aria-label": `${setting.spoken ?? setting.label}, exact`, "data-box": setting.name });
  range.addEventListener("input", () => setting.write(Number(range.value)));
  box.addEventListener("change", async () => {
    await setting.typed(box.value);
    follow();
  });
  function follow() {
    const value = setting.read();
    range.value = value ?? "";
    if (document.activeElement !== box || Number(box.value) !== Number(value)) box.value = value ?? "";
  }
  return { range, box, id, follow };
}

/** The slider of an Action Unit, with its FACS name, what it does, and its level. */
export function unitSlider(unit, setting) {
  const made = slider({ ...setting, name: unit.name, from: 0, to: unit.most, step: unit.most === 1 ? 1 : 0.1, label: unit.name, spoken: `${unit.name} ${unit.title}` });
  const letter = element("span", { class: "level", "aria-hidden": "true" });
  const about = `${made.id}-does`;
  made.range.setAttribute("aria-describedby", about);
  const row = element(
    "div", { class: `unit ${unit.counts ? "pain" : ""}`, "data-unit": unit.name },
    element("label", { for: made.id }, element("b", { text: unit.name }), ` ${unit.title}`),
    made.range, letter, made.box,
    element("span", { class: "does", id: about, text: unit.does, title: unit.does }),
  );
  return {
    row,
    follow(counts) {
      made.follow();
      const value = setting.read();
      letter.textContent = unit.most === 1 ? (value ? "1" : "–") : level(value);
      made.range.setAttribute("aria-valuetext", unit.most === 1 ? (value ? "closed" : "open") : `${value}, level ${level(value)}`);
      row.classList.toggle("counts", counts);
    },
  };
}

export function sliderRow(setting) {
  const made = slider(setting);
  return { row: element("div", { class: "row" }, element("label", { for: made.id, text: setting.label }), made.range, made.box), follow: made.follow };
}

/** A choice; `none` is what the seed decides. */
export function choiceRow({ name, label, choices, none, read, write }) {
  const id = `control-${++count}`;
  const select = element("select", { id, name, class: "wide" });
  if (none) select.append(element("option", { value: "", text: none }));
  for (const choice of choices) select.append(element("option", { value: choice, text: String(choice).replaceAll("_", " ") }));
  select.addEventListener("change", () => write(select.value || null));
  return {
    row: element("div", { class: "row" }, element("label", { for: id, text: label }), select),
    follow: () => (select.value = read() ?? ""),
    select,
  };
}

export function switchBox({ name, label, read, write }) {
  const input = element("input", { type: "checkbox", name });
  input.addEventListener("change", () => write(input.checked));
  return { row: element("label", {}, input, label), follow: () => (input.checked = read()) };
}

/** Tabs that arrow keys walk through. */
export function tabs(list) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", chosen);
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
  };
  list.addEventListener("click", (event) => event.target.role === "tab" && open(event.target));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    open(next);
  });
}
