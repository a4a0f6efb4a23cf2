import type { Host } from '../../src/inventory/model.ts';
import { passwordOf, type Receiver, urlOf } from '../../src/inventory/monitoring-schema.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import type { Secret } from '../../src/secret.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { removed } from '../../src/steps/removed.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { scrapeFile } from '../exporters/scrape.ts';
import { readerOf } from '../exporters/units.ts';
import { alertmanagerConfig } from './alertmanager.ts';
import { prometheusConfig } from './prometheus.ts';
import { rulesYaml } from './rules/index.ts';

const role = 'monitoring';
const PROMETHEUS = 'prometheus.service';
const ALERTMANAGER = 'prometheus-alertmanager.service';
const OWNER = { owner: 'prometheus', group: 'prometheus' };
const dropIn = (name: string): string => `/etc/systemd/system/${name}.d`;

/** Directory of hapg's configuration; the package's own files beside it stay as they are. */
export const CONFIG = '/etc/prometheus/hapg';

/** Steps before the packages: settings of their units, so that an installation starts nothing. */
export const monitoringPrepare = (_host: Host, { cluster }: Context): Step[] => {
  const { prometheus, alertmanager, retention } = cluster.settings.monitoring;
  const settings = (name: string, template: string, data: object): Step[] => [
    directory(role, dropIn(name)),
    file(role, `${dropIn(name)}/hapg.conf`, render(template, data), { notify: [restart(name)] }),
  ];
  return [
    ...settings(PROMETHEUS, 'monitoring/prometheus.service', { config: CONFIG, port: prometheus.port, retention }),
    ...settings(ALERTMANAGER, 'monitoring/alertmanager.service', { config: CONFIG, port: alertmanager.port }),
  ];
};

/** Steps for the certificate with which Prometheus reads metrics. It reads the files at every connection. */
export const monitoringCertificates = (_host: Host, { cluster, secrets, renewIssuedBefore }: Context): Step[] => {
  const reader = readerOf(cluster);
  return [
    directory(role, '/etc/prometheus'),
    directory(role, PKI.monitoring),
    file(role, `${PKI.monitoring}/ca.crt`, secrets.trusted('monitoring')),
    certificate(role, {
      path: `${PKI.monitoring}/${reader}`,
      ...OWNER,
      authority: secrets.authority('monitoring'),
      commonName: reader,
      dns: [reader],
      ips: [],
      issuedSince: renewIssuedBefore,
    }),
  ];
};

/** Steps for Prometheus and Alertmanager; on a host that watches no more, what is left of them. */
export function monitoring(host: Host, context: Context): Step[] {
  if (!host.roles.has(role)) return [gone];
  const { cluster } = context;
  const { alerts } = cluster.settings.monitoring;
  const secrets = alerts.receivers.flatMap((one) => secretFiles(one, context));
  return [
    directory(role, CONFIG, { group: 'prometheus', mode: '0750' }),
    // Prometheus looks at this file by itself.
    file(role, `${CONFIG}/${cluster.name}.json`, scrapeFile(cluster)),
    file(role, `${CONFIG}/${cluster.name}.rules.yml`, rulesYaml(cluster), {
      check: 'promtool check rules {}',
      notify: [reload(PROMETHEUS)],
    }),
    file(role, `${CONFIG}/prometheus.yml`, prometheusConfig(host, cluster, CONFIG), {
      check: 'promtool check config {}',
      notify: [reload(PROMETHEUS)],
    }),
    // Alertmanager reads a secret when it needs it.
    ...secrets.map(({ path, content }) => file(role, path, content, { group: 'prometheus', mode: '0640' })),
    file(role, `${CONFIG}/alertmanager.yml`, alertmanagerConfig(alerts, CONFIG), {
      check: 'amtool check-config {}',
      notify: [reload(ALERTMANAGER)],
    }),
    unit(role, ALERTMANAGER),
    unit(role, PROMETHEUS),
  ];
}

/** The files of a receiver's secrets. */
function secretFiles(one: Receiver, { secrets }: Context): { path: string; content: Secret }[] {
  const names = [
    ...(one.email?.username === undefined ? [] : [passwordOf(one)]),
    ...(one.webhook === 'secret' ? [urlOf(one)] : []),
  ];
  return names.map((name) => ({ path: `${CONFIG}/${name}`, content: secrets.externalSecret(name) }));
}

/** A step: neither Prometheus nor Alertmanager of hapg's. What Prometheus has kept stays with its package. */
const gone = removed(role, 'Prometheus and Alertmanager', {
  mark: `${dropIn(PROMETHEUS)}/hapg.conf`,
  units: [PROMETHEUS, ALERTMANAGER],
  paths: [dropIn(ALERTMANAGER), CONFIG, PKI.monitoring],
  accounts: [],
});
