/** A client for a server that rejects tokens with another status than 401: that of docs/odd-servers.md. */
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect } from "effect"

const saysDead = (body: string) => body.includes("\"INVALID_TOKEN\"")

// In Effect 3 an answer has no URL: only the `Response` of `fetch` that it was made of has one.
interface MadeOf {
  readonly source?: Response
  readonly original?: MadeOf
}
const urlOf = (response: HttpClientResponse.HttpClientResponse) => {
  const { original, source } = response as MadeOf
  return (original?.source ?? source)?.url
}

const unauthorizedByBody = (client: HttpClient.HttpClient) =>
  HttpClient.transformResponse(
    client,
    Effect.flatMap((response) => {
      const { headers, request, status } = response
      if (status !== 200 && status !== 400) return Effect.succeed(response)
      return Effect.map(response.text, (text) => {
        const copy = new Response(text, { headers: { ...headers }, status: saysDead(text) ? 401 : status })
        return HttpClientResponse.fromWeb(request, Object.defineProperty(copy, "url", { value: urlOf(response) }))
      })
    })
  )

export const authenticatedByBody = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  const client = yield* HttpClient.HttpClient
  return client.pipe(unauthorizedByBody, SpotnanaHttpClient.authenticate(provider))
})
