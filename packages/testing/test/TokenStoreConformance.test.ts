// A suite that finds nothing proves nothing: each store with a defect is found, and told what is wrong with it.
import { TokenStore } from "@effect-spotnana/core"
import { TokenStoreConformance } from "@effect-spotnana/testing"
import { assert, describe, layer } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer } from "effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import type { BrokenStore } from "./support/brokenStores.ts"
import { brokenStores } from "./support/brokenStores.ts"

type Backend = TokenStore.Backend

/** What each case says of a store that nothing else uses: how it fails, or that it passes. */
const judge = (makeBackend: Effect.Effect<Backend>, makeOther?: Effect.Effect<Backend>) =>
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

const home = resolve("packages/core/src/internal")
// What is edited lies elsewhere, and may need the values of a module of which the store needs the types only.
const source = readFileSync(`${home}/memoryBackend.ts`, "utf8")
  .replaceAll("import type *", "import *")
  .replaceAll("from \"./", `from "${home}/`)
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

class Verdicts extends Context.Service<Verdicts, {
  readonly memory: ReadonlyArray<readonly [name: string, message: string]>
  readonly broken: ReadonlyMap<string, ReadonlyMap<string, string>>
}>()("Verdicts") {}

// All at once, and before the tests: the cases spend their time asleep.
const verdicts = Layer.effect(
  Verdicts,
  Effect.gen(function*() {
    mkdirSync(folder, { recursive: true })
    const stores = yield* Effect.forEach(brokenStores, makeBroken)
    const broken = yield* Effect.forEach(brokenStores, ({ isShared, name }, index) => {
      const store = stores[index]!
      return Effect.map(judge(store, isShared ? store : undefined), (messages) => [name, new Map(messages)] as const)
    }, { concurrency: "unbounded" })
    return { memory: yield* judge(memory), broken: new Map(broken) }
  })
)

describe("the conformance of a store", () => {
  layer(verdicts, { excludeTestServices: true, timeout: "30 seconds" })((it) => {
    it.effect("the store in memory passes every case", () =>
      Effect.gen(function*() {
        const { memory } = yield* Verdicts
        assert.deepStrictEqual(memory, memory.map(([name]) => [name, "passes"] as const))
      }))

    for (const { foundBy, name, says } of brokenStores) {
      it.effect(`finds: ${name}`, () =>
        Effect.gen(function*() {
          const { broken } = yield* Verdicts
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
