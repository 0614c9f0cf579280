/** The complete example every test starts from. */
export const EXAMPLE = `version: 1
application:
  name: shop
  objectives: { rto: 10s, rpo: 5s }
  workloads: [{ name: orders, replicas: 2 }]
sites:
  - id: aws-us-east-1
    cloud: aws
    region: us-east-1
    entry: { address: 127.0.1.1, url: "http://127.0.0.1:20101" }
    database:
      url: postgresql://cloudphoenix@127.0.0.1:20102/app
      password_file: secrets/db-aws
      peer_url: postgresql://replicator@127.0.0.1:20103/app
      peer_password_file: secrets/replicator
      application_role: app
    provider: { kind: local, url: "http://127.0.0.1:20104", token_file: secrets/provider-aws }
  - id: azure-westeurope
    cloud: azure
    region: westeurope
    entry: { address: 127.0.2.1, url: "http://127.0.0.1:20201" }
    database:
      url: postgresql://cloudphoenix@127.0.0.1:20202/app
      password_file: secrets/db-azure
      peer_url: postgresql://replicator@127.0.0.1:20203/app
      peer_password_file: secrets/replicator
      application_role: app
    provider: { kind: local, url: "http://127.0.0.1:20204", token_file: secrets/provider-azure }
network_fence: { kind: local, url: "http://127.0.0.1:20105", token_file: secrets/network }
traffic:
  kind: rfc2136
  server: 127.0.0.1:20053
  zone: phoenix.test
  name: shop.phoenix.test
  ttl: 1s
  port: 20080
  tsig: { name: cloudphoenix, algorithm: hmac-sha256, secret_file: secrets/tsig }
replication: { durability: async, tables: "*" }
vantages:
  - { id: control, failure_domain: control, canaries: ["http://127.0.0.1:20110/live"] }
  - id: internet
    failure_domain: internet
    canaries: ["http://127.0.0.1:20110/live"]
    agent: { url: "http://127.0.0.1:20111", token_file: secrets/agent }
  - id: azure
    site: azure-westeurope
    failure_domain: azure
    canaries: ["http://127.0.0.1:20110/live"]
    agent: { url: "http://127.0.0.1:20112", token_file: secrets/agent }
  - id: aws
    site: aws-us-east-1
    failure_domain: aws
    canaries: ["http://127.0.0.1:20110/live"]
    agent: { url: "http://127.0.0.1:20113", token_file: secrets/agent }
signals:
  - id: aws-health
    kind: service-health
    site: aws-us-east-1
    vantages: [control]
    interval: 1s
    timeout: 500ms
    freshness: 3s
    expect: health-json
    url: "http://127.0.0.1:20101/health"
    points: { degraded: 2, unhealthy: 5 }
  - id: aws-uptime
    kind: external-uptime
    site: aws-us-east-1
    vantages: [internet, control]
    urls: { internet: "http://127.0.0.1:20121/live", control: "http://127.0.0.1:20101/live" }
  - id: aws-from-azure
    kind: cross-cloud
    site: aws-us-east-1
    vantages: [azure]
    url: "http://127.0.0.1:20131/live"
  - id: aws-lag
    kind: replication-lag
    site: aws-us-east-1
    vantages: [control]
  - { id: azure-health, kind: service-health, site: azure-westeurope, vantages: [control], url: "http://127.0.0.1:20201/health" }
  - { id: azure-uptime, kind: external-uptime, site: azure-westeurope, vantages: [internet], url: "http://127.0.0.1:20221/live" }
  - { id: azure-from-aws, kind: cross-cloud, site: azure-westeurope, vantages: [aws], url: "http://127.0.0.1:20231/live" }
policy:
  hold: { dr: 2s }
  modes: { dr: auto }
notify: [{ kind: webhook, url_file: secrets/webhook }]
api: { listen: "127.0.0.1:20120", token_file: secrets/api-token }
state: { directory: ./state }
`;

/** The example with the first occurrence of `from` replaced; throws if there is none. */
export function exampleWith(from: string, to: string): string {
  if (!EXAMPLE.includes(from)) throw new Error(`the example has no ${from}`);
  return EXAMPLE.replace(from, () => to);
}
