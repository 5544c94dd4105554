import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, flow, identity, Layer, Logger, ManagedRuntime, Redacted } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantBearer } from "../server.ts"
import { tokenForm } from "../support/clientCredentials.ts"
import type { TokenResponse } from "../support/clientCredentials.ts"
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

/** What requests go through: sockets, or the stub. */
export const transport = (setting: Setting): Layer.Layer<HttpClient.HttpClient> =>
  setting.stubbed ? Layer.sync(HttpClient.HttpClient, () => stub(setting)) : NodeHttpClient.layerUndici

const clientOf = async <R, E>(
  setting: Setting,
  service: Effect.Effect<HttpClient.HttpClient.With<E>, never, R>,
  layer: Layer.Layer<R>,
  token: Effect.Effect<Effect.Effect<string, unknown>, never, R>
): Promise<Client> => {
  // What it logs of rejections and outages is not for the reader of a benchmark.
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

/** The floor: a client whose bearer never changes. */
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
  usage: "`SpotnanaHttpClient.layer`, as in README's first program, over undici.",
  cannot: {},
  open: (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}

/** What sharing one request costs in Effect itself: who awaits it is a fiber. */
export const cached: Peer = {
  ...spotnana,
  name: "Effect.cached, one request",
  open: async (setting) => {
    const request = Effect.promise(() => fetch(setting.tokenUrl, { method: "POST", body: tokenForm(setting) }))
    const token = await Effect.runPromise(Effect.cached(
      Effect.flatMap(request, (response) => Effect.promise((): Promise<TokenResponse> => response.json()))
    ))
    return {
      get: () => Promise.reject(new Error("It makes no requests.")),
      token: () => Effect.runPromise(Effect.map(token, ({ access_token }) => access_token)),
      close: async () => {}
    }
  }
}

/** A constant bearer that is measured against the floor: what one part of authentication costs by itself. */
const part = (name: string, finish: (client: HttpClient.HttpClient) => HttpClient.HttpClient): Peer => ({
  ...spotnana,
  name: `HttpClient, ${name}`,
  open: (setting) =>
    setting.constant === undefined
      ? constant(setting, constantBearer, finish)
      : constant(setting, setting.constant)
})

/** What nobody can do without who answers a 401: one operation of Effect, which does nothing here. */
export const looking = part("looking at the answer", lookedAt)

/** A header of the length of the library's. */
export const introduced = part(
  "with a User-Agent",
  HttpClient.mapRequest(HttpClientRequest.setHeader("user-agent", "effect-spotnana/0.0.0"))
)
