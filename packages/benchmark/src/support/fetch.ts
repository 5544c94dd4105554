// The requests of the peers that leave them to `fetch`.
import type { Client, Setting } from "../Peer.ts"
import { json, stubBody } from "./stub.ts"

/** `fetch`, or what answers at once, and for the API always with the same response: it has no body to be read. */
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

/** The floor: `fetch` with a bearer that never changes. */
export const constantClient = (setting: Setting, bearer: string): Client => {
  const send = fetchFor(setting)
  const init = { headers: { authorization: `Bearer ${bearer}` } }
  return {
    get: async (path) => statusOf(await send(setting.baseUrl + path, init)),
    token: async () => bearer,
    close: async () => {}
  }
}
