// The generated types over a `fetch` that authenticates.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Effect, Layer, ManagedRuntime, Option } from "effect"
import { FetchHttpClient, HttpBody, HttpClientRequest, HttpClientResponse } from "effect/http"
import type { HttpClient } from "effect/http"
import createClient from "openapi-fetch"
import type { Client } from "openapi-fetch"
import type { paths } from "./spotnana.gen.ts"

export interface Spotnana {
  /** A method for each path of `openapi.json`. */
  readonly api: Client<paths>
  /** As the global `fetch`, but authenticated: rejected with this library's errors, as they are. */
  readonly fetch: (request: Request) => Promise<Response>
  /** Ends the renewal in the background, and lets the process end. */
  readonly close: () => Promise<void>
}

export const connect = async <E>(
  auth: Layer.Layer<SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider, E, HttpClient.HttpClient>
): Promise<Spotnana> => {
  const runtime = ManagedRuntime.make(Layer.provide(auth, FetchHttpClient.layer))

  const fetch = async (request: Request): Promise<Response> => {
    // Read before it is sent: a stream could not be sent again with a new token.
    const body = request.body === null
      ? HttpBody.empty
      : HttpBody.uint8Array(
        new Uint8Array(await request.arrayBuffer()),
        request.headers.get("content-type") ?? undefined
      )
    return runtime.runPromise(
      SpotnanaHttpClient.SpotnanaHttpClient.use((spotnana) =>
        spotnana.execute(HttpClientRequest.setBody(HttpClientRequest.fromWeb(request), body))
      ).pipe(
        // It was made by `fetch`, so it is there.
        Effect.map((response) => Option.getOrThrow(HttpClientResponse.toWeb(response)))
      ),
      { signal: request.signal }
    )
  }

  const { environment } = await runtime.runPromise(TokenProvider.TokenProvider)
  return {
    api: createClient<paths>({ baseUrl: environment.baseUrl, fetch }),
    fetch,
    close: () => runtime.dispose()
  }
}
