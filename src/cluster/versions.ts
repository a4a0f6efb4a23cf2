import type { Facts } from '../observe/host.ts';

/** The PostgreSQL that each release ships itself. */
export const SHIPPED_POSTGRES: Record<string, string> = { bookworm: '15', trixie: '17', jammy: '14', noble: '16' };

/** Compares dotted versions by their numbers; negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] || 0) - (right[index] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What the installed (or offered) versions can do; the one place that knows. */
export function capabilities({ versions }: Pick<Facts, 'versions'>) {
  const atLeast = (have: string, want: string) => compareVersions(have, want) >= 0;
  return {
    /** `replication: quorum` (Patroni 4.0 release notes). */
    quorumMode: atLeast(versions.patroni, '4.0.0'),
    /** DCS failsafe mode; trusted from 4.0.7 on only. */
    failsafeMode: atLeast(versions.patroni, '4.0.7'),
    /** GET /patroni of a replica tells `replication_state`; older ones only where WAL has been received to. */
    replicationState: atLeast(versions.patroni, '4.0.0'),
    /** `patronictl list` tells whose keys are there even while nobody runs (patroni#2839, mended in 3.1.1). */
    namesScope: atLeast(versions.patroni, '3.1.1'),
    /** `auth_data` of ZooKeeper (Patroni 3.3). */
    zookeeperUser: atLeast(versions.patroni, '3.3.0'),
    /** Standby clusters: permanent slots on every member, no synchronous mode there; the tag `failover_priority` (Patroni 3.2). */
    standbyClusters: atLeast(versions.patroni, '3.2.0'),
    failoverPriority: atLeast(versions.patroni, '3.2.0'),
    /** sd_notify (Patroni 4.1 release notes); older ones would be killed as "not started". */
    patroniNotify: atLeast(versions.patroni, '4.1.0'),
    /** `backup-standby=prefer` (pgBackRest 2.54 release notes). */
    backupStandbyPrefer: atLeast(versions.pgbackrest, '2.54'),
    /** Certificates are compared with IP addresses, not only with DNS names (seen: 2.55.1 does, 2.45 does not). */
    pgbackrestAddressNames: atLeast(versions.pgbackrest, '2.55'),
    /** Block incremental backups (pgBackRest 2.46 release notes). */
    blockBackup: atLeast(versions.pgbackrest, '2.46'),
  };
}
