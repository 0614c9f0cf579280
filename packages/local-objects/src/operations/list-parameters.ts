/** The parameters that all listings share. */
import { listingEncode } from "../percent-encoding.ts";
import type { S3Call } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";

const PAGE_MAX = 1000;

export interface ListParameters {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  readonly max: number;
  readonly encodingType: "url" | null;
  /** How keys are written in the answer. */
  readonly encode: (key: string) => string;
}

/** @throws {S3Error} `InvalidArgument` */
export function listParametersOf({ request }: S3Call, maxName = "max-keys"): ListParameters {
  const { query } = request;
  const encodingType = query.get("encoding-type");
  if (encodingType !== undefined && encodingType !== "url") {
    throw new S3Error("InvalidArgument", {
      message: "Invalid Encoding Method specified in Request",
      details: { ArgumentName: "encoding-type", ArgumentValue: encodingType },
    });
  }
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    max: Math.min(countOf(query.get(maxName), maxName), PAGE_MAX),
    encodingType: encodingType ?? null,
    encode: encodingType === "url" ? listingEncode : (key) => key,
  };
}

function countOf(text: string | undefined, name: string): number {
  if (text === undefined || text === "") return PAGE_MAX;
  if (/^\d{1,10}$/u.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", {
    message: `Provided ${name} not an integer or within integer range`,
    details: { ArgumentName: name, ArgumentValue: text },
  });
}
