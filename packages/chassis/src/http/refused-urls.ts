/**
 * Requests that the router refuses for their path: escapes that mean nothing, parameters too long.
 *
 * Fastify runs no hook for them, so they would pass by every limit and leave no trace. They are sent
 * on the road of all others instead, to a route that refuses them at its end.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { NotFoundError } from "../errors/failures.ts";

/** A path of its own: whatever wildcards a service has, this is nearer. Asked for, it is not there. */
const REFUSED_PATH = "/.refused";

/** Why each was refused, until it gets to the end of its road. */
const refusals = new WeakMap<IncomingMessage, Error>();

/** For what Fastify calls framework errors. */
export function sendOnTheRoad(
  app: FastifyInstance,
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  refusals.set(request.raw, error);
  request.raw.url = REFUSED_PATH;
  app.routing(request.raw, reply.raw);
}

/** Adds the end of that road. After the limits: they hold for it, too. */
export function addRefusedRoute(app: FastifyInstance): void {
  app.route({
    // HEAD comes with GET.
    method: app.supportedMethods.filter((method) => method !== "HEAD"),
    url: REFUSED_PATH,
    config: { unmatched: true },
    schema: { hide: true },
    // Before a body is read: nobody wants it.
    preParsing: (request, _reply, _payload, done) => done(refusalOf(request)),
    handler: (request) => {
      throw refusalOf(request);
    },
  });
}

/** Why no route has the request: what the router said of it, or that there is nothing. */
export function refusalOf({ raw }: FastifyRequest): Error {
  return refusals.get(raw) ?? new NotFoundError("There is nothing at this path.");
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route stands for requests that match none. */
    readonly unmatched?: boolean;
  }
}
