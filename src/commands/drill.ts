import { DRILL_S } from '../bounds/copy.ts';
import { AUDIT_S } from '../bounds/hosts.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { checkIdentity } from '../decisions/admission.ts';
import { auditScript } from '../engine/audit.ts';
import { probe } from '../engine/probe.ts';
import { EXIT, KnownError, Refused, StepFailed, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { drillHost } from '../inventory/model.ts';
import type { DrillResult } from '../observe/backups.ts';
import { PATHS } from '../paths.ts';
import { json } from '../programs/json.ts';
import { print, printJson } from '../run/ask.ts';
import { changingRun } from '../run/changing-run.ts';
import { expectHooks } from '../run/hooks.ts';
import type { CommonOptions } from '../run/options.ts';
import { reachAll } from '../run/reach.ts';
import { refuseUnless } from '../run/refuse.ts';
import { withRun } from '../run/run.ts';
import { readSetup } from '../run/setup.ts';
import { notify } from '../run/webhook.ts';
import { SecretStore } from '../secrets/store.ts';
import { words } from '../shell/quote.ts';
import { bytes, isoSeconds } from '../units.ts';
import { duration, paint } from '../view/style.ts';
import { expectRepositories } from './backup.ts';

export interface DrillOptions extends CommonOptions {
  on?: string;
  count?: string[];
}

/**
 * `hapg drill restore`: restores the newest backup beside the cluster, checks, counts and removes it. The host does all
 * of it, so that a timer can as well. The cluster is not touched, and no lock is taken.
 */
export async function restoreDrill(options: DrillOptions): Promise<number> {
  const setup = readSetup(options);
  const { cluster } = setup;
  expectRepositories(cluster);
  expectHooks(cluster);
  const tables = options.count ?? [];
  for (const one of tables)
    if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){1,2}$/.test(one))
      throw new UsageError(`--count ${one}: expected DATABASE.TABLE or DATABASE.SCHEMA.TABLE`);
  const host = options.on ? cluster.hosts.find((one) => one.name === options.on) : drillHost(cluster);
  if (!host || !(host.roles.has('pgbackrest') || host.roles.has('patroni')))
    throw new UsageError(
      options.on
        ? `--on ${options.on}: ${fromHere(cluster.file)} has no such host with the role pgbackrest or patroni`
        : 'on which host? --on HOST, or pgbackrest.drill.host in the inventory',
    );
  const store = await SecretStore.read(cluster);
  if (!store)
    throw new Refused(
      `${fromHere(cluster.stateDir)} has no secret store: this inventory has not been applied from here`,
    );
  return withRun(setup, 'drill restore', { secrets: () => store.all(), shown: [host] }, async (run) => {
    const { session } = run;
    await reachAll(run, [host]);
    const observations = new Map([[host.name, (await probe(session, host, [])).observation]]);
    refuseUnless(checkIdentity(cluster, takeSnapshot(observations), store.known()));
    const { op, begin, end } = changingRun(run);
    begin({ hosts: [host.name] });
    const { recorder } = op;
    recorder.stage('drill', [host.name]);
    const remote = session.remote(host, 'restore drill');
    // A drill that finds damage is a successful run: its result is in the file.
    const failure = await recorder
      .timed({ host: host.name, stage: 'drill', step: 'restore drill', role: 'pgbackrest', action: 'run' }, () =>
        remote.unit('drill', `exec sh ${PATHS.drillScript} ${words(...tables)}`, DRILL_S, {
          script: `tac ${PATHS.log}/drill.log | sed '/^== /q' | sed -n 1p`,
          describe: (line) => line.trim() || undefined,
        }),
      )
      .then(
        () => undefined,
        (cause: unknown) => {
          if (cause instanceof KnownError) return cause;
          throw cause;
        },
      );
    const text = (await session.ask(host, `cat ${PATHS.drill} 2>/dev/null`)).output.trim();
    const result = json<DrillResult>(text);
    const ok = !failure && result?.ok === true;
    end({ result: ok ? 'ok' : 'failed', drill: result });
    await session.ask(
      host,
      auditScript({
        run: run.id,
        by: run.by,
        command: run.command,
        changed: recorder.done.length,
        result: ok ? 'ok' : 'failed',
      }),
      AUDIT_S,
    );
    if (!ok) await run.hooks.failed('drill', { HOST: host.name, REASON: result?.error ?? failure?.message ?? '' });
    await notify(run, store, { result: ok ? 'ok' : 'failed', changed: 0, failed: recorder.failed });
    await run.progress.end();
    if (!result) throw failure ?? new StepFailed(host.name, 'restore drill', 'it left no result');
    if (setup.json) printJson({ ...documentOf(result), host: host.name, run: run.id });
    else print(describe(host.name, result));
    return ok ? EXIT.done : EXIT.refused;
  });
}

const documentOf = ({ started, finished, newest, ...rest }: DrillResult) => ({
  ...rest,
  started: isoSeconds(started),
  finished: isoSeconds(finished),
  duration_s: finished - started,
  newest_transaction: newest === null ? null : isoSeconds(newest),
  newest_transaction_age_s: newest === null ? null : started - newest,
});

function describe(host: string, result: DrillResult): string {
  const { ok, backup, bytes: size, started, finished, newest, restore_s, recovery_s, check_s, counts, error } = result;
  return [
    ok ? paint.green(`${backup} is good`) : paint.red(`the drill on ${host} failed: ${error}`),
    `  ${bytes(size)} in ${duration((finished - started) * 1000)}: restore ${restore_s} s, recovery ${recovery_s} s, checks ${check_s} s`,
    ...(newest === null
      ? ['  nothing was committed after the backup']
      : [
          `  newest restorable transaction: ${isoSeconds(newest)}, ${duration((started - newest) * 1000)} before the drill`,
        ]),
    ...counts.map((one) => `  ${one.database}.${one.table}: ${one.rows} rows`),
  ].join('\n');
}
