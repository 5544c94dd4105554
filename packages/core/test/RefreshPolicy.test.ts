import { RefreshPolicy } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Schema } from "effect"

const runs = { arbitrary: { runs: 2000 } }
const minute = 60_000
const hour = 60 * minute

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** As `Random.next` draws it: from 0, below 1. */
const random = between(0, 1 - Number.EPSILON)
/** Every lifetime that `AccessToken.decode` lets through. */
const lifetime = integer(1000, 24 * hour)

/** Any policy that `make` takes. */
const policy = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    renewAt: between(0.01, 0.99),
    jitter: between(0, 0.5),
    minimumMargin: integer(0, 10 * minute),
    leeway: integer(1, 10 * minute),
    backoffBase: integer(1, minute),
    backoffMaximum: integer(1, hour),
    retryAfterMaximum: integer(0, 2 * hour),
    replacementsPerMinute: integer(1, 10)
  })),
  (options) => ({ options, policy: RefreshPolicy.make(options) })
)

describe("RefreshPolicy.renewalDelay", () => {
  it.prop("invariant 4: by default between 72 % and 80 % of the lifetime, and a minute before expiry", {
    lifetime,
    random
  }, ({ lifetime, random }) => {
    const delay = RefreshPolicy.renewalDelay(RefreshPolicy.defaults, lifetime, random)
    assert.isAbove(delay, 0)
    assert.isAtMost(delay, 0.8 * lifetime)
    if (lifetime >= 2 * minute) assert.isAtMost(delay, lifetime - minute)
    const latest = lifetime >= 2 * minute ? Math.min(0.8 * lifetime, lifetime - minute) : 0.8 * lifetime
    assert.isAtLeast(delay, latest * (1 - 0.1))
  }, runs)

  it.prop("invariant 4: of any policy within `renewAt`, `minimumMargin` and `jitter`", {
    policy,
    lifetime,
    random
  }, ({ lifetime, policy: { options, policy }, random }) => {
    const delay = RefreshPolicy.renewalDelay(policy, lifetime, random)
    const { jitter, minimumMargin, renewAt } = options
    const usable = RefreshPolicy.usableLifetime(policy, lifetime)
    assert.isAbove(delay, 0)
    assert.isAtMost(delay, renewAt * lifetime)
    const roomy = lifetime >= 2 * minimumMargin
    if (roomy) assert.isAtMost(delay, lifetime - minimumMargin)
    assert.isAtMost(delay, usable)
    const latest = Math.min(renewAt * lifetime, usable, roomy ? lifetime - minimumMargin : Infinity)
    assert.isAtLeast(delay, latest * (1 - jitter))
  }, runs)

  it.prop("invariant 4: later the less jitter is drawn, so that a fleet spreads", {
    lifetime,
    draws: Schema.Tuple([random, random])
  }, ({ draws, lifetime }) => {
    const [first, second] = draws
    const delay = (random: number) => RefreshPolicy.renewalDelay(RefreshPolicy.defaults, lifetime, random)
    if (first < second) assert.isAtLeast(delay(first), delay(second))
    assert.isAbove(delay(0), delay(0.5))
    assert.isAbove(delay(0.5), delay(1))
  }, runs)

  it.prop("invariant 4: by default renewal comes before the token is out of use", {
    lifetime,
    random
  }, ({ lifetime, random }) => {
    const { defaults } = RefreshPolicy
    assert.isBelow(
      RefreshPolicy.renewalDelay(defaults, lifetime, random),
      RefreshPolicy.usableLifetime(defaults, lifetime)
    )
  }, runs)

  it.each([
    ["an hour", 3_600_000, 2_592_000, 2_880_000],
    ["ten seconds", 10_000, 7200, 8000],
    // The margin counts from twice itself on, and from then until a fifth of the lifetime is more than it.
    ["just below two minutes", 119_999, 86_399, 95_999.2],
    ["two minutes", 120_000, 54_000, 60_000],
    ["four minutes", 240_000, 162_000, 180_000],
    ["five minutes", 300_000, 216_000, 240_000]
  ])("invariant 4: by default a token of %s is renewed within its window", (_, lifetime, earliest, latest) => {
    const delay = (random: number) => RefreshPolicy.renewalDelay(RefreshPolicy.defaults, lifetime, random)
    assert.closeTo(delay(0), latest, 1)
    assert.closeTo(delay(1), earliest, 1)
    assert.closeTo(delay(0.5), (earliest + latest) / 2, 1)
  })
})

