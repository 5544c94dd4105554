import { Options } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

const mode = (value: string) => Options.oneOf("mode", value, ["background", "onDemand"])

describe("Options", () => {
  it("a right option is returned", () => {
    assert.strictEqual(Options.checked("x", "y", true, "y"), "y")
    assert.strictEqual(Options.fraction("jitter", 0, 0, 0.5), 0)
    assert.strictEqual(Options.fraction("jitter", 0.5, 0, 0.5), 0.5)
    assert.strictEqual(Options.count("attempts", 1), 1)
    assert.strictEqual(mode("onDemand"), "onDemand")
  })

  it.each<[string, () => unknown, string]>([
    [
      "below its range",
      () => Options.fraction("jitter", -0.1, 0, 0.5),
      "jitter is -0.1; expected a number from 0 to 0.5"
    ],
    [
      "above its range",
      () => Options.fraction("jitter", 0.6, 0, 0.5),
      "jitter is 0.6; expected a number from 0 to 0.5"
    ],
    ["not a number", () => Options.fraction("jitter", NaN, 0, 0.5), "jitter is NaN; expected a number from 0 to 0.5"],
    ["zero", () => Options.count("attempts", 0), "attempts is 0; expected a whole number of at least 1"],
    ["not whole", () => Options.count("attempts", 1.5), "attempts is 1.5; expected a whole number of at least 1"],
    ["none of a few", () => mode("both"), "mode is \"both\"; expected background or onDemand"],
    ["of several lines", () => mode("a\u001bb"), "mode is \"a\\u001bb\"; expected background or onDemand"],
    [
      "perhaps a secret",
      () => mode("kJ8sHx2mQ9vLw4Zt7"),
      "mode is a long text; expected background or onDemand"
    ]
  ])("an option that is %s is a RangeError which says what was expected", (_, check, message) => {
    let thrown: unknown
    try {
      check()
    } catch (error) {
      thrown = error
    }
    assert.instanceOf(thrown, RangeError)
    assert.strictEqual((thrown as RangeError).message, message)
  })
})
