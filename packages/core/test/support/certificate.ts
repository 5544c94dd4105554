import { generate } from "selfsigned"

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What is different about a certificate. */
export interface Options {
  /** Default: the names of this machine. */
  readonly names?: ReadonlyArray<{ type: 2; value: string } | { type: 7; ip: string }>
  /** The name of who signed it. Default: localhost. */
  readonly issuer?: string
  /** Default: now. */
  readonly notBeforeDate?: Date
  /** Default: a year later. */
  readonly notAfterDate?: Date
}

const thisMachine = [{ type: 2, value: "localhost" }, { type: 2, value: "localhost." }, {
  type: 7,
  ip: "127.0.0.1"
}] as const

/** A new certificate, signed by itself: nobody trusts it who is not told to. */
export const makeCertificateWith = async (
  { issuer = "localhost", names = thisMachine, ...validity }: Options
): Promise<Certificate> => {
  const { cert, private: key } = await generate([{ name: "commonName", value: issuer }], {
    ...validity,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [...names] }
    ]
  })
  return { cert, key }
}

/** A new certificate for this machine, signed by itself. */
export const makeCertificate = (): Promise<Certificate> => makeCertificateWith({})
