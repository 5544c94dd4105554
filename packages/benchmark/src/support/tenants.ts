import { startChild } from "./child.ts"
import type { Child } from "./child.ts"
import type { TenantsApi } from "./tenantsProcess.ts"

/** How many come and go before anything is measured, so that code and shapes are there. */
const passing = 100

/** So many tenants, in a process of their own. */
export interface Tenants {
  readonly count: number
  /** What all of them take. */
  readonly bytes: number
  readonly call: Child<TenantsApi>["call"]
  readonly close: () => Promise<void>
}

/** Holds so many tenants of whoever is called this. */
export const startTenants = async (name: string, count: number): Promise<Tenants> => {
  const { call, close } = startChild<TenantsApi>(new URL("tenantsProcess.ts", import.meta.url), [name])
  return { count, bytes: await call("open", { count, passing }), call, close }
}

/** The bytes that so many tenants take. */
export const bytesOf = async (name: string, count: number): Promise<number> => {
  const { bytes, close } = await startTenants(name, count)
  await close()
  return bytes
}

/** The bytes that stay of so many tenants that come and go. */
export const bytesAfter = async (name: string, count: number): Promise<number> => {
  const { call, close } = startChild<TenantsApi>(new URL("tenantsProcess.ts", import.meta.url), [name])
  const bytes = await call("pass", { count, passing })
  await close()
  return bytes
}
