/**
 * Where objects are. Never holds a credential.
 *
 * - `s3://bucket?region=us-east-1`                    Amazon S3
 * - `s3://bucket?region=…&endpoint=https://host:port` anything that speaks S3, path style
 * - `azblob://account/container`                      Azure Blob Storage
 * - `azblob://account/container?endpoint=http://…`    an emulator; the account is the first part of its paths
 */

/** A parsed address. */
export type StorageAddress =
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Null: as the SDK finds it. */
      readonly region: string | null;
      /** An origin; null: Amazon's own. */
      readonly endpoint: string | null;
    }
  | {
      readonly kind: "azblob";
      readonly account: string;
      readonly container: string;
      /** An origin; null: Azure's own. */
      readonly endpoint: string | null;
    };

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ACCOUNT = /^[a-z0-9]{3,24}$/;
const CONTAINER = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;
const REGION = /^[a-z0-9-]{1,40}$/;
const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The address in `text`, or the sentence that says what is wrong with it. */
export function parseStorageUrl(text: string): StorageAddress | string {
  if (!URL.canParse(text)) return "must be an s3:// or azblob:// URL";
  const url = new URL(text);
  if (url.protocol !== "s3:" && url.protocol !== "azblob:") {
    return "must be an s3:// or azblob:// URL";
  }
  if (url.username !== "" || url.password !== "") {
    return "must not hold a key; use STORAGE_KEY_ID and STORAGE_KEY";
  }
  const known = url.protocol === "s3:" ? ["region", "endpoint"] : ["endpoint"];
  const stranger = [...url.searchParams.keys()].find((name) => !known.includes(name));
  // A signature among the parameters would be one: the name is told, never the value.
  if (stranger !== undefined) return `has the parameter ${stranger}, which is not known`;
  const endpoint = url.searchParams.get("endpoint");
  const origin = endpoint === null ? null : originOf(endpoint);
  if (endpoint !== null && origin === null) {
    return "endpoint must be https://host:port, or http:// on this machine";
  }
  return url.protocol === "s3:" ? s3Address(url, origin) : blobAddress(url, origin);
}

/** For people and logs. */
export function storageAddressText(address: StorageAddress): string {
  return address.kind === "s3"
    ? `s3://${address.bucket}`
    : `azblob://${address.account}/${address.container}`;
}

function s3Address(url: URL, endpoint: string | null): StorageAddress | string {
  const bucket = url.host;
  if (!BUCKET.test(bucket)) return "must name a bucket: s3://bucket";
  if (url.pathname !== "" && url.pathname !== "/") return "must end with the bucket";
  const region = url.searchParams.get("region");
  if (region !== null && !REGION.test(region)) return "region must be one like us-east-1";
  return { kind: "s3", bucket, region, endpoint };
}

function blobAddress(url: URL, endpoint: string | null): StorageAddress | string {
  const container = url.pathname.slice(1).replace(/\/$/, "");
  if (!ACCOUNT.test(url.host) || !CONTAINER.test(container)) {
    return "must name an account and a container: azblob://account/container";
  }
  return { kind: "azblob", account: url.host, container, endpoint };
}

/** Keys and receipts do not travel in the clear, except to an emulator on the same machine. */
function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, origin, pathname, search, username } = new URL(text);
  if (pathname !== "/" || search !== "" || username !== "") return null;
  if (protocol === "https:") return origin;
  return protocol === "http:" && LOCAL.has(hostname) ? origin : null;
}
