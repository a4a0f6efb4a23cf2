import type { Action } from '../steps/step.ts';

/** The place of a stage among those that have work, from 1 on. */
export interface StagePlace {
  number: number;
  of: number;
}

/** Events of the engine. Views decide how they look. */
export type RunEvent =
  | { type: 'stage'; stage: string; place?: StagePlace | undefined }
  | { type: 'doing'; host: string; text: string }
  | { type: 'changed'; host: string; stage: string; step: string; role: string; action: Action; ms: number }
  | { type: 'failed'; host: string; step: string; message: string }
  | { type: 'unreachable'; host: string; message: string }
  | { type: 'note'; text: string };

export type Emit = (event: RunEvent) => void;
