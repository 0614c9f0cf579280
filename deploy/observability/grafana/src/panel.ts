/**
 * What stands on a dashboard, as plain data, and how it becomes a panel of Grafana.
 *
 * The panels are built with Grafana's own types, so a misspelt option does not compile. Data sources
 * are variables: the same dashboard serves whoever calls theirs differently.
 */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as logs from "@grafana/grafana-foundation-sdk/logs";
import * as loki from "@grafana/grafana-foundation-sdk/loki";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

/** Data sources by the variable that names them. */
export const METRICS: common.DataSourceRef = { type: "prometheus", uid: "${metrics}" };
const LOGS: common.DataSourceRef = { type: "loki", uid: "${logs}" };

type Colour = "green" | "yellow" | "orange" | "red" | "blue" | "text" | "transparent";

/** The first colour is for everything below; then from which value on it has which colour. */
export type Colours = readonly [Colour, ...(readonly [number, Colour])[]];

/** Words for numbers. */
export type Words = Readonly<Record<string, readonly [text: string, colour: Colour]>>;

/** What to ask, and what to call the answer. */
interface Query {
  readonly ask: string;
  /** May name labels: `{{site}}`. */
  readonly name: string;
}

/** A panel. Widths are of 24 columns, heights of 30 pixels. */
export interface PanelSpec {
  /** `now`: big numbers; `over-time`: lines; `states`: coloured bars; `log`: lines of text. */
  readonly kind: "now" | "over-time" | "states" | "log";
  readonly title: string;
  /** What it shows and what to make of it, in whole sentences. */
  readonly about: string;
  readonly queries: readonly Query[];
  /** @see https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
  readonly unit?: string;
  readonly colours?: Colours;
  readonly words?: Words;
  /** Of big numbers: show the name of the answer and not its value. */
  readonly showsName?: boolean;
  /** Said when nothing is there. */
  readonly nothing?: string;
  /** Stack lines on each other. */
  readonly stacked?: boolean;
  /** File in docs/runbooks. */
  readonly runbook?: string;
  readonly width: number;
  readonly height: number;
}

/** Where a panel stands. */
export interface Place {
  readonly id: number;
  readonly x: number;
  readonly y: number;
}

/** The panel at its place. */
export function panelOf(spec: PanelSpec, place: Place): dashboard.Panel {
  const gridPos = { x: place.x, y: place.y, w: spec.width, h: spec.height };
  const panel = BUILDERS[spec.kind](spec)
    .id(place.id)
    .title(spec.title)
    .description(spec.about)
    .datasource(spec.kind === "log" ? LOGS : METRICS)
    .gridPos(gridPos)
    .targets(spec.queries.map((query, index) => targetOf(spec, query, index)))
    .links(spec.runbook === undefined ? [] : [runbookLink(spec.runbook)]);
  return panel.build();
}

type AnyPanel =
  | stat.PanelBuilder
  | timeseries.PanelBuilder
  | statetimeline.PanelBuilder
  | logs.PanelBuilder;

const BUILDERS: Readonly<Record<PanelSpec["kind"], (spec: PanelSpec) => AnyPanel>> = {
  now: nowPanel,
  "over-time": overTimePanel,
  states: statesPanel,
  log: () =>
    new logs.PanelBuilder()
      .showTime(true)
      .wrapLogMessage(true)
      .prettifyLogMessage(false)
      .enableLogDetails(true)
      .sortOrder(common.LogsSortOrder.Descending)
      .dedupStrategy(common.LogsDedupStrategy.None),
};

function nowPanel(spec: PanelSpec): stat.PanelBuilder {
  const { BigValueTextMode: Text } = common;
  const several = spec.queries.length > 1 || spec.queries.some(({ name }) => name.includes("{{"));
  const named = several ? Text.ValueAndName : Text.Value;
  return valued(new stat.PanelBuilder(), spec)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .textMode(spec.showsName === true ? Text.Name : named)
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
    .noValue(spec.nothing ?? "unknown");
}

function overTimePanel(spec: PanelSpec): timeseries.PanelBuilder {
  const bands = spec.colours !== undefined && spec.colours.length > 1;
  return valued(new timeseries.PanelBuilder(), spec)
    .colorScheme(
      new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassicByName),
    )
    .thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(
        bands ? common.GraphThresholdsStyleMode.DashedAndArea : common.GraphThresholdsStyleMode.Off,
      ),
    )
    .stacking(
      new common.StackingConfigBuilder().mode(
        spec.stacked === true ? common.StackingMode.Normal : common.StackingMode.None,
      ),
    )
    .fillOpacity(spec.stacked === true ? 30 : 0)
    .lineWidth(2)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi));
}

function statesPanel(spec: PanelSpec): statetimeline.PanelBuilder {
  return valued(new statetimeline.PanelBuilder(), spec)
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .rowHeight(0.8)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Hidden)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(false),
    );
}

/** Unit, colours and words are the same for every kind that shows values. */
function valued<P extends Exclude<AnyPanel, logs.PanelBuilder>>(panel: P, spec: PanelSpec): P {
  const [first, ...rest] = spec.colours ?? (["text"] as const);
  panel
    .unit(spec.unit ?? "short")
    .thresholds(
      new dashboard.ThresholdsConfigBuilder()
        .mode(dashboard.ThresholdsMode.Absolute)
        .steps([
          { value: null, color: first },
          ...rest.map(([value, color]) => ({ value, color })),
        ]),
    );
  const words = Object.entries(spec.words ?? {});
  if (words.length === 0) return panel;
  const options = words.map(([value, [text, color]], index) => [value, { text, color, index }]);
  panel.mappings([
    { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) },
  ]);
  return panel;
}

function targetOf(spec: PanelSpec, { ask, name }: Query, index: number): Builder<Dataquery> {
  const refId = String.fromCodePoint("A".charCodeAt(0) + index);
  if (spec.kind === "log") {
    return new loki.DataqueryBuilder()
      .refId(refId)
      .datasource(LOGS)
      .expr(ask)
      .queryType("range")
      .maxLines(500);
  }
  const query = new prometheus.DataqueryBuilder()
    .refId(refId)
    .datasource(METRICS)
    .expr(ask)
    .legendFormat(name);
  if (spec.kind === "now") return query.instant();
  return ask.includes("_bucket") ? query.range().exemplar(true) : query.range();
}

function runbookLink(file: string): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(`Runbook: ${file.replace(/\.md$/, "")}`)
    .type(dashboard.DashboardLinkType.Link)
    .url(`\${runbooks}/${file}`)
    .targetBlank(true);
}
