// "Security headers (helmet with a real CSP), input validation with schemas and sanitisation, body,
// header, parameter and time limits, rate limits per client with standard headers, load shedding, CORS
// off by default, slow-loris and oversized inputs refused."
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { API_CONTENT_POLICY, cleanText, securityHeaders } from "../src/index.ts";
import { ask, eventually } from "./chassis-world.ts";
import { serveWith, type ServerWorld } from "./server-world.ts";

const echo: FastifyPluginCallbackZod = (app, _options, done) => {
  app.post(
    "/echo/:id",
    {
      schema: {
        params: z.strictObject({ id: z.string().regex(/^\d+$/) }),
        body: z.strictObject({ text: cleanText(1_000) }),
        response: { 200: z.strictObject({ text: z.string() }) },
      },
    },
    (request) => ({ text: request.body.text }),
  );
  app.get(
    "/wrong",
    { schema: { response: { 200: z.strictObject({ a: z.string() }) } } },
    (_request, reply) => {
      reply.send(JSON.parse('{"a":1,"secret":"x"}'));
    },
  );
  done();
};

let world: ServerWorld;

beforeAll(async () => {
  world = await serveWith((app) => void app.register(echo), {
    limits: { bodyMaxBytes: 2_048, headersTimeoutMs: 500, arrivalTimeoutMs: 1_000 },
  });
});

afterAll(() => world.drain());

function post(
  body: string,
  headers: Record<string, string> = {},
  path = "/echo/1",
): ReturnType<typeof ask> {
  return ask(world.url + path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

describe("security headers", () => {
  test("are on every answer, errors and unknown paths included", async () => {
    for (const path of ["/live", "/nowhere", "/echo/%zz"]) {
      const { headers } = await ask(world.url + path);
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("strict-transport-security")).toContain("max-age=31536000");
      expect(headers.get("x-powered-by")).toBeNull();
    }
  });

  test("are on what is answered to bytes that never became a request", async () => {
    for (const bytes of [
      "\x16\x03\x01 hello\r\n\r\n",
      `GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}`,
    ]) {
      const answer = await raw(bytes);
      for (const [name, value] of Object.entries(securityHeaders(API_CONTENT_POLICY))) {
        expect(answer).toContain(`\r\n${name}: ${value}\r\n`);
      }
      expect(answer).toContain("\r\ncache-control: no-store\r\n");
      expect(answer).toContain("\r\ncontent-type: application/problem+json\r\n");
    }
  });

  test("hold exactly the policy given: the library adds nothing to it", () => {
    const headers = securityHeaders({ ...API_CONTENT_POLICY, "script-src": ["'self'"] });
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none';script-src 'self'",
    );
  });

  test("a policy that is none is refused at start", () => {
    expect(() => securityHeaders({ "script src": ["x;y"] })).toThrow("Content-Security-Policy");
  });
});

describe("input validation", () => {
  test("what fits passes", async () => {
    expect((await post('{"text":"tea\\n\\tfor two ☕"}')).body).toEqual({
      text: "tea\n\tfor two ☕",
    });
  });

  test.each([
    ["an unknown key", '{"text":"a","other":1}'],
    ["a wrong type", '{"text":1}'],
    ["a control character", '{"text":"a\\u0000b"}'],
    ["a lone surrogate", '{"text":"\\ud800"}'],
    ["prototype poisoning", '{"text":"a","__proto__":{"admin":true}}'],
    ["constructor poisoning", '{"text":"a","constructor":{"prototype":{}}}'],
    ["broken JSON", '{"text":'],
    ["nothing", ""],
    ["an array", "[]"],
  ])("%s is 400 and its value is not repeated", async (_what, body) => {
    const answer = await post(body);
    expect([answer.status, answer.body["code"]]).toEqual([400, "BAD_REQUEST"]);
    expect(JSON.stringify(answer.body)).not.toContain("admin");
  });

  test("a field is named, whatever else is wrong", async () => {
    expect((await post('{"text":1}')).body["detail"]).toMatch(/^body\/text: /);
    expect((await post('{"text":"a"}', {}, "/echo/x")).body["detail"]).toMatch(/^params\/id: /);
  });

  test("an answer that does not fit its schema is our fault and stays inside", async () => {
    const answer = await ask(`${world.url}/wrong`);
    expect([answer.status, answer.body["code"]]).toEqual([500, "INTERNAL"]);
  });
});

