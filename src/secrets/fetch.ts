import { dirname } from 'node:path';
import { FETCH_S } from '../bounds/controller.ts';
import { Refused } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Cluster } from '../inventory/model.ts';
import { type CommandLine, callProgram, commandLine } from '../own-program.ts';
import { Secret } from '../secret.ts';
import { weakness } from './external-secrets.ts';

/**
 * Fetches secrets that somebody else keeps, one after another: a vault may ask a person. Throws Refused with the name of
 * a secret that does not come, and why; never with what was printed to standard output.
 */
export async function fetchSecrets(cluster: Cluster, names: readonly string[]): Promise<Map<string, Secret>> {
  const command = commandLine(cluster.settings.secrets.command!, dirname(cluster.file));
  const found = new Map<string, Secret>();
  for (const name of names) found.set(name, await fetchOne(cluster, command, name));
  return found;
}

async function fetchOne(cluster: Cluster, command: CommandLine, name: string): Promise<Secret> {
  const { failure, stdout, stderr } = await callProgram(command, {
    variables: { HAPG_SECRET: name, HAPG_CLUSTER: cluster.name },
    directory: dirname(cluster.file),
    seconds: FETCH_S,
  });
  const refuse = (why: string) => new Refused(`secrets.command (${fromHere(command[0])}) for ${name}: ${why}`);
  if (failure) throw refuse([failure, stderr.trim().split('\n').at(-1)].filter(Boolean).join(': '));
  const value = new Secret(stdout.replace(/\r?\n$/, ''));
  if (!value.reveal()) throw refuse('it printed nothing');
  const weak = weakness(name, value);
  if (weak) throw refuse(weak);
  return value;
}
