export type { LocalEndpoint } from "./api-client.ts";
export { LocalDatabaseHost } from "./database-host.ts";
export { LocalNetworkFencer } from "./network-fencer.ts";
export { LocalWorkloadControl } from "./workload-control.ts";
export { LocalWorkloadFencer } from "./workload-fencer.ts";
