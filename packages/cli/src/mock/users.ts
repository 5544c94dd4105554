/** The users that the mock knows by default: the same as in `MockSpotnana`, which help must not load. */
export const users: ReadonlyArray<string> = ["00000000-0000-4000-9000-000000000001"]
