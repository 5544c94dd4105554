import * as Url from "@effect-spotnana/engine/Url"
import * as Headers from "@effect/platform/Headers"
import type * as Effect from "effect/Effect"
import { beforeSending } from "../http/beforeSending.ts"
import type { BearerHeaders } from "./bearerHeaders.ts"

/** Takes the bearer off where `followRedirects` goes on to another origin: that of Effect 3 keeps it. */
export const bearerStaysHome =
  (bearerHeaders: BearerHeaders, origins: ReadonlyArray<string>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    beforeSending(effect, (request) => {
      if (!Url.isAtOrigin(origins, request.url) && bearerHeaders.usedFor(request) !== undefined) {
        // The request of this hop alone, which the next one is made of: that has no bearer either.
        Object.assign(request, { headers: Headers.remove(request.headers, "authorization") })
      }
      return "traced"
    })