describe("limits", () => {
  test.each([
    ["a body", () => post(`{"text":"${"a".repeat(3_000)}"}`), 413, "PAYLOAD_TOO_LARGE"],
    ["a parameter", () => post('{"text":"a"}', {}, `/echo/${"1".repeat(300)}`), 400, "BAD_REQUEST"],
    [
      "another media type",
      () => post("a=1", { "content-type": "text/plain" }),
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["a bad escape", () => ask(`${world.url}/echo/%c0%af`), 400, "BAD_REQUEST"],
  ])("%s beyond them is refused", async (_what, send, status, code) => {
    const answer = await send();
    expect([answer.status, answer.body["code"]]).toEqual([status, code]);
  });

  test("headers that are too large are 431 with a problem document, and the connection ends", async () => {
    const answer = await raw(
      `GET /live HTTP/1.1\r\nHost: x\r\nX-Bomb: ${"a".repeat(20_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"HEADERS_TOO_LARGE"');
  });

  test("what is no HTTP is 400 with a problem document", async () => {
    expect(await raw("\x16\x03\x01 hello\r\n\r\n")).toContain('"code":"BAD_REQUEST"');
  });

  test("a client that breaks its connection off is not one that sent what is no HTTP", async () => {
    const refused = async (): Promise<string> =>
      (await world.metrics.expose()).text
        .split("\n")
        .filter(
          (line) =>
            line.startsWith("http_connections_refused_total{") && !line.includes("too-slow"),
        )
        .join("\n");
    await raw("no HTTP\r\n\r\n");
    const before = await refused();
    const socket = connect(world.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("GET /live HTTP/1.1\r\nHost: x\r\nX-Half: ", () =>
      setTimeout(() => socket.resetAndDestroy(), 50),
    );
    await eventually(async () => (await refused()) !== before);
    const reset = 'http_connections_refused_total{reason="reset",site="s1"} 1';
    expect((await refused()).replace(reset, "").trim()).toBe(before);
  });

  test("a client that sends its headers drop by drop is cut off", async () => {
    expect(await raw("GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: ")).toContain(
      '"code":"REQUEST_TIMEOUT"',
    );
  });

  test("a client that never finishes its body is cut off", async () => {
    const answer = await raw(
      "POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    expect(answer).toMatch(/408/);
  });
});

describe("rate limits", () => {
  test("tell every client what is left, and answer 429 with Retry-After beyond; probes always pass", async () => {
    const limited = await serveWith((app) => void app.get("/x", () => ({})), {
      rateLimit: { max: 3, windowMs: 60_000 },
    });
    try {
      const answers = [];
      for (let n = 0; n < 5; n += 1) answers.push(await ask(`${limited.url}/x`));
      expect(answers.map((it) => it.status)).toEqual([200, 200, 200, 429, 429]);
      expect(answers.map((it) => it.headers.get("ratelimit-remaining"))).toEqual([
        "2",
        "1",
        "0",
        "0",
        "0",
      ]);
      expect(answers[0]?.headers.get("ratelimit-limit")).toBe("3");
      expect(Number(answers[4]?.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(answers[4]?.body["code"]).toBe("RATE_LIMITED");
      expect(answers[4]?.headers.get("content-type")).toBe("application/problem+json");
      for (let n = 0; n < 9; n += 1) expect((await ask(`${limited.url}/live`)).status).toBe(200);
      // Somebody who looks for doors is limited too.
      expect((await ask(`${limited.url}/wp-admin`)).status).toBe(429);
    } finally {
      await limited.drain();
    }
  });

  test("are kept per client, and a client cannot claim to be another one", async () => {
    const limit = { max: 1, windowMs: 60_000 };
    const direct = await serveWith((app) => void app.get("/x", () => ({})), { rateLimit: limit });
    const proxied = await serveWith((app) => void app.get("/x", () => ({})), {
      rateLimit: limit,
      trustedProxies: 1,
    });
    try {
      expect([await from(direct.url, "1.1.1.1"), await from(direct.url, "2.2.2.2")]).toEqual([
        200, 429,
      ]);
      expect([await from(proxied.url, "1.1.1.1"), await from(proxied.url, "2.2.2.2")]).toEqual([
        200, 200,
      ]);
      expect(await from(proxied.url, "2.2.2.2")).toBe(429);
      // Only the nearest proxy is believed; what the client put before it is not.
      expect(await from(proxied.url, "9.9.9.9, 2.2.2.2")).toBe(429);
    } finally {
      await direct.drain();
      await proxied.drain();
    }
  });
});

describe("load shedding", () => {
  test("refuses requests beyond the number that may run at once, and lets probes through", async () => {
    const release = Promise.withResolvers<object>();
    const shedding = await serveWith((app) => void app.get("/slow", () => release.promise), {
      limits: { inFlightMax: 2 },
    });
    try {
      const all = [1, 2, 3].map(() => ask(`${shedding.url}/slow`));
      // Two of them wait for the release, whichever came first.
      const third = await Promise.race(all);
      expect([third.status, third.body["code"], third.headers.get("retry-after")]).toEqual([
        503,
        "OVERLOADED",
        "1",
      ]);
      expect((await ask(`${shedding.url}/ready`)).status).toBe(200);
      release.resolve({});
      await Promise.all(all);
      expect((await ask(`${shedding.url}/slow`)).status).toBe(200);
    } finally {
      await shedding.drain();
    }
  });

  test("refuses requests while the event loop is late", async () => {
    const late = await serveWith((app) => void app.get("/x", () => ({})), {
      limits: { loopDelayMaxMs: 1 },
    });
    try {
      const blocking = setInterval(() => {
        const untilMs = performance.now() + 120;
        while (performance.now() < untilMs);
      }, 1);
      let refused = false;
      let live = 0;
      try {
        for (let n = 0; n < 60 && !refused; n += 1) {
          const answer = await ask(`${late.url}/x`);
          refused = answer.body["code"] === "OVERLOADED";
          live = (await ask(`${late.url}/live`)).status;
        }
      } finally {
        clearInterval(blocking);
      }
      expect(refused).toBe(true);
      expect(live).toBe(200);
    } finally {
      await late.drain();
    }
  });
});

describe("CORS", () => {
  const origin = "https://shop.example";
  const preflight = {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "GET" },
  };

  test("is off by default: no page may read an answer", async () => {
    const answer = await ask(`${world.url}/live`, { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(
      (await ask(`${world.url}/live`, preflight)).headers.get("access-control-allow-origin"),
    ).toBeNull();
  });

  test("lets in the pages that are named and no others", async () => {
    const open = await serveWith((app) => void app.get("/x", () => ({})), {
      corsOrigins: [origin],
    });
    try {
      const named = await ask(`${open.url}/x`, { headers: { origin } });
      expect(named.headers.get("access-control-allow-origin")).toBe(origin);
      const other = await ask(`${open.url}/x`, { headers: { origin: "https://evil.example" } });
      expect(other.headers.get("access-control-allow-origin")).not.toBe("https://evil.example");
      expect(other.headers.get("access-control-allow-origin")).not.toBe("*");
    } finally {
      await open.drain();
    }
  });
});

async function from(url: string, client: string): Promise<number> {
  return (await ask(`${url}/x`, { headers: { "x-forwarded-for": client } })).status;
}

/** Sends bytes and answers everything that came until the server hung up. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(world.port, "127.0.0.1");
    let received = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
    socket.on("error", () => undefined).on("close", () => resolve(received));
    socket.write(bytes);
  });
}
