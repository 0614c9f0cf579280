/** The OpenAPI document of a service, made from the schemas that its requests are checked with. */
import swagger, { type SwaggerTransform } from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { PROBLEM_JSON, problemSchema } from "../errors/problem.ts";

/** What any route may answer, whatever else: every refusal and failure has this shape. */
const ANY_FAILURE = {
  description: "A refusal (4xx) or a failure (5xx).",
  content: { [PROBLEM_JSON]: { schema: problemSchema } },
};

/** Describes the routes that are added from now on, those apart whose schema says `hide`. */
export async function describeApi(
  app: FastifyInstance,
  title: string,
  version: string,
): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title, version } },
    transform: withFailures,
    // Schemas with an id become components that clients can generate types from.
    transformObject: jsonSchemaTransformObject,
  });
}

/** Only in the document: a route that had it would have its other answers made by it, too. */
const withFailures: SwaggerTransform = (route) => {
  const { schema } = route;
  const response = typeof schema?.response === "object" ? schema.response : {};
  return jsonSchemaTransform({
    ...route,
    schema: { ...schema, response: { ...response, default: ANY_FAILURE } },
  });
};
