// Draws the picture of docs/sharing-tokens.md from what the library does now.
import { Effect } from "effect"
import * as Fs from "node:fs"
import { makePicture } from "./sharing-picture/picture.ts"

const { svg } = await Effect.runPromise(makePicture)
Fs.writeFileSync(new URL("../docs/sharing-tokens.svg", import.meta.url), svg)
