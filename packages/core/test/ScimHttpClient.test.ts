import { ApiUsers, Environment, ScimHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { HttpBody, HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { makeAudit } from "./support/audit.ts"
import { onMock } from "./support/harness.ts"
import { platformClients } from "./support/sockets.ts"
import { serve } from "./trust/origins/servers.ts"

const users = "/v2/scim/Users"
const administration = ApiUsers.layer.pipe(Layer.provideMerge(onMock()))

/** A SCIM API user of the mock, its client, and both within reach. */
const subjects = Effect.gen(function*() {
  const apiUsers = yield* ApiUsers.ApiUsers
  const mock = yield* MockSpotnana.MockSpotnana
  const made = yield* apiUsers.createScimToken()
  const client = ScimHttpClient.authenticate({ token: made.scimToken })(yield* HttpClient.HttpClient)
  yield* mock.clearLedger
  return { apiUsers, mock, client, ...made }
})

const token = Redacted.make("c4n4ry-sc1m+/==")
const environment = Environment.makeUnsafe({ baseUrl: "https://api.example", origins: ["https://scim.example"] })

/** A client whose server answers as it is told, and what it was sent. */
const answering = (answer: (url: URL) => Response) => {
  const sent: Array<string> = []
  const plain = HttpClient.make((request, url) =>
    Effect.sync(() => {
      sent.push(`${request.method} ${url.href} ${request.headers.authorization ?? "-"}`)
      return HttpClientResponse.fromWeb(request, answer(url))
    })
  )
  return { sent, plain, client: ScimHttpClient.authenticate({ token, environment })(plain) }
}

describe("ScimHttpClient", () => {
  it.effect("calls the SCIM API with the token of its user, and no token is requested", () =>
    Effect.gen(function*() {
      const { client, clientId, mock } = yield* subjects
      const response = yield* client.get(users)
      assert.deepStrictEqual([response.status, response.headers["content-type"]], [200, "application/scim+json"])
      assert.deepInclude(yield* response.json, { totalResults: 1, startIndex: 1 })
      assert.deepStrictEqual((yield* mock.ledger).map((entry) => [entry.path, entry.clientId]), [[users, clientId]])
    }).pipe(Effect.provide(administration)))

  it.effect("refuses a path with a dot segment, and sends nothing", () =>
    Effect.gen(function*() {
      const { client, sent } = answering(() => new Response())
      for (const url of ["/v2/scim/Users/../Groups", "/v2/scim/Users/%2e%2e", "https://scim.example/v2/./Users"]) {
        const error = yield* Effect.flip(client.get(url))
        assert.include(error.message, "segment . or ..")
      }
      assert.deepStrictEqual(sent, [])
    }))

  it.effect("fails once the API user is revoked, with an error that says so, and sends nothing again", () =>
    Effect.gen(function*() {
      const { apiUsers, client, clientId, mock } = yield* subjects
      yield* apiUsers.revoke(clientId)
      yield* mock.clearLedger
      const error = yield* Effect.flip(client.get(users))
      assert.instanceOf(error, ScimHttpClient.ScimTokenRejected)
      assert.strictEqual(error.reason, "Revoked")
      assert.match(error.debugIdentifier ?? "", /^mock-debug-/)
      assert.include(
        error.message,
        "GET /v2/scim/Users answered 401 (Access Token Invalid): the SCIM token was revoked"
      )
      assert.strictEqual((yield* mock.ledger).length, 1)
    }).pipe(Effect.provide(administration)))

  it.effect("says the same for a body that can be sent once only, and behind a filter of statuses", () =>
    Effect.gen(function*() {
      const { apiUsers, clientId, scimToken } = yield* subjects
      yield* apiUsers.revoke(clientId)
      const filtered = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      const client = ScimHttpClient.authenticate({ token: scimToken })(filtered)
      const body = HttpBody.stream(Stream.make(new Uint8Array(3)))
      for (const call of [client.get(users), client.post(users, { body })]) {
        assert.strictEqual((yield* Effect.flip(call))._tag, "ScimTokenRejected")
      }
    }).pipe(Effect.provide(administration)))

  it.effect("hands on every other answer: a 403, a 404, a 401 about the scope", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      for (const status of [403, 404, 500]) {
        yield* mock.inject("api", Fault.status(status))
        assert.strictEqual((yield* client.get(users)).status, status)
      }
      const headers = { "www-authenticate": "Bearer error=\"insufficient_scope\"" }
      yield* mock.inject("api", Fault.status(401, { headers }))
      assert.strictEqual((yield* client.get(users)).status, 401)
    }).pipe(Effect.provide(administration)))

  it.effect("invariant 8: sends the token to the origins of the environment only", () =>
    Effect.gen(function*() {
      const { client, sent } = answering(() => new Response())
      for (
        const url of [
          users,
          `https://scim.example${users}`,
          `http://api.example${users}`,
          `https://api.example.evil${users}`,
          `https://api.example:444${users}`
        ]
      ) yield* client.get(url)
      const bearer = `Bearer ${Redacted.value(token)}`
      assert.deepStrictEqual(sent, [
        `GET https://api.example${users} ${bearer}`,
        `GET https://scim.example${users} ${bearer}`,
        `GET http://api.example${users} -`,
        `GET https://api.example.evil${users} -`,
        `GET https://api.example:444${users} -`
      ])
    }))

  it.effect("invariant 8: sends it along no redirect of another origin, not even back", () =>
    Effect.gen(function*() {
      const { plain, sent } = answering(({ hostname, pathname }) =>
        pathname === "/away"
          ? new Response(null, { status: 302, headers: { location: "https://evil.example/back" } })
          : hostname === "evil.example"
          ? new Response(null, { status: 302, headers: { location: `https://api.example${users}` } })
          : new Response()
      )
      const client = HttpClient.followRedirects(ScimHttpClient.authenticate({ token, environment })(plain))
      yield* client.get("/away")
      const bearer = `Bearer ${Redacted.value(token)}`
      assert.deepStrictEqual(sent.map((line) => line.replace(/^GET \S+ /, "")), [bearer, "-", "-"])
    }))

  it.effect("leaves an Authorization of the caller's own alone, and its 401", () =>
    Effect.gen(function*() {
      const { client, sent } = answering(() => new Response(null, { status: 401 }))
      const response = yield* client.execute(HttpClientRequest.get(users).pipe(HttpClientRequest.bearerToken("own")))
      assert.strictEqual(response.status, 401)
      assert.deepStrictEqual(sent, [`GET https://api.example${users} Bearer own`])
    }))

  it.effect("invariant 9: the token is in no log, span, metric, error or response, whatever the API answers", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      yield* audit.run(
        Effect.gen(function*() {
          for (const status of [200, 302, 401, 403, 500]) {
            // A server that repeats what it was sent.
            const body = JSON.stringify({ debugIdentifier: Redacted.value(token), message: Redacted.value(token) })
            const headers = status === 302 ? { location: "https://api.example/x" } : {}
            const { client } = answering(() => new Response(status === 401 ? body : null, { status, headers }))
            audit.add(client, yield* Effect.exit(client.get(users)))
          }
          const failing = HttpClient.make((request) =>
            Effect.fail(
              new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
            )
          )
          const client = ScimHttpClient.authenticate({ token, environment })(failing)
          audit.add(yield* Effect.exit(client.get(users)), ScimHttpClient.layer({ token }))
        })
      )
      assert.include(audit.text(), "ScimTokenRejected")
      assert.deepStrictEqual(audit.search([Redacted.value(token)]), [])
    }))

  it("refuses a token that no server can accept, and repeats nothing of it", () => {
    for (const wrong of ["", "c4n4ry\n", "\"c4n4ry\"", "c4n4ry\u00e9"]) {
      let thrown: unknown
      try {
        ScimHttpClient.authenticate({ token: Redacted.make(wrong) })
      } catch (error) {
        thrown = error
      }
      assert.instanceOf(thrown, TypeError)
      assert.match(String(thrown), /^TypeError: ScimHttpClient\.token cannot be used: the token /)
      assert.notInclude(String(thrown), "c4n4ry")
    }
  })

  it("refuses what is no environment", () => {
    const environment = "sandbox" as unknown as Environment.Environment
    assert.throws(
      () => ScimHttpClient.authenticate({ token, environment }),
      "ScimHttpClient.environment is \"sandbox\"; expected an Environment"
    )
  })

  it.effect("reads token and environment from configuration", () =>
    Effect.gen(function*() {
      const { plain, sent } = answering(() => new Response())
      const get = (env: Record<string, string>) =>
        ScimHttpClient.ScimHttpClient.use((client) => client.get(users)).pipe(
          Effect.provide(ScimHttpClient.layerConfig()),
          Effect.provideService(HttpClient.HttpClient, plain),
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env))
        )
      yield* get({ SPOTNANA_SCIM_TOKEN: "sc1m", SPOTNANA_BASE_URL: "https://api.example" })
      assert.deepStrictEqual(sent, [`GET https://api.example${users} Bearer sc1m`])
      for (const env of [{}, { SPOTNANA_SCIM_TOKEN: "" }, { SPOTNANA_SCIM_TOKEN: "c4n4ry\n" }]) {
        const exit = yield* Effect.exit(get(env as Record<string, string>))
        const message = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
        assert.include(message, "SPOTNANA_SCIM_TOKEN ")
        assert.notInclude(message, "c4n4ry")
      }
      assert.strictEqual(sent.length, 1)
    }))
})

describe.each(platformClients)("ScimHttpClient over sockets, with %s", (_, platform) => {
  it.live("invariant 8: the token does not go along with a redirect, whoever follows it", () =>
    Effect.gen(function*() {
      const [api, other] = yield* Effect.all([serve("http"), serve("http")])
      const originOf = ({ port }: typeof api) => `http://127.0.0.1:${port}`
      api.handle = ({ url }, response) =>
        url === "/v2/scim/away"
          ? response.writeHead(307, { location: `${originOf(other)}/x` }).end()
          : response.writeHead(200).end()
      other.handle = (_, response) => response.writeHead(200).end()
      const client = ScimHttpClient.authenticate({
        token,
        environment: Environment.makeUnsafe({ baseUrl: originOf(api) })
      })(yield* HttpClient.HttpClient)
      yield* Effect.exit(client.get("/v2/scim/away"))
      yield* Effect.exit(HttpClient.followRedirects(client).get("/v2/scim/away"))
      assert.isNotEmpty(api.ledger)
      assert.isTrue(api.ledger.every((text) => text.includes(Redacted.value(token))))
      assert.isFalse(other.ledger.some((text) => text.includes(Redacted.value(token))))
    }).pipe(Effect.scoped, Effect.provide(platform)))
})
