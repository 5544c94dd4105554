/** A store in memory with one defect, of the kind that a store of one's own may have. */
export interface BrokenStore {
  readonly name: string
  /** Wrong edits of the store in memory. The text of each stands in it once. */
  readonly edits: ReadonlyArray<readonly [from: string, to: string]>
  /** Whether two processes use it, each with what the module gives it. */
  readonly isShared?: boolean
  /** The case that finds it, others may too, and what that says. */
  readonly foundBy: string
  readonly says: string
}

const firstRead = "nothing is stored at first"
const manyAsk = "of 50 processes that ask at the same time, one gets the lease"
const written = "what is written is read, with its fencing token as the version, and the lease is over"
const leaseEnds = "a lease ends with its time, and its fencing token is of no use any more"
const extended = "an extended lease lasts for longer"
const shortened = "an extension counts from now, and may shorten the lease"
const released = "after a release the lease is free, and what is stored stays"
const backoff = "a backoff lasts for its time, with its failure, and what is stored stays"
const storedEnds = "what is stored ends with its time, and the next fencing token is greater all the same"
const storedLasts = "what is stored lasts for its own time"
const leaseLasts = "a lease may last for longer than what is stored"
const keys = "what is done under one key changes nothing under another"
const published = "changes are published"
const atOnce = "processes write one at a time, and every read finds the latest version, whole"

// What is edited more than once.
const isHeldBy = "lease?.fence === fence && lease.failure === undefined"
const leaseIsOver = "if (isOver(found.lease)) delete found.lease"
const entryIsOver = "if (isOver(found.entry)) delete found.entry"
const nextFence = "const fence = ++fences"
const newLease = "current.lease = { fence, until: until(time), failure: undefined }\n          return { _tag"
const extension = "current.lease = { fence, until: until(time), failure: undefined }\n          return true"
const extend = `if (!isHeldBy(current.lease, fence)) return false
          current.lease =`
const write = `if (!isHeldBy(current.lease, fence)) return false
          current.entry = { payload, version: fence, until: until(time) }
          delete current.lease
          publish(key, { _tag: "Written", version: fence })`
const release = "if (!isHeldBy(current.lease, fence)) return\n"
const backingOff = "else current.lease = { fence, until: until(backoff.time), failure: backoff.failure }"
const lookingAtEntry = "const { entry } = slot(key)\n          return"
const freeing = "if (backoff === undefined) delete current.lease"
const slotOf = "const slot = (key: string): Slot => {"
const slots = "const slots = new Map<string, Slot>()"
const fences = "let fences = 0"
const changes = "const changes = yield* PubSub.unbounded<{ readonly key: string; readonly change: Change }>()"

/** Moves state out of the store, so that all of one module have it in common. */
const shared = (...state: ReadonlyArray<string>): BrokenStore["edits"] => [
  ...state.map((line) => [line, ""] as const),
  [
    "/** Everything is synchronous, and so atomic. */",
    state.join("\n").replace("yield*", "Effect.runSync(").replace(
      "PubSub.unbounded<{ readonly key: string; readonly change: Change }>()",
      "PubSub.unbounded<{ readonly key: string; readonly change: Change }>())"
    )
  ]
]

