/** What a Blob service does with `x-ms-copy-source`: reads all of it, or says why it could not. */
import http from "node:http";
import https from "node:https";

export type CopySource =
  | { readonly kind: "read"; readonly bytes: Buffer; readonly headers: http.IncomingHttpHeaders }
  /** It answered, and not with the object. */
  | { readonly kind: "refused"; readonly status: number; readonly reason: string }
  /** It did not answer, or not to the end. */
  | { readonly kind: "silent" };

const SILENCE_MS = 10_000;

/** One GET of exactly this URL. Never rejects. */
export function readCopySource(text: string): Promise<CopySource> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return Promise.resolve({ kind: "silent" });
  const client = url.protocol === "https:" ? https : http;
  // The path as it was given: what was signed must not be spelt anew.
  const path = text.slice(text.indexOf(url.host) + url.host.length);
  return new Promise((resolve) => {
    const silent = (): void => resolve({ kind: "silent" });
    const options = { host: url.hostname, port: url.port, path, timeout: SILENCE_MS, agent: false };
    const asked = client.get(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("error", silent);
      answer.once("end", () => {
        const { statusCode: status = 0, statusMessage: reason = "", headers } = answer;
        if (status === 200) resolve({ kind: "read", bytes: Buffer.concat(chunks), headers });
        else resolve({ kind: "refused", status, reason });
      });
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", silent);
  });
}
