/**
 * What a client that shares no code with us says about two places: rclone reads both whole. Only
 * `npm run test:rclone` asks for it; everywhere else tests compare with our own reader alone.
 */
import {
  type BlobRemote,
  Rclone,
  type S3Remote,
} from "../../packages/local-objects/test/rclone/rclone.ts";

const isAsked: boolean = process.env["CLOUDPHOENIX_SECOND_OPINION"] === "rclone";

/** Names of `bucket` that differ in content between the two, as rclone sees it; none if nobody is asked. */
export async function differencesByRclone(
  primary: S3Remote,
  standby: S3Remote | BlobRemote,
  bucket: string,
): Promise<readonly string[]> {
  if (!isAsked) return [];
  const rclone = await Rclone.open(primary, standby);
  try {
    return await rclone.differences(`primary:${bucket}`, `standby:${bucket}`);
  } finally {
    await rclone.close();
  }
}
