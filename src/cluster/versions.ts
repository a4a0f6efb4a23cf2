import type { Facts } from '../observe/host.ts';

/** The PostgreSQL version that each release ships. */
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

/** Returns what the installed (or offered) versions support; the only place that knows. */
export function capabilities({ versions }: Pick<Facts, 'versions'>) {
  const atLeast = (have: string, want: string) => compareVersions(have, want) >= 0;
  return {
    /** `replication: quorum` (Patroni 4.0 release notes). */
    quorumMode: atLeast(versions.patroni, '4.0.0'),
    /** DCS failsafe mode; trusted only from 4.0.7 on. */
    failsafeMode: atLeast(versions.patroni, '4.0.7'),
    /** GET /patroni of a replica reports `replication_state`; older versions report only the received WAL position. */
    replicationState: atLeast(versions.patroni, '4.0.0'),
    /** GET /patroni reports for which settings a member waits to be restarted, with both values. */
    restartReasons: atLeast(versions.patroni, '4.0.0'),
    /** `patronictl list` reports whose keys exist even while no member runs (patroni#2839, fixed in 3.1.1). */
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
    /** IP addresses in certificates are verified, not only DNS names (seen: 2.55.1 does, 2.45 does not). */
    pgbackrestAddressNames: atLeast(versions.pgbackrest, '2.55'),
    /** Block incremental backups (pgBackRest 2.46 release notes). */
    blockBackup: atLeast(versions.pgbackrest, '2.46'),
    /** Repositories on SFTP servers (pgBackRest 2.46 release notes); `repo-sftp-host-key-check-type` (2.48). */
    sftp: atLeast(versions.pgbackrest, '2.46'),
    sftpKeyCheck: atLeast(versions.pgbackrest, '2.48'),
    /** `repo-azure-key-type=auto` (pgBackRest 2.58 release notes). */
    azureIdentity: atLeast(versions.pgbackrest, '2.58'),
  };
}
