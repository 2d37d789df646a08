// The grid: only the pairs in sight are in the document.

const GAP = 10, CAPTION = 46, LEAST_CELL = 236, LEAST_CELL_NARROW = 160, NARROW = 560;
const MOST_SHOWN = 300_000; // browsers cannot scroll further than some 17 million pixels
const SETTLED_MS = 90;

class Grid {
  constructor(host, open) {
    this.host = host;
    this.open = open;
    this.rows = new Uint32Array(0);
    this.cells = new Map(); // position -> element
    this.spare = [];
    this.focus = 0;
    this.heatOnAll = false;
    this.seen = 0;
    new ResizeObserver(() => this.layOut()).observe(host);
    document.addEventListener("scroll", () => this.schedule(), { passive: true });
    for (const [start, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      host.addEventListener(start, (event) => this.light(event.target, true));
      host.addEventListener(end, (event) => this.light(event.target, false));
    }
    host.addEventListener("click", (event) => {
      const cell = event.target.closest(".pair");
      if (cell) this.open(Number(cell.dataset.position));
    });
    host.addEventListener("keydown", (event) => this.onKey(event));
  }

  show(rows) {
    this.rows = rows.subarray(0, MOST_SHOWN);
    this.focus = 0;
    this.clear();
    this.layOut();
  }

  setHeatOnAll(on) {
    this.heatOnAll = on;
    for (const cell of this.cells.values()) this.paintHeat(cell);
  }

  clear() {
    for (const cell of this.cells.values()) {
      cell.remove();
      this.spare.push(cell);
    }
    this.cells.clear();
  }

  layOut() {
    const width = this.host.clientWidth;
    if (!width) return; // another tab is open
    const least = width < NARROW ? LEAST_CELL_NARROW : LEAST_CELL;
    this.across = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.side = Math.floor(((width + GAP) / this.across - GAP) / 2);
    this.pitch = this.side + CAPTION + GAP;
    this.host.style.setProperty("--side", `${this.side}px`);
    this.host.style.height = `${Math.ceil(this.rows.length / this.across) * this.pitch}px`;
    for (const [position, cell] of this.cells) this.put(cell, position);
    this.render();
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  /** Bring the cells in sight, and a row more on either side, into the document. */
  render() {
    if (!this.across || !this.host.clientWidth) return;
    const top = -this.host.getBoundingClientRect().top;
    const fast = Math.abs(top - this.seen) > window.innerHeight; // thrown past: pictures come when it settles
    this.seen = top;
    const first = Math.max(0, Math.floor(top / this.pitch) - 1) * this.across;
    const end = Math.min(this.rows.length, (Math.ceil((top + window.innerHeight) / this.pitch) + 1) * this.across);
    for (const [position, cell] of this.cells) {
      if ((position < first || position >= end) && cell !== document.activeElement) {
        cell.remove();
        this.spare.push(cell);
        this.cells.delete(position);
      }
    }
    for (let position = first; position < end; position++) {
      if (!this.cells.has(position)) this.fill(position);
    }
    clearTimeout(this.settling);
    if (fast) this.settling = setTimeout(() => this.paint(), SETTLED_MS);
    else this.paint();
  }

  fill(position) {
    const cell = this.spare.pop() ?? newCell();
    const row = this.rows[position], neutral = at("neutral_row", row);
    const score = `PSPI ${shownNumber(at("PSPI", row))}`, units = unitsText(row);
    const kind = at("kind", row);
    const acting = units || (kind === "neutral" ? "neutral" : "no unit acts");
    const [left, right] = cell.children, [title, who] = cell.querySelector(".say").children;
    cell.dataset.position = position;
    cell.dataset.row = row;
    const shade = kind === "pain" && at("PSPI", row) === 0 ? "rest" : kind.replace(" ", "-"); // a clip begins at rest
    cell.className = `pair ${shade}${neutral === null || neutral === row ? " alone" : ""}`;
    cell.tabIndex = position === this.focus ? 0 : -1;
    cell.setAttribute("aria-label", `${at("frame_id", row)}, ${score}, ${acting}`);
    cell.setAttribute("aria-setsize", this.rows.length);
    cell.setAttribute("aria-posinset", position + 1);
    left.style.backgroundImage = right.style.backgroundImage = right.firstChild.style.backgroundImage = "";
    title.textContent = score;
    who.textContent = `${["distractor", "confound"].includes(kind) ? `${kind}, ` : ""}${at("subject_id", row)}`;
    cell.querySelector(".acting").textContent = acting;
    cell.painted = false;
    this.put(cell, position);
    this.cells.set(position, cell);
    this.host.append(cell);
  }

  put(cell, position) {
    const left = (position % this.across) * (2 * this.side + GAP);
    cell.style.transform = `translate(${left}px, ${Math.floor(position / this.across) * this.pitch}px)`;
  }

  paint() {
    for (const cell of this.cells.values()) {
      if (cell.painted) continue;
      const row = Number(cell.dataset.row), neutral = at("neutral_row", row);
      if (!cell.classList.contains("alone")) showTile(cell.children[0], "faces", neutral);
      showTile(cell.children[1], "faces", row);
      cell.painted = true;
      this.paintHeat(cell);
    }
  }

  paintHeat(cell) {
    const row = Number(cell.dataset.row);
    const lit = hasHeatAt(row) && (this.heatOnAll || cell.matches(":hover, :focus"));
    if (lit) showTile(cell.children[1].firstChild, "heat", row);
    cell.classList.toggle("lit", lit);
  }

  light(target, on) {
    const cell = target.closest(".pair");
    if (!cell) return;
    const row = Number(cell.dataset.row);
    if (on && hasHeatAt(row)) showTile(cell.children[1].firstChild, "heat", row);
    cell.classList.toggle("lit", hasHeatAt(row) && (on || this.heatOnAll || cell === document.activeElement));
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across };
    const ends = { Home: -this.focus, End: this.rows.length - 1 - this.focus };
    const step = steps[event.key] ?? ends[event.key];
    if (event.key === "Enter" || event.key === " ") this.open(this.focus);
    else if (step !== undefined) this.moveTo(this.focus + step);
    else return;
    event.preventDefault();
  }

  /** Put the focus on a pair, and the pair in sight. */
  moveTo(position) {
    if (position < 0 || position >= this.rows.length) return;
    const before = this.cells.get(this.focus);
    if (before) before.tabIndex = -1;
    this.focus = position;
    const top = Math.floor(position / this.across) * this.pitch + this.host.getBoundingClientRect().top;
    const covered = document.querySelector(".bar-top").getBoundingClientRect().bottom + GAP;
    if (top < covered) window.scrollBy(0, top - covered);
    else if (top + this.pitch > window.innerHeight) window.scrollBy(0, top + this.pitch - window.innerHeight);
    this.render();
    const cell = this.cells.get(position);
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
  }
}

function newCell() {
  const heat = make("i", { class: "over" });
  const said = make("span", { class: "say" }, make("b"), make("em"));
  const faces = [make("span", { class: "face" }), make("span", { class: "face" }, heat)];
  return make("div", { role: "option", "aria-selected": "false" }, ...faces, said, make("span", { class: "acting" }));
}
