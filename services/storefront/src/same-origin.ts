/** Refuses forms that another site's page sends in the name of whoever looks at it. */
import { type ErrorKind, ServiceError } from "@cloudphoenix/chassis";
import type { FastifyRequest } from "fastify";

const CROSS_SITE: ErrorKind = {
  code: "CROSS_SITE",
  status: 403,
  title: "The form was sent from another site",
  retryable: false,
};

/**
 * Browsers say where a form comes from. What says nothing is no browser, and holds nothing that
 * another site could make use of.
 * @throws {ServiceError} `CROSS_SITE`
 */
export function requireSameOrigin({
  headers,
  host,
}: Pick<FastifyRequest, "headers" | "host">): void {
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  const foreign =
    site === undefined
      ? origin !== undefined && hostOf(origin) !== host
      : site !== "same-origin" && site !== "none";
  if (foreign) throw new ServiceError(CROSS_SITE, "Open the shop itself and order there.");
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
