import { userInfo } from "node:os";

/** The name orders and approvals are given in unless `--by` says otherwise: the login name. */
export function operatorName(given: string | undefined): string {
  if (given !== undefined) return given;
  try {
    return userInfo().username;
  } catch {
    // A uid without a passwd entry (some containers) has no name; the number still identifies it.
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
