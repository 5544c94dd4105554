import { startChild } from "./child.ts"
import type { Child } from "./child.ts"
import type { TenantsApi } from "./tenantsProcess.ts"

/** How many tenants come and go before the measurement, so that the JavaScript engine has optimized the code. */
const passing = 100

/** This many tenants, in a separate process. */
export interface Tenants {
  readonly count: number
  /** What all of them take. */
  readonly bytes: number
  readonly call: Child<TenantsApi>["call"]
  readonly close: () => Promise<void>
}

/** Starts a process with this many tenants of the client with this name. */
export const startTenants = async (name: string, count: number): Promise<Tenants> => {
  const { call, close } = startChild<TenantsApi>(new URL("tenantsProcess.ts", import.meta.url), [name])
  return { count, bytes: await call("open", { count, passing }), call, close }
}

/** The bytes that this many tenants take. */
export const bytesOf = async (name: string, count: number): Promise<number> => {
  const { bytes, close } = await startTenants(name, count)
  await close()
  return bytes
}

/** The bytes that remain after this many tenants came and went. */
export const bytesAfter = async (name: string, count: number): Promise<number> => {
  const { call, close } = startChild<TenantsApi>(new URL("tenantsProcess.ts", import.meta.url), [name])
  const bytes = await call("pass", { count, passing })
  await close()
  return bytes
}
