import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DefaultAzureCredential } from "@azure/identity";
import { openPlace, openSiteStore, parseObjectAddress } from "@cloudphoenix/stores";
import { afterAll, describe, expect, test } from "vitest";
import { blobCredential, type Environment } from "../src/store-keys.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-stores-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("the address of a place", () => {
  test("names a bucket, a folder in it, a region and a server", () => {
    expect(
      parseObjectAddress(
        "s3://receipts/2026/a%20b?region=eu-central-1&endpoint=http://127.0.0.1:9000&tags=off",
      ),
    ).toEqual({
      kind: "s3",
      bucket: "receipts",
      prefix: "2026/a b/",
      region: "eu-central-1",
      endpoint: new URL("http://127.0.0.1:9000"),
      credentialsFile: null,
      tags: false,
    });
  });

  test.each([
    ["azblob://account/container", ""],
    ["azblob://account/container/", ""],
    ["azblob://account/container/a", "a/"],
    ["azblob://account/container/a/b/", "a/b/"],
  ])("%s has the prefix %j", (text, prefix) => {
    expect(parseObjectAddress(text)).toMatchObject({
      kind: "azblob",
      account: "account",
      container: "container",
      prefix,
    });
  });

  test.each([
    ["receipts", "is not the address"],
    ["gs://bucket/x", "is not the address"],
    ["s3:///x", "no bucket"],
    ["azblob://account", "container is missing"],
    ["s3://bucket?regoin=x", "?regoin="],
    ["s3://bucket?endpoint=ftp://x", "not an http"],
  ])("%s is refused: %s", (text, why) => {
    expect(() => parseObjectAddress(text)).toThrow(why);
  });

  test.each(["s3://AKIA:hunter2@bucket/x", "azblob://account/c?sv=1&sig=hunter2"])(
    "refuses a secret and does not repeat it: %s",
    (text) => {
      expect(() => parseObjectAddress(text)).toThrow(/carries a secret/);
      expect(() => parseObjectAddress(text)).not.toThrow(/hunter2/);
    },
  );
});

describe("a place is opened", () => {
  test("with keys from a file, and tells places apart by their servers", async () => {
    const file = join(scratch, "keys");
    writeFileSync(file, "[default]\naws_access_key_id = a\naws_secret_access_key = b\n");
    const open = (query: string) =>
      openPlace(
        parseObjectAddress(`s3://bucket/x?region=eu-1&credentials-file=${file}${query}`),
        {},
      );

    const [one, other] = [await open(""), await open("&endpoint=http://127.0.0.1:9000")];

    expect(one.prefix).toBe("x/");
    expect(one.identity).not.toBe(other.identity);
    expect(one.identity).not.toContain("aws");
    one.close();
    other.close();
  });

  test.each([
    ["s3://bucket", {}, "region", /AWS_REGION/],
    ["s3://b?region=r&credentials-file=/none", {}, "/none", /may read/],
    ["s3://b?region=r&credentials-file=EMPTY", {}, "pair of keys", /aws_access_key_id/],
    ["azblob://a/ccc?endpoint=http://127.0.0.1:1/a", {}, "unencrypted", /https/],
    [
      "azblob://a/ccc?endpoint=http://127.0.0.1:1/a",
      { AZURE_STORAGE_ACCOUNT: "another", AZURE_STORAGE_KEY: "a2V5" },
      "unencrypted",
      /https/,
    ],
  ])("%s with %j is refused: %s", async (text, environment, why, hint) => {
    const file = join(scratch, "empty");
    writeFileSync(file, "");
    const address = parseObjectAddress(text.replace("EMPTY", file));

    await expect(openPlace(address, environment)).rejects.toMatchObject({
      message: expect.stringContaining(why),
      hint: expect.stringMatching(hint),
    });
  });
});

describe("the store of a site", () => {
  test("of an emulator has the account at the head of the path, said or not", async () => {
    const file = join(scratch, "azure-key");
    writeFileSync(file, "azure_storage_key = a2V5\n");
    const identity = async (endpoint: string): Promise<string> => {
      const url = `azblob://shop/receipts?endpoint=${endpoint}`;
      const opened = await openSiteStore({ url, credentialsFile: file, hintsUrl: null }, {});
      expect(opened.hints).toBeNull();
      opened.close();
      return opened.place.store.address;
    };
    expect(await identity("http://127.0.0.1:1")).toBe(await identity("http://127.0.0.1:1/shop"));
  });

  test("comes with its queue of events", async () => {
    const file = join(scratch, "aws-keys");
    writeFileSync(file, "aws_access_key_id = a\naws_secret_access_key = b\n");
    const opened = await openSiteStore(
      {
        url: "s3://receipts?region=eu-1&endpoint=http://127.0.0.1:1",
        credentialsFile: file,
        hintsUrl: "http://127.0.0.1:2/000000000000/events",
      },
      {},
    );
    expect(opened.place.prefix).toBe("");
    expect(opened.hints?.address).toContain("events");
    opened.close();
  });
});

test.each([
  ["s3://b/x?region=r&endpoint=http://127.0.0.1:1", "http://127.0.0.1:1", "b", "x/"],
  ["s3://b?region=r", "s3", "b", ""],
])("an open place says where it is: %s", async (text, server, container, prefix) => {
  const place = await openPlace(parseObjectAddress(text), {});
  place.close();
  expect(place.location).toEqual({ server, container, prefix });
});

describe("who somebody is to a Blob account", () => {
  const key = { AZURE_STORAGE_KEY: "a2V5" };
  const role = { AZURE_FEDERATED_TOKEN_FILE: "/var/run/token" };
  const file = join(scratch, "blob-key");
  writeFileSync(file, "azure_storage_key = a2V5\n");
  const named = `?credentials-file=${file}`;
  const emulator = "http://127.0.0.1:1/shop";

  const azure = "https://shop.blob.core.windows.net";

  test.each([
    ["the machine's or the user's identity, if nothing is said", {}],
    ["the role of the pod, and no key in its environment", { ...key, ...role }],
  ])("is %s", async (_what, environment) => {
    const credential = await credentialAt(azure, "", environment);

    expect(credential).toEqual({ kind: "token", credential: expect.any(DefaultAzureCredential) });
  });

  test.each([
    ["the key in the environment where no role is configured", "", key],
    ["the key of a file that was named, whatever else there is", named, role],
  ])("is %s", async (_what, query, environment) => {
    const credential = await credentialAt(azure, query, environment);

    expect(credential).toEqual({ kind: "shared-key", account: "shop", key: "a2V5" });
  });

  test("is the key at an emulator, to which no token may travel", async () => {
    const credential = await credentialAt(emulator, "", { ...key, ...role });

    expect(credential).toEqual({ kind: "shared-key", account: "shop", key: "a2V5" });
  });
});

function credentialAt(
  endpoint: string,
  query: string,
  environment: Environment,
): ReturnType<typeof blobCredential> {
  const address = parseObjectAddress(`azblob://shop/receipts${query}`);
  if (address.kind !== "azblob") throw new Error("another kind of address");
  return blobCredential(address, new URL(endpoint), environment);
}
