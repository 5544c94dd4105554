// The library for Effect 3 as a subject of the conformance suite.
import { AuthError, Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Cause,
  Context,
  Duration,
  Effect,
  Either,
  Exit,
  Layer,
  Logger,
  LogLevel,
  Option,
  Redacted,
  Scope,
  Stream
} from "effect"
import type { Call, Outcome } from "../../../conformance/src/Protocol.ts"
import { defect, failed, failureOf, interrupted, serve } from "../../../conformance/src/support/serve.ts"

const requestOf = ({ body, headers, method, url }: Call) => {
  const request = HttpClientRequest.make(method ?? "GET")(url, { headers: headers ?? {} })
  if (body === undefined) return request
  return body.isStream
    ? HttpClientRequest.bodyStream(request, Stream.succeed(new TextEncoder().encode(body.text)))
    : HttpClientRequest.bodyText(request, body.text)
}

const outcomeOf = (exit: Exit.Exit<Outcome, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.isInterruptedOnly(exit.cause)) return interrupted
  const found = Cause.failureOrCause(exit.cause)
  if (Either.isRight(found)) return defect(Cause.squash(exit.cause))
  const error = found.left
  if (!AuthError.isAuthError(error)) return failed(error, { tag: "HttpClientError", message: String(error) })
  const retryAfter = Option.map(AuthError.retryAfter(error), Duration.toMillis)
  return failed(error, failureOf(error, Option.getOrUndefined(retryAfter)))
}

/** Serves the library on one of the platform's clients. It logs everything. */
export const serveEffect3 = (platform: "fetch" | "undici"): void =>
  serve(async ({ baseUrl, clientId, refresh, timeout }, secret) => {
    const scope = Effect.runSync(Scope.make())
    const source = Layer.succeed(Credentials.Credentials, {
      current: Effect.sync(() => ({ clientId, clientSecret: Redacted.make(secret()) }))
    })
    const environment = Environment.makeUnsafe({ baseUrl })
    const auth = SpotnanaHttpClient.layerCredentials({ environment, refresh, timeout }).pipe(
      Layer.provide(source),
      Layer.provide(platform === "fetch" ? FetchHttpClient.layer : NodeHttpClient.layerUndici)
    )
    const loud = Logger.withMinimumLogLevel(LogLevel.All)
    const services = await Effect.runPromise(loud(Layer.buildWithScope(auth, scope)))
    const client = Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
    const provider = Context.get(services, TokenProvider.TokenProvider)
    return {
      call: async (call, signal) => {
        const sender = call.followRedirects === true ? HttpClient.followRedirects(client, 5) : client
        const answer = Effect.flatMap(
          sender.execute(requestOf(call)),
          (response) => Effect.map(response.text, (body): Outcome => ({ status: response.status, body }))
        )
        return outcomeOf(await Effect.runPromiseExit(loud(answer), { signal }))
      },
      status: () => Effect.runPromise(Effect.map(provider.status, ({ state }) => state)),
      close: () => Effect.runPromise(loud(Scope.close(scope, Exit.void)))
    }
  })
