// TLS to a real PostgreSQL with a certificate of an authority made for this run.
import { chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DatabaseAddress, parseDatabaseUrl } from "../src/index.ts";
import { eventually, openWorld, type World } from "./chassis-world.ts";
import { failureOf, using } from "./database-use.ts";
import { makeAuthority } from "./test-certificates.ts";

const NAME = "db.test";
const authority = makeAuthority("an authority of this run");
const known = getCACertificates("default");

let world: World;

beforeAll(async () => {
  world = await openWorld();
  const [row] = await world.sql("show data_directory");
  const directory = String(row?.["data_directory"]);
  const { uid, gid } = await stat(directory);
  const { certificate, key } = authority.issue(NAME);
  for (const [file, content] of [
    ["server.crt", certificate],
    ["server.key", key],
  ] as const) {
    await writeFile(join(directory, file), content, { mode: 0o600 });
    await chown(join(directory, file), uid, gid);
  }
  await world.sql("alter system set ssl = on");
  await world.sql("select pg_reload_conf()");
  await eventually(() => isEncrypted("require").catch(() => false));
}, 60_000);
afterAll(() => world.close());

/** Whether the server says that the session it has with us is encrypted. */
async function isEncrypted(sslMode: DatabaseAddress["sslMode"], host = NAME): Promise<boolean> {
  const address = { host, port: world.port, user: "app", database: "app", sslMode };
  const options = { address, resolve: async () => ["127.0.0.1"] };
  return using(world.database(options), async (database) => {
    const text = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    const [row] = await database.query<{ readonly ssl: boolean }>({ text });
    return row?.ssl === true;
  });
}

async function trusting<T>(certificates: readonly string[], work: () => Promise<T>): Promise<T> {
  setDefaultCACertificates([...certificates]);
  try {
    return await work();
  } finally {
    setDefaultCACertificates(known);
  }
}

test("disable sends everything as it is, require encrypts whoever answers", async () => {
  expect(await isEncrypted("disable")).toBe(false);
  expect(await isEncrypted("require")).toBe(true);
  expect(await isEncrypted("require", "another.test")).toBe(true);
});

describe("verify-full", () => {
  test("works with a certificate of an authority that is trusted", async () => {
    expect(await trusting([authority.certificate], () => isEncrypted("verify-full"))).toBe(true);
  });

  test.each([
    ["an authority that nobody trusts", NAME, known, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["another name", "another.test", [authority.certificate], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("refuses a certificate of %s", async (_what, host, trusted, code) => {
    const failure = await trusting(trusted, () => failureOf(isEncrypted("verify-full", host)));
    expect(failure).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      outcome: "none",
      cause: { code },
    });
  });
});

describe("an address that does not say how it is encrypted", () => {
  test.each(["127.0.0.1", "127.0.3.9", "localhost", "[::1]"])("is not encrypted on %s", (host) => {
    expect(parseDatabaseUrl(`postgresql://app@${host}/shop`)).toMatchObject({ sslMode: "disable" });
  });

  test.each(["db.example", "10.0.0.7", "localhost.example", "127.example"])(
    "is refused for %s",
    (host) => {
      expect(parseDatabaseUrl(`postgresql://app@${host}/shop`)).toMatch(/^must say sslmode/);
      expect(parseDatabaseUrl(`postgresql://app@${host}/shop?sslmode=disable`)).toMatchObject({
        sslMode: "disable",
      });
    },
  );
});
