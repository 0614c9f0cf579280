/** What the rules compare the Dockerfile with, read from the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { containersRoot, repositoryRoot } from "./image-file.ts";
import type { ManifestContainer, Surroundings } from "./rule.ts";

const PREFIX = "cloudphoenix/";

/** Reads it anew. */
export function readSurroundings(): Surroundings {
  const ignoreFile = join(containersRoot, "Dockerfile.dockerignore");
  const text = existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8") : null;
  return {
    ignored: text?.split("\n").filter((line) => line !== "" && !line.startsWith("#")) ?? null,
    containers: manifestContainers(),
    pipeline: readFileSync(join(repositoryRoot, ".github/workflows/images.yml"), "utf8"),
    exists: (path) => path !== "" && existsSync(join(repositoryRoot, path)),
  };
}

function manifestContainers(): readonly ManifestContainer[] {
  const base = join(repositoryRoot, "deploy/kubernetes/base");
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith("deployment.yaml"))
    .flatMap((file) => parseAllDocuments(readFileSync(join(base, file), "utf8")))
    .map((document) => document.toJS() as DeploymentDocument)
    .filter(({ kind }) => kind === "Deployment")
    .flatMap(containersOf)
    .filter(({ image }) => image !== "");
}

/** The part of a Deployment that is compared. */
interface DeploymentDocument {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext?: { readonly runAsUser?: number };
        readonly containers: readonly ContainerDocument[];
        readonly initContainers?: readonly ContainerDocument[];
      };
    };
  };
}

interface ContainerDocument {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
}

function containersOf({ spec }: DeploymentDocument): readonly ManifestContainer[] {
  const { securityContext, containers, initContainers = [] } = spec.template.spec;
  return [...containers, ...initContainers].map(({ name, image, command = [] }) => ({
    name,
    image: image.startsWith(PREFIX) ? image.slice(PREFIX.length) : "",
    command,
    runAsUser: securityContext?.runAsUser ?? null,
  }));
}
