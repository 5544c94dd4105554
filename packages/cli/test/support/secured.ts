import { MockSpotnana } from "@effect-spotnana/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { createServer } from "node:https"
import * as Tls from "node:tls"
import { makeCertificateWith } from "../../../core/test/support/certificate.ts"
import type { Options as CertificateOptions } from "../../../core/test/support/certificate.ts"
import { clientId, clientSecret, makeUser, variables } from "./cli.ts"

/** Makes this process trust a certificate until the end of the test, as NODE_EXTRA_CA_CERTS does at the start of a process. */
const trust = (certificate: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Tls.getCACertificates("default")
      Tls.setDefaultCACertificates([...before, certificate])
      return before
    }),
    (before) => Effect.sync(() => Tls.setDefaultCACertificates(before))
  )

/** A Spotnana behind a certificate of its own, and what makes the command line trust that. */
export const secured = (options: CertificateOptions = {}) =>
  Effect.gen(function*() {
    const certificate = yield* Effect.promise(() => makeCertificateWith(options))
    const server = NodeHttpServer.layer(() => createServer(certificate), { port: 0, host: "127.0.0.1" })
    const services = yield* Layer.build(MockSpotnana.layerServer.pipe(
      Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
      Layer.provideMerge(server)
    ))
    const { SPOTNANA_BASE_URL, ...credentials } = yield* Effect.provideContext(variables, services)
    const user = yield* makeUser(credentials)
    user.write("ca.pem", certificate.cert)
    const { port } = new URL(SPOTNANA_BASE_URL)
    return {
      mock: Context.get(services, MockSpotnana.MockSpotnana),
      user,
      at: (host: string) => ({ env: { SPOTNANA_BASE_URL: `https://${host}:${port}` } }),
      port: Number(port),
      /** Makes this process trust the certificate. */
      trust: trust(certificate.cert),
      /** Makes a process trust the certificate. */
      trusted: (host: string) => ({
        env: { SPOTNANA_BASE_URL: `https://${host}:${port}`, NODE_EXTRA_CA_CERTS: user.file("ca.pem") }
      })
    }
  })
