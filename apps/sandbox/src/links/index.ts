export type { Endpoint } from "./connection.ts";
export type { Impairment } from "./impairment.ts";
export { Link, type LinkStats } from "./link.ts";
export { readImpairment } from "./read-impairment.ts";
