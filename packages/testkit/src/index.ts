export * from "./seeded-random.ts";
export * from "./simulated-application.ts";
export * from "./simulated-database.ts";
export * from "./simulated-platform.ts";
export * from "./simulated-world.ts";
export * from "./virtual-clock.ts";
export * from "./world-state.ts";
