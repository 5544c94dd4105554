// Each peer is loaded by its name when it is used, so a process that measures one client does not contain the others.
import type { Peer } from "../Peer.ts"

const ours = () => import("./spotnana.ts")

/** All peers that are measured, the library itself first. */
const peers: Readonly<Record<string, () => Promise<Peer>>> = {
  "effect-spotnana": async () => (await ours()).spotnana,
  "google-auth-library": async () => (await import("./google.ts")).google,
  "@azure/core-rest-pipeline": async () => (await import("./azure.ts")).azure,
  "@badgateway/oauth2-client": async () => (await import("./badgateway.ts")).badgateway,
  "openid-client": async () => (await import("./openidClient.ts")).openidClient,
  "simple-oauth2": async () => (await import("./simpleOauth2.ts")).simpleOauth2,
  "axios-oauth-client": async () => (await import("./axios.ts")).axiosOauthClient,
  "@azure/msal-node": async () => (await import("./msal.ts")).msal,
  "@smithy/core": async () => (await import("./aws.ts")).aws
}

/** The floors with which the others are compared. */
const floors: typeof peers = {
  "HttpClient, looking at the answer": async () => (await ours()).looking,
  "a Map of tokens": async () => (await import("./mapOfTokens.ts")).mapOfTokens
}

export const peerOf = async (name: string): Promise<Peer> => {
  const load = peers[name] ?? floors[name]
  if (load === undefined) throw new Error(`There is no peer ${name}.`)
  return load()
}

export const allPeers = (): Promise<ReadonlyArray<Peer>> => Promise.all(Object.keys(peers).map(peerOf))
