import { dirname } from 'node:path';
import { FETCH_S } from '../bounds/controller.ts';
import { Refused } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { GivenSecret } from '../inventory/given-secret.ts';
import type { Cluster } from '../inventory/model.ts';
import { type CommandLine, callProgram, commandLine } from '../own-program.ts';
import { Secret } from '../secret.ts';

/**
 * Fetches secrets that somebody else keeps, one after another: a vault may ask a person. Throws Refused with the name of
 * a secret that does not come, and why; never with what was printed to standard output.
 */
export async function fetchSecrets(cluster: Cluster, wanted: readonly GivenSecret[]): Promise<Map<string, Secret>> {
  const command = commandLine(cluster.settings.secrets.command!, dirname(cluster.file));
  const found = new Map<string, Secret>();
  for (const one of wanted) found.set(one.name, await fetchOne(cluster, command, one));
  return found;
}

async function fetchOne(
  cluster: Cluster,
  command: CommandLine,
  { name, weakness, stored }: GivenSecret,
): Promise<Secret> {
  const { failure, stdout, stderr } = await callProgram(command, {
    variables: { HAPG_SECRET: name, HAPG_CLUSTER: cluster.name },
    directory: dirname(cluster.file),
    seconds: FETCH_S,
  });
  const refuse = (why: string) =>
    new Refused(`secrets.command (${fromHere(command[0])}) for ${name}: ${why}`, 'secret_missing');
  if (failure) throw refuse([failure, stderr.trim().split('\n').at(-1)].filter(Boolean).join(': '));
  const value = new Secret(stdout.replace(/\r?\n$/, ''));
  if (!value.reveal()) throw refuse('it printed nothing');
  const weak = weakness(value);
  if (weak) throw refuse(weak);
  return stored(value);
}
