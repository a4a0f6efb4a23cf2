import { KnownError, StepFailed } from '../errors.ts';
import type { Action } from '../steps/step.ts';
import type { Emit, StagePlace } from './events.ts';
import type { Journal } from './journal.ts';

/** A change that a run has made. */
export interface Done {
  host: string;
  stage: string;
  step: string;
  role: string;
  action: Action;
  ms: number;
}

export interface Failure {
  host: string;
  step: string;
  message: string;
}

/** Records what a run has done and what failed, for the result, the journal and the views. */
export class Recorder {
  readonly done: Done[] = [];
  readonly failed: Failure[] = [];

  constructor(
    private readonly emit: Emit,
    private readonly journal: Journal,
  ) {}

  stage(stage: string, hosts: readonly string[], place?: StagePlace): void {
    this.emit({ type: 'stage', stage, place });
    this.journal.write('stage', { stage, hosts });
  }

  /** Does work and records how long it took. An unknown error becomes the step's failure. */
  async timed<T>(what: Omit<Done, 'ms'>, work: () => Promise<T>): Promise<T> {
    this.emit({ type: 'doing', host: what.host, text: what.step });
    this.journal.write('begin', { ...what });
    const started = performance.now();
    let result: T;
    try {
      result = await work();
    } catch (cause) {
      throw cause instanceof KnownError ? cause : new StepFailed(what.host, what.step, (cause as Error).message);
    }
    this.changed({ ...what, ms: Math.round(performance.now() - started) });
    return result;
  }

  changed(done: Done): void {
    this.done.push(done);
    this.emit({ type: 'changed', ...done });
    this.journal.write('changed', { ...done });
  }

  /** Whether this failure was recorded. */
  has(host: string, step: string, message: string): boolean {
    return this.failed.some((one) => one.host === host && one.step === step && one.message === message);
  }

  failure(host: string, step: string, cause: Error): void {
    const message = cause instanceof StepFailed ? cause.reason : cause.message;
    this.failed.push({ host, step, message });
    this.emit({ type: 'failed', host, step, message });
    this.journal.write('failed', { host, step, message });
  }
}
