import { X509Certificate } from 'node:crypto';
import type { Host } from '../inventory/model.ts';
import { factsOf } from '../roles.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** When a certificate expires (ms since the epoch); undefined for a damaged one. */
export interface Expiry {
  path: string;
  expires: number | undefined;
}

/** Reads when a certificate in PEM expires; undefined when it cannot be read. */
function expiryOf(pem: string | undefined): number | undefined {
  if (pem === undefined) return undefined;
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}

/** Where the roles of a host keep certificates of their own. */
const placesOf = ({ roles }: Host): string[] =>
  [...roles].map(factsOf).flatMap(({ keys, presentsNone }) => (keys && !presentsNone ? keys : []));

/** All certificates of a host's services. */
export const certificates: Question<Answer<Expiry[]>> = {
  about: 'certificates',
  of: (_cluster, host) => placesOf(host).length > 0,
  script: (_cluster, host) =>
    `tail -v -n +1 -- ${placesOf(host)
      .map((directory) => `${directory}/*.crt`)
      .join(' ')} 2>/dev/null`,
  read: (answer) => ({
    said: answer
      .split(/^==> /m)
      .slice(1)
      .map((part) => {
        const path = part.slice(0, part.indexOf(' <==\n'));
        const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(part)?.[0];
        return { path, expires: expiryOf(pem) };
      }),
  }),
};
