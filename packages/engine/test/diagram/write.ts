// Draws the picture of README.md from the transitions that the histories of the simulation see.
import * as Fs from "node:fs"
import { draw } from "./draw.ts"
import { edges } from "./transitions.ts"

Fs.writeFileSync(new URL("../../lifecycle.svg", import.meta.url), draw(edges()))
