import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { HttpClientResponse } from "effect/http"
import { form, get, inProcess, issueToken, postRaw, requestToken } from "./support/requests.ts"
import * as Spec from "./support/spec.ts"

const tokenPath = "/v2/auth/oauth2-token"
const configure = (settings: MockSpotnana.Options) => MockSpotnana.MockSpotnana.use((mock) => mock.configure(settings))

const isErrorBody = (response: HttpClientResponse.HttpClientResponse, status: number) =>
  Effect.gen(function*() {
    assert.strictEqual(response.status, status)
    for (const document of ["auth", "companies"] as const) {
      assert.deepStrictEqual(Spec.validateSchema(document, "ErrorResponse", yield* response.json, { closed: true }), [])
    }
  })

describe.skipIf(!Spec.isPresent)(`the mock and ${Spec.title}`, () => {
  it("the validator has something against what is wrong", () => {
    assert.isNotEmpty(Spec.validateTokenRequest({}))
    assert.isNotEmpty(Spec.validateTokenRequest({ grant_type: 1, client_id: "a", client_secret: "b" }))
    assert.isNotEmpty(Spec.validateTokenRequest({ grant_type: "a", client_id: "a", client_secret: "b", secret: "c" }))
    assert.isNotEmpty(Spec.validateAnswer("auth", tokenPath, "post", 200, { access_token: "a" }))
    assert.isNotEmpty(Spec.validateAnswer("auth", tokenPath, "post", 403, { debugIdentifier: 1 }))
    assert.isNotEmpty(Spec.validateAnswer("companies", "/v2/companies", "get", 200, { length: "1" }))
    assert.isNotEmpty(Spec.validateAnswer("companies", "/v2/companies", "get", 200, { elements: [{ id: "no-uuid" }] }))
    assert.isNotEmpty(Spec.validateAnswer("companies", "/v2/companies", "get", 401, { errorMessages: [1] }))
    assert.isNotEmpty(Spec.validateSchema("auth", "ErrorResponse", { error: "x" }, { closed: true }))
    assert.throws(() => Spec.validateAnswer("companies", "/v2/companies", "get", 418, {}))
  })

  it.effect("the token answer conforms, with and without expires_in", () =>
    Effect.gen(function*() {
      for (const expiresIn of ["lifetime", "absent"]) {
        yield* configure({ expiresIn })
        const response = yield* requestToken()
        const answer = yield* response.json
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(Spec.validateAnswer("auth", tokenPath, "post", 200, answer), [])
        assert.deepStrictEqual(Spec.validateSchema("auth", "OAuthTokenResponse", answer, { closed: true }), [])
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("the token request that the mock accepts conforms", () =>
    Effect.gen(function*() {
      const { credentials } = yield* MockSpotnana.MockSpotnana
      assert.deepStrictEqual(Spec.validateTokenRequest(form(yield* credentials)), [])
    }).pipe(Effect.provide(inProcess())))

  it.effect("refusals conform, in either form and with every status", () =>
    Effect.gen(function*() {
      const { credentials, rotateSecret } = yield* MockSpotnana.MockSpotnana
      const old = yield* credentials
      yield* rotateSecret()
      for (const status of [400, 401, 403] as const) {
        for (const body of ["oauth2", "spotnana"] as const) {
          yield* configure({ refusal: { status, body } })
          const response = yield* requestToken(old)
          assert.deepStrictEqual(Spec.validateAnswer("auth", tokenPath, "post", 403, yield* response.json), [])
          if (body === "spotnana") yield* isErrorBody(response, status)
        }
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("pages of companies conform, the last and an empty one included", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      for (const query of ["", "?offset=100", "?offset=500", "?limit=0"]) {
        const response = yield* get(`/v2/companies${query}`, token)
        const page = yield* response.json
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(Spec.validateAnswer("companies", "/v2/companies", "get", 200, page), [])
        assert.deepStrictEqual(Spec.validateSchema("companies", "ArrayOfReference", page, { closed: true }), [])
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("a 401 conforms, with a bearer that is dead and without one", () =>
    Effect.gen(function*() {
      for (const token of [undefined, "made-up"]) {
        const response = yield* get("/v2/companies", token)
        yield* isErrorBody(response, 401)
        const answer = yield* response.json
        assert.deepStrictEqual(Spec.validateAnswer("companies", "/v2/companies", "get", 401, answer), [])
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("every other error of the mock has Spotnana's error body", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      yield* isErrorBody(yield* get("/v2/companies?limit=101", token), 400)
      yield* isErrorBody(yield* get("/v2/users/nobody", token), 404)
      yield* isErrorBody(yield* get("/v2/nothing", token), 404)
      yield* isErrorBody(yield* get("/v2/echo", token), 405)
      yield* isErrorBody(yield* get("/get-auth-token"), 405)
      yield* isErrorBody(yield* postRaw("{}", "application/json"), 415)
    }).pipe(Effect.provide(inProcess())))
})
