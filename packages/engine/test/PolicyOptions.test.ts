import { Policy, PolicyOptions } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

const completed = (options?: PolicyOptions.Options<string>) =>
  PolicyOptions.completed(options, (name, duration, atLeast) => {
    if (Number(duration) >= atLeast) return Number(duration)
    throw new RangeError(`${name} is less than ${atLeast}`)
  })

describe("PolicyOptions", () => {
  it("no options are the default policy itself, and empty ones an equal policy", () => {
    assert.strictEqual(completed(), Policy.defaults)
    assert.deepStrictEqual(completed({}), Policy.defaults)
  })

  it("what is given takes the place of the default, durations in milliseconds", () => {
    assert.deepStrictEqual(
      completed({ mode: "onDemand", attempts: 5, leeway: "7", retryFor: "0", jitter: undefined }),
      {
        ...Policy.defaults,
        mode: "onDemand",
        attempts: 5,
        leeway: 7,
        retryFor: 0
      }
    )
  })

  it.each<[PolicyOptions.Options<string>, string]>([
    [{ renewAt: 1 }, "RefreshPolicy.renewAt is 1; expected a number from 0.01 to 0.99"],
    [{ jitter: 0.6 }, "RefreshPolicy.jitter is 0.6; expected a number from 0 to 0.5"],
    [{ attempts: 0 }, "RefreshPolicy.attempts is 0; expected a whole number of at least 1"],
    [{ backoffBase: "0" }, "RefreshPolicy.backoffBase is less than 1"],
    [{ leeway: "-1" }, "RefreshPolicy.leeway is less than 0"]
  ])("%j is refused", (options, message) => {
    assert.throws(() => completed(options), message)
  })
})
