/**
 * Replaces the key that signs subject tokens, without a refused token.
 *
 * The new key is registered first. The old one is revoked after all tokens that
 * it signed have expired. The steps: add, wait, verify, switch, drain, revoke.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { isAuthError } from "./AuthError.ts"
import { duration } from "./internal/options.ts"
import { requestTimeout, retrying, toItsEnd } from "./internal/rotation.ts"
import { PartnerKeys } from "./PartnerKeys.ts"
import { publicJwk, thumbprint } from "./SigningKey.ts"
import type { PublicJwk, SigningKey } from "./SigningKey.ts"
import { SpotnanaApiError } from "./SpotnanaApiError.ts"

/**
 * A step of the rotation.
 *
 * **Details**
 *
 * - `Check`: the old key is active at Spotnana, and the new one can be used.
 * - `Add`: the new key is registered.
 * - `Verify`: caches of the keys have expired, and Spotnana accepts the new key.
 * - `Switch`: the application signs with the new key.
 * - `Revoke`: all tokens of the old key have expired, and the key is revoked.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = /* #__PURE__ */ Schema.Literals(["Check", "Add", "Verify", "Switch", "Revoke"])

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
 * If `step` is not `Revoke`, the old key still works. If the rotation fails
 * before the switch, it revokes the new key, if that may have been registered.
 * From the switch on, the new key stays, because somebody may be signing with it,
 * and `newKid` names it.
 *
 * @category errors
 * @since 0.1.0
 */
export class PartnerKeyRotationFailed
  extends Schema.TaggedError<PartnerKeyRotationFailed>()("PartnerKeyRotationFailed", {
    /** What happened, which keys are active now, and what to do. */
    message: Schema.String,
    /** The step that failed. */
    step: Step,
    /** The name of the old key. */
    kid: Schema.String,
    /** The name of the new key, if it is registered or may be. */
    newKid: Schema.optional(Schema.String),
    /** The error of the step. Absent if the step failed because a condition was not met. */
    cause: Schema.optional(Schema.Defect())
  })
{}

/**
 * How to rotate.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never> {
  /** The partner's organization, a UUID. */
  readonly companyId: string
  /** The name of the old key. */
  readonly kid: string
  /** The new key: `SigningKey.generate` makes one. */
  readonly key: SigningKey
  /**
   * Stores the new key where the application reads it, such as a vault or a secret of the cluster. It runs once: add
   * the retries that it needs. It must end only when every process signs with the new key.
   */
  readonly switchTo: (key: SigningKey) => Effect.Effect<unknown, unknown, R>
  /**
   * Verifies that Spotnana accepts the new key, by a token exchange with a token that it signed. It is retried for
   * `stepTimeout`. Default: no verification.
   */
  readonly verify?: ((key: SigningKey) => Effect.Effect<unknown, unknown, R>) | undefined
  /** How long to wait after the new key was added, until caches of the keys have expired. Default: 5 minutes. */
  readonly propagation?: Duration.Input | undefined
  /**
   * How long to wait between switch and revocation, until the last token that the old key signed has expired. Default:
   * 6 minutes, which fits the default lifetime of `SubjectToken`.
   */
  readonly drain?: Duration.Input | undefined
  /** For how long the verification and the revocation are retried. Default: 5 minutes. */
  readonly stepTimeout?: Duration.Input | undefined
}

/**
 * Replaces the key that is registered under `kid`, and returns the new public
 * key.
 *
 * **Details**
 *
 * If the rotation is interrupted before the switch, it revokes the new key. If it
 * is interrupted later, both keys stay, and a warning names them. If it is
 * interrupted while it revokes the old key, the warning says that the old key may
 * be revoked. Requests that add or revoke a key are not interrupted. Each takes
 * at most 30 seconds.
 *
 * **Gotchas**
 *
 * A process that is killed between addition and revocation leaves both keys
 * active: `PartnerKeys.list` shows them.
 *
 * **Example** (Rotating what is in a vault)
 *
 * ```ts
 * import { PartnerKeyRotation, SigningKey } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * declare const writeVault: (key: SigningKey.SigningKey) => Effect.Effect<void, Error>
 *
 * const rotate = Effect.gen(function*() {
 *   return yield* PartnerKeyRotation.rotate({
 *     companyId: "4974a66b-7493-4f41-908c-58ba81093947",
 *     kid: "my-key-1",
 *     key: yield* SigningKey.generate(),
 *     switchTo: writeVault
 *   })
 * })
 * ```
 *
 * @category rotation
 * @since 0.1.0
 */
