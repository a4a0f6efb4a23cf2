import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { UsageError } from '../errors.ts';
import { parseInventory } from '../inventory/load.ts';
import { render } from '../render.ts';
import { print } from './common.ts';

interface InitOptions {
  cluster?: string;
  databases?: string;
  balancers?: string;
  backup?: string;
  vip?: string;
  clients?: string;
  user?: string;
  force: boolean;
}

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);

/** `hapg init`: writes a commented inventory from flags, or from answers on a terminal. What it writes has been validated. */
export async function initCommand(file: string, options: InitOptions): Promise<number> {
  if (existsSync(file) && !options.force) throw new UsageError(`${file} is there already; --force overwrites it`);
  const answers = options.databases || !process.stdin.isTTY ? options : await ask(options);
  const databases = list(answers.databases);
  if (databases.length === 0) throw new UsageError('--databases ADDRESS,... is needed (a terminal would ask)');
  const balancers = list(answers.balancers);
  const text = render('init/inventory.yaml', {
    cluster: answers.cluster || 'main',
    user: answers.user || 'root',
    clients: list(answers.clients).join(', '),
    vip: balancers.length > 0 ? (answers.vip ?? '') : '',
    databases: databases.map((address, index) => ({ name: `db${index + 1}`, address })),
    balancers: balancers.map((address, index) => ({ name: `proxy${index + 1}`, address })),
    backup: answers.backup ?? '',
    // An even number of voters survives no more than the odd number below it.
    voters: databases.length % 2 === 1 ? databases.length : databases.length - 1 || 1,
  });
  const { warnings } = parseInventory(text, file);
  writeFileSync(file, text);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  print(`${file} is written. Next: hapg trust -i ${file} && hapg apply -i ${file}`);
  return 0;
}

async function ask(given: InitOptions): Promise<InitOptions> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const question = async (text: string, fallback = '') =>
    (await prompt.question(`${text}${fallback ? ` [${fallback}]` : ''}: `)).trim() || fallback;
  try {
    return {
      ...given,
      cluster: given.cluster ?? (await question('Name of the cluster', 'main')),
      databases: await question('Addresses of the database hosts, separated by commas'),
      balancers: given.balancers ?? (await question('Addresses of the balancers (empty: none)')),
      vip: given.vip ?? (await question('Virtual address of the balancers, such as 10.0.0.100/24 (empty: none)')),
      backup: given.backup ?? (await question('Address of the backup host (empty: no backups)')),
      clients: given.clients ?? (await question('Networks of the clients, such as 10.0.0.0/24')),
      user: given.user ?? (await question('Login name', 'root')),
    };
  } finally {
    prompt.close();
  }
}
