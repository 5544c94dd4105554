// Written by scripts/sync-version.ts.
export const version = "0.0.0"
