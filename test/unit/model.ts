import { readFileSync } from 'node:fs';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import type { Answer } from '../../src/observe/answer.ts';
import { parseFacts } from '../../src/observe/host.ts';
import type { Observation } from '../../src/observe/index.ts';
import type { Context } from '../../src/playbook.ts';
import { SecretStore } from '../../src/secrets/store.ts';

/** The lab's inventory with changes, as a model; no file is written. */
export function labCluster(...replace: [from: string, to: string][]): Cluster {
  let text = readFileSync('inventory/lab.yaml', 'utf8');
  for (const [from, to] of replace) {
    if (!text.includes(from)) throw new Error(`inventory/lab.yaml has no ${from}`);
    text = text.replace(from, to);
  }
  return parseInventory(text, 'inventory/lab.yaml').cluster;
}

export const FACTS = parseFacts(
  'id=debian\ncodename=trixie\ncpus=4\nmemory=16777216\nvirt=kvm\nipv6=yes\nsshport=22\nversion=openssh-server 1:10.0p1-7\n',
);

/** A context for pure functions: new secrets, these facts, this snapshot. */
export async function contextFor(
  cluster: Cluster,
  observations: ReadonlyMap<string, Observation> = new Map(),
): Promise<Context> {
  return {
    cluster,
    secrets: await SecretStore.create(cluster),
    facts: () => FACTS,
    snapshot: takeSnapshot(observations),
    jumpHosts: new Set(),
  };
}

export const EMPTY: Observation = {
  identity: undefined,
  pending: [],
  units: { said: [] },
  holds: [],
  holder: undefined,
  dataDirectory: undefined,
  patroni: undefined,
  sql: undefined,
  dcs: undefined,
  newToDcs: undefined,
  vipHeld: undefined,
  vipInterface: undefined,
  pool: undefined,
  balancer: undefined,
  repository: undefined,
  schedule: undefined,
  space: undefined,
  drill: undefined,
  restore: undefined,
  certificates: undefined,
  figures: undefined,
};

/** What was said, to be read or changed; an error where it was not. */
export function its<T>(answer: Answer<T | null> | undefined): T {
  if (!answer || !('said' in answer) || answer.said === null) throw new Error('it has not said anything');
  return answer.said;
}

/** A healthy lab as its hosts would show it: db1 leads, db2 is the synchronous standby, proxy1 holds the VIP. */
export function healthyLab(): Map<string, Observation> {
  const address = (index: number) => `10.1.1.${10 + index}`;
  const members = ['db1', 'db2', 'db3'].map((name, index) => ({
    name,
    host: address(index),
    role: ['leader', 'sync_standby', 'replica'][index]!,
    state: index === 0 ? 'running' : 'streaming',
    timeline: 3,
    ...(index > 0 ? { lag: 0 } : {}),
  }));
  const etcdMembers = ['db1', 'db2', 'db3'].map((name, index) => ({
    id: String(index + 1),
    name,
    peer: `https://${address(index)}:2380`,
    learner: false,
  }));
  const observations = new Map<string, Observation>();
  for (const [index, name] of ['db1', 'db2', 'db3'].entries())
    observations.set(name, {
      ...EMPTY,
      dataDirectory: { said: { state: 'cluster', systemIdentifier: '7000' } },
      patroni: {
        said: {
          self: { role: index === 0 ? 'primary' : 'replica', state: 'running', patroni: { name, version: '4.0.7' } },
          members,
          paused: false,
        },
      },
      sql: {
        said: {
          archiver: {
            archived_count: 5,
            failed_count: 0,
            last_archived_time: '2026-01-01T00:00:00Z',
            last_failed_time: null,
            waiting: 0,
            waiting_s: null,
          },
          replication:
            index === 0 ? ['db2', 'db3'].map((other) => ({ name: other, state: 'streaming', behind: 0 })) : [],
          idleSlots: [],
          tablespaces: [],
          restartSettings: ['max_connections', 'shared_buffers'],
          receiver: null,
          replayed: null,
          transaction: null,
        },
      },
      dcs: {
        said: {
          healthy: true,
          id: String(index + 1),
          leader: '1',
          version: '3.5.16',
          members: etcdMembers,
          initialize: '7000',
          failsafe: [],
        },
      },
      figures: {
        said: {
          server: {
            said: {
              version: '17.6 (Debian 17.6-0+deb13u1)',
              connections: { used: 12, max: 200 },
              databases: index === 0 ? [{ name: 'app', bytes: 1e9 }] : null,
              slots:
                index === 0
                  ? ['db2', 'db3'].map((slot) => ({ name: slot, type: 'physical', active: true, kept: 0 }))
                  : [],
            },
          },
          room: { said: [{ path: '/var/lib/postgresql/17/pglab', sizeBytes: 5e10, freeBytes: (index + 1) * 1e10 }] },
          history:
            '[[1, 100, "no recovery target specified", "2025-12-30T12:00:00+00:00", "db2"], [2, 200, "no recovery target specified", "2025-12-31T12:00:00+00:00", "db1"]]',
        },
      },
      newToDcs: false,
      repository: undefined,
      drill: { said: null },
      certificates: { said: [] },
    });
  const rows = (proxy: string, up: string[]) =>
    ['db1', 'db2', 'db3'].map((server) => ({
      proxy,
      server,
      status: up.includes(server) ? 'UP' : 'DOWN',
      sessions: 0,
    }));
  for (const name of ['proxy1', 'proxy2'])
    observations.set(name, {
      ...EMPTY,
      vipHeld: { said: name === 'proxy1' },
      balancer: { said: [...rows('primary', ['db1']), ...rows('replica', ['db2', 'db3'])] },
    });
  observations.set('backup', {
    ...EMPTY,
    schedule: { said: { idle: [], triggered: 1_767_225_490 } },
    space: { said: [{ path: '/var/lib/pgbackrest', sizeBytes: 1e10, freeBytes: 5e9 }] },
    repository: {
      said: {
        status: 0,
        message: 'ok',
        running: false,
        progress: undefined,
        repositories: [{ key: 1, status: 0, message: 'ok' }],
        systemIdentifier: '7000',
        version: '17',
        archive: { min: '000000010000000000000001', max: '000000030000000000000009' },
        backups: [
          {
            label: '20260101-000000F',
            repository: 1,
            type: 'full',
            start: 1_767_225_500,
            stop: 1_767_225_600,
            sizeBytes: 1_000_000,
            storedBytes: 100_000,
            startLsn: '0/2000028',
            stopLsn: '0/3000050',
            wal: ['000000010000000000000002', '000000010000000000000003'],
            damaged: false,
          },
        ],
      },
    },
  });
  observations.set('client', EMPTY);
  return observations;
}
