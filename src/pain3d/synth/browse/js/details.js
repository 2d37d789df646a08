// One frame with everything that is known about it.

const PAIN_TERMS = [["AU4"], ["AU6", "AU7"], ["AU9", "AU10"], ["AU43"]];

/** PSPI as the sum that it is, with this frame's numbers. */
function formulaOf(row) {
  const said = (name) => `${name} ${shownNumber(at(name, row))}`;
  const known = PAIN_TERMS.flat().every((name) => at(name, row) !== null);
  const sum = PAIN_TERMS.map((names) => (names.length === 1 ? said(names[0]) : `max(${names.map(said).join(", ")})`));
  const score = `PSPI ${shownNumber(at("PSPI", row))}`;
  return known ? `${score} = ${sum.join(" + ")}` : `${score}, as the source states it: not all of its units are coded`;
}

function unitLines(row) {
  return data.about.units.map(({ name, words, pain }) => {
    const value = at(name, row), line = bar(value ?? 0, name === "AU43" ? 1 : 5);
    const shown = value === null ? "not coded" : shownNumber(value);
    const className = `unit ${pain ? "pain" : "other"} ${value ? "" : "still"}`;
    const parts = [make("span", {}, name), make("em", {}, words), line, make("b", {}, shown)];
    return make("div", { class: className }, ...parts);
  });
}

const shareOf = (value) => `${Math.round(100 * value)} %`;
const DEGREES = (value) => `${shownNumber(value)}°`;
const FACTS = [
  ["subject_id", "Subject"], ["age_years", "Age", (value) => `${value} years`], ["age_band", "Age band"],
  ["sex", "Sex"], ["ethnicity", "Appearance group", readable],
  ["skin_tone_mst", "Monk skin tone", (value) => `${value} of 10`], ["ita_degrees", "ITA", DEGREES],
  ["split", "Split"], ["kind", "Kind"], ["expression_id", "Expression"], ["view", "View"],
  ["yaw", "Yaw", DEGREES], ["pitch", "Pitch", DEGREES], ["roll", "Roll", DEGREES], ["light", "Light", readable],
  ["background", "Background", readable], ["peak_mm", "Largest displacement", (value) => `${value.toFixed(1)} mm`],
  ["seed", "Seed of the subject"], ["sequence_id", "Recording or clip"], ["frame_index", "Its frame"],
  ["time_s", "Time in the clip", (value) => `${value.toFixed(2)} s`], ["apex_PSPI", "PSPI at the apex"],
  ["eye_closure", "Lids closed on purpose", shareOf], ["blink", "Lids closed by a blink", shareOf],
  ["PSPI_file", "PSPI in the source"], ["VAS", "VAS, self-report"], ["OPR", "Observer's rating"],
  ["SEN", "Sensory scale"], ["AFF", "Affective scale"], ["source_file", "File of the source"],
];

function factLines(row) {
  const known = FACTS.filter(([name]) => at(name, row) !== null);
  return known.flatMap(([name, title, words = String]) => {
    return [make("dt", {}, title), make("dd", {}, words(at(name, row)))];
  });
}

function picture(kind, row, words, onTop) {
  const face = make("span", { class: "face" });
  showTile(face, "faces", row);
  if (onTop) {
    const heat = make("i", { class: "over" });
    showTile(heat, "heat", row);
    face.append(heat);
  }
  return make("figure", { class: onTop ? "lit" : kind }, face, make("figcaption", {}, words));
}

function pictures(row) {
  const neutral = at("neutral_row", row), moved = at("peak_mm", row), shown = [];
  if (neutral !== null && neutral !== row) shown.push(picture("neutral", neutral, "neutral"));
  shown.push(picture("frame", row, at("kind", row)));
  if (hasHeatAt(row)) shown.push(picture("heat", row, `displacement, at most ${moved.toFixed(1)} mm`, true));
  return make("div", { class: "trio" }, ...shown);
}

/** Commands to get at the frame itself. */
function commands(row) {
  const frame = at("frame_id", row), subject = at("subject_id", row), { remake, subject_word: word } = data.about;
  const read = `pain3d.open_dataset(${JSON.stringify(data.about.name)}).find(${JSON.stringify(frame)})`;
  const parts = [make("h3", {}, "Read it in Python"), make("pre", {}, read)];
  if (remake && /^s\d{5,}$/.test(subject)) {
    const title = `Make ${subject} again, with pain3d ${data.about.version}`;
    parts.push(make("h3", {}, title), make("pre", {}, remake.replaceAll(word, subject)));
  }
  return make("div", { class: "commands" }, ...parts);
}

/** Opens the dialog on the pair at a position of the grid; arrow keys go on from there. */
function detailsOf(dialog, grid) {
  let position = 0;
  const step = (by) => {
    if (position + by >= 0 && position + by < grid.rows.length) show(position + by);
  };
  function show(wanted) {
    position = wanted;
    const row = grid.rows[position];
    const button = (label, sign, act) =>
      make("button", { class: "plain", "aria-label": label, title: label, ".onclick": act }, sign);
    const last = grid.rows.length;
    const place = make("span", { class: "place" }, `${shownCount(position + 1)} of ${shownCount(last)}`);
    const before = button("Previous frame", "←", () => step(-1)), after = button("Next frame", "→", () => step(1));
    before.disabled = position === 0;
    after.disabled = position === last - 1;
    const close = button("Close", "✕", () => dialog.close());
    const units = make("div", { class: "units" }, ...unitLines(row)), facts = make("dl", {}, ...factLines(row));
    dialog.replaceChildren(
      make("header", {}, make("b", {}, at("frame_id", row)), place, before, after, close),
      pictures(row),
      make("p", { class: "sum" }, formulaOf(row)),
      make("div", { class: "halves" }, units, facts),
      commands(row),
    );
    if (!dialog.open) dialog.showModal();
  }
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  });
  dialog.addEventListener("close", () => grid.moveTo(position));
  return show;
}