export const brokenStores: ReadonlyArray<BrokenStore> = [
  {
    name: "something is stored from the beginning",
    edits: [[
      entryIsOver,
      "found.entry ??= { version: 0, until: Instant.after(instantOf(clock), Infinity) }"
    ]],
    foundBy: firstRead,
    says: "read: something is stored"
  },

  // The lease
  {
    name: "the lease is granted to every process that asks",
    edits: [["if (current.lease !== undefined) {", "if (current.lease?.failure !== undefined) {"]],
    foundBy: manyAsk,
    says: "leases granted: expected 1, got 50"
  },
  {
    name: "the lease is looked at, and taken in a second step",
    edits: [["Effect.sync((): Lease => {", "Effect.gen(function*() {"], [
      nextFence,
      `yield* Effect.yieldNow\n${nextFence}`
    ]],
    foundBy: manyAsk,
    says: "leases granted: expected 1, got 50"
  },
  {
    name: "a lease never ends",
    edits: [[leaseIsOver, ""]],
    foundBy: leaseEnds,
    says: "late extension without another: expected false, got true"
  },
  {
    name: "a lease is given in seconds, and kept in milliseconds",
    edits: [[newLease, newLease.replace("until(time)", "Instant.after(instantOf(clock), Duration.toSeconds(time))")]],
    foundBy: manyAsk,
    says: "lease: the time left is to be a minute or somewhat less"
  },
  {
    name: "the time left of a lease is that for which it was asked",
    edits: [["const timeLeft = left(until)", "const timeLeft = time"]],
    foundBy: extended,
    says: "later: the time left is to be less, and is 1m"
  },
  {
    name: "a lease that is over can still be written with",
    edits: [
      [leaseIsOver, ""],
      ["if (current.lease !== undefined) {", "if (!isOver(current.lease)) {"]
    ],
    foundBy: leaseEnds,
    says: "late extension without another: expected false, got true"
  },
  {
    name: "a process whose lease is over can write",
    edits: [[write, write.replace("if (!isHeldBy(current.lease, fence)) return false", "")]],
    foundBy: leaseEnds,
    says: "late write without another: expected false, got true"
  },
  {
    name: "a process can write with the lease of another",
    edits: [[isHeldBy, "lease !== undefined && lease.failure === undefined"]],
    foundBy: leaseEnds,
    says: "late write: expected false, got true"
  },
  {
    name: "a write that does nothing is reported as done",
    edits: [[write, write.replace("return false", "return true")]],
    foundBy: leaseEnds,
    says: "late write without another: expected false, got true"
  },
  {
    name: "an extension revives a lease that is over",
    edits: [[extend, "current.lease ??= { fence }\n" + extend]],
    foundBy: leaseEnds,
    says: "late extension without another: expected false, got true"
  },
  {
    name: "a process whose lease is over extends another's",
    edits: [[extend, "if (current.lease === undefined) return false\n          current.lease ="]],
    foundBy: leaseEnds,
    says: "late extension: expected false, got true"
  },
  {
    name: "a process whose lease is over releases another's",
    edits: [[release, "if (backoff !== undefined && !isHeldBy(current.lease, fence)) return\n"]],
    foundBy: leaseEnds,
    says: "after a late release: the lease is granted"
  },
  {
    name: "a process whose lease is over makes a backoff of another's lease",
    edits: [[release, "if (backoff === undefined && !isHeldBy(current.lease, fence)) return\n"]],
    foundBy: leaseEnds,
    says: "after its end: the lease is not granted"
  },
  {
    name: "an extension does nothing",
    edits: [[extension, "return true"]],
    foundBy: extended,
    says: "after the extension: the time left is to be a minute or somewhat less"
  },
  {
    name: "an extension is added to what is left",
    edits: [[
      extension,
      extension.replace("until(time)", "Instant.after(current.lease.until, Duration.toMillis(time))")
    ]],
    foundBy: shortened,
    says: "after the extension: the time left is to be above zero and at most 2s"
  },
  {
    name: "an extension never shortens",
    edits: [[
      extension,
      extension.replace(
        "until(time)",
        "Instant.after(until(time), Math.max(0, Duration.toMillis(left(current.lease.until)) - Duration.toMillis(time)))"
      )
    ]],
    foundBy: shortened,
    says: "after the extension: the time left is to be above zero and at most 2s"
  },
  {
    name: "an extension takes a new fence",
    edits: [[extension, extension.replace("fence,", "fence: ++fences,")]],
    foundBy: extended,
    says: "write: expected true, got false"
  },
  {
    name: "a release does nothing",
    edits: [[freeing, "if (backoff === undefined) {}"]],
    foundBy: released,
    says: "write after the release: expected false, got true"
  },
  {
    name: "a release forgets what is stored",
    edits: [[freeing, "if (backoff === undefined) slots.delete(key)"]],
    foundBy: released,
    says: "after the release: nothing is stored"
  },
  {
    name: "a lease that is over takes with it what is stored",
    edits: [[
      leaseIsOver,
      leaseIsOver.replace("if (", "if (found.lease && ").replace(
        "delete found.lease",
        "{ delete found.lease; delete found.entry }"
      )
    ]],
    foundBy: storedLasts,
    says: "after the end of the first, and of a lease: nothing is stored"
  },

  // The fence
  {
    name: "the fence is always the same",
    edits: [[nextFence, "const fence = 1"]],
    foundBy: written,
    says: "the fence rises: expected true, got false"
  },
  {
    name: "the fence is the last version and one",
    edits: [[nextFence, "const fence = (current.entry?.version ?? 0) + 1"]],
    foundBy: leaseEnds,
    says: "the fence rises: expected true, got false"
  },
  {
    name: "the fence begins anew once nothing is stored",
    edits: [
      [nextFence, "const fence = current.fence = (current.fence ?? 0) + 1"],
      [
        "return found\n",
        "if (found.entry === undefined && found.lease === undefined) delete found.fence\n return found\n"
      ]
    ],
    foundBy: storedEnds,
    says: "the fence rises: expected true, got false"
  },
  {
    name: "a release gives the fence back",
    edits: [[freeing, "if (backoff === undefined) { delete current.lease; fences-- }"]],
    foundBy: released,
    says: "the fence rises: expected true, got false"
  },

  // The backoff
  {
    name: "a backoff has no failure",
    edits: [[backingOff, backingOff.replace("backoff.failure", "Redacted.make(\"\")")]],
    foundBy: backoff,
    says: "in the backoff: the failure is another"
  },
  {
    name: "a backoff is a lease",
    edits: [[backingOff, backingOff.replace("backoff.failure", "undefined")]],
    foundBy: backoff,
    says: "in the backoff: a lease, and no backoff"
  },
  {
    name: "a failure is cut off after 255 characters",
    edits: [[
      backingOff,
      backingOff.replace("backoff.failure", "Redacted.make(Redacted.value(backoff.failure).slice(0, 255))")
    ]],
    foundBy: backoff,
    says: "in the backoff: the failure is another"
  },
  {
    name: "a backoff is a release",
    edits: [["if (backoff === undefined) delete", "delete"], [backingOff, ""]],
    foundBy: backoff,
    says: "in the backoff: the lease is granted"
  },
  {
    name: "a backoff lasts for the time of the lease",
    edits: [[backingOff, backingOff.replace("until(backoff.time)", "current.lease.until")]],
    foundBy: backoff,
    says: "in the backoff: the time left is to be above zero and at most 2s"
  },
  {
    name: "a backoff never ends",
    edits: [[leaseIsOver, leaseIsOver.replace("if (", "if (!found.lease?.failure && ")]],
    foundBy: backoff,
    says: "after the backoff: the lease is not granted"
  },
  {
    name: "a backoff erases what is stored",
    edits: [[backingOff, backingOff.replace("else", "else delete current.entry,")]],
    foundBy: backoff,
    says: "in the backoff: nothing is stored"
  },
  {
    name: "a process can write in its backoff",
    edits: [[write, write.replace("!isHeldBy(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: backoff,
    says: "write in the backoff: expected false, got true"
  },
  {
    name: "a backoff can be extended",
    edits: [[extend, extend.replace("!isHeldBy(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: backoff,
    says: "extension in the backoff: expected false, got true"
  },
  {
    name: "a release ends a backoff",
    edits: [[release, release.replace("!isHeldBy(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: backoff,
    says: "after a release in the backoff: the lease is granted"
  },
  {
    name: "a failure stays after its backoff",
    edits: [
      [backingOff, backingOff.replace("else", "else current.lastFailure = backoff.failure,")],
      [newLease, newLease.replace("failure: undefined", "failure: current.lastFailure")]
    ],
    foundBy: backoff,
    says: "the next lease: a backoff, and no lease"
  },

  // What is written
  {
    name: "a write does not end the lease",
    edits: [[write, write.replace("delete current.lease", "")]],
    foundBy: written,
    says: "after the write: the lease is not granted"
  },
  {
    name: "the first write stays",
    edits: [[write, write.replace("current.entry =", "current.entry ??=")]],
    foundBy: written,
    says: "next version is the next fence: expected true, got false"
  },
  {
    name: "versions are counted by themselves",
    edits: [[write, write.replace("version: fence", "version: (current.entry?.version ?? 100) + 1")]],
    foundBy: written,
    says: "version is the fence: expected true, got false"
  },
  {
    name: "what is stored is cut off at 64 KiB",
    edits: [[write, write.replace("payload,", "payload: Redacted.make(Redacted.value(payload).slice(0, 65_536)),")]],
    foundBy: written,
    says: "payload is the same: expected true, got false"
  },
  {
    name: "what is stored is Latin-1",
    edits: [[
      write,
      write.replace("payload,", "payload: Redacted.make(Redacted.value(payload).replace(/[^\\x00-\\xff]/g, \"?\")),")
    ]],
    foundBy: written,
    says: "payload is the same: expected true, got false"
  },
  {
    name: "what is stored loses the blanks at its end",
    edits: [[write, write.replace("payload,", "payload: Redacted.make(Redacted.value(payload).trimEnd()),")]],
    foundBy: written,
    says: "payload is the same: expected true, got false"
  },
  {
    name: "what is stored never ends",
    edits: [[entryIsOver, ""]],
    foundBy: storedEnds,
    says: "after its end: something is stored"
  },
  {
    name: "what is stored ends with what it replaces",
    edits: [[write, write.replace("until: until(time)", "until: current.entry?.until ?? until(time)")]],
    foundBy: storedLasts,
    says: "read: the time left is to be a minute or somewhat less"
  },
  {
    name: "what is stored ends with the lease under which it was written",
    edits: [[write, write.replace("until: until(time)", "until: current.lease.until")]],
    foundBy: storedEnds,
    says: "before its end: the time left is to be above zero and at most 2s"
  },
  {
    name: "the time left of what is stored is that of the write",
    edits: [
      [write, write.replace("until: until(time)", "time, until: until(time)")],
      ["timeLeft: left(entry.until)", "timeLeft: entry.time"]
    ],
    foundBy: storedLasts,
    says: "later: the time left is to be less, and is 1m"
  },
  {
    name: "what is stored takes the lease with it as it ends",
    edits: [[
      entryIsOver,
      entryIsOver.replace("if (", "if (found.entry && ").replace(
        "delete found.entry",
        "{ delete found.entry; delete found.lease }"
      )
    ]],
    foundBy: leaseLasts,
    says: "after the end of what is stored: the lease is granted"
  },
  {
    name: "what is stored is read in two steps",
    edits: [
      ["read: (key) =>\n        Effect.sync(() => {", "read: (key) =>\n        Effect.gen(function*() {"],
      [lookingAtEntry, "const first = slot(key).entry\n yield* Effect.sleep(1)\n const { entry } = slot(key)\n return"],
      ["payload: entry.payload", "payload: first.payload"]
    ],
    foundBy: atOnce,
    says: "payload of this version: expected true, got false"
  },
  {
    name: "nothing is stored while it is replaced",
    edits: [
      [
        "Effect.sync(() => {\n          const current = slot(key)\n          if (!isHeldBy(current.lease, fence)) return false\n          current.entry",
        "Effect.gen(function*() {\n          const current = slot(key)\n          if (!isHeldBy(current.lease, fence)) return false\n          delete current.entry\n          yield* Effect.sleep(1)\n          current.entry"
      ]
    ],
    foundBy: atOnce,
    says: "read during writes: nothing is stored"
  },
  {
    name: "what is read comes from a copy that is late",
    edits: [
      [
        write,
        write.replace(
          "current.entry =",
          "const before = current.entry\n setTimeout(() => current.copy = current.entry, 5)\n current.copy = before\n current.entry ="
        )
      ],
      [
        lookingAtEntry,
        "const { copy, entry: latest } = slot(key)\n const entry = copy ?? latest\n return"
      ]
    ],
    foundBy: atOnce,
    says: "an older version is read after a newer one: expected false, got true"
  },

  // The keys
  {
    name: "all keys are one",
    edits: [[slotOf, `${slotOf}\n key = ""`]],
    foundBy: keys,
    says: "key :other: something is stored"
  },
  {
    name: "keys are decoded",
    edits: [[slotOf, `${slotOf}\n key = decodeURIComponent(key)`]],
    foundBy: keys,
    says: "key %3Aother: something is stored"
  },
  {
    name: "keys are cut off after 64 characters",
    edits: [[slotOf, `${slotOf}\n key = key.slice(0, 64)`]],
    foundBy: keys,
    says: "something is stored"
  },
  // The changes
  {
    name: "a write is not published",
    edits: [[write, write.replace(/publish.*/, "")]],
    foundBy: published,
    says: "a write is not published"
  },
  {
    name: "a release is not published",
    edits: [[
      `${backingOff}\n          publish(key, { _tag: "Released" })`,
      `${backingOff}\n          if (backoff !== undefined) publish(key, { _tag: "Released" })`
    ]],
    foundBy: published,
    says: "a release is not published"
  },
  {
    name: "a backoff is not published",
    edits: [[
      `${backingOff}\n          publish(key, { _tag: "Released" })`,
      `${backingOff}\n          if (backoff === undefined) publish(key, { _tag: "Released" })`
    ]],
    foundBy: published,
    says: "a backoff is not published"
  },
  {
    name: "one change is published, and no other",
    edits: [["changed.key === key),", "changed.key === key),\n Stream.take(1),"]],
    foundBy: published,
    says: "a second write is not published"
  },
  {
    name: "changes are published only while elements are taken from the stream",
    edits: [
      [
        "Effect.map(PubSub.subscribe(changes), (subscription) =>\n          Stream.fromSubscription(subscription).pipe(",
        "Effect.succeed(\n          Stream.fromPubSub(changes).pipe("
      ]
    ],
    foundBy: published,
    says: "is not published"
  },

  // Two processes
  {
    name: "each process has a store of its own",
    isShared: true,
    edits: [],
    foundBy: manyAsk,
    says: "leases granted: expected 1, got 2"
  },
  {
    name: "each process counts its own fences",
    isShared: true,
    edits: shared(slots, changes),
    foundBy: written,
    says: "the fence rises: expected true, got false"
  },
  {
    name: "changes are published within the process",
    isShared: true,
    edits: shared(slots, fences),
    foundBy: published,
    says: "a write is not published"
  },
  {
    name: "what a process wrote or read it keeps for itself",
    isShared: true,
    edits: [
      ...shared(slots, fences, changes),
      ["const until =", "const copies = new Map()\n const until ="],
      [lookingAtEntry, "const entry = copies.get(key) ?? slot(key).entry\n copies.set(key, entry)\n return"],
      [write, write.replace("delete", "copies.set(key, current.entry)\n delete")]
    ],
    foundBy: written,
    says: "next version is the next fence: expected true, got false"
  }
]
