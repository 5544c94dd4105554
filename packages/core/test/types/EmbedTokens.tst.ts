import { EmbedTokens } from "@effect-spotnana/core"
import type { AuthError, Credentials } from "@effect-spotnana/core"
import { Effect } from "effect"
import type { Context, Layer, Redacted } from "effect"
import type { HttpClient, HttpRouter, HttpServerRequest } from "effect/http"
import { describe, expect, test } from "tstyche"

declare const token: Redacted.Redacted
declare const session: Effect.Effect<
  EmbedTokens.Session,
  EmbedTokens.NotSignedIn | EmbedTokens.NotAllowed,
  HttpServerRequest.HttpServerRequest
>
interface Sessions {
  readonly _: unique symbol
}
declare const Sessions: Context.Key<Sessions, EmbedTokens.Session>
declare const withSessions: Effect.Effect<EmbedTokens.Session, EmbedTokens.NotSignedIn, Sessions>

type Needs = HttpRouter.HttpRouter | Credentials.Credentials | HttpClient.HttpClient

describe("EmbedTokens", () => {
  test("its layer needs a router, the client's credentials and an HttpClient, and cannot fail", () => {
    expect(EmbedTokens.layer({ session })).type.toBe<Layer.Layer<never, never, Needs>>()
  })

  test("what the session needs for each request is in the type", () => {
    expect(EmbedTokens.layer({ session: withSessions })).type.toBe<
      Layer.Layer<never, never, Needs | HttpRouter.Request<"Requires", Sessions>>
    >()
  })

  test("a session that fails with anything else, a plain token and a token that is no effect do not compile", () => {
    expect(EmbedTokens.layer).type.not.toBeCallableWith({ session: Effect.fail("no session") })
    expect(EmbedTokens.layer).type.not.toBeCallableWith({
      session: Effect.succeed({ user: "ada", subjectToken: token })
    })
    expect(EmbedTokens.layer).type.not.toBeCallableWith({
      session: Effect.succeed({ user: "ada", subjectToken: Effect.succeed("token") })
    })
  })
  test("its options are those of the exchange, without those of the lifecycle", () => {
    expect<EmbedTokens.Options>().type.toBeAssignableFrom<{
      readonly session: Effect.Effect<EmbedTokens.Session>
      readonly path: "/tokens"
      readonly perMinute: number
      readonly scope: string
      readonly audience: string
      readonly subjectTokenType: string
      readonly rejectsSubject: (error: AuthError.InvalidCredentials) => boolean
    }>()
    expect<keyof EmbedTokens.Options & ("refresh" | "eager" | "user" | "subjectToken")>().type.toBe<never>()
  })

  test("what a page is told without tokens is one of seven words", () => {
    expect<EmbedTokens.Refusal>().type.toBe<
      | "NotSignedIn"
      | "NotAllowed"
      | "OtherOrigin"
      | "SubjectTokenRejected"
      | "TooManyRequests"
      | "Unavailable"
      | "Misconfigured"
    >()
  })
})
