import { type ExecAnswer, foldSame } from '../cluster/exec.ts';
import { bytes } from '../units.ts';
import { paint } from './style.ts';
import { visible } from './visible.ts';

/** The answers for people: hosts with the same answer once, above its lines. */
export const execText = (answers: readonly { host: string; answer: ExecAnswer }[], seconds: number): string =>
  foldSame(answers)
    .map(({ hosts, answer }) =>
      [`${paint.cyan(hosts.join(', '))}${verdictOf(answer, seconds)}`, ...linesOf(answer)].join('\n'),
    )
    .join('\n');

function verdictOf({ code, late, unreachable, missing }: ExecAnswer, seconds: number): string {
  const trouble = unreachable ?? missing;
  if (trouble !== undefined) return `  ${paint.red(visible(trouble))}`;
  if (late) return `  ${paint.red(`ended after ${seconds} s (--timeout)`)}`;
  return code === 0 ? '' : `  ${paint.red(`exit ${code}`)}`;
}

function linesOf({ output, leftOut }: ExecAnswer): string[] {
  const lines = output === '' ? [] : output.replace(/\n$/, '').split('\n');
  return [
    ...lines.map((line) => `  ${visible(line.replace(/\r$/, ''))}`),
    ...(leftOut > 0 ? [paint.yellow(`  ... ${bytes(leftOut)} more, left out`)] : []),
  ];
}

/** The answers for scripts, by host. */
export const execDocument = (answers: readonly { host: string; answer: ExecAnswer }[]) => ({
  hosts: Object.fromEntries(
    answers.map(({ host, answer: { code, output, leftOut, late, unreachable, missing } }) => [
      host,
      {
        code,
        output,
        ...(leftOut > 0 ? { cut: true, left_out_bytes: leftOut } : {}),
        ...(late ? { timed_out: true } : {}),
        ...(unreachable === undefined ? {} : { unreachable }),
        ...(missing === undefined ? {} : { missing }),
      },
    ]),
  ),
});
