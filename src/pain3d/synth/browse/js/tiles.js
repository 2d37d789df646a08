// Thumbnails: each is a tile of a sheet, which is embedded in the page or lies beside it.

const { tile: tileSide, across, heat: hasHeat, folder } = data.sheets;
const embedded = window.pain3dSheets;
const urls = new Map();

function sheetUrl(name) {
  if (!embedded) return `${folder}/${name}`;
  if (!urls.has(name)) {
    const type = name.endsWith(".png") ? "image/png" : "image/jpeg";
    urls.set(name, URL.createObjectURL(new Blob([bytesOf(embedded[name])], { type })));
  }
  return urls.get(name);
}

/** Show a frame's face or heat as the background of an element. */
function showTile(element, kind, row) {
  const tiles = across * across, place = row % tiles;
  const number = String(Math.floor(row / tiles)).padStart(5, "0");
  const name = kind === "faces" ? `faces-${number}.jpg` : `heat-${number}.png`;
  const share = (index) => `${(100 * index) / (across - 1)}%`;
  element.style.backgroundImage = `url("${sheetUrl(name)}")`;
  element.style.backgroundPosition = `${share(place % across)} ${share(Math.floor(place / across))}`;
}

const hasHeatAt = (row) => hasHeat && at("peak_mm", row) > 0;

/** ``AU4 3 · AU6 2`` for the units that act, as far as one decimal shows it; the eyes are closed or not. */
function unitsText(row) {
  const acting = data.about.units.filter((unit) => at(unit.name, row) >= 0.05);
  return acting.map(({ name }) => (name === "AU43" ? name : `${name} ${shownNumber(at(name, row))}`)).join(" · ");
}
