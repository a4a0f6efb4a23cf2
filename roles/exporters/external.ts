import { stringify } from 'yaml';
import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { removed } from '../../src/steps/removed.ts';
import type { Step } from '../../src/steps/step.ts';
import { rulesYaml } from '../monitoring/rules/index.ts';
import { scrapeConfig, scrapeFile } from './scrape.ts';
import { PROXY_CONFIG, readerOf } from './units.ts';

const role = 'exporters';
/** What the administrator of a Prometheus elsewhere copies. Only root may read it: there is a key in it. */
const EXTERNAL = PROXY_CONFIG.replace(/[^/]+$/, 'external');
/** Where it is on the machine of that Prometheus. */
const THERE = '/etc/prometheus/hapg';

/** Steps on the first host of the inventory for a Prometheus elsewhere: what it needs to read the metrics. */
export function external(host: Host, { cluster, secrets, renewIssuedBefore }: Context): Step[] {
  const mark = `${EXTERNAL}/scrape.yml`;
  if (cluster.settings.monitoring.external === undefined || host !== cluster.hosts[0])
    return [removed(role, 'what an external Prometheus needs', { mark, units: [], paths: [EXTERNAL], accounts: [] })];
  const reader = readerOf(cluster);
  return [
    directory(role, EXTERNAL, { mode: '0700' }),
    file(role, `${EXTERNAL}/ca.crt`, secrets.trusted('monitoring')),
    certificate(role, {
      path: `${EXTERNAL}/${reader}`,
      owner: 'root',
      group: 'root',
      authority: secrets.authority('monitoring'),
      commonName: reader,
      dns: [reader],
      ips: [],
      issuedSince: renewIssuedBefore,
    }),
    file(role, `${EXTERNAL}/${cluster.name}.json`, scrapeFile(cluster)),
    file(role, `${EXTERNAL}/${cluster.name}.rules.yml`, rulesYaml(cluster)),
    file(
      role,
      mark,
      `# Managed by hapg. Into scrape_configs of the Prometheus that reads this cluster, with the files of this directory in ${THERE}.\n${stringify([scrapeConfig(cluster, { targets: `${THERE}/${cluster.name}.json`, pki: THERE })])}`,
    ),
  ];
}
