import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { presentDatabases } from '../inventory/accounts.ts';
import { type Cluster, type Host, hostsWith } from '../inventory/model.ts';
import { expectHost } from '../inventory/select.ts';
import { asPostgres, SOCKET_DIR } from '../programs/postgres.ts';
import type { CommonOptions } from '../run/options.ts';
import { observeHosts } from '../run/read-only.ts';
import { expectKeys, readSetup, type Setup } from '../run/setup.ts';
import { quote, words } from '../shell/quote.ts';
import { opensshConfig } from '../transport/openssh.ts';
import { resolveTarget, type SshTarget } from '../transport/target.ts';
import { screen } from '../view/screen.ts';

/** Runs the OpenSSH client on this terminal; resolves with its exit status. */
async function openssh(target: SshTarget, options: readonly string[], command: readonly string[]): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-ssh-'));
  try {
    writeFileSync(join(directory, 'config'), opensshConfig(target), { mode: 0o600 });
    const child = spawn('ssh', ['-F', join(directory, 'config'), ...options, target.alias, ...command], {
      stdio: 'inherit',
    });
    return await new Promise((done, failed) => {
      child.on('error', (cause) =>
        failed(new Refused(`the ssh program does not start (${cause.message}); install an OpenSSH client`, 'program')),
      );
      child.on('close', (code) => done(code ?? 255));
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const targetOf = (cluster: Cluster, host: Host, options: CommonOptions): Promise<SshTarget> =>
  resolveTarget(cluster, host, { user: options.user, privateKey: options.privateKey, jump: options.jump });

/**
 * `hapg ssh HOST [COMMAND]`: logs in with the host key, key and jump hosts that hapg uses; -v is ssh's own. Exits as ssh does.
 */
export async function sshCommand(name: string, command: readonly string[], options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster } = setup;
  const host = expectHost(cluster, name, name);
  await expectKeys(setup, [host]);
  const verbose = options.verbose > 0 ? [`-${'v'.repeat(options.verbose)}`] : [];
  return openssh(await targetOf(cluster, host, options), verbose, command);
}

/** The flags of `hapg psql`. */
export interface PsqlOptions extends CommonOptions {
  host?: string;
}

/** `hapg psql [ARGUMENTS]`: runs psql as the super user on the leader, or on `--host`. Exits as psql does. */
export async function psqlCommand(args: readonly string[], options: PsqlOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster } = setup;
  const { host: named } = options;
  const host = named ? expectHost(cluster, `--host ${named}`, named, 'patroni') : await leader(setup);
  await expectKeys(setup, [host]);
  const target = await targetOf(cluster, host, options);
  const database = presentDatabases(cluster.settings.postgres)[0]?.name ?? 'postgres';
  // Debian's wrapper of psql, because it loads readline for interactive use.
  const command = asPostgres(
    ...['psql', '-h', SOCKET_DIR, '-p', String(cluster.settings.postgres.port), '-d', database, ...args],
  );
  const asRoot = target.user === 'root' ? command : `sudo -H sh -c ${quote(command)}`;
  return openssh(target, screen.canAsk ? ['-t'] : [], [asRoot]);
}

/** The leader. Throws Refused when there is none. */
function leader(setup: Setup): Promise<Host> {
  const members = hostsWith(setup.cluster, 'patroni');
  return observeHosts(setup, 'psql', { hosts: members, about: ['members'] }, (snapshot) => {
    const host = members.find((one) => one.name === snapshot.leader?.name);
    if (!host)
      throw new Refused(
        `no member leads; name one with --host (${words(...members.map((one) => one.name))})`,
        'no_leader',
      );
    return host;
  });
}
