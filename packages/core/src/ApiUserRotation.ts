/**
 * Replaces the credentials of a running application without a lost request.
 *
 * Spotnana's own `rotate` makes the old secret and all its tokens invalid at
 * once. So this module replaces the API user by a second one: create, verify,
 * switch, drain, revoke. Spotnana recommends this every 90 days.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { lifetime } from "./AccessToken.ts"
import * as ApiUsers from "./ApiUsers.ts"
import * as Credentials from "./Credentials.ts"
import { names } from "./internal/apiUserRotation/step.ts"
import * as Steps from "./internal/apiUserRotation/steps.ts"
import { duration } from "./internal/options.ts"
import { retrying } from "./internal/rotation.ts"
import { filterStatusOk } from "./SpotnanaApiError.ts"
import { SpotnanaHttpClient } from "./SpotnanaHttpClient.ts"
import type { TokenEndpoint } from "./TokenEndpoint.ts"

/**
 * A step of the rotation.
 *
 * **Details**
 *
 * - `Check`: the credentials in use belong to an API user of this TMC.
 * - `Create`: a second API user is created.
 * - `Verify`: the new user gets a token and may call the API.
 * - `Switch`: the new credentials are stored, and the source yields them instead
 *   of the old ones.
 * - `Revoke`: all tokens of the old user have expired, and the user is deleted.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = /* #__PURE__ */ Schema.Literals(names)

/**
 * A step of the rotation.
 *
 * @category models
 * @since 0.1.0
 */
export type Step = typeof Step.Type

/**
 * The rotation did not complete.
 *
 * **Details**
 *
 * If `step` is not `Revoke`, the old user was not revoked. If the rotation fails
 * before `switchTo` runs, it revokes the new user, and nothing is changed. If it
 * fails later, the new user stays, because somebody may be using it, and
 * `newClientId` names it.
 *
 * @category errors
 * @since 0.1.0
 */
export class ApiUserRotationFailed extends Schema.TaggedError<ApiUserRotationFailed>()("ApiUserRotationFailed", {
  /** What happened, which API users exist now, and what to do. */
  message: Schema.String,
  /** The step that failed. */
  step: Step,
  /** The client id of the old user. Absent if the source of the credentials failed. */
  clientId: Schema.optional(Schema.String),
  /** The client id of the new user, if it still exists. */
  newClientId: Schema.optional(Schema.String),
  /** The error of the step. Absent if the step failed because a condition was not met. */
  cause: Schema.optional(Schema.Defect())
}) {}

