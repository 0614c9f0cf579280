/** Tags, rights and passwords. */
import { readSnapshots } from "../schemas/snapshot.ts";
import { given, nested, UNKNOWN } from "./planned-resource.ts";
import type { Policy } from "./policy.ts";

const REQUIRED_TAGS = [
  "application",
  "environment",
  "owner",
  "cost-center",
  "data-classification",
  "managed-by",
];

/** Every resource that can have tags has the required ones: bills and alarms find an owner. */
export const missingTags: Policy = {
  name: "missing-tags",
  check: (resources) => {
    const taggable = taggableTypes();
    return resources
      .filter(({ type, values }) => taggable.has(type) && values["tags"] !== UNKNOWN)
      .flatMap(({ address, values }) => {
        const tags = nested(values, "tags");
        const missing = REQUIRED_TAGS.filter((key) => !given(tags, key));
        return missing.length > 0 ? [`${address} lacks the tags ${missing.join(", ")}`] : [];
      });
  },
};

// AWS Backup has no tags on a selection; the autoscaling tag of a node group is the service's own.
function taggableTypes(): ReadonlySet<string> {
  return new Set(
    readSnapshots().flatMap((schema) =>
      Object.entries(schema.resource_schemas)
        .filter(([, { block }]) => block.attributes["tags"]?.optional === true)
        .map(([type]) => type),
    ),
  );
}

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly Principal?: unknown;
}

/** No statement allows every action, or every action of a service; a KMS key's own account statement may. */
export const tooManyRights: Policy = {
  name: "too-many-rights",
  check: (resources) =>
    resources.flatMap(({ address, type, values }) => {
      if (type === "azurerm_role_assignment") {
        return ["Owner", "Contributor", "User Access Administrator"].includes(
          String(values["role_definition_name"]),
        )
          ? [`${address} grants ${String(values["role_definition_name"])}`]
          : [];
      }
      return ["policy", "assume_role_policy"]
        .flatMap((name) => statements(values[name]))
        .filter(({ Effect }) => Effect === "Allow")
        .filter((statement) => type !== "aws_kms_key" || !isAccount(statement))
        .flatMap(({ Action }) => [Action ?? []].flat())
        .filter((action) => action === "*" || action.endsWith(":*"))
        .map((action) => `${address} allows ${action}`);
    }),
};

function isAccount({ Principal }: Statement): boolean {
  return JSON.stringify(Principal ?? null).includes(":root");
}

function statements(policy: unknown): readonly Statement[] {
  if (typeof policy !== "string" || !policy.startsWith("{")) return [];
  const { Statement: found = [] } = JSON.parse(policy) as { readonly Statement?: Statement[] };
  return [found].flat();
}

const PASSWORDS = new Set(["password", "administrator_password", "secret_string", "auth_token"]);

/** Passwords do not pass through the state. */
export const passwordInState: Policy = {
  name: "password-in-state",
  check: (resources) =>
    resources.flatMap(({ address, values }) =>
      Object.keys(values)
        .filter((name) => PASSWORDS.has(name) && given(values, name) && values[name] !== UNKNOWN)
        .map((name) => `${address} has ${name} in the state; use a managed or write-only one`),
    ),
};
