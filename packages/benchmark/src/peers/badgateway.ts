import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client"
import type { Client, Peer, Setting } from "../Peer.ts"
import { constantClient, fetchFor, statusOf } from "../support/fetch.ts"

const authenticated = (setting: Setting): Client => {
  const send = fetchFor(setting)
  const client = new OAuth2Client({
    server: setting.baseUrl,
    tokenEndpoint: setting.tokenUrl,
    clientId: setting.clientId,
    clientSecret: setting.clientSecret,
    authenticationMethod: "client_secret_post",
    fetch: send
  })
  const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() })
  const authenticate = wrapper.mw()
  return {
    get: async (path) => statusOf(await authenticate(new Request(setting.baseUrl + path), send)),
    token: () => wrapper.getAccessToken(),
    // Its only timer is set only for a token that came with a refresh token.
    close: async () => {}
  }
}

export const badgateway: Peer = {
  name: "@badgateway/oauth2-client",
  packages: ["@badgateway/oauth2-client"],
  stack: "fetch",
  replays: true,
  usage:
    "`OAuth2Fetch` over `OAuth2Client`, as in \"Fetch Wrapper\" of its README, by its middleware `mw`, which its " +
    "`fetch` is made of. It has no margin to be set.",
  cannot: {},
  open: async (setting) =>
    setting.constant === undefined ? authenticated(setting) : constantClient(setting, setting.constant)
}
