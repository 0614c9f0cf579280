/** Whether the file that AWS's tools keep keys in holds one for the profile in use. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Looks where the SDK looks. False if there is no such file, or nobody's home is known. */
export function hasSharedAwsKey(environment: Environment): boolean {
  const home = environment["HOME"];
  const file =
    environment["AWS_SHARED_CREDENTIALS_FILE"] ??
    (home === undefined ? undefined : join(home, ".aws", "credentials"));
  if (file === undefined || file === "") return false;
  return keysOf(textOf(file)).has(environment["AWS_PROFILE"] ?? "default");
}

/** Profiles with a key. */
function keysOf(text: string): ReadonlySet<string> {
  const profiles = new Set<string>();
  let profile: string | null = null;
  for (const line of text.split("\n")) {
    profile = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1] ?? profile;
    if (profile !== null && /^\s*aws_access_key_id\s*=\s*\S/.test(line)) profiles.add(profile);
  }
  return profiles;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
