import { capabilities } from '../../src/cluster/versions.ts';
import { followsDatacenter, type Host, hostsWith } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PATHS, PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { file, noFile } from '../../src/steps/file.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { unit, unitOff } from '../../src/steps/unit.ts';

const role = 'patroni';
const FILE = `${PATHS.memberConfig}/20-preferences.yml`;
const TIMER = 'patroni-preferences.timer';

/**
 * Steps for failover preferences with several data centers: a member beside the lost leader comes first among those
 * with the same WAL (Patroni documentation, tag `failover_priority`). Patroni reads the tag from a directory of its own
 * in /run, so that config.yml stays as declared.
 */
export function preferences(host: Host, { cluster, facts }: Pick<Context, 'cluster' | 'facts'>): Step[] {
  if (!followsDatacenter(cluster) || !capabilities(facts(host)).failoverPriority)
    return [unitOff(role, TIMER), noFile(role, FILE, { notify: [reload('patroni.service')] })];
  const near = hostsWith(cluster, 'patroni').filter((one) => one.datacenter === host.datacenter);
  return [
    file(
      role,
      PATHS.preferencesScript,
      render('patroni/preferences.sh', {
        authority: `${PKI.patroni}/rest-ca.crt`,
        url: `https://${hostPort(host.address, cluster.settings.patroni.port)}`,
        near: near.map(({ name }) => name).join('|'),
        directory: PATHS.memberConfig,
        file: FILE,
      }),
      { mode: '0755' },
    ),
    file(
      role,
      '/etc/systemd/system/patroni-preferences.service',
      render('patroni/preferences.service', { script: PATHS.preferencesScript }),
    ),
    file(role, `/etc/systemd/system/${TIMER}`, render('patroni/preferences.timer', {}), { notify: [restart(TIMER)] }),
    unit(role, TIMER),
  ];
}
