export * from "./absent-keys.ts";
export * from "./change-hints.ts";
export * from "./compare-keys.ts";
export * from "./object-store.ts";
