import { Credentials, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule, TestClock } from "effect"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret, subjects } from "./support/harness.ts"

type Source = Effect.Effect<Credentials.ClientCredentials, unknown>

/** A source that gives what no type allows. */
const gives = (value: unknown): Source => Effect.succeed(value as Credentials.ClientCredentials)

/** What may be wrong with a source, and the reason that callers are given. */
const troubles: ReadonlyArray<readonly [string, Source, "CredentialsSource" | "InvalidCredentials"]> = [
  ["fails", Effect.fail("vault sealed"), "CredentialsSource"],
  ["dies", Effect.die("bug"), "CredentialsSource"],
  ["hangs", Effect.never, "CredentialsSource"],
  ["is interrupted", Effect.interrupt, "CredentialsSource"],
  ["returns undefined", gives(undefined), "CredentialsSource"],
  ["returns null", gives(null), "CredentialsSource"],
  ["returns text", gives(Redacted.value(clientSecret)), "CredentialsSource"],
  ["returns an empty object", gives({}), "CredentialsSource"],
  ["returns no client id", gives({ clientSecret }), "CredentialsSource"],
  ["returns a client id that is a number", gives({ clientId: 1, clientSecret }), "CredentialsSource"],
  ["returns no secret", gives({ clientId }), "CredentialsSource"],
  [
    "returns a secret that is not Redacted",
    gives({ clientId, clientSecret: Redacted.value(clientSecret) }),
    "CredentialsSource"
  ],
  ["returns nothing in its Redacted", gives({ clientId, clientSecret: Redacted.make(undefined) }), "CredentialsSource"],
  ["returns an empty client id", gives({ clientId: "", clientSecret }), "InvalidCredentials"],
  ["returns an empty secret", gives({ clientId, clientSecret: Redacted.make("") }), "InvalidCredentials"]
]

describe("invariant 12: a credentials source", () => {
  for (const [title, trouble, reason] of troubles) {
    // The provider, its mock, and a switch between a source that is well and one that is not.
    const subject = Effect.gen(function*() {
      let asked = 0
      let current: Source = Effect.succeed({ clientId, clientSecret })
      const source = Layer.succeed(Credentials.Credentials, {
        current: Effect.suspend(() => {
          asked += 1
          return current
        })
      })
      return {
        asked: () => asked,
        set: (next: "well" | "trouble") => {
          current = next === "well" ? Effect.succeed({ clientId, clientSecret }) : trouble
        },
        layer: SpotnanaHttpClient.layerCredentials().pipe(
          Layer.provide(source),
          Layer.provideMerge(MockSpotnana.layerHttpClient),
          Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
        )
      }
    })
    const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.fork(Effect.flip(effect))
        yield* TestClock.adjust("1 minute")
        const error: { readonly _tag: string; readonly reason?: string } = yield* Fiber.join(fiber)
        return error._tag === "TokenEndpointUnavailable" ? error.reason : error._tag
      })

    describe(`that ${title}`, () => {
      it.effect("at first, is a typed error, is asked again within bounds, and costs no request", () =>
        Effect.gen(function*() {
          const { asked, layer, set } = yield* subject
          set("trouble")
          yield* Effect.gen(function*() {
            const { mock, provider } = yield* subjects
            expect(yield* failure(provider.get)).toBe(reason)
            expect(asked()).toBe(reason === "CredentialsSource" ? 3 : 1)
            expect(yield* mock.tokenRequests).toBe(0)
            set("well")
            yield* TestClock.adjust("1 minute")
            yield* provider.get
          }).pipe(Effect.provide(layer))
        }))

      it.effect("at a renewal, is not noticed while the token lives, nor once it is well again", () =>
        Effect.gen(function*() {
          const { layer, set } = yield* subject
          yield* Effect.gen(function*() {
            const { client, mock } = yield* subjects
            yield* client.get("/v2/companies")
            set("trouble")
            const load = yield* Effect.fork(
              Effect.repeat(client.get("/v2/companies"), Schedule.spaced("2 minutes"))
            )
            yield* TestClock.adjust("54 minutes")
            set("well")
            yield* TestClock.adjust("2 hours")
            yield* Fiber.interrupt(load)
            const answers = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
            expect(answers.length).toBeGreaterThan(80)
            expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
          }).pipe(Effect.provide(layer))
        }))

      it.effect("after a rejection, is a typed error, and the token stays in use while it lives", () =>
        Effect.gen(function*() {
          const { layer, set } = yield* subject
          yield* Effect.gen(function*() {
            const { client, mock, provider } = yield* subjects
            yield* client.get("/v2/companies")
            set("trouble")
            yield* mock.revokeTokens
            for (let calls = 0; calls < 2; calls++) {
              expect(yield* failure(client.get("/v2/companies"))).toBe(reason)
              expect((yield* provider.status).state).toBe("valid")
            }
            // The token may be good all the same: each call is sent once more with it.
            expect((yield* mock.ledger).map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
              "token 200",
              "api 200",
              "api 401",
              "api 401",
              "api 401",
              "api 401"
            ])
            set("well")
            yield* TestClock.adjust("1 minute")
            expect((yield* client.get("/v2/companies")).status).toBe(200)
          }).pipe(Effect.provide(layer))
        }))

      it.effect("is told about without a secret", () =>
        Effect.gen(function*() {
          const { layer, set } = yield* subject
          const audit = makeAudit()
          set("trouble")
          yield* audit.run(
            Effect.gen(function*() {
              const provider = yield* TokenProvider.TokenProvider
              const fiber = yield* Effect.fork(Effect.exit(provider.get))
              yield* TestClock.adjust("1 minute")
              audit.add(yield* Fiber.join(fiber))
            }).pipe(Effect.provide(layer))
          )
          expect(audit.text()).toContain(reason)
          expect(audit.search([Redacted.value(clientSecret)])).toEqual([])
        }))
    })
  }
})
