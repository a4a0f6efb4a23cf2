import { settleAll } from '../engine/pool.ts';
import { probe } from '../engine/probe.ts';
import { contextOf } from '../engine/survey.ts';
import { EXIT } from '../errors.ts';
import { planInputs } from '../run/apply.ts';
import { print, printJson } from '../run/ask.ts';
import { examine, judgePresent, silentHost } from '../run/doctor.ts';
import type { CommonOptions } from '../run/options.ts';
import { withRun } from '../run/run.ts';
import { readSetup } from '../run/setup.ts';
import { doctorDocumentOf, showFindings, verdictOn } from '../view/doctor.ts';

/** `hapg doctor`: examines the hosts as a first apply needs them; exits 1 when one would not go through. */
export async function doctorCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup(options);
  const { cluster, json } = setup;
  const { secrets, stored } = await planInputs(setup, []);
  return withRun(setup, 'doctor', { secrets: () => secrets.all() }, async ({ session, progress }) => {
    const unreachable = await session.openAll(setup.hosts);
    const findings = setup.hosts.flatMap((host) => {
      const error = unreachable.get(host.name);
      return error ? [silentHost(host, error)] : [];
    });
    const there = setup.hosts.filter(({ name }) => !unreachable.has(name));
    const results = await settleAll(there, session.options.forks, (host) => probe(session, host, []));
    const answers = there.flatMap((host, index) => {
      const result = results[index]!;
      if (result.status === 'fulfilled') return [{ host, ...result.value }];
      findings.push(silentHost(host, result.reason));
      return [];
    });
    const hosts = answers.map(({ host }) => host);
    const context = contextOf(
      cluster,
      secrets,
      new Map(answers.map(({ host, facts }) => [host.name, facts])),
      new Map(answers.map(({ host, observation }) => [host.name, observation])),
      new Set(),
    );
    if (hosts.length > 0)
      findings.push(
        ...judgePresent(cluster, context, hosts, stored ? secrets.known() : undefined),
        ...(await examine(session, context, hosts, { fetchesLists: true })),
      );
    await progress.end();
    const fit = !findings.some(({ level }) => level === 'failure');
    if (json) printJson(doctorDocumentOf(cluster.name, findings));
    else print(`${showFindings(findings, { verbose: options.verbose > 0 })}\n\n${verdictOn(cluster.name, findings)}`);
    return fit ? EXIT.done : EXIT.refused;
  });
}
