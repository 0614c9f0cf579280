import { describe, expect, test } from "vitest";
import { validateConfiguration } from "../src/index.ts";
import { EXAMPLE, exampleWith } from "./example.ts";
import { accepted, placeOf, refused } from "./validated.ts";

describe("environment variables", () => {
  test("fill in ${NAME}, and $${NAME} stays as it is written", () => {
    const text = exampleWith("region: us-east-1", "region: ${REGION}").replace(
      "hold: { dr: 2s }",
      "freezes: [{ from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, reason: 'cost $$$${X}' }]",
    );
    const configuration = accepted(text, { REGION: "eu-west-1" });
    expect(configuration.application.sites[0]?.region).toBe("eu-west-1");
    expect(configuration.policy.freezes[0]?.reason).toBe("cost ${X}");
  });

  test("that are not set are named where they stand", () => {
    const text = exampleWith("region: us-east-1", "region: ${REGION}");
    expect(refused(text)).toEqual([
      expect.objectContaining({
        ...placeOf(text, "${REGION}"),
        message: "environment variable REGION is not set",
        suggestion: "set REGION, or write the value here",
      }),
    ]);
  });

  test("CLOUDPHOENIX_STATE_URL is refused if it is no address, without repeating it", () => {
    const environment = { CLOUDPHOENIX_STATE_URL: "http://me:hunter2@db" };
    const validation = validateConfiguration(EXAMPLE, "shop.yaml", environment);
    expect(validation).toMatchObject({
      problems: [
        { message: "environment variable CLOUDPHOENIX_STATE_URL is not a postgresql:// URL" },
      ],
    });
    expect(JSON.stringify(validation)).not.toContain("hunter2");
  });

  test("CLOUDPHOENIX_STATE_URL wins over the file", () => {
    const url = "postgresql://me@db/state";
    expect(accepted(EXAMPLE, { CLOUDPHOENIX_STATE_URL: url }).state).toEqual({
      kind: "external",
      url,
      passwordFile: null,
    });
  });
});
