// The library for Effect 4 as a subject.
import { AuthError, Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import {
  Cause,
  Context,
  Duration,
  Effect,
  Exit,
  Layer,
  Option,
  Redacted,
  References,
  Result,
  Scope,
  Stream
} from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import type { Call, Outcome } from "../Protocol.ts"
import { defect, failed, failureOf, interrupted, serve } from "./serve.ts"

const requestOf = ({ body, headers, method, url }: Call) => {
  const request = HttpClientRequest.make(method ?? "GET")(url, { headers: headers ?? {} })
  if (body === undefined) return request
  return body.isStream
    ? HttpClientRequest.bodyStream(request, Stream.succeed(new TextEncoder().encode(body.text)))
    : HttpClientRequest.bodyText(request, body.text)
}

const outcomeOf = (exit: Exit.Exit<Outcome, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return interrupted
  const found = Cause.findError(exit.cause)
  if (Result.isFailure(found)) return defect(Cause.squash(exit.cause))
  const error = found.success
  if (!AuthError.isAuthError(error)) return failed(error, { tag: "HttpClientError", message: String(error) })
  const retryAfter = Option.map(AuthError.retryAfter(error), Duration.toMillis)
  return failed(error, failureOf(error, Option.getOrUndefined(retryAfter)))
}

/** Serves the library on one of the platform's clients. It logs everything. */
export const serveCore = (platform: Layer.Layer<HttpClient.HttpClient>): void =>
  serve(async ({ baseUrl, clientId, refresh, timeout }, secret) => {
    const scope = Scope.makeUnsafe()
    const source = Layer.succeed(Credentials.Credentials, {
      current: Effect.sync(() => ({ clientId, clientSecret: Redacted.make(secret()) }))
    })
    const environment = Environment.makeUnsafe({ baseUrl })
    const auth = Layer.provide(
      SpotnanaHttpClient.layerCredentials({ environment, refresh, timeout }),
      [source, platform]
    )
    const loud = Effect.provideService(References.MinimumLogLevel, "All")
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
