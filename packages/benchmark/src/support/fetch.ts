// The requests for peers that leave them to `fetch`.
import type { Client, Setting } from "../Peer.ts"
import { json, stubBody } from "./stub.ts"

/**
 * `fetch`, or a function that answers at once. For the API it always returns the same response, whose body is empty.
 */
export const fetchFor = (setting: Setting): typeof fetch => {
  if (!setting.stubbed) return fetch
  const answer = new Response(undefined, { headers: json })
  return async (input) =>
    input === setting.tokenUrl ? new Response(stubBody(setting, input), { headers: json }) : answer
}

/** The status, once the body is read. */
export const statusOf = async (response: Response): Promise<number> => {
  if (response.body !== null) await response.text()
  return response.status
}

/** The floor: `fetch` with a token that never changes. */
export const constantClient = (setting: Setting, bearer: string): Client => {
  const send = fetchFor(setting)
  const init = { headers: { authorization: `Bearer ${bearer}` } }
  return {
    get: async (path) => statusOf(await send(setting.baseUrl + path, init)),
    token: async () => bearer,
    close: async () => {}
  }
}
