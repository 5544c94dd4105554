import { prose } from "@effect-spotnana/engine/Text"
import * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** Whether it is what the type says already: a source in JavaScript, or one that casts, may give anything. */
export const isCredentials = (current: unknown): boolean =>
  Predicate.isRecord(current) &&
  "clientId" in current && Predicate.isString(current.clientId) &&
  "clientSecret" in current && Redacted.isRedacted(current.clientSecret) &&
  Predicate.isString(Redacted.value(current.clientSecret))

/** What callers may read of an error of the application's own. */
export const describe = (cause: Cause.Cause<unknown>, secrets: ReadonlyArray<string>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error
    ? prose(`${error.name}: ${error.message}`, secrets)
    : "an error that is not an Error"
}
