import { Webhook } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import {
  Arbitrary,
  Cause,
  ConfigProvider,
  DateTime,
  Effect,
  Exit,
  Layer,
  Logger,
  Metric,
  Redacted,
  References,
  Schema
} from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { Webhook as StandardWebhook } from "standardwebhooks"

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`
const otherSecret = `whsec_${Buffer.alloc(24, 8).toString("base64")}`
const secrets = [Redacted.make(secret)]
const at = 1_800_000_000_000

interface Signed {
  readonly headers: Record<string, string>
  readonly body: Uint8Array
}

/** A delivery, signed by the package of the people who wrote the convention. */
const sign = (
  body: string | Uint8Array,
  { id = "msg_1", key = secret, signedAt = at }: { id?: string; key?: string; signedAt?: number } = {}
): Signed => {
  const bytes = Buffer.from(body as string)
  return {
    headers: {
      "x-spotnana-webhook-id": id,
      "x-spotnana-webhook-timestamp": `${Math.floor(signedAt / 1_000)}`,
      "x-spotnana-webhook-signature": new StandardWebhook(key).sign(id, new Date(signedAt), bytes)
    },
    body: new Uint8Array(bytes)
  }
}

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const oddHeaders = ["", "v1,", "v1,====", "v1,AAAA v1,BBBB", " ".repeat(10_000), `${at / 1_000}`]

const anyHeader = Arbitrary.map(
  Arbitrary.all([Arbitrary.schema(Schema.String), Arbitrary.schema(integer(0, 2 * oddHeaders.length))]),
  ([text, index]) => oddHeaders[index] ?? text
)

const verifyAt = (now: number, delivery: Signed, options: Partial<Webhook.Options> = {}) =>
  Effect.andThen(TestClock.setTime(now), Webhook.verify(delivery, { secrets, ...options }))

const problemOf = <A>(effect: Effect.Effect<A, Webhook.InvalidWebhook>) =>
  Effect.map(Effect.flip(effect), ({ problem }) => problem)

const withHeaders = (delivery: Signed, headers: Record<string, string>): Signed => ({
  ...delivery,
  headers: { ...delivery.headers, ...headers }
})

describe("verify", () => {
  it.effect("accepts what the package of Standard Webhooks signed, and gives the signed bytes", () =>
    Effect.gen(function*() {
      const delivery = sign(`{"type":"trip.booked","name":"Zoë"}`)
      const { body, id, timestamp } = yield* verifyAt(at + 1_000, delivery)
      expect(id).toBe("msg_1")
      expect(DateTime.toEpochMillis(timestamp)).toBe(at)
      expect(new TextDecoder().decode(body)).toBe(`{"type":"trip.booked","name":"Zoë"}`)
    }))

  it.effect.prop(
    "accepts every signed body and id, and refuses them with any one byte changed",
    { text: Schema.NonEmptyString, id: Schema.NonEmptyString, position: integer(0, 1_000), change: integer(1, 255) },
    ({ change, id: name, position, text }) =>
      Effect.gen(function*() {
        const id = Buffer.from(name).toString("hex")
        const delivery = sign(text, { id })
        expect((yield* verifyAt(at, delivery)).id).toBe(id)
        const body = Uint8Array.from(delivery.body)
        body[position % body.length]! ^= change
        expect(yield* problemOf(verifyAt(at, { ...delivery, body }))).toBe("NoMatchingSignature")
        expect(yield* problemOf(verifyAt(at, withHeaders(delivery, { "x-spotnana-webhook-id": `${id}x` })))).toBe(
          "NoMatchingSignature"
        )
      })
  )

  it.effect("verifies bytes that are no text", () =>
    Effect.gen(function*() {
      const body = new Uint8Array([0xff, 0x00, 0xfe, 0x80])
      const key = yield* Effect.promise(() =>
        crypto.subtle.importKey("raw", Buffer.alloc(24, 7), { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
      )
      const signed = Buffer.concat([Buffer.from(`msg_1.${at / 1_000}.`), body])
      const signature = yield* Effect.promise(() => crypto.subtle.sign("HMAC", key, signed))
      const headers = { ...sign("").headers, "x-spotnana-webhook-signature": Buffer.from(signature).toString("base64") }
      expect((yield* verifyAt(at, { headers, body })).body).toEqual(body)
    }))

  it.effect("gives the bytes of a body in shared memory as bytes that a Response accepts", () =>
    Effect.gen(function*() {
      const { body, headers } = sign("{}")
      const shared = new Uint8Array(new SharedArrayBuffer(body.length))
      shared.set(body)
      const delivery = yield* verifyAt(at, { headers, body: shared })
      expect(yield* Effect.promise(() => new Response(delivery.body).text())).toBe("{}")
    }))

  it.effect("finds header names in any case, and reads the headers of a Request", () =>
    Effect.gen(function*() {
      const delivery = sign("{}")
      const upper = Object.fromEntries(
        Object.entries(delivery.headers).map(([name, value]) => [name.toUpperCase(), value])
      )
      yield* verifyAt(at, { ...delivery, headers: upper })
      yield* TestClock.setTime(at)
      yield* Webhook.verify({ headers: new Headers(delivery.headers), body: delivery.body }, { secrets })
    }))

  it.effect("names the header that is missing", () =>
    Effect.forEach(["id", "timestamp", "signature"], (name) =>
      Effect.gen(function*() {
        const header = `x-spotnana-webhook-${name}`
        const { [header]: _, ...headers } = sign("{}").headers
        for (const given of [headers, { ...headers, [header]: "" }]) {
          const error = yield* Effect.flip(verifyAt(at, { headers: given, body: new Uint8Array() }))
          expect(error.problem).toBe("MissingHeader")
          expect(error.message).toContain(header)
        }
      })))

  it.effect("refuses a timestamp that is no number of Unix seconds", () =>
    Effect.forEach(
      ["soon", "-1", "1.5", "1e9", "0x10", " 1800000000", "1800000000000000", "２"],
      (timestamp) =>
        Effect.gen(function*() {
          const delivery = withHeaders(sign("{}"), { "x-spotnana-webhook-timestamp": timestamp })
          expect(yield* problemOf(verifyAt(at, delivery))).toBe("InvalidTimestamp")
        })
    ))

  it.effect("tolerates five minutes in either direction, or as many as it is told, and not a millisecond more", () =>
    Effect.gen(function*() {
      const delivery = sign("{}")
      for (const [tolerance, millis] of [[undefined, 300_000], ["1 second", 1_000]] as const) {
        yield* verifyAt(at + millis, delivery, { tolerance })
        yield* verifyAt(at - millis, delivery, { tolerance })
        expect(yield* problemOf(verifyAt(at + millis + 1, delivery, { tolerance }))).toBe("TimestampTooOld")
        expect(yield* problemOf(verifyAt(at - millis - 1, delivery, { tolerance }))).toBe("TimestampInFuture")
      }
    }))

  it.effect("says which clock to look at for a time out of tolerance, in either direction", () =>
    Effect.gen(function*() {
      const messageAt = (now: number) => Effect.map(Effect.flip(verifyAt(now, sign("{}"))), ({ message }) => message)
      expect(yield* messageAt(at + 300_001)).toBe(
        "The delivery was signed more than 5m ago. If it is a new one, this machine's clock is ahead: compare the clocks."
      )
      expect(yield* messageAt(at - 300_001)).toBe(
        "The delivery was signed more than 5m from now. This machine's clock may be behind: compare the clocks."
      )
    }))

  it.effect("accepts a delivery if any signature is of any secret, as during a rotation on either side", () =>
    Effect.gen(function*() {
      const ours = sign("{}")
      const theirs = sign("{}", { key: otherSecret }).headers["x-spotnana-webhook-signature"]!
      const both = withHeaders(ours, {
        "x-spotnana-webhook-signature": `${theirs} ${ours.headers["x-spotnana-webhook-signature"]}`
      })
      yield* verifyAt(at, both)
      yield* verifyAt(at, ours, { secrets: [Redacted.make(otherSecret), Redacted.make(secret)] })
      expect(yield* problemOf(verifyAt(at, ours, { secrets: Redacted.make(otherSecret) }))).toBe("NoMatchingSignature")
    }))

  it.effect("reads signatures that came in several headers, which HTTP puts together with commas", () =>
    Effect.gen(function*() {
      const { body, headers } = sign("{}")
      const signature = headers["x-spotnana-webhook-signature"]!
      for (const signatures of [[signature, "v1,AAAA"], ["v1,AAAA", signature], [signature.slice(3), "AAAA"]]) {
        const delivery = { body, headers: { ...headers, "x-spotnana-webhook-signature": signatures } }
        yield* TestClock.setTime(at)
        expect((yield* Webhook.verify(delivery, { secrets })).id).toBe("msg_1")
      }
    }))

  it.effect("reads a signature without the version, and no signature of another version", () =>
    Effect.gen(function*() {
      const delivery = sign("{}")
      const signature = delivery.headers["x-spotnana-webhook-signature"]!.slice("v1,".length)
      yield* verifyAt(at, withHeaders(delivery, { "x-spotnana-webhook-signature": signature }))
      const other = withHeaders(delivery, { "x-spotnana-webhook-signature": `v1a,${signature}` })
      expect(yield* problemOf(verifyAt(at, other))).toBe("NoMatchingSignature")
    }))

  it.effect("reads a secret with and without its prefix", () =>
    Effect.gen(function*() {
      yield* verifyAt(at, sign("{}"), { secrets: Redacted.make(secret.slice("whsec_".length)) })
    }))

  it.effect.prop(
    "ends with a delivery or an InvalidWebhook, whatever comes",
    {
      headers: Arbitrary.all({
        "x-spotnana-webhook-id": anyHeader,
        "x-spotnana-webhook-timestamp": anyHeader,
        "x-spotnana-webhook-signature": anyHeader
      }),
      body: Schema.Uint8Array
    },
    ({ body, headers }) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(verifyAt(at, { headers, body }))
        if (Exit.isFailure(exit)) expect(Cause.hasDies(exit.cause)).toBe(false)
      })
  )

  it.effect("says nothing of body, signature or secret in the error, however it is printed", () =>
    Effect.gen(function*() {
      const delivery = sign("s3cr3t-body")
      const error = yield* Effect.flip(verifyAt(at, delivery, { secrets: Redacted.make(otherSecret) }))
      const printed = inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error) + String(error)
      for (
        const text of ["s3cr3t-body", otherSecret.slice(6), delivery.headers["x-spotnana-webhook-signature"]!.slice(3)]
      ) {
        expect(printed).not.toContain(text)
      }
    }))

  // In Express `request.body` has the type `any`.
  it.effect.each([["an object", {}], ["no body", undefined], ["a text", "{}"], ["an ArrayBuffer", new ArrayBuffer(2)]])(
    "says what a body is to be where it is %s",
    ([, body]) =>
      Effect.gen(function*() {
        const { headers } = sign("{}")
        const exit = yield* Effect.exit(verifyAt(at, { headers, body: body as Uint8Array }))
        expect(String(exit)).toContain("TypeError: Webhook.verify: the body is not a Uint8Array")
      })
  )

  it.each<unknown>([undefined, secret, [secret], Redacted.make(undefined), new Set(secrets)])(
    "throws for a secret that is none, of whatever type: %s",
    (wrong) => {
      expect(() => Webhook.middleware({ secrets: wrong as Redacted.Redacted })).toThrow(
        "Webhook.secrets: a webhook secret is \"whsec_\" and Base64, as Spotnana shows it, and this one is not"
      )
    }
  )

  it("throws for options that cannot be used, and does not repeat a secret", () => {
    const made = (options: Partial<Webhook.Options>) => () =>
      Effect.runSync(Webhook.verify(sign("{}"), { secrets, ...options }))
    expect(made({ secrets: [] })).toThrow("Webhook.secrets is empty")
    expect(made({ secrets: [Redacted.make(secret), Redacted.make("whsec_!n0t-base64")] })).toThrow(
      "number 2 of 2 is not"
    )
    expect(made({ secrets: Redacted.make("whsec_") })).toThrow("this one is not")
    expect(made({ tolerance: 0 })).toThrow("Webhook.tolerance is 0; expected a finite duration of at least 1 ms")
    expect(made({ tolerance: Infinity })).toThrow("expected a finite duration")
    const exit = Effect.runSyncExit(Webhook.verify(sign("{}"), { secrets: Redacted.make("whsec_!n0t-base64") }))
    expect(inspect(exit, { depth: Infinity })).toContain("Webhook.secrets")
    expect(inspect(exit, { depth: Infinity })).not.toContain("n0t-base64")
  })
})

describe("SPOTNANA_WEBHOOK_SECRETS", () => {
  const read = (value?: string) =>
    Effect.exit(Effect.provideService(
      Webhook.secrets,
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown(value === undefined ? {} : { SPOTNANA_WEBHOOK_SECRETS: value })
    ))

  it.effect("holds one secret, or several", () =>
    Effect.gen(function*() {
      for (const [value, count] of [[secret, 1], [`${secret}, ${otherSecret},`, 2]] as const) {
        const exit = yield* read(value)
        expect(Exit.isSuccess(exit) && exit.value.length).toBe(count)
      }
    }))

  it.effect("fails with what was expected, and without the value", () =>
    Effect.gen(function*() {
      for (
        const [value, message] of [
          [undefined, "SPOTNANA_WEBHOOK_SECRETS is not set"],
          ["", "SPOTNANA_WEBHOOK_SECRETS is not set"],
          [`${secret},n0t!`, "number 2 of 2 is not"]
        ] as const
      ) {
        const exit = yield* read(value)
        const printed = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "success"
        expect(printed).toContain(message)
        expect(printed).not.toContain("n0t!")
      }
    }))
})

const Event = Schema.Struct({ type: Schema.String, at: Schema.DateTimeUtcFromString })

/** Sends deliveries to a web handler, each at the time of its signature. */
const onHandler = (layer: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  Effect.gen(function*() {
    const { handler } = yield* Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(layer.pipe(Layer.provide(HttpServer.layerServices)), { disableLogger: true })
      ),
      ({ dispose }) => Effect.promise(dispose)
    )
    return ({ body, headers }: Signed) =>
      Effect.promise(async () => {
        const response = await handler(
          new Request("http://localhost/webhooks", {
            method: "POST",
            headers: { ...headers, "content-type": "application/json" },
            body: body as BodyInit
          })
        )
        return { status: response.status, text: await response.text() }
      })
  })

const now = () => ({ signedAt: Date.now() })
const event = `{"type":"trip.booked","at":"2026-01-02T03:04:05Z"}`

describe("decodeBody", () => {
  it.effect("takes UTF-8 only, as JSON is, and a byte order mark before it", () =>
    Effect.gen(function*() {
      const decode = (...parts: ReadonlyArray<Uint8Array>) =>
        Effect.provideService(Webhook.decodeBody(Schema.Struct({ name: Schema.String })), Webhook.Delivery, {
          id: "msg_1",
          timestamp: DateTime.makeUnsafe(at),
          body: Buffer.concat(parts)
        })
      const text = (text: string) => Buffer.from(text)
      expect(yield* decode(text(`\ufeff{"name":"Zoë"}`))).toEqual({ name: "Zoë" })
      const error = yield* Effect.flip(decode(text(`{"name":"Zo`), Buffer.from([0xeb]), text(`"}`)))
      expect(error._tag).toBe("SchemaError")
    }))
})

describe("in an HttpRouter", () => {
  const route = HttpRouter.add(
    "POST",
    "/webhooks",
    Effect.gen(function*() {
      const { type } = yield* Webhook.decodeBody(Event)
      const { id } = yield* Webhook.Delivery
      return HttpServerResponse.text(`${id} ${type}`)
    }).pipe(Effect.catchTag("SchemaError", () => Effect.succeed(HttpServerResponse.empty({ status: 400 }))))
  ).pipe(Layer.provide(Webhook.middleware({ secrets, maxBodySize: 1_000 }).layer))

  it.live("the handler gets a verified delivery, and no other", () =>
    Effect.gen(function*() {
      const send = yield* onHandler(route)
      expect(yield* send(sign(event, now()))).toEqual({ status: 200, text: "msg_1 trip.booked" })
      const forged = yield* send(sign(event, { ...now(), key: otherSecret }))
      expect(forged.status).toBe(401)
      expect(JSON.parse(forged.text).problem).toBe("NoMatchingSignature")
      expect((yield* send(sign(`{"type":1}`, now()))).status).toBe(400)
    }))

  it.live("a body that is too large is answered with 413", () =>
    Effect.gen(function*() {
      const send = yield* onHandler(route)
      expect((yield* send(sign("x".repeat(1_001), now()))).status).toBe(413)
    }))
})

describe("in an HttpApi", () => {
  const Api = HttpApi.make("Webhooks").add(
    HttpApiGroup.make("spotnana").add(
      HttpApiEndpoint.post("event", "/webhooks", {
        payload: Event,
        success: Schema.String.pipe(HttpApiSchema.asText())
      })
        .middleware(Webhook.Signed)
    )
  )
  const api = HttpApiBuilder.layer(Api).pipe(
    Layer.provide(
      HttpApiBuilder.group(
        Api,
        "spotnana",
        (handlers) =>
          handlers.handle("event", ({ payload }) => Effect.map(Webhook.Delivery, ({ id }) => `${id} ${payload.type}`))
      )
    ),
    Layer.provide(Webhook.layerSigned({ secrets, maxBodySize: 1_000 }))
  )

  it.live("the handler gets a verified and decoded delivery, and no other", () =>
    Effect.gen(function*() {
      const send = yield* onHandler(api as Layer.Layer<never, never, HttpRouter.HttpRouter>)
      const answer = yield* send(sign(event, now()))
      expect(answer.text).toContain("msg_1 trip.booked")
      expect(answer.status).toBe(200)
      const forged = yield* send(sign(event, { ...now(), key: otherSecret }))
      expect(forged.status).toBe(401)
      expect(JSON.parse(forged.text)).toMatchObject({ _tag: "InvalidWebhook", problem: "NoMatchingSignature" })
      expect((yield* send(sign("x".repeat(1_001), now()))).status).toBe(413)
    }))
})

describe("what is reported of deliveries", () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push(`${logLevel} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))} ${String(message)}`)
  })
  const ok = Effect.succeed(HttpServerResponse.empty())
  const router = HttpRouter.add("POST", "/webhooks", ok).pipe(
    Layer.provide(Webhook.middleware({ secrets, maxBodySize: 1_000 }).layer)
  )
  const Api = HttpApi.make("Webhooks").add(
    HttpApiGroup.make("spotnana").add(HttpApiEndpoint.post("event", "/webhooks").middleware(Webhook.Signed))
  )
  const api = HttpApiBuilder.layer(Api).pipe(
    Layer.provide(HttpApiBuilder.group(Api, "spotnana", (handlers) => handlers.handle("event", () => Effect.void))),
    Layer.provide(Webhook.layerSigned({ secrets, maxBodySize: 1_000 })),
    Layer.provide(HttpServer.layerServices)
  )

  /** Sends deliveries in-process, at the time of the test's clock. */
  const sending = (layer: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
    Effect.map(HttpRouter.toHttpEffect(layer), (server) => ({ body, headers }: Signed) => {
      const request = new Request("http://localhost/webhooks", { method: "POST", headers, body: body as BodyInit })
      return server.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request)),
        Effect.map(({ status }) => status)
      )
    })

  const outcomes = Effect.map(
    Metric.snapshot,
    (snapshots) =>
      Object.fromEntries(
        snapshots.flatMap(({ attributes, id, state }) =>
          id === "spotnana_webhook_deliveries_total" && "count" in state
            ? [[String(attributes?.["outcome"]), Number(state.count)]]
            : []
        )
      )
  )

  it.effect.each([["an HttpRouter", router], ["an HttpApi", api as typeof router]] as const)(
    "in %s each refused delivery is counted, and logged once a minute, without body, signature or secret",
    ([, layer]) =>
      Effect.gen(function*() {
        lines.length = 0
        yield* TestClock.setTime(at)
        const send = yield* sending(layer)
        const forged = sign("s3cr3t-body", { key: otherSecret })
        expect(yield* send(sign("{}"))).toBe(204)
        for (
          const [status, delivery] of [
            [401, forged],
            [401, forged],
            [401, sign("{}", { signedAt: at - 600_000 })],
            [401, sign("{}", { signedAt: at + 600_000 })],
            [401, { ...forged, headers: {} }],
            [401, withHeaders(forged, { "x-spotnana-webhook-timestamp": "soon" })],
            [413, sign("x".repeat(1_001))]
          ] as const
        ) {
          expect(yield* send(delivery)).toBe(status)
        }
        yield* TestClock.adjust("1 minute")
        yield* send(forged)
        expect(lines.map((line) => line.split("}")[0])).toEqual([
          `Warn {"problem":"NoMatchingSignature"`,
          `Debug {"problem":"NoMatchingSignature"`,
          `Warn {"problem":"TimestampTooOld"`,
          `Warn {"problem":"TimestampInFuture"`,
          `Info {"problem":"MissingHeader"`,
          `Info {"problem":"InvalidTimestamp"`,
          `Warn {"problem":"BodyTooLarge"`,
          `Warn {"problem":"NoMatchingSignature"`
        ])
        expect(lines[4]).toContain("A webhook delivery was refused. The header x-spotnana-webhook-id is missing.")
        expect(lines[6]).toContain("The body has more than 1000 bytes (maxBodySize).")
        for (const text of ["s3cr3t-body", secret.slice(6), forged.headers["x-spotnana-webhook-signature"]!.slice(3)]) {
          expect(lines.join("\n")).not.toContain(text)
        }
        expect(yield* outcomes).toEqual({
          verified: 1,
          NoMatchingSignature: 3,
          TimestampTooOld: 1,
          TimestampInFuture: 1,
          MissingHeader: 1,
          InvalidTimestamp: 1,
          BodyTooLarge: 1
        })
      }).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
  )
})
