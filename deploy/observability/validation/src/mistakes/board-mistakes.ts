/** Mistakes in dashboards. */
import { inBoard, type Mistake } from "./mistake.ts";

export const boardMistakes: readonly Mistake[] = [
  {
    policy: "board-current",
    what: "a dashboard changed by hand",
    plant: inBoard("overview.json", "now-6h", "now-7h"),
  },
  {
    policy: "board-current",
    what: "a dashboard nobody makes any more",
    plant: (files) => ({
      ...files,
      boards: { ...files.boards, "old.json": files.boards["overview.json"] ?? "" },
    }),
  },
  {
    policy: "board-identity",
    what: "two dashboards of one id",
    plant: inBoard("failover.json", '"cloudphoenix-failover"', '"cloudphoenix-overview"'),
  },
  {
    policy: "board-identity",
    what: "two panels of one id",
    plant: inBoard("overview.json", '"id": 3,', '"id": 2,'),
  },
  {
    policy: "board-grid",
    what: "panels that lie on each other",
    plant: inBoard("overview.json", '"x": 12,', '"x": 11,'),
  },
  {
    policy: "board-grid",
    what: "a panel beyond the edge",
    plant: inBoard("services.json", '"w": 12,', '"w": 25,'),
  },
  {
    policy: "board-datasource",
    what: "a dashboard with an unknown data source",
    plant: inBoard("overview.json", '"uid": "${metrics}"', '"uid": "P1809F7CD0C75ACF3"'),
  },
  {
    policy: "board-datasource",
    what: "a log panel that asks the metrics",
    plant: inBoard("services.json", '"uid": "${logs}"', '"uid": "${metrics}"'),
  },
  {
    policy: "board-words",
    what: "a panel that does not say what it shows",
    plant: inBoard("overview.json", /"description": "Points of[^"]*"/, '"description": ""'),
  },
  {
    policy: "board-words",
    what: "a panel without a unit",
    plant: inBoard("replication.json", /"unit": "s",/, ""),
  },
  {
    policy: "board-variables",
    what: "a variable that does not exist",
    plant: inBoard("failover.json", "$site", "$region"),
  },
  {
    policy: "board-names",
    what: "a name with a label the answer does not have",
    plant: inBoard("overview.json", '"legendFormat": "{{site}}"', '"legendFormat": "{{region}}"'),
  },
  {
    policy: "board-logql",
    what: "a question to the logs that nothing understands",
    plant: inBoard("services.json", '{app=~\\"$job\\",', '{app=~\\"$job\\"'),
  },
  {
    policy: "board-runbook",
    what: "a panel that leads to a runbook that does not exist",
    plant: inBoard("overview.json", "${runbooks}/site-in-trouble.md", "${runbooks}/trouble.md"),
  },
];
