// The tenants of each client, and how they are kept.
import { Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Config, ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import type { Setting } from "../Peer.ts"
import { peerOf } from "../peers/load.ts"
import { spotnana, transport } from "../peers/spotnana.ts"
import { clientTenancy, layerMapTenancy } from "./tenancy.ts"
import type { Entry, Tenancy } from "./tenancy.ts"

/** The floor: what a `LayerMap` itself keeps of an entry. */
export const emptyEntry = "LayerMap, an empty entry"

/** The library with credentials that the application has as values. */
export const byValue = `${spotnana.name}, credentials as values`

class Empty extends Context.Service<Empty, Entry>()("benchmark/Empty") {}

const clientSecret = "benchmark-secret"

/** Generates the variables of any tenant, and stores none. */
const variables = ({ baseUrl }: Setting): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) => {
    const [tenant, name] = path.length === 2 ? path : [undefined, path[0]]
    const values: Readonly<Record<string, string>> = tenant === undefined
      ? { SPOTNANA_BASE_URL: baseUrl }
      : { SPOTNANA_CLIENT_ID: String(tenant), SPOTNANA_CLIENT_SECRET: clientSecret }
    const value = values[String(name)]
    return Effect.succeed(value === undefined ? undefined : ConfigProvider.makeValue(value))
  })

/** As in `examples/several-tenants.ts`: the variables of each tenant begin with its name. */
const byConfig = (setting: Setting): Tenancy =>
  layerMapTenancy(
    Layer.merge(transport(setting), ConfigProvider.layer(variables(setting))),
    TokenProvider.TokenProvider,
    (tenant) => SpotnanaHttpClient.layerConfig({ credentials: Config.nested(Credentials.config, tenant) })
  )

const withValues = (setting: Setting): Tenancy => {
  const environment = Environment.makeUnsafe({ baseUrl: setting.baseUrl })
  return layerMapTenancy(
    transport(setting),
    TokenProvider.TokenProvider,
    (clientId) => SpotnanaHttpClient.layer({ clientId, clientSecret: Redacted.make(clientSecret), environment })
  )
}

const empty = (setting: Setting): Tenancy => {
  const entry: Entry = { get: Effect.void }
  return layerMapTenancy(transport(setting), Empty, () => Layer.succeed(Empty, entry))
}

export const tenantsOf = async (name: string, setting: Setting): Promise<Tenancy> => {
  switch (name) {
    case emptyEntry:
      return empty(setting)
    case byValue:
      return withValues(setting)
    case spotnana.name:
      return byConfig(setting)
    default:
      return clientTenancy(setting, await peerOf(name))
  }
}
