// The least that a program of Node takes: it asks nobody.
import { answered } from "./given.mjs"

answered(200)
