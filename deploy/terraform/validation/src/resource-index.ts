/** Where every type of resource is made, by cloud: the page that leads a reviewer to a file. */
import { join } from "node:path";
import type { Project } from "./projects.ts";
import { readModule } from "./read-hcl.ts";
import { terraformRoot } from "./terraform-root.ts";

/** The page, beside the modules. */
export const INDEX_FILE: string = join(terraformRoot, "RESOURCES.md");

const CLOUDS = [
  { title: "AWS", prefix: "aws_" },
  { title: "Azure", prefix: "azurerm_" },
] as const;

/** The page as it should be. */
export async function resourceIndex(projects: readonly Project[]): Promise<string> {
  const places = await Promise.all(
    projects.map(async ({ name, path }) => {
      const { resources } = await readModule(path);
      return Object.entries(resources).flatMap(([file, types]) =>
        types.map((type) => ({ type, link: `[${name}/${file}](${name}/${file})` })),
      );
    }),
  );
  const all = places.flat();
  const tables = CLOUDS.flatMap(({ title, prefix }) => {
    const types = new Set(all.map(({ type }) => type).filter((type) => type.startsWith(prefix)));
    const rows = [...types].toSorted().map((type) => {
      const links = all.filter((place) => place.type === type).map(({ link }) => link);
      return `| \`${type}\` | ${links.join(", ")} |`;
    });
    return ["", `## ${title}`, "", "| Resource | Made in |", "| --- | --- |", ...rows];
  });
  return `${[HEAD, ...tables].join("\n")}\n`;
}

const HEAD = `# Every type of resource, and the file that makes it

*Made from the HCL by \`npm run validate:terraform -- --write\`; do not edit.*`;
