export * from "./binaries.ts";
export type { LauncherClock } from "./clock.ts";
export type { ServerAuth } from "./data-directory.ts";
export * from "./error.ts";
export * from "./open-server.ts";
export type { ProcessOwner } from "./owner.ts";
export { reachableDirectory } from "./reachable-directory.ts";
export { LocalServer, type StopMode } from "./server.ts";
