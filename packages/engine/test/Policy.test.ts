import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Policy from "../src/Policy.ts"

const runs = { arbitrary: { runs: 2000 } }
const second = 1_000
const minute = 60_000
const hour = 60 * minute

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const random = between(0, 1)
/** Every lifetime that the rules of a token response let through. */
const lifetime = integer(second, 24 * hour)
const failures = integer(1, 2000)

const policy = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    renewAt: between(0.01, 0.99),
    jitter: between(0, 0.5),
    minimumMargin: integer(0, 10 * minute),
    leeway: integer(0, 10 * minute),
    backoffBase: integer(1, minute),
    backoffMaximum: integer(1, hour),
    retryAfterMaximum: integer(0, 2 * hour),
    refusalTimeToLive: integer(0, hour)
  })),
  (options): Policy.Policy => ({ ...Policy.defaults, ...options })
)

/** When a token is renewed if the jitter is nothing. */
const latestRenewal = ({ minimumMargin, renewAt }: Policy.Policy, lifetime: number, usable: number) =>
  Math.min(
    renewAt * lifetime,
    usable - Math.min(second, usable / 3),
    lifetime >= 2 * minimumMargin ? lifetime - minimumMargin : Infinity
  )

describe("Policy.renewalDelay", () => {
  it.prop("invariant 4: of any policy within `renewAt`, `minimumMargin`, the use of the token and `jitter`", {
    policy,
    lifetime,
    random
  }, ({ lifetime, policy, random }) => {
    const delay = Policy.renewalDelay(policy, lifetime, random)
    const latest = latestRenewal(policy, lifetime, Policy.usableLifetime(policy, lifetime))
    assert.isAbove(delay, 0)
    assert.isAtMost(delay, latest)
    assert.isAtLeast(delay, latest * (1 - policy.jitter) - 1e-6)
  }, runs)

  it.prop("invariant 4: a token is renewed a second before it is out of use, or a third of its use", {
    policy,
    lifetime,
    random
  }, ({ lifetime, policy, random }) => {
    const usable = Policy.usableLifetime(policy, lifetime)
    const left = usable - Policy.renewalDelay(policy, lifetime, random)
    assert.isAtLeast(left, Math.min(second, usable / 3) - 1e-6)
  }, runs)

  it.prop("invariant 4: earlier the more jitter is drawn, so that a fleet spreads", {
    lifetime,
    draws: Schema.Tuple([random, random])
  }, ({ draws: [first, other], lifetime }) => {
    const delay = (random: number) => Policy.renewalDelay(Policy.defaults, lifetime, random)
    if (first < other) assert.isAtLeast(delay(first), delay(other))
    assert.isAbove(delay(0), delay(0.5))
    assert.isAbove(delay(0.5), delay(1))
  }, runs)

  it.each([
    ["an hour", hour, 2_592_000, 2_880_000],
    // Out of use at 8,500 ms: renewed a second before that at the latest.
    ["ten seconds", 10 * second, 6_750, 7_500],
    // Out of use at 900 ms: a token request may take 300 ms.
    ["two seconds", 2 * second, 540, 600],
    ["one second", second, 270, 300],
    // The margin counts from twice itself on, and from then until a fifth of the lifetime is more than it.
    ["just below two minutes", 119_999, 86_399, 95_999],
    ["two minutes", 2 * minute, 54_000, 60_000],
    ["four minutes", 4 * minute, 162_000, 180_000],
    ["five minutes", 5 * minute, 216_000, 240_000]
  ])("invariant 4: by default a token of %s is renewed within its window", (_, lifetime, earliest, latest) => {
    const delay = (random: number) => Policy.renewalDelay(Policy.defaults, lifetime, random)
    assert.closeTo(delay(0), latest, 1)
    assert.closeTo(delay(1), earliest, 1)
    assert.closeTo(delay(0.5), (earliest + latest) / 2, 1)
  })
})

describe("Policy.usableLifetime", () => {
  it.prop("invariant 3: a token is out of use before its last second, by the leeway or 5 % of its lifetime", {
    policy,
    lifetime
  }, ({ lifetime, policy }) => {
    const usable = Policy.usableLifetime(policy, lifetime)
    const early = lifetime - Math.min(second, lifetime / 2) - usable
    assert.isAbove(usable, 0)
    assert.isAtLeast(early, -1e-6)
    assert.isAtMost(early, Math.min(policy.leeway, lifetime * 0.05) + 1e-6)
    if (lifetime >= 2 * second) assert.isAtMost(usable, lifetime - second)
  }, runs)

  it.each([
    [hour, 3_594_000],
    [100 * second, 94_000],
    [10 * second, 8_500],
    [3 * second, 1_850],
    [2 * second, 900],
    [second, 450]
  ])("invariant 3: by default a token of %d ms is used for %d ms", (lifetime, expected) => {
    assert.closeTo(Policy.usableLifetime(Policy.defaults, lifetime), expected, 1e-6)
  })

  it("invariant 3: without leeway a token is used until its last second", () => {
    assert.strictEqual(Policy.usableLifetime({ ...Policy.defaults, leeway: 0 }, 10 * second), 9 * second)
  })
})

