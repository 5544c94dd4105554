// The picture of docs/sharing-tokens.md shows what the library does now.
import { Effect, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { disguises } from "../packages/core/test/support/audit.ts"
import { holdsOfPicture } from "./drawn.ts"
import { makePicture } from "./sharing-picture/picture.ts"
import { xmlFaults } from "./xml.ts"

const file = "docs/sharing-tokens.svg"
const { secrets, svg } = await Effect.runPromise(makePicture)

describe("the picture of the sharing", () => {
  holdsOfPicture(file, makePicture, svg)

  it("would not pass as XML if it were none", () => {
    const broken = ["<a><b></a></b>", "<a>", "<a b=\"1\" b=\"2\"/>", "<a>&</a>", "<a b=1/>", "<a/>b", "</a>"]
    expect(broken.filter((xml) => xmlFaults(xml).length === 0)).toEqual([])
  })

  it("has neither secret nor token in it", () => {
    // The secret of each of three fleets, and the five tokens that they have got.
    expect(secrets.length).toBe(3 + 5)
    const found = secrets.flatMap((secret) => disguises(Redacted.value(secret))).filter((form) => svg.includes(form))
    expect(found).toEqual([])
  })
})
