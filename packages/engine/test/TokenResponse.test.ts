import { type TokenFailure, TokenResponse } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const address = "https://api.spotnana.com/v2/auth/oauth2-token"
const token = { access_token: "t0ken", token_type: "Bearer", expires_in: 3600 }

const bytes = (body: unknown): Uint8Array =>
  new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body))

const answer = (
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
): TokenResponse.Answer => ({
  status,
  headers,
  body: body === "TooLarge" ? body : body instanceof Uint8Array ? body : bytes(body),
  maxBodySize: 65_536,
  address,
  clientId: "client",
  secrets: ["s3cret"],
  defaultLifetime: 3_600_000,
  now: Date.UTC(2030, 0, 1)
})

const failure = (status: number, body: unknown, headers?: Record<string, string>): TokenFailure.TokenFailure => {
  const response = TokenResponse.interpret(answer(status, body, headers))
  return response._tag === "Token" ? assert.fail("a token") : response
}

/** Tag and reason in one word. */
const meaning = (status: number, body: unknown, headers?: Record<string, string>): string => {
  const response = TokenResponse.interpret(answer(status, body, headers))
  return response._tag === "TokenEndpointUnavailable" ? response.reason : response._tag
}

const json: Record<string, unknown> = {
  "RFC 6749": { error: "invalid_client", error_description: "no such client" },
  "RFC 6749 with an unknown code": { error: "something_new" },
  "Spotnana's": { debugIdentifier: "debug", errorMessages: [{ errorCode: "USER_NOT_AUTHENTICATED", message: "why" }] },
  "a message alone": { message: "Forbidden" },
  "an empty object": {}
}

const pages: Record<string, unknown> = {
  HTML: "<!doctype html><title>403 Forbidden</title>",
  text: "RBAC: access denied",
  "white space": " \r\n",
  "JSON that breaks off": `{"error":"invalid_client"`,
  "a JSON array": [{ error: "invalid_client" }],
  "a JSON string": `"invalid_client"`,
  "JSON null": "null",
  "a JSON object that is not UTF-8": Uint8Array.from(`{"error":"\xc3("}`, (char) => char.charCodeAt(0)),
  "too many bytes": "TooLarge"
}

