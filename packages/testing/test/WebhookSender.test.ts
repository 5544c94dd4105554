import { Webhook, WebhookDeliveries } from "@effect-spotnana/core"
import { WebhookSender } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"

const oldSecret = Redacted.make(`whsec_${Buffer.alloc(24, 1).toString("base64")}`)
const newSecret = Redacted.make(`whsec_${Buffer.alloc(24, 2).toString("base64")}`)

/** A receiver: what it handled, and an `HttpClient` whose every request ends there. */
const receiver = (failures = 0) =>
  Effect.gen(function*() {
    const { once } = yield* WebhookDeliveries.WebhookDeliveries
    const handled: Array<string> = []
    let left = failures
    const handle = (body: Uint8Array) =>
      Effect.suspend(() =>
        left-- > 0 ? Effect.fail("not now") : Effect.sync(() => handled.push(new TextDecoder().decode(body)))
      )
    const client = HttpClient.make((request) =>
      Effect.gen(function*() {
        const body = request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array()
        const delivery = yield* Webhook.verify({ headers: request.headers, body }, { secrets: newSecret })
        yield* once(delivery.id, { handle: handle(delivery.body), duplicate: Effect.void })
        return 204
      }).pipe(
        Effect.catch((error) => Effect.succeed(error instanceof Webhook.InvalidWebhook ? 401 : 503)),
        Effect.map((status) => HttpClientResponse.fromWeb(request, new Response(null, { status })))
      )
    )
    return { client, handled }
  })

const deliver = (
  client: HttpClient.HttpClient,
  options: Partial<Parameters<typeof WebhookSender.deliver>[1]> = {}
) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(
      WebhookSender.deliver("https://app.example/webhooks", { secrets: newSecret, body: { n: 1 }, ...options }).pipe(
        Effect.provideService(HttpClient.HttpClient, client)
      )
    )
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      // In small steps: a signature takes some turns of the event loop, and is not to become late meanwhile.
      yield* TestClock.adjust("10 millis")
    }
    return yield* Fiber.join(fiber)
  })

describe("WebhookSender", () => {
  it.effect("sends a signed delivery", () =>
    Effect.gen(function*() {
      const { client, handled } = yield* receiver()
      expect(yield* deliver(client)).toEqual([204])
      expect(handled).toEqual([`{"n":1}`])
    }).pipe(Effect.provide(WebhookDeliveries.layerMemory())))

  it.effect("sends it again under the same id until it is accepted, and as often as asked after that", () =>
    Effect.gen(function*() {
      const { client, handled } = yield* receiver(2)
      expect(yield* deliver(client, { duplicates: 2 })).toEqual([503, 503, 204, 204, 204])
      expect(handled).toEqual([`{"n":1}`])
    }).pipe(Effect.provide(WebhookDeliveries.layerMemory())))

  it.effect("signs with the old and the new secret during a rotation", () =>
    Effect.gen(function*() {
      const { client } = yield* receiver()
      expect(yield* deliver(client, { secrets: [oldSecret, newSecret] })).toEqual([204])
      expect(yield* deliver(client, { secrets: oldSecret, attempts: 1 })).toEqual([401])
    }).pipe(Effect.provide(WebhookDeliveries.layerMemory())))

  it.effect("sends what has to be refused: late, early, with a changed body, with a wrong signature", () =>
    Effect.gen(function*() {
      const { client, handled } = yield* receiver()
      for (
        const options of [{ age: "6 minutes" }, { ahead: "6 minutes" }, { wrong: "Body" }, {
          wrong: "Signature"
        }] as const
      ) {
        expect(yield* deliver(client, { ...options, attempts: 1 })).toEqual([401])
      }
      expect(handled).toEqual([])
    }).pipe(Effect.provide(WebhookDeliveries.layerMemory())))
})
