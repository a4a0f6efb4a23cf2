/** The timers of Patroni, HAProxy, the DCS, keepalived and clients. A preset changes all of them together. */
export type Rto = 'fast' | 'norm' | 'wide';

export interface Timing {
  /** Patroni's timers (s): `loop_wait + 2 * retry_timeout <= ttl`. */
  patroni: { ttl: number; loop_wait: number; retry_timeout: number; primary_start_timeout: number };
  /** HAProxy's check timers (ms) and counts. */
  haproxy: { inter: number; fastinter: number; downinter: number; rise: number; fall: number };
  /**
   * etcd's timers (ms); the longer pair is for members that share disk and cores with PostgreSQL (etcd tuning guide).
   */
  etcd: { heartbeat: number; election: number };
  /** Length of a tick (ms); ticks for a member to start and copy, and to be silent before it counts as lost. */
  zookeeper: { tickMs: number; initTicks: number; syncTicks: number };
  /** Interval between VRRP advertisements (s). */
  keepalived: { advert: number };
  /** libpq (s); tcp_user_timeout (ms). */
  client: {
    connect_timeout: number;
    keepalives_idle: number;
    keepalives_interval: number;
    keepalives_count: number;
    tcp_user_timeout: number;
  };
  /** Bound for the replacement of a lost leader (s). */
  failoverBound: number;
}

const PRESETS: Record<Rto, Pick<Timing, 'patroni' | 'haproxy' | 'failoverBound'> & { connectTimeout: number }> = {
  fast: {
    patroni: { ttl: 20, loop_wait: 5, retry_timeout: 5, primary_start_timeout: 5 },
    // Three checks in 0.8 s: Patroni gives its REST API a new socket when its certificate changes, and a leader whose
    // check failed twice meanwhile would be cut off from writes.
    haproxy: { inter: 1000, fastinter: 400, downinter: 500, rise: 1, fall: 3 },
    connectTimeout: 2,
    failoverBound: 30,
  },
  norm: {
    patroni: { ttl: 30, loop_wait: 5, retry_timeout: 10, primary_start_timeout: 60 },
    haproxy: { inter: 2000, fastinter: 500, downinter: 1000, rise: 2, fall: 3 },
    connectTimeout: 2,
    failoverBound: 45,
  },
  wide: {
    patroni: { ttl: 60, loop_wait: 10, retry_timeout: 20, primary_start_timeout: 300 },
    haproxy: { inter: 3000, fastinter: 1000, downinter: 2000, rise: 2, fall: 3 },
    // On a machine without KVM a login with TLS took longer than two seconds.
    connectTimeout: 10,
    failoverBound: 120,
  },
};

/** Figures that an inventory may set instead of the preset's. */
export interface TimingOverrides {
  ttl?: number | undefined;
  loop_wait?: number | undefined;
  retry_timeout?: number | undefined;
  heartbeat_ms?: number | undefined;
  election_ms?: number | undefined;
}

/**
 * A new etcd leader gives every lease its full time again and an election time-out on top (etcd, lessor.Promote). When
 * the lost host led both PostgreSQL and etcd, the failover therefore takes up to three election time-outs longer: with
 * 2.5 s that would break the bound of `fast`.
 */
function etcdTimes(rto: Rto, overrides: TimingOverrides, shared: boolean): Timing['etcd'] {
  const patient = shared && rto !== 'fast';
  return {
    heartbeat: overrides.heartbeat_ms ?? (patient ? 250 : 100),
    election: overrides.election_ms ?? (patient ? 2500 : 1000),
  };
}

/** Returns the timers of a cluster. `sharedEtcd`: an etcd member runs on a database host. */
export function timing(rto: Rto, overrides: TimingOverrides, sharedEtcd: boolean): Timing {
  const preset = PRESETS[rto];
  return {
    patroni: {
      ttl: overrides.ttl ?? preset.patroni.ttl,
      loop_wait: overrides.loop_wait ?? preset.patroni.loop_wait,
      retry_timeout: overrides.retry_timeout ?? preset.patroni.retry_timeout,
      primary_start_timeout: preset.patroni.primary_start_timeout,
    },
    haproxy: preset.haproxy,
    etcd: etcdTimes(rto, overrides, sharedEtcd),
    zookeeper: { tickMs: 1000, initTicks: 60, syncTicks: rto === 'fast' ? 4 : 10 },
    keepalived: { advert: 1 },
    client: {
      connect_timeout: preset.connectTimeout,
      keepalives_idle: 2,
      keepalives_interval: 1,
      keepalives_count: 3,
      tcp_user_timeout: 5000,
    },
    failoverBound: preset.failoverBound,
  };
}
