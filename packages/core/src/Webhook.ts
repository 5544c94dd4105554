/**
 * Webhooks: verifies that Spotnana signed a delivery.
 *
 * A verified delivery was signed with one of your secrets, a few minutes ago at
 * most, and its body is unchanged. Spotnana may send a delivery again: use
 * `WebhookDeliveries` to handle each delivery once.
 *
 * @since 0.1.0
 */
import { count } from "@effect-spotnana/engine/Options"
import * as ByteSize from "effect/ByteSize"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Headers, HttpServerError } from "effect/http"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { variableError, withFullNames } from "./internal/variables.ts"
import { makeReport } from "./internal/webhook/report.ts"
import { keyOf, secretProblem } from "./internal/webhook/secrets.ts"
import { makeVerify } from "./internal/webhook/verify.ts"

/**
 * What is needed to verify a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The secrets that Spotnana may sign with (`whsec_…`): one, or several while one is rotated. A text that is not a
   * secret throws a `TypeError`, which does not contain the text.
   */
  readonly secrets: Redacted.Redacted | ReadonlyArray<Redacted.Redacted>
  /**
   * How far the timestamp may be from now, in either direction. Default: 5 minutes, as in Standard Webhooks. A delivery
   * is accepted for up to twice this time. The `timeToLive` of `WebhookDeliveries` must be longer than that: otherwise a
   * recorded delivery that somebody sends again is handled again.
   */
  readonly tolerance?: Duration.Input | undefined
}

/**
 * Options of functions that read the request themselves.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerOptions extends Options {
  /** The most bytes that a body may have. A larger body is answered with 413. Default: 1 MiB. */
  readonly maxBodySize?: number | undefined
}

/**
 * A delivery that must not be handled.
 *
 * **Details**
 *
 * `problem` is one of:
 *
 * - `MissingHeader`: one of the three headers is absent or empty.
 * - `InvalidTimestamp`: the timestamp is not a number of Unix seconds.
 * - `TimestampTooOld`, `TimestampInFuture`: the timestamp is further from now
 *   than the tolerance. A recorded delivery that somebody sends again is too old.
 *   If new deliveries are too old, this machine's clock is ahead.
 * - `NoMatchingSignature`: no signature was made with one of the secrets.
 *
 * The error contains neither the body nor a signature.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidWebhook extends Schema.TaggedError<InvalidWebhook>()("InvalidWebhook", {
  /** What is wrong, for programs. */
  problem: Schema.Literals([
    "MissingHeader",
    "InvalidTimestamp",
    "TimestampTooOld",
    "TimestampInFuture",
    "NoMatchingSignature"
  ]),
  /** What is wrong and what to do. */
  message: Schema.String
}, { httpApiStatus: 401 }) {}

/**
 * A verified delivery. `middleware` and `Signed` provide it to handlers.
 *
 * @category services
 * @since 0.1.0
 */
export class Delivery extends Context.Service<Delivery, {
  /** The id of the delivery. It is the same when the delivery is sent again. */
  readonly id: string
  /** When it was signed, by Spotnana's clock. */
  readonly timestamp: DateTime.Utc
  /** The bytes that were signed. */
  readonly body: Uint8Array<ArrayBuffer>
}>()("@effect-spotnana/core/Webhook/Delivery") {}

/**
 * Verifies one delivery.
 *
 * **When to use**
 *
 * Use in a server that is not an `HttpRouter`, such as a serverless function or
 * Express. Unlike {@link middleware}, it neither logs nor counts: the error has the
 * problem and a message, which you can log.
 *
 * **Gotchas**
 *
 * `body` must have the bytes as they were received, not those of a body that was
 * parsed and serialized again. A body that is not a `Uint8Array` is a defect, a
 * `TypeError`.
 *
 * **Example** (A function of a serverless platform)
 *
 * ```ts
 * import { Webhook } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * const handle = (request: Request) =>
 *   Effect.gen(function*() {
 *     const secrets = yield* Webhook.secrets
 *     const body = new Uint8Array(yield* Effect.promise(() => request.arrayBuffer()))
 *     const delivery = yield* Webhook.verify({ headers: request.headers, body }, { secrets })
 *     return new Response(delivery.id)
 *   }).pipe(
 *     Effect.catchTag("InvalidWebhook", ({ message }) => Effect.succeed(new Response(message, { status: 401 })))
 *   )
 * ```
 *
 * @category verification
 * @since 0.1.0
 */
export const verify = (
  delivery: {
    /** The request's headers; upper and lower case do not matter. */
    readonly headers: Headers.Input
    readonly body: Uint8Array
  },
  options: Options
): Effect.Effect<Delivery["Service"], InvalidWebhook> =>
  Effect.suspend(() => verifyWith(makeVerify(options), delivery.headers, delivery.body))

const verifyWith = (
  verify: ReturnType<typeof makeVerify>,
  headers: Headers.Input,
  body: Uint8Array
): Effect.Effect<Delivery["Service"], InvalidWebhook> =>
  Effect.mapError(verify(headers, body), (refusal) => new InvalidWebhook(refusal))

/**
 * The body of the verified delivery, decoded from JSON. A body that is not UTF-8 is a `SchemaError` too.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeBody = <S extends Schema.Top>(
  schema: S
): Effect.Effect<S["Type"], Schema.SchemaError, Delivery | S["DecodingServices"]> => {
  const decode = Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(schema)))
  return Effect.flatMap(Delivery, ({ body }) => decode(textOf(body)))
}

/** A body that is not UTF-8 is not JSON (RFC 8259 §8.1). It becomes an empty text, which is not JSON either. */
const textOf = (body: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch {
    return ""
  }
}