describe("Policy.retryDelay", () => {
  const stepOf = ({ backoffBase, backoffMaximum }: Policy.Policy, failures: number) =>
    Math.min(backoffBase * 2 ** (failures - 1), backoffMaximum)

  it.prop("invariant 5: from half to all of a step that doubles up to the maximum", {
    policy,
    failures,
    random
  }, ({ failures, policy, random }) => {
    const delay = Policy.retryDelay(policy, failures, undefined, random)
    const step = stepOf(policy, failures)
    assert.isAbove(delay, 0)
    assert.isAtLeast(delay, step / 2)
    assert.isAtMost(delay, step)
  }, runs)

  it.prop("invariant 5: grows with the failures until the maximum is reached", {
    policy,
    failures: integer(1, 12),
    random
  }, ({ failures, policy, random }) => {
    const delay = Policy.retryDelay(policy, failures, undefined, random)
    const next = Policy.retryDelay(policy, failures + 1, undefined, random)
    assert.isAtLeast(next, delay)
    if (stepOf(policy, failures) < policy.backoffMaximum) assert.isAbove(next, delay)
  }, runs)

  it.prop("invariant 5: at least `Retry-After`, which counts up to its maximum", {
    policy,
    failures,
    random,
    retryAfter: integer(0, 4 * hour)
  }, ({ failures, policy, random, retryAfter }) => {
    const without = Policy.retryDelay(policy, failures, undefined, random)
    const delay = Policy.retryDelay(policy, failures, retryAfter, random)
    assert.strictEqual(delay, Math.max(without, Math.min(retryAfter, policy.retryAfterMaximum)))
  }, runs)

  it.prop("invariant 5: while a token is in use no step is longer than half of its time, or than the base", {
    policy,
    failures,
    random,
    left: integer(1, 24 * hour)
  }, ({ failures, left, policy, random }) => {
    const delay = Policy.retryDelay(policy, failures, undefined, random, left)
    assert.isAtMost(delay, Math.max(policy.backoffBase, left / 2))
    assert.isAtMost(delay, Policy.retryDelay(policy, failures, undefined, random))
    assert.isAbove(delay, 0)
  }, runs)
})

describe("Policy.nextRefusalDelay", () => {
  it("invariant 6: a second at first, then twice the one before, up to five minutes by default", () => {
    const delays = [0]
    for (let times = 0; times < 11; times++) delays.push(Policy.nextRefusalDelay(Policy.defaults, delays.at(-1)!))
    const seconds = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert.deepStrictEqual(delays, seconds.map((each) => each * second))
  })

  it("invariant 6: a second after each of the first four changed credentials, then twice the one before", () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 12, 13, 10_000].map((inARow) =>
      Policy.nextRefusalDelay(Policy.defaults, Policy.delayOfChanges(inARow)) / second
    )
    assert.deepStrictEqual(delays, [1, 1, 1, 1, 2, 4, 8, 256, 300, 300])
  })

  it.prop("invariant 6: never longer than `refusalTimeToLive`", {
    policy,
    previous: integer(0, 4 * hour)
  }, ({ policy, previous }) => {
    assert.isAtMost(Policy.nextRefusalDelay(policy, previous), policy.refusalTimeToLive)
  }, runs)
})

describe("Policy.nextReplacementDelay", () => {
  it("invariant 7: a minute at first, then twice the one before, up to an hour", () => {
    const delays = [0]
    for (let times = 0; times < 8; times++) delays.push(Policy.nextReplacementDelay(delays.at(-1)!))
    assert.deepStrictEqual(delays, [0, 1, 2, 4, 8, 16, 32, 60, 60].map((each) => each * minute))
  })

  it.prop(
    "invariant 7: the replacement of a token that died waits a minute or an eighth, and never longer than others",
    {
      delay: integer(0, hour)
    },
    ({ delay }) => {
      assert.strictEqual(Policy.urgentReplacementDelay(delay), Math.min(delay, Math.max(delay / 8, minute)))
    },
    runs
  )
})

describe("the time for an acquisition", () => {
  it("invariant 4: leaves five seconds beside the longest token request, and is 15 seconds at least", () => {
    assert.deepStrictEqual([1, 10, 11, 30].map((seconds) => Policy.defaultAcquisitionTimeout(seconds * second)), [
      15 * second,
      15 * second,
      16 * second,
      35 * second
    ])
  })

  it("invariant 4: other processes are waited for as long as their token request may take, and not to the end", () => {
    const wait = (acquisitionTimeout: number) => Policy.waitForOthers({ ...Policy.defaults, acquisitionTimeout })
    assert.deepStrictEqual([5, 15, 35].map((seconds) => wait(seconds * second)), [
      4 * second,
      12 * second,
      32 * second
    ])
  })
})
