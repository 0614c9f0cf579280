import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { inspect } from "node:util";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Notice, Notifier } from "@cloudphoenix/engine";
import { describe, expect, onTestFinished, test } from "vitest";
import { FanOutNotifier, LogNotifier, WebhookNotifier, type WebhookOptions } from "../src/index.ts";

const NEVER = new AbortController().signal;
const NOTICE: Notice = {
  severity: "critical",
  title: "failed over to azure-westeurope",
  text: "aws-us-east-1 was unreachable for 4 s",
  key: "run-7 é",
};

interface Hook {
  readonly url: string;
  readonly heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** Statuses to answer with, the last one for ever; null never answers. */
  statuses: (number | null)[];
}

async function startHook(...statuses: (number | null)[]): Promise<Hook> {
  const hook: Hook = { url: "", heard: [], statuses };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      hook.heard.push({ headers: request.headers, body });
      const status = hook.statuses[Math.min(hook.heard.length, hook.statuses.length) - 1];
      if (status === null || status === undefined) return;
      response.writeHead(status, { location: "http://127.0.0.1:1/elsewhere" }).end("ok");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(hook, { url: `http://127.0.0.1:${port}/services/T0/secret-in-the-path` });
}

/** A clock whose pauses end at once and are written down. */
function quickClock(): Clock & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    now: () => 0,
    sleep: (ms, signal) => {
      pauses.push(ms);
      if (signal?.aborted !== true) return Promise.resolve();
      return Promise.reject(new CloudPhoenixError("ABORTED", "stop", { retryable: true }));
    },
  };
}

function webhook(url: string, changes: Partial<WebhookOptions> = {}): WebhookNotifier {
  const random = { next: () => 0.5 };
  return new WebhookNotifier({ name: "notify[0]", url, clock: quickClock(), random, ...changes });
}

describe("a webhook", () => {
  test("gets the notice as JSON, with a key to drop repeats by", async () => {
    const hook = await startHook(204);
    await webhook(hook.url).notify(NOTICE, NEVER);
    expect(hook.heard).toHaveLength(1);
    expect(JSON.parse(hook.heard[0]?.body ?? "")).toEqual(NOTICE);
    expect(hook.heard[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "idempotency-key": "run-7%20%C3%A9",
    });
  });

  test.each([500, 503, 429, 408])(
    "is tried again after HTTP %i, with growing pauses",
    async (status) => {
      const hook = await startHook(status, status, 200);
      const clock = quickClock();
      await webhook(hook.url, { clock }).notify(NOTICE, NEVER);
      expect(hook.heard).toHaveLength(3);
      expect(clock.pauses).toEqual([375, 750]);
    },
  );

  test("is given up after its attempts", async () => {
    const hook = await startHook(500);
    await expect(webhook(hook.url).notify(NOTICE, NEVER)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: "webhook notify[0] took no notice after 3 attempts: HTTP 500",
    });
    expect(hook.heard).toHaveLength(3);
  });

  test.each([400, 404, 410, 302])("is not tried again after HTTP %i", async (status) => {
    const hook = await startHook(status);
    await expect(webhook(hook.url).notify(NOTICE, NEVER)).rejects.toMatchObject({
      code: "UNREACHABLE",
    });
    expect(hook.heard).toHaveLength(1);
  });

  test("that never answers is left at the timeout", async () => {
    const hook = await startHook(null);
    const slow = webhook(hook.url, { timeoutMs: 50, attempts: 1 });
    await expect(slow.notify(NOTICE, NEVER)).rejects.toMatchObject({
      message: "webhook notify[0] took no notice after 1 attempt: no answer within 50 ms",
    });
  });

  test("is left at once when the notice is called off", async () => {
    const hook = await startHook(null);
    const stop = new AbortController();
    const sent = webhook(hook.url).notify(NOTICE, stop.signal);
    stop.abort();
    await expect(sent).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("never shows its URL: not when refused, not when away, not when wrong", async () => {
    const hook = await startHook(404);
    const away = "http://127.0.0.1:1/services/T0/secret-in-the-path";
    const thrown: unknown[] = [
      await webhook(hook.url)
        .notify(NOTICE, NEVER)
        .catch((error: unknown) => error),
      await webhook(away)
        .notify(NOTICE, NEVER)
        .catch((error: unknown) => error),
    ];
    for (const url of ["ftp://host/secret-in-the-path", "http://[secret-in-the-path"]) {
      try {
        webhook(url);
      } catch (error) {
        thrown.push(error);
      }
    }
    expect(thrown).toHaveLength(4);
    for (const error of thrown) {
      expect(error).toBeInstanceOf(CloudPhoenixError);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("secret-in-the-path");
    }
  });
});

describe("a log", () => {
  test.each(["info", "warning", "critical"] as const)("gets a line for %s", async (severity) => {
    const lines: string[] = [];
    const write = (level: string) => (fields: object, message: string) => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
    const log = new LogNotifier({ info: write("i"), warn: write("w"), error: write("e") });
    await log.notify({ ...NOTICE, severity });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[iwe] failed over to azure-westeurope .*"notice":"run-7 é"/u);
    expect(lines[0]?.[0]).toBe({ info: "i", warning: "w", critical: "e" }[severity]);
  });
});

function noting(keys: string[]): Notifier {
  return {
    notify: async ({ key }) => {
      keys.push(key);
    },
  };
}

describe("a fan-out", () => {
  const fails: Notifier = { notify: () => Promise.reject(new Error("down")) };
  const hangs: Notifier = { notify: () => new Promise(() => undefined) };

  /** What `works` and the log were told, and what failed. */
  function fanOut(
    receivers: readonly ("works" | "fails" | "hangs")[],
    log: Notifier | null = null,
  ) {
    const [told, noted, failures]: [string[], string[], unknown[]] = [[], [], []];
    const works = noting(told);
    const all = new FanOutNotifier({
      receivers: receivers.map((one) => ({ works, fails, hangs })[one]),
      alongside: log ?? noting(noted),
      onFailure: (error) => failures.push(error),
    });
    return { all, told, noted, failures };
  }

  test("tells everybody, also when one of them fails", async () => {
    const { all, told, noted, failures } = fanOut(["fails", "works", "works"]);
    await all.notify(NOTICE, NEVER);
    expect(told).toEqual([NOTICE.key, NOTICE.key]);
    expect(noted).toEqual([NOTICE.key]);
    expect(failures).toHaveLength(1);
  });

  test("is done once somebody was told, whoever hangs", async () => {
    const { all, told } = fanOut(["hangs", "works"]);
    await all.notify(NOTICE, NEVER);
    expect(told).toEqual([NOTICE.key]);
  });

  test("fails if it reached the log and nobody else", async () => {
    const { all, noted } = fanOut(["fails", "fails"]);
    await expect(all.notify(NOTICE, NEVER)).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(noted).toEqual([NOTICE.key]);
  });

  test("without receivers is done when the log has it", async () => {
    const { all, noted } = fanOut([]);
    await expect(all.notify(NOTICE, NEVER)).resolves.toBeUndefined();
    expect(noted).toEqual([NOTICE.key]);
    await expect(fanOut([], fails).all.notify(NOTICE, NEVER)).rejects.toThrow("down");
  });
});
