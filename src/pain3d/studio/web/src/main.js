import { ask, blob, buffer, json, Latest, Refusal } from "./api.js";
import { choiceRow, element, sliderRow, switchBox, tabs, unitSlider } from "./controls.js";
import { counted, pspi } from "./facs.js";
import { loadHead } from "./head.js";
import { Photo } from "./photo.js";
import { Player } from "./play.js";
import { Stage } from "./stage.js";
import { State, WHERE, WHO } from "./state.js";

/** Colours of the Monk scale, https://skintone.google. */
const MONK = ["#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420"];
const SETTLED_MS = 250;
const EXPORTS = [
  ["png", "face.png", "Picture", "PNG, as rendered"],
  ["json", "face.json", "Labels", "JSON: AUs, PSPI, landmarks"],
  ["heatmap", "face.heatmap.png", "Heatmap", "PNG, grey, 16 mm is white"],
  ["segmentation", "face.segmentation.png", "Regions", "PNG, a class for each pixel"],
  ["glb", "head.glb", "Head", "GLB with named AU morph targets"],
];

const at = (id) => document.getElementById(id);

function tell(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Refusal)) console.error(error);
  at("message-text").textContent = error.message;
  at("message").hidden = false;
}

function later(ms, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => work().catch(tell), ms);
  };
}

/** What the address says, without what the server refuses; that is told. */
async function checkedAddress(state) {
  const { page, face } = State.parts(location.search);
  const refused = [];
  let words = face.some(([name]) => name === "seed") ? face : [["seed", "7"], ...face];
  for (;;) {
    try {
      const person = await json("person", new URLSearchParams(words).toString());
      state.adopt(words, page);
      if (refused.length) tell(new Refusal(`In the address: ${refused.join(" · ")}`, ""));
      return person;
    } catch (error) {
      const left = words.filter(([name]) => name !== error.argument && !error.message.startsWith(`${name.slice(0, 40)}`));
      if (!(error instanceof Refusal) || left.length === words.length) throw error;
      refused.push(error.message);
      words = left;
    }
  }
}

