// The arithmetic that must be there while a slider moves. Python's is the definition (pain3d/facs.py, gltf/morphs.py);
// tests hold this against it.

/** Prkachin-Solomon Pain Intensity of {AU4: 3, ...}; what is left out is 0. */
export function pspi(aus) {
  const of = (name) => aus[name] ?? 0;
  return of("AU4") + Math.max(of("AU6"), of("AU7")) + Math.max(of("AU9"), of("AU10")) + of("AU43");
}

/** Units that make up the score just now: of a pair the stronger one, of two alike both. */
export function counted(aus) {
  const of = (name) => aus[name] ?? 0;
  const names = new Set();
  if (of("AU4") > 0) names.add("AU4");
  for (const [one, other] of [["AU6", "AU7"], ["AU9", "AU10"]]) {
    if (of(one) > 0 && of(one) >= of(other)) names.add(one);
    if (of(other) > 0 && of(other) >= of(one)) names.add(other);
  }
  if (of("AU43") > 0) names.add("AU43");
  return names;
}

/** FACS letter of an intensity 0..5. */
export function level(intensity) {
  return ["–", "A", "B", "C", "D", "E"][Math.min(5, Math.round(intensity))];
}

/** Piecewise linear through the points (xs, ys). */
export function interpolated(x, xs, ys) {
  for (let i = 1; i < xs.length; i++) {
    if (x <= xs[i]) return ys[i - 1] + ((ys[i] - ys[i - 1]) * Math.max(0, x - xs[i - 1])) / (xs[i] - xs[i - 1]);
  }
  return ys[ys.length - 1];
}

/**
 * Morph weights of an expression, by what the .glb says of itself.
 * @param aus intensities by name; AU43 may lie between 0 and 1 while lids are on their way
 * @param about asset.extras.pain3d of the file
 */
export function morphWeights(aus, about) {
  const { levels, weights: steps } = about.intensity_to_weight;
  const weights = {};
  for (const name of Object.keys(about.units)) {
    const intensity = aus[name] ?? 0;
    weights[name] = name === "AU43" ? intensity : interpolated(intensity, levels, steps);
  }
  for (const [name, { units, weight }] of Object.entries(about.correctives)) {
    const own = units.map((unit) => weights[unit]);
    weights[name] = weight === "w1w2" ? own[0] * own[1] : 4 * own[0] * (1 - own[0]);
  }
  return weights;
}

/** The same face with the six units of pain at rest: what the heatmap is measured from. */
export function withoutPain(aus, blink) {
  const rest = { ...aus };
  for (const name of ["AU4", "AU6", "AU7", "AU9", "AU10"]) rest[name] = 0;
  rest.AU43 = blink;
  return rest;
}
