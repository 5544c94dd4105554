import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import type { ErrorAnswer, TokenAnswer } from "./support/requests.ts"
import { form, get, inProcess, postForm, requestToken } from "./support/requests.ts"

const email = "ada@acme.example"
const subjectToken = "subj3ct-of-ada"

interface Exchanged extends TokenAnswer {
  readonly scope: string
  readonly refresh_token: string
}

const exchange = (fields: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const { credentials } = yield* MockSpotnana.MockSpotnana
    const answer = yield* postForm({
      ...form(yield* credentials),
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: subjectToken,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      ...fields
    })
    return { status: answer.status, body: (yield* answer.json) as unknown as Exchanged & ErrorAnswer }
  })

const withAda = <A, E, R>(test: (mock: MockSpotnana.MockSpotnana["Service"]) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    yield* mock.addUser(subjectToken, email)
    return yield* test(mock)
  }).pipe(Effect.provide(inProcess()))

describe("token exchange", () => {
  it.effect("answers a known token of a user with a token that acts for the user, and a refresh token", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        const { body, status } = yield* exchange()
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(Object.keys(body), [
          "access_token",
          "token_type",
          "expires_in",
          "scope",
          "refresh_token"
        ])
        assert.deepInclude(body, { token_type: "Bearer", expires_in: 3600, scope: "openid" })
        assert.strictEqual((yield* get("/v2/companies", body.access_token)).status, 200)
        const again = yield* exchange({ scope: "openid trips" })
        assert.strictEqual(again.body.scope, "openid trips")
        assert.notStrictEqual(again.body.access_token, body.access_token)
        assert.notStrictEqual(again.body.refresh_token, body.refresh_token)
        assert.deepStrictEqual((yield* mock.ledger).map(({ clientId, user }) => [clientId, user]), [
          ["mock-client", email],
          ["mock-client", email],
          ["mock-client", email]
        ])
      })
    ))

  it.effect("refuses a token of nobody with the code that is set, and wrong client credentials as ever", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        const unknown = yield* exchange({ subject_token: "unknown" })
        assert.deepStrictEqual([unknown.status, unknown.body.error], [400, "invalid_request"])
        yield* mock.configure({ subjectRefusal: "invalid_grant" })
        assert.strictEqual((yield* exchange({ subject_token: "unknown" })).body.error, "invalid_grant")
        const wrong = yield* exchange({ client_secret: "wrong" })
        assert.deepStrictEqual([wrong.status, wrong.body.error], [401, "invalid_client"])
        yield* mock.removeUser(email)
        assert.strictEqual((yield* exchange()).body.error, "invalid_grant")
      })
    ))

  for (const name of ["subject_token", "subject_token_type"]) {
    it.effect(`refuses a form without ${name}`, () =>
      withAda(() =>
        Effect.gen(function*() {
          const { body, status } = yield* exchange({ [name]: "" })
          assert.deepStrictEqual([status, body.error, body.error_description], [
            400,
            "invalid_request",
            `${name} is missing`
          ])
        })
      ))
  }

  it.effect("its tokens expire, and die by each way to revoke them", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        const ways = [
          TestClock.adjust("1 hour"),
          mock.revokeTokens,
          mock.revokeTokensOf("mock-client"),
          mock.revokeTokensOfUser(email),
          mock.rotateSecret()
        ]
        for (const revoke of ways) {
          const { body } = yield* exchange()
          assert.strictEqual((yield* get("/v2/companies", body.access_token)).status, 200)
          yield* revoke
          assert.strictEqual((yield* get("/v2/companies", body.access_token)).status, 401)
        }
      })
    ))

  it.effect("revoking the tokens of a user leaves those of the client and of other users", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        yield* mock.addUser("of-bob", "bob@acme.example")
        const bob = yield* exchange({ subject_token: "of-bob" })
        const own = (yield* (yield* requestToken()).json) as unknown as TokenAnswer
        yield* mock.revokeTokensOfUser(email)
        for (const token of [bob.body.access_token, own.access_token]) {
          assert.strictEqual((yield* get("/v2/companies", token)).status, 200)
        }
        assert.strictEqual((yield* mock.ledger).at(-1)!.user, undefined)
      })
    ))

  it.effect("faults answer it like any other token request", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        yield* mock.inject("token", Fault.rateLimited())
        assert.strictEqual((yield* exchange()).status, 429)
        assert.strictEqual((yield* exchange()).status, 200)
      })
    ))

  it.effect("no print of the ledger has the user's token in it", () =>
    withAda((mock) =>
      Effect.gen(function*() {
        const { body } = yield* exchange()
        const ledger = yield* mock.ledger
        const printed = `${inspect(ledger, { depth: Infinity })}${JSON.stringify(ledger)}`
        assert.include(Redacted.value(ledger[0]!.body), subjectToken)
        for (const secret of [subjectToken, body.access_token, body.refresh_token]) assert.notInclude(printed, secret)
      })
    ))
})
