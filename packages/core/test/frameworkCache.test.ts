import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { createHash } from "node:crypto"
import { disguises } from "./support/audit.ts"
import { authenticated, onSocket } from "./support/sockets.ts"

/** How a framework decides what its `fetch` keeps. */
interface Framework {
  /** The seconds for which answers are kept where a request says nothing of it. */
  readonly revalidate: number
  /** As in a page of Next.js with `fetchCache = "force-cache"`: `no-store` counts for nothing. */
  readonly isForced?: boolean
  /** Whether it leaves requests alone that say that they are its own, as Next.js does. */
  readonly hasInternal: boolean
}

/** A `fetch` that keeps answers on disk, as Next.js 13 to 16 do: whatever the method, by a hash of the request. */
const cachingFetch = (disk: Map<string, string>, { hasInternal, isForced = false, revalidate }: Framework) => {
  const fetch = async (input: string | URL | Request, init: RequestInit & { next?: { internal?: boolean } } = {}) => {
    if (hasInternal && init.next?.internal === true) return globalThis.fetch(input, init)
    const isKept = isForced || init.cache !== "no-store" && revalidate > 0
    if (!isKept) return globalThis.fetch(input, init)
    const body = init.body instanceof Uint8Array ? Buffer.from(init.body).toString("latin1") : ""
    const { traceparent: _, b3: __, ...headers } = Object.fromEntries(new Headers(init.headers))
    const request = JSON.stringify([input, init.method, headers, body])
    const key = createHash("sha256").update(request).digest("hex")
    const kept = disk.get(key)
    if (kept !== undefined) {
      const { body, headers, status } = JSON.parse(kept)
      return new Response(Buffer.from(body, "base64"), { headers, status })
    }
    const response = await globalThis.fetch(input, init)
    if (response.status !== 200) return response
    const bytes = Buffer.from(await response.arrayBuffer())
    const answer = { headers: Object.fromEntries(response.headers), status: 200 }
    disk.set(key, JSON.stringify({ ...answer, body: bytes.toString("base64") }))
    return new Response(bytes, answer)
  }
  return fetch as typeof globalThis.fetch
}

const frameworks: ReadonlyArray<readonly [string, Framework]> = [
  ["Next.js in a page that is made anew each minute", { revalidate: 60, hasInternal: true }],
  ["Next.js in a page with fetchCache = \"force-cache\"", { revalidate: 60, isForced: true, hasInternal: true }],
  ["any framework that honours no-store", { revalidate: 60, hasInternal: false }]
]

describe.each(frameworks)("with the fetch of %s", (_, framework) => {
  it.live("invariants 3 and 9: no token is kept on disk, and none comes from there", () =>
    Effect.gen(function*() {
      const disk = new Map<string, string>()
      const mock = yield* MockSpotnana.MockSpotnana
      const live = Layer.fresh(authenticated()).pipe(
        Layer.provide(FetchHttpClient.layer),
        Layer.provide(Layer.succeed(FetchHttpClient.Fetch, cachingFetch(disk, framework)))
      )
      /** A process that makes the page. */
      const visit = Effect.gen(function*() {
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        const response = yield* client.get("/v2/companies")
        expect(response.status).toBe(200)
        return Redacted.value((yield* (yield* TokenProvider.TokenProvider).get).value)
      }).pipe(Effect.provide(live), Effect.scoped)
      const dead = yield* visit
      yield* mock.revokeTokens
      const next = yield* visit
      expect(next === dead).toBe(false)

      // What the API says is kept, as the application wants it, and no token with it.
      expect(disk.size).toBeGreaterThan(0)
      const onDisk = [...disk.values()].flatMap((
        text
      ) => [text, Buffer.from(JSON.parse(text).body, "base64").toString()])
      for (const token of [dead, next]) {
        for (const disguise of disguises(token)) {
          expect(onDisk.filter((text) => text.includes(disguise))).toEqual([])
        }
      }
    }).pipe(Effect.provide(onSocket())))
})
