// The page as a whole.

const SCORE = "PSPI is observer-coded facial expression, not felt pain.";
const SYNTHETIC = `${SCORE} Nobody shown here exists. Groups are appearances of a parametric model. Synthetic data
  is not clinical evidence, and this is not a medical device.`;
const IMPORTED = `${SCORE} These are pictures of an imported dataset: pass this page on only if its licence lets you.`;

const facets = allFacets();
const controls = controlsOf(facets, update);
const grid = new Grid(byId("grid"), (position) => openDetails(position));
const openDetails = detailsOf(byId("details"), grid);
const panels = ["frames", "distributions", "balance", "audit"];
let pass = new Uint8Array(rowCount), total = 0, shown = "frames";

/** Filter, count, and show the result wherever it is seen. */
function update() {
  const order = ORDERS[byId("order").value];
  pass = passingFrames(facets);
  const rows = orderedRows(order).filter((row) => pass[row]);
  total = rows.length;
  const active = facets.filter((one) => one.allowed.includes(0)).length;
  const all = counted(rowCount, "frame");
  byId("count").textContent = total === rowCount ? all : `${shownCount(total)} of ${all}`;
  byId("reset").hidden = !active;
  byId("active").textContent = active ? `(${active})` : "";
  byId("nothing").hidden = total > 0;
  for (const { refresh } of controls) refresh();
  const top = document.querySelector(".columns").offsetTop;
  if (window.scrollY > top) window.scrollTo(0, top);
  grid.show(rows);
  showPanel();
}

function showPanel() {
  if (shown === "distributions") showDistributions(byId(shown), facets, total);
  if (shown === "balance") showBalance(byId(shown), pass);
}

function choosePanel(name) {
  shown = name;
  for (const each of panels) {
    byId(each).hidden = each !== name;
    byId(`tab-${each}`).setAttribute("aria-selected", String(each === name));
    byId(`tab-${each}`).tabIndex = each === name ? 0 : -1;
  }
  showPanel();
  if (name === "frames") grid.layOut();
}

function reset() {
  for (const { facet: one, clear } of controls) {
    one.allowed.fill(1);
    clear();
  }
  update();
}

function showFacts() {
  const { about } = data;
  const megabytes = Math.ceil(about.bytes / 1e6);
  const size = megabytes < 1000 ? `${megabytes} MB` : `${(megabytes / 1000).toFixed(1)} GB`;
  const subjects = facets.find((one) => one.key === "subject_id").options.length;
  const facts = [
    [shownCount(subjects), subjects === 1 ? "subject" : "subjects"], [shownCount(rowCount), "frames"],
    ...(about.resolution ? [[`${about.resolution} px`, "square pictures"]] : []),
    [size, "of Parquet"],
    ...(about.seed === null ? [["imported", about.source]] : [[`seed ${about.seed}`, ""]]),
    [data.audit ? `audit: ${data.audit.verdict}` : "not audited", "", data.audit && (data.audit.ok ? "good" : "bad")],
  ];
  for (const [value, words, tone] of facts) {
    byId("facts").append(make("span", { class: tone || "" }, make("b", {}, value), ` ${words}`));
  }
  byId("caution").textContent = about.source === null ? SYNTHETIC : IMPORTED;
}

function saveIds() {
  const ids = Array.from(grid.rows, (row) => at("frame_id", row)).join("\n");
  const file = new Blob([`${ids}\n`], { type: "text/plain" });
  const link = make("a", { href: URL.createObjectURL(file), download: "frame_ids.txt" });
  link.click();
  URL.revokeObjectURL(link.href);
}

showFacts();
showAudit(byId("audit"));
layOutControls(controls, byId("facets"));
document.documentElement.style.setProperty("--tiles", `${across * 100}%`);
for (const [name, order] of Object.entries(ORDERS)) byId("order").append(make("option", { value: name }, order.title));
byId("order").onchange = update;
byId("heat").onchange = () => grid.setHeatOnAll(byId("heat").checked);
byId("heat-choice").hidden = byId("heat-key").hidden = !hasHeat;
byId("heat-key").lastChild.textContent = `0 to ${data.about.heatmap_max_mm} mm`;
byId("save").onclick = saveIds;
byId("reset").onclick = reset;
for (const name of panels) {
  byId(`tab-${name}`).onclick = () => choosePanel(name);
  byId(`tab-${name}`).onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = panels[(panels.indexOf(name) + step + panels.length) % panels.length];
    choosePanel(next);
    byId(`tab-${next}`).focus();
  };
}
if (window.innerWidth < 900) byId("filters").open = false;
update();
