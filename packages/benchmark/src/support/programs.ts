// The programs in `start/`: each makes one token request and one call, as a plain JavaScript module.
import * as Path from "node:path"
import type { Peer } from "../Peer.ts"

export const programs = Path.resolve(import.meta.dirname, "../start")

/** The program of each peer, by a package of its own. */
const files: Readonly<Record<string, string>> = {
  "@effect-spotnana/core": "spotnana.mjs",
  "google-auth-library": "google.mjs",
  "@azure/core-rest-pipeline": "azure.mjs",
  "@azure/msal-node": "msal.mjs",
  "@smithy/core": "smithy.mjs",
  "@badgateway/oauth2-client": "badgateway.mjs",
  "openid-client": "openidClient.mjs",
  "simple-oauth2": "simpleOauth2.mjs",
  "axios-oauth-client": "axios.mjs"
}

export const programOf = ({ name, packages }: Peer): string => {
  const found = packages.flatMap((name) => files[name] ?? [])[0]
  if (found === undefined) throw new Error(`There is no program of ${name} in ${programs}.`)
  return found
}

/** The library and its floor, with all modules of a package imported, each by its own path, and over `node:http`. */
export const ways = [
  { way: "", library: "spotnana.mjs", floor: "constant.mjs" },
  { way: ", by sub-paths", library: "spotnanaSubpaths.mjs", floor: "constantSubpaths.mjs" },
  { way: ", over node:http", library: "spotnanaNodeHttp.mjs", floor: "constantNodeHttp.mjs" }
] as const

/** google-auth-library over the `fetch` of Node instead of its own default. */
export const googleFetch = "googleFetch.mjs"

/** Programs without a client. */
export const nothing = "nothing.mjs"
export const bareFetch = "fetch.mjs"
export const constantBearer = "constant.mjs"
