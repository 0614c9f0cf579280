/**
 * Makes the library links that the binary package lists in `pg-symlinks.json` and that its
 * postinstall script would have made.
 */
import { mkdir, symlink } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { shortHash } from "./reachable-directory.ts";
import { exists, makeWhole, readTextOr } from "./whole-directory.ts";

/** Both relative to `native/`. */
interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * The library path that stands in for missing links: a directory in `cache` with every link, then
 * the libraries themselves, which look for each other relative to where a link was found. Null if
 * the package has all its links. Leaves the package alone: it may be read-only.
 */
export async function healedLibraries(native: string, cache: string): Promise<string | null> {
  const links = parseLinks(await readTextOr(join(native, "pg-symlinks.json"), "[]"));
  const found = await Promise.all(links.map((link) => exists(join(native, link.target))));
  if (!found.includes(false)) return null;

  const directory = join(cache, `libraries-${shortHash(native + JSON.stringify(links))}`);
  await makeWhole(directory, async (draft) => {
    await mkdir(draft, { mode: 0o755 });
    for (const link of links) {
      await symlink(join(native, link.source), join(draft, basename(link.target)));
    }
  });
  return [directory, join(native, "lib")].join(delimiter);
}

/** The list names paths from the package's root, one above `native/`. */
function parseLinks(text: string): readonly LibraryLink[] {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    if (!("source" in entry && "target" in entry)) return [];
    return [{ source: fromNative(entry.source), target: fromNative(entry.target) }];
  });
}

function fromNative(path: unknown): string {
  return String(path).replace(/^native\//u, "");
}
