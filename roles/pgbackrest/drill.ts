import { drillHost, type Host } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { CLEAN_ENVIRONMENT } from '../../src/shell/environment.ts';
import { words } from '../../src/shell/quote.ts';
import { file } from '../../src/steps/file.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit, unitOff } from '../../src/steps/unit.ts';
import { noticeUnit } from './notice.ts';
import { scratchServer } from './scratch.ts';

const role = 'pgbackrest';
const TIMER = 'pgbackrest-drill.timer';
/** Steps for the restore drill: its script on every host that could run one, its schedule on the chosen host. */
export function drill(host: Host, context: Context): Step[] {
  const { cluster } = context;
  const scratch = scratchServer(cluster, 'drill');
  const { schedule, count } = cluster.settings.pgbackrest.drill;
  const script = file(
    role,
    PATHS.drillScript,
    render('pgbackrest/drill.sh', {
      ...scratch,
      result: PATHS.drill,
      scratchServer: render('pgbackrest/scratch.sh', scratch),
      count: words(...count.map(({ database, table }) => `${database}.${table}`)),
    }),
    { mode: '0755' },
  );
  if (host !== drillHost(cluster) || !schedule) return [script, unitOff(role, TIMER)];
  return [
    script,
    file(
      role,
      '/etc/systemd/system/pgbackrest-drill.service',
      render('pgbackrest/drill.service', {
        stanza: cluster.stanza,
        script: PATHS.drillScript,
        environment: CLEAN_ENVIRONMENT,
        notice: noticeUnit(context),
      }),
    ),
    file(role, `/etc/systemd/system/${TIMER}`, render('pgbackrest/drill.timer', { calendar: schedule }), {
      notify: [restart(TIMER)],
    }),
    unit(role, TIMER),
  ];
}
