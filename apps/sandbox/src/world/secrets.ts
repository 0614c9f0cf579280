/** Makes the secrets of a sandbox: random, each in a file only its owner can read. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Layout } from "./layout.ts";
import { AWAY_PLACE, HOME_PLACE, NAMES, PLACES } from "./places.ts";

/** Names of the secret files. */
export const SECRETS = {
  /** Of the server's first role. */
  master: (cloud: string): string => `master-${cloud}`,
  /** Of CloudPhoenix's own role. */
  database: (cloud: string): string => `db-${cloud}`,
  provider: (cloud: string): string => `provider-${cloud}`,
  /** Of the agent's role in the site's database. */
  keeper: (cloud: string): string => `keeper-${cloud}`,
  /** Of the agent's login at the state database. */
  witness: (cloud: string): string => `witness-${cloud}`,
  /** Key of the object store, as services take it. */
  objects: (cloud: string): string => `objects-${cloud}`,
  /** The same as CloudPhoenix takes it. */
  objectCredentials: (cloud: string): string => `objects-${cloud}-credentials`,
  replicator: "replicator",
  application: "application",
  network: "network",
  agent: "agent",
  api: "api-token",
  control: "control",
  state: "state",
  tsig: "tsig",
} as const;

/** Writes every secret. Existing ones are replaced. */
export function writeSecrets(layout: Layout): void {
  mkdirSync(layout.secrets, { recursive: true, mode: 0o700 });
  const names = [
    ...PLACES.flatMap(({ cloud }) => [
      SECRETS.master(cloud),
      SECRETS.database(cloud),
      SECRETS.provider(cloud),
      SECRETS.keeper(cloud),
      SECRETS.witness(cloud),
    ]),
    SECRETS.replicator,
    SECRETS.application,
    SECRETS.network,
    SECRETS.agent,
    SECRETS.api,
    SECRETS.control,
    SECRETS.state,
  ];
  for (const name of names) write(layout, name, randomBytes(24).toString("base64url"));
  write(layout, SECRETS.tsig, randomBytes(32).toString("base64"));
  writeObjectKeys(layout);
}

/** Each cloud has its own form of a key. */
function writeObjectKeys(layout: Layout): void {
  const s3Key = randomBytes(30).toString("base64url");
  write(layout, SECRETS.objects(HOME_PLACE.cloud), s3Key);
  write(
    layout,
    SECRETS.objectCredentials(HOME_PLACE.cloud),
    `aws_access_key_id = ${NAMES.s3KeyId}\naws_secret_access_key = ${s3Key}`,
  );
  const blobKey = randomBytes(64).toString("base64");
  write(layout, SECRETS.objects(AWAY_PLACE.cloud), blobKey);
  write(layout, SECRETS.objectCredentials(AWAY_PLACE.cloud), `azure_storage_key = ${blobKey}`);
}

/** The secret called `name`. */
export function readSecret(layout: Layout, name: string): string {
  return readFileSync(layout.secret(name), "utf8").trim();
}

function write(layout: Layout, name: string, secret: string): void {
  writeFileSync(layout.secret(name), `${secret}\n`, { mode: 0o600 });
}
