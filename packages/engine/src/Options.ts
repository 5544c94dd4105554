/**
 * Checks of options that are written in a program. A wrong option is a mistake in the program. Each check returns its
 * value, or throws a `RangeError` that names the option and says what was expected.
 *
 * The types do not prevent wrong values that come from JavaScript, from `Number("")` or from a file.
 *
 * @since 0.1.0
 */
import { printable } from "./Text.ts"

// A longer text may be a secret, in place of an option.
const longestShown = 16

/**
 * Returns a value if it is valid. The error shows the value, but not a text of more than 16 characters.
 *
 * @category checks
 * @since 0.1.0
 */
export const checked = <A>(name: string, value: A, isValid: boolean, expected: string): A => {
  if (isValid) return value
  const shown = typeof value !== "string" ?
    String(value) :
    value.length > longestShown
    ? "a long text"
    : JSON.stringify(value)
  throw new RangeError(`${name} is ${printable(shown, [])}; expected ${expected}`)
}

/**
 * A number within these bounds.
 *
 * @category checks
 * @since 0.1.0
 */
export const fraction = (name: string, value: number, from: number, to: number): number =>
  checked(name, value, typeof value === "number" && value >= from && value <= to, `a number from ${from} to ${to}`)

/**
 * A whole number of at least 1.
 *
 * @category checks
 * @since 0.1.0
 */
export const count = (name: string, value: number): number =>
  checked(name, value, Number.isSafeInteger(value) && value >= 1, "a whole number of at least 1")

/**
 * One of a few.
 *
 * @category checks
 * @since 0.1.0
 */
export const oneOf = <A extends string | boolean>(name: string, value: A, values: ReadonlyArray<A>): A =>
  checked(name, value, values.includes(value), values.join(" or "))
