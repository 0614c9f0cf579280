/**
 * Makes the snapshot anew: `node deploy/terraform/validation/src/schemas/make-snapshot.ts`. Needs the npm
 * registry and about 500 MB of disk for a minute. Refuses to write if the bindings could not be understood
 * or a type in use is missing.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extractProvider, onlyTypes } from "./extract-provider.ts";
import { PACKAGES, typesInUse, writeSnapshot } from "./snapshot.ts";

/** What whole providers had when this was written; far fewer means the bindings changed their shape. */
const FEWEST_RESOURCES: Readonly<Record<string, number>> = { aws: 1600, azurerm: 1000 };
const MOST_UNRESOLVED = 5;

const types = typesInUse();
for (const [provider, wanted] of Object.entries(PACKAGES)) {
  const folder = mkdtempSync(join(tmpdir(), "provider-"));
  try {
    execFileSync("npm", ["pack", wanted, "--silent", "--pack-destination", folder]);
    const archive = join(folder, `${wanted.slice(1).replace(/[/@]/g, "-")}.tgz`);
    execFileSync("tar", ["xzf", archive, "-C", folder, "--exclude=*.jsii*", "--exclude=*.d.ts"]);
    const { schema, unresolved } = extractProvider(join(folder, "package"));
    const found = Object.keys(schema.resource_schemas).length;
    if (found < (FEWEST_RESOURCES[provider] ?? 0) || unresolved.length > MOST_UNRESOLVED) {
      throw new Error(
        `${wanted}: ${found} resources, ${unresolved.length} unresolved (${unresolved.join(", ")}).`,
      );
    }
    const kept = onlyTypes(schema, types);
    writeSnapshot(provider, kept);
    console.log(
      `${provider} ${schema.source.version}: kept ${Object.keys(kept.resource_schemas).length} of ${found} resources`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
