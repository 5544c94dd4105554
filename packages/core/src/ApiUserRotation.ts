/**
 * Replaces the credentials of a running application without a lost request.
 *
 * Spotnana's own `rotate` makes the old secret and all its tokens invalid at once.
 * So this module replaces the API user by a second one: create, verify, switch,
 * drain, revoke. Spotnana advises to do so every 90 days.
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
 * - `Create`: a second API user.
 * - `Verify`: the new user gets a token and may call the API.
 * - `Switch`: the source still yields the old credentials, and then the new ones.
 * - `Revoke`: nothing has a token of the old user any more; it is deleted.
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
 * The old user is never revoked: that is the last step. If the rotation fails before
 * `switchTo` runs, it revokes the new user, and nothing is changed. After that the
 * new user stays, because somebody may be using it, and `newClientId` names it.
 *
 * @category errors
 * @since 0.1.0
 */
export class ApiUserRotationFailed extends Schema.TaggedError<ApiUserRotationFailed>()("ApiUserRotationFailed", {
  /** What happened, how things stand, and what to do. */
  message: Schema.String,
  /** The step that failed. */
  step: Step,
  /** The client id of the old user; absent where the source did not say. */
  clientId: Schema.optional(Schema.String),
  /** The client id of the new user, where there still is one. */
  newClientId: Schema.optional(Schema.String),
  /** What the step failed with; absent where nothing failed but a condition. */
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
   * Puts the new credentials where the `Credentials` service reads them: a vault, a secret of the cluster. Give it the
   * retries that it needs.
   */
  readonly switchTo: (credentials: Credentials.ClientCredentials) => Effect.Effect<unknown, unknown, R>
  /** What the new user is to be. Default: a TMC administrator, as the old one if it rotates itself. */
  readonly user?: ApiUsers.CreateOptions | undefined
  /**
   * Runs as soon as there is a new user, with both client ids and no secret: to keep a record of what is under way, in case
   * the process is killed. If it fails, the new user is revoked. Default: nothing.
   */
  readonly onCreated?:
    | ((users: { readonly clientId: string; readonly newClientId: string }) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /**
   * Proves that the new user can do what the application needs. The client is the new user's own; an answer that is not
   * 2xx is a `SpotnanaApiError`. Default: it lists the API users, or, as a company administrator, one company.
   */
  readonly verify?:
    | ((client: HttpClient.HttpClient.With<ApiUsers.ApiUsersError>) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /**
   * How long the verification is tried again, and how long the source may take to yield the new credentials: longer than
   * what it caches, if it does. Default: 5 minutes.
   */
  readonly stepTimeout?: Duration.Input | undefined
  /**
   * How long to wait between switch and revocation, until the last token of the old user has expired everywhere. Default:
   * the lifetime of the new user's token, and 5 minutes. A process whose source caches the credentials may request a token
   * of the old user for as long as it caches them: add that to a token's lifetime where it is more than 5 minutes. Zero is
   * for one process: its requests in flight get a 401 and are sent again, but for those whose body can be sent once only.
   */
  readonly drain?: Duration.Input | undefined
}

/**
 * Replaces the API user whose credentials the `Credentials` service yields, and
 * returns the new ones.
 *
 * **Details**
 *
 * `SpotnanaHttpClient` is the client of a TMC administrator: the application's
 * own, if its user is one, or another. `Credentials` is the source to be
 * switched. The old user is revoked by the new one, or by the administrator
 * where the new one is a company administrator; and only if the source still
 * yields the new credentials then.
 *
 * The source is read again right before the switch. Where another rotation has
 * replaced the old user by then, this one revokes its own new user and fails.
 *
 * If it is interrupted before the switch, it revokes the new user, and nothing is
 * changed. If it is interrupted later, both users stay, and a warning names them. If
 * it is interrupted while it revokes the old user, the warning says that the old
 * user may be revoked. Requests that make or delete a user are not interrupted; they
 * take 30 seconds at most.
 *
 * **Gotchas**
 *
 * A process that is killed between creation and revocation leaves the new user
 * behind. `ApiUsers.list` shows it, and `onCreated` can name it in a record; it
 * counts towards the quota of five.
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
    const source = yield* Credentials.Credentials
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
          undoing("Verify", "The new API user does not do what it is for")
        )
        yield* Steps.assertUnchanged(undoing, restore(retrying(source.current, stepTimeout)), clientId)
        const drain = givenDrain ?? Duration.sum(lifetime(token), Duration.minutes(5))
        const switchTo = Effect.suspend(() => options.switchTo(created))
        yield* restore(
          Effect.andThen(Steps.switchOver(switchTo, source, created, both, stepTimeout), Effect.sleep(drain))
        ).pipe(Effect.onInterrupt(() => Steps.warn("Rotation interrupted: both API users work", both)))
        yield* restore(Steps.finish(revoker, source, created, both, stepTimeout)).pipe(
          Effect.onInterrupt(() => Steps.warn("Rotation interrupted: the old API user may be revoked", both))
        )
        return created
      })
    )
  }).pipe(Effect.mapError((failure) => new ApiUserRotationFailed(failure)), Effect.scoped)
