/** Whether the maps of `deploy/` lead to everything that is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const deploy = join(import.meta.dirname, "../deploy");

/** Folders that a map must link to, by the map. */
const MAPS: readonly { readonly map: string; readonly folders: () => readonly string[] }[] = [
  { map: "README.md", folders: () => below(".") },
  { map: "README.md", folders: () => below("kubernetes/base").filter(hasWorkload) },
  { map: "README.md", folders: () => below("kubernetes/components") },
  {
    map: "terraform/README.md",
    folders: () =>
      ["terraform/modules/aws", "terraform/modules/azure", "terraform/stacks"]
        .flatMap(below)
        .map((folder) => folder.slice("terraform/".length)),
  },
];

/** Folders that no map names, as sentences: a reviewer would not find them. */
export function unmappedFolders(): readonly string[] {
  return MAPS.flatMap(({ map, folders }) => {
    const text = readFileSync(join(deploy, map), "utf8");
    return folders()
      .filter(
        (folder) => !text.includes(`](${folder}/README.md)`) && !text.includes(`](${folder})`),
      )
      .map((folder) => `deploy/${map} does not lead to ${folder}`);
  });
}

function below(folder: string): readonly string[] {
  return readdirSync(join(deploy, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => (folder === "." ? name : `${folder}/${name}`));
}

function hasWorkload(folder: string): boolean {
  return existsSync(join(deploy, folder, "deployment.yaml"));
}
