import { type Authority, leafProblem, signLeaf } from '../pki/authority.ts';
import type { RoleName } from '../roles.ts';
import { pipe } from '../shell/pipe.ts';
import { print, quote, words } from '../shell/quote.ts';
import { parseStat, statScript } from './file.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface CertificateWant {
  /** The path without extension: `/etc/patroni/pki/rest` means `rest.key` and `rest.crt`. */
  path: string;
  owner: string;
  group: string;
  authority: Authority;
  commonName: string;
  dns: string[];
  ips: string[];
  /** Leaf certificates issued before this are renewed (ms since the epoch). */
  issuedSince?: number | undefined;
}

export interface CertificateState {
  certificate: string;
  /** Mode and owner of the key, `0600 owner:group`; empty when there is none. */
  keyMode: string;
  /** Whether key and certificate match. */
  keyMatches: boolean;
}

/**
 * A leaf certificate with its key. The key is made on the host and never leaves it; the request travels to the
 * controller, which signs it. `NAME.id` holds the key's hash, so that a probe can match key and certificate without
 * openssl.
 */
const certificateKind: Kind<CertificateWant, CertificateState> = {
  name: 'certificate',
  contained: true,
  probe: (steps) => {
    const paths = steps.map((one) => one.want.path);
    return `${statScript(paths.map((path) => `${path}.key`))}
echo --
sha256sum -- ${words(...paths.map((path) => `${path}.key`))} 2>/dev/null
echo --
for p in ${words(...paths)}; do id=; [ ! -e "$p.id" ] || read -r id < "$p.id"; echo "id|$p|$id"; done
tail -v -n +1 -- ${words(...paths.map((path) => `${path}.crt`))} 2>/dev/null`;
  },
  parse(answer, steps) {
    const [stats = '', sums = '', rest = ''] = answer.split(/^--$/m);
    const modes = new Map(
      stats
        .split('\n')
        .filter(Boolean)
        .map(parseStat)
        .map(({ path, state }) => [path, state.type === 'file' ? `${state.mode} ${state.owner}:${state.group}` : '']),
    );
    const hashes = new Map(sums.split('\n').map((line): [string, string] => [line.slice(66), line.slice(0, 64)]));
    return new Map(
      steps.map((one) => {
        const { path } = one.want;
        const id = rest
          .split('\n')
          .find((line) => line.startsWith(`id|${path}|`))
          ?.slice(`id|${path}|`.length);
        const heading = `==> ${path}.crt <==\n`;
        const from = rest.indexOf(heading);
        const text = from < 0 ? '' : rest.slice(from + heading.length);
        const certificate = /^-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(text)?.[0] ?? '';
        return [
          one.id,
          {
            certificate,
            keyMode: modes.get(`${path}.key`) ?? '',
            keyMatches: !!id && id === hashes.get(`${path}.key`),
          },
        ];
      }),
    );
  },
  diff({ want }, state) {
    const until = 'a year, key made on the host';
    if (!state.certificate || !state.keyMode)
      return {
        action: 'create',
        summary: `CN=${want.commonName}, ${[...want.dns, ...want.ips].join(' ')}, for ${until}`,
      };
    const problem = leafProblem(state.certificate, want.authority, want, Date.now(), want.issuedSince);
    if (problem) return { action: 'update', summary: `${problem} → renewed for ${until}` };
    if (!state.keyMatches)
      return { action: 'update', summary: 'the key is not the one of the certificate → both made anew' };
    const mode = `0600 ${want.owner}:${want.group}`;
    return state.keyMode === mode ? undefined : { action: 'update', summary: `key ${state.keyMode} → ${mode}` };
  },
  async change({ want }, state, remote) {
    const key = quote(`${want.path}.key`);
    const own = `chown ${quote(`${want.owner}:${want.group}`)}`;
    const sound =
      state.certificate &&
      state.keyMatches &&
      !leafProblem(state.certificate, want.authority, want, Date.now(), want.issuedSince);
    if (sound) {
      await remote.run(`${own} ${key} && chmod 0600 ${key}`);
      return;
    }
    const next = quote(`${want.path}.key.hapg-new`);
    const request = await remote.run(
      `umask 077; openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${next} -subj ${quote(`/CN=${want.commonName}`)} 2>/dev/null`,
    );
    const certificate = await signLeaf(want.authority, request, want);
    const crt = quote(`${want.path}.crt`);
    // A reader between the two renames sees a pair that does not match, and keeps the old one.
    await remote.run(`set -e
umask 077
${own} ${next}
chmod 0600 ${next}
${print(certificate)} > ${quote(`${want.path}.crt.hapg-new`)}
${own} ${quote(`${want.path}.crt.hapg-new`)}
chmod 0644 ${quote(`${want.path}.crt.hapg-new`)}
${pipe(`sha256sum ${next}`, 'cut -c1-64')} > ${quote(`${want.path}.id`)}
mv -fT ${next} ${key}
mv -fT ${quote(`${want.path}.crt.hapg-new`)} ${crt}`);
  },
};

/** A step: a key and its certificate at `path`.key and .crt. */
export const certificate = (role: RoleName, want: CertificateWant, options: StepOptions = {}): Step =>
  step(certificateKind, role, want.path, want, options);
