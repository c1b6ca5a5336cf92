// The score of the drawing, compared with the scores of the eval split.

const byId = (id) => document.getElementById(id);

/** Shows a score in nats per image, or none. */
export function showScore(score, latentMap) {
  byId("score").hidden = score === null;
  byId("score-none").hidden = score !== null;
  for (const id of ["score-scale", "score-scale-caption"]) byId(id).hidden = score === null || !latentMap;
  if (score === null) return;
  byId("score-value").textContent = `${score.toFixed(2)} nats`;
  byId("score-value").dataset.score = score;
  byId("score-rank").textContent = latentMap ? rank(score, latentMap) : "";
  if (latentMap) showScale(score, latentMap.score_percentiles);
}

/** Compares a score with those of the eval split, in words. */
export function rank(score, { score_percentiles: percentiles, points }) {
  const images = `the ${points.length.toLocaleString("en")} eval images`;
  if (score < percentiles[0]) return `Lower than all of ${images}.`;
  if (score > percentiles.at(-1)) return `Higher than all of ${images}: it is unlike the training data.`;
  const percentile = percentileOf(score, percentiles);
  const share = Math.max(percentile, 100 - percentile);
  // Never 100 %: that would contradict the sentences above.
  const percent = share < 99 ? Math.round(share) : Math.min(99.9, share).toFixed(1);
  return `${percentile > 50 ? "Higher" : "Lower"} than ${percent} % of ${images}.`;
}

/** The percentile of a score, interpolated between the known ones. */
export function percentileOf(score, percentiles) {
  const next = percentiles.findIndex((value) => value > score);
  if (next < 0) return percentiles.length - 1;
  if (next === 0) return 0;
  return next - 1 + (score - percentiles[next - 1]) / (percentiles[next] - percentiles[next - 1]);
}

function showScale(score, percentiles) {
  const low = Math.min(percentiles[0], score);
  const high = Math.max(percentiles.at(-1), score);
  const part = (value) => (high > low ? (100 * (value - low)) / (high - low) : 50);
  const band = byId("score-band").style;
  band.left = `${part(percentiles[5])}%`;
  band.width = `${part(percentiles[95]) - part(percentiles[5])}%`;
  byId("score-median").style.left = `${part(percentiles[50])}%`;
  byId("score-marker").style.left = `${part(score)}%`;
  byId("score-low").textContent = low.toFixed(0);
  byId("score-high").textContent = high.toFixed(0);
}
