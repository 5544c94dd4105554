import { generate } from "selfsigned"

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A new certificate for this machine, signed by itself: nobody trusts it who is not told to. */
export const makeCertificate = async (): Promise<Certificate> => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [{ type: 2, value: "localhost" }, { type: 2, value: "localhost." }, { type: 7, ip: "127.0.0.1" }]
      }
    ]
  })
  return { cert, key }
}
