// "Secrets from files / AWS Secrets Manager / Azure Key Vault / environment behind one port, reload of
// rotated secrets without a restart; role-based credentials first; static keys work but warn."
// AWS is a stand-in that speaks the real protocol, asked by the real SDK; so is Azure, behind the
// SDK's own transport interface, because its client refuses anything but HTTPS.
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { SecretClientOptions } from "@azure/keyvault-secrets";
import {
  awsCredentialKind,
  awsSecret,
  azureCredential,
  azureCredentialKind,
  azureSecret,
  environmentSecret,
  fileSecret,
  openSecret,
  parseSecretReference,
  Secret,
  type SecretReading,
  staticKeyWarning,
} from "../src/index.ts";
import { openWorld } from "./chassis-world.ts";

const signal = new AbortController().signal;

function said(value: string): SecretReading {
  return { value, writtenAtMs: null, expiresAtMs: null };
}

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "secrets-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("references", () => {
  test.each([
    ["file:/run/secrets/db", { kind: "file", path: "/run/secrets/db" }],
    ["env:DB", { kind: "env", name: "DB" }],
    ["aws:prod/db", { kind: "aws", id: "prod/db", field: null }],
    [
      "aws:arn:aws:secretsmanager:us-east-1:1:secret:db#password",
      { kind: "aws", id: "arn:aws:secretsmanager:us-east-1:1:secret:db", field: "password" },
    ],
    [
      "azure:https://v.vault.azure.net/secrets/db#password",
      { kind: "azure", vault: "https://v.vault.azure.net", name: "db", field: "password" },
    ],
  ])("%s is understood", (text, reference) => {
    expect(parseSecretReference(text)).toEqual(reference);
  });

  test.each([
    "",
    "hunter2",
    "file:",
    "aws:#x",
    "aws:a#",
    "azure:http://v/secrets/db",
    "azure:https://v/keys/db",
    "vault:x",
  ])("%j is none", (text) => {
    expect(parseSecretReference(text)).toBeNull();
  });
});

describe("a secret", () => {
  test("is read when needed, kept for a while, and read again after that: rotation without a restart", async () => {
    let nowMs = 0;
    let value = "one";
    let reads = 0;
    const rotated = vi.fn<() => void>();
    const secret = new Secret(
      {
        read: async () => {
          reads += 1;
          return said(value);
        },
      },
      { keepMs: 1_000, now: () => nowMs },
    );
    secret.onRotated(rotated);
    expect(await Promise.all([secret.value(), secret.value()])).toEqual(["one", "one"]);
    value = "two";
    nowMs = 999;
    expect(await secret.value()).toBe("one");
    expect([reads, rotated.mock.calls.length]).toEqual([1, 0]);
    nowMs = 1_000;
    expect(await secret.value()).toBe("two");
    expect([reads, rotated.mock.calls.length]).toEqual([2, 1]);
  });

  test("is read again at once when it was refused", async () => {
    let value = "old";
    const secret = new Secret({ read: async () => said(value) }, { keepMs: 3_600_000 });
    expect(await secret.value()).toBe("old");
    value = "new";
    expect(await secret.value()).toBe("old");
    secret.invalidate();
    expect(await secret.value()).toBe("new");
  });

  test("outlives an outage of its store, but cannot be made up", async () => {
    let works = true;
    const stale = vi.fn<(error: unknown) => void>();
    const secret = new Secret(
      {
        read: async () => {
          if (!works) throw new Error("store down");
          return said("kept");
        },
      },
      { keepMs: 0, onStale: stale },
    );
    expect(await secret.value()).toBe("kept");
    expect(secret.state?.isStale).toBe(false);
    works = false;
    expect(await secret.value()).toBe("kept");
    expect(secret.state?.isStale).toBe(true);
    expect(stale).toHaveBeenCalledOnce();
    works = true;
    await secret.value();
    expect(secret.state?.isStale).toBe(false);
    const never = new Secret({ read: () => Promise.reject(new Error("store down")) });
    await expect(never.value()).rejects.toThrow("store down");
  });

  test("that hangs is given up in time", async () => {
    const secret = new Secret({ read: () => new Promise(() => undefined) }, { timeoutMs: 20 });
    await expect(secret.value()).rejects.toMatchObject({ code: "DEPENDENCY_TIMEOUT" });
  });
});

