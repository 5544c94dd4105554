import { SpotnanaHttpClient } from "@effect-spotnana/core"
import type { TokenProvider } from "@effect-spotnana/core"
import type * as Config from "effect/Config"
import type * as FileSystem from "effect/FileSystem"
import { FetchHttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import * as Configuration from "./configuration.ts"
import type { Failure } from "./exitCode.ts"
import type { Output } from "./output.ts"

/** The flags of every command that needs a token. */
export const flags = { ...Configuration.flags }

export interface Input extends Configuration.Input {}

/** The library as the command line uses it: credentials from the configuration. */
export const layer = (
  input: Input
): Layer.Layer<
  SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider,
  Config.ConfigError | Failure,
  FileSystem.FileSystem | Output
> =>
  SpotnanaHttpClient.layerConfig().pipe(
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(Configuration.layer(input))
  )
