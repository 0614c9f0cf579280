/** Every dashboard, as the text of its file. */
import type { Board } from "./board.ts";
import { boardJson } from "./board.ts";
import { failover } from "./failover.ts";
import { objects } from "./objects.ts";
import { overview } from "./overview.ts";
import { replication } from "./replication.ts";
import { services } from "./services.ts";
import { watchers } from "./watchers.ts";

const BOARDS: readonly Board[] = [overview, failover, replication, objects, services, watchers];

/** Stands where runbooks are not published yet. */
export const EXAMPLE_RUNBOOKS = "https://runbooks.example.com";

/** Text by file name. */
export function boardFiles(runbooks: string = EXAMPLE_RUNBOOKS): Readonly<Record<string, string>> {
  return Object.fromEntries(
    BOARDS.map((board) => [
      `${board.uid.replace("cloudphoenix-", "")}.json`,
      `${JSON.stringify(boardJson(board, runbooks), withoutPlacement, 2)}\n`,
    ]),
  );
}

/** Grafana's builders put every link into a menu; on a dashboard for emergencies they stay in sight. */
function withoutPlacement(key: string, value: unknown): unknown {
  return key === "placement" && value === "inControlsMenu" ? undefined : value;
}
