import { AuthError } from "@effect-spotnana/effect3"
import { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema } from "effect"

const request = HttpClientRequest.get("https://api.spotnana.com/v2/companies")

const samples: ReadonlyArray<readonly [string, AuthError.AuthError]> = [
  [
    "InvalidCredentials",
    new AuthError.InvalidCredentials({
      message: "refused",
      clientId: "client",
      status: 401,
      code: "invalid_client",
      debugIdentifier: "debug-1"
    })
  ],
  ["InvalidCredentials, no request made", new AuthError.InvalidCredentials({ message: "the secret is empty" })],
  ["TokenExpired, rejected", new AuthError.TokenExpired({ message: "rejected", reason: "Rejected" })],
  [
    "TokenExpired, not replayable",
    new AuthError.TokenExpired({ message: "once", reason: "NotReplayable", debugIdentifier: "debug-2" })
  ],
  [
    "TokenExpired, suspended",
    new AuthError.TokenExpired({ message: "wait", reason: "Rejected", retryAfter: Duration.seconds(42) })
  ],
  ...(["Transport", "Timeout", "RateLimited", "ServerError", "Intermediary", "CredentialsSource"] as const).map((
    reason
  ) =>
    [
      `TokenEndpointUnavailable, ${reason}`,
      new AuthError.TokenEndpointUnavailable({
        message: "later",
        reason,
        status: 503,
        // Not a whole number of milliseconds.
        retryAfter: Duration.millis(1500.25),
        debugIdentifier: "debug-3"
      })
    ] as const
  ),
  [
    "TokenEndpointUnavailable, no answer",
    new AuthError.TokenEndpointUnavailable({ message: "later", reason: "Transport" })
  ],
  [
    "MalformedTokenResponse",
    new AuthError.MalformedTokenResponse({
      message: "HTML",
      status: 200,
      retryAfter: Duration.hours(1),
      debugIdentifier: "debug-4"
    })
  ],
  // An opaque redirect of a browser has the status 0.
  ["MalformedTokenResponse, opaque", new AuthError.MalformedTokenResponse({ message: "a redirect", status: 0 })]
]

const fields = (error: AuthError.AuthError) => ({
  tag: error._tag,
  message: error.message,
  clientId: "clientId" in error ? error.clientId : undefined,
  status: "status" in error ? error.status : undefined,
  code: "code" in error ? error.code : undefined,
  reason: "reason" in error ? error.reason : undefined,
  retryAfter: Option.getOrUndefined(Option.map(AuthError.retryAfter(error), Duration.toMillis)),
  debugIdentifier: error.debugIdentifier
})

const transportError = new HttpClientError.RequestError({
  request,
  reason: "Transport",
  cause: new Error("connect ECONNREFUSED")
})

describe.each(samples)("%s", (_, error) => {
  it("is known by its guard", () => {
    assert.isTrue(AuthError.isAuthError(error))
    assert.instanceOf(error, Error)
  })

  it("survives its codec and JSON whole", () => {
    const codec = AuthError.AuthError
    const json = JSON.stringify(Schema.encodeSync(codec)(error))
    const decoded = Schema.decodeUnknownSync(codec)(JSON.parse(json))
    assert.notStrictEqual(decoded, error)
    assert.strictEqual(decoded.constructor, error.constructor)
    assert.deepStrictEqual(fields(decoded), fields(error))
    assert.isTrue(AuthError.isAuthError(decoded))
  })

  it("survives an HttpClientError whole", () => {
    const folded = AuthError.toHttpClientError(error, request)
    assert.isTrue(HttpClientError.isHttpClientError(folded))
    assert.strictEqual(folded.request, request)
    assert.include(folded.message, `${error._tag}: ${error.message}`)
    assert.strictEqual(Option.getOrThrow(AuthError.fromHttpClientError(folded)), error)
  })

  it.effect("invariant 6: retryTransient around a plain client leaves it alone", () =>
    Effect.gen(function*() {
      let tries = 0
      const failing = (failure: HttpClientError.HttpClientError) =>
        HttpClient.make(() =>
          Effect.suspend(() => {
            tries += 1
            return Effect.fail(failure)
          })
        ).pipe(HttpClient.retryTransient({ times: 3 }))

      const failure = yield* Effect.flip(failing(AuthError.toHttpClientError(error, request)).execute(request))
      assert.strictEqual(Option.getOrThrow(AuthError.fromHttpClientError(failure)), error)
      assert.strictEqual(tries, 1)

      // The same client does retry what is transient.
      tries = 0
      yield* Effect.flip(failing(transportError).execute(request))
      assert.strictEqual(tries, 4)
    }))

  it.effect("catchTags finds it among the others by its tag", () =>
    Effect.gen(function*() {
      const caughtAs = (tag: string) => (caught: AuthError.AuthError) => Effect.succeed({ tag, caught })
      const result = yield* Effect.fail(error).pipe(Effect.catchTags({
        InvalidCredentials: caughtAs("InvalidCredentials"),
        TokenExpired: caughtAs("TokenExpired"),
        TokenEndpointUnavailable: caughtAs("TokenEndpointUnavailable"),
        MalformedTokenResponse: caughtAs("MalformedTokenResponse")
      }))
      assert.strictEqual(result.tag, error._tag)
      assert.strictEqual(result.caught, error)
    }))
})