/**
 * How to rotate.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never> {
  /**
   * Stores the new credentials where the `Credentials` service reads them, such as a vault or a secret of the cluster.
   * It runs once: add the retries that it needs.
   */
  readonly switchTo: (credentials: Credentials.ClientCredentials) => Effect.Effect<unknown, unknown, R>
  /**
   * The role, TMC and organization of the new user. Default: a TMC administrator. A user that rotates itself is one
   * too.
   */
  readonly user?: ApiUsers.CreateOptions | undefined
  /**
   * Runs as soon as the new user is created, with both client ids and no secret. Use it to record the rotation, in case
   * the process is killed. If it fails, the new user is revoked. Default: nothing.
   */
  readonly onCreated?:
    | ((users: { readonly clientId: string; readonly newClientId: string }) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /**
   * Verifies that the new user can do what the application needs. The client sends requests as the new user. An answer
   * that is not 2xx is a `SpotnanaApiError`. Default: it lists the API users or, if the new user is a company
   * administrator, one company.
   */
  readonly verify?:
    | ((client: HttpClient.HttpClient.With<ApiUsers.ApiUsersError>) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /**
   * For how long a step is retried: the verification, the reads of the source and the revocation. If the source caches
   * the credentials, this must be longer than its cache time. Default: 5 minutes.
   */
  readonly stepTimeout?: Duration.Input | undefined
  /**
   * How long to wait between switch and revocation, until the last token of the old user has expired everywhere.
   * Default: the lifetime of the new user's token plus 5 minutes. A process whose source caches the credentials may
   * request tokens of the old user until its cache expires. If the cache time is more than 5 minutes, set `drain` to
   * the lifetime of a token plus the cache time. Zero is for a single process: its requests in flight get a 401 and are
   * sent again, except those whose body can be sent only once.
   */
  readonly drain?: Duration.Input | undefined
}

/**
 * Replaces the API user whose credentials the `Credentials` service yields, and
 * returns the new credentials.
 *
 * **Details**
 *
 * `SpotnanaHttpClient` must be the client of a TMC administrator: the
 * application's own client if its API user is one, otherwise another.
 * `Credentials` is the source that is switched. The new user revokes the old one.
 * If the new user is a company administrator, the TMC administrator revokes the
 * old one. The old user is revoked only if the source still yields the new
 * credentials.
 *
 * The source is read again right before the switch. If another rotation has
 * replaced the old user by then, this rotation revokes its own new user and
 * fails.
 *
 * If the rotation is interrupted before the switch, it revokes the new user, and
 * nothing is changed. If it is interrupted later, both users stay, and a warning
 * names them. If it is interrupted while it revokes the old user, the warning
 * says that the old user may have been revoked. Requests that create or delete a
 * user are not interrupted. Each takes at most 30 seconds.
 *
 * **Gotchas**
 *
 * A process that is killed between creation and revocation leaves the new user
 * behind, which counts towards the quota of five. `ApiUsers.list` shows it. Use
 * `onCreated` to record its client id.
 *
 * **Example** (Rotating what is in a vault)
 *
 * ```ts
 * import { ApiUserRotation, Credentials, SpotnanaHttpClient, TokenEndpoint } from "@effect-spotnana/core"
 * import { Effect, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * declare const writeVault: (credentials: Credentials.ClientCredentials) => Effect.Effect<void, Error>
 * declare const VaultCredentials: Layer.Layer<Credentials.Credentials>
 *
 * const rotate = ApiUserRotation.rotate({ switchTo: writeVault }).pipe(
 *   Effect.provide(
 *     SpotnanaHttpClient.layerCredentials().pipe(
 *       Layer.provideMerge(TokenEndpoint.layer()),
 *       Layer.provideMerge(VaultCredentials),
 *       Layer.provide(FetchHttpClient.layer)
 *     )
 *   )
 * )
 * ```
 *
 * @category rotation
 * @since 0.1.0
 */
export const rotate = <R = never>(
  options: Options<R>
): Effect.Effect<
  Credentials.ClientCredentials,
  ApiUserRotationFailed,
  SpotnanaHttpClient | TokenEndpoint | Credentials.Credentials | Exclude<R, Scope.Scope>
> =>
  Effect.gen(function*() {
    const administrator = yield* SpotnanaHttpClient
    const source = Steps.checked(yield* Credentials.Credentials)
    const stepTimeout = duration("ApiUserRotation.stepTimeout", options.stepTimeout ?? "5 minutes", 0)
    const givenDrain = options.drain === undefined ? undefined : duration("ApiUserRotation.drain", options.drain, 0)
    const users = ApiUsers.make(administrator)

    const { clientId, known } = yield* Steps.check(source, users)
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const created = yield* Steps.create(users, clientId, known, options.user)
        const both = { clientId, newClientId: created.clientId }
        const undoing = Steps.orUndo(users, both)
        yield* undoing("Create", "The new API user could not be recorded")(
          restore(Effect.suspend(() => options.onCreated?.(both) ?? Effect.void))
        )
        const next = yield* Steps.clientOf(created, administrator)
        const isCompanyAdmin = options.user?.role === "COMPANY_ADMIN"
        const revoker = isCompanyAdmin ? users : ApiUsers.make(next.client)
        const verify = Effect.suspend(() =>
          options.verify?.(filterStatusOk(next.client)) ??
            (isCompanyAdmin ? Steps.oneCompany(next.client) : revoker.list)
        )

        const token = yield* restore(Effect.andThen(retrying(verify, stepTimeout), next.token)).pipe(
          undoing("Verify", "The verification of the new API user failed")
        )
        yield* Steps.assertUnchanged(undoing, restore(retrying(source.current, stepTimeout)), clientId)
        const drain = givenDrain ?? Duration.sum(lifetime(token), Duration.minutes(5))
        const switchTo = Effect.suspend(() => options.switchTo(created))
        yield* restore(
          Effect.andThen(Steps.switchOver(switchTo, source, created, both, stepTimeout), Effect.sleep(drain))
        ).pipe(Effect.onInterrupt(() => Steps.warn("Rotation interrupted: both API users work", both)))
        yield* restore(Steps.finish(revoker, source, created, both, stepTimeout)).pipe(
          Effect.onInterrupt(() =>
            Steps.warn("Rotation interrupted: the old API user may have been revoked already", both)
          )
        )
        return created
      })
    )
  }).pipe(Effect.mapError((failure) => new ApiUserRotationFailed(failure)), Effect.scoped)
