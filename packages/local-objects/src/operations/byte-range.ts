/** Which bytes of an object a read means. */
import { S3Error } from "../s3/s3-error.ts";
import type { ByteRange } from "../store/file-store.ts";

/**
 * Reads a `Range` header: `bytes=1-5`, `bytes=5-`, `bytes=-5`. Null if there is none, or one that
 * HTTP says to ignore (several ranges, another unit, last before first).
 * @throws {S3Error} `InvalidRange` if the object has no such byte
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | null {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/u.exec(header ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return null;
  if (from === "") {
    if (Number(to) === 0 || sizeBytes === 0) throw unsatisfiable(header, sizeBytes);
    return { first: Math.max(sizeBytes - Number(to), 0), last: sizeBytes - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return null;
  if (first >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { first, last: to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) };
}

function unsatisfiable(header: string | undefined, sizeBytes: number): S3Error {
  return new S3Error("InvalidRange", {
    details: { RangeRequested: header ?? "", ActualObjectSize: String(sizeBytes) },
    headers: { "content-range": `bytes */${sizeBytes}` },
  });
}
