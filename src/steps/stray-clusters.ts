import type { RoleName } from '../inventory/model.ts';
import { type Kind, type Step, step } from './step.ts';

/**
 * Clusters of Debian's postgresql-common (`/etc/postgresql/VERSION/NAME`) beside Patroni's. They are stopped and kept
 * from starting; their data is left alone.
 */
const strayClusterKind: Kind<null, string[]> = {
  name: 'stray-clusters',
  probe: () => `for d in /etc/postgresql/*/*/; do
  [ -e "$d/postgresql.conf" ] || continue
  v=$(basename "$(dirname "$d")"); n=$(basename "$d")
  if ! grep -qx disabled "$d/start.conf" 2>/dev/null || systemctl -q is-active "postgresql@$v-$n.service"; then echo "$v $n"; fi
done`,
  parse: (answer, steps) => new Map(steps.map((one) => [one.id, answer.trim().split('\n').filter(Boolean)])),
  diff: (_step, found) =>
    found.length === 0
      ? undefined
      : {
          action: 'update',
          summary: `stop and disable ${found.map((one) => one.replace(' ', '/')).join(', ')}; data is kept`,
        },
  async change(_step, found, remote) {
    for (const one of found) {
      const [version, name] = one.split(' ') as [string, string];
      if (!/^\d+$/.test(version) || !/^[A-Za-z0-9_.-]+$/.test(name)) throw new Error(`unexpected cluster name ${one}`);
      await remote.run(
        `echo disabled > /etc/postgresql/${version}/${name}/start.conf; systemctl stop postgresql@${version}-${name}.service; systemctl daemon-reload; ! systemctl -q is-active postgresql@${version}-${name}.service`,
        120,
      );
    }
  },
};

export const strayClusters = (role: RoleName): Step => step(strayClusterKind, role, 'of postgresql-common', null);
