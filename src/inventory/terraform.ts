import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { YamlText } from './yaml-text.ts';

/** `hosts: {from: FILE, outputs: {...}}`: hosts that Terraform made, by the names of its outputs. */
export const hostsFrom = z
  .strictObject({
    from: z.string().min(1).describe('File with the output of "terraform output -json", relative to the inventory'),
    outputs: z
      .record(
        z.string(),
        z
          .looseObject({
            prefix: z
              .string()
              .optional()
              .describe(
                'Prefix of the host names where the output is a list of addresses; default: the name of the output',
              ),
          })
          .describe('Settings of each of these hosts: roles, and every other key of a host'),
      )
      .describe(
        'Outputs by name; the value of each is an address, a list of addresses, or a map of names to addresses',
      ),
  })
  .describe('Hosts that Terraform made, instead of a mapping of hosts');

const values = z.record(z.string(), z.looseObject({ value: z.unknown() }));
const addresses = z.union([
  z.string().transform((one) => [one]),
  z.array(z.string()).min(1),
  z.record(z.string(), z.string()),
]);

/**
 * Returns the hosts of such a reference in the file `inventory`, in the inventory's own form; undefined when `hosts` is no such reference.
 * Throws with `file:line:column` for one that cannot be resolved.
 */
export function hostsFromTerraform(
  yaml: Pick<YamlText, 'format'>,
  inventory: string,
  hosts: unknown,
): Record<string, unknown> | undefined {
  if (typeof (hosts as { from?: unknown } | null)?.from !== 'string') return undefined;
  const fail = (path: (string | number)[], message: string): never => {
    throw new Error(yaml.format({ severity: 'error', path: ['hosts', ...path], message }));
  };
  const wanted = hostsFrom.safeParse(hosts);
  if (!wanted.success) {
    const issue = wanted.error.issues[0]!;
    return fail(issue.path as string[], `hosts: ${issue.message}`);
  }
  const { from, outputs } = wanted.data;
  const file = resolve(dirname(inventory), from);
  let found: z.infer<typeof values>;
  try {
    found = values.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? 'it is not what "terraform output -json" prints' : (cause as Error).message;
    return fail(['from'], `${from} cannot be read: ${reason}`);
  }
  const made: Record<string, unknown> = {};
  for (const [output, { prefix, ...rest }] of Object.entries(outputs)) {
    const list = addresses.safeParse(found[output]?.value);
    if (!list.success)
      return fail(
        ['outputs', output],
        `${from} has no output ${output} with addresses (one, a list, or a map by name)`,
      );
    const named = Array.isArray(list.data)
      ? list.data.map((address, index) => [`${prefix ?? output.replaceAll(/[^a-z0-9]+/g, '-')}${index + 1}`, address])
      : Object.entries(list.data);
    for (const [name, address] of named as [string, string][]) {
      if (made[name]) return fail(['outputs', output], `two hosts would have the name ${name}; give them a prefix`);
      made[name] = { address, ...rest };
    }
  }
  return made;
}
