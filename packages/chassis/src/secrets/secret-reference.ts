/**
 * Names of secrets. A reference may be shown and logged; what it leads to may not.
 *
 * - `file:/run/secrets/database`                     the file's content without the final line break
 * - `env:DATABASE_PASSWORD`                           an environment variable
 * - `aws:prod/shop/database` or `aws:arn:…#password`  AWS Secrets Manager; after `#` a field of a JSON secret
 * - `azure:https://v.vault.azure.net/secrets/db#password`  Azure Key Vault, newest version
 */

/** A parsed reference. */
export type SecretReference =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "aws"; readonly id: string; readonly field: string | null }
  | {
      readonly kind: "azure";
      readonly vault: string;
      readonly name: string;
      readonly field: string | null;
    };

/** The reference in `text`, or null if it is none. */
export function parseSecretReference(text: string): SecretReference | null {
  const colon = text.indexOf(":");
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (colon < 1 || rest === "") return null;
  if (kind === "file") return { kind, path: rest };
  if (kind === "env") return { kind, name: rest };
  const hash = rest.lastIndexOf("#");
  const place = hash < 0 ? rest : rest.slice(0, hash);
  const field = hash < 0 ? null : rest.slice(hash + 1);
  if (place === "" || field === "") return null;
  if (kind === "aws") return { kind, id: place, field };
  return kind === "azure" ? azureReference(place, field) : null;
}

/** Whether `text` names a secret. */
export function isSecretReference(text: string): boolean {
  return parseSecretReference(text) !== null;
}

function azureReference(place: string, field: string | null): SecretReference | null {
  if (!URL.canParse(place)) return null;
  const url = new URL(place);
  const name = /^\/secrets\/([A-Za-z0-9-]{1,127})$/.exec(url.pathname)?.[1];
  if (url.protocol !== "https:" || name === undefined) return null;
  return { kind: "azure", vault: url.origin, name, field };
}
