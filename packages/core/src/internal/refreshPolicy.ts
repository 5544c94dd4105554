import { checked, count, fraction, oneOf } from "@effect-spotnana/engine/Options"
import type { Policy } from "@effect-spotnana/engine/Policy"
import { defaults } from "@effect-spotnana/engine/Policy"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { duration } from "./options.ts"

/** The durations of a policy, and the least of each in milliseconds. */
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

type Durations = keyof typeof durations

/** The options of a policy. */
type Options = { readonly [K in keyof Policy]?: (K extends Durations ? Duration.Input : Policy[K]) | undefined }

/** The policy as the engine has it, every duration in milliseconds: checked, and completed with the defaults. */
export const completed = (options: Options | undefined): Policy => {
  if (options === undefined) return defaults
  const given = checked("RefreshPolicy", options, Predicate.isObject(options), "an object")
  const { attempts = defaults.attempts, jitter = defaults.jitter, mode = defaults.mode, renewAt = defaults.renewAt } =
    given
  return {
    mode: oneOf("RefreshPolicy.mode", mode, ["background", "onDemand"]),
    renewAt: fraction("RefreshPolicy.renewAt", renewAt, 0.01, 0.99),
    jitter: fraction("RefreshPolicy.jitter", jitter, 0, 0.5),
    attempts: count("RefreshPolicy.attempts", attempts),
    ...mapDurations((name) =>
      Duration.toMillis(duration(`RefreshPolicy.${name}`, given[name] ?? defaults[name], durations[name]))
    )
  }
}

/** Something of each duration. */
export const mapDurations = <A>(of: (name: Durations) => A): { readonly [K in Durations]: A } =>
  Object.fromEntries(Object.keys(durations).map((name) => [name, of(name as Durations)])) as { [K in Durations]: A }
