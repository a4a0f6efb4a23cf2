import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { COLLECT_S, LOAD_S, TOUCH_MS } from '../bounds/controller.ts';
import { LOGIN_S } from '../bounds/hosts.ts';
import { QUICK_S } from '../bounds/programs.ts';
import {
  collectScript,
  figures,
  type Glance,
  glanceScript,
  type LoadFigures,
  type LoadPlace,
  loadScript,
  PAUSES,
  prepareLoad,
  readGlance,
} from '../cluster/client-load.ts';
import { clientUri } from '../cluster/connect.ts';
import { Refused } from '../errors.ts';
import { type Host, hostsWith } from '../inventory/model.ts';
import { PATHS, PKI } from '../paths.ts';
import type { SecretStore } from '../secrets/store.ts';
import { CLEAN_ENVIRONMENT } from '../shell/environment.ts';
import { print } from '../shell/quote.ts';
import { clientHere } from './client-here.ts';
import type { Session } from './session.ts';

/** How a load runs. */
export interface LoadForm {
  /** The operator's word for it. */
  asked: string;
  /** The name of its unit and its directory. */
  unit: string;
  table: string;
  pauses: LoadPlace['pauses'];
  leavesNothing?: boolean;
}

/** The load beside a command, of which only one runs at a time: the run holds the hosts' locks. */
const BESIDE: LoadForm = { asked: '--probe', unit: 'hapg-load', table: 'hapg_probe', pauses: PAUSES };

/** A load of its own, which disturbs no other; `id` is a word of letters and digits, `rate` attempts a second of each kind. */
export const ownLoad = (id: string, rate?: number): LoadForm => ({
  asked: 'hapg probe',
  unit: `hapg-probe-${id}`,
  table: `hapg_probe_${id}`,
  pauses: rate === undefined ? PAUSES : { write: 1 / rate, read: 1 / rate },
  leavesNothing: true,
});

/** Where the load runs: on a client host of the inventory, or on this machine. */
interface Runner extends LoadPlace {
  /** Removes files that the load needed here, passwords above all, however the load ended. */
  cleanUp?(): void;
  /** Runs sh and returns what it printed. Rejects when it fails. */
  run(script: string, timeoutSeconds: number): Promise<string>;
  /** Starts sh that runs concurrently with `run`. It ends by itself when `touch` is no longer called. */
  launch(script: string): Promise<void>;
  touch(): void;
}

/** Runs the load on a host with the role client: it has psql, the authority and the passwords. */
function onHost(session: Session, host: Host, { unit, ...form }: LoadForm): Runner {
  const directory = `/run/${unit}`;
  const remote = session.remote(host, 'probe');
  return {
    ...{ directory, authority: PKI.client, passwords: PATHS.clientPasswords, ...form },
    run: (script, timeoutSeconds) => remote.run(script, timeoutSeconds),
    async launch(script) {
      // A unit, because it runs concurrently with the session's shell.
      await remote.run(
        `${print(script)} > ${directory}/load.sh && systemd-run -q --unit=${unit} -p RuntimeMaxSec=${LOAD_S + 3 * COLLECT_S} ${CLEAN_ENVIRONMENT} /bin/sh ${directory}/load.sh`,
      );
    },
    touch: () =>
      // Beside the session's shell, which may be busy for longer than the load waits.
      void session
        .beside(host, `[ ! -e ${directory}/alive ] || touch ${directory}/alive`, LOGIN_S)
        .catch(() => undefined),
  };
}

/** This machine, with its own psql. */
function onController({ cluster }: Session, secrets: SecretStore, { unit, ...form }: LoadForm): Runner {
  const here = clientHere(cluster, secrets, unit.replace(/^hapg-/, ''));
  return {
    ...here,
    ...form,
    launch: async (script) => here.start(script, 'ignore').unref(),
    touch() {
      try {
        utimesSync(join(here.directory, 'alive'), new Date(), new Date());
      } catch {
        // The load ended in the meantime.
      }
    },
  };
}

/** `--probe`: a writer and a reader that use the cluster as a client does while a command works. */
export class ClientLoad {
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly session: Session,
    private readonly runner: Runner,
  ) {
    this.timer = setInterval(() => runner.touch(), TOUCH_MS).unref();
  }

  /**
   * Starts the load on a client host, or on this machine where there is none. Throws Refused when the inventory has no
   * user or database for it, or when this machine has no psql or does not reach the endpoint.
   */
  static async start(session: Session, secrets: SecretStore, form = BESIDE): Promise<ClientLoad> {
    const { cluster } = session;
    if (!clientUri(cluster, 'primary'))
      throw new Refused(`${form.asked} needs a database with a user in the inventory`, 'probe');
    const host = hostsWith(cluster, 'client')[0];
    const runner = host ? onHost(session, host, form) : onController(session, secrets, form);
    try {
      await runner.run(prepareLoad(cluster, runner), QUICK_S);
    } catch (cause) {
      runner.cleanUp?.();
      if (host) throw cause;
      throw new Refused(
        `${form.asked}: no host has the role client, and from this machine a client does not get through (${(cause as Error).message}). It needs psql, GNU coreutils and a way to the endpoint: name this machine's network under clients, or give a host the role client`,
        'probe',
      );
    }
    await runner.launch(loadScript(cluster, runner));
    return new ClientLoad(session, runner);
  }

  /** Returns what the writer and the reader have done so far. */
  async glance(): Promise<Glance> {
    return readGlance(await this.runner.run(glanceScript(this.runner), QUICK_S));
  }

  /** Ends the load and returns what the writer and the reader measured. */
  async stop(): Promise<LoadFigures> {
    clearInterval(this.timer);
    try {
      return figures(await this.runner.run(collectScript(this.session.cluster, this.runner), COLLECT_S));
    } finally {
      this.runner.cleanUp?.();
    }
  }
}

/**
 * Does work while a load runs, if there is one, and returns its outcome with the load's figures. Stops the load however
 * the work ends, because it holds passwords in a file.
 */
export async function underLoad<T>(
  load: Pick<ClientLoad, 'stop'> | undefined,
  work: () => Promise<T>,
): Promise<T & Partial<LoadFigures>> {
  let outcome: T;
  try {
    outcome = await work();
  } catch (cause) {
    // The failure of the work is reported, not that of the load.
    await load?.stop().catch(() => undefined);
    throw cause;
  }
  return { ...outcome, ...(await load?.stop()) };
}
