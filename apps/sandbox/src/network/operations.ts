/** What the world tells the network process. */
import type { Endpoint, Impairment, LinkStats } from "../links/index.ts";

/** One link to run. */
export interface LinkSpec {
  /** `<from>-><to>:<what>`, for instance `control->aws:entry`. */
  readonly name: string;
  /** Place the connection is made from: `control`, `internet` or a cloud. */
  readonly from: string;
  /** Place it leads to. */
  readonly to: string;
  /** What is reached there: `entry`, `postgres`, `provider`, … */
  readonly what: string;
  readonly listen: Endpoint;
  readonly target: Endpoint;
  /** One way, each way. */
  readonly delayMs: number;
}

/** A site as the network knows it. */
export interface NetworkSite {
  readonly id: string;
  /** Place of the site in link names. */
  readonly place: string;
  /** Address its public entry has, and its DNS record. */
  readonly address: string;
}

/** Everything the network process runs. */
export interface NetworkSpec {
  readonly links: readonly LinkSpec[];
  readonly sites: readonly NetworkSite[];
  /** Answers `GET /live` and depends on no site. */
  readonly canary: Endpoint;
  readonly fence: Endpoint & { readonly tokenFile: string };
  readonly dns: Endpoint & {
    readonly zone: string;
    readonly name: string;
    readonly ttlS: number;
    /** The site the record points to at the start. */
    readonly address: string;
    readonly tsig: { readonly name: string; readonly secretFile: string };
  };
  /** What clients connect to: each resolves the name and honours its TTL. */
  readonly edges: readonly (Endpoint & { readonly targetPort: number })[];
}

/** When something took effect, epoch ms. */
export interface Instant {
  readonly atMs: number;
}

/** See `rpc.ts`. A type alias, because an interface would not match `Operations`. */
export type NetworkOperations = {
  readonly start: { readonly input: NetworkSpec; readonly output: null };
  /** Adds or replaces what `owner` does to each of `links`. */
  readonly impair: {
    readonly input: {
      readonly owner: string;
      readonly links: readonly string[];
      readonly impairment: Impairment;
    };
    readonly output: Instant;
  };
  /** Lifts everything `owner` does. */
  readonly repair: { readonly input: { readonly owner: string }; readonly output: Instant };
  readonly stats: {
    readonly input: null;
    readonly output: Readonly<Record<string, LinkStats>>;
  };
};
