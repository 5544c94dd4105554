import { checked } from "@effect-spotnana/engine/Options"
import * as Predicate from "effect/Predicate"
import type { rejectsSubject } from "./errors.ts"

/** How a user's token is exchanged, the same for all users. */
export interface ExchangeOptions {
  readonly subjectTokenType?: string | undefined
  readonly rejectsSubject?: typeof rejectsSubject | undefined
}

export const checkExchange = ({ rejectsSubject, subjectTokenType = "" }: ExchangeOptions): void => {
  checked("TokenExchange.subjectTokenType", subjectTokenType, Predicate.isString(subjectTokenType), "a text")
  const isPredicate = rejectsSubject === undefined || Predicate.isFunction(rejectsSubject)
  checked("TokenExchange.rejectsSubject", rejectsSubject, isPredicate, "a function")
}
