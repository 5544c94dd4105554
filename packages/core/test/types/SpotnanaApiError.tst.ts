import { SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { Effect } from "effect"
import type { Duration } from "effect"
import type { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

declare const error: SpotnanaApiError.SpotnanaApiError
declare const plain: HttpClient.HttpClient

const filtered = Effect.gen(function*() {
  const spotnana = SpotnanaApiError.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  return yield* spotnana.get("/v2/companies")
})

describe("SpotnanaApiError", () => {
  test("has what Spotnana's error body has", () => {
    expect(pick(error, "_tag", "status", "code", "debugIdentifier", "retryAfter", "errorMessages")).type.toBe<{
      readonly _tag: "SpotnanaApiError"
      readonly status: number
      readonly code?: string | undefined
      readonly debugIdentifier?: string | undefined
      readonly retryAfter?: Duration.Duration | undefined
      readonly errorMessages: ReadonlyArray<SpotnanaApiError.ErrorMessage>
    }>()
    expect(error.message).type.toBe<string>()
    expect<SpotnanaApiError.ErrorMessage>().type.toBe<{
      readonly errorCode?: string | undefined
      readonly message?: string | undefined
      readonly errorDetail?: string | undefined
      readonly errorParameters?:
        | ReadonlyArray<{ readonly name?: string | undefined; readonly value?: string | undefined }>
        | undefined
    }>()
    expect<typeof SpotnanaApiError.ErrorMessage["Type"]>().type.toBe<SpotnanaApiError.ErrorMessage>()
  })

  test("filtering adds it to the errors of a client, and keeps the others", () => {
    expect(SpotnanaApiError.filterStatusOk).type.toBe<
      <E, R>(
        client: HttpClient.HttpClient.With<E, R>
      ) => HttpClient.HttpClient.With<E | SpotnanaApiError.SpotnanaApiError, R>
    >()
    expect(SpotnanaApiError.filterStatusOk(plain)).type.toBe<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError | SpotnanaApiError.SpotnanaApiError>
    >()
    expect(filtered).type.toBe<
      Effect.Effect<
        HttpClientResponse.HttpClientResponse,
        HttpClientError.HttpClientError | AuthError.AuthError | SpotnanaApiError.SpotnanaApiError,
        SpotnanaHttpClient.SpotnanaHttpClient
      >
    >()
  })

  test("of any answer one can be made, and that cannot fail", () => {
    expect(SpotnanaApiError.fromResponse).type.toBe<
      (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<SpotnanaApiError.SpotnanaApiError>
    >()
  })

  test("without the filter its tag cannot be caught", () => {
    const unfiltered = Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (spotnana) => spotnana.get("/"))
    // @ts-expect-error Argument of type '"SpotnanaApiError"' is not assignable
    void Effect.catchTag(unfiltered, "SpotnanaApiError", () => Effect.void)
    void Effect.catchTag(filtered, "SpotnanaApiError", ({ code }) => Effect.succeed(code))
  })

  test("cannot be changed", () => {
    // @ts-expect-error Cannot assign to 'status' because it is a read-only property.
    error.status = 200
    // @ts-expect-error Property 'push' does not exist on type 'readonly
    error.errorMessages.push({})
  })
})
