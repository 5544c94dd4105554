// A path from outside, as in `/v2/users/${id}`, does not choose another resource.
import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { onMock, subjects } from "./support/harness.ts"

const { origin } = Environment.production

const spellings = [
  "/v2/users/../companies",
  "v2/users/..",
  "/v2/users/./x",
  "..",
  "/v2/users/%2e%2e/companies",
  "/v2/users/.%2E/companies",
  "/v2/users/..\\companies",
  "/v2/users/.\t./companies",
  "/v2/users/..?limit=1",
  "/v2/users/..#x",
  `/v2/users/${encodeURIComponent("../companies")}`,
  "/v2/users/%252e%252e/companies",
  "/v2/users/..;x=1/companies",
  `${origin}/v2/users/../companies`,
  `${origin.toUpperCase().replace("HTTPS", "https")}/v2/users/%2e%2e/companies`,
  `${origin}:443/v2/./users`
]

describe("a URL to the API with a dot segment", () => {
  it.effect.each(spellings)("is refused with the reason, and nothing is sent: %j", (url) =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const error = yield* Effect.flip(client.get(url))
      if (!HttpClientError.isHttpClientError(error)) {
        throw new Error(`expected an HttpClientError, and not ${error._tag}`)
      }
      expect(error.reason._tag).toBe("InvalidUrlError")
      expect(error.message).toContain("segment . or ..")
      expect(error.message).toContain("encodeURIComponent")
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(onMock())))

  it.effect("is refused also where the client's own combinators make it, and they see the error", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const below = client.pipe(
        HttpClient.mapRequest(HttpClientRequest.prependUrl("/v2/users")),
        HttpClient.transformResponse(Effect.mapError((error) => `seen: ${error._tag}`))
      )
      expect(yield* Effect.flip(below.get("../companies"))).toBe("seen: HttpClientError")
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(onMock())))

  it.effect("is no matter where the dots are in a name, a query or a fragment, or the URL is of another origin", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      for (const url of ["/v2/users/a.b..c", "/v2/.well-known", "/v2/users?path=../x", "/v2/users#../x"]) {
        yield* client.get(url)
      }
      yield* client.get("https://other.example/a/../b")
      expect((yield* mock.ledger).map(({ endpoint }) => endpoint)).toEqual(["token", "api", "api", "api", "api", "api"])
    }).pipe(Effect.provide(onMock())))

  it.effect("an encoded id stays one segment", () =>
    Effect.gen(function*() {
      const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const { mock } = yield* subjects
      yield* spotnana.get(`/v2/users/${encodeURIComponent("a/b?c")}`)
      expect((yield* mock.ledger).at(-1)?.path).toBe("/v2/users/a%2Fb%3Fc")
    }).pipe(Effect.provide(onMock())))
})
