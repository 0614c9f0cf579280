import { describe, expect, test } from "vitest";
import { type Mistake, planted, problemOf } from "./mistakes.ts";
import { refused } from "./validated.ts";

// Goal: a secret that was written into the configuration is told by its place, never by its value.
const MISTAKES: readonly Mistake[] = [
  {
    name: "a password where a file is expected",
    from: "password_file: secrets/db-aws",
    to: "password: hunter2",
    marker: "password: hunter2",
    path: "sites[0].database.password",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `password_file`",
  },
  {
    name: "a token where a file is expected",
    from: "token_file: secrets/network",
    to: "token: abc",
    marker: "token: abc",
    path: "network_fence.token",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `token_file`",
  },
  {
    name: "a secret under another name",
    from: "secret_file: secrets/tsig",
    to: "key: abc",
    marker: "key: abc",
    path: "traffic.tsig.key",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `secret_file`",
  },
  {
    name: "a webhook URL written inline",
    from: "url_file: secrets/webhook",
    to: "url: https://chat.example/secret",
    marker: "url: https://chat",
    path: "notify[0].url",
    message: "is a secret, and secrets are not written into the configuration",
    suggestion: "put it into a file of mode 0600 and name that file in `url_file`",
  },
  {
    name: "a password inside a database URL",
    from: "postgresql://cloudphoenix@127.0.0.1:20102/app",
    to: "postgresql://cloudphoenix:hunter2@127.0.0.1:20102/app",
    marker: "postgresql://cloudphoenix:hunter2",
    path: "sites[0].database.url",
    message: "holds a password",
    suggestion: "remove the password from the URL and name a file that holds it beside it",
  },
  {
    name: "credentials inside an http URL",
    from: "http://127.0.0.1:20104",
    to: "http://me:hunter2@127.0.0.1:20104",
    marker: '"http://me',
    path: "sites[0].provider.url",
    message: "holds credentials",
    suggestion: "remove them from the URL; secrets live in files",
  },
];

describe("a mistake", () => {
  test.each(MISTAKES)("is placed and explained: $name", (mistake) => {
    expect(refused(planted(mistake))).toEqual([problemOf(mistake)]);
  });

  test("never repeats a secret it refuses", () => {
    for (const mistake of MISTAKES) {
      expect(mistake.to).toMatch(/hunter2|chat\.example|abc/);
      expect(JSON.stringify(refused(planted(mistake)))).not.toMatch(/hunter2|chat\.ex|abc/);
    }
  });
});
