// The HTTP stack of the library without its authentication: the same two requests, with a bearer that is never refused.
import { Effect, flow } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { answered, apiPath, baseUrl, tokenForm, tokenPath } from "./given.mjs"

const program = Effect.gen(function*() {
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest(flow(
      HttpClientRequest.prependUrl(baseUrl),
      HttpClientRequest.bearerToken(process.env.CONSTANT_BEARER)
    ))
  )
  const token = yield* client.execute(HttpClientRequest.bodyUrlParams(HttpClientRequest.post(tokenPath), tokenForm()))
  yield* token.json
  const response = yield* client.get(apiPath)
  yield* response.json
  return response.status
})

answered(await Effect.runPromise(Effect.provide(program, FetchHttpClient.layer)))
