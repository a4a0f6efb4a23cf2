import { readFileSync } from 'node:fs';
import { lineOf, logScript, readLog } from '../cluster/host-logs.ts';
import { stopOn } from '../engine/interrupt.ts';
import { readJournals } from '../engine/journal.ts';
import { settleAll } from '../engine/pool.ts';
import type { Survey } from '../engine/survey.ts';
import { Interrupted } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { ownVersion } from '../own-files.ts';
import { PATHS } from '../paths.ts';
import type { Playbook } from '../playbook.ts';
import { HA_PACKAGES, JOURNALS } from '../roles.ts';
import { scrub, scrubbed } from '../secrets/outlet.ts';
import type { SecretStore } from '../secrets/store.ts';
import { conceal } from '../secrets/suspect.ts';
import { quote } from '../shell/quote.ts';
import { planDocument } from '../view/apply.ts';
import { planInputs, surveyFor } from './apply.ts';
import { examine, judgePresent } from './doctor.ts';
import type { Run } from './run.ts';
import { takeStatus } from './status.ts';

/** One file of a support bundle; the text holds no secret of the cluster. */
export interface ReportPart {
  name: string;
  /** What it is, for the list. */
  what: string;
  text: string;
}

/** Bounds of what is taken: the log of a host (bytes), the runs whose journals are kept, the lines of an audit log. */
const LOG_BYTES = 1024 * 1024;
const JOURNALS_KEPT = 20;
const AUDIT_LINES = 200;

/** POSIX sh that tells versions and the state of a host; each part is bounded and may fail. */
const HOST_SCRIPT = `. /etc/os-release; echo "$PRETTY_NAME, kernel $(uname -r), $(uname -m)"; uptime
echo; dpkg-query -W -f '\${Status} \${Package} \${Version}\\n' ${HA_PACKAGES.map((name) => quote(`${name}*`)).join(' ')} 2>/dev/null | grep '^install ok' | cut -d ' ' -f 4-
echo; timeout 5 df -hPT -x tmpfs -x devtmpfs -x overlay; echo; free -m
echo; systemctl --failed --no-legend --plain
echo; echo 'audit log:'; tail -n ${AUDIT_LINES} ${PATHS.audit} 2>/dev/null`;

const json = (value: unknown): string => `${JSON.stringify(scrubbed(value), null, 2)}\n`;

/** Makes a part; where that fails, the part says why, because a report is wanted most when things fail. */
async function part(name: string, what: string, make: () => Promise<string> | string): Promise<ReportPart> {
  try {
    return { name, what, text: scrub(await make()) };
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    return { name, what: `${what}: not collected`, text: scrub(`not collected: ${(cause as Error).message}\n`) };
  }
}

/**
 * Collects what a person needs who helps from afar. Changes nothing, takes no lock, and goes on without hosts that do
 * not answer. Secrets of the cluster, and what looks like one in the inventory, are redacted.
 */
export async function collectReport(
  run: Run,
  playbook: Playbook,
  store: SecretStore | undefined,
): Promise<ReportPart[]> {
  const { session, cluster, setup } = run;
  const unreachable = await session.openAll(setup.hosts);
  const there = setup.hosts.filter(({ name }) => !unreachable.has(name));
  const parts = [
    await part('versions.txt', 'versions of hapg, Node and this system', () => versions()),
    await part('inventory.yaml', 'the inventory, without what looks like a secret', () => conceal(setup.text).text),
    ...(await Promise.all(
      cluster.under.map((file, index) =>
        part(
          `inventory-under-${index + 1}.yaml`,
          'a file under the inventory',
          () => conceal(readFileSync(file, 'utf8')).text,
        ),
      ),
    )),
    await part('status.json', 'what "hapg status" finds', async () =>
      json(await takeStatus(session, cluster, setup.hosts, store)),
    ),
  ];
  // Without a store every host would seem new, and a survey would make one.
  let surveyed: Survey | undefined;
  parts.push(
    await part('plan.json', 'what "hapg plan" would change, without contents of files', async () => {
      if (!store) throw new Error('there is no secret store here');
      const quiet = { ...run, setup: { ...setup, json: false, hosts: there } };
      surveyed = await surveyFor(quiet, await planInputs(quiet.setup, playbook));
      const { hosts, changes } = planDocument(surveyed.plan, { run: run.id, ms: 0 });
      return json({ hosts, changes: changes.map(({ host, step, role, action }) => ({ host, step, role, action })) });
    }),
    await part('doctor.json', 'what "hapg doctor" finds', async () => {
      if (!surveyed) throw new Error('the hosts could not be surveyed; plan.json says why');
      return json([
        ...judgePresent(cluster, surveyed.context, there, store?.known()),
        ...(await examine(session, surveyed.context, there, { fetchesLists: false })),
      ]);
    }),
  );
  parts.push(...(await fromHosts(run, there)));
  for (const [name, error] of unreachable)
    parts.push({ name: `hosts/${name}.txt`, what: 'a host out of reach', text: scrub(`${error.message}\n`) });
  for (const { run: id, entries } of readJournals(cluster).slice(-JOURNALS_KEPT))
    parts.push(
      await part(`journal/${id}.ndjson`, 'the journal of a run of hapg', () =>
        entries.map((entry) => `${JSON.stringify(scrubbed(entry))}\n`).join(''),
      ),
    );
  return parts;
}

/** The state and the log of each host. */
async function fromHosts({ session }: Run, hosts: readonly Host[]): Promise<ReportPart[]> {
  const wish = { units: JOURNALS, from: { since: '-1h' }, limit: LOG_BYTES };
  const results = await settleAll(hosts, session.options.forks, async (host) => [
    await part(`hosts/${host.name}.txt`, 'versions, disks, memory, failed units, audit log', async () => {
      return (await session.ask(host, HOST_SCRIPT)).output;
    }),
    await part(`logs/${host.name}.log`, 'the last hour of the services, 1 MiB at most', async () => {
      const { entries } = readLog((await session.ask(host, logScript(wish))).output, wish);
      return entries.map((entry) => `${lineOf(entry)}\n`).join('');
    }),
  ]);
  stopOn(session.interrupt.hard);
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

function versions(): string {
  return `hapg ${ownVersion()}\nNode ${process.version}\n${process.platform} ${process.arch}\n${new Date().toISOString()}\n`;
}
