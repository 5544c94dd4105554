import { expect, it } from "vitest"
import { count, duration, percent, ratio } from "../src/support/format.ts"

it.each([
  [0.000_42, "0.42 µs"],
  [0.0123, "12.3 µs"],
  [0.9994, "999 µs"],
  [0.9996, "1.00 ms"],
  [9.994, "9.99 ms"],
  [9.996, "10.0 ms"],
  [99.96, "100 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [12_340, "12.3 s"],
  [Number.NaN, "–"]
])("%d milliseconds are %s", (millis, shown) => {
  expect(duration(millis)).toBe(shown)
})

it("shows ratios, shares and counts", () => {
  expect([ratio(1.066), ratio(12.04), ratio(214.6), ratio(Number.NaN)]).toEqual(["1.07 ×", "12.0 ×", "215 ×", "–"])
  expect(percent(0.345)).toBe("35 %")
  expect([count(7), count(10_000)]).toEqual(["7", "10,000"])
})
