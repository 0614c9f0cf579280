/** Certificates for one run: X.509 version 3, P-256, SHA-256, written with Node's own crypto. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** What somebody has to show, and what proves it; both PEM. */
interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** An authority that signs. */
export interface Authority extends Identity {
  /** A certificate for one DNS name. */
  issue(dnsName: string): Identity;
}

const ECDSA_SHA256 = seq(oid("2a8648ce3d040302"));
const DAY_MS = 86_400_000;

export function makeAuthority(commonName: string): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  let serial = 0;
  const mayIssue = seq(oid("551d13"), bool(true), der(0x04, seq(bool(true))));
  const signed = (subject: string, publicKey: KeyObject, extension: Buffer): string => {
    const body = seq(
      der(0xa0, integer(2)),
      integer((serial += 1)),
      ECDSA_SHA256,
      nameOf(commonName),
      seq(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
      nameOf(subject),
      publicKey.export({ type: "spki", format: "der" }),
      der(0xa3, seq(extension)),
    );
    const signature = der(0x03, Buffer.of(0), sign("sha256", body, keys.privateKey));
    return pem(seq(body, ECDSA_SHA256, signature));
  };
  return {
    certificate: signed(commonName, keys.publicKey, mayIssue),
    key: privatePem(keys.privateKey),
    issue: (dnsName) => {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = seq(oid("551d11"), der(0x04, seq(der(0x82, Buffer.from(dnsName)))));
      return {
        certificate: signed(dnsName, own.publicKey, names),
        key: privatePem(own.privateKey),
      };
    },
  };
}

/** One value: tag, length, content. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function seq(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function bool(value: boolean): Buffer {
  return der(0x01, Buffer.of(value ? 0xff : 0));
}

/** Below 128. */
function integer(value: number): Buffer {
  return der(0x02, Buffer.of(value));
}

function time(ms: number): Buffer {
  return der(
    0x17,
    Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}Z`),
  );
}

function nameOf(commonName: string): Buffer {
  return seq(der(0x31, seq(oid("550403"), der(0x0c, Buffer.from(commonName)))));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").replaceAll(/(.{64})/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function privatePem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
