import { loadConfiguration } from "@cloudphoenix/config";
import { describe, expect, test } from "vitest";
import { readArguments, USAGE } from "../src/agent-arguments.ts";
import { probesOf } from "../src/vantage-probes.ts";
import { startAgentWorld } from "./agent-world.ts";

const GOOD = {
  "--config": "a.yaml",
  "--vantage": "internet",
  "--listen": "127.0.0.1:8081",
  "--token-file": "token",
};

function argumentsWith(changes: Record<string, string>): string[] {
  return Object.entries({ ...GOOD, ...changes }).flat();
}

describe("the arguments of an agent", () => {
  test("are a configuration, a vantage, an address and a token file", () => {
    expect(readArguments(argumentsWith({ "--listen": "[::1]:0" }))).toEqual({
      config: "a.yaml",
      vantage: "internet",
      listen: { host: "[::1]", port: 0 },
      tokenFile: "token",
      logLevel: "info",
      logFile: null,
    });
  });

  test.each([
    ["an unknown option", ["--nonsense"], /--nonsense/u],
    ["a stray word", ["please"], /please/u],
    ["no value", ["--config"], /--config/u],
    ["an empty value", argumentsWith({ "--vantage": "" }), /missing --vantage$/u],
    ["no port", argumentsWith({ "--listen": "localhost" }), /--listen is host:port/u],
    ["a port that is too high", argumentsWith({ "--listen": "a:70000" }), /--listen is host:port/u],
    ["an unknown log level", argumentsWith({ "--log-level": "loud" }), /--log-level is one of/u],
  ])("are refused with %s, and the usage is the hint", (_what, args, message) => {
    expect(() => readArguments(args)).toThrow(
      expect.objectContaining({
        code: "BAD_REQUEST",
        message: expect.stringMatching(message),
        hint: USAGE,
      }),
    );
  });
});

describe("the probes of a vantage", () => {
  test("are the signals asked from it and its canaries, at least once a second", async () => {
    const { config, healthUrl } = await startAgentWorld("interval: 200ms, timeout: 100ms");
    const configuration = await loadConfiguration(config, { environment: {} });
    expect(probesOf(configuration, "internet")).toEqual({
      targets: [
        {
          signal: "aws-uptime",
          vantage: "internet",
          url: healthUrl,
          expect: "health-json",
          intervalMs: 200,
          timeoutMs: 100,
        },
      ],
      canaries: [
        {
          vantage: "internet",
          urls: [healthUrl.replace("/health", "/live")],
          intervalMs: 200,
          timeoutMs: 200,
        },
      ],
    });
  });

  test.each([
    ["does not exist", "mars"],
    ["is the controller's own", "control"],
  ])("are refused for a vantage that %s, naming those that can be", async (_what, vantage) => {
    const { config } = await startAgentWorld();
    const configuration = await loadConfiguration(config, { environment: {} });
    expect(() => probesOf(configuration, vantage)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", hint: "Use one of internet." }),
    );
  });
});
