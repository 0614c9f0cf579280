import type { ProbeWheelMetrics } from "@cloudphoenix/adapter-probe";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SiteLease, SiteLeaseState } from "@cloudphoenix/engine";
import { expect, onTestFinished, test } from "vitest";
import { AgentMetrics } from "../src/agent-metrics.ts";
import { agentServer } from "../src/agent-server.ts";
import { HttpLeasePeer } from "../src/lease/http-lease-peer.ts";
import type { LeaseOffice, LeaseView } from "../src/lease/lease-office.ts";
import { ObservationLog } from "../src/observation-log.ts";
import { steadyClock } from "../src/system-clock.ts";

const TOKEN = "the-token-of-the-agent";
const VIEW: LeaseView = {
  site: "azure-westeurope",
  state: "renewed",
  epoch: 3,
  detail: null,
  by: "witness",
  renewedAgoMs: 250,
  rounds: { renewed: 7, failed: 1 },
};
const LABELS = { application: "shop", vantage: "azure" };
const PROBES: ProbeWheelMetrics = {
  probes: 12,
  inFlight: 1,
  overruns: 2,
  freshProbes: 1,
  freshFailures: 0,
  staleConnections: 0,
  latenessP50Ms: 1,
  latenessP99Ms: 2,
  latenessMaxMs: 3,
  stalledMs: 500,
};
const STATE: SiteLeaseState = {
  role: "fenced",
  epoch: 4,
  nowMs: 1,
  untilMs: 0,
  promisedUntilMs: null,
};

const nothing = async (): Promise<void> => undefined;

/** An office over a database that does what the test says. */
function officeWith(database: Partial<SiteLease>): LeaseOffice {
  const lease: SiteLease = {
    read: async () => STATE,
    extend: nothing,
    surrender: nothing,
    promise: nothing,
    refusePromises: async () => STATE,
    ...database,
  };
  return { lease, view: () => VIEW, close: nothing };
}

/** Base URL of an agent with this office. */
async function agentWith(office: LeaseOffice | null): Promise<string> {
  const metrics = new AgentMetrics(LABELS, {
    probes: () => PROBES,
    certificates: () => [{ signal: "aws-entry", vantage: "azure", endsAtMs: 1_800_000_000_000 }],
    lease: office === null ? null : () => office.view(),
  });
  onTestFinished(() => metrics.close());
  const server = agentServer({
    office,
    exposition: () => metrics.text(),
    token: TOKEN,
    log: new ObservationLog(steadyClock, 0),
    convergence: { sample: async () => [] },
    metrics: () => {
      throw new Error("nobody asks");
    },
    stopping: new AbortController().signal,
    onTrouble: (error) => {
      throw error;
    },
  });
  onTestFinished(() => server.close());
  return server.listen({ host: "127.0.0.1", port: 0 });
}

function peerAt(url: string, token: string = TOKEN): HttpLeasePeer {
  return new HttpLeasePeer({ site: "azure-westeurope", url, token: async () => token });
}

const WISH = { epoch: 3, durationMs: 3_300 };
const FOREVER = new AbortController().signal;

test("a peer's promise is what the database of its site records", async () => {
  const wishes: unknown[] = [];
  const url = await agentWith(officeWith({ promise: async (wish) => void wishes.push(wish) }));

  await peerAt(url).promise(WISH, FOREVER);

  expect(wishes).toEqual([WISH]);
});

test("a promise that the database refuses is refused to the peer, with the reason", async () => {
  const refusal = new CloudPhoenixError("PROMISE_REFUSED", "the site is active", {
    retryable: false,
  });
  const url = await agentWith(officeWith({ promise: () => Promise.reject(refusal) }));

  await expect(peerAt(url).promise(WISH, FOREVER)).rejects.toMatchObject({
    code: "PROMISE_REFUSED",
    message: expect.stringContaining("the site is active"),
  });
});

test("no answer is no promise: silence, a wrong token, a database that does not answer", async () => {
  const down = new CloudPhoenixError("UNREACHABLE", "no database", { retryable: true });
  const url = await agentWith(officeWith({ promise: () => Promise.reject(down) }));

  for (const peer of [peerAt(url), peerAt(url, "wrong"), peerAt("http://127.0.0.1:1")]) {
    await expect(peer.promise(WISH, FOREVER)).rejects.toMatchObject({ code: "UNREACHABLE" });
  }
  const givenUp = peerAt(url).promise(WISH, AbortSignal.abort());
  await expect(givenUp).rejects.toMatchObject({ code: "UNREACHABLE" });
});

test("a local fence surrenders the site and reads back what became of it", async () => {
  const surrendered: number[] = [];
  const url = await agentWith(
    officeWith({ surrender: async (epoch) => void surrendered.push(epoch) }),
  );

  const answer = await post(url, "/v1/fence", { generation: 4 });

  expect(surrendered).toEqual([4]);
  expect(answer).toEqual({ status: 200, body: { role: "fenced", generation: 4 } });
});

test("a local fence for an older generation is refused", async () => {
  const stale = new CloudPhoenixError("STALE_GENERATION", "the site is at 5", { retryable: false });
  const url = await agentWith(officeWith({ surrender: () => Promise.reject(stale) }));

  expect(await post(url, "/v1/fence", { generation: 4 })).toMatchObject({
    status: 409,
    body: { code: "STALE_GENERATION" },
  });
});

test.each([
  ["/v1/promises", {}],
  ["/v1/promises", { epoch: 1, durationMs: -1 }],
  ["/v1/promises", { epoch: 1.5, durationMs: 1 }],
  ["/v1/promises", { epoch: 1, durationMs: 3_600_000_000 }],
  ["/v1/fence", { generation: -4 }],
  ["/v1/fence", {}],
])("%s refuses %j", async (path, body) => {
  const url = await agentWith(officeWith({}));
  expect(await post(url, path, body)).toMatchObject({ status: 400, body: { code: "BAD_REQUEST" } });
});

test("the lease is in the API for holders of the token, and in the metrics for everybody", async () => {
  const url = await agentWith(officeWith({}));
  const bearer = { authorization: `Bearer ${TOKEN}` };

  expect((await fetch(`${url}/v1/lease`)).status).toBe(401);
  expect(await (await fetch(`${url}/v1/lease`, { headers: bearer })).json()).toEqual(VIEW);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const rest = 'application="shop",vantage="azure"}';
  for (const line of [
    `cloudphoenix_agent_lease_held{site="azure-westeurope",${rest} 1`,
    `cloudphoenix_agent_lease_renewed_seconds_ago{site="azure-westeurope",${rest} 0.25`,
    `cloudphoenix_agent_lease_rounds_total{site="azure-westeurope",outcome="failed",${rest} 1`,
    `cloudphoenix_agent_probes_total{${rest} 12`,
    `cloudphoenix_agent_probe_stalled_seconds_total{${rest} 0.5`,
    `cloudphoenix_certificate_expiry_timestamp_seconds{signal="aws-entry",${rest} 1800000000`,
  ]) {
    expect(metrics).toContain(line);
  }
  expect(await (await fetch(`${url}/metrics`)).text(), "sums are read, not added up").toContain(
    `cloudphoenix_agent_probes_total{${rest} 12`,
  );
});

test("an agent outside of every site keeps no lease and promises nothing", async () => {
  const url = await agentWith(null);
  expect(await post(url, "/v1/promises", WISH)).toMatchObject({ status: 404 });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).not.toContain("lease");
  expect(metrics).toContain("cloudphoenix_agent_probes_total");
});

async function post(
  url: string,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}
