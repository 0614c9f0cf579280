/** Where a target is and what it is asked, worked out once: thousands of questions a second follow. */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface HttpEndpoint {
  /** The whole question, ready to be written. */
  readonly request: Buffer;
  /** Opens a connection; `request` may be written at once. */
  readonly connect: () => Socket;
}

/** RFC 9110 section 5.6.2. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/u;

/** The endpoint, or a sentence about why the question cannot be put. Never shows a header's value. */
export function endpointOf(
  address: string,
  headers: Readonly<Record<string, string>>,
): HttpEndpoint | string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return "the address is not an http or https URL";
  }
  const fields = { host: url.host, ...lowerCased(headers) };
  const wrong = Object.entries(fields).find(
    ([name, value]) => !FIELD_NAME.test(name) || !FIELD_VALUE.test(value),
  );
  if (wrong !== undefined) return `the header ${JSON.stringify(wrong[0])} cannot be sent`;
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return { request: Buffer.from(head, "latin1"), connect: connectorOf(url) };
}

function connectorOf(url: URL): () => Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  if (url.protocol === "http:") {
    const port = Number(url.port || 80);
    return () => connect({ host, port });
  }
  // No session is resumed: a resumed one does not show the certificate again, and seeing that it
  // has expired is one reason for new connections.
  const port = Number(url.port || 443);
  const name = isIP(host) === 0 ? { servername: host } : {};
  return () => connectTls({ host, port, ...name, ALPNProtocols: ["http/1.1"] });
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
