/** JSON and text as PostgreSQL can store them, without passwords that slipped into an address. */

/** `user:password@` in addresses; messages of drivers and configurations quote them whole. */
const CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/giu;

/** `value` as text for a jsonb parameter. */
export function storedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "string" ? storedText(inner) : inner,
  );
}

/** PostgreSQL refuses the NUL character and unpaired surrogates; program output may hold both. */
export function storedText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed().replaceAll(CREDENTIALS, "$1:***@");
}
