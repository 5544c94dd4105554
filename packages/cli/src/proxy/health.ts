import type { TokenProvider } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { HttpServerResponse } from "effect/http"
import type { Answer } from "./answer.ts"

const pathOf = (url: string): string => url.replace(/\?.*$/s, "")

/** Whether a path belongs to the proxy itself. The API has no such path, and such requests are not forwarded. */
export const isOwn = (url: string): boolean => /^\/\.spotnana-auth(?:\/|$)/.test(pathOf(url))

/** Whether a request asks for the proxy's health. */
export const isHealthCheck = ({ method, url }: { readonly method: string; readonly url: string }): boolean =>
  pathOf(url) === "/.spotnana-auth/health" && (method === "GET" || method === "HEAD")

/**
 * Whether a token is in use. This is for supervisors, which have no key and may call the proxy by any address. So the
 * answer contains nothing that is not public, and no token is requested for it.
 */
export const health = (
  provider: TokenProvider.TokenProvider["Service"]
): Effect.Effect<HttpServerResponse.HttpServerResponse | Answer> =>
  Effect.map(provider.status, ({ state }) =>
    state === "valid" || state === "renewing"
      ? HttpServerResponse.jsonUnsafe({ token: state }, { headers: { "cache-control": "no-store" } })
      : {
        status: 503,
        code: "NO_TOKEN",
        message: `No token is in use: ${state}.`,
        kind: "proxy_configuration_error"
      })
