import {
  Credentials,
  Jwks,
  PartnerKeys,
  SigningKey,
  SpotnanaHttpClient,
  SubjectToken,
  TokenExchange
} from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { HttpClient, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { generateKeyPairSync } from "node:crypto"
import type { ErrorAnswer, TokenAnswer } from "./support/requests.ts"
import { bodyOf, form, get, postForm } from "./support/requests.ts"
import * as Spec from "./support/spec.ts"

const companyId = "4974a66b-7493-4f41-908c-58ba81093947"
const partnerUrl = "https://partner.example"
const email = "ada@partner.example"

/** A key pair of the partner. */
const makeKey = (kid: string): SigningKey.SigningKey => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  return { kid, privateKey: Redacted.make(privateKey.export({ type: "pkcs8", format: "pem" }) as string) }
}

const key = makeKey("first")
const otherKey = makeKey("second")

const signed = (key: SigningKey.SigningKey, claims: SubjectToken.Claims = { email }) =>
  SubjectToken.signed({ ...key, issuer: partnerUrl, claims })

/** An application without a socket. */
const clientOf = (routes: Layer.Layer<never, unknown, HttpRouter.HttpRouter>) =>
  Effect.gen(function*() {
    const handler = yield* HttpRouter.toHttpEffect(routes)
    return HttpClient.make((request) =>
      handler.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
        Effect.scoped,
        Effect.map((response) => HttpServerResponse.toClientResponse(response, { request })),
        Effect.orDie
      )
    )
  })

/** The partner's answer for an access token; its endpoint counts who asks. */
const makeUserEndpoint = (answers: Readonly<Record<string, HttpServerResponse.HttpServerResponse | "hang">>) => {
  let asked = 0
  const route = HttpRouter.add("GET", "/me", (request) =>
    Effect.suspend(() => {
      asked++
      const answer = answers[request.headers["authorization"]?.replace(/^Bearer /, "") ?? ""]
      return answer === "hang"
        ? Effect.never
        : Effect.succeed(answer ?? HttpServerResponse.empty({ status: 401 }))
    }))
  return { route, asked: () => asked }
}

type Routes = Layer.Layer<never, unknown, HttpRouter.HttpRouter>

/** A mock that reaches a partner with these routes. */
const spotnana = (routes: Routes = Layer.empty, options?: MockSpotnana.Options) =>
  MockSpotnana.layerHttpClient.pipe(
    Layer.provideMerge(
      Layer.unwrap(Effect.map(clientOf(routes), (partnerClient) => MockSpotnana.layer({ ...options, partnerClient })))
    )
  )

/** One exchange of a token by the form of RFC 8693. */
const exchange = (subjectToken: Redacted.Redacted, fields: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const { credentials } = yield* MockSpotnana.MockSpotnana
    const request = {
      ...form(yield* credentials),
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: Redacted.value(subjectToken),
      subject_token_type: TokenExchange.jwtType,
      scope: "openid",
      ...fields
    }
    const answer = yield* postForm(request)
    return {
      status: answer.status,
      request,
      body: yield* bodyOf<TokenAnswer & ErrorAnswer & { readonly refresh_token: string }>(answer)
    }
  })

const descriptionOf = (subjectToken: Redacted.Redacted) =>
  Effect.map(exchange(subjectToken), ({ body, status }) => {
    assert.deepStrictEqual([status, body.error], [400, "invalid_request"])
    return body.error_description
  })

/** Who the API takes the bearer of an answer for. */
const userOf = ({ body }: Effect.Success<ReturnType<typeof exchange>>) =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    assert.strictEqual((yield* get("/v2/companies", body.access_token)).status, 200)
    return (yield* mock.ledger).at(-1)!.user
  })

