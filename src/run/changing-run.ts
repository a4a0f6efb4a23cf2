import { Journal } from '../engine/journal.ts';
import { holder, type Locking } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Recorder } from '../engine/record.ts';
import type { Run } from './run.ts';

/** A run that changes hosts: how it locks them, its operation and its journal. */
export interface ChangingRun {
  locking: Locking;
  op: Operation;
  journal: Journal;
  /** Writes the beginning of the work into the journal. */
  begin(more: Record<string, unknown>): void;
  /** Writes the end of the work into the journal. */
  end(fields: Record<string, unknown>): void;
}

/** Prepares a run that changes hosts. Locks nothing and writes nothing yet. */
export function changingRun({ id, command, by, setup, cluster, session }: Run): ChangingRun {
  const journal = Journal.open(cluster, id);
  const locking = { who: holder(id, command), waitSeconds: Number(setup.options.lockWait) };
  return {
    locking,
    op: new Operation(session, new Recorder(session.options.emit, journal), locking),
    journal,
    begin: (more) => journal.write('start', { command, by, cluster: cluster.name, ...more }),
    end: (fields) => journal.write('end', fields),
  };
}
