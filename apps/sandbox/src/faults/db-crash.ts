import type { Fault } from "./fault.ts";

/** The database dies without a checkpoint. Its disk survives, so nothing committed is lost. */
export const dbCrash: Fault = {
  name: "db-crash",
  description: "The database server is killed and stays down.",
  rightReaction: "Heal in place: restart the database; nothing moves.",
  lasting: false,
  apply: async ({ site }) => {
    const { atMs } = await site.crashDatabase();
    return { atMs, mend: () => site.startDatabase() };
  },
};
