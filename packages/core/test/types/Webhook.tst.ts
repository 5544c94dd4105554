// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { Webhook, WebhookDeliveries } from "@effect-spotnana/core"
import { Effect, Schema } from "effect"
import type { Config, Layer, Redacted } from "effect"
import type { Redis } from "effect/persistence"
import { describe, expect, test } from "tstyche"

declare const secret: Redacted.Redacted
declare const redis: Layer.Layer<Redis.Redis, Error, "Needed">
declare const delivery: { readonly headers: Headers; readonly body: Uint8Array }

describe("Webhook", () => {
  test("a delivery is verified with one secret or several, and can be refused only", () => {
    expect(Webhook.verify(delivery, { secrets: secret })).type.toBe<
      Effect.Effect<Webhook.Delivery["Service"], Webhook.InvalidWebhook>
    >()
    expect(Webhook.verify).type.toBeCallableWith(delivery, { secrets: [secret], tolerance: "1 minute" })
    expect<Webhook.Options>().type.toBeAssignableFrom<{ readonly secrets: Redacted.Redacted }>()
  })

  test("a secret that is not Redacted, and a body that was parsed, do not compile", () => {
    expect(Webhook.verify).type.not.toBeCallableWith(delivery, { secrets: "whsec_" })
    expect(Webhook.verify).type.not.toBeCallableWith({ ...delivery, body: { type: "trip.booked" } }, {
      secrets: secret
    })
  })

  test("the body of the verified delivery is decoded where there is one", () => {
    expect(Webhook.decodeBody(Schema.Struct({ type: Schema.String }))).type.toBe<
      Effect.Effect<{ readonly type: string }, Schema.SchemaError, Webhook.Delivery>
    >()
  })

  test("the secrets come from configuration", () => {
    expect(Webhook.secrets).type.toBe<Config.Config<ReadonlyArray<Redacted.Redacted>>>()
  })

  test("the bytes of a verified delivery are a body of a Request", () => {
    expect<Webhook.Delivery["Service"]["body"]>().type.toBe<Uint8Array<ArrayBuffer>>()
    expect<Webhook.Delivery["Service"]["body"]>().type.toBeAssignableTo<NonNullable<RequestInit["body"]>>()
  })

  test("the middleware provides the delivery, to a router and to an API", () => {
    expect<Webhook.ServerOptions>().type.toBeAssignableTo<Webhook.Options>()
    expect(Webhook.middleware).type.toBeCallableWith({ secrets: secret, maxBodySize: 1_000 })
    expect(Webhook.layerSigned({ secrets: secret })).type.toBe<Layer.Layer<Webhook.Signed>>()
  })
})

describe("WebhookDeliveries", () => {
  test("a handler keeps its types, and may not be run at present", () => {
    const once = WebhookDeliveries.WebhookDeliveries.use((deliveries) =>
      deliveries.once("msg_1", { handle: Effect.succeed(1), duplicate: Effect.fail("duplicate" as const) })
    )
    expect(once).type.toBe<
      Effect.Effect<number, "duplicate" | WebhookDeliveries.DeliveryUnavailable, WebhookDeliveries.WebhookDeliveries>
    >()
  })

  test("they are in memory, or on Redis", () => {
    expect(WebhookDeliveries.layerMemory()).type.toBe<Layer.Layer<WebhookDeliveries.WebhookDeliveries>>()
    expect(WebhookDeliveries.layerRedis({ prefix: "webhook:" })).type.toBe<
      Layer.Layer<WebhookDeliveries.WebhookDeliveries, never, Redis.Redis>
    >()
    expect(WebhookDeliveries.layerRedisWith(redis, { prefix: "webhook:" })).type.toBe<
      Layer.Layer<WebhookDeliveries.WebhookDeliveries, Config.ConfigError, "Needed">
    >()
    expect<WebhookDeliveries.RedisOptions>().type.toBeAssignableTo<WebhookDeliveries.Options>()
    expect(WebhookDeliveries.layerMemory).type.toBeCallableWith({ timeToLive: "1 day", handlerTimeout: "1 minute" })
    expect(WebhookDeliveries.layerMemory).type.not.toBeCallableWith({ ttl: "1 day" } as const)
    expect<WebhookDeliveries.Options>().type.toBeAssignableFrom<{}>()
  })
})