describe("files and environment", () => {
  test("a file is read without its final line break, and a changed file counts at once", async () => {
    const path = join(directory, "password");
    await writeFile(path, " pa ss\n");
    const secret = openSecret(`file:${path}`, { environment: {}, onWarning: () => undefined });
    expect(await secret.value()).toBe(" pa ss");
    await writeFile(path, "next");
    await utimes(path, 1_700_000_000, 1_700_000_000);
    expect(await secret.value()).toBe("next");
    expect(secret.state).toEqual({ writtenAtMs: 1.7e12, expiresAtMs: null, isStale: false });
    await expect(fileSecret(join(directory, "none")).read(signal)).rejects.toThrow("ENOENT");
  });

  test("a variable that is not set is named, not guessed", async () => {
    expect((await environmentSecret("A", { A: "x" }).read(signal)).value).toBe("x");
    await expect(environmentSecret("B", { B: "" }).read(signal)).rejects.toThrow("B is not set");
  });

  test("a reference that is none is refused without being repeated", () => {
    expect(() => openSecret("hunter2", { environment: {}, onWarning: () => undefined })).toThrow(
      /^not a reference to a secret$/,
    );
  });

  test("a rotated database password is taken from its file by the next connection", async () => {
    const world = await openWorld();
    const path = join(directory, "rotating");
    await writeFile(path, "app-secret");
    const database = world.database({
      password: openSecret(`file:${path}`, { environment: {}, onWarning: () => undefined }),
    });
    try {
      await database.query({ text: "select 1" });
      await world.sql("alter role app password 'rotated'");
      await writeFile(path, "rotated");
      await world.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'",
      );
      const rows = await vi.waitFor(() => database.query({ text: "select 1 as one" }), {
        timeout: 10_000,
      });
      expect(rows).toEqual([{ one: 1 }]);
    } finally {
      await database.close();
      await world.close();
    }
  });
});

