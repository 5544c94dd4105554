import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const hexadecimal = Effect.map(
  Random.nextIntBetween(0, 0x1_0000_0000, { halfOpen: true }),
  (n) => n.toString(16).padStart(8, "0")
)

/** 128 random bits as hexadecimal digits, for secrets and tokens. */
export const digits: Effect.Effect<string> = Effect.map(
  Effect.all([hexadecimal, hexadecimal, hexadecimal, hexadecimal]),
  (random) => random.join("")
)
