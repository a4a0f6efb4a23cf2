import { type Host, hostsWith } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { account } from '../../src/steps/account.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { reload, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'keepalived';

export const keepalivedPackages = ['keepalived', 'curl'];

/** Check of the configuration; keepalived 2.2.7 (Debian 12) ends its own process group with SIGTERM after checking a file with scripts. */
const CHECK = "(trap '' TERM; keepalived -t -f {})";

export function keepalived(host: Host, { cluster, snapshot }: Context): Step[] {
  const { vip } = cluster;
  if (!vip) return [];
  const own = host.vipInterface ?? said(snapshot.observations.get(host.name)?.vipInterface);
  const balancers = hostsWith(cluster, 'keepalived');
  return [
    account(role, 'keepalived_script'),
    directory(role, '/etc/keepalived'),
    file(
      role,
      '/etc/keepalived/keepalived.conf',
      render('keepalived/keepalived.conf', {
        name: host.name,
        statsPort: cluster.settings.haproxy.ports.stats,
        interface: own ?? 'unknown',
        routerId: vip.routerId,
        priority: host.priority ?? 100 - balancers.indexOf(host),
        advert: cluster.timing.keepalived.advert,
        address: host.address,
        peers: balancers.filter((other) => other !== host).map((other) => other.address),
        vip: `${vip.address}/${vip.prefix}`,
      }),
      {
        mode: '0640',
        check: CHECK,
        notify: [reload('keepalived.service')],
        notApplicable: own ? undefined : `it is not known which interface has ${host.address}`,
      },
    ),
    unit(role, 'keepalived.service'),
  ];
}
