import * as Engine from "@effect-spotnana/engine/Lifecycle"
import { oneOf } from "@effect-spotnana/engine/Options"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AuthError } from "../../AuthError.ts"
import type { Credentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import type { TokenEndpoint } from "../../TokenEndpoint.ts"
import { TokenStore } from "../tokenStore/tag.ts"
import { Acquisition } from "./acquisition.ts"
import { enginePolicy } from "./enginePolicy.ts"
import type { Options, Service } from "./service.ts"
import { acquisitionServices } from "./services.ts"
import { CurrentShell } from "./shell.ts"
import type { Shell } from "./shell.ts"
import { Telemetry } from "./telemetry.ts"

/** The parts of a provider, and its scope. */
export interface Parts {
  readonly endpoint: TokenEndpoint["Service"]
  readonly credentials: Credentials["Service"]
  /** The services of the layer. */
  readonly context: Context.Context<never>
  /** The provider ends when it closes. */
  readonly scope: Scope.Scope
  /** What logs and counts. Default: {@link Telemetry}. */
  readonly telemetry?: (new(...args: ConstructorParameters<typeof Telemetry>) => Telemetry) | undefined
}

/** Runs a provider. {@link serviceOf} is what its users get. */
export const makeShell = Effect.fnUntraced(function*(options: Options, parts: Parts) {
  const { credentials, endpoint, scope, telemetry = Telemetry } = parts
  const { environment } = endpoint
  const context = acquisitionServices(parts.context)
  const eager = oneOf("TokenProvider.eager", options.eager ?? false, [true, false, "background"])
  const policy = enginePolicy(options.refresh, endpoint.timeout)
  const store = yield* Effect.serviceOption(TokenStore)
  const sharing = Option.isNone(store)
    ? undefined
    : yield* Scope.provide(store.value.share(store.value.backend, endpoint), scope)
  const Shell = Context.get(context, CurrentShell)
  const shell = new Shell(
    Engine.initial(policy),
    new Acquisition(credentials, endpoint, sharing, policy.acquisitionTimeout),
    sharing,
    new telemetry(environment, context, sharing === undefined && parts.telemetry === undefined),
    context,
    scope
  )
  yield* Scope.addFinalizerExit(scope, () => shell.close)
  if (eager === true) yield* shell.get()
  if (eager === "background") shell.start()
  return shell
}) satisfies (options: Options, parts: Parts) => Effect.Effect<Shell, AuthError>

/** The shell of a service. */
const shellOf = Symbol()

/** A field that is made when it is read. An idle tenant needs only `get`, and the others take a kilobyte. */
const made = <A>(make: (shell: Shell) => A) => ({
  enumerable: true,
  get(this: { readonly [shellOf]: Shell }): A {
    return make(this[shellOf])
  }
})

/** Each service gets them as its own fields, so that a copy of the service has them too. */
const fields: { readonly [K in Exclude<keyof Service, "environment" | "get">]: { readonly get: () => Service[K] } } = {
  reject: made((shell) => (token, evidence) => shell.reject(token, evidence)),
  replacement: made((shell) => (rejected, isRepeated) => shell.replacement(rejected, isRepeated)),
  replayAccepted: made((shell) => shell.replayAccepted()),
  status: made((shell) => Effect.sync(() => shell.status())),
  changes: made((shell) => Stream.suspend(() => shell.changes()))
}

/** The service of a provider that {@link makeShell} runs. */
export const serviceOf = (environment: Environment, shell: Shell): Service => {
  const service: Pick<Service, "environment" | "get"> = { environment, get: shell.current }
  return Object.defineProperties(service, { [shellOf]: { value: shell }, ...fields }) as Service
}
