import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apply as playbook } from '../../playbooks/apply.ts';
import { allSteps } from '../engine/plan.ts';
import { assumedContext } from '../engine/survey.ts';
import { redact, Secret } from '../secrets/secret.ts';
import { SecretStore } from '../secrets/store.ts';
import type { FileWant } from '../steps/file.ts';
import { resolveTarget } from '../transport/target.ts';
import { findWays } from '../transport/ways.ts';
import { type CommonOptions, print, setup } from './common.ts';

/** Nothing is contacted, a name server neither. */
const NO_LOOKUP = async (): Promise<readonly string[]> => [];

/** `hapg render`: every file of every host below a directory, with secrets redacted; facts as last seen, else assumed. */
export async function renderCommand(directory: string, options: CommonOptions): Promise<number> {
  const { cluster, hosts, roles } = setup(options);
  const secrets = (await SecretStore.read(cluster)) ?? (await SecretStore.create(cluster));
  await secrets.complete();
  const flags = { user: options.user, privateKey: options.privateKey, jump: options.jump };
  const ways = await findWays(cluster, (host) => resolveTarget(cluster, host, flags), NO_LOOKUP);
  const context = assumedContext(cluster, secrets, new Set(ways.keys()));
  let count = 0;
  for (const host of hosts)
    for (const step of allSteps(playbook, host, context, { hosts, roles }).flatMap(({ steps }) => steps)) {
      if (step.kind.name !== 'file') continue;
      const { path, content } = step.want as FileWant;
      if (content === undefined) continue;
      const target = join(directory, host.name, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, redact(content instanceof Secret ? content.reveal() : content, secrets.all()));
      count++;
    }
  print(`${count} files of ${hosts.length} hosts in ${directory}`);
  return 0;
}
