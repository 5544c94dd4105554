import type { AccessToken } from "simple-oauth2"
import { ClientCredentials } from "simple-oauth2"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantClient, fetchFor, statusOf } from "../support/fetch.ts"
import { tokenBody } from "../support/stub.ts"

/**
 * A token from the endpoint. With a stub, it is made like a stored token, because its request cannot be replaced
 * otherwise.
 */
const acquisition = (setting: Setting): () => Promise<AccessToken> => {
  const client = new ClientCredentials({
    client: { id: setting.clientId, secret: setting.clientSecret },
    auth: { tokenHost: setting.baseUrl, tokenPath: new URL(setting.tokenUrl).pathname },
    options: { authorizationMethod: "body" }
  })
  return setting.stubbed ? async () => client.createToken(JSON.parse(tokenBody(setting))) : () => client.getToken({})
}

const authenticated = (setting: Setting): Client => {
  const acquire = acquisition(setting)
  const send = fetchFor(setting)
  const window = setting.lifetime / 5
  let accessToken: AccessToken | undefined
  const token = async () => {
    if (accessToken === undefined) accessToken = await acquire()
    else if (accessToken.expired(window)) {
      try {
        accessToken = await acquire()
      } catch (error) {
        if (accessToken.expired()) throw error
      }
    }
    return accessToken.token.access_token
  }
  return {
    get: async (path) => {
      const headers = { authorization: `Bearer ${await token()}` }
      return statusOf(await send(setting.baseUrl + path, { headers }))
    },
    token,
    close: async () => {}
  }
}

export const simpleOauth2: Peer = {
  name: "simple-oauth2",
  packages: ["simple-oauth2"],
  stack: "fetch",
  usage:
    "`ClientCredentials`, its token in a variable and asked `expired(window)` before use, as in \"Access Token\" of " +
    "its README, with a window of a fifth of the lifetime; where no new one is to be had, the application goes on with " +
    "the old one until that expires. The request is `fetch`'s.",
  cannot: {},
  open: async (setting) =>
    setting.constant === undefined ? authenticated(setting) : constantClient(setting, setting.constant)
}
