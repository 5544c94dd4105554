import { Effect, Fiber } from "effect"
import { WebCrypto } from "effect/crypto"
import { TestClock } from "effect/testing"

/**
 * The platform's cryptography, which answers with promises that no `TestClock` knows of: here it is known how many are
 * open, so that a test sets the clock forward only once there is none.
 */
export const trackedCrypto = () => {
  let open = 0
  const subtle = new Proxy(crypto.subtle, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== "function") return method
      return (...args: ReadonlyArray<unknown>) => {
        open++
        return (Reflect.apply(method, target, args) as Promise<unknown>).finally(() => void open--)
      }
    }
  })
  const tracked = new Proxy(crypto, {
    get: (target, name) => {
      if (name === "subtle") return subtle
      const member: unknown = Reflect.get(target, name)
      return typeof member === "function" ? (member.bind(target) as unknown) : member
    }
  })

  /** Returns once whatever runs waits for the clock. */
  const settle = Effect.promise(async () => {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (open > 0) quiet = -1
    }
  })

  /** Runs what waits, and sets the clock forward under it until it has ended. */
  const underTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(effect)
      yield* settle
      while (fiber.pollUnsafe() === undefined) {
        yield* TestClock.adjust("5 seconds")
        yield* settle
      }
      return yield* Fiber.join(fiber)
    })

  return { layer: WebCrypto.layer(tracked), settle, underTime }
}
