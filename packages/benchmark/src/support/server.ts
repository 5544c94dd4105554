import { fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import type { Setting } from "../Peer.ts"
import type { Behaviour, Command, Counts } from "../server.ts"
import { constantBearer, defaults } from "../server.ts"

/** The server of a run, as the scenarios see it. */
export interface Server {
  readonly baseUrl: string
  /** A setting for clients of this server. */
  readonly setting: (options?: { readonly lifetime?: number; readonly constant?: boolean }) => Setting
  readonly configure: (behaviour: Partial<Behaviour>) => Promise<Counts>
  /** Makes every issued token invalid. */
  readonly revoke: () => Promise<Counts>
  /** The answers of the API are held back until `release`. Whether a token is valid is decided when it answers. */
  readonly hold: () => Promise<Counts>
  readonly release: () => Promise<Counts>
  /** Resets everything: behaviour, counts, tokens. Idle connections are closed. */
  readonly reset: () => Promise<Counts>
  readonly counts: () => Promise<Counts>
  readonly close: () => void
}

let settings = 0

const tokenPath = "/v2/auth/oauth2-token"

/** The setting for a client at this address. */
export const settingOf = (
  baseUrl: string,
  options?: { readonly lifetime?: number; readonly constant?: boolean; readonly stubbed?: boolean }
): Setting => ({
  baseUrl,
  tokenUrl: `${baseUrl}${tokenPath}`,
  // A new client id: the server counts by it. It has no character that a client would escape.
  clientId: `benchmark${settings += 1}`,
  clientSecret: "benchmark-secret",
  lifetime: options?.lifetime ?? defaults.lifetime,
  constant: options?.constant === true ? constantBearer : undefined,
  stubbed: options?.stubbed ?? false
})

export const startServer = async (): Promise<Server> => {
  const child = fork(new URL("../server.ts", import.meta.url), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const reply = async <A>(): Promise<A> => {
    const [message] = await once(child, "message")
    return message as A
  }
  const { port } = await reply<{ readonly port: number }>()
  const baseUrl = `http://127.0.0.1:${port}`
  const ask = (command: Command): Promise<Counts> => {
    const answered = reply<Counts>()
    child.send(command)
    return answered
  }
  return {
    baseUrl,
    setting: (options) => settingOf(baseUrl, options),
    configure: (behaviour) => ask({ _tag: "Configure", behaviour }),
    revoke: () => ask({ _tag: "Revoke" }),
    hold: () => ask({ _tag: "Hold" }),
    release: () => ask({ _tag: "Release" }),
    reset: async () => {
      const counts = await ask({ _tag: "Reset" })
      // Waits until the clients know about the closed connections.
      await sleep(20)
      return counts
    },
    counts: () => ask({ _tag: "Counts" }),
    close: () => child.disconnect()
  }
}
