// Everyone who is measured, the library itself first.
import type { Peer } from "../Peer.ts"
import { aws } from "./aws.ts"
import { axiosOauthClient } from "./axios.ts"
import { azure } from "./azure.ts"
import { badgateway } from "./badgateway.ts"
import { google } from "./google.ts"
import { msal } from "./msal.ts"
import { openidClient } from "./openidClient.ts"
import { simpleOauth2 } from "./simpleOauth2.ts"
import { spotnana } from "./spotnana.ts"

export const peers: ReadonlyArray<Peer> = [
  spotnana,
  google,
  azure,
  badgateway,
  openidClient,
  simpleOauth2,
  axiosOauthClient,
  msal,
  aws
]
