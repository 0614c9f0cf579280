/** The two ways in which what an adapter asks does not answer; both are tested, they differ. */

/** `refusing`: connections are refused or break. `silent`: whatever is sent vanishes. */
export type OutOfReach = "refusing" | "silent";

export const OUT_OF_REACH: readonly OutOfReach[] = ["refusing", "silent"];
