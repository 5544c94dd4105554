import { Credentials, EmbedTokens, TokenExchange } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as Spec from "../../testing/test/support/spec.ts"
import { clientId, clientSecret, onMock, subjects } from "./support/harness.ts"

describe.skipIf(!Spec.isPresent)(`the token request and ${Spec.title}`, () => {
  const requestWith = (options: Parameters<typeof onMock>[0]) =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* Effect.exit(provider.get)
      const [entry] = yield* mock.ledger
      return Object.fromEntries(new URLSearchParams(Redacted.value(entry!.body)))
    }).pipe(Effect.provide(onMock(options)))

  it.effect("agree, with every optional field too", () =>
    Effect.gen(function*() {
      expect(Spec.validateTokenRequest(yield* requestWith({}))).toEqual([])
      const full = yield* requestWith({ scope: "a b", audience: "https://apis.spotnana.com/v2" })
      expect(full).toHaveProperty("audience")
      expect(Spec.validateTokenRequest(full)).toEqual([])
    }))

  it.effect("agree for the token exchange, of a user's client and of an embedded page", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      const subjectToken = Effect.succeed(Redacted.make("of-ada"))
      yield* mock.addUser("of-ada", "ada@acme.example")
      yield* TokenExchange.UserTokenProvider.use(({ get }) => get).pipe(
        Effect.provide(TokenExchange.layer({ user: "ada", subjectToken, audience: "https://apis.spotnana.com/v2" }))
      )
      const route = yield* HttpRouter.toHttpEffect(
        EmbedTokens.layer({ session: Effect.succeed({ user: "ada", subjectToken }) })
      )
      const request = new Request("http://localhost/spotnana/embed-tokens", {
        method: "POST",
        headers: { "sec-fetch-site": "same-origin" }
      })
      const { status } = yield* Effect.provideService(
        route,
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(request)
      )
      expect(status).toBe(200)
      const ledger = yield* mock.ledger
      expect(ledger.length).toBe(2)
      for (const { body } of ledger) {
        const form = Object.fromEntries(new URLSearchParams(Redacted.value(body)))
        expect(form).toHaveProperty("subject_token")
        expect(Spec.validateTokenRequest(form)).toEqual([])
      }
    }).pipe(Effect.provide(Layer.provideMerge(Credentials.layer({ clientId, clientSecret }), onMock()))))

  it.effect("do not agree on a field that is not documented: the validator looks", () =>
    Effect.gen(function*() {
      expect(Spec.validateTokenRequest(yield* requestWith({ parameters: { clientId: "x" } }))).not.toEqual([])
    }))
})
