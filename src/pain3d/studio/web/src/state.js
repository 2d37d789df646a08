// What is shown, as plain values that live in the address of the page and nowhere else.

/** Settings of the face; what the server takes. Values as in the address: null is "as the seed has it". */
export const DEFAULTS = {
  seed: 7, age_years: null, sex: null, ethnicity: null,
  skin: "diffusion", hair: "strands", wrinkles: 1, wet: 1, glasses: 0, cannula: 0, gown: 0,
  yaw: 0, pitch: 0, light: null, background: null, resolution: 512,
};
/** Whose change makes another head. */
export const WHO = ["seed", "age_years", "sex", "ethnicity", "skin", "hair", "wrinkles", "wet", "glasses", "cannula", "gown"];
/** Whose change makes another room. */
export const WHERE = ["light", "background"];
/** Of the page alone: the server is not told. */
const OF_PAGE = { compare: 0, heat: 0, fine: 0 };

export class State {
  constructor(units) {
    this.units = units;
    this.values = { ...DEFAULTS, ...OF_PAGE };
    this.aus = Object.fromEntries(units.map((unit) => [unit.name, 0]));
    this.listeners = [];
  }

  onChange(listen) {
    this.listeners.push(listen);
  }

  /** Change some values: {seed: 3} or {AU4: 2}. */
  set(changes) {
    const changed = new Set();
    for (const [name, value] of Object.entries(changes)) {
      const held = name in this.aus ? this.aus : this.values;
      if (held[name] === value) continue;
      held[name] = value;
      changed.add(name);
    }
    if (!changed.size) return;
    this.#write();
    for (const listen of this.listeners) listen(changed);
  }

  /** What the server is asked with; some names may be left out or changed. */
  query(over = {}) {
    const words = new URLSearchParams();
    const given = { ...this.values, ...over };
    for (const name of Object.keys(DEFAULTS)) {
      if (given[name] !== null && String(given[name]) !== String(DEFAULTS[name]) || name === "seed") words.set(name, given[name]);
    }
    for (const [name, value] of Object.entries(over.aus ?? this.aus)) if (value) words.set(name, value);
    return words.toString();
  }

  /** What of the face does not depend on who moves: the key of a head. */
  whoQuery() {
    const words = new URLSearchParams();
    for (const name of WHO) {
      const value = this.values[name];
      if (value !== null && (name === "seed" || String(value) !== String(DEFAULTS[name]))) words.set(name, value);
    }
    return words.toString();
  }

  /** Take what the address says; names and values are still to be checked by the server. */
  static parts(search) {
    const page = {}, face = [];
    for (const [name, value] of new URLSearchParams(search)) {
      if (name in OF_PAGE) page[name] = value === "1" ? 1 : 0;
      else face.push([name, value]);
    }
    return { page, face };
  }

  /** Put in what the server has accepted. */
  adopt(face, page) {
    Object.assign(this.values, DEFAULTS, page);
    for (const name of Object.keys(this.aus)) this.aus[name] = 0;
    for (const [name, value] of face) {
      if (name in this.aus) this.aus[name] = Number(value);
      else this.values[name] = typeof DEFAULTS[name] === "number" || name === "age_years" ? Number(value) : value;
    }
    if (face.some(([name]) => name === "seed")) this.values.seed = face.find(([name]) => name === "seed")[1];
    this.#write();
  }

  #write() {
    const words = new URLSearchParams(this.query());
    for (const name of Object.keys(OF_PAGE)) if (this.values[name]) words.set(name, this.values[name]);
    history.replaceState(null, "", `?${words}`);
  }
}
