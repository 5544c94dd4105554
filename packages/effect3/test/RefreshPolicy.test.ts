import { RefreshPolicy } from "@effect-spotnana/effect3"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"

const minute = 60_000
const hour = 60 * minute

describe("RefreshPolicy.make", () => {
  const plain = (policy: RefreshPolicy.RefreshPolicy) =>
    Object.fromEntries(
      Object.entries(policy).map((
        [name, value]
      ) => [name, Duration.isDuration(value) ? Duration.toMillis(value) : value])
    )

  it("the defaults are the documented ones", () => {
    const documented = {
      mode: "background",
      renewAt: 0.8,
      jitter: 0.1,
      minimumMargin: minute,
      leeway: 5000,
      backoffBase: 500,
      backoffMaximum: minute,
      retryAfterMaximum: hour,
      attempts: 3,
      maximumWait: 5000,
      retryFor: 0,
      refusalTimeToLive: 5 * minute,
      acquisitionTimeout: 15_000
    }
    assert.deepStrictEqual(plain(RefreshPolicy.defaults), documented)
    assert.deepStrictEqual(plain(RefreshPolicy.make()), documented)
    assert.deepStrictEqual(
      plain(RefreshPolicy.make({ renewAt: undefined, leeway: undefined, mode: undefined })),
      documented
    )
  })

  it("takes what is given, durations in any form, and leaves the rest", () => {
    const policy = RefreshPolicy.make({
      mode: "onDemand",
      attempts: 1,
      leeway: "2 seconds",
      maximumWait: 0,
      backoffBase: Duration.seconds(1)
    })
    assert.deepStrictEqual(plain(policy), {
      ...plain(RefreshPolicy.defaults),
      mode: "onDemand",
      attempts: 1,
      leeway: 2000,
      maximumWait: 0,
      backoffBase: 1000
    })
  })

  const durations = [
    "minimumMargin",
    "leeway",
    "backoffBase",
    "backoffMaximum",
    "retryAfterMaximum",
    "maximumWait",
    "retryFor",
    "refusalTimeToLive",
    "acquisitionTimeout"
  ] as const

  it.each<[keyof RefreshPolicy.Options, ReadonlyArray<number | string>]>([
    ["renewAt", [0.01, 0.5, 0.99]],
    ["jitter", [0, 0.25, 0.5]],
    ["attempts", [1, 2, 1000]],
    ["backoffBase", [1, "1 day"]],
    ["backoffMaximum", [1, "1 day"]],
    ["acquisitionTimeout", [1, "1 day"]],
    ["minimumMargin", [0, "1 day"]],
    ["leeway", [0, "1 day"]],
    ["retryAfterMaximum", [0, "1 day"]],
    ["maximumWait", [0, "1 day"]],
    ["retryFor", [0, "1 day"]],
    ["refusalTimeToLive", [0, "1 day"]]
  ])("takes every %s within its range", (name, values) => {
    for (const value of values) {
      const made = plain(RefreshPolicy.make({ [name]: value }))[name]
      assert.strictEqual(made, value === "1 day" ? 24 * hour : value)
    }
  })

  it.each<[keyof RefreshPolicy.Options, ReadonlyArray<number | string>]>([
    ["renewAt", [-0.5, 0, 0.009, 0.991, 1, 1.5, Infinity, NaN]],
    ["jitter", [-0.1, 0.51, Infinity, NaN]],
    ["attempts", [-1, 0, 0.5, 1.5, Infinity, NaN]],
    ["backoffBase", [0, 0.5]],
    ["backoffMaximum", [0, 0.5]],
    ["acquisitionTimeout", [0, 0.5]],
    ...durations.map((name) => [name, [-1, "-1 seconds", Infinity, -Infinity]] as [typeof name, Array<number | string>])
  ])("refuses every %s out of its range, by its name", (name, values) => {
    for (const value of values) {
      assert.throws(() => RefreshPolicy.make({ [name]: value }), RangeError, `RefreshPolicy.${name} is `, String(value))
    }
  })

  it.each<[keyof RefreshPolicy.Options, unknown]>([
    ["mode", "eager"],
    ["renewAt", "0.5"],
    ["attempts", "3"],
    ["maximumWait", "five"],
    ["leeway", []],
    ["retryFor", null]
  ])("takes no %s of JavaScript that is %j", (name, value) => {
    const make = () => RefreshPolicy.make({ [name]: value } as RefreshPolicy.Options)
    if (value === null) assert.doesNotThrow(make)
    else assert.throws(make, RangeError, `RefreshPolicy.${name} is `)
  })

  it("says what is wrong, and what was expected", () => {
    assert.throws(
      () => RefreshPolicy.make({ maximumWait: NaN }),
      "RefreshPolicy.maximumWait is NaN; expected a finite duration of at least 0 ms"
    )
    assert.throws(
      () => RefreshPolicy.make("fast" as RefreshPolicy.Options),
      "RefreshPolicy is \"fast\"; expected an object"
    )
  })

  // `Duration` reads NaN as zero: what came of `Number(undefined)` would go unnoticed.
  it.each(durations)("refuses NaN as %s, by its name", (name) => {
    assert.throws(() => RefreshPolicy.make({ [name]: NaN }), RangeError, `RefreshPolicy.${name} is `)
  })
})
