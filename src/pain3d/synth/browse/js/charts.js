// What the frames that pass are like: distributions, balance, and what the audit said.

const lead = (...words) => make("p", { class: "lead" }, ...words);

function table(head, rows, className = "") {
  const line = (tag, values) => make("tr", {}, ...values.map((value) => make(tag, {}, value)));
  const body = make("tbody", {}, ...rows.map((row) => line("td", row)));
  return make("div", { class: `wide ${className}` }, make("table", {}, make("thead", {}, line("th", head)), body));
}

function showDistributions(host, facets, total) {
  const units = new Set(data.about.units.map((unit) => unit.name));
  const groups = facets.filter((one) => !units.has(one.key) && !["PSPI", "subject_id"].includes(one.key));
  const score = facets.find((one) => one.key === "PSPI");
  host.replaceChildren(
    lead(`Of the ${counted(total, "frame")} that pass the filters.`),
    make("h2", {}, "PSPI"),
    scoreChart(score),
    make("h2", {}, "Action Units"),
    lead("Share of frames in which a unit is present; the fuller its colour, the stronger (1 to 5). AU43 is present or not."),
    ...facets.filter((one) => units.has(one.key)).map((one) => unitBar(one, total)),
    make("h2", {}, "Groups"),
    make("div", { class: "balance" }, ...groups.map(groupBars)),
  );
}

function scoreChart(one) {
  const most = Math.max(...one.passing) || 1;
  const columns = Array.from(one.passing, (count, score) => {
    const filled = make("u");
    filled.style.height = `${(100 * count) / most}%`;
    const number = make("em", {}, count ? shownCount(count) : "");
    return make("div", { title: counted(count, "frame") }, number, make("i", {}, filled), one.options[score]);
  });
  return make("div", { class: "scores-chart", role: "img", "aria-label": "Frames by PSPI" }, ...columns);
}

function unitBar(one, total) {
  const levels = one.key === "AU43" ? 1 : 5;
  const parts = Array.from({ length: levels }, (_, index) => {
    const part = make("u", { title: `${one.key} ${index + 1}: ${counted(one.passing[index + 1], "frame")}` });
    part.style.width = `${total ? (100 * one.passing[index + 1]) / total : 0}%`;
    part.style.opacity = levels === 1 ? 1 : 0.25 + 0.1875 * index;
    return part;
  });
  const present = one.passing.subarray(1, levels + 1).reduce((sum, count) => sum + count, 0);
  const pain = data.about.units.find((unit) => unit.name === one.key).pain;
  const share = total ? `${((100 * present) / total).toFixed(1)} %` : "–";
  return make(
    "div", { class: `unit-bar ${pain ? "pain" : ""}` },
    make("b", {}, one.key), make("span", {}, one.title), make("i", {}, ...parts), make("em", {}, share),
  );
}

function groupBars(one) {
  const most = Math.max(...one.passing);
  const lines = Array.from(one.passing, (count, option) => {
    const word = make("span", {}, readable(one.options[option]));
    return count ? make("div", { class: "bar" }, word, bar(count, most), make("b", {}, shownCount(count))) : "";
  });
  return make("section", {}, make("h3", {}, one.title), ...lines);
}

/** Subjects (and frames) in each cell of age band, sex and appearance group, by split. */
function cellsOf(pass) {
  const parts = ["age_band", "sex", "ethnicity"].filter(has);
  const splits = columnOf("split").words;
  const cells = new Map(), seen = new Set();
  for (let row = 0; row < rowCount; row++) {
    if (!pass[row]) continue;
    const group = parts.map((name) => at(name, row) ?? NOT_KNOWN), key = JSON.stringify(group);
    if (!cells.has(key)) cells.set(key, { group, frames: 0, subjects: new Array(splits.length).fill(0) });
    const cell = cells.get(key), split = columnOf("split").code(row);
    const member = `${split} ${at("subject_id", row)}`;
    cell.frames++;
    if (!seen.has(key + member)) {
      seen.add(key + member);
      cell.subjects[split]++;
    }
  }
  const rank = (group) => parts.map((name, place) => {
    const found = columnOf(name).words.indexOf(group[place]);
    return String(found < 0 ? 99 : found).padStart(2, "0");
  }).join();
  return { parts, splits, cells: [...cells.values()].sort((a, b) => (rank(a.group) < rank(b.group) ? -1 : 1)) };
}

function showBalance(host, pass) {
  const { parts, splits, cells } = cellsOf(pass);
  const titles = { age_band: "age band", sex: "sex", ethnicity: "appearance group" };
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const line = (group, subjects, frames) => [...group, ...[...subjects, sum(subjects), frames].map(shownCount)];
  const totals = splits.map((_, split) => sum(cells.map((cell) => cell.subjects[split])));
  const head = [...parts.map((name) => titles[name]), ...splits, "subjects", "frames"];
  const rows = cells.map((cell) => line(cell.group.map(readable), cell.subjects, cell.frames));
  const first = parts.map((_, place) => (place === 0 ? "all" : ""));
  if (parts.length) rows.push(line(first, totals, sum(cells.map((cell) => cell.frames))));
  else rows.splice(0, rows.length, line([], totals, sum(cells.map((cell) => cell.frames))));
  const whole = cells.map((cell) => sum(cell.subjects)), least = Math.min(...whole), most = Math.max(...whole);
  const each = least === most ? counted(most, "subject") : `${least} to ${most} subjects`;
  const says = parts.length
    ? `${counted(cells.length, "cell")} of ${parts.map((name) => titles[name]).join(", ")}: ${each} in each.`
    : "The source does not tell age, sex or appearance group.";
  if (cells.length) {
    const words = `Subjects in each cell and split, of the frames that pass the filters. ${says}`;
    host.replaceChildren(lead(words), table(head, rows, "numbers"));
  } else host.replaceChildren(lead("No frame passes these filters."));
}

function showAudit(host) {
  const report = data.audit;
  if (!report) {
    const command = make("code", {}, "pain3d audit");
    const before = "This page was made without an audit. ", after = " checks every file, label and picture.";
    host.replaceChildren(lead(before, command, after));
    return;
  }
  const verdict = make("p", { class: report.ok ? "verdict good" : "verdict bad" }, make("b", {}, report.verdict));
  const looked = `${counted(report.frames, "frame")} in ${counted(report.shards, "file")} were checked`;
  const what = "when this page was made: hashes, schema, labels against each other, pictures, balance.";
  host.replaceChildren(verdict, lead(`${looked} ${what}`));
  const saturated = counted(report.saturated_frames, "frame");
  const most = `its maximum of ${data.about.heatmap_max_mm} mm.`;
  const said = report.saturated_frames ? `In ${saturated} the heatmap reaches ${most}` : `No heatmap reaches ${most}`;
  if (hasHeat) host.append(lead(said));
  if (report.ok) return;
  host.append(table(["rule", "findings"], report.rules.map(({ rule, count }) => [rule, shownCount(count)])));
  const all = report.rules.reduce((sum, { count }) => sum + count, 0);
  host.append(lead(`The first ${shownCount(report.findings.length)} of ${shownCount(all)}:`));
  const place = ({ where, file }) => (file ? `${file}: ${where}` : where);
  const rows = report.findings.map((found) => [place(found), found.rule, found.message]);
  host.append(table(["where", "rule", "what"], rows));
}
