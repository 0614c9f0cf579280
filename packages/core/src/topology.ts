/** Where an application can run and where it runs now. Data only. */

/** Identifier of a site, for instance `aws-us-east-1`. Lower case letters, digits and dashes. */
export type SiteId = string;

/** A place the application can run: one region of one cloud. */
export interface Site {
  readonly id: SiteId;
  /** `aws`, `azure`, … Two sites with the same cloud are regions of it. */
  readonly cloud: string;
  readonly region: string;
}

/**
 * How far a commit has travelled when the application hears "done".
 * `async`: flushed at the active site only. `barrier`: the application itself waits until the
 * standby has flushed it. `sync`: the server waits (`synchronous_standby_names`).
 */
export type DurabilityMode = "async" | "barrier" | "sync";

/** What fails over together. */
export interface Application {
  readonly name: string;
  /** In order of preference: the first is where the application lives in good times. */
  readonly sites: readonly Site[];
  /** Names of the workloads that run at each site. */
  readonly workloads: readonly Workload[];
  readonly objectives: Objectives;
  /** Present if the application has objects that are copied from site to site. */
  readonly objects?: ObjectObjectives;
}

export interface ObjectObjectives {
  /** How far the copy of the objects may be behind without asking a person. */
  readonly rpoMs: number;
}

export interface Workload {
  readonly name: string;
  /** Replicas at the active site. */
  readonly replicas: number;
}

export interface Objectives {
  /** Recovery time objective: fault to first acknowledged write. */
  readonly rtoMs: number;
  /** Recovery point objective: the loss accepted without asking a person. */
  readonly rpoMs: number;
}

/**
 * Who may write, as recorded outside every site's failure domain. `generation` is the writer
 * epoch: it grows by one with every plan that claims the application, and every change made for
 * an older one is refused at the write.
 */
export interface Roles {
  readonly generation: number;
  readonly active: SiteId;
  /** The run that claimed this generation; null before the first. */
  readonly claimedBy: string | null;
  /** Whether another site holds a copy that follows the active one. */
  readonly protected: boolean;
}

/** The site with this id. @throws {RangeError} if the application has none */
export function siteOf(application: Application, id: SiteId): Site {
  const site = application.sites.find((candidate) => candidate.id === id);
  if (site === undefined) throw new RangeError(`application ${application.name} has no site ${id}`);
  return site;
}
