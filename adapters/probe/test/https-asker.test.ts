import { once } from "node:events";
import { createServer } from "node:https";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { type Asked, HttpAsker } from "../src/http-asker.ts";
import { type Certificate, selfSigned } from "./certificate.ts";
import { until } from "./manual-clock.ts";
import { startHttp } from "./targets.ts";

const VALID = selfSigned(new Date("2049-01-01T00:00:00Z"));
const EXPIRED = selfSigned(new Date("2021-01-01T00:00:00Z"));

interface HttpsTarget {
  readonly url: string;
  /** Connections so far; `resumed` are those that did not show the certificate. */
  readonly counts: { connections: number; resumed: number };
}

async function startHttps(certificate: Certificate): Promise<HttpsTarget> {
  const counts = { connections: 0, resumed: 0 };
  const server = createServer({ ...certificate }, (_request, response) => {
    response.end('{"status":"healthy"}');
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    counts.connections += 1;
    if (socket.isSessionReused()) counts.resumed += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `https://127.0.0.1:${address.port}/health`, counts };
}

/** Has this process trust a certificate until the test ends. */
function trust({ cert }: Certificate): void {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, cert]);
  onTestFinished(() => setDefaultCACertificates(before));
}

async function askedOnce(url: string): Promise<HttpAsker> {
  let ended = false;
  const asker = new HttpAsker({ url, expect: "health-json" }, () => {
    ended = true;
  });
  onTestFinished(() => asker.close());
  asker.ask(false);
  await until(() => ended);
  return asker;
}

async function askTimes(url: string, times: number, fresh: boolean): Promise<readonly Asked[]> {
  const ends: Asked[] = [];
  const asker = new HttpAsker({ url, expect: "health-json" }, (end) => ends.push(end));
  onTestFinished(() => asker.close());
  for (let asked = 1; asked <= times; asked += 1) {
    asker.ask(fresh);
    await until(() => ends.length === asked);
  }
  return ends;
}

test("an https target is asked over one kept connection", async () => {
  trust(VALID);
  const target = await startHttps(VALID);
  const ends = await askTimes(target.url, 3, false);
  expect(ends.map(({ verdict }) => verdict.detail)).toEqual(Array(3).fill("says healthy"));
  expect(target.counts.connections).toBe(1);
});

test("every new connection has the certificate shown again", async () => {
  trust(VALID);
  const target = await startHttps(VALID);
  const ends = await askTimes(target.url, 3, true);
  expect(ends.map(({ verdict }) => verdict.status)).toEqual(Array(3).fill("healthy"));
  await until(() => target.counts.connections === 3);
  expect(target.counts.resumed).toBe(0);
});

test("the end of a certificate that was shown and trusted is remembered", async () => {
  trust(VALID);
  const target = await startHttps(VALID);
  const asker = await askedOnce(target.url);
  expect(asker.certificateEndsAtMs).toBe(Date.UTC(2049, 0, 1));
});

test("a certificate that is not trusted has no end that anybody should plan by", async () => {
  const target = await startHttps(VALID);
  const asker = await askedOnce(target.url);
  expect(asker.certificateEndsAtMs).toBeNull();
});

test("a certificate nobody vouches for is unhealthy", async () => {
  const target = await startHttps(VALID);
  const [end] = await askTimes(target.url, 1, false);
  const detail = "the certificate is self-signed";
  expect(end).toEqual({ verdict: { status: "unhealthy", detail }, answered: false });
});

test("a certificate that has expired is unhealthy", async () => {
  trust(EXPIRED);
  const target = await startHttps(EXPIRED);
  const [end] = await askTimes(target.url, 1, false);
  const detail = "the certificate has expired";
  expect(end).toEqual({ verdict: { status: "unhealthy", detail }, answered: false });
});

test("a certificate for another name is unhealthy", async () => {
  trust(VALID);
  const target = await startHttps(VALID);
  const [end] = await askTimes(target.url.replace("127.0.0.1", "localhost"), 1, false);
  const detail = "the certificate is for another name";
  expect(end).toEqual({ verdict: { status: "unhealthy", detail }, answered: false });
});

test("a target that does not speak TLS is unhealthy", async () => {
  const target = await startHttp((_request, response) => response.end());
  const [end] = await askTimes(target.url.replace("http:", "https:"), 1, false);
  expect(end?.verdict).toEqual({ status: "unhealthy", detail: "the TLS handshake failed" });
});
