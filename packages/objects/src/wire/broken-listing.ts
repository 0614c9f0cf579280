import { CloudPhoenixError } from "@cloudphoenix/core";

/** The error of a listing that is none: cut off, or its end not told. Nothing may be concluded from it. */
export function brokenListing(why: string): CloudPhoenixError {
  return new CloudPhoenixError("LISTING_BROKEN", `a listing cannot be used: ${why}`, {
    retryable: true,
    hint: "Try again; nothing was concluded from it.",
  });
}
