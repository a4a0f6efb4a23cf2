import type { Action } from '../steps/step.ts';

/** Events of the engine. Views decide how they look. */
export type RunEvent =
  | { type: 'stage'; stage: string }
  | { type: 'doing'; host: string; text: string }
  | { type: 'changed'; host: string; stage: string; step: string; role: string; action: Action; ms: number }
  | { type: 'failed'; host: string; step: string; message: string }
  | { type: 'unreachable'; host: string; message: string }
  | { type: 'note'; text: string };

export type Emit = (event: RunEvent) => void;