async function start() {
  const guide = await json("guide");
  at("wording").textContent = guide.wording;
  at("footer").textContent = `pain3d ${guide.version}. Everything runs on this machine; nothing is sent anywhere. The people shown do not exist; appearance groups describe pictures, not people.`;
  const state = new State(guide.units);
  at("head-busy").textContent = "the studio is starting…";
  let person = await checkedAddress(state);
  const stage = new Stage(at("stage"), at("rest"), Boolean(state.values.fine));
  const photo = new Photo(guide, state, tell);
  const measured = new Uint8Array(await buffer("measured"));
  const player = new Player(state, guide.units, playFrame);
  const followers = [];
  const latestHead = new Latest(), latestPlace = new Latest(), latestPerson = new Latest();
  window.studio = { state, stage, guide, loadHead, timing: {} }; // for the console, and for tests
  const { timing } = window.studio;

  /** A typed value goes to the server, whose words are shown if it refuses; what was there before then stays. */
  async function typed(name, text) {
    const value = text.trim();
    try {
      if (value === "") throw new Refusal(`${name}: the box is empty; write a number`, name);
      const words = new URLSearchParams(state.query());
      words.set(name, value);
      await ask("person", words.toString());
      at("message").hidden = true;
      state.set({ [name]: name === "seed" ? value : Number(value) });
    } catch (error) {
      tell(error);
    }
  }

  // --- controls
  for (const preset of guide.presets) {
    at("presets").append(
      element("button", {
        type: "button", text: preset.name, title: preset.says, "data-preset": preset.name,
        onclick: () => state.set({ ...Object.fromEntries(guide.units.map(({ name }) => [name, 0])), ...preset.aus }),
      }),
    );
  }
  const units = guide.units.map((unit) => {
    const made = unitSlider(unit, {
      read: () => state.aus[unit.name],
      write: (value) => state.set({ [unit.name]: value }),
      typed: (text) => typed(unit.name, text),
    });
    at(unit.counts ? "pain-units" : "other-units").append(made.row);
    return { unit, ...made };
  });

  const who = at("panel-who"), where = at("panel-where");
  const add = (panel, made) => {
    panel.append(made.row);
    followers.push(made.follow);
    return made;
  };
  const head = (panel, text) => panel.append(element("h2", { text }));
  const number = (name, label, from, to, step = 1) => ({
    name, label, from, to, step,
    read: () => state.values[name] ?? person[name],
    write: (value) => state.set({ [name]: value }),
    typed: (text) => typed(name, text),
  });
  const choice = (name, label, none) => ({
    name, label, none, choices: guide.choices[name],
    read: () => state.values[name],
    write: (value) => state.set({ [name]: value }),
  });
  head(who, "Who");
  add(who, sliderRow(number("seed", "Seed", 0, 999)));
  who.append(element("div", { class: "row" }, element("span"), element("button", { type: "button", class: "wide", text: "Somebody else", onclick: () => state.set({ seed: String(Math.floor(Math.random() * 1e6)), age_years: null, sex: null, ethnicity: null }) })));
  add(who, sliderRow(number("age_years", "Age, years", ...guide.age_years)));
  add(who, choiceRow(choice("sex", "Sex", "as the seed has it")));
  add(who, choiceRow(choice("ethnicity", "Appearance", "as the seed has it")));
  const facts = element("dl", { class: "facts" });
  who.append(facts);
  head(who, "Skin and hair");
  add(who, choiceRow({ ...choice("skin", "Skin"), choices: guide.choices.skin }));
  add(who, choiceRow(choice("hair", "Hair")));
  const switches = element("div", { class: "switches" });
  for (const [name, label] of [["wrinkles", "Wrinkles move"], ["wet", "Wet eyes"], ["glasses", "Glasses"], ["cannula", "Cannula"], ["gown", "Gown"]]) {
    const made = switchBox({ name, label, read: () => Number(state.values[name]) > 0, write: (on) => state.set({ [name]: on ? 1 : 0 }) });
    switches.append(made.row);
    followers.push(made.follow);
  }
  who.append(switches, element("p", { class: "hint", text: "Moving wrinkles and wet eyes show in the rendered picture alone." }));
  head(where, "View");
  add(where, sliderRow(number("yaw", "Yaw, degrees", -90, 90)));
  add(where, sliderRow(number("pitch", "Pitch, degrees", -45, 45)));
  head(where, "Light and place");
  add(where, choiceRow(choice("light", "Light", "as the seed has it")));
  add(where, choiceRow(choice("background", "Background", "as the seed has it")));
  head(where, "Rendered picture");
  add(where, choiceRow({ ...choice("resolution", "Pixels"), choices: [256, 512, 768, 1024], write: (value) => state.set({ resolution: Number(value) }) }));
  for (const [kind, file, title, says] of EXPORTS) {
    at("exports").append(element("button", { type: "button", "data-export": kind, onclick: (event) => download(kind, file, event.currentTarget) }, title, element("span", { text: says })));
  }
  tabs(document.querySelector("[role=tablist]"));

  async function download(kind, file, button) {
    button.disabled = true;
    try {
      const url = URL.createObjectURL(await blob(`export/${kind}`, state.query()));
      element("a", { href: url, download: file }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      tell(error);
    }
    button.disabled = false;
  }

  at("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(at("command").textContent);
      at("copy").textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(at("command"));
      at("copy").textContent = "Marked; press Ctrl+C";
    }
    setTimeout(() => (at("copy").textContent = "Copy the command"), 2000);
  });
  at("message-close").addEventListener("click", () => (at("message").hidden = true));
  at("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  });
  at("heat").addEventListener("click", () => state.set({ heat: state.values.heat ? 0 : 1 }));
  at("compare").addEventListener("click", () => state.set({ compare: state.values.compare ? 0 : 1 }));
  at("front").addEventListener("click", () => state.set({ yaw: 0, pitch: 0 }));
  at("play").addEventListener("click", () => (player.playing ? player.stop() : player.start().then(() => showPlaying(true), tell)));
  dragging();

  function dragging() {
    let from = null;
    const canvas = at("stage");
    canvas.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, yaw: Number(state.values.yaw), pitch: Number(state.values.pitch) };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const degrees = 120 / canvas.clientWidth;
      const held = (value, most) => Math.round(Math.max(-most, Math.min(most, value)));
      state.set({ yaw: held(from.yaw + (event.clientX - from.x) * degrees, 90), pitch: held(from.pitch - (event.clientY - from.y) * degrees, 45) });
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (from = null));
  }

  // --- what follows the state
  function score(aus) {
    const now = counted(aus);
    const value = pspi(aus);
    const said = (x) => (Math.round(10 * x) / 10).toString();
    const part = (name) => element("b", { class: now.has(name) ? "counts" : "", text: `${name} ${said(aus[name] ?? 0)}` });
    at("pspi").textContent = said(value);
    at("formula").replaceChildren("PSPI =", part("AU4"), "+ max(", part("AU6"), ",", part("AU7"), ") + max(", part("AU9"), ",", part("AU10"), ") +", part("AU43"));
    at("scale").style.width = `${(100 * value) / guide.most_pspi}%`;
    at("counts").textContent = now.size ? `Counted just now: ${[...now].join(", ")}.` : "No unit of it acts.";
    for (const { unit, follow } of units) follow(now.has(unit.name));
  }

  function playFrame(aus, blink, frame) {
    if (!aus) {
      showPlaying(false);
      stage.setFace({ ...state.aus });
      stage.setPose(Number(state.values.yaw), Number(state.values.pitch));
      return score(state.aus);
    }
    stage.setPose(Number(state.values.yaw) + frame.yaw, Number(state.values.pitch) + frame.pitch, frame.roll);
    stage.setFace(aus, blink);
    score({ ...aus, AU43: aus.AU43 >= 0.5 ? 1 : 0 });
  }

  function showPlaying(on) {
    at("play").textContent = on ? "■ Stop" : "▶ Play";
    at("play").setAttribute("aria-pressed", on);
  }

  function layout() {
    const { heat, compare } = state.values;
    at("heat").setAttribute("aria-pressed", Boolean(heat));
    at("compare").setAttribute("aria-pressed", Boolean(compare));
    at("rest-pane").hidden = !compare;
    at("legend").hidden = !heat;
    at("legend-most").textContent = `${guide.heat_mm} mm`;
    stage.setCompare(Boolean(compare));
    stage.setHeat(Boolean(heat), guide.heat_mm);
  }

  stage.afterFrame = () => {
    if (state.values.heat) at("live-note").textContent = `skin moves up to ${stage.mostMm.toFixed(1)} mm`;
    else at("live-note").textContent = stage.quick ? "no graphics card: coarse while it moves" : "in your browser; drag to turn";
  };

  function showPerson() {
    at("command").textContent = person.command;
    const tone = person.skin_tone_mst;
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = MONK[tone - 1];
    const mixture = Object.entries(person.anchors).map(([name, share]) => `${name} ${Math.round(100 * share)} %`).join(", ");
    const worn = person.worn.length ? person.worn.join(", ") : "nothing";
    facts.replaceChildren(
      ...[["Skin tone", [swatch, `Monk ${tone} of 10`]], ["It is", [`${person.age_years} years, ${person.sex}, ${person.ethnicity.replaceAll("_", " ")}`]], ["Shape mix", [mixture]], ["Wears", [worn]]]
        .flatMap(([name, said]) => [element("dt", { text: name }), element("dd", {}, ...said)]),
    );
    for (const follow of followers) follow();
  }

  const learnPerson = async () => {
    person = await latestPerson.run((signal) => json("person", state.query(), signal));
    showPerson();
  };
  const loadPlace = async () => {
    await latestPlace.run(async (signal) => {
      const words = new URLSearchParams(state.whoQuery());
      for (const name of WHERE) if (state.values[name]) words.set(name, state.values[name]);
      const [place, wall] = await Promise.all([json("place", words.toString(), signal), blob("wall.jpg", words.toString(), signal)]);
      stage.setPlace(place, await createImageBitmap(wall, { imageOrientation: "flipY" }));
    });
  };
  const loadWho = async () => {
    at("head-busy").textContent = "making the head…";
    document.body.dataset.head = "";
    const started = performance.now();
    try {
      await latestHead.run(async (signal) => {
        const bytes = await buffer("head.glb", state.whoQuery(), signal);
        const made = await loadHead(bytes, measured, stage);
        signal.throwIfAborted();
        stage.setHead(made);
        timing.head = performance.now() - started;
        document.body.dataset.head = "painted";
        if (state.values.skin === "procedural") return void (document.body.dataset.head = "whole");
        at("head-busy").textContent = "painting the skin…";
        const names = ["colour", "roughness", "relief"];
        const pictures = await Promise.all(names.map((name) => blob(`skin/${name}`, state.whoQuery(), signal)));
        const bitmaps = await Promise.all(pictures.map((picture) => createImageBitmap(picture, { colorSpaceConversion: "none" })));
        signal.throwIfAborted();
        made.dress(Object.fromEntries(names.map((name, i) => [name, bitmaps[i]])));
        stage.invalidate(true);
        timing.skin = performance.now() - started;
        document.body.dataset.head = "whole";
      });
      at("head-busy").textContent = "";
    } catch (error) {
      if (error.name !== "AbortError") at("head-busy").textContent = "";
      throw error;
    }
  };
  const whoSettled = later(SETTLED_MS, loadWho), placeSettled = later(SETTLED_MS, loadPlace), personSettled = later(SETTLED_MS, learnPerson);

  state.onChange((changed) => {
    player.stop();
    const any = (names) => names.some((name) => changed.has(name));
    if (guide.units.some(({ name }) => changed.has(name))) {
      stage.setFace({ ...state.aus });
      score(state.aus);
    }
    if (any(["yaw", "pitch"])) stage.setPose(Number(state.values.yaw), Number(state.values.pitch));
    if (any(["heat", "compare"])) layout();
    if (any(WHO)) whoSettled();
    if (any([...WHO, ...WHERE])) placeSettled();
    if (!(changed.size === 1 && any(["heat", "compare"]))) personSettled();
    for (const follow of followers) follow();
    photo.stale();
  });

  layout();
  stage.setFace({ ...state.aus });
  stage.setPose(Number(state.values.yaw), Number(state.values.pitch));
  score(state.aus);
  showPerson();
  await Promise.all([loadPlace(), loadWho()]);
}

start().catch(tell);
