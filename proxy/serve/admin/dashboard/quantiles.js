// Quantiles of histograms, by straight lines within a bucket, as Prometheus' histogram_quantile does it.

// histogram: { bounds, counts }, counts one longer than bounds and not cumulative. null when nothing was counted.
export function quantile(histogram, wanted) {
  const total = histogram ? histogram.counts.reduce((sum, n) => sum + n, 0) : 0;
  if (!total) return null;
  const { bounds, counts } = histogram;
  let left = wanted * total;
  for (let index = 0; index < bounds.length; index++) {
    if (left <= counts[index] && counts[index]) {
      const low = index ? bounds[index - 1] : 0;
      return low + ((bounds[index] - low) * left) / counts[index];
    }
    left -= counts[index];
  }
  return bounds[bounds.length - 1]; // it is at least this
}

export function sum(histograms) {
  const found = histograms.filter(Boolean);
  if (!found.length) return null;
  return {
    bounds: found[0].bounds,
    counts: found[0].counts.map((_, index) => found.reduce((total, one) => total + one.counts[index], 0)),
    sum: found.reduce((total, one) => total + one.sum, 0),
    count: found.reduce((total, one) => total + one.count, 0),
  };
}
