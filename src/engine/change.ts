import type { RestartSetting } from '../decisions/restart.ts';
import type { RoleName } from '../roles.ts';
import type { Action } from '../steps/step.ts';

/** One planned change. */
export interface Change {
  host: string;
  stage: string;
  /** The step's id, or `reload UNIT` / `restart UNIT` for a handler. */
  step: string;
  role: RoleName;
  action: Action;
  summary: string;
  before?: string | undefined;
  after?: string | undefined;
  knownAfterApply: boolean;
  /** The settings for which PostgreSQL restarts. */
  settings?: RestartSetting[] | undefined;
  /** What is lost with its data; only where there is something. */
  loses?: readonly string[];
}
