import {
  allowInsecureRequests,
  clientCredentialsGrant,
  Configuration,
  customFetch,
  fetchProtectedResource,
  WWWAuthenticateChallengeError
} from "openid-client"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantClient, fetchFor, statusOf } from "../support/fetch.ts"

const configurationOf = (setting: Setting): Configuration => {
  const server = { issuer: setting.baseUrl, token_endpoint: setting.tokenUrl }
  const configuration = new Configuration(server, setting.clientId, setting.clientSecret)
  allowInsecureRequests(configuration)
  if (setting.stubbed) {
    const stub = fetchFor(setting)
    configuration[customFetch] = (url) => stub(url)
  }
  return configuration
}

/** A response with a challenge is an error to it, with the response inside. */
const responseOf = (error: unknown): Response => {
  if (error instanceof WWWAuthenticateChallengeError) return error.response
  throw error
}

const authenticated = (setting: Setting): Client => {
  const configuration = configurationOf(setting)
  let kept: Awaited<ReturnType<typeof clientCredentialsGrant>> | undefined
  const token = async () => {
    if (!kept?.expiresIn()) kept = await clientCredentialsGrant(configuration)
    return kept.access_token
  }
  return {
    get: async (path) => {
      const url = new URL(setting.baseUrl + path)
      const bearer = await token()
      return statusOf(await fetchProtectedResource(configuration, bearer, url, "GET").catch(responseOf))
    },
    token,
    close: async () => {}
  }
}

export const openidClient: Peer = {
  name: "openid-client",
  packages: ["openid-client"],
  stack: "fetch",
  usage: "`clientCredentialsGrant` and `fetchProtectedResource`, as in its README. It keeps no token: here the " +
    "application does, in a variable, and asks for the next once `expiresIn()` of the last is 0, its last second.",
  cannot: {},
  open: async (setting) =>
    setting.constant === undefined ? authenticated(setting) : constantClient(setting, setting.constant)
}
