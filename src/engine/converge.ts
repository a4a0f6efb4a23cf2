import { StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import type { Playbook } from '../playbook.ts';
import { ROLE_NAMES } from '../roles.ts';
import type { SecretStore } from '../secrets/store.ts';
import { Apply } from './apply.ts';
import type { Operation } from './operation.ts';
import { type ExtraContext, type Survey, survey } from './survey.ts';

/** Surveys an operation's hosts, or some of them, for a playbook. Expects the locks to be held. */
export const surveyAll = (
  op: Operation,
  playbook: Playbook,
  secrets: SecretStore,
  { hosts = op.cluster.hosts, ...extra }: ExtraContext & { hosts?: readonly Host[] } = {},
): Promise<Survey> => survey(op.session, playbook, { hosts, roles: new Set(ROLE_NAMES) }, secrets, { extra });

/** Carries out a survey's plan, as `apply` does. Rejects with the first failure, or with Interrupted. */
export async function converge(op: Operation, surveyed: Survey): Promise<void> {
  const { failed } = await new Apply(op, surveyed).run();
  op.checkInterrupt();
  const first = failed[0];
  if (first) throw new StepFailed(first.host, first.step, first.message);
}
