import { dcsConfig, sharedParameters } from '../../roles/patroni/dynamic-config.ts';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { QUICK_S } from '../bounds/programs.ts';
import { explainPatroniSetting, namedSetting, PATRONI_SETTINGS } from '../cluster/patroni-settings.ts';
import { type ExplainedSetting, explainSetting } from '../cluster/setting-origin.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { probe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { type Host, hostsWith } from '../inventory/model.ts';
import { unknownSetting } from '../inventory/parameter-checks.ts';
import { expectHost } from '../inventory/select.ts';
import { suggest } from '../inventory/suggest.ts';
import { isSettingName, readSetting, settingScript } from '../observe/setting.ts';
import { settingOf } from '../postgres/settings.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { askEach, readOnlyRun } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { type SettingDocument, showSetting } from '../view/setting.ts';

/** The flags of `hapg config explain`. */
export interface ExplainSettingOptions extends CommonOptions {
  host?: string;
}

/** Returns the setting that is meant. Throws UsageError with the nearest name. */
function meant(text: string, major: number): ReturnType<typeof namedSetting> & {} {
  const found = namedSetting(text, (name) => settingOf(major, name) !== undefined);
  if (found && isSettingName(found.name)) return found;
  const near = suggest(text.toLowerCase().replace(/^patroni\./, ''), PATRONI_SETTINGS);
  const words = unknownSetting(text.toLowerCase().replace(/^postgres\.parameters\./, ''), major);
  throw new UsageError(
    /^patroni\./i.test(text)
      ? `${text}: Patroni's dynamic configuration has ${PATRONI_SETTINGS.join(', ')}${near}`
      : `${words}${words.includes('did you mean') ? '' : near.replace('"', '"patroni.')}`,
  );
}

/** `hapg config explain`: tells a setting's value on each database host and where it comes from. Changes nothing. */
export function explainSettingCommand(text: string, options: ExplainSettingOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster, placeOf } = setup;
  const wanted = meant(text, Number(cluster.settings.postgres.version));
  const hosts =
    options.host === undefined
      ? hostsWith(cluster, 'patroni')
      : [expectHost(cluster, `--host ${options.host}`, options.host, 'patroni')];
  return readOnlyRun(setup, 'config', async (run) => {
    const answers = await askEach(run, (host) => answerOf(run.session, host, wanted.name), hosts);
    const facts = new Map(answers.map(({ host, answer }) => [host.name, answer.facts]));
    const context = {
      cluster,
      // A silent host has no part in the answer; what its absence could change is Patroni's version alone.
      facts: (host: Host) => facts.get(host.name) ?? answers[0]!.answer.facts,
      snapshot: takeSnapshot(new Map(answers.map(({ host, answer }) => [host.name, answer.observation]))),
    };
    const explain = (host: Host, { setting }: (typeof answers)[number]['answer']): ExplainedSetting =>
      wanted.of === 'patroni'
        ? explainPatroniSetting(wanted.name, setting.dynamic, dcsConfig(context), placeOf)
        : explainSetting(cluster, host, wanted.name, setting, {
            parameters: { ...memberParameters(host, context), ...sharedParameters(cluster) },
            placeOf,
          });
    const document: SettingDocument = {
      name: wanted.name,
      of: wanted.of,
      hosts: Object.fromEntries(answers.map(({ host, answer }) => [host.name, explain(host, answer)])),
    };
    if (Object.values(document.hosts).every(({ value, silent }) => value === null && silent === undefined))
      throw new Refused(
        `PostgreSQL on ${Object.keys(document.hosts).join(', ')} knows no setting ${wanted.name}: is its extension preloaded?`,
        'unknown',
      );
    if (setup.json) printJson(document);
    else print(showSetting(document));
    return EXIT.done;
  });
}

/** Asks a host for its facts, its present sizes and the setting. */
async function answerOf(session: Session, host: Host, name: string) {
  const { facts, observation } = await probe(session, host, []);
  const { output } = await session.ask(host, settingScript(session.cluster, host, name), QUICK_S);
  return { facts, observation, setting: readSetting(output) };
}
