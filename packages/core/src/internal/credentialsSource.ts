import * as NoAnswer from "@effect-spotnana/engine/NoAnswer"
import * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** Whether the value has the type that it should have: a source in JavaScript, or with a cast, may give anything. */
export const isCredentials = (current: unknown): boolean =>
  Predicate.isObject(current) &&
  "clientId" in current && Predicate.isString(current.clientId) &&
  "clientSecret" in current && Redacted.isRedacted(current.clientSecret) &&
  Predicate.isString(Redacted.value(current.clientSecret))

/** What is wrong with a source that gives another value. */
export const noCredentials =
  "The credentials source gave no credentials: a client id and a Redacted client secret are expected."

/** The part of an application's own error that callers may read. */
export const describe = (cause: Cause.Cause<unknown>, secrets: ReadonlyArray<string>): string =>
  NoAnswer.describe(Cause.squash(cause), secrets)
