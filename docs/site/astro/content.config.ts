/// <reference types="astro/client" />
import { docsSchema } from "@astrojs/starlight/schema"
import { glob } from "astro/loaders"
import { defineCollection } from "astro:content"

export const collections = {
  docs: defineCollection({
    loader: glob({
      base: "./pages",
      pattern: "**/*.{md,mdx}",
      generateId: ({ entry }) => entry.replace(/\.mdx?$/, "")
    }),
    schema: docsSchema()
  })
}
