import type { RoleName } from '../inventory/model.ts';
import { pgbackrest } from '../shell/postgres.ts';
import { type Kind, type Step, step } from './step.ts';

export interface StanzaState {
  /** pgBackRest's own status code: 0 ok, 1 no stanza, 2 no valid backup; undefined when it does not answer. */
  status: number | undefined;
}

/** A stanza that exists, archives, and has a backup that one could restore. */
const stanzaKind: Kind<string, StanzaState> = {
  name: 'stanza',
  volatile: true,
  probe: (steps) =>
    steps
      .map(
        (one) =>
          `if [ -e /etc/pgbackrest/pgbackrest.conf ]; then timeout 20 ${pgbackrest(one.want, 'info', '--output=json')} 2>/dev/null | tr -d '\\n'; fi; echo`,
      )
      .join('\n'),
  parse(answer, steps) {
    return new Map(
      steps.map((one, index) => {
        try {
          const list = JSON.parse(answer.split('\n')[index] || 'null') as
            | { name: string; status: { code: number } }[]
            | null;
          return [
            one.id,
            { status: list ? (list.find((stanza) => stanza.name === one.want)?.status.code ?? 1) : undefined },
          ];
        } catch {
          return [one.id, { status: undefined }];
        }
      }),
    );
  },
  diff(_step, { status }) {
    if (status === 0) return undefined;
    return {
      action: 'create',
      summary: status === 2 ? 'first full backup' : 'create, check archiving, first full backup',
      knownAfterApply: status === undefined,
    };
  },
  async change({ want }, _state, remote) {
    remote.doing('checking the archive');
    await remote.run(`${pgbackrest(want, 'stanza-create')} && ${pgbackrest(want, 'check')}`, 180);
    remote.doing('first full backup');
    await remote.unit('first-backup', `exec ${pgbackrest(want, '--type=full', 'backup')}`, 86_400);
  },
};

export const stanza = (role: RoleName, name: string): Step => step(stanzaKind, role, name, name);
