import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Refused } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Cluster } from '../inventory/model.ts';
import { isoSeconds } from '../units.ts';
import { decrypt, encrypt, Undecipherable } from './age.ts';
import { type FileRead, freshName, onDisk, readWhole, removeFile, replaceFile } from './durable-file.ts';
import { Damage, parseStored, type Stored } from './stored.ts';

/** The two forms of the store. Only one exists, except for the moment in which one replaces the other. */
const FORMS = ['secrets.age', 'secrets.yaml'] as const;
type Form = (typeof FORMS)[number];

const wantedForm = ({ settings }: Cluster): Form =>
  settings.secrets.recipients.length > 0 ? 'secrets.age' : 'secrets.yaml';

const pathOf = ({ stateDir }: Cluster, form: Form): string => join(stateDir, form);

/** Returns the file of a cluster's secrets: plain YAML (mode 0600), or encrypted when the inventory names age recipients. */
export const storeFile = (cluster: Cluster): string => pathOf(cluster, wantedForm(cluster));

/** Checksums of a store's files when they were read: SHA-256 by form, without missing forms. */
export type Prints = Partial<Record<Form, string>>;

/** A store's files as they were read or written last. */
export interface StoreFile {
  text: string;
  prints: Prints;
  /** Files of an interrupted write. */
  left: string[];
  /** Warnings about the files, each a sentence with the cure. */
  warnings: string[];
}

/** One form of the store as it was read. */
interface Read extends FileRead {
  form: Form;
  path: string;
  text: string;
  stored: Stored;
}

/** Makes `.hapg/<cluster>` for its owner only. Throws Refused. */
export function ensureStateDir({ stateDir }: Cluster): void {
  onDisk(`${fromHere(stateDir)} cannot be made`, () => {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    if ((statSync(stateDir).mode & 0o777) !== 0o700) chmodSync(stateDir, 0o700);
  });
}

const print = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Reads each existing form. Throws Refused when one cannot be read. */
function readForms(cluster: Cluster): Map<Form, FileRead> {
  const found = FORMS.map((form) => [form, readWhole(pathOf(cluster, form))] as const);
  return new Map(found.flatMap(([form, file]) => (file ? [[form, file]] : [])));
}

const printsOf = (forms: ReadonlyMap<Form, FileRead>): Prints =>
  Object.fromEntries([...forms].map(([form, { bytes }]) => [form, print(bytes)]));

/** Whether the files are still as they were read; `before` is undefined when there was no store. Throws Refused. */
export const isAsRead = (cluster: Cluster, before: StoreFile | undefined): boolean =>
  isDeepStrictEqual(printsOf(readForms(cluster)), { ...before?.prints });

/** Whether the store is in the form that the inventory wants, and nothing else of it is there. */
export const isSettled = (cluster: Cluster, { prints, left }: StoreFile): boolean =>
  left.length === 0 && isDeepStrictEqual(Object.keys(prints), [wantedForm(cluster)]);

const BRING_BACK =
  'It holds all passwords and authorities of the cluster: bring it back from a backup or from version control';

async function readForm(cluster: Cluster, form: Form, file: FileRead): Promise<Read> {
  const path = pathOf(cluster, form);
  try {
    if (file.bytes.every((byte) => byte === 0)) throw new Damage('is empty, as after a power cut or a full disk');
    const text = form === 'secrets.age' ? await decrypt(file.bytes, path) : plainText(file.bytes);
    return { ...file, form, path, text, stored: parseStored(text) };
  } catch (cause) {
    if (cause instanceof Undecipherable && !cause.damaged)
      throw new Refused(`${fromHere(path)} ${cause.message}`, 'age_identity');
    if (cause instanceof Undecipherable || cause instanceof Damage)
      throw new Refused(`${fromHere(path)} ${cause.message}. ${BRING_BACK}`, 'store_damaged');
    throw cause;
  }
}

function plainText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Damage('is no text in UTF-8');
  }
}

/**
 * Reads and decrypts a cluster's store; undefined when there is none. Throws Refused when it is damaged, cannot be
 * decrypted, or exists in two forms of which neither is known to be right.
 */
export async function readStoreFile(cluster: Cluster): Promise<(StoreFile & { stored: Stored }) | undefined> {
  const forms = readForms(cluster);
  const left = leftovers(cluster);
  if (forms.size === 0) {
    if (left.length === 0) return undefined;
    throw new Refused(
      `${left.join(', ')} was left by a write that did not come to its end, and there is no secret store beside it. Where a cluster stands already, bring the store back from a backup; where none does, remove that file`,
      'store_damaged',
    );
  }
  const read: Read[] = [];
  for (const [form, file] of forms)
    read.push(
      await readForm(cluster, form, file).catch((cause: unknown) => {
        throw forms.size > 1 && cause instanceof Refused
          ? new Refused(`${cause.message}${beside(cluster, form, forms)}`, ...cause.codes)
          : cause;
      }),
    );
  const [one, other] = read as [Read, Read?];
  if (other && !isDeepStrictEqual(one.stored, other.stored))
    throw new Refused(describeBoth(cluster, [one, other]), 'store_damaged');
  return {
    text: one.text,
    stored: one.stored,
    prints: printsOf(forms),
    left,
    warnings: warningsOf(cluster, read, left),
  };
}

