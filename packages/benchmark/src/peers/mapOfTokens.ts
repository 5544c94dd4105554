import type { Peer } from "../Peer.ts"
import { expiryOf, tokenForm } from "../support/clientCredentials.ts"
import { fetchFor } from "../support/fetch.ts"

/**
 * The minimum that keeps a token: the token itself and when it expires. Nothing is shared, renewed early or replaced.
 */
export const mapOfTokens: Peer = {
  name: "a Map of tokens",
  packages: [],
  stack: "fetch",
  usage: "A token and its expiry, which is compared with the clock.",
  cannot: {},
  open: async (setting) => {
    const send = fetchFor(setting)
    const acquire = async () => {
      const answer = await (await send(setting.tokenUrl, { method: "POST", body: tokenForm(setting) })).json()
      return { value: String(answer.access_token), expiresAt: expiryOf(answer) }
    }
    let token = await acquire()
    return {
      get: () => Promise.reject(new Error("It makes no requests.")),
      token: async () => {
        if (Date.now() >= token.expiresAt) token = await acquire()
        return token.value
      },
      close: async () => {}
    }
  }
}
