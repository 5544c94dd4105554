/**
 * Replaces the credentials of a running application without a lost request.
 *
 * Spotnana's own `rotate` kills the old secret and every token of it at once. So
 * a second API user takes over: create, verify, switch, drain, revoke. Spotnana
 * advises to do so every 90 days.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpClient } from "effect/http"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { lifetime } from "./AccessToken.ts"
import * as ApiUsers from "./ApiUsers.ts"
import * as Credentials from "./Credentials.ts"
import { duration } from "./internal/options.ts"
import { filterStatusOk } from "./SpotnanaApiError.ts"
import { authenticate, SpotnanaHttpClient } from "./SpotnanaHttpClient.ts"
import type { TokenEndpoint } from "./TokenEndpoint.ts"
import * as TokenProvider from "./TokenProvider.ts"

/**
 * A step of the rotation.
 *
 * **Details**
 *
 * - `Check`: the credentials in use belong to an API user of this TMC.
 * - `Create`: a second API user.
 * - `Verify`: the new user gets a token and may call the API.
 * - `Switch`: the source of the credentials yields the new ones.
 * - `Revoke`: nothing has a token of the old user any more; it is deleted.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = /* #__PURE__ */ Schema.Literals(["Check", "Create", "Verify", "Switch", "Revoke"])

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
 * Whatever the step, the old user works: it is revoked last, and nothing comes
 * after that. Before the switch the new user is revoked again, so that
 * everything is as it was. From the switch on it is left alone, since somebody
 * may be using it, and `newClientId` names it.
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
   * Proves that the new user can do what the application needs. The client is the new user's own; an answer that is not
   * 2xx is a `SpotnanaApiError`. Default: it lists the API users, or, as a company administrator, one company.
   */
  readonly verify?:
    | ((client: HttpClient.HttpClient.With<ApiUsers.ApiUsersError>) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /**
   * How long the verification is tried again, and how long the source may take to yield the new credentials. Default: 5
   * minutes.
   */
  readonly stepTimeout?: Duration.Input | undefined
  /**
   * How long to wait between switch and revocation, until the last token of the old user has expired everywhere. Default:
   * the lifetime of the new user's token, and a minute. Zero is for one process: its requests in flight get a 401 and are
   * sent again, but for those whose body can be sent once only.
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
 * Interrupted before the switch, it revokes the new user and leaves no trace.
 * Interrupted later, it leaves both users, and logs a warning that names them.
 * Requests that make or delete a user are not interrupted; they take 30 seconds
 * at most.
 *
 * **Gotchas**
 *
 * A process that is killed between creation and revocation leaves the new user
 * behind. `ApiUsers.list` shows it; it counts towards the quota of five.
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

    const { clientId, known } = yield* check(source, users)
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const created = yield* create(users, clientId, known, options.user)
        const both = { clientId, newClientId: created.clientId }
        const next = yield* clientOf(created, administrator)
        const isCompanyAdmin = options.user?.role === "COMPANY_ADMIN"
        const revoker = isCompanyAdmin ? users : ApiUsers.make(next.client)
        const verify = options.verify?.(filterStatusOk(next.client)) ??
          (isCompanyAdmin ? oneCompany(next.client) : revoker.list)

        const token = yield* restore(Effect.andThen(retrying(verify, stepTimeout), next.token)).pipe(
          Effect.catchCause((cause) => undo(users, both, cause))
        )
        const drain = givenDrain ?? Duration.sum(lifetime(token), Duration.minutes(1))
        yield* restore(
          switchOver(options.switchTo(created), source, created, both, stepTimeout).pipe(
            Effect.andThen(Effect.sleep(drain)),
            Effect.andThen(finish(revoker, source, created, both, stepTimeout))
          )
        ).pipe(Effect.onInterrupt(() => warn("Rotation interrupted: both API users work", both)))
        return created
      })
    )
  }).pipe(Effect.scoped)

interface Users {
  readonly clientId: string
  readonly newClientId: string
}

type Source = Credentials.Credentials["Service"]
type ApiUsersService = ApiUsers.ApiUsers["Service"]

/** Makes the error of a step out of whatever it failed or died with; an interruption stays one. */
const step = (name: Step, users: Partial<Users>, message: string) => <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.catchCause(effect, (cause) => failedWith(name, users, message, cause))

const failedWith = (
  step: Step,
  users: Partial<Users>,
  message: string,
  cause: Cause.Cause<unknown>
): Effect.Effect<never, ApiUserRotationFailed> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause as Cause.Cause<never>)
    : Effect.fail(new ApiUserRotationFailed({ step, ...users, message, cause: Cause.squash(cause) }))

const warn = (message: string, users: Users) => Effect.annotateLogs(Effect.logWarning(message), { ...users })

