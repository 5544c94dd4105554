import { gaxios, OAuth2Client, PassThroughClient } from "google-auth-library"
import type { Client, Peer, Setting } from "../Peer.ts"
import type { TokenResponse } from "../support/clientCredentials.ts"
import { expiryOf, marginOf, noToken, tokenForm } from "../support/clientCredentials.ts"
import { json, stubBody } from "../support/stub.ts"

/** How requests to this URL are sent: with `fetch`, or answered at once, always with the same response. */
const transport = (setting: Setting, url: string): gaxios.GaxiosOptions => {
  if (!setting.stubbed) return { fetchImplementation: fetch }
  const answer = Object.assign(new Response(undefined, { headers: json }), { data: JSON.parse(stubBody(setting, url)) })
  return { adapter: async (config) => Object.assign(answer, { config }) }
}

/** An error status is an error to gaxios, with the response inside. */
const statusOf = (error: unknown): number => {
  if (error instanceof gaxios.GaxiosError && error.response !== undefined) return error.response.status
  throw error
}

const clientOf = (
  setting: Setting,
  request: (options: gaxios.GaxiosOptions) => Promise<gaxios.GaxiosResponse>,
  token: () => Promise<string>
): Client => ({
  get: (path) => request({ url: setting.baseUrl + path }).then(({ status }) => status, statusOf),
  token,
  close: async () => {}
})

/** The floor: its client without authentication. */
const constant = (setting: Setting, bearer: string): Client => {
  const client = new PassThroughClient({ transporterOptions: transport(setting, setting.baseUrl) })
  const headers = { authorization: `Bearer ${bearer}` }
  return clientOf(setting, (options) => client.request({ ...options, headers }), async () => bearer)
}

const authenticated = (setting: Setting): Client => {
  const client = new OAuth2Client({
    eagerRefreshThresholdMillis: marginOf(setting),
    forceRefreshOnFailure: true,
    transporterOptions: transport(setting, setting.baseUrl)
  })
  const tokenRequest: gaxios.GaxiosOptions = {
    ...transport(setting, setting.tokenUrl),
    url: setting.tokenUrl,
    method: "POST",
    validateStatus: () => true
  }
  client.refreshHandler = async () => {
    const { data, status } = await client.transporter.request<TokenResponse>({
      ...tokenRequest,
      data: tokenForm(setting)
    })
    if (status !== 200) throw noToken(status)
    return { access_token: data.access_token, expiry_date: expiryOf(data) }
  }
  return clientOf(setting, (options) => client.request(options), async () => {
    const { token } = await client.getAccessToken()
    if (typeof token !== "string") throw new Error("There is no token.")
    return token
  })
}

export const google: Peer = {
  name: "google-auth-library",
  packages: ["google-auth-library"],
  stack: "own",
  replays: true,
  usage: "`OAuth2Client.request` with a `refreshHandler` that asks for a token, as in its README, over gaxios with " +
    "`fetchImplementation: fetch`, the faster one here. `eagerRefreshThresholdMillis` is a fifth of the " +
    "lifetime, and `forceRefreshOnFailure` is on.",
  cannot: {},
  open: async (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}
