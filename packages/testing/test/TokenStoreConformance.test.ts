// The suite finds each store with a defect, and says what is wrong with it.
import { TokenStore } from "@effect-spotnana/core"
import { TokenStoreConformance } from "@effect-spotnana/testing"
import { assert, describe, layer } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer } from "effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import type { BrokenStore } from "./support/brokenStores.ts"
import { brokenStores } from "./support/brokenStores.ts"

type Backend = TokenStore.Backend

/** The result of each case for a store that nothing else uses: how it fails, or that it passes. */
const runCases = (makeBackend: Effect.Effect<Backend>, makeOther?: Effect.Effect<Backend>) =>
  Effect.forEach(TokenStoreConformance.cases, ({ name, run }, index) =>
    Effect.gen(function*() {
      const backend = yield* makeBackend
      const other = makeOther === undefined ? undefined : yield* makeOther
      const exit = yield* Effect.exit(run(backend, `test:client:${index}`, other))
      return [name, Exit.isSuccess(exit) ? "passes" : Cause.pretty(exit.cause)] as const
    }), { concurrency: "unbounded" })

const memory = Effect.map(
  Effect.provide(TokenStore.TokenStore, Layer.fresh(TokenStore.layerMemory)),
  ({ backend }) => backend
)

const home = resolve("packages/core/src/internal/tokenStore")
// What is edited lies elsewhere, and may need the values of a module of which the store needs the types only.
const source = readFileSync(`${home}/memory.ts`, "utf8")
  .replaceAll("import type *", "import *")
  .replaceAll(/from "(\.\.?)\//g, `from "${home}/$1/`)
const folder = resolve(".generated/broken-stores")

const makeBroken = ({ edits, name }: BrokenStore): Effect.Effect<Effect.Effect<Backend>> =>
  Effect.promise(async () => {
    const text = edits.reduce((text, [from, to]) => {
      const parts = text.split(from)
      assert.strictEqual(parts.length, 2, `${name}: how often this is in the store, and one more: ${from}`)
      return parts.join(to)
    }, source)
    const file = resolve(folder, `${name.replaceAll(/\W+/g, "-")}.ts`)
    writeFileSync(file, text)
    const { makeMemory } = await import(/* @vite-ignore */ file) as { makeMemory: () => Effect.Effect<Backend> }
    return Effect.suspend(makeMemory)
  })

/** The store in memory on a machine that is too busy at the first and at the second lease of each key: two seconds each. */
const busy = Effect.map(memory, (backend): Backend => {
  let leases = 0
  return {
    ...backend,
    lease: (key, duration) =>
      Effect.tap(backend.lease(key, duration), () => (leases += 1) <= 2 ? Effect.sleep("2.1 seconds") : Effect.void)
  }
})

class Results extends Context.Service<Results, {
  readonly memory: ReadonlyArray<readonly [name: string, message: string]>
  readonly busy: ReadonlyArray<readonly [name: string, message: string]>
  readonly broken: ReadonlyMap<string, ReadonlyMap<string, string>>
}>()("Results") {}

// All at once, and before the tests: the cases spend their time asleep.
const results = Layer.effect(
  Results,
  Effect.gen(function*() {
    mkdirSync(folder, { recursive: true })
    const stores = yield* Effect.forEach(brokenStores, makeBroken)
    const broken = yield* Effect.forEach(brokenStores, ({ isShared, name }, index) => {
      const store = stores[index]!
      return Effect.map(runCases(store, isShared ? store : undefined), (messages) => [name, new Map(messages)] as const)
    }, { concurrency: "unbounded" })
    return { memory: yield* runCases(memory), busy: yield* runCases(busy), broken: new Map(broken) }
  })
)

describe("the conformance of a store", () => {
  layer(results, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
    it.effect("the store in memory passes every case", () =>
      Effect.gen(function*() {
        const { memory } = yield* Results
        assert.deepStrictEqual(memory, memory.map(([name]) => [name, "passes"] as const))
      }))

    it.effect("a machine that is busy for seconds does not make a store fail", () =>
      Effect.gen(function*() {
        const { busy } = yield* Results
        assert.deepStrictEqual(busy, busy.map(([name]) => [name, "passes"] as const))
      }))

    for (const { foundBy, name, says } of brokenStores) {
      it.effect(`finds: ${name}`, () =>
        Effect.gen(function*() {
          const { broken } = yield* Results
          assert.include(broken.get(name)?.get(foundBy), says)
        }))
    }

    it.effect("no case is there for nothing", () =>
      Effect.sync(() => {
        const used = new Set(brokenStores.map(({ foundBy }) => foundBy))
        assert.deepStrictEqual([...used].toSorted(), TokenStoreConformance.cases.map(({ name }) => name).toSorted())
      }))
  })
})
