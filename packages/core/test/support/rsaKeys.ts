import { generateKeyPairSync, type KeyObject, verify } from "node:crypto"

const pairs = new Map<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>()

/** A key pair that Node made, the same for each name. */
export const keyPair = (name: string, modulusLength = 2048) => {
  const made = pairs.get(name) ?? generateKeyPairSync("rsa", { modulusLength })
  pairs.set(name, made)
  return made
}

/** PEM as OpenSSL writes it: PKCS#8 for a private key, SPKI for a public one. */
export const pemOf = (key: KeyObject): string =>
  key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }) as string

export const jwkOf = (key: KeyObject): JsonWebKey => key.export({ format: "jwk" }) as JsonWebKey

const jsonOf = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>

/** A token as Node's own cryptography verifies it. */
export const readJwt = (token: string, publicKey: KeyObject) => {
  const [header = "", payload = "", signature = ""] = token.split(".")
  return {
    header: jsonOf(header),
    payload: jsonOf(payload),
    isSigned: verify("RSA-SHA256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"))
  }
}
