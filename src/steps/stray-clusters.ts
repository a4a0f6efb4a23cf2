import { START_S } from '../bounds/postgres.ts';
import { SOCKET_DIR } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface StrayWant {
  /** Whether the inventory allows stopping clusters that hold somebody's data. */
  stopUsed: boolean;
}

/** A cluster of postgresql-common (`/etc/postgresql/VERSION/NAME`) that runs, or would at the next boot. */
export interface StrayCluster {
  version: string;
  name: string;
  port: string;
  running: boolean;
  /** Whether it has users' databases, tables or roles, or may have. */
  used: boolean;
}

/** The first OID of an object that a user makes (FirstNormalObjectId in PostgreSQL's access/transam.h). */
const FIRST_USER_OID = 16_384;

/** SQL that counts users' objects in a cluster's own database; 0 in an unused cluster. */
const USER_OBJECTS = `select (select count(*) from pg_database where oid >= ${FIRST_USER_OID}) + (select count(*) from pg_roles where oid >= ${FIRST_USER_OID}) + (select count(*) from pg_class where oid >= ${FIRST_USER_OID})`;

/**
 * Clusters of Debian's postgresql-common beside Patroni's. An unused one is stopped and kept from starting, and its
 * data stays. A used one is not stopped, unless the inventory allows it.
 */
const strayClusterKind: Kind<StrayWant, StrayCluster[]> = {
  name: 'stray-clusters',
  // A cluster whose version has no server any more cannot run.
  probe: () => `for d in /etc/postgresql/*/*/; do
  [ -e "$d/postgresql.conf" ] || continue
  v=\${d#/etc/postgresql/}; n=\${v#*/}; n=\${n%/}; v=\${v%%/*}; bin=/usr/lib/postgresql/$v/bin
  [ -x "$bin/postgres" ] || continue
  running=no; ! systemctl -q is-active "postgresql@$v-$n.service" || running=yes
  [ $running = yes ] || ! grep -qx disabled "$d/start.conf" 2>/dev/null || continue
  port=$(sed -n 's/^port *= *\\([0-9]*\\).*/\\1/p' "$d/postgresql.conf" | tail -n 1)
  data=$(sed -n "s/^data_directory *= *'\\(.*\\)'.*/\\1/p" "$d/postgresql.conf" | tail -n 1)
  used=yes
  if [ $running = yes ]; then
    [ "$(timeout 5 runuser -u postgres -- "$bin/psql" -XAtqw -h ${SOCKET_DIR} -p "\${port:-5432}" -d postgres -c ${quote(USER_OBJECTS)} 2>/dev/null)" != 0 ] || used=no
  else
    oid=$("$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n "s/^Latest checkpoint's NextOID: *//p")
    [ "\${oid:-${FIRST_USER_OID}}" -ge ${FIRST_USER_OID} ] || used=no
  fi
  echo "$v|$n|\${port:-5432}|$running|$used"
done`,
  parse(answer, steps) {
    const found = answer
      .split('\n')
      .filter(Boolean)
      .map((line): StrayCluster => {
        const [version = '', name = '', port = '', running, used] = line.split('|');
        return { version, name, port, running: running === 'yes', used: used !== 'no' };
      });
    return new Map(steps.map((one) => [one.id, found]));
  },
  diff: (_step, found) =>
    found.length === 0
      ? undefined
      : {
          action: 'update',
          summary: `stop and disable ${found.map(({ version, name }) => `${version}/${name}`).join(', ')}; data is kept`,
        },
  refuse({ want }, found) {
    const others = found.filter(({ used }) => used && !want.stopUsed);
    if (others.length === 0) return undefined;
    const told = others.map(
      ({ version, name, port, running }) =>
        `PostgreSQL ${version}/${name} (port ${port}) ${running ? 'runs here' : 'starts here with the next boot'}`,
    );
    return `${told.join(' and ')}, with data of somebody else's, and beside Patroni's it would be stopped. Move it elsewhere or turn it off ("systemctl stop postgresql@${others[0]!.version}-${others[0]!.name}" and "disabled" in its start.conf), or have hapg do that with postgres: {stop_other_clusters: true}`;
  },
  async change(_step, found, remote) {
    for (const { version, name } of found) {
      if (!/^\d+$/.test(version) || !/^[A-Za-z0-9_.-]+$/.test(name))
        throw new Error(`unexpected cluster name ${version}/${name}`);
      await remote.run(
        `echo disabled > /etc/postgresql/${version}/${name}/start.conf; systemctl stop postgresql@${version}-${name}.service; systemctl daemon-reload; ! systemctl -q is-active postgresql@${version}-${name}.service`,
        START_S,
      );
    }
  },
};

/** A step: no cluster of postgresql-common runs beside Patroni's. */
export const strayClusters = (role: RoleName, want: StrayWant): Step =>
  step(strayClusterKind, role, 'of postgresql-common', want);
