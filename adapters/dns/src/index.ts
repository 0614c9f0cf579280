export { AuthoritativeZone, type ZoneOptions, type ZoneSnapshot } from "./authoritative-zone.ts";
export { DnsConvergenceProbe, type DnsConvergenceOptions } from "./dns-convergence-probe.ts";
export { type DnsServer, type DnsServerOptions, startDnsServer } from "./dns-server.ts";
export { type Edge, type EdgeOptions, startEdge } from "./edge.ts";
export type { DnsServerAddress } from "./exchange.ts";
export type { RecordType, ZoneRecord } from "./record-data.ts";
export { type Rfc2136Options, Rfc2136TrafficSwitch } from "./rfc2136-traffic-switch.ts";
export type { TsigKey } from "./tsig.ts";
export { type ResolvedAddress, TtlResolver, type TtlResolverOptions } from "./ttl-resolver.ts";
