import { UsageError } from '../errors.ts';
import { filesOf, type InventoryFiles, loadInventory } from '../inventory/load.ts';
import { jsonSchema } from '../inventory/schema.ts';
import { print, printJson, printMessage } from '../run/ask.ts';
import { keyProblems } from '../transport/named-keys.ts';
import { DOCUMENT_NAMES, documentSchema } from '../view/documents/index.ts';

/** The flags of `hapg validate`. */
export interface ValidateOptions {
  inventory: InventoryFiles;
  extra: string[];
  output: string;
  strict: boolean;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `hapg validate`: checks the inventory and prints warnings; errors exit with 5. Contacts no host. */
export async function validateCommand(options: ValidateOptions): Promise<number> {
  const { cluster, format, ...loaded } = loadInventory(options.inventory, options.extra);
  const warnings = [...loaded.warnings, ...(await keyProblems(cluster, { isHere: false })).map(format)];
  if (options.output === 'json') printJson({ ok: true, cluster: cluster.name, hosts: cluster.hosts.length, warnings });
  else {
    for (const warning of warnings) printMessage(warning);
    print(
      `${filesOf(options.inventory).own}: cluster ${cluster.name}, ${counted(cluster.hosts.length, 'host')}, ${counted(warnings.length, 'warning')}`,
    );
  }
  if (options.strict && warnings.length > 0)
    throw new UsageError(`${counted(warnings.length, 'warning')}, and --strict accepts none`);
  return 0;
}

/** `hapg schema`: prints the JSON Schema of the inventory, or that of the document of these words. Throws UsageError. */
export function schemaCommand(words: readonly string[]): number {
  const name = words.length === 0 ? undefined : words.join(' ');
  const known = DOCUMENT_NAMES.find((one) => one === name);
  if (name !== undefined && !known)
    throw new UsageError(`there is no schema of ${name}; there is one of ${DOCUMENT_NAMES.join(', ')}`);
  print(JSON.stringify(known ? documentSchema(known) : jsonSchema(), null, 2));
  return 0;
}
