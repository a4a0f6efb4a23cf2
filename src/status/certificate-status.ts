import { EXPIRY_LIMIT_MS } from '../bounds/health.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { said } from '../observe/answer.ts';
import type { Report } from './backup-status.ts';

/** The part of `hapg status -o json` about certificates; its keys are part of the outside contract. */
export interface CertificateStatus {
  earliest_expiry: string | null;
}

/** Returns the part of `status` about certificates; `now` is the time (ms since the epoch). Pure. */
export function certificateStatus({ observations }: Snapshot, now: number, problem: Report): CertificateStatus {
  const expiries: { host: string; path: string; expires: number }[] = [];
  for (const [host, { certificates }] of observations)
    for (const { path, expires } of said(certificates) ?? [])
      if (expires === undefined) problem('certificate_damaged', host, `${path} is damaged; run "hapg apply"`);
      else expiries.push({ host, path, expires });
  expiries.sort((a, b) => a.expires - b.expires);
  for (const { host, path, expires } of expiries.filter((one) => one.expires - now < EXPIRY_LIMIT_MS))
    problem(
      'certificate_expiry',
      host,
      `${path} ${expires < now ? 'has expired' : 'expires'} on ${new Date(expires).toISOString().slice(0, 10)}; run "hapg apply"`,
    );
  const first = expiries[0];
  return { earliest_expiry: first ? new Date(first.expires).toISOString() : null };
}
