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
const manyAsk = "of many who ask at once one gets the lease"
const written = "what is written is read, with the fence for a version, and the lease is over"
const leaseEnds = "a lease ends with its time; who had it can do nothing any more"
const extended = "an extended lease goes on"
const shortened = "an extension is from now, and may be a shortening"
const released = "a lease that is released is free, and what is stored stays"
const pause = "a pause holds for its time, with its note, and keeps what is stored"
const storedEnds = "what is stored ends with its time, and the next fence rises all the same"
const storedLasts = "what is stored lasts for its own time"
const leaseLasts = "a lease lasts longer than what is stored"
const rejection = "a rejection is of one version, and ends with the next"
const keys = "keys have nothing to do with each other"
const told = "changes are told"
const atOnce = "of many who write one does at a time, and whoever reads finds the latest, whole"

// What is edited more than once.
const isHolder = "lease?.fence === fence && lease.note === undefined"
const leaseIsOver = "if (isOver(found.lease)) delete found.lease"
const entryIsOver = "if (isOver(found.entry)) delete found.entry"
const nextFence = "const fence = ++fences"
const newLease = "current.lease = { fence, until: until(time), note: undefined }\n          return { _tag"
const extension = "current.lease = { fence, until: until(time), note: undefined }\n          return true"
const extend = `if (!isHolder(current.lease, fence)) return false
          current.lease =`
const write = `if (!isHolder(current.lease, fence)) return false
          current.entry = { payload, version: fence, until: until(time), rejected: false }
          delete current.lease
          told(key)`
const release = "if (!isHolder(current.lease, fence)) return\n"
const pausing = "else current.lease = { fence, until: until(pause.time), note: pause.note }"
const rejecting = `if (entry?.version !== version) return
          entry.rejected = true
          told(key)`
const lookingAtEntry = "const { entry } = slot(key)\n          return"
const freeing = "if (pause === undefined) delete current.lease"
const slotOf = "const slot = (key: string): Slot => {"
const slots = "const slots = new Map<string, Slot>()"
const fences = "let fences = 0"
const changes = "const changes = yield* PubSub.unbounded<string>()"

/** Moves state out of the store, so that all of one module have it in common. */
const shared = (...state: ReadonlyArray<string>): BrokenStore["edits"] => [
  ...state.map((line) => [line, ""] as const),
  [
    "/** Everything is synchronous, and so atomic. */",
    state.join("\n").replace("yield*", "Effect.runSync(").replace(
      "PubSub.unbounded<string>()",
      "PubSub.unbounded<string>())"
    )
  ]
]

