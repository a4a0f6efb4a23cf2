import type { Cluster, Host } from '../inventory/model.ts';
import type { Facts } from '../observe/host.ts';
import type { PackageWant } from '../steps/package.ts';
import type { Way } from './ways.ts';

/** `failure`: a first apply would fail or make a cluster that does not work. `warning`: worth a look before. */
export type Level = 'ok' | 'warning' | 'failure';

/** What was seen about a host, and what cures it; part of the outside contract of `hapg doctor -o json`. */
export interface Judgement {
  level: Level;
  seen: string;
  cure?: string;
}

/** A row of the result. `host` is empty for what is no single host's. */
export interface Finding extends Judgement {
  check: string;
  host: string;
}

/** What a cluster needs of its hosts, as its inventory and roles say. */
export interface Needs {
  cluster: Cluster;
  facts(host: Host): Facts;
  /** The connections that must work. */
  ways: readonly Way[];
  packages(host: Host): readonly PackageWant[];
  /** Whether package lists are fetched where the host has none yet: it takes a while, and an apply does it anyway. */
  fetchesLists: boolean;
  /** The shared memory that PostgreSQL will have on a host (bytes). */
  sharedBuffers(host: Host): number | undefined;
  /** Base addresses of package sources that an apply adds, with their suites. */
  sources(host: Host): readonly { uri: string; suite: string }[];
}

/** One question to every host, and what the answers mean together. */
export interface Check {
  readonly name: string;
  /** POSIX sh that prints the answer; it leaves nothing behind and does not exit. Undefined: this host is not asked. */
  script(host: Host, needs: Needs): string | undefined;
  /** Judges the answers of the hosts that gave one. Pure. */
  judge(answers: ReadonlyMap<Host, string>, needs: Needs): Finding[];
}

/** Makes a check that judges every host by its own answer alone. */
export const hostCheck = (
  name: string,
  script: Check['script'],
  judge: (answer: string, host: Host, needs: Needs) => readonly Judgement[],
): Check => ({
  name,
  script,
  judge: (answers, needs) =>
    [...answers].flatMap(([host, answer]) =>
      judge(answer, host, needs).map((one) => ({ check: name, host: host.name, ...one })),
    ),
});

export const ok = (seen: string): Judgement => ({ level: 'ok', seen });
export const warning = (seen: string, cure: string): Judgement => ({ level: 'warning', seen, cure });
export const failure = (seen: string, cure: string): Judgement => ({ level: 'failure', seen, cure });

/** Returns what is wrong, or that nothing is. */
export const orElse = (found: readonly Judgement[], otherwise: string): readonly Judgement[] =>
  found.length > 0 ? found : [ok(otherwise)];
