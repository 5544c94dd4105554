import { WebhookSender } from "@effect-spotnana/testing"
import type { Effect, Redacted } from "effect"
import type { HttpClient, HttpClientError } from "effect/http"
import { describe, expect, test } from "tstyche"

declare const options: WebhookSender.Options

describe("WebhookSender", () => {
  test("a delivery is signed with one secret or several, and needs nothing", () => {
    expect(WebhookSender.sign(options)).type.toBe<Effect.Effect<WebhookSender.SignedDelivery>>()
    expect<WebhookSender.Options>().type.toBeAssignableFrom<
      { readonly secrets: ReadonlyArray<Redacted.Redacted>; readonly body: { readonly type: string } }
    >()
    expect(WebhookSender.sign).type.not.toBeCallableWith({ secrets: "whsec_", body: {} })
  })

  test("the bytes of a signed delivery are a body of a Request", () => {
    expect<WebhookSender.SignedDelivery["body"]>().type.toBe<Uint8Array<ArrayBuffer>>()
    expect<WebhookSender.SignedDelivery["body"]>().type.toBeAssignableTo<NonNullable<RequestInit["body"]>>()
  })

  test("what sends it is an HttpClient", () => {
    expect(WebhookSender.deliver("http://127.0.0.1", { ...options, attempts: 1, duplicates: 1 })).type.toBe<
      Effect.Effect<ReadonlyArray<number>, HttpClientError.HttpClientError, HttpClient.HttpClient>
    >()
  })
})
