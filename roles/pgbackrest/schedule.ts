import { BACKUP_TYPES, type BackupType, backupUnit } from '../../src/inventory/backup-schedule.ts';
import { type Host, repositoryHost } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { file, noFile } from '../../src/steps/file.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit, unitOff } from '../../src/steps/unit.ts';
import { bandwidth } from './bandwidth.ts';
import { LOGS } from './directories.ts';
import { noticeUnit } from './notice.ts';

const role = 'pgbackrest';
const pathOf = (unitName: string): string => `/etc/systemd/system/${unitName}`;

/** Steps for the scheduled backups of a host that takes them: units for each type of the schedule, none for the others. */
export const schedule = (host: Host, context: Context): Step[] =>
  BACKUP_TYPES.flatMap((type) => {
    const calendar = context.cluster.settings.pgbackrest.schedule[type];
    return calendar === undefined ? notScheduled(type) : scheduled(type, calendar, host, context);
  });

function scheduled(type: BackupType, calendar: string, host: Host, context: Context): Step[] {
  const { cluster } = context;
  const dedicated = repositoryHost(cluster);
  const timer = `${backupUnit(type)}.timer`;
  return [
    file(
      role,
      pathOf(`${backupUnit(type)}.service`),
      render('pgbackrest/backup.service', {
        type,
        stanza: cluster.stanza,
        notice: noticeUnit(context),
        repositories: cluster.repositories.map((one) => one.key),
        lock: LOGS,
        // A dedicated host reads through the servers of the others, which apply the limit.
        ...(dedicated ? { readLimit: undefined, dataDir: '' } : bandwidth(host, context)),
        // Every database host has the schedule, and the leader at that time takes the backup.
        leader: dedicated
          ? undefined
          : {
              authority: `${PKI.patroni}/rest-ca.crt`,
              url: `https://${hostPort(host.address, cluster.settings.patroni.port)}/primary`,
            },
      }),
    ),
    file(role, pathOf(timer), render('pgbackrest/backup.timer', { type, calendar }), { notify: [restart(timer)] }),
    unit(role, timer),
  ];
}

const notScheduled = (type: BackupType): Step[] => [
  unitOff(role, `${backupUnit(type)}.timer`),
  noFile(role, pathOf(`${backupUnit(type)}.timer`), { ifMarked: true }),
  noFile(role, pathOf(`${backupUnit(type)}.service`), { ifMarked: true }),
];