describe("RefreshPolicy.usableLifetime", () => {
  it.prop("invariant 3: between 95 % of the lifetime and all of it, and below it", {
    policy,
    lifetime
  }, ({ lifetime, policy: { options, policy } }) => {
    const usable = RefreshPolicy.usableLifetime(policy, lifetime)
    assert.isBelow(usable, lifetime)
    assert.isAtLeast(usable, lifetime * 0.95 - 1e-6)
    assert.isAtLeast(usable, lifetime - options.leeway)
    assert.isTrue(usable === lifetime - options.leeway || usable === lifetime - lifetime * 0.05)
  }, runs)

  it.each([
    [3_600_000, 3_595_000],
    [100_000, 95_000],
    [10_000, 9500],
    [1000, 950]
  ])("invariant 3: by default a token of %d ms is used for %d ms", (lifetime, expected) => {
    assert.closeTo(RefreshPolicy.usableLifetime(RefreshPolicy.defaults, lifetime), expected, 1e-6)
  })

  it("without leeway it is the lifetime", () => {
    assert.strictEqual(RefreshPolicy.usableLifetime(RefreshPolicy.make({ leeway: 0 }), 10_000), 10_000)
  })
})

describe("RefreshPolicy.retryDelay", () => {
  const failures = integer(1, 2000)

  it.prop("invariant 5: from half to all of a step that doubles up to the maximum", {
    policy,
    failures,
    random
  }, ({ failures, policy: { options, policy }, random }) => {
    const delay = RefreshPolicy.retryDelay(policy, failures, undefined, random)
    const step = Math.min(options.backoffBase * Math.pow(2, failures - 1), options.backoffMaximum)
    assert.isAbove(delay, 0)
    assert.isAtLeast(delay, step / 2)
    assert.isAtMost(delay, step)
    assert.isAtMost(delay, options.backoffMaximum)
  }, runs)

  it.prop("invariant 5: grows with the failures until the maximum is reached", {
    policy,
    // Where a step is still to come, mostly.
    failures: integer(1, 12),
    random
  }, ({ failures, policy: { options, policy }, random }) => {
    const now = RefreshPolicy.retryDelay(policy, failures, undefined, random)
    const next = RefreshPolicy.retryDelay(policy, failures + 1, undefined, random)
    assert.isAtLeast(next, now)
    if (options.backoffBase * 2 ** failures <= options.backoffMaximum) assert.closeTo(next, 2 * now, 1e-6)
    const last = RefreshPolicy.retryDelay(policy, 2000, undefined, random)
    assert.closeTo(last, options.backoffMaximum * (0.5 + 0.5 * random), 1e-6)
  }, runs)

  it.prop("invariant 5: at least Retry-After, up to its cap, and no longer than that for its sake", {
    policy,
    failures,
    random,
    retryAfter: integer(0, 400 * 24 * hour)
  }, ({ failures, policy: { options, policy }, random, retryAfter }) => {
    const delay = RefreshPolicy.retryDelay(policy, failures, Duration.millis(retryAfter), random)
    const alone = RefreshPolicy.retryDelay(policy, failures, undefined, random)
    const believed = Math.min(retryAfter, options.retryAfterMaximum)
    assert.isAtLeast(delay, believed)
    assert.isAtLeast(delay, alone)
    assert.isTrue(delay === believed || delay === alone)
  }, runs)

  it.prop("invariant 5: while a token is in use, at most half of what is left of it, or the first step", {
    policy,
    failures,
    random,
    left: integer(1, 24 * hour)
  }, ({ failures, left, policy: { options, policy }, random }) => {
    const delay = RefreshPolicy.retryDelay(policy, failures, undefined, random, left)
    const without = RefreshPolicy.retryDelay(policy, failures, undefined, random)
    const longest = Math.max(options.backoffBase, left / 2)
    assert.isAtMost(delay, longest)
    assert.closeTo(delay, Math.min(without, longest * (0.5 + 0.5 * random)), 1e-6)
    const asked = Duration.millis(options.retryAfterMaximum)
    assert.isAtLeast(RefreshPolicy.retryDelay(policy, failures, asked, random, left), options.retryAfterMaximum)
  }, runs)

  it.each<[number, Duration.Duration | undefined, number, number]>([
    [1, undefined, 250, 500],
    [2, undefined, 500, 1000],
    [3, undefined, 1000, 2000],
    [8, undefined, 30_000, 60_000],
    [100, undefined, 30_000, 60_000],
    [Number.MAX_SAFE_INTEGER, undefined, 30_000, 60_000],
    [1, Duration.zero, 250, 500],
    [1, Duration.seconds(120), 120_000, 120_000],
    [8, Duration.seconds(40), 40_000, 60_000],
    [1, Duration.days(365), 3_600_000, 3_600_000],
    [1, Duration.infinity, 3_600_000, 3_600_000]
  ])("invariant 5: by default after %d failures and Retry-After %s from %d to %d ms", (n, retryAfter, from, to) => {
    assert.strictEqual(RefreshPolicy.retryDelay(RefreshPolicy.defaults, n, retryAfter, 0), from)
    assert.strictEqual(RefreshPolicy.retryDelay(RefreshPolicy.defaults, n, retryAfter, 1), to)
  })
})