/** The credentials in use, if they are of an API user that the administrator can see. */
const check = (source: Source, users: ApiUsersService) =>
  Effect.gen(function*() {
    const { clientId } = yield* Effect.timeout(source.current, requestTimeout).pipe(
      step("Check", {}, "The source of the credentials failed. Nothing was changed.")
    )
    const known = yield* Effect.timeout(users.list, requestTimeout).pipe(
      step("Check", { clientId }, "The administrator cannot list the API users. Nothing was changed.")
    )
    if (known.includes(clientId)) return { clientId, known }
    return yield* new ApiUserRotationFailed({
      step: "Check",
      clientId,
      message: `${clientId} is no API user of the administrator's TMC. Nothing was changed.`
    })
  })

const create = (
  users: ApiUsersService,
  clientId: string,
  known: ReadonlyArray<string>,
  options: ApiUsers.CreateOptions | undefined
) =>
  toItsEnd(users.create(options)).pipe(
    step(
      "Create",
      { clientId },
      `No new API user; ${clientId} works as before. Five are allowed (409), unless Spotnana allows more. ` +
        "Where there was no answer one may have been created all the same: compare ApiUsers.list."
    ),
    Effect.filterOrFail(
      (created) => !known.includes(created.clientId),
      (created) =>
        new ApiUserRotationFailed({
          step: "Create",
          clientId,
          message:
            `Spotnana answered with an API user that was there already, ${created.clientId}. Nothing was revoked.`
        })
    )
  )

/** The new user's own client: the token of the application and what is remembered of its credentials are not touched. */
const clientOf = (created: Credentials.ClientCredentials, administrator: SpotnanaHttpClient["Service"]) =>
  TokenProvider.make({
    // A user that was just created may be unknown to the token endpoint for a moment.
    refresh: { mode: "onDemand", refusalTimeToLive: "1 second" }
  }).pipe(
    Effect.provideService(Credentials.Credentials, { current: Effect.succeed(created) }),
    // It fails only where it is eager.
    Effect.orDie,
    Effect.map((provider) => ({ client: authenticate(provider)(administrator), token: provider.get }))
  )

const oneCompany = (client: SpotnanaHttpClient["Service"]) =>
  filterStatusOk(client).get("/v2/companies", { urlParams: { limit: 1 } })

/** Before the switch nobody can be using the new user: it goes, and all is as it was. */
const undo = (users: ApiUsersService, both: Users, cause: Cause.Cause<unknown>) =>
  Effect.gen(function*() {
    const { clientId, newClientId } = both
    const isGone = Exit.isSuccess(yield* Effect.exit(revoke(users, newClientId)))
    if (!isGone) yield* warn("The new API user of a rotation that was given up could not be revoked", both)
    return yield* failedWith(
      "Verify",
      isGone ? { clientId } : both,
      `The new API user does not do what it is for, and ${
        isGone ? "was revoked" : `${newClientId} could not be revoked: revoke it`
      }. ${clientId} works as before.`,
      cause
    )
  })

const switchOver = <R>(
  switchTo: Effect.Effect<unknown, unknown, R>,
  source: Source,
  created: Credentials.ClientCredentials,
  both: Users,
  stepTimeout: Duration.Duration
) =>
  Effect.andThen(
    step("Switch", both, `The switch failed, and may have been made in part. ${bothWork(both)}`)(switchTo),
    step("Switch", both, `The source does not yield the new credentials. ${bothWork(both)}`)(
      retrying(yields(source, created), stepTimeout)
    )
  )

const bothWork = ({ clientId, newClientId }: Users) =>
  `Both API users work, ${clientId} and the new ${newClientId}: revoke the one that nobody uses.`

const finish = (
  revoker: ApiUsersService,
  source: Source,
  created: Credentials.ClientCredentials,
  both: Users,
  stepTimeout: Duration.Duration
) =>
  Effect.andThen(
    step("Revoke", both, `The source does not yield the new credentials any more. ${bothWork(both)}`)(
      retrying(yields(source, created), stepTimeout)
    ),
    step("Revoke", both, `The new credentials are in use; the old user could not be revoked. ${bothWork(both)}`)(
      retrying(revoke(revoker, both.clientId), stepTimeout)
    )
  )

const yields = (source: Source, created: Credentials.ClientCredentials) =>
  Effect.filterOrFail(source.current, (current) => Credentials.equals(current, created), () => undefined)

/** Revoked already is revoked. */
const revoke = (users: ApiUsersService, clientId: string) =>
  toItsEnd(users.revoke(clientId)).pipe(
    Effect.catchTag("SpotnanaApiError", (error) => error.status === 404 ? Effect.void : Effect.fail(error))
  )

const requestTimeout = Duration.seconds(30)

/** A request that must not be interrupted in the middle, and does not take for ever either. */
const toItsEnd = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  Effect.uninterruptible(Effect.timeout(request, requestTimeout))

const retrying = <A, E, R>(effect: Effect.Effect<A, E, R>, stepTimeout: Duration.Duration) =>
  Effect.retry(
    Effect.timeout(effect, requestTimeout),
    Schedule.upTo(Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("10 seconds")]), {
      duration: stepTimeout
    })
  )
