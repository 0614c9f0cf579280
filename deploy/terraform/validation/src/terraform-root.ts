import { join } from "node:path";

/** The folder `deploy/terraform`. */
export const terraformRoot: string = join(import.meta.dirname, "../..");
