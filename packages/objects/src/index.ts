export * from "./change-hints.ts";
export * from "./object-store.ts";
