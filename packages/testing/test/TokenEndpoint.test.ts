import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { Base64 } from "effect/encoding"
import { HttpClient, HttpClientRequest } from "effect/http"
import {
  bodyOf,
  form,
  inProcess,
  issueToken,
  postForm,
  postRaw,
  requestToken,
  statusOf,
  type TokenAnswer,
  tokenUrl
} from "./support/requests.ts"

const credentials = MockSpotnana.MockSpotnana.use((mock) => mock.credentials)
const configure = (settings: MockSpotnana.Options) => MockSpotnana.MockSpotnana.use((mock) => mock.configure(settings))
const basic = (id: string, secret: string) => ({ authorization: `Basic ${Base64.encode(`${id}:${secret}`)}` })

describe("the token endpoint", () => {
  it.effect("issues a bearer for the right credentials, which nobody may cache", () =>
    Effect.gen(function*() {
      const response = yield* requestToken()
      const answer = yield* bodyOf<TokenAnswer>(response)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["cache-control"], "no-store")
      assert.strictEqual(response.headers["content-type"], "application/json")
      assert.deepStrictEqual(Object.keys(answer), ["access_token", "token_type", "expires_in"])
      assert.match(answer.access_token, /^mock-token-\d+-[0-9a-f]{32}$/)
      assert.strictEqual(answer.token_type, "Bearer")
      assert.strictEqual(answer.expires_in, 3600)
    }).pipe(Effect.provide(inProcess())))

  it.effect("keeps earlier tokens valid when it issues another", () =>
    Effect.gen(function*() {
      const tokens = yield* Effect.all([issueToken(), issueToken(), issueToken()])
      assert.strictEqual(new Set(tokens).size, 3)
      for (const token of tokens) assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("takes a content type with a parameter and in any case", () =>
    Effect.gen(function*() {
      const body = new URLSearchParams(form(yield* credentials)).toString()
      const response = yield* postRaw(body, "Application/X-WWW-Form-Urlencoded; charset=UTF-8")
      assert.strictEqual(response.status, 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect.each(["application/json", "text/plain", "application/x-www-form-urlencoded2", "multipart/form-data"])(
    "answers 415 to %s",
    (contentType) =>
      Effect.gen(function*() {
        const body = new URLSearchParams(form(yield* credentials)).toString()
        const response = yield* postRaw(body, contentType)
        assert.strictEqual(response.status, 415)
        const error = yield* bodyOf(response)
        assert.strictEqual(error.errorMessages[0]?.errorCode, "UNSUPPORTED_MEDIA_TYPE")
        assert.match(error.debugIdentifier, /^mock-debug-\d+$/)
      }).pipe(Effect.provide(inProcess()))
  )

  it.effect("answers 415 to a request without a content type", () =>
    Effect.gen(function*() {
      const response = yield* HttpClient.post(tokenUrl)
      assert.strictEqual(response.status, 415)
    }).pipe(Effect.provide(inProcess())))

  it.effect("answers 405 to another method", () =>
    Effect.gen(function*() {
      const response = yield* HttpClient.get(tokenUrl)
      assert.strictEqual(response.status, 405)
      assert.strictEqual(response.headers.allow, "POST")
      assert.isString((yield* bodyOf(response)).debugIdentifier)
    }).pipe(Effect.provide(inProcess())))

  const id = "mock-client"
  const secret = "s3cr:t %+&=é"
  const right = { grant_type: "client_credentials", client_id: id, client_secret: secret }
  const { client_id: _, ...withoutId } = right
  const { client_secret: __, ...withoutSecret } = right
  const { grant_type: ___, ...withoutGrant } = right
  const encoded = [encodeURIComponent(id), encodeURIComponent(secret)] as const
  const grant = { grant_type: "client_credentials" }

  it.effect.each<{
    readonly name: string
    readonly fields: Record<string, string | ReadonlyArray<string>>
    readonly headers?: Record<string, string>
    readonly error: string
  }>([
    { name: "no grant_type", fields: withoutGrant, error: "invalid_request" },
    { name: "an empty grant_type", fields: { ...right, grant_type: "" }, error: "invalid_request" },
    {
      name: "two of grant_type",
      fields: { ...right, grant_type: ["client_credentials", "client_credentials"] },
      error: "invalid_request"
    },
    { name: "an unknown grant_type", fields: { ...right, grant_type: "password" }, error: "unsupported_grant_type" },
    {
      name: "a grant_type in capitals",
      fields: { ...right, grant_type: "CLIENT_CREDENTIALS" },
      error: "unsupported_grant_type"
    },
    { name: "no client_id", fields: withoutId, error: "invalid_request" },
    { name: "no client_secret", fields: withoutSecret, error: "invalid_request" },
    { name: "an empty client_secret", fields: { ...right, client_secret: "" }, error: "invalid_request" },
    { name: "two of client_secret", fields: { ...right, client_secret: [secret, secret] }, error: "invalid_request" },
    { name: "credentials in body and header", fields: right, headers: basic(...encoded), error: "invalid_request" },
    { name: "Basic without form-encoding", fields: grant, headers: basic(id, secret), error: "invalid_request" },
    {
      name: "Basic that is no Base64",
      fields: grant,
      headers: { authorization: "Basic %%%" },
      error: "invalid_request"
    },
    {
      name: "Basic without a colon",
      fields: grant,
      headers: { authorization: `Basic ${Base64.encode(id)}` },
      error: "invalid_request"
    },
    { name: "a bearer", fields: grant, headers: { authorization: "Bearer mock-token-1" }, error: "invalid_request" }
  ])("answers 400 to $name", ({ error, fields, headers }) =>
    Effect.gen(function*() {
      const response = yield* postForm(fields, headers)
      const body = yield* bodyOf(response)
      assert.strictEqual(response.status, 400)
      assert.strictEqual(response.headers["cache-control"], "no-store")
      assert.strictEqual(body.error, error)
      assert.isString(body.error_description)
      assert.match(body.debugIdentifier, /^mock-debug-\d+$/)
    }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))

  it.effect("answers 400 to credentials in the query", () =>
    Effect.gen(function*() {
      const response = yield* HttpClientRequest.post(tokenUrl, { urlParams: right }).pipe(
        HttpClientRequest.bodyUrlParams(right),
        HttpClient.execute
      )
      assert.strictEqual(response.status, 400)
      assert.strictEqual((yield* bodyOf(response)).error, "invalid_request")
    }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))

  it.effect("ignores parameters that it does not know, scope and audience included", () =>
    Effect.gen(function*() {
      const response = yield* postForm({ ...right, scope: "a b", audience: "https://apis.spotnana.com/v2", later: "1" })
      assert.strictEqual(response.status, 200)
    }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))

  it.effect.each(["a b", "a:b", "a=b&c", "é"])(
    "takes no Basic whose secret is a raw %s",
    (secret) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* postForm(grant, basic(id, secret))).status, 400)
        assert.strictEqual((yield* postForm(grant, basic(id, encodeURIComponent(secret)))).status, 200)
      }).pipe(Effect.provide(inProcess({ clientSecret: secret })))
  )

  it.effect("takes the credentials by Basic, form-encoded, with either form of a space", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* postForm(grant, basic(...encoded))).status, 200)
      assert.strictEqual((yield* postForm(grant, basic(id, encoded[1].replaceAll("%20", "+")))).status, 200)
      assert.strictEqual((yield* postForm(right)).status, 200)
    }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))

  for (const status of [400, 401, 403] as const) {
    for (const body of ["oauth2", "spotnana"] as const) {
      it.effect(`refuses wrong credentials with ${status} and a body of ${body}`, () =>
        Effect.gen(function*() {
          yield* configure({ refusal: { status, body } })
          for (const wrong of [{ ...right, client_secret: "wrong" }, { ...right, client_id: "nobody" }]) {
            const response = yield* postForm(wrong)
            const error = yield* bodyOf(response)
            assert.strictEqual(response.status, status)
            assert.strictEqual(error.error, body === "oauth2" ? "invalid_client" : undefined as never)
            assert.strictEqual(
              error.errorMessages?.[0]?.errorCode,
              body === "oauth2" ? undefined : "INVALID_CLIENT_CREDENTIALS"
            )
            assert.isString(error.debugIdentifier)
            assert.isUndefined(response.headers["www-authenticate"])
          }
          const challenged = yield* postForm(grant, basic(id, "wrong"))
          assert.strictEqual(challenged.status, status)
          assert.strictEqual(
            challenged.headers["www-authenticate"],
            status === 401 ? "Basic realm=\"spotnana\"" : undefined
          )
        }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))
    }
  }

  it.effect("refuses with 401 and an OAuth 2.0 body unless it is told otherwise", () =>
    Effect.gen(function*() {
      const response = yield* postForm({ ...right, client_secret: "wrong" })
      assert.strictEqual(response.status, 401)
      assert.strictEqual((yield* bodyOf(response)).error, "invalid_client")
    }).pipe(Effect.provide(inProcess({ clientSecret: secret }))))

  it.effect.each([
    { expiresIn: "lifetime", says: 1 },
    { expiresIn: "absent", says: undefined },
    { expiresIn: "3600", says: "3600" },
    { expiresIn: 0, says: 0 },
    { expiresIn: -5, says: -5 },
    { expiresIn: null, says: null },
    { expiresIn: { seconds: 3 }, says: { seconds: 3 } }
  ])(
    "says $says of a lifetime of 1.9 seconds when expiresIn is $expiresIn",
    ({ expiresIn, says }) =>
      Effect.gen(function*() {
        yield* configure({ tokenLifetime: "1900 millis", expiresIn })
        const answer = yield* Effect.flatMap(requestToken(), bodyOf<TokenAnswer>)
        assert.deepStrictEqual(answer.expires_in, says)
        assert.strictEqual("expires_in" in answer, says !== undefined)
      }).pipe(Effect.provide(inProcess()))
  )

  it.effect("says nothing of an infinite lifetime", () =>
    Effect.gen(function*() {
      yield* configure({ tokenLifetime: Duration.infinity })
      const answer = yield* Effect.flatMap(requestToken(), bodyOf<TokenAnswer>)
      assert.isFalse("expires_in" in answer)
      assert.strictEqual(yield* statusOf("/v2/companies", answer.access_token), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("takes the secret as a string or redacted, for the first client and for further ones", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      assert.strictEqual(Redacted.value((yield* mock.credentials).clientSecret), "given")
      const second = yield* mock.addClient("second", "plain")
      const third = yield* mock.addClient("third")
      assert.match(Redacted.value(third.clientSecret), /^mock-secret-\d+-[0-9a-f]{32}$/)
      for (const client of [second, third]) assert.strictEqual((yield* requestToken(client)).status, 200)
      assert.strictEqual((yield* requestToken({ ...second, clientSecret: third.clientSecret })).status, 401)
    }).pipe(Effect.provide(inProcess({ clientId: "first", clientSecret: Redacted.make("given") }))))

  it.effect("answers 410 at the deprecated endpoint, whoever asks", () =>
    Effect.gen(function*() {
      const response = yield* HttpClient.post("https://api.spotnana.com/get-auth-token")
      const error = yield* bodyOf(response)
      assert.strictEqual(response.status, 410)
      assert.match(error.errorMessages[0]?.message ?? "", /deprecated/)
      assert.isString(error.debugIdentifier)
    }).pipe(Effect.provide(inProcess())))
})
