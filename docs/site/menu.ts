// What is in the menu of the site, and in which order. A guide that is not named here comes after the others of "Guides".

export interface Group {
  readonly label: string
  /** Files of the repository. */
  readonly guides: ReadonlyArray<string>
}

export const menu: ReadonlyArray<Group> = [
  {
    label: "Start",
    guides: [
      "docs/getting-started.md",
      "docs/troubleshooting.md",
      "docs/configuration.md",
      "docs/requests.md",
      "packages/effect3/README.md",
      "docs/effect-3.md",
      "docs/errors.md",
      "docs/testing-your-application.md",
      "docs/migrating-from-get-auth-token.md",
      "docs/comparison.md"
    ]
  },
  {
    label: "Guides",
    guides: [
      "docs/tenants.md",
      "docs/sharing-tokens.md",
      "docs/rotating-credentials.md",
      "docs/acting-for-a-user.md",
      "docs/embedding.md",
      "docs/signing-subject-tokens.md",
      "docs/webhooks.md",
      "docs/scim.md",
      "docs/odd-servers.md"
    ]
  },
  {
    label: "Operation",
    guides: [
      "docs/running-in-production.md",
      "docs/observability.md",
      "docs/runtimes.md",
      "docs/fast-start.md",
      "packages/cli/README.md",
      "docs/supported-versions.md",
      "docs/dependencies.md",
      "SECURITY.md"
    ]
  },
  {
    label: "How it works",
    guides: ["docs/architecture.md", "docs/endpoints.md", "packages/engine/README.md", "packages/testing/README.md"]
  }
]

/** Names in the menu and addresses, where the file has others. */
export const names: Readonly<Record<string, { readonly title?: string; readonly slug: string }>> = {
  "packages/cli/README.md": { title: "Command line", slug: "command-line" },
  "packages/effect3/README.md": { title: "Effect 3", slug: "effect3" },
  "packages/engine/README.md": { title: "The engine", slug: "engine" },
  "packages/testing/README.md": { title: "The Spotnana for tests", slug: "mock" },
  "SECURITY.md": { slug: "security" }
}
