import * as Predicate from "effect/Predicate"

/** What is wrong with a text that is to be sent as a credential, if anything is. It repeats nothing of it. */
export const textProblem = (what: string, value: unknown): string | undefined => {
  if (!Predicate.isString(value)) return `the ${what} is missing`
  if (value === "") return `the ${what} is empty`
  if (/^\s|\s$|^(["']).*\1$/.test(value)) return `the ${what} begins or ends with a space, line break or quote`
  return /[^ -~]/.test(value) ? `the ${what} has a character outside printable ASCII` : undefined
}
