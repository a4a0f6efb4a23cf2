import { transfer } from '../bounds/copy.ts';
import { ANSWER_S } from '../bounds/hosts.ts';
import { standstill } from '../bounds/postgres.ts';
import { REPOSITORY_S, STANZA_S } from '../bounds/programs.ts';
import { backupProgress, backupProgressLine } from '../cluster/backup-progress.ts';
import { said, silence } from '../observe/answer.ts';
import { type Repository, readReport, reportOf } from '../observe/repository.ts';
import { backup, makeStanza, PGBACKREST_CONFIG } from '../programs/pgbackrest.ts';
import type { RoleName } from '../roles.ts';
import { type Kind, type Remote, type Step, step } from './step.ts';

export interface StanzaWant {
  name: string;
  /** pgBackRest's numbers of the repositories that must hold it. */
  repositories: number[];
  /** Major version of PostgreSQL, such as `17`. */
  version: string;
  /** Shared memory of the server that is backed up (bytes), which the backup's checkpoint writes first; absent when unknown. */
  sharedBuffers?: number | undefined;
}

/** pgBackRest's report; undefined when it does not answer. */
export type StanzaState = Repository | undefined;

/** Returns the repositories without the stanza, or without a restorable backup. */
const lacking = ({ repositories }: StanzaWant, state: StanzaState): number[] =>
  repositories.filter((key) => state?.repositories.find((one) => one.key === key)?.status !== 0);

/** Whether the newest backups are of an older major version, which needs pgBackRest's "stanza-upgrade". */
const isOlder = ({ version }: StanzaWant, state: StanzaState): boolean =>
  state?.version !== undefined && state.version !== version;

/**
 * Asks pgBackRest again before anything is made, when it did not answer the probe: slow storage is no missing backup,
 * and a needless full backup would expire the oldest one. Rejects when there is still no answer.
 */
async function askAgain({ name }: StanzaWant, remote: Remote): Promise<Repository> {
  const report = readReport(await remote.run(reportOf(name, REPOSITORY_S), REPOSITORY_S + ANSWER_S), name);
  const its = said(report);
  if (!its)
    throw new Error(`pgBackRest does not report which backups there are: ${silence(report) ?? 'it was not asked'}`);
  return its;
}

/** A stanza that exists, archives, and has a restorable backup in every repository. */
const stanzaKind: Kind<StanzaWant, StanzaState> = {
  name: 'stanza',
  volatile: true,
  probe: (steps) =>
    steps
      .map(({ want }) => `if [ -e ${PGBACKREST_CONFIG} ]; then ${reportOf(want.name)}; else echo .; fi; echo --`)
      .join('\n'),
  parse(answer, steps) {
    const parts = answer.split(/^--$/m);
    return new Map(
      steps.map(({ id, want }, index) => {
        return [id, said(readReport(parts[index] ?? '', want.name)) ?? undefined] as const;
      }),
    );
  },
  diff({ want }, state) {
    const missing = lacking(want, state);
    const older = isOlder(want, state);
    if (missing.length === 0 && !older) return undefined;
    const where = want.repositories.length > 1 ? ` (repository ${missing.join(', ')})` : '';
    const hasStanza = missing.every((key) => state?.repositories.find((one) => one.key === key)?.status === 2);
    return {
      action: state?.backups.length ? 'update' : 'create',
      summary: older
        ? `stanza upgrade from PostgreSQL ${state!.version} to ${want.version}, full backup`
        : hasStanza
          ? `first full backup${where}`
          : `create, check archiving, first full backup${where}`,
      knownAfterApply: state === undefined,
    };
  },
  async change({ want }, foreseen, remote) {
    const state = foreseen ?? (await askAgain(want, remote));
    const older = isOlder(want, state);
    remote.doing('checking the archive');
    await remote.run(makeStanza(want.name, older ? 'stanza-upgrade' : 'stanza-create'), STANZA_S);
    remote.doing('first full backup');
    for (const key of older ? want.repositories : lacking(want, state))
      await remote.unit('first-backup', `exec ${backup(want.name, key, 'full')}`, transfer(), {
        script: backupProgress(want.name),
        stuckSeconds: standstill(want.sharedBuffers),
        describe: (answer) => backupProgressLine('first full backup', answer, want.name),
      });
  },
};

export const stanza = (role: RoleName, want: StanzaWant): Step => step(stanzaKind, role, want.name, want);
