/**
 * The options with which a program changes the default policy.
 *
 * @since 0.1.0
 */
import { isObject } from "./Json.ts"
import { checked, count, fraction, oneOf } from "./Options.ts"
import type { Policy } from "./Policy.ts"
import { defaults } from "./Policy.ts"

/** The durations of a policy, and the smallest value of each in milliseconds. */
const durations = {
  minimumMargin: 0,
  leeway: 0,
  backoffBase: 1,
  backoffMaximum: 1,
  retryAfterMaximum: 0,
  maximumWait: 0,
  retryFor: 0,
  refusalTimeToLive: 0,
  acquisitionTimeout: 1
}

/**
 * The names of the durations.
 *
 * @category models
 * @since 0.1.0
 */
export type Durations = keyof typeof durations

/**
 * The options of a policy, with durations in the form of the Effect version.
 *
 * @category models
 * @since 0.1.0
 */
export type Options<Duration> = {
  readonly [K in keyof Policy]?: (K extends Durations ? Duration | number : Policy[K]) | undefined
}

/**
 * A policy: checked, and completed with the defaults. Throws a `RangeError` for an option that is out of its range.
 *
 * **Details**
 *
 * `millis` converts a duration, or a number of milliseconds, to milliseconds. It throws if the result is not finite or
 * is less than `atLeast`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const completed = <Duration>(
  options: Options<Duration> | undefined,
  millis: (name: string, duration: Duration | number, atLeast: number) => number
): Policy => {
  if (options === undefined) return defaults
  const given = checked("RefreshPolicy", options, isObject(options), "an object")
  return {
    mode: oneOf("RefreshPolicy.mode", given.mode ?? defaults.mode, ["background", "onDemand"]),
    renewAt: fraction("RefreshPolicy.renewAt", given.renewAt ?? defaults.renewAt, 0.01, 0.99),
    jitter: fraction("RefreshPolicy.jitter", given.jitter ?? defaults.jitter, 0, 0.5),
    attempts: count("RefreshPolicy.attempts", given.attempts ?? defaults.attempts),
    ...mapDurations((name) => millis(`RefreshPolicy.${name}`, given[name] ?? defaults[name], durations[name]))
  }
}

/**
 * Makes a record with a value for each duration.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mapDurations = <A>(of: (name: Durations) => A): { readonly [K in Durations]: A } =>
  Object.fromEntries(Object.keys(durations).map((name) => [name, of(name as Durations)])) as { [K in Durations]: A }
