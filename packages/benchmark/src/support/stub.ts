// The transport for measurements in which only the client takes time.
import type { Setting } from "../Peer.ts"

/** What the stubbed API answers. */
export const apiBody = JSON.stringify({ ok: true })

/** What the stubbed token endpoint answers. */
export const tokenBody = ({ lifetime }: Setting): string =>
  JSON.stringify({ access_token: "stub-token-0123456789abcdef", token_type: "Bearer", expires_in: lifetime })

export const json = { "content-type": "application/json" } as const

/** The body that a stubbed request to this URL is answered with, status 200. */
export const stubBody = (setting: Setting, url: string): string =>
  url === setting.tokenUrl ? tokenBody(setting) : apiBody
