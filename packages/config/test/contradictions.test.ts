import { describe, expect, test } from "vitest";
import { exampleWith } from "./example.ts";
import { type Mistake, planted, problemOf } from "./mistakes.ts";
import { refused } from "./validated.ts";

// Goal: values that do not fit each other, though each is right by itself, are told as exactly.
const MISTAKES: readonly Mistake[] = [
  {
    name: "a vantage nobody knows",
    from: "vantages: [control]",
    to: "vantages: [contrl]",
    marker: "contrl",
    path: "signals[0].vantages[0]",
    message: "there is no vantage `contrl`",
    suggestion: "did you mean `control`?",
  },
  {
    name: "a site nobody knows, in a signal",
    from: "site: aws-us-east-1\n    vantages: [control]",
    to: "site: gcp\n    vantages: [control]",
    marker: "gcp",
    path: "signals[0].site",
    message: "there is no site `gcp`",
    suggestion: "known sites: aws-us-east-1, azure-westeurope",
  },
  {
    name: "a site nobody knows, in a vantage",
    from: "site: azure-westeurope\n    failure_domain",
    to: "site: azure-westeurop\n    failure_domain",
    marker: "azure-westeurop\n",
    path: "vantages[2].site",
    message: "there is no site `azure-westeurop`",
    suggestion: "did you mean `azure-westeurope`?",
  },
  {
    name: "an id used twice",
    from: "id: aws-uptime",
    to: "id: aws-health",
    marker: "aws-health\n    kind: external",
    path: "signals[1].id",
    message: "`aws-health` is taken by entry 1",
    suggestion: "give every signal its own id",
  },
  {
    name: "an address used twice",
    from: "address: 127.0.2.1",
    to: "address: 127.0.1.1",
    marker: '127.0.1.1, url: "http://127.0.0.1:20201"',
    path: "sites[1].entry.address",
    message: "`127.0.1.1` is the address of another site",
    suggestion: "give every site an address of its own: DNS tells sites apart by it",
  },
  {
    name: "bands that do not ascend",
    from: "hold: { dr: 2s }",
    to: "bands: { region: 12 }",
    marker: "{ region: 12 }",
    path: "policy.bands",
    message: "must ascend, but heal is 4, region 12, dr 11",
    suggestion: "a graver level needs a higher score",
  },
  {
    name: "a name outside its zone",
    from: "name: shop.phoenix.test",
    to: "name: shop.example.test",
    marker: "shop.example.test",
    path: "traffic.name",
    message: "is not inside the zone `phoenix.test`",
    suggestion: "write for instance `www.phoenix.test`",
  },
  {
    name: "a timeout longer than the interval",
    from: "timeout: 500ms",
    to: "timeout: 2s",
    marker: "2s\n    freshness",
    path: "signals[0].timeout",
    message: "the timeout is longer than the interval",
    suggestion: "let one question end before the next",
  },
  {
    name: "a freshness that lets every answer go stale",
    from: "freshness: 3s",
    to: "freshness: 1s",
    marker: "1s\n    expect",
    path: "signals[0].freshness",
    message: "answers would go stale before the next one comes",
    suggestion: "choose at least interval + timeout; the default is 3 × interval + timeout",
  },
  {
    name: "a signal without a URL",
    from: '    url: "http://127.0.0.1:20131/live"\n',
    to: "",
    marker: "id: aws-from-azure",
    path: "signals[2]",
    message: "asks no URL",
    suggestion: "add `url`, or `urls` with one URL per vantage",
  },
  {
    name: "a vantage without its URL",
    from: "vantages: [internet, control]",
    to: "vantages: [internet, control, aws]",
    marker: "{ internet: ",
    path: "signals[1].urls",
    message: "has no URL for vantage `aws`",
    suggestion: "add `aws: http://…`",
  },
  {
    name: "replication lag asked of an agent",
    from: "kind: replication-lag\n    site: aws-us-east-1\n    vantages: [control]",
    to: "kind: replication-lag\n    site: aws-us-east-1\n    vantages: [aws]",
    marker: "[aws]\n",
    path: "signals[3].vantages",
    message: "`aws` is an agent, and replication lag is read by the controller",
    suggestion: "name the vantage that has no agent",
  },
  {
    name: "a freeze that ends before it starts",
    from: "hold: { dr: 2s }",
    to: "freezes: [{ from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z, reason: x }]",
    marker: "2026-01-01T",
    path: "policy.freezes[0].until",
    message: "is not after `from`",
    suggestion: "let the window end after it starts",
  },
  {
    name: "both kinds of state",
    from: "state: { directory: ./state }",
    to: "state: { directory: ./state, url: postgresql://me@db/state }",
    marker: "{ directory: ./state, url",
    path: "state",
    message: "names both `directory` and `url`",
    suggestion: "keep `directory` for the embedded PostgreSQL or `url` for your own",
  },
];

describe("a mistake", () => {
  test.each(MISTAKES)("is placed and explained: $name", (mistake) => {
    expect(refused(planted(mistake))).toEqual([problemOf(mistake)]);
  });

  test("does not hide the others: all are shown at once, in the order of the file", () => {
    const text = exampleWith("rto: 10s", "rto: soon")
      .replace("cloud: azure", "clowd: azure")
      .replace("vantages: [internet]", "vantages: [intranet]")
      .replace("hold: { dr: 2s }", "bands: { dr: 5 }");

    expect(refused(text).map(({ path }) => path)).toEqual([
      "application.objectives.rto",
      "sites[1].clowd",
      "signals[5].vantages[0]",
      "policy.bands",
    ]);
  });
});
