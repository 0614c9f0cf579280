/** Percent encoding as AWS signs and lists it: RFC 3986, upper-case hex, UTF-8. */

/** Encodes everything but the unreserved characters `A-Z a-z 0-9 - . _ ~`. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The same for a path: slashes stay. */
export function percentEncodePath(path: string): string {
  return percentEncode(path).replaceAll("%2F", "/");
}

/** Null if it is not valid percent encoding of valid UTF-8. */
export function percentDecode(text: string): string | null {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Decodes a name or value of a query string, where `+` is a space. */
export function queryDecode(text: string): string | null {
  return percentDecode(text.includes("+") ? text.replaceAll("+", " ") : text);
}

/** How S3 writes keys in listings under `encoding-type=url` and in events: a space is `+`. */
export function listingEncode(key: string): string {
  return percentEncodePath(key).replaceAll("%20", "+").replaceAll("%2A", "*");
}
