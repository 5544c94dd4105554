// The HTTP stack of the library without its authentication: the same two requests, each module by its own path.
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
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
