import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface OptionWant {
  path: string;
  key: string;
  value: string;
}

/** One `KEY VALUE` line of a file that belongs to somebody else and has no drop-in directory, such as /etc/login.defs. */
const optionKind: Kind<OptionWant, { file: boolean; value: string | undefined }> = {
  name: 'option',
  contained: true,
  probe: (steps) =>
    [...new Set(steps.map((one) => one.want.path))]
      .map(
        (path) =>
          `if [ -e ${quote(path)} ]; then echo ${quote(`file|${path}`)}; sed -n ${quote(`s#^\\([A-Za-z_]*\\)[[:space:]]\\{1,\\}\\([^#]*\\).*#${path}|\\1|\\2#p`)} ${quote(path)}; fi`,
      )
      .join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(
      steps.map(({ id, want }) => {
        const prefix = `${want.path}|${want.key}|`;
        return [
          id,
          {
            file: lines.includes(`file|${want.path}`),
            value: lines
              .findLast((line) => line.startsWith(prefix))
              ?.slice(prefix.length)
              .trim(),
          },
        ];
      }),
    );
  },
  diff({ want }, state) {
    if (state.value === want.value) return undefined;
    return { action: 'update', summary: `${state.value ?? 'unset'} → ${want.value}` };
  },
  async change({ want }, state, remote) {
    const path = quote(want.path);
    const line = `${want.key}\t${want.value}`;
    await remote.run(
      state.value === undefined
        ? `printf '%s\\n' ${quote(line)} >> ${path}`
        : `sed -i ${quote(`s#^${want.key}[[:space:]].*#${line.replaceAll('\t', '\\t')}#`)} ${path}`,
    );
  },
};

export const option = (
  role: RoleName,
  path: string,
  key: string,
  value: string | number,
  options: StepOptions = {},
): Step => step(optionKind, role, `${path} ${key}`, { path, key, value: String(value) }, options);