describe("signed subject tokens", () => {
  const inPartnerKeys = <A, E, R>(use: (keys: PartnerKeys.PartnerKeys["Service"]) => Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const { credentials } = yield* MockSpotnana.MockSpotnana
      const administrator = SpotnanaHttpClient.layer(yield* credentials)
      return yield* Effect.flatMap(PartnerKeys.PartnerKeys, use).pipe(
        Effect.provide(Layer.provide(PartnerKeys.layer, administrator))
      )
    })
  const register = (key: SigningKey.SigningKey) =>
    inPartnerKeys((keys) => Effect.flatMap(SigningKey.publicJwk(key), (jwk) => keys.add(companyId, jwk)))

  it.effect("are accepted while their key is registered, and refused before and after", () =>
    Effect.gen(function*() {
      const token = yield* signed(key)
      assert.strictEqual(yield* descriptionOf(token), "No key has the kid of the subject token")
      yield* register(otherKey)
      assert.strictEqual(yield* descriptionOf(token), "No key has the kid of the subject token")
      yield* register(key)
      assert.strictEqual(yield* userOf(yield* exchange(token)), email)
      yield* inPartnerKeys((keys) => keys.revoke(companyId, "first"))
      assert.strictEqual(yield* descriptionOf(token), "No key has the kid of the subject token")
      assert.strictEqual(yield* userOf(yield* exchange(yield* signed(otherKey))), email)
    }).pipe(Effect.provide(spotnana())))

  it.effect("are refused where they have expired, say another email than was signed, or have another key's kid", () =>
    Effect.gen(function*() {
      yield* register(key)
      const token = yield* signed(key)
      const [head, , signature] = Redacted.value(token).split(".")
      const claims = Buffer.from(JSON.stringify({ email: "eve@partner.example" })).toString("base64url")
      const wrong = "The subject token is not signed with the key of its kid"
      assert.strictEqual(yield* descriptionOf(Redacted.make(`${head}.${claims}.${signature}`)), wrong)
      assert.strictEqual(yield* descriptionOf(yield* signed({ ...otherKey, kid: "first" })), wrong)
      yield* TestClock.adjust("311 seconds")
      assert.strictEqual(yield* descriptionOf(token), "The subject token has expired")
    }).pipe(Effect.provide(spotnana())))

  it.effect("are accepted with the keys of the JWKS as it is at that moment", () => {
    let keys: ReadonlyArray<SigningKey.SigningKey> = [key]
    const route = HttpRouter.add(
      "GET",
      "/jwks",
      Effect.suspend(() => Effect.orDie(Effect.map(Jwks.make(keys), (set) => HttpServerResponse.jsonUnsafe(set))))
    )
    return Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const [first, second] = [yield* signed(key), yield* signed(otherKey)]
      assert.strictEqual(yield* descriptionOf(first), "No key has the kid of the subject token")
      yield* mock.configure({ jwksUrl: `${partnerUrl}/jwks` })
      assert.strictEqual(yield* userOf(yield* exchange(first)), email)
      assert.strictEqual(yield* descriptionOf(second), "No key has the kid of the subject token")
      keys = [otherKey]
      assert.strictEqual(yield* userOf(yield* exchange(second)), email)
      assert.strictEqual(yield* descriptionOf(first), "No key has the kid of the subject token")
      yield* mock.configure({ jwksUrl: `${partnerUrl}/nothing` })
      assert.strictEqual(yield* descriptionOf(second), "The JWKS of the partner cannot be read")
    }).pipe(Effect.provide(spotnana(route)))
  })

  it.effect("the address that core serves its keys at is one that they are verified by", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* userOf(yield* exchange(yield* signed(otherKey))), email)
    }).pipe(
      Effect.provide(
        spotnana(Jwks.layer({ keys: [key, otherKey] }), { jwksUrl: `${partnerUrl}/.well-known/jwks.json` })
      )
    ))
})

describe("access tokens of the partner", () => {
  const json = HttpServerResponse.jsonUnsafe
  const answers = {
    "of-ada": json({ email, name: "Ada" }),
    "without-email": json({ name: "Ada" }),
    "no-json": HttpServerResponse.text("<!doctype html>"),
    slow: "hang" as const
  }
  const settings = { userEndpoint: `${partnerUrl}/me` }

  it.effect("are those for which the user endpoint of the partner has an email", () => {
    const { asked, route } = makeUserEndpoint(answers)
    return Effect.gen(function*() {
      const token = Redacted.make("of-ada")
      const unknown = "The user endpoint of the partner knows no user with an email for the subject token"
      assert.strictEqual(yield* descriptionOf(token), "The subject token is invalid")
      assert.strictEqual(asked(), 0)
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure(settings)
      assert.strictEqual(
        yield* userOf(yield* exchange(token, { subject_token_type: TokenExchange.accessTokenType })),
        email
      )
      for (const text of ["of-eve", "without-email", "no-json"]) {
        assert.strictEqual(yield* descriptionOf(Redacted.make(text)), unknown)
      }
      const slow = yield* Effect.forkChild(descriptionOf(Redacted.make("slow")), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(slow), unknown)
    }).pipe(Effect.provide(spotnana(route)))
  })

  it.effect("may be JWTs of somebody else: who signs with a key that is not known is asked for, a wrong signature is not", () => {
    const { asked, route } = makeUserEndpoint({})
    return Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* descriptionOf(yield* signed(otherKey))
      assert.strictEqual(asked(), 1)
      yield* mock.configure({ jwksUrl: `${partnerUrl}/jwks` })
      yield* descriptionOf(yield* signed({ ...otherKey, kid: "first" }))
      assert.strictEqual(asked(), 1)
    }).pipe(
      Effect.provide(spotnana(Layer.merge(route, Jwks.layer({ keys: [key], path: "/jwks" })), settings))
    )
  })

  it.effect("of a user who was removed are refused, whatever vouches for them, until the user is added again", () => {
    const { route } = makeUserEndpoint(answers)
    return Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addUser("added", email)
      yield* mock.removeUser(email)
      for (const token of [yield* signed(key), Redacted.make("of-ada")]) {
        assert.strictEqual(yield* descriptionOf(token), "The user of the subject token was removed")
      }
      yield* mock.addUser("again", email)
      assert.strictEqual(yield* userOf(yield* exchange(yield* signed(key))), email)
    }).pipe(
      Effect.provide(
        spotnana(Layer.merge(route, Jwks.layer({ keys: [key], path: "/jwks" })), {
          ...settings,
          jwksUrl: `${partnerUrl}/jwks`
        })
      )
    )
  })

  it.effect("reach the partner by fetch where no other client is given", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ userEndpoint: "http://127.0.0.1:1/me" })
      assert.match(yield* descriptionOf(Redacted.make("of-ada")), /knows no user/)
    }).pipe(Effect.provide(MockSpotnana.layerHttpClient.pipe(Layer.provideMerge(MockSpotnana.layer())))))
})

