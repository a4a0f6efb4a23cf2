import { MONITOR } from '../../src/inventory/exporters.ts';
import type { Host } from '../../src/inventory/model.ts';
import { zookeeperAdmin } from '../../src/observe/zookeeper.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { account } from '../../src/steps/account.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { removed } from '../../src/steps/removed.ts';
import { restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { external } from './external.ts';
import { FACTS_FILES, FACTS_TIMER, ownFacts } from './facts.ts';
import { modulesOf } from './modules.ts';
import { proxyConfig, ZOOKEEPER_METRICS } from './proxy.ts';
import { ALL_EXPORTERS, exporterUnits, PATRONI_CA, PROXY_CONFIG, PROXY_UNIT } from './units.ts';

const role = 'exporters';
const READER = { owner: 'prometheus', group: 'prometheus' };
const unitFile = (name: string): string => `/etc/systemd/system/${name}`;

/** Steps before the packages: hapg's own units, so that an installation starts nothing that listens on all addresses. */
export const exportersPrepare = (host: Host, { cluster, facts }: Context): Step[] => [
  ...(host.roles.has('patroni') ? [account(role, MONITOR)] : []),
  ...exporterUnits(host, cluster, facts(host)).map(({ name, content }) =>
    file(role, unitFile(name), content, { notify: [restart(name)] }),
  ),
];

/** Steps for the certificate with which a host tells its metrics. The proxy reads it once. */
export function exportersCertificates(host: Host, { secrets, renewIssuedBefore }: Context): Step[] {
  const again = { notify: [restart(PROXY_UNIT)] };
  return [
    directory(role, PROXY_CONFIG.slice(0, PROXY_CONFIG.lastIndexOf('/'))),
    directory(role, PKI.exporters),
    file(role, `${PKI.exporters}/ca.crt`, secrets.trusted('monitoring'), again),
    ...(host.roles.has('patroni') ? [file(role, PATRONI_CA, secrets.trusted('patroni'), again)] : []),
    certificate(
      role,
      {
        path: `${PKI.exporters}/server`,
        ...READER,
        authority: secrets.authority('monitoring'),
        commonName: host.name,
        dns: [host.name],
        ips: [host.address],
        issuedSince: renewIssuedBefore,
      },
      again,
    ),
  ];
}

/** Steps for a host's exporters, and for those that it has no more: all of them where nobody watches the cluster. */
export function exporters(host: Host, context: Context): Step[] {
  const { cluster } = context;
  if (!host.roles.has(role)) return [gone(ALL_EXPORTERS)];
  const units = exporterUnits(host, cluster).map(({ name }) => name);
  return [
    ...ALL_EXPORTERS.filter((name) => !units.includes(name)).map((name) =>
      removed(role, name, { mark: unitFile(name), units: [name], paths: [], accounts: accountsOf(name) }),
    ),
    ...(modulesOf(host, cluster).includes('zookeeper')
      ? [
          file(role, ZOOKEEPER_METRICS, render('exporters/zookeeper-metrics.sh', { admin: zookeeperAdmin(cluster) }), {
            mode: '0755',
          }),
        ]
      : []),
    ...ownFacts(host, context),
    file(role, PROXY_CONFIG, proxyConfig(host, cluster), { notify: [restart(PROXY_UNIT)] }),
    ...units.map((name) => unit(role, name)),
    ...external(host, context),
  ];
}

/** The account of the exporter of PostgreSQL goes with it. */
const accountsOf = (name: string): string[] => (name.includes('-postgres-') ? [MONITOR] : []);

/** A step: a host has no exporter of hapg's, neither unit nor file. */
const gone = (units: readonly string[]): Step =>
  removed(role, 'exporters', {
    mark: unitFile(PROXY_UNIT),
    units: [FACTS_TIMER, ...units],
    paths: [
      ...units.map(unitFile),
      ...FACTS_FILES,
      ZOOKEEPER_METRICS,
      PROXY_CONFIG.slice(0, PROXY_CONFIG.lastIndexOf('/')),
      '/run/hapg-certificates.prom',
    ],
    accounts: [MONITOR],
  });
