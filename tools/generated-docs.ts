import { Command } from 'commander';
import { program } from '../src/cli.ts';
import { EXIT } from '../src/errors.ts';
import { jsonSchema } from '../src/inventory/schema.ts';
import { commandsReference } from './commands-reference.ts';
import { inventoryReference } from './inventory-reference.ts';

/** The generated pages, by their path from the root of the project. */
export const generatedDocs = (): Map<string, string> =>
  new Map([
    ['docs/inventory.md', inventoryReference(jsonSchema())],
    ['docs/commands.md', commandsReference(program, EXIT, new Command())],
  ]);
