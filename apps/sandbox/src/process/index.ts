export { Child, type ChildOptions, type Exit } from "./child.ts";
export { processIdentity } from "./identity.ts";
export { ProcessRegistry, type RecordedProcess, signalProcess } from "./registry.ts";
export { systemClock } from "./system-clock.ts";
export { type Handlers, type Operations, Remote, serveParent } from "./rpc.ts";
