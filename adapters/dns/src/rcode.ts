/** Numbers of RFC 1035, RFC 2136 section 2.2 and RFC 8945 section 3, by their names there. */

/** Response codes of a DNS header. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

/** Errors inside a TSIG record; 0 means none. */
export const TSIG_ERROR = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18 } as const;

/** The name of a response code, for people. */
export function rcodeName(rcode: number): string {
  const found = Object.entries(RCODE).find(([, value]) => value === rcode);
  return found === undefined ? `RCODE${rcode}` : found[0];
}
