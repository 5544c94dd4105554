import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import { SpotnanaApiError } from "../SpotnanaApiError.ts"

/** The error for an answer without the requested data. `list` says where to check what was done nevertheless. */
export const answeredWithout = (
  { request, status }: HttpClientResponse.HttpClientResponse,
  expected: string,
  { list, of }: { readonly of: string; readonly list: string }
): Effect.Effect<never, SpotnanaApiError> =>
  Effect.fail(
    new SpotnanaApiError({
      status,
      errorMessages: [],
      message: `${request.method} to Spotnana's ${of} answered ${status} without ${expected}. ` +
        `Spotnana may have done it anyway: check ${list}.`
    })
  )
