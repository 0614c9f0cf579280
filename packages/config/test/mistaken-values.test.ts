import { describe, expect, test } from "vitest";
import { EXAMPLE } from "./example.ts";
import { type Mistake, planted, problemOf } from "./mistakes.ts";
import { refused } from "./validated.ts";

// Goal: a key or a value that is wrong by itself is placed exactly and comes with what to write instead.
const MISTAKES: readonly Mistake[] = [
  {
    name: "an unknown key near a known one",
    from: "interval: 1s",
    to: "intervall: 1s",
    marker: "intervall",
    path: "signals[0].intervall",
    message: "is not a known key",
    suggestion: "did you mean `interval`?",
  },
  {
    name: "an unknown key near none",
    from: "replication: {",
    to: "zebra: 1\nreplication: {",
    marker: "zebra",
    path: "zebra",
    message: "is not a known key",
    suggestion:
      "known keys: version, application, sites, network_fence, traffic, replication, lease, objects, vantages, signals, policy, notify, api, state",
  },
  {
    name: "a duration without a unit",
    from: "ttl: 1s",
    to: "ttl: 1",
    marker: "1\n  port",
    path: "traffic.ttl",
    message: "must be a duration, not a number",
    suggestion: "write a number with a unit (ms, s, m, h, d), for instance `5s`",
  },
  {
    name: "a negative duration",
    from: "rpo: 5s",
    to: "rpo: -5s",
    marker: "-5s",
    path: "application.objectives.rpo",
    message: "`-5s` is not a duration",
    suggestion: "write a number with a unit (ms, s, m, h, d), for instance `5s`",
  },
  {
    name: "a duration out of bounds",
    from: "rto: 10s",
    to: "rto: 3d",
    marker: "3d",
    path: "application.objectives.rto",
    message: "`3d` is out of range",
    suggestion: "choose a duration from 1s to 1d",
  },
  {
    name: "a value outside the allowed ones",
    from: "durability: async",
    to: "durability: asink",
    marker: "asink",
    path: "replication.durability",
    message: "must be one of `async`, `barrier`, `sync`",
    suggestion: "did you mean `async`?",
  },
  {
    name: "an illegal name",
    from: "name: orders",
    to: "name: Orders_1",
    marker: "Orders_1",
    path: "application.workloads[0].name",
    message: "`Orders_1` is not a legal name",
    suggestion:
      "use lower case letters, digits and dashes, at most 63, for instance `aws-us-east-1`",
  },
  {
    name: "an address that is none",
    from: "address: 127.0.1.1",
    to: "address: 127.0.1.300",
    marker: "127.0.1.300",
    path: "sites[0].entry.address",
    message: "`127.0.1.300` is not an IP address",
    suggestion: "write an IPv4 or IPv6 address, for instance `192.0.2.10`",
  },
  {
    name: "a URL that is none",
    from: '"http://127.0.0.1:20101/health"',
    to: "127.0.0.1/health",
    marker: "127.0.0.1/health",
    path: "signals[0].url",
    message: "is not an http or https URL",
    suggestion: "write an http or https URL, for instance `http://127.0.0.1:8080`",
  },
  {
    name: "a server without a port",
    from: "server: 127.0.0.1:20053",
    to: "server: 127.0.0.1",
    marker: "127.0.0.1\n  zone",
    path: "traffic.server",
    message: "`127.0.0.1` is not host:port",
    suggestion: "write host and port, for instance `127.0.0.1:20120`",
  },
  {
    name: "a number out of bounds",
    from: "replicas: 2",
    to: "replicas: 0",
    marker: "0 }]",
    path: "application.workloads[0].replicas",
    message: "must be at least 1",
    suggestion: null,
  },
  {
    name: "a text where a number is expected",
    from: "replicas: 2",
    to: "replicas: two",
    marker: "two",
    path: "application.workloads[0].replicas",
    message: "must be a whole number, not a text",
    suggestion: null,
  },
  {
    name: "a missing key",
    from: "  zone: phoenix.test\n",
    to: "",
    marker: "kind: rfc2136",
    path: "traffic.zone",
    message: "is missing",
    suggestion: "write a DNS name, for instance `shop.example.com`",
  },
  {
    name: "an unknown version of the format",
    from: "version: 1",
    to: "version: 2",
    marker: "2\n",
    path: "version",
    message: "must be one of `1`",
    suggestion: null,
  },
  {
    name: "a table list that is none",
    from: 'tables: "*"',
    to: "tables: orders",
    marker: "orders }\nvantages",
    path: "replication.tables",
    message: "is not `*` | list of tables",
    suggestion: 'write `"*"` or a list of `schema.table` names',
  },
];

describe("a mistake", () => {
  test.each(MISTAKES)("is placed and explained: $name", (mistake) => {
    expect(refused(planted(mistake))).toEqual([problemOf(mistake)]);
  });
});

describe("a single site", () => {
  test("is refused: there is nowhere to go", () => {
    const end = EXAMPLE.indexOf("  - id: azure-westeurope");
    const text = EXAMPLE.slice(0, end) + EXAMPLE.slice(EXAMPLE.indexOf("network_fence"));
    expect(refused(text)).toContainEqual(
      expect.objectContaining({ path: "sites", message: "must have at least 2 entries", line: 7 }),
    );
  });
});
