/**
 * Which names of a place are objects of somebody, in one place: whoever compares, copies or deletes asks here,
 * most of them through `mergeListings`.
 *
 * 1. The empty name is the mark that a console leaves for the folder itself: nothing that is in it.
 * 2. A canary is ours, of the place itself or of a place within it (a bucket whose folder is followed). Exactly
 *    what we write: a folder `.cloudphoenix` with anything else in it is somebody's.
 */

/** Name of the canary below the prefix of its place. Nobody else may write it. */
export const CANARY_NAME = ".cloudphoenix/canary";

/** Whether what is stored under `name` takes part in comparing, copying and deleting. */
export function takesPart(name: string): boolean {
  return name !== "" && name !== CANARY_NAME && !name.endsWith(`/${CANARY_NAME}`);
}
