import { type Cluster, dcsHosts } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { Secret } from '../../src/secret.ts';
import { DCS_SECRETS } from '../../src/secrets/external-secrets.ts';

/** Returns the Python package with which Patroni talks to its DCS; Debian's patroni does not depend on one. */
export const dcsClientPackage = ({ dcs }: Cluster): string =>
  ({ etcd: 'python3-etcd', zookeeper: 'python3-kazoo', consul: 'python3-consul' })[dcs.kind];

/** File with the CA of an external DCS, when the inventory has one. */
export const EXTERNAL_CA = `${PKI.patroni}/dcs-ca.crt`;

/** Returns how Patroni reaches its DCS, with the key of the section (Patroni documentation, "YAML Configuration Settings"). */
export function dcsSection({ cluster, secrets }: Context): Record<string, unknown> {
  const { kind, external } = cluster.dcs;
  const own = {
    cacert: `${PKI.patroni}/${kind}-ca.crt`,
    cert: `${PKI.patroni}/${kind}-client.crt`,
    key: `${PKI.patroni}/${kind}-client.key`,
  };
  const port = { etcd: cluster.settings.etcd.client_port, zookeeper: cluster.settings.zookeeper.client_port };
  const members = (name: keyof typeof port) => dcsHosts(cluster).map((member) => hostPort(member.address, port[name]));
  const ca = external?.ca ? { cacert: EXTERNAL_CA } : {};
  const password = () => secrets.externalSecret(DCS_SECRETS.password);
  if (kind === 'etcd')
    return {
      etcd3: external
        ? {
            hosts: external.external,
            protocol: external.tls ? 'https' : 'http',
            ...ca,
            ...(external.user ? { username: external.user, password: password() } : {}),
          }
        : { hosts: members('etcd'), protocol: 'https', ...own },
    };
  if (kind === 'zookeeper')
    return {
      zookeeper: external
        ? {
            hosts: external.external,
            use_ssl: external.tls,
            ...ca,
            ...(external.user ? { auth_data: { digest: new Secret(`${external.user}:${password().reveal()}`) } } : {}),
          }
        : { hosts: members('zookeeper'), use_ssl: true, verify: true, ...own },
    };
  return {
    consul: {
      host: external!.external[0],
      scheme: external!.tls ? 'https' : 'http',
      ...ca,
      ...(external!.token ? { token: secrets.externalSecret(DCS_SECRETS.token) } : {}),
    },
  };
}
