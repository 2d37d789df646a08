// Onset, apex, offset: the timing is the one of `pain3d clip`, moment by moment from the server.
import { json } from "./api.js";

export class Player {
  /** @param show called with (aus, blink, sway) for every frame; null at the end */
  constructor(state, units, show) {
    Object.assign(this, { state, units, show, playing: false });
  }

  async start() {
    const { frames, frames_per_second: rate } = await json("timeline", this.state.query());
    this.playing = true;
    const started = performance.now();
    const step = () => {
      if (!this.playing) return;
      const at = Math.floor(((performance.now() - started) / 1000) * rate);
      if (at >= frames.length) return this.stop();
      const frame = frames[at];
      this.show(Object.fromEntries(this.units.map((unit, i) => [unit.name, frame.aus[i]])), frame.blink, frame);
      requestAnimationFrame(step);
    };
    step();
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.show(null, 0, null);
  }
}
