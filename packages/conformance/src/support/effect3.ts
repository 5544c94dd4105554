// The library for Effect 3 as a subject. The module is in its package, which has Effect 3 as a dependency. It is
// imported by its address, so that the types of this package do not get a second version of Effect.
/** Serves the library on one of the platform's clients. */
export const serveEffect3 = async (platform: "fetch" | "undici"): Promise<void> => {
  const subject: { readonly serveEffect3: (platform: "fetch" | "undici") => void } = await import(
    new URL("../../../effect3/test/support/subject.ts", import.meta.url).href
  )
  subject.serveEffect3(platform)
}
