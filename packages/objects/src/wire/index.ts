export * from "./checked-body.ts";
export * from "./header-text.ts";
export * from "./http-transport.ts";
export * from "./parse-xml.ts";
export * from "./secret-url.ts";
export * from "./store-refusal.ts";
