export interface Sample {
  readonly x: number
  readonly y: number
}

/** Least squares: by how much y grows with x, and the standard error of that. Both 0 for fewer than three samples. */
export function trendOf(samples: readonly Sample[]): { slope: number; error: number } {
  if (samples.length < 3) return { slope: 0, error: 0 }
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [x, y] = [mean((sample) => sample.x), mean((sample) => sample.y)]
  const spread = samples.reduce((sum, sample) => sum + (sample.x - x) ** 2, 0)
  const slope = samples.reduce((sum, sample) => sum + (sample.x - x) * (sample.y - y), 0) / spread
  const left = samples.reduce((sum, sample) => sum + (sample.y - y - slope * (sample.x - x)) ** 2, 0)
  return { slope, error: Math.sqrt(left / (samples.length - 2) / spread) }
}