export const rotate = <R = never>(
  options: Options<R>
): Effect.Effect<PublicJwk, PartnerKeyRotationFailed, PartnerKeys | R> =>
  Effect.gen(function*() {
    const { companyId, key, kid, switchTo } = options
    const propagation = duration("PartnerKeyRotation.propagation", options.propagation ?? "5 minutes", 0)
    const drain = duration("PartnerKeyRotation.drain", options.drain ?? "6 minutes", 0)
    const stepTimeout = duration("PartnerKeyRotation.stepTimeout", options.stepTimeout ?? "5 minutes", 0)
    const partnerKeys = yield* PartnerKeys
    const revoke = (kid: string) =>
      toItsEnd(partnerKeys.revoke(companyId, kid)).pipe(
        // 404: it is revoked already.
        Effect.catchTag("SpotnanaApiError", (error) => error.status === 404 ? Effect.void : Effect.fail(error))
      )

    const next = yield* check(partnerKeys, options)
    const both = { kid, newKid: next.kid }
    /** Before the switch nobody signs with the new key, so it is revoked. */
    const undo = (step: Step, what: string) => (cause: Cause.Cause<unknown>) =>
      Effect.gen(function*() {
        const isGone = Exit.isSuccess(yield* Effect.exit(revoke(next.kid)))
        if (!isGone) yield* warn("The new key of a rotation that was given up could not be revoked", both)
        return yield* failedWith(
          step,
          isGone ? { kid } : both,
          `${what}, and ${
            isGone ? "is not active" : `${next.kid} could not be revoked: revoke it`
          }. ${kid} works as before.`,
          cause
        )
      })

    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        yield* toItsEnd(partnerKeys.add(companyId, next)).pipe(
          Effect.catchCause((cause) =>
            Effect.gen(function*() {
              const isRefused = isRefusal(Cause.squash(cause)) && !(yield* isActive(partnerKeys, companyId, next))
              return yield* isRefused
                ? failedWith(
                  "Add",
                  { kid },
                  `The new key was refused. Nothing was changed; ${kid} works as before.`,
                  cause
                )
                : undo("Add", "The new key was not registered as it should be")(cause)
            })
          )
        )
        yield* restore(
          Effect.andThen(
            Effect.sleep(propagation),
            retrying(Effect.suspend(() => options.verify?.(key) ?? Effect.void), stepTimeout)
          )
        ).pipe(Effect.catchCause(undo("Verify", "The new key was not accepted")))
        yield* restore(
          step("Switch", both, `The switch failed, and may have been made in part. ${bothWork(both)}`)(
            Effect.suspend(() => switchTo(key))
          ).pipe(Effect.andThen(Effect.sleep(drain)))
        ).pipe(Effect.onInterrupt(() => warn("Rotation interrupted: both keys work", both)))
        yield* restore(
          step("Revoke", both, `The new key is in use; the old one could not be revoked. ${bothWork(both)}`)(
            retrying(revoke(kid), stepTimeout)
          )
        ).pipe(Effect.onInterrupt(() => warn("Rotation interrupted: the old key may have been revoked already", both)))
        return next
      })
    )
  })

/** Whether the key was refused. An active key of this name is then usually somebody else's. */
const isRefusal = (error: unknown): boolean =>
  // `NotReplayable`: the request was redirected, and may have had its effect.
  isAuthError(error) && !(error._tag === "TokenExpired" && error.reason === "NotReplayable") ||
  error instanceof SpotnanaApiError && error.status >= 400 && error.status < 500

/** Whether this very key is active: the refusal may come from the target of a redirect. */
const isActive = (partnerKeys: PartnerKeys["Service"], companyId: string, key: PublicJwk): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const expected = yield* thumbprint(key)
    const active = yield* toItsEnd(partnerKeys.list(companyId))
    return active.some(({ kid, thumbprint }) => kid === key.kid && thumbprint === expected)
  }).pipe(Effect.orElseSucceed(() => false))

interface Kids {
  readonly kid: string
  readonly newKid: string
}

const failedWith = (
  step: Step,
  kids: Pick<Kids, "kid"> & Partial<Kids>,
  message: string,
  cause: Cause.Cause<unknown>
): Effect.Effect<never, PartnerKeyRotationFailed> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause as Cause.Cause<never>)
    : Effect.fail(new PartnerKeyRotationFailed({ step, ...kids, message, cause: Cause.squash(cause) }))

/** Turns every failure and defect of a step into the error of that step. An interruption stays an interruption. */
const step =
  (name: Step, kids: Pick<Kids, "kid"> & Partial<Kids>, message: string) =>
  <A, R>(effect: Effect.Effect<A, unknown, R>) =>
    Effect.catchCause(effect, (cause) => failedWith(name, kids, message, cause))

const warn = (message: string, kids: Kids) => Effect.annotateLogs(Effect.logWarning(message), { ...kids })

const bothWork = ({ kid, newKid }: Kids) =>
  `Both keys work, ${kid} and the new ${newKid}: revoke the one that nobody signs with.`

const check = (partnerKeys: PartnerKeys["Service"], { companyId, key, kid }: Options<unknown>) =>
  Effect.gen(function*() {
    const next = yield* publicJwk(key).pipe(step("Check", { kid }, "The new key cannot be used. Nothing was changed."))
    const active = yield* Effect.timeout(partnerKeys.list(companyId), requestTimeout).pipe(
      step("Check", { kid }, "The keys cannot be listed. Nothing was changed.")
    )
    const isActive = (kid: string) => active.some((partnerKey) => partnerKey.kid === kid)
    const problem = !isActive(kid)
      ? `${kid} is not an active key of the organization.`
      : isActive(next.kid)
      ? `${next.kid} is registered already: give the new key another kid.`
      : undefined
    return problem === undefined
      ? next
      : yield* new PartnerKeyRotationFailed({ step: "Check", kid, message: `${problem} Nothing was changed.` })
  })
