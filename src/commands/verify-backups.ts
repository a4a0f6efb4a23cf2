import { transfer } from '../bounds/copy.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { backupHosts, type Cluster, type Host } from '../inventory/model.ts';
import { parseVerification, type Verification } from '../observe/verification.ts';
import { PATHS } from '../paths.ts';
import { VERIFIED_BYTES, verify } from '../programs/pgbackrest.ts';
import { print, printJson } from '../run/ask.ts';
import { besideCluster } from '../run/beside.ts';
import type { CommonOptions } from '../run/options.ts';
import { readSetup } from '../run/setup.ts';
import { bytes } from '../units.ts';
import { paint } from '../view/style.ts';
import { expectRepositories, repositoryName } from './backup.ts';

export interface VerifyOptions extends CommonOptions {
  on?: string;
}

/** The host that reads the repositories: the backup host, else the named one or the first database host. */
function reader(cluster: Cluster, on: string | undefined): Host {
  const hosts = backupHosts(cluster);
  const host = on === undefined ? hosts[0] : hosts.find((one) => one.name === on);
  if (host) return host;
  throw new UsageError(
    `--on ${on}: only ${hosts.map(({ name }) => name).join(', ')} reach${hosts.length === 1 ? 'es' : ''} the repositories`,
  );
}

/**
 * `hapg backups verify`: reads every file of every repository and compares it with its checksum. The cluster is not
 * touched, and no lock is taken. Ends with 1 when something is damaged or missing.
 */
export async function verifyBackupsCommand(options: VerifyOptions): Promise<number> {
  const setup = readSetup(options);
  const { cluster } = setup;
  expectRepositories(cluster);
  const host = reader(cluster, options.on);
  const keys = cluster.repositories.map(({ key }) => key);
  const ok = await besideCluster<Verification[]>(setup, {
    command: 'backups verify',
    stage: 'verify',
    step: 'verify the backups',
    host,
    admit({ repository }) {
      if (repository?.running)
        throw new Refused(
          'a backup is running, which may expire what is being verified; wait for its end',
          'backup_running',
        );
    },
    work: (remote) =>
      remote.unit('verify', verify(cluster.stanza, keys), transfer(), {
        script: VERIFIED_BYTES,
        describe: (read) => (Number(read) > 0 ? `verifying, ${bytes(Number(read))} read` : undefined),
      }),
    async read(session) {
      const { output } = await session.ask(host, `tac ${PATHS.log}/verify.log | sed '/^== /q' | tac`);
      const found = parseVerification(output);
      return found.length > 0 ? found : undefined;
    },
    isGood: (result) => keys.every((key) => result.find((one) => one.repository === key)?.ok),
    show(result, run) {
      if (setup.json) printJson({ ok: result.every((one) => one.ok), host: host.name, run, repositories: result });
      else print(result.map((one) => describe(cluster, one)).join('\n'));
    },
  });
  return ok ? EXIT.done : EXIT.refused;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** The words about one repository. */
function describe(cluster: Cluster, { repository, ok, wal, files, backups, gaps, messages }: Verification): string {
  const bad = backups.filter(({ status }) => status !== 'valid' && status !== 'in-progress');
  const whole = `${count(backups.length, 'backup')} with ${count(files.checked, 'file')}, ${count(wal.checked, 'WAL segment')}`;
  return [
    `repository ${repositoryName(cluster, repository)}: ${ok ? paint.green(`good: ${whole}`) : paint.red(`damaged: ${whole}; ${count(files.invalid, 'invalid file')}, ${count(wal.invalid, 'invalid WAL segment')}, ${count(wal.missing, 'missing WAL segment')}`)}`,
    ...bad.map(
      (one) =>
        `  backup ${one.name}: ${one.status}, ${one.checked - one.valid} of ${count(one.checked, 'file')} invalid`,
    ),
    ...gaps.map(
      (one) =>
        `  WAL: ${one.missing} missing between ${one.from} and ${one.to}: no restore goes past ${one.from} from a backup before it`,
    ),
    ...messages.map((message) => `  ${message}`),
    ...(ok
      ? []
      : ['  take a full backup now ("hapg backup --type full"); see "Verify the repositories" in docs/backups.md']),
  ].join('\n');
}
