import {
  createIsIdentityExpiredFunction,
  doesIdentityRequireRefresh,
  HttpBearerAuthSigner,
  memoizeIdentityProvider
} from "@smithy/core"
import { HttpRequest } from "@smithy/core/transport"
import type { TokenIdentity } from "@smithy/types"
import type { Client, Peer, Setting } from "../Peer.ts"
import type { TokenResponse } from "../support/clientCredentials.ts"
import { expiryOf, marginOf, noToken, tokenForm } from "../support/clientCredentials.ts"
import { fetchFor, statusOf } from "../support/fetch.ts"

/** The requests of the SDK: they are passed to its signer, and sent as the signer returned them. */
const requestsOf = (setting: Setting) => {
  const send = fetchFor(setting)
  const { hostname, port, protocol } = new URL(setting.baseUrl)
  return {
    make: (path: string, headers: Record<string, string>) =>
      new HttpRequest({ method: "GET", protocol, hostname, port: Number(port), path, headers }),
    send: async ({ headers, path }: Pick<HttpRequest, "headers" | "path">) =>
      statusOf(await send(setting.baseUrl + path, { headers }))
  }
}

/** The floor: a request that is sent unchanged. */
const constant = (setting: Setting, bearer: string): Client => {
  const { make, send } = requestsOf(setting)
  const headers = { authorization: `Bearer ${bearer}` }
  return { get: (path) => send(make(path, headers)), token: async () => bearer, close: async () => {} }
}

/** What the SDK's configuration calls `token`. */
const provider = (setting: Setting) => {
  const send = fetchFor(setting)
  return async (): Promise<TokenIdentity> => {
    const answer = await send(setting.tokenUrl, { method: "POST", body: tokenForm(setting) })
    // Always read, because an unread body keeps its connection.
    const body = await answer.text()
    if (answer.status !== 200) throw noToken(answer.status)
    const response: TokenResponse = JSON.parse(body)
    return { token: response.access_token, expiration: new Date(expiryOf(response)) }
  }
}

const authenticated = (setting: Setting): Client => {
  const { make, send } = requestsOf(setting)
  const identity = memoizeIdentityProvider(
    provider(setting),
    createIsIdentityExpiredFunction(marginOf(setting)),
    doesIdentityRequireRefresh
  )
  // Its type does not show that it is undefined only if no provider was given.
  if (identity === undefined) throw new Error("There is no provider.")
  const signer = new HttpBearerAuthSigner()
  return {
    get: async (path) => send(await signer.sign(make(path, {}), await identity(), {})),
    token: async () => (await identity()).token,
    close: async () => {}
  }
}

export const aws: Peer = {
  name: "@smithy/core",
  packages: ["@smithy/core", "@smithy/types"],
  stack: "fetch",
  usage: "The AWS SDK's `memoizeIdentityProvider` and `HttpBearerAuthSigner`, put together as in the SDK's clients, " +
    "with an identity provider that asks for a token. The request is `fetch`'s. `createIsIdentityExpiredFunction` is " +
    "given a fifth of the lifetime; in the SDK it is five minutes.",
  cannot: {},
  open: async (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}
