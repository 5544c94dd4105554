import * as DateTime from "effect/DateTime"
import type { Recorded, Rotation } from "./record.ts"

/** The current state. */
export interface Facts {
  /** The existing API users. */
  readonly clientIds: ReadonlyArray<string>
  /** The API user whose credentials are in use, as far as that is known. */
  readonly inUse: string | undefined
}

/** What to do about a rotation that did not complete. */
export type Next =
  /** Nothing, because it changed nothing or is complete. */
  | { readonly _tag: "Over"; readonly isRotated: boolean }
  /** Nobody has the secret of the new user. */
  | { readonly _tag: "Undo"; readonly newClientId: string }
  /**
   * The new user is in use. The old user is revoked when all its tokens have expired. Without a time, the drain begins
   * now.
   */
  | { readonly _tag: "Finish"; readonly newClientId: string; readonly revokeAt: number | undefined }
  /** A person must decide. */
  | { readonly _tag: "ByHand"; readonly problem: string }

export const nextOf = (rotation: Rotation, { clientIds, inUse }: Facts): Next => {
  const { clientId, file, known, newClientId, revokeAt, step } = rotation
  if (newClientId === undefined) {
    const unknown = clientIds.filter((id) => !known.includes(id))
    return unknown.length === 0 ? { _tag: "Over", isRotated: false } : {
      _tag: "ByHand",
      problem: `An API user may have been created whose secret is lost. New since then: ${unknown.join(", ")}. ` +
        "Find out which of them nobody uses, and revoke it: spotnana-auth api-users revoke <client id>. If all of them " +
        "belong to somebody else, remove the record."
    }
  }
  if (!clientIds.includes(newClientId)) return { _tag: "Over", isRotated: false }
  if (!clientIds.includes(clientId)) return { _tag: "Over", isRotated: true }
  if (step === "Creating" || step === "Created") return { _tag: "Undo", newClientId }
  if (inUse === newClientId || step === "Switched" && file === undefined) {
    return { _tag: "Finish", newClientId, revokeAt: step === "Switched" ? revokeAt : undefined }
  }
  // The file is replaced atomically. If it contains the old user, it never contained the new one.
  if (step === "Switching" && file !== undefined && inUse === clientId) return { _tag: "Undo", newClientId }
  return {
    _tag: "ByHand",
    problem: (file === undefined
      ? "It is not known whether the switch command has stored the new credentials."
      : `${file} ${inUse === undefined ? "has no credentials" : `has the credentials of ${inUse}`}.`) +
      ` Both API users work, ${clientId} and the new ${newClientId}. Find out which one is used, and revoke the other: ` +
      "spotnana-auth api-users revoke <client id>"
  }
}

const timeOf = (at: number): string => DateTime.formatIso(DateTime.makeUnsafe(at)).replace(/\.\d+Z$/, "Z")

/** Which API users exist, and what to do about them. */
export const describe = ({ place, rotation }: Recorded, next: Exclude<Next, { readonly _tag: "Over" }>): string => {
  const { clientId, startedAt } = rotation
  const begun = `A rotation of ${clientId} began at ${startedAt} and is not complete.`
  const recorded = `It is recorded in ${place}, without a secret.`
  switch (next._tag) {
    case "Undo":
      return `${begun} ${clientId} works as before. Nobody has the secret of the new API user ${next.newClientId}.\n` +
        `To revoke the new one: spotnana-auth api-users rotate --resume\n${recorded}`
    case "Finish":
      return `${begun} Both API users work: the new ${next.newClientId} is in use, and ${clientId} is to be revoked` +
        `${next.revokeAt === undefined ? "" : ` at ${timeOf(next.revokeAt)}`}.\n` +
        `To continue: spotnana-auth api-users rotate --resume\n${recorded}`
    case "ByHand":
      return `${begun} ${next.problem}\n${recorded}`
  }
}