describe("both ways", () => {
  it.effect("a user's client of the library calls the API for the user that the subject token is of", () => {
    const { route } = makeUserEndpoint({ "of-bob": HttpServerResponse.jsonUnsafe({ email: "bob@partner.example" }) })
    return Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const application = Credentials.layer(yield* mock.credentials)
      const ways = [
        [email, signed(key), TokenExchange.jwtType],
        ["bob@partner.example", Effect.succeed(Redacted.make("of-bob")), TokenExchange.accessTokenType]
      ] as const
      for (const [user, subjectToken, subjectTokenType] of ways) {
        yield* Effect.gen(function*() {
          const client = yield* Layer.build(
            Layer.provide(TokenExchange.layer({ user, subjectToken, subjectTokenType }), application)
          )
          const spotnana = Context.get(client, TokenExchange.UserHttpClient)
          assert.strictEqual((yield* spotnana.get("/v2/companies")).status, 200)
          assert.strictEqual((yield* mock.ledger).at(-1)!.user, user)
          yield* mock.removeUser(user)
          yield* mock.revokeTokensOfUser(user)
          const refused = yield* Effect.exit(spotnana.get("/v2/companies"))
          assert.isTrue(Exit.isFailure(refused) && String(refused.cause).includes("SubjectTokenRejected"))
        }).pipe(Effect.scoped)
      }
    }).pipe(Effect.provide(spotnana(
      Layer.merge(route, Jwks.layer({ keys: [key], path: "/jwks" })),
      { userEndpoint: `${partnerUrl}/me`, jwksUrl: `${partnerUrl}/jwks` }
    )))
  })
})

describe.skipIf(!Spec.isPresent)(`the exchange and ${Spec.title}`, () => {
  it.effect("request, answer and refusal conform", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addUser("of-ada", email)
      const path = "/v2/auth/oauth2-token"
      const { body, request, status } = yield* exchange(Redacted.make("of-ada"))
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(Spec.validateTokenRequest(request), [])
      assert.deepStrictEqual(Spec.validateAnswer("auth", path, "post", 200, body), [])
      assert.deepStrictEqual(Spec.validateSchema("auth", "OAuthTokenResponse", body, { closed: true }), [])
      const refused = yield* exchange(Redacted.make("unknown"))
      assert.deepStrictEqual(Spec.validateAnswer("auth", path, "post", 403, refused.body), [])
    }).pipe(Effect.provide(spotnana())))

  it.effect("the grants of the mock are those of the description: a refresh token is issued, and not accepted", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addUser("of-ada", email)
      const { body } = yield* exchange(Redacted.make("of-ada"))
      const answer = yield* exchange(Redacted.make("of-ada"), {
        grant_type: "refresh_token",
        refresh_token: body.refresh_token
      })
      assert.deepStrictEqual([answer.status, answer.body.error], [400, "unsupported_grant_type"])
      const grants = [...Spec.fieldOf("auth", "OAuthTokenRequest", "grant_type").matchAll(/`([^`]+)`/g)].map((
        [, name]
      ) => name)
      assert.deepStrictEqual(grants, ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"])
    }).pipe(Effect.provide(spotnana())))
})
