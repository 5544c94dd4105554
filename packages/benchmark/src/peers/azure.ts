import type { TokenCredential } from "@azure/core-auth"
import type { HttpClient } from "@azure/core-rest-pipeline"
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest
} from "@azure/core-rest-pipeline"
import * as Http from "node:http"
import type { Client, Peer, Setting } from "../Peer.ts"
import type { TokenResponse } from "../support/clientCredentials.ts"
import { expiryOf, marginOf, noToken, tokenForm } from "../support/clientCredentials.ts"
import { json, stubBody } from "../support/stub.ts"

/** Answers at once. */
const stub = (setting: Setting): HttpClient => {
  const headers = createHttpHeaders(json)
  return {
    sendRequest: async (request) => ({ request, status: 200, headers, bodyAsText: stubBody(setting, request.url) })
  }
}

/** The default, but without TLS: the policy sends a bearer over https alone, and the server of a run speaks http. */
const plain = (): HttpClient => {
  const client = createDefaultHttpClient()
  return {
    sendRequest: (request) => {
      request.url = request.url.replace("https:", "http:")
      return client.sendRequest(request)
    }
  }
}

const clientOf = (setting: Setting) => {
  const pipeline = createPipelineFromOptions({})
  const httpClient = setting.stubbed ? stub(setting) : plain()
  const baseUrl = setting.baseUrl.replace("http:", "https:")
  const get = async (path: string, authorization?: string) => {
    const request = createPipelineRequest({ url: baseUrl + path, allowInsecureConnection: true })
    if (authorization !== undefined) request.headers.set("authorization", authorization)
    return (await pipeline.sendRequest(httpClient, request)).status
  }
  return { pipeline, httpClient, baseUrl, get }
}

/**
 * The default client uses Node's own agent, which keeps connections. They are closed, so that the next peer starts
 * without them.
 */
const close = async () => {
  for (const idle of Object.values(Http.globalAgent.freeSockets)) idle?.forEach((socket) => socket.destroy())
}

/** The floor: the pipeline without the policy. */
const constant = (setting: Setting, bearer: string): Client => {
  const { get } = clientOf(setting)
  const authorization = `Bearer ${bearer}`
  return { get: (path) => get(path, authorization), token: async () => bearer, close }
}

/** A credential that asks the token endpoint. */
const credentialOf = (setting: Setting, httpClient: HttpClient): TokenCredential => ({
  getToken: async () => {
    const { bodyAsText, status } = await httpClient.sendRequest(createPipelineRequest({
      url: setting.tokenUrl,
      method: "POST",
      headers: createHttpHeaders({ "content-type": "application/x-www-form-urlencoded" }),
      body: tokenForm(setting).toString(),
      allowInsecureConnection: true
    }))
    if (status !== 200) throw noToken(status)
    const response: TokenResponse = JSON.parse(bodyAsText ?? "")
    const expiresOnTimestamp = expiryOf(response)
    return {
      token: response.access_token,
      expiresOnTimestamp,
      refreshAfterTimestamp: expiresOnTimestamp - marginOf(setting)
    }
  }
})

/**
 * The policy continues to renew in the background, and the process would end with an unhandled error. So after the
 * client is closed, it is told that it has a token.
 */
const endedBy = (isClosed: () => boolean, credential: TokenCredential): TokenCredential => ({
  getToken: async (scopes, options) => {
    try {
      if (!isClosed()) return await credential.getToken(scopes, options)
    } catch (error) {
      if (!isClosed()) throw error
    }
    return { token: "closed", expiresOnTimestamp: Date.now() + 3_600_000 }
  }
})

const authenticated = (setting: Setting): Client => {
  const { baseUrl, get, httpClient, pipeline } = clientOf(setting)
  let isClosed = false
  const credential = endedBy(() => isClosed, credentialOf(setting, httpClient))
  const policy = bearerTokenAuthenticationPolicy({ credential, scopes: [] })
  pipeline.addPolicy(policy)
  return {
    get,
    // Like `getBearerTokenProvider` of @azure/identity, because the policy gives its token only to a request.
    token: async () => {
      const { headers } = await policy.sendRequest(
        createPipelineRequest({ url: baseUrl }),
        async (request) => ({ request, status: 200, headers: request.headers })
      )
      return headers.get("authorization")?.slice("Bearer ".length) ?? ""
    },
    close: () => {
      isClosed = true
      return close()
    }
  }
}

export const azure: Peer = {
  name: "@azure/core-rest-pipeline",
  packages: ["@azure/core-rest-pipeline", "@azure/core-auth"],
  stack: "own",
  usage: "`createPipelineFromOptions` with `bearerTokenAuthenticationPolicy` and a `TokenCredential` that asks for a " +
    "token and sets `refreshAfterTimestamp` a fifth of the lifetime before it expires. What the policy adds cannot be " +
    "set: it also renews in the last two minutes, and lets its callers wait for that in the last second.",
  cannot: {},
  open: async (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}
