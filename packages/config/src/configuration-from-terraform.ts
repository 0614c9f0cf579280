/**
 * A configuration file made from what Terraform built.
 *
 * Terraform knows the sites, their agents and, if a stack was told, the switch. What it cannot know is
 * chosen by the caller; what nobody said keeps the defaults of the schema.
 */

import { CloudPhoenixError } from "@cloudphoenix/core";
import { stringify } from "yaml";
import type { TerraformStack } from "./terraform-stack.ts";

/** What no stack knows. */
export interface TerraformChoices {
  /** Objectives as durations, for instance `2m`. */
  readonly rto: string;
  readonly rpo: string;
  readonly workloads: readonly { readonly name: string; readonly replicas: number }[];
  /** Folder of the secret files, relative to the configuration or absolute. */
  readonly secrets: string;
  /** PostgreSQL outside both sites; with it comes the writer lease, whose witness it is. */
  readonly stateUrl: string | null;
  /** Agent in neither cloud: the witness that automatic moves to another cloud need. */
  readonly outsideAgent: string | null;
  /** URLs that depend on no site. */
  readonly canaries: readonly string[];
}

/** The stacks' name for the folder of secret files. */
const SECRETS = "secrets/";
const HEAD = `# Made by \`cloudphoenix config from-terraform\` from the outputs of the stacks. Make it anew when they
# change; objectives, workloads, vantages and signals are a beginning to look at, not a truth.
`;

/**
 * The text of a configuration file for `stacks`, the active site first. It is not validated here.
 *
 * @throws {CloudPhoenixError} `CONFIG_INVALID` if the stacks do not belong together or none names
 *   the switch
 */
export function configurationFromTerraform(
  stacks: readonly TerraformStack[],
  choices: TerraformChoices,
): string {
  const ordered = inOrder(stacks);
  const document = {
    version: 1,
    application: {
      name: oneOf(ordered, "application", ({ application }) => application),
      objectives: { rto: choices.rto, rpo: choices.rpo },
      workloads: choices.workloads,
    },
    sites: ordered.map((stack) => siteOf(stack, choices.stateUrl)),
    traffic: trafficOf(ordered),
    ...(choices.stateUrl !== null && { lease: {} }),
    ...(ordered.every(({ site }) => site.objects !== undefined) && { objects: {} }),
    vantages: vantagesOf(ordered, choices),
    signals: ordered.flatMap((stack) => signalsOf(stack, ordered, choices)),
    ...(choices.stateUrl !== null && {
      state: { url: choices.stateUrl, password_file: `${SECRETS}state-password` },
    }),
  };
  return HEAD + stringify(movedSecrets(document, choices.secrets), { lineWidth: 0 });
}

function inOrder(stacks: readonly TerraformStack[]): readonly TerraformStack[] {
  const ids = stacks.map(({ site }) => site.id);
  const twice = stacks.find(({ site }, index) => ids.indexOf(site.id) !== index);
  if (twice !== undefined) throw refused(`${twice.file} describes ${twice.site.id} once more`);
  const active = stacks.filter(({ isActive }) => isActive);
  if (active.length !== 1) {
    const files = active.map(({ file }) => file).join(" and ") || "none";
    throw refused(`exactly one stack must have posture active, and ${files} has`);
  }
  return [...active, ...stacks.filter(({ isActive }) => !isActive)];
}

/** What all stacks say alike. */
function oneOf(
  stacks: readonly TerraformStack[],
  what: string,
  read: (stack: TerraformStack) => string,
): string {
  const [first, ...rest] = stacks.map(read);
  const other = rest.findIndex((value) => value !== first);
  if (first === undefined) throw refused("no stack was named");
  if (other === -1) return first;
  throw refused(
    `${stacks[0]?.file ?? ""} and ${stacks[other + 1]?.file ?? ""} differ in their ${what}`,
  );
}

function siteOf({ site, keeper }: TerraformStack, stateUrl: string | null): unknown {
  if (stateUrl === null) return site;
  const witness = new URL(stateUrl);
  witness.username = `agent_${site.cloud.replaceAll("-", "_")}`;
  const password = `${SECRETS}${site.id}.keeper-witness`;
  return {
    ...site,
    keeper: { ...keeper, witness_url: witness.href, witness_password_file: password },
  };
}

function trafficOf(stacks: readonly TerraformStack[]): unknown {
  const named = stacks.filter(({ traffic }) => traffic !== null);
  if (named.length === 0) {
    throw refused(
      "no stack says who switches the users",
      "Set `cloudphoenix.traffic` in the variables of one stack and apply it.",
    );
  }
  oneOf(named, "switch", ({ traffic }) => JSON.stringify(traffic));
  return named[0]?.traffic;
}

/** A cloud's name while it is the only site there, else the site's own. */
function nameOf({ site }: TerraformStack, stacks: readonly TerraformStack[]): string {
  const sharing = stacks.filter((other) => other.site.cloud === site.cloud);
  return sharing.length === 1 ? site.cloud : site.id;
}

function vantagesOf(
  stacks: readonly TerraformStack[],
  { canaries, outsideAgent }: TerraformChoices,
): readonly unknown[] {
  const outside = { url: outsideAgent, token_file: `${SECRETS}outside.agent-token` };
  return [
    { id: "control", failure_domain: "control", canaries },
    ...(outsideAgent === null
      ? []
      : [{ id: "outside", failure_domain: "outside", canaries, agent: outside }]),
    ...stacks.map((stack) => ({
      id: nameOf(stack, stacks),
      site: stack.site.id,
      failure_domain: stack.site.cloud,
      canaries,
      agent: stack.agent,
    })),
  ];
}

function signalsOf(
  stack: TerraformStack,
  stacks: readonly TerraformStack[],
  { outsideAgent }: TerraformChoices,
): readonly unknown[] {
  const { site } = stack;
  const own = nameOf(stack, stacks);
  const base = site.entry.url.replace(/\/$/, "");
  const uptime = outsideAgent === null ? ["control"] : ["control", "outside"];
  const ask = (
    name: string,
    kind: string,
    vantages: readonly string[],
    path?: string,
  ): unknown => ({
    id: `${own}-${name}`,
    kind,
    site: site.id,
    vantages,
    ...(path !== undefined && { url: base + path }),
  });
  return [
    ask("health", "service-health", ["control"], "/health"),
    ask("uptime", "external-uptime", uptime, "/live"),
    ...stacks
      .filter((other) => other !== stack)
      .map((other) => {
        const kind = other.site.cloud === site.cloud ? "cross-region" : "cross-cloud";
        const name = nameOf(other, stacks);
        return ask(`from-${name}`, kind, [name], "/live");
      }),
    ask("lag", "replication-lag", ["control"]),
  ];
}

/** The same document with every secret file in `folder`. */
function movedSecrets(value: unknown, folder: string): unknown {
  if (typeof value === "string") {
    return value.startsWith(SECRETS)
      ? `${folder.replace(/\/$/, "")}/${value.slice(SECRETS.length)}`
      : value;
  }
  if (Array.isArray(value)) return value.map((element) => movedSecrets(element, folder));
  if (typeof value !== "object" || value === null) return value;
  const moved = Object.entries(value).map(([key, member]) => [key, movedSecrets(member, folder)]);
  return Object.fromEntries(moved);
}

function refused(
  message: string,
  hint = "Name the outputs of all stacks of one application, each once.",
): CloudPhoenixError {
  return new CloudPhoenixError("CONFIG_INVALID", message, { retryable: false, hint });
}
