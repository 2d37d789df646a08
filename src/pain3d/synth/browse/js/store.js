// The labels that come with the page: columns of numbers, words or texts, decoded when first asked for.

const data = window.pain3dData;
const rowCount = data.rows;
const ARRAYS = { u1: Uint8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array };
const decoded = new Map();

function bytesOf(base64) {
  const raw = atob(base64);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

function numbersOf(packed) {
  const values = new ARRAYS[packed.type](bytesOf(packed.data).buffer);
  return { values, at: (row) => (values[row] === packed.missing || Number.isNaN(values[row]) ? null : values[row]) };
}

function decodedColumn(packed) {
  if (packed.kind === "numbers") return numbersOf(packed);
  if (packed.kind === "texts") return { at: (row) => packed.texts[row] };
  const codes = numbersOf(packed.codes);
  const at = (row) => (codes.at(row) === null ? null : packed.words[codes.at(row)]);
  return { words: packed.words, code: codes.at, at };
}

function has(name) {
  return Object.hasOwn(data.columns, name);
}

function columnOf(name) {
  if (!decoded.has(name)) decoded.set(name, decodedColumn(data.columns[name]));
  return decoded.get(name);
}

/** The value of a column in a row; null where there is none. */
function at(name, row) {
  return has(name) ? columnOf(name).at(row) : null;
}

/** An element with attributes, properties that start with a dot, and children; strings become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith(".")) element[name.slice(1)] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const shownCount = (count) => count.toLocaleString("en");
const counted = (count, noun) => `${shownCount(count)} ${noun}${count === 1 ? "" : "s"}`;
const readable = (word) => String(word).replaceAll("_", " ");
const shownNumber = (value, digits = 1) => (value === null ? "–" : String(Number(value.toFixed(digits))));
