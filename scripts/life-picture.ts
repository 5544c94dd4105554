// Draws the picture of docs/configuration.md from what the library does now.
import { Effect } from "effect"
import * as Fs from "node:fs"
import { makePicture } from "./life-picture/picture.ts"

const { svg } = await Effect.runPromise(makePicture)
Fs.writeFileSync(new URL("../docs/token-life.svg", import.meta.url), svg)
