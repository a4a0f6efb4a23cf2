import type { Sized } from './panel.ts';

/** Columns of Grafana's grid. */
export const COLUMNS = 24;

/** A place in the grid, as Grafana writes it. */
export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Panels that belong together, below a heading. */
export interface Section {
  title: string;
  panels: readonly Sized[];
}

/** A heading or a panel with its place and its number in the board. */
export type Placed =
  | { id: number; place: Place; heading: string; panel?: undefined }
  | { id: number; place: Place; panel: Sized; heading?: undefined };

/**
 * Gives every heading and panel its place: panels from left to right as in a text, a new line where one does not fit, each
 * line as high as its highest panel, each section below the one before. Throws where a panel is wider than the board.
 */
export function layout(sections: readonly Section[]): Placed[] {
  const placed: Placed[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    placed.push({ id: placed.length + 1, place: { x: 0, y, w: COLUMNS, h: 1 }, heading: title });
    y++;
    let x = 0;
    let high = 0;
    for (const panel of panels) {
      const { width: w, height: h } = panel;
      if (w > COLUMNS) throw new Error(`${title}, ${panel.title}: ${w} of ${COLUMNS} columns`);
      if (x + w > COLUMNS) {
        x = 0;
        y += high;
        high = 0;
      }
      placed.push({ id: placed.length + 1, place: { x, y, w, h }, panel });
      x += w;
      high = Math.max(high, h);
    }
    y += high;
  }
  return placed;
}
