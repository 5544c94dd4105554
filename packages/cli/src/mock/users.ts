/** The users that the mock knows unless others are named: those of `MockSpotnana`, which help is not to load. */
export const users: ReadonlyArray<string> = ["00000000-0000-4000-9000-000000000001"]
