export { Child, type ProgramSpec } from "./child.ts";
export { KeptProcess } from "./kept-process.ts";
export { processIdentity } from "./identity.ts";
export { ProcessRegistry, type RecordedProcess, signalProcess } from "./registry.ts";
export { systemClock } from "./system-clock.ts";
export { Remote, serveParent } from "./rpc.ts";
