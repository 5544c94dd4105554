import type { INetworkModule } from "@azure/msal-node"
import { ConfidentialClientApplication, LogLevel } from "@azure/msal-node"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantClient, fetchFor, statusOf } from "../support/fetch.ts"
import { tokenBody } from "../support/stub.ts"

/** Answers a token request at once. There are no other requests, because the authority's metadata is given. */
const stub = (setting: Setting): INetworkModule => ({
  sendPostRequestAsync: async () => ({ status: 200, headers: {}, body: JSON.parse(tokenBody(setting)) }),
  sendGetRequestAsync: (url) => Promise.reject(new Error(`unexpected: ${url}`))
})

const applicationOf = (setting: Setting): ConfidentialClientApplication => {
  const { host } = new URL(setting.baseUrl)
  // An authority must use https. Nothing is sent to it, because the endpoint is in the metadata.
  const authority = `https://${host}/benchmark`
  return new ConfidentialClientApplication({
    auth: {
      clientId: setting.clientId,
      clientSecret: setting.clientSecret,
      authority,
      knownAuthorities: [host],
      authorityMetadata: JSON.stringify({
        issuer: authority,
        authorization_endpoint: `${authority}/authorize`,
        token_endpoint: setting.tokenUrl
      })
    },
    system: {
      loggerOptions: { logLevel: LogLevel.Error },
      ...setting.stubbed ? { networkClient: stub(setting) } : {}
    }
  })
}

const authenticated = (setting: Setting): Client => {
  const application = applicationOf(setting)
  const send = fetchFor(setting)
  const token = async () => {
    const result = await application.acquireTokenByClientCredential({ scopes: ["benchmark/.default"] })
    if (!result?.accessToken) throw new Error("There is no token.")
    return result.accessToken
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

export const msal: Peer = {
  name: "@azure/msal-node",
  packages: ["@azure/msal-node"],
  stack: "fetch",
  usage: "`ConfidentialClientApplication.acquireTokenByClientCredential` before each request, as its documentation " +
    "says, with `authorityMetadata` that names the endpoint; the request is `fetch`'s. It has no setting for its " +
    "margin, the last five minutes of a token, nor for the minute that it does not ask again after a 5xx.",
  cannot: {},
  open: async (setting) =>
    setting.constant === undefined ? authenticated(setting) : constantClient(setting, setting.constant)
}
