import { isIP } from 'node:net';
import { dcsRole, type Host, hostsWith } from '../../src/inventory/model.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { POSTGRES } from '../../src/programs/postgres.ts';
import { certificate } from '../../src/steps/certificate.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { reload, type Step } from '../../src/steps/step.ts';
import { EXTERNAL_CA } from './dcs-connection.ts';

const role = 'patroni';
const UNIT = 'patroni.service';

/** Steps for the certificates of a member, of its PostgreSQL and of its connection to the DCS, and for what they trust. */
export function patroniCertificates(host: Host, { cluster, secrets, renewIssuedBefore }: Context): Step[] {
  const names = { commonName: host.name, dns: [host.name], ips: [host.address], issuedSince: renewIssuedBefore };
  // Clients verify the name that they connect to, also through the VIP, the balancers and outside endpoints.
  const balancers = hostsWith(cluster, 'haproxy');
  const outside = host.outside ? [host.outside.host] : [];
  const endpoints = [...(cluster.vip ? [cluster.vip.address] : []), ...balancers.map((one) => one.address)];
  const again = { notify: [reload(UNIT)] };
  const dcs = dcsRole(cluster);
  const { external } = cluster.dcs;
  // A pool uses the same certificate and trusts the same authority.
  const both = host.roles.has('pgbouncer') ? { notify: [reload(UNIT), reload('pgbouncer.service')] } : again;
  return [
    directory(role, '/etc/patroni'),
    directory(role, PKI.patroni),
    file(role, `${PKI.patroni}/rest-ca.crt`, secrets.trusted('patroni'), again),
    ...(dcs ? [file(role, `${PKI.patroni}/${dcs}-ca.crt`, secrets.trusted(dcs), again)] : []),
    ...(external?.ca ? [file(role, EXTERNAL_CA, `${external.ca.trim()}\n`, again)] : []),
    file(role, `${PKI.patroni}/postgres-ca.crt`, secrets.trusted('postgres') + secrets.upstreamTrusted(), both),
    certificate(
      role,
      { path: `${PKI.patroni}/rest`, ...POSTGRES, authority: secrets.authority('patroni'), ...names },
      again,
    ),
    ...(dcs
      ? [
          certificate(
            role,
            { path: `${PKI.patroni}/${dcs}-client`, ...POSTGRES, authority: secrets.authority(dcs), ...names },
            again,
          ),
        ]
      : []),
    certificate(
      role,
      {
        path: `${PKI.patroni}/server`,
        ...POSTGRES,
        authority: secrets.authority('postgres'),
        ...names,
        dns: [...new Set([host.name, ...balancers.map((one) => one.name), ...outside.filter((one) => !isIP(one))])],
        ips: [...new Set([host.address, ...endpoints, ...outside.filter(isIP)])],
      },
      both,
    ),
  ];
}
