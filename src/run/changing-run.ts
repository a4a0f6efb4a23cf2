import { Journal } from '../engine/journal.ts';
import { holder, type Locking } from '../engine/lock.ts';
import { Operation } from '../engine/operation.ts';
import { Recorder } from '../engine/record.ts';
import { Interrupted, Refused } from '../errors.ts';
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
  /**
   * Ends the journal of a run whose work was not begun: without an end the next run would take this one for killed. A run
   * that has changed nothing leaves no journal, unless `always`.
   */
  endWithoutWork(result: string, always?: boolean): void;
  /** Does what comes before the work. Where that is refused or interrupted, the journal gets its end. */
  beforeWork<T>(prepare: () => Promise<T>): Promise<T>;
}

/** Prepares a run that changes hosts. Locks nothing and writes nothing yet. */
export function changingRun({ id, command, by, setup, cluster, session }: Run): ChangingRun {
  const journal = Journal.open(cluster, id);
  const recorder = new Recorder(session.options.emit, journal);
  let isBegun = false;
  const begin = (more: Record<string, unknown>) => {
    isBegun = true;
    journal.write('start', { command, by, cluster: cluster.name, ...more });
  };
  const end = (fields: Record<string, unknown>) => journal.write('end', fields);
  const endWithoutWork = (result: string, always = false) => {
    const { done, failed } = recorder;
    if (isBegun || (done.length === 0 && !always)) return;
    begin({ hosts: [] });
    end({ result, changed: done.length, failed });
  };
  const locking = { who: holder(id, command), waitSeconds: Number(setup.options.lockWait) };
  return {
    locking,
    op: new Operation(session, recorder, locking),
    journal,
    begin,
    end,
    endWithoutWork,
    async beforeWork(prepare) {
      try {
        return await prepare();
      } catch (cause) {
        if (cause instanceof Refused || cause instanceof Interrupted)
          endWithoutWork(cause instanceof Refused ? 'refused' : 'interrupted');
        throw cause;
      }
    },
  };
}
