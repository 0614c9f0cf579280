/** A configuration file, its secrets and something to ask, in a temporary directory. */
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuthoritativeZone, startDnsServer } from "@cloudphoenix/adapter-dns";
import { onTestFinished } from "vitest";

export const TOKEN = "the-token-of-the-agent";

export interface AgentWorld {
  readonly directory: string;
  readonly config: string;
  readonly tokenFile: string;
  readonly healthUrl: string;
  /** What the target answers to `/health` and `/cloud-status`. */
  health: { statusCode: number; body: string };
}

/** A site that answers, a canary, a DNS server that names the site, and the YAML that says so. */
/** @param probe - when the agent asks its target; by default with time for a busy machine */
export async function startAgentWorld(probe = "interval: 1s, timeout: 900ms"): Promise<AgentWorld> {
  const world = { health: { statusCode: 200, body: JSON.stringify({ status: "healthy" }) } };
  const server = createServer((request, response) => {
    if (request.url === "/cloud-status") response.end(JSON.stringify({ site: "aws-us-east-1" }));
    else if (request.url === "/health") {
      response.writeHead(world.health.statusCode).end(world.health.body);
    } else response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const dns = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    keys: [],
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    zones: [
      new AuthoritativeZone({
        name: "phoenix.test",
        nameServer: "ns1.phoenix.test",
        records: [{ name: "shop.phoenix.test", type: "A", ttlS: 1, data: "127.0.0.1" }],
      }),
    ],
  });
  onTestFinished(() => dns.close());

  const directory = mkdtempSync(join(tmpdir(), "cloudphoenix-agent-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, `${TOKEN}\n`);
  chmodSync(tokenFile, 0o600);
  const config = join(directory, "cloudphoenix.yaml");
  writeFileSync(config, yamlOf(port, dns.port, probe));
  const healthUrl = `http://127.0.0.1:${port}/health`;
  return Object.assign(world, { directory, config, tokenFile, healthUrl });
}

function siteYaml(id: string, cloud: string, region: string, address: string): string {
  return `
  - id: ${id}
    cloud: ${cloud}
    region: ${region}
    entry: { address: ${address}, url: "http://127.0.0.1:1" }
    database:
      url: postgresql://cloudphoenix@127.0.0.1:1/app
      password_file: token
      peer_url: postgresql://replicator@127.0.0.1:1/app
      peer_password_file: token
      application_role: app
    provider: { kind: local, url: "http://127.0.0.1:1", token_file: token }`;
}

function yamlOf(port: number, dnsPort: number, probe: string): string {
  return `
version: 1
application:
  name: shop
  objectives: { rto: 10s, rpo: 5s }
  workloads: [{ name: orders, replicas: 2 }]
sites:${siteYaml("aws-us-east-1", "aws", "us-east-1", "127.0.1.1")}${siteYaml("azure-westeurope", "azure", "westeurope", "127.0.2.1")}
traffic:
  kind: rfc2136
  server: 127.0.0.1:${dnsPort}
  zone: phoenix.test
  name: shop.phoenix.test
  ttl: 1s
  port: ${port}
  tsig: { name: cloudphoenix, algorithm: hmac-sha256, secret_file: token }
replication: { durability: async, tables: "*" }
vantages:
  - { id: control, failure_domain: control, canaries: ["http://127.0.0.1:${port}/live"] }
  - id: internet
    failure_domain: internet
    canaries: ["http://127.0.0.1:${port}/live"]
    agent: { url: "http://127.0.0.1:1", token_file: token }
signals:
  - { id: aws-health, kind: service-health, site: aws-us-east-1, vantages: [control], url: "http://127.0.0.1:1/health" }
  - id: aws-uptime
    kind: external-uptime
    site: aws-us-east-1
    vantages: [internet]
    ${probe.replace(", ", "\n    ")}
    expect: health-json
    url: "http://127.0.0.1:${port}/health"
  - { id: azure-health, kind: service-health, site: azure-westeurope, vantages: [control], url: "http://127.0.0.1:1/health" }
api: { listen: "127.0.0.1:1", token_file: token }
state: { directory: ./state }
`;
}