describe("AWS Secrets Manager", () => {
  let server: Server;
  let endpoint: string;
  let hang = false;
  let value = JSON.stringify({ password: "p1" });
  const asked: { target: string; authorization: string; body: string }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = (body: string): void => {
        if (hang) return;
        if (body.includes("Action=AssumeRoleWithWebIdentity")) {
          response.setHeader("content-type", "text/xml").end(stsAnswer());
          return;
        }
        asked.push({
          target: String(request.headers["x-amz-target"]),
          authorization: String(request.headers.authorization),
          body,
        });
        response.setHeader("content-type", "application/x-amz-json-1.1");
        response.end(JSON.stringify({ Name: "db", SecretString: value, CreatedDate: 1.7e9 }));
      };
      textOf(request).then(answer, () => response.destroy());
    });
    endpoint = await listen(server);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("answers the whole secret or one field, with the role of the pod (IRSA)", async () => {
    const token = join(directory, "token");
    await writeFile(token, "a.b.c");
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/shop");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    const whole = awsSecret({ id: "db", field: null, endpoint });
    expect((await whole.read(signal)).value).toBe(value);
    expect((await awsSecret({ id: "db", field: "password", endpoint }).read(signal)).value).toBe(
      "p1",
    );
    expect(asked[0]).toMatchObject({
      target: "secretsmanager.GetSecretValue",
      body: '{"SecretId":"db"}',
    });
    expect(asked[0]?.authorization).toContain("ROLEKEY");
    expect(await whole.read(signal)).toMatchObject({ writtenAtMs: 1.7e12, expiresAtMs: null });
    value = JSON.stringify({ password: "p2" });
    expect((await awsSecret({ id: "db", field: "password", endpoint }).read(signal)).value).toBe(
      "p2",
    );
  });

  test("one field is read through its reference, as the pod's role although a key is there as well", async () => {
    const token = join(directory, "token");
    await writeFile(token, "a.b.c");
    value = JSON.stringify({ password: "p3" });
    vi.stubEnv("AWS_ACCESS_KEY_ID", "STATICKEY");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/shop");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", endpoint);
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    const warned = vi.fn<(sentence: string) => void>();

    const secret = openSecret("aws:db#password", { environment: process.env, onWarning: warned });

    expect(await secret.value()).toBe("p3");
    expect(asked.at(-1)?.body).toBe('{"SecretId":"db"}');
    expect(asked.at(-1)?.authorization).toContain("ROLEKEY");
    expect(warned).not.toHaveBeenCalled();
  });

  test.each([
    ["user", /has no field user/],
    ["nested", /is not text/],
  ])("a secret without the field %s is refused without being quoted", async (field, message) => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    value = JSON.stringify({ password: "p1", nested: { password: "p1" } });
    const reading = awsSecret({ id: "db", field, endpoint, region: "us-east-1" }).read(signal);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.not.toThrow(/p1/);
  });

  test("an endpoint that accepts and says nothing is given up in time", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    hang = true;
    try {
      const secret = new Secret(
        awsSecret({ id: "db", field: null, endpoint, region: "us-east-1" }),
        {
          timeoutMs: 200,
        },
      );
      await expect(secret.value()).rejects.toMatchObject({ code: "DEPENDENCY_TIMEOUT" });
    } finally {
      hang = false;
    }
  });
});

describe("Azure Key Vault", () => {
  test("answers the newest version, asked with the credential's token", async () => {
    const urls: string[] = [];
    const httpClient: SecretClientOptions["httpClient"] = {
      sendRequest: async (request) => {
        urls.push(request.url);
        const headersOf = (raw: Record<string, string>): typeof request.headers =>
          Reflect.construct(request.headers.constructor, [raw]);
        const challenge =
          'Bearer authorization="https://login.example/t", resource="https://vault.azure.net"';
        return request.headers.has("authorization")
          ? {
              request,
              status: 200,
              headers: headersOf({ "content-type": "application/json" }),
              bodyAsText: JSON.stringify({
                value: '{"password":"p1"}',
                id: "https://v.vault.azure.net/secrets/db/1",
                attributes: { enabled: true, created: 1_700_000_000, exp: 1_800_000_000 },
              }),
            }
          : { request, status: 401, headers: headersOf({ "www-authenticate": challenge }) };
      },
    };
    const source = azureSecret({
      vault: "https://v.vault.azure.net",
      name: "db",
      field: "password",
      credential: async () => ({
        getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
      }),
      client: { httpClient },
    });
    expect(await source.read(signal)).toEqual({
      value: "p1",
      writtenAtMs: 1.7e12,
      expiresAtMs: 1.8e12,
    });
    expect(urls[0]).toMatch(/^https:\/\/v\.vault\.azure\.net\/secrets\/db\/?\?api/);
  });
});

test("one field of a secret in Key Vault is read through its reference", async () => {
  const name = vi.fn<(secret: string) => void>();
  vi.doMock("@azure/keyvault-secrets", () => ({
    SecretClient: class {
      async getSecret(secret: string): Promise<object> {
        name(secret);
        return { value: '{"password":"p4"}', properties: {} };
      }
    },
  }));
  try {
    const reference = "azure:https://v.vault.azure.net/secrets/db#password";
    const secret = openSecret(reference, { environment: {}, onWarning: () => undefined });
    expect(await secret.value()).toBe("p4");
    expect(name).toHaveBeenCalledWith("db");
  } finally {
    vi.doUnmock("@azure/keyvault-secrets");
  }
});

