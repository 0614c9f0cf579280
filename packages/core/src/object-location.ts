/** Where objects are, as far as two places can be told apart: no credential, no option. */
export interface ObjectLocation {
  /** The server, or the cloud's own. */
  readonly server: string;
  /** Bucket, or account and container. */
  readonly container: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
}

const AMAZON = /(?:^|\.)amazonaws\.com(?:\.cn)?$/;

/**
 * @param endpoint - a server other than the cloud's own, as somebody named it; servers of the cloud
 *   itself are one, whichever name of them was used
 */
export function objectLocation(
  kind: "s3" | "azblob",
  { container, prefix }: Pick<ObjectLocation, "container" | "prefix">,
  endpoint: { readonly hostname: string; readonly href: string } | null,
): ObjectLocation {
  const own =
    endpoint === null ||
    (kind === "s3" ? AMAZON.test(endpoint.hostname) : isAccount(container, endpoint.hostname));
  return { server: own ? kind : endpoint.href.replace(/\/+$/, ""), container, prefix };
}

/** Whether one of two places holds the other, or they are one. */
export function locationsOverlap(one: ObjectLocation, other: ObjectLocation): boolean {
  const sameContainer = one.server === other.server && one.container === other.container;
  return (
    sameContainer && (one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix))
  );
}

function isAccount(container: string, hostname: string): boolean {
  return hostname === `${container.split("/")[0] ?? ""}.blob.core.windows.net`;
}
