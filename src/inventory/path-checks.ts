import { type Check, error, type Path, withRole } from './check.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './source.ts';

/** Whether a path is a directory, or lies in it; both in normal form. */
const inside = (path: string, directory: string): boolean =>
  path === directory || directory === '/' || path.startsWith(`${directory}/`);

/** Directories in which nothing of a database can be kept, with the reason. */
const CLOSED: [directory: string, because: string][] = [
  ...['/bin', '/boot', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr'].map(
    (directory): [string, string] => [directory, 'belongs to the system and its packages'],
  ),
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
  ['/var/lib/dpkg', 'belongs to the system and its packages'],
  ['/var/lib/hapg', "holds hapg's own state"],
];

/** A local installation is no part of a package (FHS 3.0, 4.9). */
const OPEN = ['/usr/local'];

/** Directories that others share: something below them is fine, they themselves are nobody's. */
const SHARED = [
  ...['/', '/var', '/var/lib', '/var/opt', '/var/backups', '/opt', '/srv', '/mnt', '/media', '/usr/local'],
  '/var/lib/postgresql',
];

interface Named {
  what: string;
  path: string;
  /** Where it is written, or would be. */
  key: Path;
}

/** Every directory on hosts that the inventory names or takes by default. */
function directories(inventory: Inventory): Named[] {
  const { cluster, dcs, etcd, zookeeper, pgbackrest, postgres } = inventory;
  const data = postgres.data_dir ?? `/var/lib/postgresql/${postgres.version}/${cluster}`;
  const keepsHere =
    withRole(inventory, 'pgbackrest').length > 0 &&
    (pgbackrest.repositories ?? [{ kind: 'host' }]).some(({ kind }) => kind === 'host');
  return [
    { what: 'postgres.data_dir', path: data, key: ['postgres', 'data_dir'] },
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

/** What is wrong with a path by itself. */
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

/** Each program has its directory to itself: one in another's is set aside, emptied or backed up together with it. */
function overlaps(named: readonly Named[]): Problem[] {
  return named.flatMap((one, index) =>
    named
      .filter((other, at) => at !== index && inside(one.path, other.path) && (one.path !== other.path || at < index))
      .slice(0, 1)
      .map((other) =>
        error(
          one.key,
          one.path === other.path
            ? `${one.what} and ${other.what} are both ${one.path}: each needs a directory of its own`
            : `${one.what} ${one.path} lies in ${other.what} ${other.path}: each needs a directory of its own, beside the other`,
        ),
      ),
  );
}

/** Whether the directories that the inventory names are there for this, and for one thing only. */
export const paths: Check = (inventory) => {
  const named = directories(inventory);
  const unfit = named.flatMap(judge);
  return unfit.length > 0 ? unfit : overlaps(named);
};
