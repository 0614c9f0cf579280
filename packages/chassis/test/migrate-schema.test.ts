// Migrations on a real PostgreSQL: once, together with their record, and never two at a time.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grantSchema, isLockTimeout, migrateSchema, type ServiceSchema } from "../src/index.ts";
import { eventually, openWorld, waitingSessions, type World } from "./chassis-world.ts";

const STEPS = [
  { version: 1, name: "shelves", statements: ["create table public.shelves (id int primary key)"] },
  {
    version: 2,
    name: "room",
    statements: [
      "alter table public.shelves add room text",
      "insert into public.shelves values (1)",
    ],
  },
] as const;

function schemaOf(...migrations: ServiceSchema["migrations"]): ServiceSchema {
  return {
    versionFunction: "public.shelves_schema_version",
    migrations,
    grantsTo: (role) => [`grant select on public.shelves to ${role}`],
  };
}

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 60_000);
afterAll(() => world.close());
beforeEach(() =>
  world.sql(`drop table if exists public.shelves;
             drop function if exists public.shelves_schema_version()`),
);

async function withDatabase<T>(
  work: (database: ReturnType<World["database"]>) => Promise<T>,
): Promise<T> {
  const database = world.database();
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

test("every step is applied once, in order, and recorded", async () => {
  await withDatabase(async (database) => {
    expect(await migrateSchema(database, schemaOf(STEPS[0]))).toEqual([STEPS[0]]);
    expect(await migrateSchema(database, schemaOf(...STEPS))).toEqual([STEPS[1]]);
    expect(await migrateSchema(database, schemaOf(...STEPS))).toEqual([]);
  });
  expect(await world.sql("select public.shelves_schema_version() as version")).toEqual([
    { version: 2 },
  ]);
  expect(await world.sql("select * from public.shelves")).toEqual([{ id: 1, room: null }]);
});

test("a step that fails leaves nothing of itself, and the steps before it stay", async () => {
  const broken = { ...STEPS[1], statements: [STEPS[1].statements[0], "select 1/0"] };
  await withDatabase(async (database) => {
    await expect(migrateSchema(database, schemaOf(STEPS[0], broken))).rejects.toThrow(
      "refused a statement",
    );
  });
  expect(await world.sql("select public.shelves_schema_version() as version")).toEqual([
    { version: 1 },
  ]);
  expect(
    await world.sql(
      "select column_name from information_schema.columns where table_name = 'shelves'",
    ),
  ).toEqual([{ column_name: "id" }]);
});

test("five that migrate at the same time apply every step once", async () => {
  const applied = await Promise.all(
    [1, 2, 3, 4, 5].map(() =>
      withDatabase((database) => migrateSchema(database, schemaOf(...STEPS))),
    ),
  );
  expect(applied.flat().map(({ version }) => version)).toEqual([1, 2]);
});

describe("a step that needs a table which somebody reads for long", () => {
  const SHELVES = { text: "select * from public.shelves" };
  const PATIENT = { lockTimeoutMs: 300, patienceMs: 60_000 };

  test("holds up nobody else for long, and is applied once it can be", async () => {
    await withDatabase(async (database) => {
      await migrateSchema(database, schemaOf(STEPS[0]));
      const { migrating } = await database.withTransaction(async (reader) => {
        await reader.query(SHELVES);
        const begun = migrateSchema(database, schemaOf(...STEPS), PATIENT);
        // Whoever comes behind the step is served while it cannot be applied yet, time and again.
        for (let waits = 0; waits < 3; waits += 1) {
          await eventually(async () => (await waitingSessions(world)) > 0);
          await database.query(SHELVES);
        }
        return { migrating: begun };
      });
      expect(await migrating).toEqual([STEPS[1]]);
    });
  });

  test("is given up when patience is over, and nothing of it is left", async () => {
    await withDatabase(async (database) => {
      await migrateSchema(database, schemaOf(STEPS[0]));
      const failure = await database.withTransaction(async (reader) => {
        await reader.query(SHELVES);
        const patience = { lockTimeoutMs: 20, patienceMs: 200 };
        return migrateSchema(database, schemaOf(...STEPS), patience).catch(
          (error: unknown) => error,
        );
      });
      expect(failure).toSatisfy(isLockTimeout);
      expect(await migrateSchema(database, schemaOf(...STEPS))).toEqual([STEPS[1]]);
    });
  });
});

test("a role whose name needs quotes gets its grants", async () => {
  await world.sql(`create role "odd ""name"`);
  await withDatabase(async (database) => {
    await migrateSchema(database, schemaOf(...STEPS));
    await grantSchema(database, schemaOf(...STEPS), 'odd "name');
  });
  const [row] = await world.sql(
    `select has_table_privilege('odd "name', 'public.shelves', 'select') as granted`,
  );
  expect(row).toEqual({ granted: true });
});

describe("the program that migrates", () => {
  const program = `
    const { runMigrations } = await import(${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)});
    const schema = { versionFunction: "public.shelves_schema_version", migrations: ${JSON.stringify(STEPS)},
      grantsTo: (role) => ["grant select on public.shelves to " + role] };
    process.exitCode = await runMigrations({ name: "shelves", schema, environment: process.env,
      optionalGrants: (role) => [{ statement: "grant pg_monitor to " + role, without: "watching" }] });`;

  async function run(
    environment: Record<string, string>,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const args = ["--input-type=module", "-e", program];
    try {
      const options = { env: { PATH: process.env["PATH"] ?? "", ...environment } };
      return { code: 0, ...(await promisify(execFile)(process.execPath, args, options)) };
    } catch (error) {
      return error as { readonly code: number; readonly stdout: string; readonly stderr: string };
    }
  }

  test("says what it applied, and warns of a grant that is not its owner's to give", async () => {
    const said = await run({ ...world.environment, APP_ROLE: "app" });
    expect(said.stdout).toBe("applied 1: shelves\napplied 2: room\nschema is at version 2\n");
    expect(said.stderr).toContain('warning: watching needs: grant pg_monitor to "app"');
    expect(said.code).toBe(0);
  });

  test("ends with 2 if it is told nothing, and names what is missing", async () => {
    const said = await run({});
    expect(said.code).toBe(2);
    expect(said.stderr).toContain("DATABASE_URL");
  });

  test("ends with 1 if the database cannot be reached, without a secret", async () => {
    const said = await run({
      ...world.environment,
      DATABASE_URL: "postgresql://app@127.0.0.1:1/app",
    });
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("shelves cannot migrate");
    expect(said.stderr).not.toContain("app-secret");
  });
});
