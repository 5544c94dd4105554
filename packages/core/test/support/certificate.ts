import * as X509 from "@peculiar/x509"
import type { JsonGeneralName } from "@peculiar/x509"
import { KeyObject } from "node:crypto"

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What is different about a certificate. */
export interface Options {
  /** Default: the names of this machine. */
  readonly names?: ReadonlyArray<JsonGeneralName>
  /** The name of who signed it. Default: localhost. */
  readonly issuer?: string
  /** Default: now. */
  readonly notBeforeDate?: Date
  /** Default: a year later. */
  readonly notAfterDate?: Date
}

const thisMachine: ReadonlyArray<JsonGeneralName> = [
  { type: "dns", value: "localhost" },
  { type: "dns", value: "localhost." },
  { type: "ip", value: "127.0.0.1" }
]

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

/** A new certificate, signed by itself: nobody trusts it who is not told to. */
export const makeCertificateWith = async (
  { issuer = "localhost", names = thisMachine, notAfterDate, notBeforeDate = new Date() }: Options
): Promise<Certificate> => {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const certificate = await X509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [issuer] }],
    keys,
    signingAlgorithm: algorithm,
    notBefore: notBeforeDate,
    notAfter: notAfterDate ?? new Date(notBeforeDate.getTime() + 365 * 24 * 60 * 60 * 1000),
    extensions: [new X509.BasicConstraintsExtension(true), new X509.SubjectAlternativeNameExtension([...names])]
  })
  return {
    cert: certificate.toString("pem"),
    key: KeyObject.from(keys.privateKey).export({ format: "pem", type: "pkcs8" }).toString()
  }
}

/** A new certificate for this machine, signed by itself. */
export const makeCertificate = (): Promise<Certificate> => makeCertificateWith({})
