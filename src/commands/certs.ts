import { isAuthority, renewLeafs, rotateAuthority } from '../../playbooks/rotate.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { observe } from '../engine/probe.ts';
import { EXIT, UsageError } from '../errors.ts';
import { said } from '../observe/answer.ts';
import { AUTHORITIES } from '../pki/authority.ts';
import { print, printJson, printMessage } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import type { CommonOptions } from '../run/options.ts';
import { askEach } from '../run/read-only.ts';
import { refuseUnless } from '../run/refuse.ts';
import { withRun } from '../run/run.ts';
import { readSetup } from '../run/setup.ts';
import { authoritiesOf } from '../secrets/store.ts';
import { table } from '../view/style.ts';

export interface RenewOptions extends OperateOptions {
  authority?: string;
  trustOnly: boolean;
}

/** `hapg certs`: lists every certificate with its expiry, soonest first. */
export async function listCertificates(options: CommonOptions): Promise<number> {
  const setup = readSetup(options);
  const found = await withRun(setup, 'certs', { secrets: () => [] }, (run) =>
    askEach(run, async (host) => (await observe(run.session, host, ['certificates'])).certificates),
  );
  for (const { host, answer } of found)
    if (answer && 'silent' in answer) printMessage(`${host.name}: its certificates are missing here: ${answer.silent}`);
  const certificates = found
    .flatMap(({ host, answer }) => (said(answer) ?? []).map((one) => ({ host: host.name, ...one })))
    .sort((a, b) => (a.expires ?? 0) - (b.expires ?? 0));
  const time = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  if (setup.json) printJson(certificates.map(({ expires, ...one }) => ({ ...one, expires: time(expires) ?? null })));
  else
    print(table(certificates.map(({ host, path, expires }) => [time(expires)?.slice(0, 10) ?? 'damaged', host, path])));
  return EXIT.done;
}

/** `hapg certs renew`: renews every leaf certificate, or replaces an authority with an overlap of both. */
export async function renewCertificates(options: RenewOptions): Promise<number> {
  const { authority } = options;
  if (options.trustOnly && authority === undefined)
    throw new UsageError('--trust-only goes with --authority NAME, which is replaced');
  if (authority !== undefined && !isAuthority(authority))
    throw new UsageError(`--authority ${authority}: one of ${AUTHORITIES.join(', ')}`);
  return operate('certs renew', options, async (op, snapshot, _setup, store) => {
    if (authority && !authoritiesOf(op.cluster).includes(authority))
      throw new UsageError(`--authority ${authority}: this cluster has ${authoritiesOf(op.cluster).join(', ')}`);
    refuseUnless(steady(op.cluster, snapshot, DEFAULT_LIMITS));
    const own =
      authority === 'postgres'
        ? '\n  ! clients of your own need the new authority before it signs: --trust-only stops there'
        : '';
    return {
      explain: authority
        ? `the authority ${authority} is replaced: both are trusted, then the new one signs, then the old one is forgotten${own}`
        : 'every host gets new keys and certificates; services read them again',
      question: `Renew ${authority ? `the authority ${authority}` : 'the certificates'} of ${op.cluster.name}?`,
      hosts: op.cluster.hosts,
      run: () =>
        store.exclusively(() =>
          authority ? rotateAuthority(op, store, authority, options.trustOnly) : renewLeafs(op, store),
        ),
    };
  });
}
