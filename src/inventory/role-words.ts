/** Roles of hosts in the words of other tools and of people. */
const ROLES = new Map(
  Object.entries({
    postgres: 'patroni',
    postgresql: 'patroni',
    database: 'patroni',
    databases: 'patroni',
    primary: 'patroni',
    master: 'patroni',
    leader: 'patroni',
    replica: 'patroni',
    standby: 'patroni',
    dcs: 'etcd',
    balancer: 'haproxy',
    balancers: 'haproxy',
    vip: 'keepalived',
    pooler: 'pgbouncer',
    backup: 'pgbackrest',
    backups: 'pgbackrest',
    firewall: 'ufw',
    prometheus: 'monitoring',
    alertmanager: 'monitoring',
    grafana: 'monitoring',
  }),
);
const CHOSEN_BY_PATRONI = new Set(['primary', 'master', 'leader', 'replica', 'standby']);

/** Returns what hapg calls a role of other words, as the end of a sentence; undefined for a word that means none. */
export function roleMeant(word: string): string | undefined {
  const role = ROLES.get(word.toLowerCase());
  return (
    role &&
    `hapg calls it ${role}${CHOSEN_BY_PATRONI.has(word.toLowerCase()) ? ', and Patroni decides which member leads' : ''}`
  );
}
