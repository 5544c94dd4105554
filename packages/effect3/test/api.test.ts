import { ApiUsers, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { Fault } from "@effect-spotnana/effect3/testing"
import { HttpClient } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import { respond } from "./support/answer.ts"
import type { Answer } from "./support/answer.ts"
import { issue } from "./support/fakeApi.ts"
import { onMock, subjects } from "./support/harness.ts"

describe("an error of the API", () => {
  it.effect("has what its body says, and where it was asked", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const body = { debugIdentifier: "debug-1", errorMessages: [{ errorCode: "NOT_FOUND", message: "No such user" }] }
      yield* mock.inject("api", Fault.status(404, { body, headers: { "retry-after": "30" } }))
      const error = yield* Effect.flip(SpotnanaApiError.filterStatusOk(client).get("/v2/users/1?key=k3y"))
      expect(error).toMatchObject({
        _tag: "SpotnanaApiError",
        status: 404,
        code: "NOT_FOUND",
        debugIdentifier: "debug-1"
      })
      expect(error.message).toContain("GET /v2/users/1 answered 404")
      expect(error.message).not.toContain("k3y")
      expect(error._tag === "SpotnanaApiError" && error.retryAfter).toEqual(Duration.seconds(30))
      expect((yield* SpotnanaApiError.filterStatusOk(client).get("/v2/companies")).status).toBe(200)
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 9: withholds what repeats the bearer", () =>
    Effect.gen(function*() {
      const { client, mock, provider } = yield* subjects
      const token = Redacted.value((yield* provider.get).value)
      yield* mock.inject("api", Fault.status(400, { body: { errorMessages: [{ message: `no ${token}` }] } }))
      const error = yield* Effect.flip(SpotnanaApiError.filterStatusOk(client).get("/v2/companies"))
      expect(JSON.stringify(error)).not.toContain(token)
    }).pipe(Effect.provide(onMock())))

  it.effect("is the same where a client below has filtered the statuses already", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const filtered = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      const client = SpotnanaHttpClient.authenticate(provider)(filtered)
      yield* mock.inject("api", Fault.status(409, { body: { errorCode: "TAKEN", debugIdentifier: "debug-1" } }))
      const error = yield* Effect.flip(SpotnanaApiError.filterStatusOk(client).get("/v2/companies"))
      expect(error).toMatchObject({
        _tag: "SpotnanaApiError",
        status: 409,
        code: "TAKEN",
        debugIdentifier: "debug-1"
      })
      expect((yield* SpotnanaApiError.filterStatusOk(client).get("/v2/companies")).status).toBe(200)
    }).pipe(Effect.provide(onMock())))
})

describe("API users", () => {
  /** A Spotnana that answers its API users so. */
  const answering = (api: (request: { readonly method: string; readonly url: URL; readonly body: string }) => Answer) =>
    ApiUsers.layer.pipe(
      Layer.provide(SpotnanaHttpClient.layer({ clientId: "id", clientSecret: Redacted.make("secret") })),
      Layer.provide(Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request, url) => {
          const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
          const answer = url.pathname.endsWith("/oauth2-token") ? issue(0) : api({ method: request.method, url, body })
          return Effect.succeed(respond(request, answer))
        })
      ))
    )

  it.effect("are created, with a secret that is redacted", () =>
    Effect.gen(function*() {
      const users = yield* ApiUsers.ApiUsers
      const made = yield* users.create({ role: "COMPANY_ADMIN", orgId: "o" })
      expect([made.clientId, Redacted.value(made.clientSecret)]).toEqual([
        "new",
        "{\"role\":\"COMPANY_ADMIN\",\"orgId\":\"o\"}"
      ])
      expect(JSON.stringify(made)).not.toContain("COMPANY_ADMIN")
    }).pipe(Effect.provide(answering(({ body }) => ({ status: 200, body: { clientId: "new", clientSecret: body } })))))

  it.effect("are listed to the last page, each once", () =>
    Effect.gen(function*() {
      const users = yield* ApiUsers.ApiUsers
      expect(yield* users.list).toEqual(["a", "b", "c"])
    }).pipe(Effect.provide(answering(({ url }) => {
      const all = ["a", "b", "b", "c"].map((clientId) => ({ clientId }))
      const offset = Number(url.searchParams.get("offset"))
      return { status: 200, body: { apiUsers: all.slice(offset, offset + 2), totalCount: 4 } }
    }))))

  it.effect("that Spotnana refuses are its error, and an answer without a secret is one too", () =>
    Effect.gen(function*() {
      const users = yield* ApiUsers.ApiUsers
      expect(yield* Effect.flip(users.revoke("unknown"))).toMatchObject({ _tag: "SpotnanaApiError", status: 404 })
      const error = yield* Effect.flip(users.rotateSecret("x"))
      expect(error.message).toContain("without a client id and a client secret")
    }).pipe(
      Effect.provide(
        answering(({ url }) =>
          url.pathname.endsWith("/revoke") ? { status: 404 } : { status: 200, body: { clientId: "x" } }
        )
      )
    ))
})
