/** Whether a cloud could read a URL at all, as far as the URL itself tells. Pure: nobody is asked. */
import { BlockList, isIP } from "node:net";

/** Addresses that mean another machine, or none, elsewhere: loopback, private, link-local, shared. */
const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  NOT_PUBLIC.addSubnet(network, bits, "ipv4");
}
for (const [network, bits] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  NOT_PUBLIC.addSubnet(network, bits, "ipv6");
}

/** Names that the public DNS does not know (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`). */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|lan|home\.arpa|test|invalid)\.?$/;

/** An https URL whose host could be known everywhere. A private address behind a public name still passes. */
export function isPublicUrl(url: URL): boolean {
  if (url.protocol !== "https:") return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const version = isIP(host);
  if (version !== 0) return !NOT_PUBLIC.check(host, version === 4 ? "ipv4" : "ipv6");
  return host.includes(".") && !LOCAL_NAME.test(host);
}
