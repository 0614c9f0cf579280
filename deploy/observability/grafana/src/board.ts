/** What all dashboards have in common: data sources, variables, annotations, links to each other. */
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { placed, type Section } from "./layout.ts";
import { METRICS } from "./panel.ts";

/** Every dashboard has it: links between them go by it. */
const TAG = "cloudphoenix";

/** A choice the reader has. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  readonly about: string;
  /** `label_values(metric, label)` */
  readonly values: string;
  /** Several at a time, and all of them at first. */
  readonly several: boolean;
}

/** A dashboard. */
export interface Board {
  /** Never changed: links and bookmarks go by it. */
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly choices: readonly Choice[];
  /** Shown at first, for instance `now-6h`. */
  readonly from: string;
  readonly sections: readonly Section[];
}

export const APPLICATION: Choice = {
  name: "application",
  label: "Application",
  about: "What fails over together.",
  values: "label_values(cloudphoenix_leader, application)",
  several: false,
};

export const SITE: Choice = {
  name: "site",
  label: "Site",
  about: "A place the application can run at.",
  values: 'label_values(cloudphoenix_site_score{application="$application"}, site)',
  several: true,
};

/** @param runbooks - base URL of docs/runbooks as it is published */
export function boardJson(board: Board, runbooks: string): dashboard.Dashboard {
  const built = new dashboard.DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.about)
    .tags([TAG])
    .timezone("browser")
    .refresh("30s")
    .time({ from: board.from, to: "now" })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .readonly()
    .variables([
      dataSource("metrics", "Metrics", "prometheus"),
      dataSource("logs", "Logs", "loki"),
      ...board.choices.map(choiceVariable),
      new dashboard.ConstantVariableBuilder("runbooks").value(runbooks),
    ])
    .annotations(annotations())
    .links([
      new dashboard.DashboardLinkBuilder("CloudPhoenix")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .includeVars(true)
        .keepTime(true),
    ])
    .build();
  return { ...built, panels: [...placed(board.sections)] };
}

function dataSource(
  name: string,
  label: string,
  type: string,
): dashboard.DatasourceVariableBuilder {
  return new dashboard.DatasourceVariableBuilder(name).label(label).type(type);
}

function choiceVariable(choice: Choice): dashboard.QueryVariableBuilder {
  const variable = new dashboard.QueryVariableBuilder(choice.name)
    .label(choice.label)
    .description(choice.about)
    .datasource(METRICS)
    .query({ query: choice.values, refId: choice.name })
    .definition(choice.values)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .multi(choice.several)
    .includeAll(choice.several);
  // oxlint-disable-next-line unicorn/no-array-sort -- a builder of Grafana, no array
  variable.sort(dashboard.VariableSort.AlphabeticalAsc);
  if (!choice.several) return variable;
  return variable.allValue(".+").current({ text: "All", value: "$__all", selected: true });
}

/** Marks on every chart: runs, moves of the right to write, and alerts that woke somebody. */
function annotations(): dashboard.AnnotationQueryBuilder[] {
  return [
    mark("Runs", "blue", {
      ask: 'sum by (status) (cloudphoenix_runs_active{application=~"$application"}) > 0',
      title: "A run is {{status}}",
    }),
    mark("The right to write moved", "red", {
      ask: 'max(changes(cloudphoenix_lease_epoch{application=~"$application"}[2m])) > 0',
      title: "A new writer epoch began",
    }),
    mark("Pages", "orange", {
      ask: 'ALERTS{alertstate="firing", severity="page"}',
      title: "{{alertname}}",
    }),
  ];
}

function mark(
  name: string,
  colour: string,
  { ask, title }: { readonly ask: string; readonly title: string },
): dashboard.AnnotationQueryBuilder {
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(METRICS)
    .enable(true)
    .iconColor(colour)
    .expr(ask)
    .step("30s")
    .titleFormat(title)
    .target(new DataqueryBuilder().refId("Anno").datasource(METRICS).expr(ask).range());
}