export const brokenStores: ReadonlyArray<BrokenStore> = [
  {
    name: "something is stored from the beginning",
    edits: [[
      entryIsOver,
      "found.entry ??= { version: 0, until: after(clocks.now(), Infinity) }"
    ]],
    foundBy: firstRead,
    says: "read: something is stored"
  },

  // The lease
  {
    name: "the lease is granted to whoever asks",
    edits: [["if (current.lease !== undefined) {", "if (current.lease?.note !== undefined) {"]],
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
    edits: [[newLease, newLease.replace("until(time)", "after(clocks.now(), Duration.toSeconds(time))")]],
    foundBy: manyAsk,
    says: "lease: the time left is to be a minute or somewhat less"
  },
  {
    name: "the time left of a lease is that for which it was asked",
    edits: [["timeLeft: left(current.lease.until)", "timeLeft: time"]],
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
    name: "who had the lease can write when another has it",
    edits: [[write, write.replace("if (!isHolder(current.lease, fence)) return false", "")]],
    foundBy: leaseEnds,
    says: "late write without another: expected false, got true"
  },
  {
    name: "any holder counts for each, once there is one",
    edits: [[isHolder, "lease !== undefined && lease.note === undefined"]],
    foundBy: leaseEnds,
    says: "late write: expected false, got true"
  },
  {
    name: "who had the lease hears that it wrote, and did not",
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
    name: "who had the lease extends another's",
    edits: [[extend, "if (current.lease === undefined) return false\n          current.lease ="]],
    foundBy: leaseEnds,
    says: "late extension: expected false, got true"
  },
  {
    name: "who had the lease releases another's",
    edits: [[release, "if (pause !== undefined && !isHolder(current.lease, fence)) return\n"]],
    foundBy: leaseEnds,
    says: "after a late release: the lease is granted"
  },
  {
    name: "who had the lease makes a pause of another's",
    edits: [[release, "if (pause === undefined && !isHolder(current.lease, fence)) return\n"]],
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
    edits: [[extension, extension.replace("until(time)", "after(current.lease.until, Duration.toMillis(time))")]],
    foundBy: shortened,
    says: "after the extension: the time left is to be above zero and at most 300ms"
  },
  {
    name: "an extension never shortens",
    edits: [[
      extension,
      extension.replace(
        "until(time)",
        "after(until(time), Math.max(0, clocks.left(current.lease.until) - Duration.toMillis(time)))"
      )
    ]],
    foundBy: shortened,
    says: "after the extension: the time left is to be above zero and at most 300ms"
  },
  {
    name: "an extension takes a new fence",
    edits: [[extension, extension.replace("fence,", "fence: ++fences,")]],
    foundBy: extended,
    says: "write: expected true, got false"
  },
  {
    name: "a release does nothing",
    edits: [[freeing, "if (pause === undefined) {}"]],
    foundBy: released,
    says: "write after the release: expected false, got true"
  },
  {
    name: "a release forgets what is stored",
    edits: [[freeing, "if (pause === undefined) slots.delete(key)"]],
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
    edits: [[freeing, "if (pause === undefined) { delete current.lease; fences-- }"]],
    foundBy: released,
    says: "the fence rises: expected true, got false"
  },

  // The pause
  {
    name: "a pause has no note",
    edits: [[pausing, pausing.replace("pause.note", "Redacted.make(\"\")")]],
    foundBy: pause,
    says: "in the pause: the note is another"
  },
  {
    name: "a pause is a lease",
    edits: [[pausing, pausing.replace("pause.note", "undefined")]],
    foundBy: pause,
    says: "in the pause: the note is missing"
  },
  {
    name: "a note is cut off after 255 characters",
    edits: [[pausing, pausing.replace("pause.note", "Redacted.make(Redacted.value(pause.note).slice(0, 255))")]],
    foundBy: pause,
    says: "in the pause: the note is another"
  },
  {
    name: "a pause is a release",
    edits: [["if (pause === undefined) delete", "delete"], [pausing, ""]],
    foundBy: pause,
    says: "in the pause: the lease is granted"
  },
  {
    name: "a pause lasts for the time of the lease",
    edits: [[pausing, pausing.replace("until(pause.time)", "current.lease.until")]],
    foundBy: pause,
    says: "in the pause: the time left is to be above zero and at most 300ms"
  },
  {
    name: "a pause never ends",
    edits: [[leaseIsOver, leaseIsOver.replace("if (", "if (!found.lease?.note && ")]],
    foundBy: pause,
    says: "after the pause: the lease is not granted"
  },
  {
    name: "a pause erases what is stored",
    edits: [[pausing, pausing.replace("else", "else delete current.entry,")]],
    foundBy: pause,
    says: "in the pause: nothing is stored"
  },
  {
    name: "in a pause can be written",
    edits: [[write, write.replace("!isHolder(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: pause,
    says: "write in the pause: expected false, got true"
  },
  {
    name: "a pause can be extended",
    edits: [[extend, extend.replace("!isHolder(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: pause,
    says: "extension in the pause: expected false, got true"
  },
  {
    name: "a release ends a pause",
    edits: [[release, release.replace("!isHolder(current.lease, fence)", "current.lease?.fence !== fence")]],
    foundBy: pause,
    says: "after a release in the pause: the lease is granted"
  },
  {
    name: "a note stays after its pause",
    edits: [
      [pausing, pausing.replace("else", "else current.note = pause.note,")],
      [newLease, newLease.replace("note: undefined", "note: current.note")]
    ],
    foundBy: pause,
    says: "the next lease: the note is there"
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
    says: "before its end: the time left is to be above zero and at most 300ms"
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
    name: "what is stored is away while it is replaced",
    edits: [
      [
        "Effect.sync(() => {\n          const current = slot(key)\n          if (!isHolder(current.lease, fence)) return false\n          current.entry",
        "Effect.gen(function*() {\n          const current = slot(key)\n          if (!isHolder(current.lease, fence)) return false\n          delete current.entry\n          yield* Effect.sleep(1)\n          current.entry"
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

  // The rejection
  {
    name: "a rejection does nothing",
    edits: [[rejecting, rejecting.replace("entry.rejected = true", "")]],
    foundBy: rejection,
    says: "rejected: expected true, got false"
  },
  {
    name: "a rejection is of whatever is stored",
    edits: [[rejecting, rejecting.replace("entry?.version !== version", "entry === undefined")]],
    foundBy: rejection,
    says: "rejected by a late rejection: expected false, got true"
  },
  {
    name: "a rejection is remembered beyond the next write",
    edits: [[write, write.replace("rejected: false", "rejected: current.entry?.rejected ?? false")]],
    foundBy: rejection,
    says: "rejected by an early rejection: expected false, got true"
  },
  {
    name: "what is rejected is gone",
    edits: [[rejecting, rejecting.replace("entry.rejected = true", "delete slot(key).entry")]],
    foundBy: rejection,
    says: "rejected: nothing is stored"
  },
  {
    name: "what is rejected stays for ever",
    edits: [[
      rejecting,
      rejecting.replace(
        "entry.rejected = true",
        "slot(key).entry = { ...entry, rejected: true, until: after(clocks.now(), Infinity) }"
      )
    ]],
    foundBy: rejection,
    says: "rejected: the time left is to be a minute or somewhat less, and is Infinity"
  },
  {
    name: "a rejection ends the lease of who replaces it",
    edits: [[rejecting, rejecting.replace("entry.rejected = true", "entry.rejected = true\n delete slot(key).lease")]],
    foundBy: rejection,
    says: "after a rejection: the lease is granted"
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
  {
    name: "a rejection is of that version under every key",
    edits: [[
      rejecting,
      rejecting.replace(
        "entry.rejected = true",
        "for (const { entry } of slots.values()) if (entry) entry.rejected = true"
      )
    ]],
    foundBy: keys,
    says: "key :other: rejected: expected false, got true"
  },

  // The changes
  {
    name: "a write is not told",
    edits: [[write, write.replace("told(key)", "")]],
    foundBy: told,
    says: "a write is not told"
  },
  {
    name: "a rejection is not told",
    edits: [[rejecting, rejecting.replace("told(key)", "")]],
    foundBy: told,
    says: "a rejection is not told"
  },
  {
    name: "a release is not told",
    edits: [[`${pausing}\n          told(key)`, `${pausing}\n          if (pause !== undefined) told(key)`]],
    foundBy: told,
    says: "a release is not told"
  },
  {
    name: "a pause is not told",
    edits: [[`${pausing}\n          told(key)`, `${pausing}\n          if (pause === undefined) told(key)`]],
    foundBy: told,
    says: "a pause is not told"
  },
  {
    name: "one change is told, and no other",
    edits: [["(changed) => changed === key)", "(changed) => changed === key).pipe(Stream.take(1))"]],
    foundBy: told,
    says: "a second write is not told"
  },
  {
    name: "changes are heard of only while somebody takes from the stream",
    edits: [
      [
        "Effect.map(PubSub.subscribe(changes), (subscription) =>\n          Stream.filter(Stream.fromSubscription(subscription),",
        "Effect.succeed(\n          Stream.filter(Stream.fromPubSub(changes),"
      ]
    ],
    foundBy: told,
    says: "is not told"
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
    name: "changes are told within the process",
    isShared: true,
    edits: shared(slots, fences),
    foundBy: told,
    says: "a write is not told"
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
