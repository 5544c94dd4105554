import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, flow, identity, Layer, Logger, ManagedRuntime, Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantBearer } from "../server.ts"
import { tokenForm } from "../support/clientCredentials.ts"
import { json, stubBody } from "../support/stub.ts"

/** Answers at once, and the API always with the same response: nobody reads its body. */
const stub = (setting: Setting): HttpClient.HttpClient => {
  const answer = new Response(undefined, { headers: json })
  return HttpClient.make((request) =>
    Effect.succeed(HttpClientResponse.fromWeb(
      request,
      request.url === setting.tokenUrl ? new Response(stubBody(setting, request.url), { headers: json }) : answer
    ))
  )
}

/** The transport of requests: sockets, or the stub. */
export const transport = (setting: Setting): Layer.Layer<HttpClient.HttpClient> =>
  setting.stubbed ? Layer.sync(HttpClient.HttpClient, () => stub(setting)) : NodeHttpClient.layerUndici

const TokenAnswer = Schema.Struct({ access_token: Schema.String })

const clientOf = async <R, E>(
  setting: Setting,
  service: Effect.Effect<HttpClient.HttpClient.With<E>, never, R>,
  layer: Layer.Layer<R>,
  token: Effect.Effect<Effect.Effect<string, unknown>, never, R>
): Promise<Client> => {
  // Without its logs about rejections and outages, which do not help in a benchmark.
  const runtime = ManagedRuntime.make(Layer.provideMerge(layer, Logger.layer([])))
  const run = Effect.runPromiseWith(await runtime.context())
  const client = await run(service)
  const current = await run(token)
  const get = (path: string) =>
    Effect.flatMap(
      client.get(path),
      (response) => setting.stubbed ? Effect.succeed(response.status) : Effect.as(response.text, response.status)
    )
  return {
    get: (path) => run(get(path)),
    getMany: (path, count) => {
      let left = count
      return run(Effect.whileLoop({ while: () => left-- > 0, body: () => get(path), step: () => {} }))
    },
    token: () => run(current),
    close: () => runtime.dispose()
  }
}

/** The floor: a client whose token never changes. */
const constant = (
  setting: Setting,
  bearer: string,
  finish: (client: HttpClient.HttpClient) => HttpClient.HttpClient = identity
): Promise<Client> =>
  clientOf(
    setting,
    Effect.map(
      HttpClient.HttpClient,
      flow(
        HttpClient.mapRequest(flow(
          HttpClientRequest.prependUrl(setting.baseUrl),
          HttpClientRequest.bearerToken(bearer)
        )),
        finish
      )
    ),
    transport(setting),
    Effect.succeed(Effect.succeed(bearer))
  )

/** Looks at every answer and every error, and does nothing about them. */
const lookedAt = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.makeWith(
    (request) =>
      Effect.matchCauseEffect(client.postprocess(request), { onSuccess: Effect.succeed, onFailure: Effect.failCause }),
    client.preprocess
  )

const authenticated = (setting: Setting): Promise<Client> =>
  clientOf(
    setting,
    SpotnanaHttpClient.SpotnanaHttpClient,
    SpotnanaHttpClient.layer({
      clientId: setting.clientId,
      clientSecret: Redacted.make(setting.clientSecret),
      environment: Environment.makeUnsafe({ baseUrl: setting.baseUrl })
    }).pipe(Layer.provide(transport(setting))),
    Effect.map(TokenProvider.TokenProvider, ({ get }) => Effect.map(get, ({ value }) => Redacted.value(value)))
  )

export const spotnana: Peer = {
  name: "effect-spotnana",
  packages: ["@effect-spotnana/core"],
  stack: "HttpClient",
  replays: true,
  usage: "`SpotnanaHttpClient.layer`, as in README's first program, over undici.",
  cannot: {},
  open: (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}

/**
 * What sharing one request costs in Effect itself, over the same transport: each waiting caller is a fiber. Each caller
 * takes the token out of the shared answer, as with the library.
 */
export const cached: Peer = {
  ...spotnana,
  name: "Effect.cached, one request",
  open: (setting) =>
    clientOf(
      setting,
      HttpClient.HttpClient,
      transport(setting),
      Effect.flatMap(HttpClient.HttpClient, (client) =>
        Effect.cached(
          client.execute(HttpClientRequest.bodyUrlParams(HttpClientRequest.post(setting.tokenUrl), tokenForm(setting)))
            .pipe(Effect.flatMap(HttpClientResponse.schemaBodyJson(TokenAnswer)))
        )).pipe(Effect.map(Effect.map(({ access_token }) => access_token)))
    )
}

/** The minimum for every client that handles a 401: one operation of Effect, which does nothing here. */
export const looking: Peer = {
  ...spotnana,
  name: "HttpClient, looking at the answer",
  open: (setting) =>
    setting.constant === undefined
      ? constant(setting, constantBearer, lookedAt)
      : constant(setting, setting.constant)
}
