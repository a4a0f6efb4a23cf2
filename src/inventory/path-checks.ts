import { type Check, error, noPostgres, type Path, withRole } from './check.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './yaml-text.ts';

/** Whether a path is a directory or inside it; both in normal form. */
const inside = (path: string, directory: string): boolean =>
  path === directory || directory === '/' || path.startsWith(`${directory}/`);

/** Directories that cannot hold a database, with the reason. */
const CLOSED: [directory: string, because: string][] = [
  ...[
    ...['/bin', '/boot', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr', '/snap', '/nix'],
    ...['/var/lib/apt', '/var/lib/dpkg', '/var/lib/systemd'],
  ].map((directory): [string, string] => [directory, 'belongs to the system and its packages']),
  ...['/dev', '/proc', '/run', '/sys', '/var/run', '/var/lock'].map((directory): [string, string] => [
    directory,
    'is gone with the next boot',
  ]),
  ...['/tmp', '/var/tmp', '/var/cache', '/var/spool'].map((directory): [string, string] => [
    directory,
    'is emptied by the system now and then',
  ]),
  ...['/home', '/root'].map((directory): [string, string] => [
    directory,
    'is not seen by the services (ProtectHome=yes, systemd.exec(5))',
  ]),
  ['/var/log', 'is for logs, which are rotated'],
  ['/var/mail', 'is for mail'],
  ['/lost+found', 'is for what fsck finds'],
  ['/var/lib/hapg', "holds hapg's own state"],
];

/** Directories for local installations, which no package owns (FHS 3.0, 4.9). */
const OPEN = ['/usr/local'];

/** Shared directories: only a directory below them may be used. */
const SHARED = [
  ...[
    '/',
    '/var',
    '/var/lib',
    '/var/opt',
    '/var/backups',
    '/var/local',
    '/opt',
    '/srv',
    '/mnt',
    '/media',
    '/usr/local',
  ],
  '/var/lib/postgresql',
];

interface Named {
  what: string;
  path: string;
  /** The path of the setting, or its default's. */
  key: Path;
}

/** Returns the data directory of all database hosts, where one of them uses it or the inventory names it. */
function sharedData(inventory: Inventory): Named[] {
  const { cluster, postgres } = inventory;
  const members = withRole(inventory, 'patroni');
  if (!postgres.data_dir && members.length > 0 && ownData(inventory).length === members.length) return [];
  const path = postgres.data_dir ?? `/var/lib/postgresql/${postgres.version}/${cluster}`;
  return [{ what: 'postgres.data_dir', path, key: ['postgres', 'data_dir'] }];
}

/** Returns the data directories that database hosts have for themselves. */
const ownData = (inventory: Inventory): Named[] =>
  withRole(inventory, 'patroni').flatMap(([name, { postgres }]) => {
    const path = postgres?.data_dir;
    const key = ['hosts', name, 'postgres', 'data_dir'];
    return path === undefined ? [] : [{ what: key.join('.'), path, key }];
  });

/** Returns every other directory on hosts that the inventory names or takes by default. */
function otherDirectories(inventory: Inventory): Named[] {
  const { cluster, dcs, etcd, zookeeper, pgbackrest, postgres } = inventory;
  const keepsHere =
    withRole(inventory, 'pgbackrest').length > 0 &&
    (pgbackrest.repositories ?? [{ kind: 'host' }]).some(({ kind }) => kind === 'host');
  return [
    ...(postgres.wal_dir ? [{ what: 'postgres.wal_dir', path: postgres.wal_dir, key: ['postgres', 'wal_dir'] }] : []),
    ...(dcs === 'etcd'
      ? [{ what: 'etcd.data_dir', path: etcd.data_dir ?? `/var/lib/etcd/${cluster}`, key: ['etcd', 'data_dir'] }]
      : []),
    ...(dcs === 'zookeeper'
      ? [
          {
            what: 'zookeeper.data_dir',
            path: zookeeper.data_dir ?? `/var/lib/zookeeper/${cluster}`,
            key: ['zookeeper', 'data_dir'],
          },
        ]
      : []),
    ...(keepsHere ? [{ what: 'pgbackrest.path', path: pgbackrest.path, key: ['pgbackrest', 'path'] }] : []),
    ...(pgbackrest.repositories ?? []).flatMap((one, index) =>
      one.kind === 'directory'
        ? [
            {
              what: `the path of repository ${index + 1}`,
              path: one.path,
              key: ['pgbackrest', 'repositories', index, 'path'],
            },
          ]
        : [],
    ),
  ];
}

/** Returns the problems with a path by itself. */
function judge({ what, path, key }: Named): Problem[] {
  if (path.split('/').includes('..')) return [error(key, `${what}: write ${path} without ..`)];
  if (SHARED.includes(path))
    return [error(key, `${what}: ${path} is for others too; name a directory of its own, such as ${below(path)}`)];
  const closed = OPEN.some((directory) => inside(path, directory))
    ? undefined
    : CLOSED.find(([directory]) => inside(path, directory));
  return closed ? [error(key, `${what}: ${closed[0]} ${closed[1]}; name another directory, such as /srv/pg/data`)] : [];
}

const below = (path: string): string => `${path === '/' ? '' : path}/${path === '/' ? 'pgdata' : 'pg/data'}`;

type Overlap = [inner: Named, outer: Named];

/** Finds directories inside another program's: they would be set aside, emptied or backed up together with it. */
const overlaps = (named: readonly Named[]): Overlap[] =>
  named.flatMap((one, index) =>
    named
      .filter((other, at) => at !== index && inside(one.path, other.path) && (one.path !== other.path || at < index))
      .slice(0, 1)
      .map((other): Overlap => [one, other]),
  );

const overlapping = ([one, other]: Overlap, key = one.key): Problem =>
  error(
    key,
    one.path === other.path
      ? `${one.what} and ${other.what} are both ${one.path}: each needs a directory of its own`
      : `${one.what} ${one.path} lies in ${other.what} ${other.path}: each needs a directory of its own, beside the other`,
  );

/**
 * Checks that each directory of the inventory is suitable, and used for one thing only. Data directories of different
 * hosts do not meet.
 */
export const paths: Check = (inventory) => {
  const own = ownData(inventory);
  const others = otherDirectories(inventory);
  const named = [...sharedData(inventory), ...others];
  const unfit = [...named, ...own].flatMap(judge);
  if (unfit.length > 0) return unfit;
  return [
    ...overlaps(named).map((pair) => overlapping(pair)),
    ...own.flatMap((one) =>
      overlaps([one, ...others])
        .filter((pair) => pair.includes(one))
        .map((pair) => overlapping(pair, one.key)),
    ),
  ];
};

/** Checks that only hosts with PostgreSQL have a data directory for it. */
export const dataOfMembers: Check = (inventory) =>
  Object.entries(inventory.hosts).flatMap(([name, { roles, postgres }]) =>
    postgres?.data_dir === undefined || roles.includes('patroni')
      ? []
      : [noPostgres(name, ['hosts', name, 'postgres', 'data_dir'])],
  );
