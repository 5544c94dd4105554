import * as Url from "@effect-spotnana/engine/Url"
import * as Headers from "@effect/platform/Headers"
import type * as Effect from "effect/Effect"
import { beforeSending } from "../http/beforeSending.ts"
import type { BearerHeaders } from "./bearerHeaders.ts"

/** Removes the token when `followRedirects` goes to another origin, because that of Effect 3 keeps it. */
export const bearerStaysHome =
  (bearerHeaders: BearerHeaders, origins: ReadonlyArray<string>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    beforeSending(effect, (request) => {
      if (!Url.isAtOrigin(origins, request.url) && bearerHeaders.usedFor(request) !== undefined) {
        // Changes only the request of this hop. The next request is made from it, so that has no token either.
        Object.assign(request, { headers: Headers.remove(request.headers, "authorization") })
      }
      return "traced"
    })