describe("TokenResponse", () => {
  it("a token has its value, its lifetime and its scope", () => {
    assert.deepStrictEqual(TokenResponse.interpret(answer(200, { ...token, scope: "read", unknown: 1 })), {
      _tag: "Token",
      value: "t0ken",
      lifetime: 3_600_000,
      scope: "read"
    })
  })

  for (const status of [400, 401, 403]) {
    it.each(Object.entries(json))(`invariant 6: ${status} with a JSON object is a refusal: %s`, (_, body) => {
      assert.strictEqual(meaning(status, body), "InvalidCredentials")
    })

    it.each(Object.entries(pages))(
      `invariant 12: ${status} with a body that is not a JSON object is no refusal: %s`,
      (_, body) => {
        for (const headers of [{}, { "www-authenticate": "Basic" }]) {
          assert.strictEqual(meaning(status, body, headers), "Intermediary")
        }
      }
    )
  }

  it.each<[number, Record<string, string>, string]>([
    [401, {}, "InvalidCredentials"],
    [401, { "www-authenticate": "Basic realm=\"x\"" }, "InvalidCredentials"],
    [400, { "www-authenticate": "Basic" }, "InvalidCredentials"],
    [403, { "www-authenticate": "Basic" }, "InvalidCredentials"],
    [400, {}, "Intermediary"],
    [403, {}, "Intermediary"]
  ])("invariant 12: an empty %d with the headers %j is %s", (status, headers, expected) => {
    assert.strictEqual(meaning(status, "", headers), expected)
  })

  it.each<[number, unknown, string]>([
    [429, "<html>", "RateLimited"],
    [429, json["RFC 6749"], "RateLimited"],
    [403, { errorCode: "TOO_MANY_REQUESTS" }, "RateLimited"],
    [500, json["RFC 6749"], "ServerError"],
    [503, "", "ServerError"],
    [408, "", "ServerError"],
    [425, "", "ServerError"],
    [400, { error: "temporarily_unavailable" }, "ServerError"],
    [400, { error: "server_error" }, "ServerError"],
    [400, { error: "authorization_pending" }, "ServerError"],
    [400, { error: "slow_down" }, "RateLimited"],
    [401, { error: "too_many_requests" }, "RateLimited"],
    [403, { error: "rate_limit_exceeded" }, "RateLimited"],
    [200, { ...token, error: "INVALID_CLIENT" }, "InvalidCredentials"],
    [200, { ...token, error: "invalid_grant" }, "InvalidCredentials"],
    [404, { error: "invalid_client" }, "InvalidCredentials"],
    [404, "<html>", "MalformedTokenResponse"],
    [407, "<html>", "MalformedTokenResponse"],
    [302, "", "MalformedTokenResponse"],
    [200, "<html>", "MalformedTokenResponse"],
    [200, "TooLarge", "MalformedTokenResponse"],
    [200, "", "MalformedTokenResponse"],
    [200, {}, "MalformedTokenResponse"]
  ])("invariant 12: %d with %j is %s", (status, body, expected) => {
    assert.strictEqual(meaning(status, body), expected)
  })

  it("invariant 5: Retry-After counts for each failure that passes by itself, and only for those", () => {
    const retryAfter = (status: number, body: unknown) => {
      const failed = failure(status, body, { "retry-after": "30" })
      return "retryAfter" in failed ? failed.retryAfter : undefined
    }
    for (const status of [200, 302, 400, 401, 403, 404, 408, 429, 500, 503]) {
      assert.strictEqual(retryAfter(status, "<html>"), 30_000, String(status))
    }
    assert.strictEqual(retryAfter(200, { ...token, token_type: "MAC" }), 30_000)
    assert.isUndefined(retryAfter(401, json["RFC 6749"]))
  })

  it("invariant 5: when a quota is whole again counts where that is why there is no token", () => {
    const retryAfter = (status: number, body: unknown) => {
      const failed = failure(status, body, { "x-ratelimit-reset": "30" })
      return "retryAfter" in failed ? failed.retryAfter : undefined
    }
    assert.strictEqual(retryAfter(429, ""), 30_000)
    assert.strictEqual(retryAfter(400, { error: "slow_down" }), 30_000)
    assert.isUndefined(retryAfter(500, ""))
    assert.isUndefined(retryAfter(404, ""))
  })

  it("invariant 12: a body that is compressed although that was not asked for is called so, where it cannot be read", () => {
    const gzip = { "content-encoding": "gzip" }
    const message = (status: number, body: unknown, headers = gzip) => failure(status, body, headers).message
    assert.include(
      message(200, "\x1f\x8b"),
      "is not a JSON object (compressed with gzip, which was not asked for). Check"
    )
    assert.include(
      message(403, "\x1f\x8b"),
      "is not a JSON object (compressed with gzip, which was not asked for): probably"
    )
    assert.include(message(200, "<html>", { "content-encoding": "s3cret\nx" }), "(compressed with <redacted>, which")
    assert.notInclude(message(200, "<html>", { "content-encoding": "identity" }), "compressed")
    // A platform that decompresses leaves the header where it is.
    assert.strictEqual(TokenResponse.interpret(answer(200, token, gzip))._tag, "Token")
  })

  it.each<[string, number, unknown, string]>([
    [
      "a refusal",
      401,
      json["RFC 6749"],
      `${address} answered 401 to client client (invalid_client: no such client). ` +
      "Check the client id, the secret, and that both belong to this address."
    ],
    [
      "a page",
      403,
      "<html>",
      `${address} answered 403 with a body that is not a JSON object: probably a proxy or a firewall answered, not the ` +
      "token endpoint. Check that it lets the request through, and if it does, the client id and the secret."
    ],
    [
      "no body",
      403,
      "",
      `${address} answered 403 without a body: probably a proxy or a firewall answered, not the ` +
      "token endpoint. Check that it lets the request through, and if it does, the client id and the secret."
    ],
    [
      "a large page",
      400,
      "TooLarge",
      `${address} answered 400 with more than 65536 bytes: probably a proxy or a firewall ` +
      "answered, not the token endpoint. Check that it lets the request through, and if it does, the client id and the " +
      "secret."
    ],
    ["a rate limit", 429, { message: "slow down" }, `${address} answered 429 (slow down). Try again later.`],
    [
      "a wrong address",
      404,
      "<h1>",
      `${address} answered 404. Check the token URL, and that no proxy answers in its place.`
    ],
    [
      "a redirect",
      302,
      "",
      `${address} answered 302, a redirect, which is never followed with a client secret. ` +
      "Check the token URL, and that no proxy answers in its place."
    ],
    [
      "no token",
      200,
      {},
      `${address} answered 200, but it has no access_token. Check the token URL, and that no proxy answers in its place.`
    ],
    [
      "a secret",
      401,
      { message: "bad s3cret" },
      `${address} answered 401 to client client (<redacted>). ` +
      "Check the client id, the secret, and that both belong to this address."
    ]
  ])("invariant 12: a failure says what happened and what to do: %s", (_, status, body, message) => {
    assert.strictEqual(failure(status, body).message, message)
  })

  it.each<[Record<string, unknown>, string]>([
    [{}, "it has no access_token"],
    [{ access_token: "" }, "it has no access_token"],
    [{ access_token: 5 }, "it has no access_token"],
    [{ access_token: "a b" }, "its access_token has a character that cannot stand in a header"],
    [{ access_token: "a\n" }, "its access_token has a character that cannot stand in a header"],
    [{ access_token: "é" }, "its access_token has a character that cannot stand in a header"],
    [{ access_token: "t", token_type: "MAC" }, "its token_type is not Bearer"],
    [{ access_token: "t", token_type: 5 }, "its token_type is not Bearer"]
  ])("invariant 12: a token response %j is no token: %s", (json, problem) => {
    assert.strictEqual(TokenResponse.parseToken(json, 1000), problem)
  })

  it.each<[unknown, number | string]>([
    [undefined, 1_000_000],
    [null, 1_000_000],
    [3600, 3_600_000],
    [3600.5, 3_600_500],
    [3600.0005, 3_600_000],
    ["3600", 3_600_000],
    ["  60 ", 60_000],
    [1, 1000],
    [86_401, 86_400_000],
    [Infinity, 86_400_000],
    [0.999, "its expires_in is below one second"],
    [0, "its expires_in is below one second"],
    [-5, "its expires_in is below one second"],
    [NaN, "its expires_in is not a number"],
    ["soon", "its expires_in is not a number"],
    ["", "its expires_in is not a number"],
    [true, "its expires_in is not a number"],
    [{}, "its expires_in is not a number"]
  ])("invariant 12: the lifetime by expires_in %j is %s", (expires_in, expected) => {
    const parsed = TokenResponse.parseToken({ access_token: "t", expires_in }, 1_000_000)
    assert.strictEqual(typeof parsed === "string" ? parsed : parsed.lifetime, expected)
  })

  it.each<[string, number, unknown, string]>([
    ["is translated", 200, { result: { token: "t0ken" }, ttl: 0 }, "Token"],
    ["keeps the fields that are not named", 401, { error: "invalid_client", result: {} }, "InvalidCredentials"],
    ["of an error is taken as it is where the translation throws", 401, { error: "x" }, "InvalidCredentials"],
    ["without a token stays without", 200, { error: "unknown" }, "MalformedTokenResponse"],
    ["that is a page is not translated", 403, "<html>", "Intermediary"]
  ])("invariant 12: an answer of a server that has other names %s", (_, status, body, expected) => {
    const response = TokenResponse.interpret({
      ...answer(status, body),
      translate: ({ result, ttl }) => ({
        access_token: (result as { readonly token: string }).token,
        expires_in: ttl === 0 ? undefined : ttl
      })
    })
    assert.strictEqual(response._tag === "TokenEndpointUnavailable" ? response.reason : response._tag, expected)
    if (response._tag === "Token") assert.deepInclude(response, { value: "t0ken", lifetime: 3_600_000 })
  })

  it.prop("invariant 12: an answer of any status, headers and bytes has a meaning, and no secret in it", {
    status: Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 999 })),
    headers: Schema.Record(Schema.Literals(["retry-after", "www-authenticate", "x"]), Schema.String),
    body: Schema.Union([
      Schema.Uint8Array,
      Schema.Literals(["TooLarge"]),
      Schema.Record(
        Schema.Literals(["access_token", "expires_in", "error", "message", "errorMessages", "debugIdentifier"]),
        Schema.Union([Schema.Json, Schema.Literals(["t0ken", "s3cret", "invalid_client"])])
      )
    ])
  }, ({ body, headers, status }) => {
    const response = TokenResponse.interpret(answer(status, body, headers))
    if (response._tag === "Token") {
      assert.isTrue(status >= 200 && status < 300)
      assert.isTrue(response.lifetime >= 1000 && response.lifetime <= TokenResponse.maximumLifetime)
      assert.match(response.value, /^[!-~]+$/)
    } else {
      assert.notInclude(JSON.stringify(response), "s3cret")
      assert.include(response.message, `${address} answered ${status}`)
    }
  })
})
