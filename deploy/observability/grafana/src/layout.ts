/** Puts panels beside and below each other, so that no two of them can overlap. */
import { type Panel, RowBuilder, type RowPanel } from "@grafana/grafana-foundation-sdk/dashboard";
import { panelOf, type PanelSpec } from "./panel.ts";

const COLUMNS = 24;

/** Panels below a heading. */
export interface Section {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** From left to right; a panel that does not fit begins a new line below the highest of the last. */
export function placed(sections: readonly Section[]): readonly (Panel | RowPanel)[] {
  const out: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    const heading = new RowBuilder(title).id(out.length + 1).collapsed(false);
    out.push(heading.gridPos({ x: 0, y, w: COLUMNS, h: 1 }).build());
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const spec of panels) {
      if (x + spec.width > COLUMNS) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      out.push(panelOf(spec, { id: out.length + 1, x, y }));
      x += spec.width;
      lineHeight = Math.max(lineHeight, spec.height);
    }
    y += lineHeight;
  }
  return out;
}