describe("RefreshPolicy.replacementHold", () => {
  const history = { policy, gaps: Schema.Array(integer(0, 20_000)).check(Schema.isMaxLength(60)) }

  /** Rejections at the given distances; a replacement is made where nothing holds it back. */
  const replacementsOf = (policy: RefreshPolicy.RefreshPolicy, gaps: ReadonlyArray<number>, kept: number) => {
    const made: Array<number> = []
    let now = 0
    for (const gap of gaps) {
      now += gap
      if (RefreshPolicy.replacementHold(policy, made.slice(-kept), now) === 0) made.push(now)
    }
    return made
  }

  it.prop("invariant 6: no minute sees more than `replacementsPerMinute`", history, ({ gaps, policy: { policy } }) => {
    const allowed = policy.replacementsPerMinute
    // The whole history or its last few: both say the same.
    const made = replacementsOf(policy, gaps, Infinity)
    assert.deepStrictEqual(replacementsOf(policy, gaps, allowed), made)
    for (const start of made) {
      assert.isAtMost(made.filter((time) => time >= start && time < start + minute).length, allowed)
    }
  }, { arbitrary: { runs: 2000, size: 60 } })

  it.prop("invariant 6: the hold ends when a replacement is due again, not before and not after", {
    ...history,
    later: integer(0, 2 * minute)
  }, ({ gaps, later, policy: { policy } }) => {
    const made = replacementsOf(policy, gaps, Infinity)
    const now = (made.at(-1) ?? 0) + later
    const hold = RefreshPolicy.replacementHold(policy, made, now)
    const lastMinute = made.filter((time) => time > now - minute).length
    assert.strictEqual(hold > 0, lastMinute >= policy.replacementsPerMinute)
    assert.isAtMost(hold, minute)
    assert.strictEqual(RefreshPolicy.replacementHold(policy, made, now + hold), 0)
    if (hold > 0) assert.strictEqual(RefreshPolicy.replacementHold(policy, made, now + hold - 1), 1)
  }, { arbitrary: { runs: 2000, size: 60 } })

  it("invariant 6: a rejection every second gets five replacements a minute by default", () => {
    const made = replacementsOf(RefreshPolicy.defaults, Array.from({ length: 600 }, () => 1000), Infinity)
    assert.deepStrictEqual(made.slice(0, 6), [1000, 2000, 3000, 4000, 5000, 61_000])
    assert.strictEqual(made.length, 50)
  })
})

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
      patience: 5000,
      refusalTimeToLive: 5 * minute,
      replacementsPerMinute: 5,
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
      patience: 0,
      backoffBase: Duration.seconds(1)
    })
    assert.deepStrictEqual(plain(policy), {
      ...plain(RefreshPolicy.defaults),
      mode: "onDemand",
      attempts: 1,
      leeway: 2000,
      patience: 0,
      backoffBase: 1000
    })
  })

  const durations = [
    "minimumMargin",
    "leeway",
    "backoffBase",
    "backoffMaximum",
    "retryAfterMaximum",
    "patience",
    "refusalTimeToLive",
    "acquisitionTimeout"
  ] as const

  it.each<[keyof RefreshPolicy.Options, ReadonlyArray<number | string>]>([
    ["renewAt", [0.01, 0.5, 0.99]],
    ["jitter", [0, 0.25, 0.5]],
    ["attempts", [1, 2, 1000]],
    ["replacementsPerMinute", [1, 2, 1000]],
    ["backoffBase", [1, "1 day"]],
    ["backoffMaximum", [1, "1 day"]],
    ["acquisitionTimeout", [1, "1 day"]],
    ["minimumMargin", [0, "1 day"]],
    ["leeway", [0, "1 day"]],
    ["retryAfterMaximum", [0, "1 day"]],
    ["patience", [0, "1 day"]],
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
    ["replacementsPerMinute", [-1, 0, 0.5, 1.5, Infinity, NaN]],
    ["backoffBase", [0, 0.5]],
    ["backoffMaximum", [0, 0.5]],
    ["acquisitionTimeout", [0, 0.5]],
    ...durations.map((name) => [name, [-1, "-1 seconds", Infinity, -Infinity]] as [typeof name, Array<number | string>])
  ])("refuses every %s out of its range, by its name", (name, values) => {
    for (const value of values) {
      assert.throws(() => RefreshPolicy.make({ [name]: value }), RangeError, `RefreshPolicy.${name} is `, String(value))
    }
  })

  // `Duration` reads NaN as zero: what came of `Number(undefined)` would go unnoticed.
  it.each(durations)("refuses NaN as %s, by its name", (name) => {
    assert.throws(() => RefreshPolicy.make({ [name]: NaN }), RangeError, `RefreshPolicy.${name} is `)
  })
})
