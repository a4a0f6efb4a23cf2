import { DOCUMENTS, type DocumentName } from '../../src/view/documents/index.ts';

/** The commands that end with the document of an operation. */
const OPERATIONS = [
  ...[
    'update',
    'switchover',
    'promote',
    'add-replica',
    'remove-node',
    'restart',
    'reinit',
    'backup',
    'restore',
    'repair',
  ],
  ...['failover', 'pause', 'resume', 'drain', 'undrain', 'fence', 'unfence', 'stop', 'start', 'destroy', 'bench'],
  ...['secrets rotate', 'certs renew', 'config edit', 'kept rm'],
];

/** Commands that print the document of another one. */
const SAME: Record<string, DocumentName> = {
  'plan show': 'plan',
  'secrets show': 'secrets',
  'config show': 'config',
};

/** The document that a command writes with `-o json`, by its words; undefined where no schema describes it. */
export const documentOfCommand = (words: string): DocumentName | undefined =>
  SAME[words] ?? (OPERATIONS.includes(words) ? 'operation' : words in DOCUMENTS ? (words as DocumentName) : undefined);

/** What is wrong with a document; empty when its schema takes it. */
export function wrongWith(name: DocumentName, document: unknown): string[] {
  const seen = DOCUMENTS[name].safeParse(JSON.parse(JSON.stringify(document)));
  return seen.success ? [] : seen.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}
