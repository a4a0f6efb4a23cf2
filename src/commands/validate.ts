import { filesOf, type InventoryFiles, loadInventory } from '../inventory/load.ts';
import { jsonSchema } from '../inventory/schema.ts';
import { print, printJson, printMessage } from '../run/ask.ts';

/** The flags of `hapg validate`. */
export interface ValidateOptions {
  inventory: InventoryFiles;
  extra: string[];
  output: string;
}

/** `hapg validate`: checks the inventory and prints warnings; errors exit with 5. Contacts no host. */
export function validateCommand(options: ValidateOptions): number {
  const { cluster, warnings } = loadInventory(options.inventory, options.extra);
  if (options.output === 'json') printJson({ ok: true, cluster: cluster.name, hosts: cluster.hosts.length, warnings });
  else {
    for (const warning of warnings) printMessage(warning);
    print(
      `${filesOf(options.inventory).own}: cluster ${cluster.name}, ${cluster.hosts.length} hosts, ${warnings.length} warnings`,
    );
  }
  return 0;
}

/** `hapg schema`: prints the JSON Schema of the inventory. */
export function schemaCommand(): number {
  print(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}
