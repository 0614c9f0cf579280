/**
 * A self-signed certificate made on the spot, so that no key lies in the repository.
 *
 * Writes just the DER of RFC 5280 that such a certificate consists of; Node can read certificates
 * but not make them.
 */
import { generateKeyPairSync, sign } from "node:crypto";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");

/** A certificate for 127.0.0.1 that is valid until `notAfter`. */
export function selfSigned(notAfter: Date): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const name = sequence(tagged(0x31, sequence(COMMON_NAME, text("CloudPhoenix test"))));
  const validity = sequence(utcTime(new Date("2020-01-01T00:00:00Z")), utcTime(notAfter));
  const loopback = tagged(0x87, Buffer.from([127, 0, 0, 1]));
  const altNames = sequence(SUBJECT_ALT_NAME, tagged(0x04, sequence(loopback)));
  const body = sequence(
    tagged(0xa0, Buffer.from("020102", "hex")),
    tagged(0x02, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(altNames)),
  );
  const signature = tagged(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const base64 = sequence(body, algorithm, signature).toString("base64");
  const lines = base64.match(/.{1,64}/gu)?.join("\n") ?? "";
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function text(value: string): Buffer {
  return tagged(0x0c, Buffer.from(value, "utf8"));
}

/** YYMMDDHHMMSSZ */
function utcTime(at: Date): Buffer {
  const digits = at.toISOString().replace(/\D/gu, "").slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`, "latin1"));
}

/** Tag, length and value; lengths up to 65,535 (X.690 section 8.1.3). */
function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
