import type { Context } from '../../src/engine/playbook.ts';
import { hostsWith } from '../../src/inventory/model.ts';
import { standbySlot } from '../../src/inventory/standby.ts';
import { PKI } from '../../src/paths.ts';
import { quote } from '../../src/shell/quote.ts';
import { ready } from '../../src/steps/ready.ts';
import type { Step } from '../../src/steps/step.ts';
import { REPLICATION_USER } from './hba.ts';

/**
 * Before a copy is begun: its source lets this host in and keeps WAL for it. Otherwise Patroni would try for ever, and the
 * reason would be in its log only. Later the copy must not hang on its source, which may be gone for good.
 */
export function patroniSource({ cluster, secrets }: Context): Step[] {
  const { source } = cluster;
  if (!source) return [];
  const slot = standbySlot(cluster.name);
  const server = [
    `host=${hostsWith(source, 'patroni')
      .map((host) => host.address)
      .join(',')}`,
    `port=${source.settings.postgres.port} user=${REPLICATION_USER} replication=true connect_timeout=2`,
    `sslmode=verify-full sslrootcert=${PKI.patroni}/postgres-ca.crt target_session_attrs=read-write`,
  ].join(' ');
  // A variable of the shell and of psql only: neither shows in a list of processes.
  const ask = `out=$(export PGPASSWORD=${quote(secrets.password('replication').reveal())}; timeout 14 psql -XAtq -d ${quote(server)} -c ${quote(`READ_REPLICATION_SLOT ${slot}`)} 2>&1) || { printf '%s\\n' "$out" | tail -n 1; exit 1; }
case "$out" in physical*) ;; *) echo ${quote(`${source.name} has no slot ${slot}`)}; exit 1 ;; esac`;
  return [
    ready('patroni', `source ${source.name}`, {
      check: ask,
      act: `( ${ask}\n) || echo ${quote(`(has ${source.file} been applied since standbys: names ${cluster.name}?)`)}`,
      doing: `asking ${source.name} to be let in`,
      timeoutSeconds: 10,
    }),
  ];
}
