import { checked } from "@effect-spotnana/engine/Options"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A finite duration of at least so many milliseconds. */
export const duration = (name: string, input: Duration.Input, atLeast: number): Duration.Duration => {
  const value = Option.getOrUndefined(Duration.fromInput(input))
  // `Duration` reads NaN, which may come from a missing number, as zero.
  const isUsable = value !== undefined && !Number.isNaN(input) && Duration.isFinite(value)
  checked(
    name,
    input,
    isUsable && Duration.toMillis(value) >= atLeast,
    `a finite duration of at least ${atLeast} ms`
  )
  return value!
}

/** The same in milliseconds. */
export const millis = (name: string, input: Duration.Input, atLeast: number): number =>
  Duration.toMillis(duration(name, input, atLeast))
