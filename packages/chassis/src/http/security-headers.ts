/**
 * Security headers, worked out once at start.
 *
 * The values are helmet's. Its plugin would work them out again for every request, which costs more
 * than routing, validating and logging it together; they never change, so they are recorded once.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";

/** Sources a page may load from, by directive of the content security policy. */
export type ContentPolicy = Readonly<Record<string, readonly string[]>>;

/** For an API: its answers are no pages, so nothing may be loaded and nobody may frame them. */
export const API_CONTENT_POLICY: ContentPolicy = {
  "default-src": ["'none'"],
  "frame-ancestors": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
};

/** Names in lower case and values of the headers every answer gets. @throws {Error} if `policy` is none */
export function securityHeaders(policy: ContentPolicy): Readonly<Record<string, string>> {
  const setHeaders = helmet({
    // Without its defaults: they would be merged into the policy and allow more than it says.
    contentSecurityPolicy: { useDefaults: false, directives: mutable(policy) },
    referrerPolicy: { policy: "no-referrer" },
    frameguard: { action: "deny" },
    // For browsers and plug-ins that are gone.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    xDnsPrefetchControl: false,
  });
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  setHeaders(request, response, (error) => {
    if (error !== undefined) throw error instanceof Error ? error : new Error("not a valid policy");
  });
  return Object.freeze(
    Object.fromEntries(
      Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]),
    ),
  );
}

function mutable(policy: ContentPolicy): Record<string, string[]> {
  return Object.fromEntries(Object.entries(policy).map(([name, values]) => [name, [...values]]));
}
