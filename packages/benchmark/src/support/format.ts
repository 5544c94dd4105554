// Figures as they are shown: two to three significant digits, in the unit that fits.

/** Three digits, but at most two decimals. */
const digits = (value: number): string => value.toFixed(Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2)

/** Milliseconds: `12.3 µs`, `1.04 ms`, `2.50 s`. */
export const duration = (millis: number): string =>
  Number.isNaN(millis)
    ? "–"
    : millis < 0.9995
    ? `${digits(millis * 1000)} µs`
    : millis < 999.5
    ? `${digits(millis)} ms`
    : `${digits(millis / 1000)} s`

/** `1.07 ×`. */
export const ratio = (value: number): string => Number.isNaN(value) ? "–" : `${digits(value)} ×`

/** `34 %`, of a share from 0 to 1. */
export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

/** `10,000`. */
export const count = (value: number): string => value.toLocaleString("en-US")

/** With one more digit, for differences of 1 %. */
export const exactRatio = (value: number): string => Number.isNaN(value) ? "–" : `${value.toFixed(3)} ×`

/** Bytes in kB, as in the goals. */
export const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
