import { Refused } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Cluster } from '../inventory/model.ts';
import { describeRevision, raiseRevision } from './revision.ts';
import {
  confirmReadable,
  ensureStateDir,
  isAsRead,
  isSettled,
  readStoreFile,
  type StoreFile,
  writeStoreFile,
} from './store-file.ts';
import { withStoreLock } from './store-lock.ts';
import { formatStored, type Stored } from './stored.ts';

/** The store in this run's memory, with the state of its file. */
export class StoreCopy {
  /** Whether the content differs from what was read or written last, and is another revision. */
  private changed = false;
  /** Whether this run holds the lock of the state directory. */
  private locked = false;

  private constructor(
    readonly stored: Stored,
    private file: StoreFile | undefined,
  ) {}

  /** Reads the store; undefined when there is none. Throws Refused when it cannot be read. */
  static async read(cluster: Cluster): Promise<StoreCopy | undefined> {
    const file = await readStoreFile(cluster);
    return file && new StoreCopy(file.stored, file);
  }

  /** Makes a store that no file holds yet. */
  static of(stored: Stored): StoreCopy {
    return new StoreCopy(stored, undefined);
  }

  /** Warnings about the files. */
  get warnings(): readonly string[] {
    return this.file?.warnings ?? [];
  }

  /** Marks the content as changed, which is one new revision until it is saved. */
  touch(): void {
    if (this.changed) return;
    raiseRevision(this.stored);
    this.changed = true;
  }

  private isSaved(cluster: Cluster): boolean {
    return !this.changed && this.file !== undefined && isSettled(cluster, this.file);
  }

  /** Checks that the store could be read again after a write. Throws Refused; nothing is written. */
  async confirmSavable(cluster: Cluster): Promise<void> {
    if (!this.isSaved(cluster)) await confirmReadable(cluster);
  }

  /** Writes the store if it was changed, or is not in the form that the model wants. Throws Refused, KnownError (exit 3). */
  async save(cluster: Cluster): Promise<void> {
    if (this.isSaved(cluster)) return;
    await this.exclusively(cluster, async () => {
      await this.confirmUnchanged(cluster);
      const text = this.changed || !this.file ? formatStored(this.stored) : this.file.text;
      this.file = await writeStoreFile(cluster, text, this.file);
      this.changed = false;
    });
  }

  /** Runs `work` as the only writer on this machine; it may save several times. Throws KnownError (exit 3). */
  async exclusively<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
    if (this.locked) return work();
    ensureStateDir(cluster);
    return withStoreLock(cluster.stateDir, async () => {
      this.locked = true;
      try {
        return await work();
      } finally {
        this.locked = false;
      }
    });
  }

  /** Checks that the files are as this run has read or written them. Throws Refused, naming who changed them. */
  async confirmUnchanged(cluster: Cluster): Promise<void> {
    if (isAsRead(cluster, this.file)) return;
    const now = await readStoreFile(cluster);
    const before = this.file ? (this.stored.revision ?? 0) - (this.changed ? 1 : 0) : 'none';
    throw new Refused(
      `the secret store in ${fromHere(cluster.stateDir)} changed while this run waited (${
        now ? `revision ${before} → ${describeRevision(now.stored)}` : 'it is gone'
      }): run again`,
      'store_changed',
    );
  }
}
