/** The committed snapshot: one compressed file for each provider, and which types must be in it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { terraformRoot } from "../terraform-root.ts";
import type { ProviderSchema } from "./provider-schema.ts";

const folder = join(import.meta.dirname, "../../schemas");

/** Providers, and the package on the npm registry that carries the schema of each. */
export const PACKAGES: Readonly<Record<string, string>> = {
  aws: "@cdktn/provider-aws@25.7.0",
  azurerm: "@cdktn/provider-azurerm@16.1.0",
};

/** The snapshot of every provider. */
export function readSnapshots(): readonly ProviderSchema[] {
  return Object.keys(PACKAGES).map((provider) => readSnapshot(provider));
}

/** The snapshot of one provider. */
function readSnapshot(provider: string): ProviderSchema {
  const bytes = gunzipSync(readFileSync(join(folder, `${provider}.json.gz`)));
  return JSON.parse(bytes.toString()) as ProviderSchema;
}

/** Writes a provider's snapshot; the same schema always gives the same bytes. */
export function writeSnapshot(provider: string, schema: ProviderSchema): void {
  writeFileSync(
    join(folder, `${provider}.json.gz`),
    gzipSync(JSON.stringify(schema), { level: 9 }),
  );
}

/** Resource types and data sources (`data.<type>`) that modules and stacks name. */
export function typesInUse(): ReadonlySet<string> {
  const files = readdirSync(terraformRoot, { recursive: true, encoding: "utf8" });
  const types = files
    .filter((file) => /^(modules|stacks)\/.*\.tf$/.test(file) && !file.includes(".terraform/"))
    .flatMap((file) => [
      ...readFileSync(join(terraformRoot, file), "utf8").matchAll(
        /^\s*(resource|data) "([a-z0-9_]+)"/gm,
      ),
    ])
    .map((match) => (match[1] === "data" ? `data.${match[2] ?? ""}` : (match[2] ?? "")))
    .filter((type) => type !== "terraform_data");
  return new Set(types);
}
