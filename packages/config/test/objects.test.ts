import { describe, expect, test } from "vitest";
import { validateConfiguration } from "../src/index.ts";
import { EXAMPLE } from "./example.ts";
import { accepted, refused } from "./validated.ts";

const STORES = {
  aws: 'objects: { url: "s3://receipts?region=us-east-1", hints_url: "https://sqs.example/1/receipts" }',
  azure: 'objects: { url: "azblob://shop/receipts", credentials_file: secrets/blob }',
} as const;

/** The example with a store at each site. */
const COPIED = (["aws", "azure"] as const)
  .reduce((text, cloud) => {
    const provider = `token_file: secrets/provider-${cloud} }`;
    return text.replace(provider, `${provider}\n    ${STORES[cloud]}`);
  }, EXAMPLE)
  .concat(
    "objects: { references: [{ table: public.receipts, key: object_key, stored_at: stored_at }] }\n",
  );

function changed(from: string, to: string): string {
  if (!COPIED.includes(from)) throw new Error(`the example has no ${from}`);
  return COPIED.replace(from, () => to);
}

describe("objects", () => {
  test("are none where the file has none", () => {
    const configuration = accepted(EXAMPLE);
    expect(configuration.objects).toBeNull();
    expect(configuration.sites.map(({ objects }) => objects)).toEqual([null, null]);
    expect(configuration.application.objects).toBeUndefined();
  });

  test("are read with every store and every default", () => {
    const { objects, sites, application } = accepted(COPIED);
    expect(objects).toEqual({
      references: [{ table: "public.receipts", key: "object_key", storedAt: "stored_at" }],
      rpoMs: 60_000,
      reconcileMs: 60_000,
      canaryMs: 2_000,
      finalSyncMs: 3_000,
      inFlight: 64,
      bytesPerSecond: null,
      serverSideCopy: "auto",
      deletes: { delayMs: 86_400_000, maxPercent: 5, maxCount: 1_000 },
    });
    expect(application.objects).toEqual({ rpoMs: 60_000 });
    expect(sites.map((site) => site.objects)).toEqual([
      {
        url: "s3://receipts?region=us-east-1",
        credentialsFile: null,
        hintsUrl: "https://sqs.example/1/receipts",
      },
      {
        url: "azblob://shop/receipts",
        credentialsFile: "/etc/cloudphoenix/secrets/blob",
        hintsUrl: null,
      },
    ]);
  });

  test.each([
    ["s3://receipts?region=us-east-1", "https://receipts", "is not an s3:// or azblob:// URL"],
    ["s3://receipts?region=us-east-1", "s3://key:secret@receipts", "holds credentials"],
    ["azblob://shop/receipts", "azblob://shop", "names no container"],
    [
      "s3://receipts?region=us-east-1",
      "s3://receipts?secret=abc",
      "has a parameter other than `endpoint` and `region`",
    ],
  ])("refuse %s written as %s", (from, to, message) => {
    const problems = refused(changed(from, to));
    expect(problems.map((problem) => problem.message)).toEqual([message]);
    expect(JSON.stringify(problems)).not.toContain("abc");
  });

  test.each([
    ["20MiB", 20 * 1024 * 1024],
    ["500KB", 500_000],
  ])("may be copied at %s a second at most by a worker", (written, bytesPerSecond) => {
    const text = changed("objects: { references", `objects: { bandwidth: ${written}, references`);
    expect(accepted(text).objects).toMatchObject({ bytesPerSecond });
  });

  test.each([
    ["fast", "`fast` is not an amount of bytes"],
    ["20Mbit", "`20Mbit` is not an amount of bytes"],
    ["0MiB", "`0MiB` is not an amount of bytes"],
    ["1KiB", "`1KiB` is too little"],
  ])("refuse a bandwidth of %s", (written, message) => {
    const text = changed("objects: { references", `objects: { bandwidth: ${written}, references`);
    expect(refused(text)).toMatchObject([{ path: "objects.bandwidth", message }]);
  });

  test("need a store at every site", () => {
    const problems = refused(changed(STORES.azure, ""));
    expect(problems).toMatchObject([
      { path: "sites[1]", message: "has no `objects`, so nothing could be copied to or from it" },
    ]);
  });

  test("need a section of their own where sites name stores", () => {
    const text = COPIED.slice(0, COPIED.indexOf("\nobjects: {") + 1);
    expect(refused(text).map(({ path }) => path)).toEqual(["sites[0].objects", "sites[1].objects"]);
  });

  test.each([
    "s3://receipts?region=us-east-1",
    "s3://receipts?region=eu-central-1",
    "s3://receipts/standby?region=us-east-1",
    "s3://receipts?region=us-east-1&endpoint=https://s3.us-east-1.amazonaws.com",
  ])("do not lie in one store, or one in the other, for two sites: %s", (url) => {
    expect(refused(changed("azblob://shop/receipts", url))).toMatchObject([
      { message: "is the store of another site, or holds it, or is held by it" },
    ]);
  });

  test.each([
    ["with a section", COPIED, []],
    ["without one", EXAMPLE, ["signals[0].kind"]],
  ])("%s may have their backlog as a signal that asks nobody", (_, text, wrong) => {
    const asked = text.replace(
      "signals:",
      "signals:\n  - { id: objects, kind: object-backlog, site: aws-us-east-1, vantages: [control] }",
    );
    const validation = validateConfiguration(asked, "shop.yaml");
    const problems = "problems" in validation ? validation.problems : [];
    expect(problems.map(({ path }) => path)).toEqual(wrong);
  });

  test("do not take a column that is no name into SQL", () => {
    const problems = refused(changed("key: object_key", 'key: "key; drop table orders"'));
    expect(problems.map(({ message }) => message)).toEqual(["is not the name of a column"]);
  });
});
