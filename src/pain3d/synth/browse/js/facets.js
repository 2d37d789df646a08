// The filters at the side; each shows how many frames it would let through, given the others.

function bar(count, most) {
  const line = make("i", {}, make("u"));
  line.firstChild.style.width = `${most ? (100 * count) / most : 0}%`;
  return line;
}

const LEVEL_CHOICES = [
  ["any", () => true], ["absent", (level) => level === 0], ["present", (level) => level >= 1],
  ...[2, 3, 4, 5].map((least) => [least === 5 ? "5" : `${least} or more`, (level) => level >= least]),
];

/** Each facet's control: an element, `refresh` for its counts, `clear`. */
function controlsOf(facets, changed) {
  const control = (one) => {
    if (one.key === "PSPI") return rangeControl(one, changed);
    if (one.key === "subject_id") return searchControl(one, changed);
    return /^AU\d+$/.test(one.key) ? unitControl(one, changed) : choiceControl(one, changed);
  };
  return facets.map((one) => ({ facet: one, ...control(one) }));
}

function setAllowed(one, rule) {
  for (let option = 0; option < one.options.length; option++) one.allowed[option] = rule(option) ? 1 : 0;
}

function choiceControl(one, changed) {
  const boxes = one.options.map((word, option) => {
    const box = make("input", { type: "checkbox", ".onchange": update });
    const number = make("b");
    const element = make("label", { class: "choice" }, box, make("span", {}, readable(word)), bar(0, 0), number);
    return { box, number, element, option };
  });
  function update() {
    const chosen = boxes.filter(({ box }) => box.checked).map(({ option }) => option);
    setAllowed(one, (option) => !chosen.length || chosen.includes(option));
    changed();
  }
  const element = make("fieldset", {}, make("legend", {}, one.title), ...boxes.map((each) => each.element));
  element.dataset.facet = one.key;
  const refresh = () => {
    const most = Math.max(...one.open);
    for (const { box, number, element: line, option } of boxes) {
      number.textContent = shownCount(one.open[option]);
      line.querySelector("u").style.width = `${most ? (100 * one.open[option]) / most : 0}%`;
      line.classList.toggle("none", !one.open[option]);
      line.hidden = one.key === "skin_tone_mst" && option === 0 && !box.checked; // Monk tones start at 1
    }
  };
  const clear = () => {
    for (const { box } of boxes) box.checked = false;
  };
  return { element, refresh, clear };
}

function rangeControl(one, changed) {
  const last = 16;
  const choose = (title, chosen) => {
    const select = make("select", { "aria-label": `PSPI ${title}`, ".onchange": () => update(select) });
    for (let score = 0; score <= last; score++) select.append(make("option", { value: score }, String(score)));
    select.value = chosen;
    return select;
  };
  const from = choose("from", 0), to = choose("to", last);
  const columns = Array.from({ length: last + 1 }, (_, score) => {
    const set = () => {
      const only = Number(from.value) === score && Number(to.value) === score;
      [from.value, to.value] = only ? [0, last] : [score, score];
      update(from);
    };
    return make("button", { class: "column", ".onclick": set }, make("u"));
  });
  function update(touched) {
    if (Number(from.value) > Number(to.value)) (touched === from ? to : from).value = touched.value;
    const low = Number(from.value), high = Number(to.value), whole = low === 0 && high === last;
    setAllowed(one, (option) => whole || (option >= low && option <= high));
    changed();
  }
  const line = make("div", { class: "range" }, "from ", from, " to ", to);
  const histogram = make("div", { class: "histogram" }, ...columns);
  const element = make("fieldset", {}, make("legend", {}, "PSPI"), histogram, line);
  element.dataset.facet = "PSPI";
  const refresh = () => {
    const most = Math.max(...one.open.subarray(0, last + 1));
    columns.forEach((column, score) => {
      const count = one.open[score];
      column.firstChild.style.height = `${count ? Math.max(4, (100 * count) / most) : 0}%`;
      column.title = `PSPI ${score}: ${counted(count, "frame")}`;
      column.setAttribute("aria-label", column.title);
      column.classList.toggle("out", !one.allowed[score]);
    });
  };
  const clear = () => {
    [from.value, to.value] = [0, last];
  };
  return { element, refresh, clear };
}

function unitControl(one, changed) {
  const largest = one.key === "AU43" ? 1 : 5;
  const choices = LEVEL_CHOICES.filter(([word]) => largest === 5 || ["any", "absent", "present"].includes(word));
  const select = make("select", { "aria-label": `${one.key} ${one.title}` });
  choices.forEach(([word], choice) => select.append(make("option", { value: choice }, word)));
  select.onchange = () => {
    const [word, rule] = choices[select.value];
    setAllowed(one, (option) => word === "any" || (option <= largest && rule(option)));
    changed();
  };
  const number = make("b"), line = bar(0, 0);
  const element = make(
    "label", { class: "unit-choice" },
    make("span", {}, make("b", {}, one.key), ` ${one.title}`), select, line, number,
  );
  element.dataset.facet = one.key;
  const refresh = () => {
    let present = 0, all = 0;
    one.open.forEach((count, level) => {
      all += count;
      if (level >= 1 && level <= largest) present += count;
    });
    number.textContent = shownCount(present);
    number.title = "frames in which it is present";
    line.firstChild.style.width = `${all ? (100 * present) / all : 0}%`;
    element.classList.toggle("set", one.allowed.includes(0));
  };
  const clear = () => {
    select.value = 0;
  };
  return { element, refresh, clear };
}

function searchControl(one, changed) {
  const box = make("input", { type: "search", placeholder: "part of a name", "aria-label": "Subject" });
  const number = make("b");
  let soon;
  box.oninput = () => {
    clearTimeout(soon);
    soon = setTimeout(() => {
      const wanted = box.value.trim().toLowerCase();
      setAllowed(one, (option) => one.options[option].toLowerCase().includes(wanted));
      changed();
    }, 120);
  };
  const element = make("fieldset", {}, make("legend", {}, "Subject"), make("div", { class: "search" }, box, number));
  element.dataset.facet = "subject_id";
  const refresh = () => {
    number.textContent = counted(one.passing.reduce((sum, count) => sum + (count > 0), 0), "subject");
  };
  const clear = () => {
    box.value = "";
  };
  return { element, refresh, clear };
}

/** The controls in sections; those that most people need stand open. */
function layOutControls(controls, host) {
  const units = new Map(data.about.units.map((unit) => [unit.name, unit.pain]));
  const isUnit = ({ facet: one }) => units.has(one.key);
  const section = (title, members, open) => {
    if (!members.length) return;
    const whole = make("details", { class: "section", ".open": open }, make("summary", {}, title));
    whole.append(...members.map(({ element }) => element));
    host.append(whole);
  };
  const named = (...keys) => controls.filter(({ facet: one }) => keys.includes(one.key));
  host.append(...named("PSPI").map(({ element }) => element));
  section("Action Units of PSPI", controls.filter((one) => isUnit(one) && units.get(one.facet.key)), true);
  section("Other Action Units", controls.filter((one) => isUnit(one) && !units.get(one.facet.key)), false);
  section("Frames", named("kind", "split", "view"), true);
  section("People", named("age_band", "sex", "ethnicity", "skin_tone_mst", "subject_id"), true);
  section("Light", named("light"), false);
}
