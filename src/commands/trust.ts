import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settleAll } from '../engine/pool.ts';
import { EXIT, Refused } from '../errors.ts';
import { confirm, print, printJson, printMessage } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { expectKeys, readSetup } from '../run/setup.ts';
import { ensureStateDir } from '../secrets/store-file.ts';
import { clientConfig } from '../transport/client-config.ts';
import { fingerprint, KnownHosts, keyType, knownName } from '../transport/known-hosts.ts';
import { scanHostKeys } from '../transport/scan.ts';
import { resolveTarget } from '../transport/target.ts';
import { paint } from '../view/style.ts';

/**
 * `hapg trust`: fetches host keys, shows their fingerprints for comparison, and stores new ones. A key that differs
 * from a stored one is never replaced: the operator has to remove that line.
 */
export async function trustCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster, hosts, json } = setup;
  // Only a jump host is logged in to.
  await expectKeys(setup, options.jump === undefined ? hosts.filter((host) => host.ssh.jump !== undefined) : hosts);
  const file = join(cluster.stateDir, 'known_hosts');
  const config = clientConfig();
  const results = await settleAll(hosts, Number(options.forks), async (host) => {
    const flags = { user: options.user, privateKey: options.privateKey, jump: options.jump };
    const target = await resolveTarget(cluster, host, flags, config);
    const known = KnownHosts.read(target.knownHosts);
    const keys = (await scanHostKeys(target)).map((key) => ({
      key,
      verdict: known.verify(target.known.host, target.known.port, key),
    }));
    return { name: knownName(target.known.host, target.known.port), keys };
  });
  const fresh: string[] = [];
  const rows: { host: string; type: string; fingerprint: string; state: string }[] = [];
  const bad: string[] = [];
  for (const [index, result] of results.entries()) {
    const host = hosts[index]!.name;
    if (result.status === 'rejected') {
      bad.push(`${host}: ${(result.reason as Error).message}`);
      continue;
    }
    const { name, keys } = result.value;
    // A new type beside a stored one is not a changed key.
    const changed =
      keys.some(({ verdict }) => !verdict.ok && verdict.kind === 'mismatch') && !keys.some(({ verdict }) => verdict.ok);
    for (const { key, verdict } of keys) {
      rows.push({
        host,
        type: keyType(key),
        fingerprint: fingerprint(key),
        state: verdict.ok ? 'known' : changed ? 'CHANGED' : 'new',
      });
      if (!verdict.ok && !changed) fresh.push(`${name} ${keyType(key)} ${key.toString('base64')}\n`);
      if (!verdict.ok && changed) bad.push(`${host}: ${verdict.reason}`);
    }
  }
  const explain = rows
    .map(
      (row) =>
        `${row.host}  ${row.type}  ${row.fingerprint}  ${row.state === 'known' ? paint.green('known') : row.state === 'new' ? paint.yellow('new') : paint.red('CHANGED')}`,
    )
    .join('\n');
  for (const line of bad) printMessage(paint.red(line));
  if (json) printJson(rows);
  else if (fresh.length === 0 && rows.length > 0) print(explain);
  if (fresh.length > 0) {
    const question = `Store ${fresh.length} keys? Compare them with what the hosts' consoles show.`;
    if (!(await confirm(question, { ...options, explain }))) throw new Refused('nothing was stored', 'not_confirmed');
    ensureStateDir(cluster);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    appendFileSync(file, `${text && !text.endsWith('\n') ? '\n' : ''}${fresh.join('')}`, { mode: 0o600 });
  }
  return bad.length > 0 ? EXIT.unreachable : EXIT.done;
}
