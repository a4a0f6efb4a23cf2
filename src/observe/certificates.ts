import { X509Certificate } from 'node:crypto';
import { PKI } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** When a certificate expires, in milliseconds since the epoch. */
export interface Expiry {
  path: string;
  expires: number;
}

const PLACES: readonly [role: RoleName, directory: string][] = [
  ['patroni', PKI.patroni],
  ['etcd', PKI.etcd],
  ['zookeeper', PKI.zookeeper],
  ['pgbouncer', PKI.pgbouncer],
  ['pgbackrest', PKI.pgbackrest],
];

/** All certificates of a host's services. */
export const certificates: Question<Answer<Expiry[]>> = {
  about: 'certificates',
  of: (_cluster, { roles }) => PLACES.some(([role]) => roles.has(role)),
  script: (_cluster, { roles }) =>
    `tail -v -n +1 -- ${PLACES.filter(([role]) => roles.has(role))
      .map(([, directory]) => `${directory}/*.crt`)
      .join(' ')} 2>/dev/null`,
  read: (answer) => ({
    said: answer
      .split(/^==> /m)
      .slice(1)
      .flatMap((part) => {
        const path = part.slice(0, part.indexOf(' <==\n'));
        const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(part)?.[0];
        return pem ? [{ path, expires: Date.parse(new X509Certificate(pem).validTo) }] : [];
      }),
  }),
};
