// Many tenants in one process: a `LayerMap` of them, or a peer's client each.
import { Context, Effect, LayerMap, ManagedRuntime } from "effect"
import type { Layer } from "effect"
import type { HttpClient } from "effect/http"
import type { Client, Peer, Setting } from "../Peer.ts"

/** Tenants are numbers, from 0. A `Map` has, by name, what gives a token of each. */
export interface Tenancy {
  /** Makes more tenants, each with its token, until there are this many. */
  readonly open: (count: number) => Promise<void>
  /** Makes this many, and removes them again. */
  readonly pass: (count: number) => Promise<void>
  /** A token of each of these, one after the other. */
  readonly get: (tenants: Uint32Array) => Promise<void>
  /** Looks each of these up, and does no more. */
  readonly lookUp: (tenants: Uint32Array) => Promise<void>
}

const nameOf = (tenant: number): string => `TENANT${tenant}`

/** The service in an entry of a `LayerMap`. */
export interface Entry {
  readonly get: Effect.Effect<unknown, unknown>
}

/** Effects for each of these, in one fiber. */
const each = <E, R>(
  tenants: Uint32Array,
  of: (tenant: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    let next = 0
    return Effect.whileLoop({ while: () => next < tenants.length, body: () => of(tenants[next++]!), step: () => {} })
  })

/** Tenants as in `docs/tenants.md`. */
export const layerMapTenancy = <I, S extends Entry, E>(
  surroundings: Layer.Layer<HttpClient.HttpClient>,
  service: Context.Key<I, S>,
  lookup: (tenant: string) => Layer.Layer<I, E, HttpClient.HttpClient>
): Tenancy => {
  class Tenants extends LayerMap.Service<Tenants>()("benchmark/Tenants", {
    lookup,
    dependencies: [surroundings],
    idleTimeToLive: "1 hour"
  }) {}
  const runtime = ManagedRuntime.make(Tenants.layer)
  const names: Array<string> = []
  const entries = new Map<string, Entry>()
  const entryOf = (name: string) =>
    Effect.scoped(Effect.map(Tenants.contextEffect(name), (context) => Context.get(context, service)))
  return {
    open: async (count) => {
      while (names.length < count) {
        const name = nameOf(names.length)
        const entry = await runtime.runPromise(Effect.tap(entryOf(name), ({ get }) => get))
        names.push(name)
        entries.set(name, entry)
      }
    },
    pass: async (count) => {
      for (let passing = 0; passing < count; passing++) {
        const name = `PASSING${passing}`
        await runtime.runPromise(Effect.tap(entryOf(name), ({ get }) => get))
        await runtime.runPromise(Tenants.invalidate(name))
      }
    },
    get: (tenants) => runtime.runPromise(each(tenants, (tenant) => entries.get(names[tenant]!)!.get)),
    lookUp: (tenants) => runtime.runPromise(each(tenants, (tenant) => entryOf(names[tenant]!)))
  }
}

/** A client each, in a `Map`. */
export const clientTenancy = (setting: Setting, { open }: Peer): Tenancy => {
  const names: Array<string> = []
  const clients = new Map<string, Client>()
  const openOne = async (name: string): Promise<Client> => {
    const client = await open({ ...setting, clientId: name })
    await client.token()
    return client
  }
  return {
    open: async (count) => {
      while (names.length < count) {
        const name = nameOf(names.length)
        const client = await openOne(name)
        names.push(name)
        clients.set(name, client)
      }
    },
    pass: async (count) => {
      for (let passing = 0; passing < count; passing++) await (await openOne(`PASSING${passing}`)).close()
    },
    get: async (tenants) => {
      for (const tenant of tenants) await clients.get(names[tenant]!)!.token()
    },
    lookUp: async (tenants) => {
      let found = 0
      for (const tenant of tenants) if (clients.has(names[tenant]!)) found += 1
      if (found < tenants.length) throw new Error("A tenant is not there.")
    }
  }
}
