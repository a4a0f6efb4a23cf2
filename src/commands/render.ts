import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apply as playbook } from '../../playbooks/apply.ts';
import { allSteps } from '../engine/plan.ts';
import { assumedContext } from '../engine/survey.ts';
import { UsageError } from '../errors.ts';
import { makeDirectory, onFile } from '../file-trouble.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { readSetup } from '../run/setup.ts';
import { Secret } from '../secret.ts';
import { registerSecrets } from '../secrets/outlet.ts';
import { SecretStore } from '../secrets/store.ts';
import type { FileWant } from '../steps/file.ts';
import { clientConfig } from '../transport/client-config.ts';
import { findJumpHosts } from '../transport/jump-hosts.ts';
import { resolveTarget } from '../transport/target.ts';

/** Looks up nothing: this command contacts no name server either. */
const NO_LOOKUP = async (): Promise<readonly string[]> => [];

/**
 * `hapg render`: writes every file of every host below a directory. Each secret is `[redacted]`, by its place in the
 * file and not by its value. Facts are those of the last observation, else assumed.
 */
export async function renderCommand(directory: string, options: CommonOptions): Promise<number> {
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw new UsageError(`${directory}: this is a file, and render writes a directory`);
  const { cluster, hosts, roles, json } = readSetup(options);
  const secrets = (await SecretStore.read(cluster)) ?? (await SecretStore.create(cluster));
  await secrets.complete();
  registerSecrets(() => secrets.all());
  const flags = { user: options.user, privateKey: options.privateKey, jump: options.jump };
  const config = clientConfig();
  const ways = await findJumpHosts(cluster, (host) => resolveTarget(cluster, host, flags, config), NO_LOOKUP);
  const context = assumedContext(cluster, secrets, new Set(ways.keys()));
  const files = hosts.flatMap((host) =>
    allSteps(playbook, host, context, { hosts, roles })
      .flatMap(({ steps }) => steps)
      .flatMap((step) => (step.kind.name === 'file' ? [{ host, want: step.want as FileWant }] : [])),
  );
  let count = 0;
  for (const { host, want } of files) {
    if (want.content === undefined) continue;
    const target = join(directory, host.name, want.path);
    const text = want.content instanceof Secret ? want.content.redacted() : want.content;
    onFile(target, () => {
      makeDirectory(dirname(target));
      writeFileSync(target, text);
    });
    count++;
  }
  if (json) printJson({ directory, files: count, hosts: hosts.map(({ name }) => name) });
  else print(`${count} files of ${hosts.length} hosts in ${directory}`);
  return 0;
}
