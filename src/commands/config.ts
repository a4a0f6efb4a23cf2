import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { QUICK_S } from '../bounds/programs.ts';
import { admitApply } from '../decisions/admission.ts';
import { checkVersions } from '../decisions/equipment.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { all } from '../decisions/verdict.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { writeInventory } from '../inventory/edit.ts';
import { filesOf, loadInventory } from '../inventory/load.ts';
import { hostsWith, patroniScope } from '../inventory/model.ts';
import { editSetting, type SettingEdit, settingEdits, settingPath, settingsText } from '../inventory/settings.ts';
import { showDynamic } from '../programs/patroni.ts';
import { print, printJson } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import type { CommonOptions } from '../run/options.ts';
import { observeHosts } from '../run/read-only.ts';
import { refuseUnless } from '../run/refuse.ts';
import { readSetup } from '../run/setup.ts';
import { unifiedDiff } from '../view/diff.ts';
import { showPlan } from '../view/plan.ts';
import { screen } from '../view/screen.ts';

export interface EditOptions extends OperateOptions {
  set: string[];
  unset: string[];
}

/** `hapg config show`: shows the dynamic configuration in the DCS, as Patroni reports it. */
export async function showSettings(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster } = setup;
  const wanted = { hosts: hostsWith(cluster, 'patroni'), about: ['members'] } as const;
  return observeHosts(setup, 'config', wanted, async (snapshot, session, reached) => {
    const host = reached.find((one) => one.name === snapshot.leader?.name) ?? reached[0]!;
    const { code, output } = await session.ask(host, showDynamic(patroniScope(cluster)), QUICK_S);
    if (code !== 0)
      throw new Refused(`${host.name}: the DCS holds no settings of ${cluster.scope}: ${output.trim()}`, 'dcs');
    if (setup.json) printJson(parse(output));
    else print(output.trimEnd());
    return EXIT.done;
  });
}

/** The settings to change: named on the command line, or edited by the operator. Throws UsageError. */
function wantedEdits({ set, unset, inventory }: EditOptions): SettingEdit[] {
  try {
    if (set.length === 0 && unset.length === 0) {
      const before = settingsText(readFileSync(filesOf(inventory).own, 'utf8'));
      return settingEdits(before, editByHand(before));
    }
    return [
      ...set.map((word) => {
        const at = word.indexOf('=');
        if (at < 1) throw new Error(`--set ${word}: KEY=VALUE is needed`);
        const [wanted] = settingEdits('', `${JSON.stringify(word.slice(0, at))}: ${word.slice(at + 1)}`);
        if (!wanted) throw new Error(`--set ${word}: a value is needed; --unset takes a setting out`);
        return wanted;
      }),
      ...unset.map((key) => ({ path: settingPath(key) })),
    ];
  } catch (cause) {
    throw new UsageError(`hapg config edit: ${(cause as Error).message}`);
  }
}

/** Opens the operator's editor on a text; returns the saved text. */
function editByHand(text: string): string {
  if (!screen.canAsk) throw new Error('without a terminal, --set KEY=VALUE or --unset KEY is needed');
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi';
  const directory = mkdtempSync(join(tmpdir(), 'hapg-config-'));
  try {
    const file = join(directory, 'settings.yaml');
    writeFileSync(file, `# Saved and left unchanged: nothing is done. These are the inventory's settings.\n${text}`);
    // The variable may hold arguments, as with git.
    const { status, error } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    if (error || status !== 0) throw new Error(`${editor} ended with ${error?.message ?? `status ${status}`}`);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `hapg config edit`: changes settings in the inventory and in the cluster: checks them, shows diff and plan, then applies. */
export async function editSettings(options: EditOptions): Promise<number> {
  const edits = wantedEdits(options);
  const before = loadInventory(options.inventory, options.extra);
  return operate(
    'config edit',
    options,
    async (op, snapshot, setup, store) => {
      const { cluster } = op;
      refuseUnless(all(steady(before.cluster, snapshot, DEFAULT_LIMITS), admitApply(cluster, snapshot, [])));
      await store.complete();
      const surveyed = await surveyAll(op, apply, store);
      refuseUnless(checkVersions(cluster, surveyed.context.facts, cluster.hosts));
      if (surveyed.plan.changes.length === 0 && before.text === setup.text) return undefined;
      return {
        explain: [
          cluster.file,
          unifiedDiff(before.text, setup.text),
          '',
          showPlan(surveyed.plan, { diffs: false, verbosity: options.verbose }),
        ].join('\n'),
        question: `Change the settings of ${cluster.name}?`,
        hosts: cluster.hosts.filter((one) => surveyed.plan.changes.some((change) => change.host === one.name)),
        run: async () => {
          writeInventory(cluster.file, setup.text);
          await store.save();
          await converge(op, surveyed);
        },
      };
    },
    (text) => edits.reduce(editSetting, text),
  );
}
