import { Journal } from '../engine/journal.ts';
import { holder, type Locking } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Recorder } from '../engine/record.ts';
import type { Run } from './run.ts';

/** What a run that changes hosts has beside their connections: how it locks them, and an account of what it does. */
export interface ChangingRun {
  locking: Locking;
  op: Operation;
  journal: Journal;
  /** Writes into the journal that the work begins. */
  begin(more: Record<string, unknown>): void;
  /** Writes into the journal how it has ended. */
  end(fields: Record<string, unknown>): void;
}

/** Makes a run one that may change hosts. Nothing is locked and nothing is written yet. */
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
