import { printable } from "@effect-spotnana/engine/Text"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

// Options are written in the program, so a wrong one is a mistake of the program: each of these returns its value, or throws
// a `RangeError` that names the option and says what was expected. The types say so already; JavaScript, `Number("")` and
// what was read from a file do not heed them.

/** A value that was found to be what it should be, or not. */
export const checked = <A>(name: string, value: A, isValid: boolean, expected: string): A => {
  if (isValid) return value
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value)
  throw new RangeError(`${name} is ${printable(shown, [])}; expected ${expected}`)
}

/** A number within these bounds. */
export const fraction = (name: string, value: number, from: number, to: number): number =>
  checked(
    name,
    value,
    typeof value === "number" && value >= from && value <= to,
    `a number from ${from} to ${to}`
  )

/** A whole number of at least 1. */
export const count = (name: string, value: number): number =>
  checked(name, value, Number.isSafeInteger(value) && value >= 1, "a whole number of at least 1")

/** One of a few. */
export const oneOf = <A extends string | boolean>(name: string, value: A, values: ReadonlyArray<A>): A =>
  checked(name, value, values.includes(value), values.join(" or "))

/** A finite duration of at least so many milliseconds. */
export const duration = (name: string, input: Duration.DurationInput, atLeast: number): Duration.Duration => {
  const value = Option.getOrUndefined(Duration.decodeUnknown(input))
  // `Duration` takes NaN, what became of a missing number, and everything below zero for zero.
  const isUsable = value !== undefined && !/^(-|NaN)/.test(String(input)) && Duration.isFinite(value)
  checked(
    name,
    input,
    isUsable && Duration.toMillis(value) >= atLeast,
    `a finite duration of at least ${atLeast} ms`
  )
  return value!
}
