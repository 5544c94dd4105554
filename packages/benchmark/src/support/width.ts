import type { Client } from "../Peer.ts"

/** Makes `count` requests, `width` at a time. Returns how many were not answered 200. */
export const requestAll = async (client: Client, count: number, width: number): Promise<number> => {
  let left = count
  let failed = 0
  const lane = async () => {
    while (left > 0) {
      left -= 1
      const status = await client.get("/v2/companies").catch(() => undefined)
      if (status !== 200) failed += 1
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane))
  return failed
}
