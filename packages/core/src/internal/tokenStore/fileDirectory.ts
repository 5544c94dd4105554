import * as Stored from "@effect-spotnana/engine/StoredInFiles"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { TokenStoreError } from "./contract.ts"

/** The directory of a store, which only this user can read. */
export type FileDirectory = Effect.Success<ReturnType<typeof openDirectory>>

export const isAbsent = (error: PlatformError) => error.reason._tag === "NotFound"
export const isTaken = (error: PlatformError) => error.reason._tag === "AlreadyExists"

declare const process: { readonly geteuid?: () => number } | undefined

/** The user of this process; undefined where there is none, as on Windows. */
const currentUser = (): number | undefined => {
  try {
    return typeof process === "undefined" ? undefined : process.geteuid?.()
  } catch {
    // Deno tells it only to a program that may know it, with --allow-sys=uid.
    return undefined
  }
}

export const openDirectory = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const failed = (cause: PlatformError | TokenStoreError) =>
    cause._tag === "TokenStoreError"
      ? cause
      : new TokenStoreError({ message: Stored.unusable(directory, cause.message, cause.reason.cause), cause })
  // Windows has no such modes. There, a directory in the user's profile belongs to the user.
  const hasModes = path.sep === "/"
  const assertPrivate = (place: string, close?: string) =>
    Effect.flatMap(fs.stat(place), ({ mode, uid }) => {
      const message = hasModes
        ? Stored.ofAnotherUser(place, Option.getOrUndefined(uid), currentUser()) ??
          Stored.openToOthers(place, mode, close)
        : undefined
      return message === undefined ? Effect.void : Effect.fail(new TokenStoreError({ message }))
    })
  const makePrivate = (place: string) => fs.makeDirectory(place, { recursive: true, mode: 0o700 })
  yield* Effect.mapError(makePrivate(directory), failed)
  yield* Effect.mapError(
    assertPrivate(directory, Stored.closeDirectory(path.join(directory, "spotnana"))),
    failed
  )
  return {
    fs,
    failed,
    assertPrivate,
    makePrivate,
    remove: (file: string) => Effect.ignore(fs.remove(file)),
    placeOf: (...names: ReadonlyArray<string>) => path.join(directory, ...names)
  }
})
