// Facets: ways to divide the frames. Every frame has one option in each; a filter allows some options of each.

const NOT_KNOWN = "not known";

function facet(key, title, options, codes) {
  const size = options.length;
  return {
    key, title, options, codes,
    allowed: new Uint8Array(size).fill(1),
    passing: new Uint32Array(size), // frames that pass every facet
    open: new Uint32Array(size), // frames that pass every other facet: what choosing an option would show
  };
}

/** A facet from words; frames without one are `not known`. */
function choiceFacet(name, title) {
  const column = columnOf(name);
  const words = column.words ?? [...new Set(Array.from({ length: rowCount }, (_, row) => column.at(row)))].sort();
  const codeOf = new Map(words.map((word, code) => [word, code]));
  const codes = new Uint32Array(rowCount);
  let unknown = false;
  for (let row = 0; row < rowCount; row++) {
    const code = column.code ? column.code(row) : codeOf.get(column.at(row));
    codes[row] = code ?? words.length;
    unknown ||= code === null;
  }
  return facet(name, title, unknown ? [...words, NOT_KNOWN] : words, codes);
}

/** A facet from numbers 0..most: option k holds k <= value < k + 1, the last one frames without a value. */
function levelFacet(name, title, most, levelOf) {
  const column = columnOf(name);
  const codes = new Uint8Array(rowCount);
  let unknown = false;
  for (let row = 0; row < rowCount; row++) {
    const value = column.at(row);
    codes[row] = value === null ? most + 1 : Math.min(most, levelOf(value));
    unknown ||= value === null;
  }
  const options = Array.from({ length: most + 1 }, (_, level) => String(level));
  return facet(name, title, unknown ? [...options, NOT_KNOWN] : options, codes);
}

/** An Action Unit that acts at all is present, so that a trace below 1 counts as 1. */
const unitLevel = (value) => (value > 0 ? Math.max(1, Math.floor(value)) : 0);

function allFacets() {
  const choices = {
    split: "Split", kind: "Kind", view: "View", age_band: "Age band", sex: "Sex", ethnicity: "Appearance group",
    light: "Light", subject_id: "Subject",
  };
  const facets = [levelFacet("PSPI", "PSPI", 16, Math.floor)];
  for (const unit of data.about.units) {
    if (has(unit.name)) facets.push(levelFacet(unit.name, unit.words, unit.name === "AU43" ? 1 : 5, unitLevel));
  }
  for (const [name, title] of Object.entries(choices)) {
    if (has(name)) facets.push(choiceFacet(name, title));
  }
  if (has("skin_tone_mst")) facets.push(levelFacet("skin_tone_mst", "Skin tone (Monk)", 10, Math.floor));
  return facets;
}

/** Which frames pass; counts every facet's options on the way. */
function passingFrames(facets) {
  const active = facets.filter((one) => one.allowed.includes(0));
  const pass = new Uint8Array(rowCount);
  for (const one of facets) {
    one.passing.fill(0);
    one.open.fill(0);
  }
  for (let row = 0; row < rowCount; row++) {
    let failed = 0, last = null;
    for (const one of active) {
      if (!one.allowed[one.codes[row]]) {
        last = one;
        if (++failed > 1) break;
      }
    }
    if (failed === 0) pass[row] = 1;
    else if (failed === 1) last.open[last.codes[row]]++;
  }
  for (const one of facets) {
    const { codes, passing, open } = one;
    for (let row = 0; row < rowCount; row++) if (pass[row]) passing[codes[row]]++;
    for (let option = 0; option < open.length; option++) open[option] += passing[option];
  }
  return pass;
}

/** Scatters rows, the same way each time: the finalizer of MurmurHash3, one to one on 32 bits. */
function mixed(row) {
  let bits = Math.imul(row ^ (row >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

const ORDERS = {
  // Neutral frames come last: each of them stands in the pairs of its subject already.
  mixed: { title: "mixed", key: (row) => mixed(row) + (at("kind", row) === "neutral" ? 2 ** 32 : 0) },
  dataset: { title: "as in the dataset", key: null },
  strong: { title: "PSPI, high first", key: (row) => -at("PSPI", row) },
  weak: { title: "PSPI, low first", key: (row) => at("PSPI", row) },
  ...(has("peak_mm") && { moved: { title: "displacement, large first", key: (row) => -(at("peak_mm", row) ?? 0) } }),
};

/** All rows in an order, found once. */
function orderedRows(order) {
  if (!order.rows) {
    order.rows = Uint32Array.from({ length: rowCount }, (_, row) => row);
    if (order.key) {
      const keys = Float64Array.from(order.rows, order.key);
      order.rows.sort((a, b) => keys[a] - keys[b] || a - b);
    }
  }
  return order.rows;
}
