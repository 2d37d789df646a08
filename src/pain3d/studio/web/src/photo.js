// The renderer's picture: taken when asked, with its heatmap, the model's attention, and the same face at rest.
import { blob, json, Latest } from "./api.js";
import { element } from "./controls.js";

const PATHS = { picture: "render.png", heat: "heatmap.jpg", attention: "attention.jpg", rest: "render.png" };
const NOTES = {
  picture: "the dataset's own renderer",
  heat: (most) => `how far pain moves the skin; white is ${most} mm`,
  attention: "where the model's six queries looked",
  rest: "the same, nothing moving",
};

export class Photo {
  /** @param say called with an error to show */
  constructor(guide, state, say) {
    this.guide = guide;
    this.state = state;
    this.say = say;
    this.latest = new Latest();
    this.latestLayer = new Latest();
    this.layer = "picture";
    this.taken = null;
    this.image = document.getElementById("photo");
    this.busy = document.getElementById("photo-busy");
    this.note = document.getElementById("photo-note");
    this.pane = document.getElementById("photo-pane");
    this.reading = document.getElementById("reading");
    document.getElementById("render").addEventListener("click", () => this.take());
    document.getElementById("layers").addEventListener("click", ({ target }) => target.dataset.layer && this.show(target.dataset.layer));
  }

  /** The face has changed since the picture was taken. */
  stale() {
    if (this.taken && this.taken.query !== this.state.query()) {
      this.pane.classList.add("stale");
      this.note.textContent = "of an earlier face; render again";
    }
  }

  async take() {
    const query = this.state.query();
    const rest = this.state.query({ aus: {} });
    const started = performance.now();
    this.busy.textContent = "rendering…";
    try {
      await this.latest.run(async (signal) => {
        const picture = await blob(PATHS.picture, query, signal);
        const seconds = (performance.now() - started) / 1000;
        this.#forget();
        this.taken = { query, rest, urls: { picture: URL.createObjectURL(picture) }, seconds };
        this.pane.classList.remove("stale");
        await this.show("picture");
        this.busy.textContent = "reading…";
        this.#tell(await json("reading", query, signal));
      });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.say(error);
    }
    this.busy.textContent = "";
  }

  async show(layer) {
    if (!this.taken) return;
    const taken = this.taken;
    try {
      if (!taken.urls[layer]) {
        this.busy.textContent = layer === "rest" ? "rendering…" : "looking…";
        const query = layer === "rest" ? taken.rest : taken.query;
        const made = await this.latestLayer.run((signal) => blob(PATHS[layer], query, signal));
        this.busy.textContent = "";
        if (this.taken !== taken) return;
        taken.urls[layer] = URL.createObjectURL(made);
      }
    } catch (error) {
      this.busy.textContent = "";
      if (error.name !== "AbortError") this.say(error);
      return;
    }
    this.layer = layer;
    this.image.src = taken.urls[layer];
    this.image.alt = `The rendered face, ${layer}`;
    this.image.dataset.layer = layer;
    this.image.hidden = false;
    document.getElementById("photo-empty").hidden = true;
    const note = NOTES[layer];
    if (!this.pane.classList.contains("stale")) {
      this.note.textContent = layer === "picture" ? `${note}, ${taken.seconds.toFixed(2)} s` : typeof note === "function" ? note(this.guide.heat_mm) : note;
    }
    for (const button of document.querySelectorAll("#layers button")) button.setAttribute("aria-pressed", button.dataset.layer === layer);
  }

  #forget() {
    for (const url of Object.values(this.taken?.urls ?? {})) URL.revokeObjectURL(url);
  }

  #tell({ model, true_pspi: truth, reading }) {
    const panel = this.reading;
    panel.hidden = false;
    panel.replaceChildren(element("h2", { text: `What ${model} reads in the picture` }));
    if (!reading) {
      panel.append(element("p", { text: "Its detector finds no face in this picture. Turn the head less." }));
      return;
    }
    const interval = reading.interval ? `90 % interval ${reading.interval[0].toFixed(1)}–${reading.interval[1].toFixed(1)}` : "";
    panel.append(
      element("div", {}, element("p", { class: "big", id: "read-pspi", text: reading.pspi.toFixed(1) }, element("small", { text: "  PSPI read" })),
        element("p", { class: "hint", text: `${interval}${interval ? "; " : ""}by the formula ${truth}` })),
      element("div", { class: "pairs" }, ...Object.entries(reading.aus).map(([name, value]) => this.#pair(name, value))),
      element("p", { class: "hint", text: "" }),
      element("p", { class: "hint", text: "Bars: what the model reads. Marks: what the face does. AU43 is read as a probability that the eyes are closed." }),
    );
  }

  #pair(name, value) {
    const most = name === "AU43" ? 1 : 5;
    const truth = Number(new URLSearchParams(this.taken.query).get(name) ?? 0);
    const bar = element("i"), mark = element("u");
    bar.style.width = `${Math.min(100, (100 * Math.max(0, value)) / most)}%`;
    mark.style.left = `${(100 * truth) / most}%`;
    const said = name === "AU43" ? `${Math.round(100 * value)} %, ${truth ? "closed" : "open"}` : `${Math.max(0, value).toFixed(1)}, is ${truth}`;
    return element("div", { class: "pair" }, element("b", { text: name }), element("span", { class: "track" }, bar, mark), element("span", { text: said }));
  }
}