describe("credentials", () => {
  test.each([
    ["default", undefined, "static-key"],
    ["shop", "shop", "static-key"],
    ["shop", undefined, "platform-role"],
  ])(
    "a key of profile %s in AWS's own file leads, in use %s, to %s",
    async (profile, used, kind) => {
      const home = await mkdtemp(join(directory, "home-"));
      await mkdir(join(home, ".aws"));
      const text = `[other]\nregion = x\n[${profile}]\naws_access_key_id = AKIA2\n`;
      await writeFile(join(home, ".aws", "credentials"), text);
      const environment = { HOME: home, AWS_PROFILE: used };
      expect(awsCredentialKind(environment)).toBe(kind);
      expect(staticKeyWarning("aws", environment) !== null).toBe(kind === "static-key");
    },
  );

  test.each([
    [{}, "platform-role", "platform-role"],
    [
      { AWS_WEB_IDENTITY_TOKEN_FILE: "/t", AWS_ROLE_ARN: "r", AZURE_FEDERATED_TOKEN_FILE: "/t" },
      "web-identity",
      "web-identity",
    ],
    [
      {
        AWS_WEB_IDENTITY_TOKEN_FILE: "/t",
        AWS_ROLE_ARN: "r",
        AWS_ACCESS_KEY_ID: "AKIA",
        AZURE_FEDERATED_TOKEN_FILE: "/t",
        AZURE_CLIENT_SECRET: "s",
      },
      "web-identity",
      "web-identity",
    ],
    [{ AWS_ACCESS_KEY_ID: "AKIA", AZURE_CLIENT_SECRET: "s" }, "static-key", "static-key"],
    [{ AWS_ACCESS_KEY_ID: "", AZURE_CLIENT_SECRET: "" }, "platform-role", "platform-role"],
  ])("%j leads to %s on AWS and %s on Azure", (environment, aws, azure) => {
    expect([awsCredentialKind(environment), azureCredentialKind(environment)]).toEqual([
      aws,
      azure,
    ]);
  });

  test("static keys warn, roles do not, and the warning holds no key", () => {
    const environment = { AWS_ACCESS_KEY_ID: "AKIA1", AZURE_CLIENT_SECRET: "s3cret" };
    for (const cloud of ["aws", "azure"] as const) {
      expect(staticKeyWarning(cloud, environment)).toMatch(/static/);
      expect(staticKeyWarning(cloud, environment)).not.toMatch(/AKIA1|s3cret/);
      expect(staticKeyWarning(cloud, {})).toBeNull();
    }
    const warned = vi.fn<(sentence: string) => void>();
    openSecret("aws:db", { environment, onWarning: warned });
    openSecret("azure:https://v.vault.azure.net/secrets/db", {
      environment: {},
      onWarning: warned,
    });
    openSecret("env:X", { environment, onWarning: warned });
    expect(warned).toHaveBeenCalledOnce();
  });

  test("Azure asks the identity of the pod before that of the machine, and never a developer's tools", async () => {
    vi.stubEnv("AZURE_FEDERATED_TOKEN_FILE", join(directory, "token"));
    vi.stubEnv("AZURE_CLIENT_ID", "11111111-1111-1111-1111-111111111111");
    vi.stubEnv("AZURE_TENANT_ID", "22222222-2222-2222-2222-222222222222");
    expect((await azureCredential(process.env)).constructor.name).toBe(
      "WorkloadIdentityCredential",
    );
    vi.unstubAllEnvs();
    expect((await azureCredential({})).constructor.name).toBe("ManagedIdentityCredential");
  });
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
    }),
  );
}

function stsAnswer(): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ROLEKEY</AccessKeyId>
    <SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>
    <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/shop/s</Arn><AssumedRoleId>i:s</AssumedRoleId>
    </AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