describe("AuthError", () => {
  it.effect("catchTag catches its own tag and no other", () =>
    Effect.gen(function*() {
      for (const [, error] of samples) {
        const failing: Effect.Effect<never, AuthError.AuthError> = Effect.fail(error)
        const attempts: Record<string, Effect.Effect<AuthError.AuthError, AuthError.AuthError>> = {
          InvalidCredentials: Effect.catchTag(failing, "InvalidCredentials", Effect.succeed),
          TokenExpired: Effect.catchTag(failing, "TokenExpired", Effect.succeed),
          TokenEndpointUnavailable: Effect.catchTag(failing, "TokenEndpointUnavailable", Effect.succeed),
          MalformedTokenResponse: Effect.catchTag(failing, "MalformedTokenResponse", Effect.succeed)
        }
        for (const [tag, attempt] of Object.entries(attempts)) {
          const caught = yield* Effect.match(attempt, { onFailure: () => false, onSuccess: (e) => e === error })
          assert.strictEqual(caught, tag === error._tag, `${tag} for ${error._tag}`)
        }
      }
    }))

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a tag", "InvalidCredentials"],
    ["an object with a tag", { _tag: "InvalidCredentials", message: "refused" }],
    ["an error without a tag", new Error("InvalidCredentials")],
    ["an error with another tag", Object.assign(new Error("x"), { _tag: "InvalidCredential" })],
    ["an error whose tag is no text", Object.assign(new Error("x"), { _tag: ["TokenExpired"] })],
    ["an HttpClientError", transportError],
    ["an HttpClientError that holds one", AuthError.toHttpClientError(samples[0]![1], request)]
  ])("isAuthError is false for %s", (_, value) => {
    assert.isFalse(AuthError.isAuthError(value))
  })

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["an error of this library", samples[0]![1]],
    ["an error whose cause is one", new Error("x", { cause: samples[0]![1] })],
    ["a transport error", transportError],
    [
      "an encode error of another origin",
      new HttpClientError.RequestError({ request, reason: "Encode", cause: new Error("x") })
    ],
    [
      "an answer with an error status",
      new HttpClientError.ResponseError({
        reason: "StatusCode",
        request,
        response: HttpClientResponse.fromWeb(request, new Response(null, { status: 401 }))
      })
    ]
  ])("fromHttpClientError finds none in %s", (_, value) => {
    assert.isTrue(Option.isNone(AuthError.fromHttpClientError(value)))
  })

  it.each([
    ["InvalidCredentials", false],
    ["TokenExpired", false],
    ["TokenEndpointUnavailable", true],
    ["MalformedTokenResponse", true]
  ])("isTransient for %s is %s", (tag, expected) => {
    const errors = samples.flatMap(([, error]) => error._tag === tag ? [error] : [])
    assert.isNotEmpty(errors)
    for (const error of errors) assert.strictEqual(AuthError.isTransient(error), expected)
  })

  it.each<[string, AuthError.AuthError, number | undefined]>([
    ["a refusal", new AuthError.InvalidCredentials({ message: "m" }), undefined],
    ["a rejection", new AuthError.TokenExpired({ message: "m", reason: "Rejected" }), undefined],
    [
      "a suspension",
      new AuthError.TokenExpired({ message: "m", reason: "Rejected", retryAfter: Duration.seconds(42) }),
      42_000
    ],
    [
      "an outage",
      new AuthError.TokenEndpointUnavailable({ message: "m", reason: "RateLimited", retryAfter: Duration.seconds(7) }),
      7000
    ],
    [
      "an outage, at once",
      new AuthError.TokenEndpointUnavailable({ message: "m", reason: "RateLimited", retryAfter: Duration.zero }),
      0
    ],
    [
      "an outage of unknown length",
      new AuthError.TokenEndpointUnavailable({ message: "m", reason: "Timeout" }),
      undefined
    ],
    [
      "a malformed answer",
      new AuthError.MalformedTokenResponse({ message: "m", status: 200, retryAfter: Duration.seconds(1) }),
      1000
    ]
  ])("retryAfter of %s", (_, error, expected) => {
    assert.strictEqual(Option.getOrUndefined(Option.map(AuthError.retryAfter(error), Duration.toMillis)), expected)
  })

  it.each<[string, unknown]>([
    ["an unknown tag", { _tag: "Other", message: "m" }],
    ["an unknown reason", { _tag: "TokenExpired", message: "m", reason: "Other" }],
    ["a status that is no integer", { _tag: "MalformedTokenResponse", message: "m", status: 200.5 }],
    ["no message", { _tag: "InvalidCredentials" }]
  ])("the codec refuses %s", (_, json) => {
    assert.throws(() => Schema.decodeUnknownSync(AuthError.AuthError)(json))
  })
})