const day = ({ modified }: Pick<FileRead, 'modified'>): string => isoSeconds(Math.floor(modified / 1000));

/** Describes the other form when one is unusable. */
function beside(cluster: Cluster, form: Form, forms: ReadonlyMap<Form, FileRead>): string {
  const other = FORMS.find((one) => one !== form)!;
  return `. Beside it is ${pathOf(cluster, other)}, modified ${day(forms.get(other)!)}: where that is the present one, move the other away`;
}

function describeBoth({ stateDir }: Cluster, both: readonly Read[]): string {
  const rows = both.map(
    ({ form, modified, stored: { revision, generation, changed } }) =>
      `  ${form}, modified ${day({ modified })}: revision ${revision ?? 'none'}, generation ${generation}${changed ? `, by ${changed.by} at ${changed.at}` : ''}`,
  );
  return [
    `${fromHere(stateDir)} holds the secret store twice, and the two differ:`,
    ...rows,
    'The hosts know the revision and generation of the right one ("cat /etc/hapg/cluster.json" on any of them). Move the other one out of that directory, and run again. Nothing was changed',
  ].join('\n');
}

/** Returns the files of an interrupted write. */
const leftovers = (cluster: Cluster): string[] =>
  FORMS.map((form) => freshName(pathOf(cluster, form))).filter((file) => existsSync(file));

function warningsOf(cluster: Cluster, read: readonly Read[], left: readonly string[]): string[] {
  const wanted = wantedForm(cluster);
  const encrypts = wanted === 'secrets.age';
  const warnings: string[] = [];
  for (const { form, path, mode } of read) {
    if (form !== wanted && encrypts)
      warnings.push(
        `${fromHere(path)} holds every secret of ${cluster.name} in plain text, and secrets.recipients are set: the next "hapg apply" ${read.length > 1 ? 'removes it' : 'encrypts it'}. Where copies of it are kept, "hapg secrets rotate" afterwards`,
      );
    else if (form !== wanted && read.length > 1)
      warnings.push(
        `${fromHere(path)} has the same content as ${fromHere(storeFile(cluster))}; the next "hapg apply" removes it`,
      );
    else if (form !== wanted)
      warnings.push(
        `${fromHere(path)} is encrypted, and the inventory names no secrets.recipients: the next "hapg apply" writes it in plain text`,
      );
    if (form === 'secrets.yaml' && (mode & 0o077) !== 0)
      warnings.push(`${fromHere(path)} can be read by others (mode ${mode.toString(8)}): chmod 600 ${path}`);
  }
  const plain = left.filter((file) => file.includes('.yaml'));
  if (encrypts && plain.length > 0)
    warnings.push(
      `${plain.join(', ')} was left by a write that did not come to its end, and holds secrets in plain text: the next "hapg apply" removes it`,
    );
  return warnings;
}

/** Checks that a store written now could be read again by this person. Throws Refused. */
export async function confirmReadable({ settings }: Cluster): Promise<void> {
  if (settings.secrets.recipients.length > 0) await encrypt('hapg', settings.secrets.recipients);
}

/**
 * Writes the store in the form that the inventory wants; the caller holds the lock and has checked that the files are
 * as they were read (`before`). A store in the other form is first converted with its present content, so at every
 * moment there is one form, or two with the same content. Throws Refused before anything is written when it could not
 * be read again. Returns the files afterwards.
 */
export async function writeStoreFile(
  cluster: Cluster,
  text: string,
  before: StoreFile | undefined,
): Promise<StoreFile> {
  const wanted = wantedForm(cluster);
  const others = FORMS.filter((form) => form !== wanted && before?.prints[form] !== undefined);
  let written = before?.prints[wanted];
  if (before && others.length > 0) {
    if (written === undefined) written = await place(cluster, wanted, before.text);
    for (const form of others) removeFile(pathOf(cluster, form));
  }
  if (written === undefined || before?.text !== text) written = await place(cluster, wanted, text);
  onDisk(`${fromHere(cluster.stateDir)} cannot be tidied up`, () => {
    for (const file of leftovers(cluster)) rmSync(file, { force: true });
  });
  return { text, prints: { [wanted]: written }, left: [], warnings: [] };
}

/** Replaces one form; returns the SHA-256 of the file on disk. */
async function place(cluster: Cluster, form: Form, text: string): Promise<string> {
  const path = pathOf(cluster, form);
  const plain = form === 'secrets.yaml';
  const content = plain ? Buffer.from(text) : await encrypt(text, cluster.settings.secrets.recipients);
  await replaceFile(path, content, async (written) => {
    const read = plain ? written.toString() : await decrypt(written, path);
    if (read !== text)
      throw new Refused(
        `${fromHere(path)} could not be read back as it was written, and is as it was: check that disk`,
        'directory',
      );
  });
  return print(content);
}
