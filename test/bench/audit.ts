import { execFileSync, spawnSync } from 'node:child_process';
import { loadInventory } from '../../src/inventory/load.ts';
import { labAdd } from '../../src/lab/lab.ts';
import { PKI } from '../../src/paths.ts';

/**
 * Hardening, measured by others: lynis on a hardened host beside an untouched one, ssh-audit from outside,
 * systemd-analyze on the units, handshakes with every TLS port. Needs a lab that is up and applied; ends with 1 below a
 * floor.
 */
const { cluster } = loadInventory(process.argv[2] ?? 'inventory/lab.yaml');
const FLOORS = { lynisBetterBy: 12, unitExposure: 5.0 };
const network = cluster.hosts[0]!.address.replace(/\d+$/, '');
let bad = 0;

function on(host: string, script: string): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('docker', ['exec', `${cluster.name}-${host}`, 'sh', '-c', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { code: status, out: stdout + stderr };
}

function judge(what: string, figure: string, good: boolean): void {
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${what.padEnd(44)} ${figure}`);
  if (!good) bad++;
}

const install = (host: string, ...packages: string[]) => {
  const { code, out } = on(
    host,
    `DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install ${packages.join(' ')}`,
  );
  if (code !== 0) throw new Error(out);
};
const lynis = (host: string): number => {
  install(host, 'lynis');
  return Number(/Hardening index : (\d+)/.exec(on(host, 'lynis audit system --quick --no-colors').out)?.[1]);
};

/** A service as one of its peers reaches it: where from, where to, what it is trusted by, and the peer's own certificate. */
interface Service {
  what: string;
  from: string;
  address: string;
  port: number;
  authority: string;
  /** Path without ending of the peer's certificate and key; undefined where clients have none. */
  own?: string;
  starttls?: string;
  /** Who shows no certificate is sent away in the handshake. */
  mutual?: boolean;
}
const addressOf = (name: string) => cluster.hosts.find((host) => host.name === name)!.address;
const { etcd, patroni, postgres, pgbackrest, haproxy } = cluster.settings;
const SERVICES: Service[] = [
  ...([etcd.client_port, etcd.peer_port] as const).map((port) => ({
    what: port === etcd.peer_port ? 'etcd peers' : 'etcd clients',
    from: 'db2',
    address: addressOf('db1'),
    port,
    authority: `${PKI.etcd}/ca.crt`,
    own: `${PKI.etcd}/server`,
    mutual: true,
  })),
  {
    what: 'Patroni REST',
    from: 'db2',
    address: addressOf('db1'),
    port: patroni.port,
    authority: `${PKI.patroni}/rest-ca.crt`,
    own: `${PKI.patroni}/rest`,
  },
  {
    what: 'PostgreSQL',
    from: 'db2',
    address: addressOf('db1'),
    port: postgres.port,
    authority: `${PKI.patroni}/postgres-ca.crt`,
    starttls: 'postgres',
  },
  {
    what: 'PostgreSQL through the VIP',
    from: 'client',
    address: cluster.vip?.address ?? addressOf('proxy1'),
    port: haproxy.ports.primary,
    authority: PKI.client,
    starttls: 'postgres',
  },
  {
    what: 'pgBackRest',
    from: 'db1',
    address: addressOf('backup'),
    port: pgbackrest.port,
    authority: `${PKI.pgbackrest}/ca.crt`,
    own: `${PKI.pgbackrest}/pgbackrest`,
  },
];

/** Handshakes as a TLS scanner makes them: old protocols, weak ciphers, names, and nobody's certificate. */
function judgeTls({ what, from, address, port, authority, own, starttls, mutual }: Service): void {
  const client = own ? `-cert ${own}.crt -key ${own}.key` : '';
  const handshake = (options: string, certificate = client) =>
    on(
      from,
      `echo | timeout 10 openssl s_client -connect ${address}:${port} ${starttls ? `-starttls ${starttls}` : ''} -CAfile ${authority} -verify_return_error ${certificate} ${options}`,
    ).code === 0;
  const weak = "-cipher 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'";
  const versions = ['-tls1', '-tls1_1'].filter((one) => handshake(`${one} ${weak}`));
  judge(`${what}: TLS below 1.2`, versions.join(' ') || 'refused', versions.length === 0);
  const modern = ['-tls1_2', '-tls1_3'].filter((one) => handshake(one));
  judge(`${what}: TLS 1.2 or 1.3`, modern.join(' '), modern.length > 0);
  judge(
    `${what}: weak ciphers`,
    'refused',
    !handshake("-tls1_2 -cipher 'aNULL:eNULL:3DES:RC4:LOW:EXPORT:MD5:@SECLEVEL=0'"),
  );
  judge(`${what}: its own address is in the certificate`, address, handshake(`-verify_ip ${address}`));
  judge(`${what}: another name is not`, 'refused', !handshake('-verify_hostname another.example'));
  if (mutual) judge(`${what}: without a certificate`, 'refused', !handshake('-tls1_2', ''));
}

const UNTOUCHED = 'untouched';
try {
  await labAdd(cluster, UNTOUCHED, `${network}90`);
  const before = lynis(UNTOUCHED);
  for (const host of ['db1', 'client']) {
    const after = lynis(host);
    judge(`lynis index of ${host}, untouched host ${before}`, String(after), after - before >= FLOORS.lynisBetterBy);
  }
  install(UNTOUCHED, 'ssh-audit');
  for (const host of cluster.hosts) {
    const { code } = on(UNTOUCHED, `ssh-audit ${host.address}`);
    judge(`ssh-audit of ${host.name}`, `exit ${code}`, code === 0);
  }
  for (const [host, units] of [
    ['db1', ['etcd', 'patroni', 'pgbackrest']],
    ['proxy1', ['haproxy', 'keepalived']],
  ] as const)
    for (const unit of units) {
      const exposure = Number(
        /Overall exposure level for \S+: ([\d.]+)/.exec(
          on(host, `systemd-analyze security --no-pager ${unit}.service`).out,
        )?.[1],
      );
      const floored = unit === 'etcd' || unit === 'haproxy';
      judge(`systemd-analyze security ${unit}`, String(exposure), !floored || exposure <= FLOORS.unitExposure);
    }
  for (const service of SERVICES) judgeTls(service);
  const asStranger = (command: string) =>
    on(
      'db1',
      `runuser -u postgres -- pgbackrest --no-config --repo1-host=${addressOf('backup')} --repo1-host-type=tls --repo1-host-port=${pgbackrest.port} --repo1-host-ca-file=${PKI.pgbackrest}/ca.crt --repo1-host-cert-file=${PKI.patroni}/rest.crt --repo1-host-key-file=${PKI.patroni}/rest.key --stanza=${cluster.stanza} ${command}`,
    ).out;
  judge(
    "pgBackRest: another authority's certificate",
    'refused',
    /unknown ca/.test(asStranger('info')) && !/status: ok/.test(asStranger('info')),
  );
  // It greets without one, for its own ping, and serves only clients that are named in tls-server-auth (pgBackRest, "server").
  const greeted = on(
    'db1',
    `(printf '{"cmd":"config"}\\n'; sleep 2) | timeout 10 openssl s_client -quiet -CAfile ${PKI.pgbackrest}/ca.crt -connect ${addressOf('backup')}:${pgbackrest.port} 2>/dev/null`,
  ).out.trim();
  judge('pgBackRest: without a certificate', 'a greeting only', /^\{"name":"pgBackRest"[^\n]*\}$/.test(greeted));
  const anonymous = (from: string, script: string) => on(from, script).code !== 0;
  judge(
    'Patroni REST: a write without a password',
    'refused',
    anonymous(
      'db2',
      `curl -sf -X POST --cacert ${PKI.patroni}/rest-ca.crt --cert ${PKI.patroni}/rest.crt --key ${PKI.patroni}/rest.key https://${addressOf('db1')}:${patroni.port}/restart`,
    ),
  );
  judge(
    'HAProxy statistics without a password',
    'refused',
    anonymous(
      'client',
      `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(q(${addressOf('proxy1')}:${haproxy.ports.stats})) or exit 1; print $s qq(GET / HTTP/1.0\\r\\n\\r\\n); $l = <$s>; exit($l =~ / 200 / ? 0 : 1)'`,
    ),
  );
} finally {
  execFileSync('docker', ['rm', '-f', `${cluster.name}-${UNTOUCHED}`], { stdio: 'ignore' });
}
process.exitCode = bad > 0 ? 1 : 0;
