// Statistics of samples.

/** The sample below which this share of all samples lies, 0 to 1. */
export const quantile = (samples: ReadonlyArray<number>, share: number): number => {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

/** The middle half of the samples: what `spread` prints. */
export const spread = (samples: ReadonlyArray<number>, print: (value: number) => string): string =>
  `${print(quantile(samples, 0.25))}–${print(quantile(samples, 0.75))}`

/** For samples that were taken in pairs. */
export const ratios = (of: ReadonlyArray<number>, over: ReadonlyArray<number>): ReadonlyArray<number> =>
  of.map((value, index) => value / over[index]!)

export const differences = (of: ReadonlyArray<number>, less: ReadonlyArray<number>): ReadonlyArray<number> =>
  of.map((value, index) => value - less[index]!)
