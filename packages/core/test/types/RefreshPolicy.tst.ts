import { RefreshPolicy } from "@effect-spotnana/core"
import type { Duration } from "effect"
import { describe, expect, test } from "tstyche"

declare const policy: RefreshPolicy.RefreshPolicy

describe("RefreshPolicy", () => {
  test("is complete, and its durations are durations", () => {
    expect<RefreshPolicy.RefreshPolicy>().type.toBe<{
      readonly mode: "background" | "onDemand"
      readonly renewAt: number
      readonly jitter: number
      readonly minimumMargin: Duration.Duration
      readonly leeway: Duration.Duration
      readonly backoffBase: Duration.Duration
      readonly backoffMaximum: Duration.Duration
      readonly retryAfterMaximum: Duration.Duration
      readonly attempts: number
      readonly maximumWait: Duration.Duration
      readonly retryFor: Duration.Duration
      readonly refusalTimeToLive: Duration.Duration
      readonly acquisitionTimeout: Duration.Duration
    }>()
    expect(RefreshPolicy.defaults).type.toBe<RefreshPolicy.RefreshPolicy>()
  })

  test("its options may all be left out, and take durations in any form", () => {
    expect<{}>().type.toBeAssignableTo<RefreshPolicy.Options>()
    expect<keyof RefreshPolicy.Options>().type.toBe<keyof RefreshPolicy.RefreshPolicy>()
    expect<RefreshPolicy.Options["leeway"]>().type.toBe<Duration.Input | undefined>()
    expect<RefreshPolicy.Options["mode"]>().type.toBe<"background" | "onDemand" | undefined>()
    expect<RefreshPolicy.Options["attempts"]>().type.toBe<number | undefined>()
    expect(RefreshPolicy.make).type.toBe<(options?: RefreshPolicy.Options) => RefreshPolicy.RefreshPolicy>()
  })

  test("unknown options, modes and units do not compile", () => {
    // @ts-expect-error Object literal may only specify known properties, and 'retries' does not exist
    void RefreshPolicy.make({ retries: 3 })
    // @ts-expect-error Type '"eager"' is not assignable to type '"background" | "onDemand" | undefined'.
    void RefreshPolicy.make({ mode: "eager" })
    // @ts-expect-error Type '"five"' is not assignable to type
    void RefreshPolicy.make({ leeway: "five" })
  })

  test("cannot be changed", () => {
    // @ts-expect-error Cannot assign to 'attempts' because it is a read-only property.
    policy.attempts = 9
  })
})