/**
 * Reads `SPOTNANA_WEBHOOK_SECRETS`: one secret, or several separated by commas while one is rotated.
 *
 * **Details**
 *
 * Fails with a `ConfigError` that says what was expected, and never prints a secret.
 *
 * @category config
 * @since 0.1.0
 */
export const secrets: Config.Config<ReadonlyArray<Redacted.Redacted>> = /* #__PURE__ */ withFullNames(
  /* #__PURE__ */ Config.mapEffect(
    /* #__PURE__ */ Config.withDefault(/* #__PURE__ */ Config.String("SPOTNANA_WEBHOOK_SECRETS"), ""),
    (text) => {
      const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "")
      if (parts.length === 0) {
        return Effect.fail(
          variableError("SPOTNANA_WEBHOOK_SECRETS is not set; expected the secret that Spotnana signs webhooks with")
        )
      }
      const read = parts.map((part) => Redacted.make(part, { label: "webhookSecret" }))
      const wrong = read.findIndex((secret) => keyOf(secret) === undefined)
      return wrong < 0
        ? Effect.succeed(read)
        : Effect.fail(
          variableError(`SPOTNANA_WEBHOOK_SECRETS cannot be used: ${secretProblem(wrong + 1, parts.length)}`)
        )
    }
  )
)

const verifyRequest = (
  { maxBodySize = 1_048_576, ...options }: ServerOptions
): Effect.Effect<
  Delivery["Service"],
  InvalidWebhook | HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest
> => {
  const verify = makeVerify(options)
  const limit = ByteSize.bytes(count("Webhook.maxBodySize", maxBodySize))
  const report = makeReport(maxBodySize)
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = yield* Effect.provideService(request.arrayBuffer, HttpIncomingMessage.MaxBodySize, limit)
    return yield* verifyWith(verify, request.headers, new Uint8Array(body))
  }).pipe(Effect.tap(report.verified), Effect.tapError(report.refused))
}

/**
 * Runs the handler with the delivery. If the body cannot be read completely, the request is answered without the
 * handler.
 */
const withDelivery = <E, R, E2>(
  verified: ReturnType<typeof verifyRequest>,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  onInvalid: (error: InvalidWebhook) => Effect.Effect<HttpServerResponse.HttpServerResponse, E2>
) =>
  Effect.matchEffect(verified, {
    onFailure: (error) => error._tag === "InvalidWebhook" ? onInvalid(error) : HttpServerRespondable.toResponse(error),
    onSuccess: (delivery) => Effect.provideService(handler, Delivery, delivery)
  })

const unauthorized = ({ message, problem }: InvalidWebhook) =>
  Effect.succeed(HttpServerResponse.jsonUnsafe({ problem, message }, { status: 401 }))

/**
 * Lets only verified deliveries reach the routes that it is provided to, and
 * provides the `Delivery` to them.
 *
 * **Details**
 *
 * Other deliveries are answered with 401 and the reason, and a body that is too
 * large with 413. They do not reach the handler.
 *
 * Each delivery is counted in the metric `spotnana_webhook_deliveries_total`, whose
 * attribute `outcome` is `verified` or the problem. Refused deliveries are logged
 * with the problem, but without body, signature and secret: a wrong signature or
 * time, or a body that is too large, as a warning, a missing header or an invalid
 * timestamp at info. Anybody can send such requests, so each problem is logged
 * once a minute at this level, and at debug otherwise.
 *
 * **Example** (A route for webhooks)
 *
 * ```ts
 * import { Webhook } from "@effect-spotnana/core"
 * import { Effect, Layer, Schema } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * const Event = Schema.Struct({ type: Schema.String })
 *
 * const Route = HttpRouter.add(
 *   "POST",
 *   "/webhooks/spotnana",
 *   Effect.gen(function*() {
 *     const event = yield* Webhook.decodeBody(Event)
 *     yield* Effect.log(event.type)
 *     return HttpServerResponse.empty()
 *   }).pipe(Effect.catchTag("SchemaError", () => Effect.succeed(HttpServerResponse.empty({ status: 400 }))))
 * ).pipe(
 *   Layer.provide(Layer.unwrap(Effect.map(Webhook.secrets, (secrets) => Webhook.middleware({ secrets }).layer)))
 * )
 * ```
 *
 * @category middleware
 * @since 0.1.0
 */
export const middleware = (options: ServerOptions): HttpRouter.Middleware<{
  provides: Delivery
  handles: never
  error: never
  requires: never
  layerError: never
  layerRequires: never
}> => {
  const verified = verifyRequest(options)
  // Not returned directly, because the return type would then change how the error types are inferred.
  const made = HttpRouter.middleware<{ provides: Delivery }>()((httpEffect) =>
    withDelivery(verified, httpEffect, unauthorized)
  )
  return made
}

/**
 * The same for endpoints of an `HttpApi`: add
 * `endpoint.middleware(Webhook.Signed)`, and provide `layerSigned` where the API
 * is built.
 *
 * @see {@link layerSigned}
 * @category middleware
 * @since 0.1.0
 */
export class Signed extends HttpApiMiddleware.Service<Signed, { provides: Delivery }>()(
  "@effect-spotnana/core/Webhook/Signed",
  { error: InvalidWebhook }
) {}

/**
 * Verifies deliveries to the endpoints that are marked with `Signed`.
 *
 * **Details**
 *
 * Deliveries are counted, and refused deliveries logged, as by {@link middleware}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSigned = (options: ServerOptions): Layer.Layer<Signed> =>
  Layer.sync(Signed, () => {
    const verified = verifyRequest(options)
    return (httpEffect) => withDelivery(verified, httpEffect, Effect.fail)
  })
