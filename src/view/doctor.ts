import type { Finding } from '../doctor/check.ts';
import { paint, table } from './style.ts';

const MARKS: Record<Finding['level'], () => string> = {
  failure: () => paint.red('failure'),
  warning: () => paint.yellow('warning'),
  ok: () => paint.green('ok'),
};

/** Rows that say the same of several hosts, as one. */
interface Row extends Omit<Finding, 'host'> {
  hosts: string[];
}

function joined(findings: readonly Finding[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { host, ...rest } of findings) {
    const key = JSON.stringify(rest);
    const row = rows.get(key);
    if (row) row.hosts.push(host);
    else rows.set(key, { ...rest, hosts: [host] });
  }
  return [...rows.values()];
}

/** One row for each check in which nothing is wrong. */
function summed(findings: readonly Finding[]): Row[] {
  const fine = joined(findings.filter(({ level }) => level === 'ok'));
  return [...new Set(fine.map(({ check }) => check))].map((check) => {
    const its = fine.filter((row) => row.check === check);
    const hosts = its.flatMap((row) => row.hosts);
    return its.length === 1 && hosts.length === 1
      ? its[0]!
      : { check, level: 'ok', hosts: [`${hosts.length} hosts`], seen: its.length === 1 ? its[0]!.seen : '' };
  });
}

/** Formats findings for the operator: what is wrong first, each with its cure below it. */
export function showFindings(findings: readonly Finding[], { verbose }: { verbose: boolean }): string {
  const wrong = joined(findings.filter(({ level }) => level !== 'ok'));
  const fine = verbose ? joined(findings.filter(({ level }) => level === 'ok')) : summed(findings);
  const rows = [
    ...wrong.filter(({ level }) => level === 'failure'),
    ...wrong.filter(({ level }) => level === 'warning'),
    ...fine,
  ];
  const lines = table(
    rows.map(({ level, check, hosts, seen }) => [MARKS[level](), check, hosts.filter(Boolean).join(', '), seen]),
  ).split('\n');
  return rows
    .flatMap(({ cure }, index) => [lines[index]!, ...(cure ? [paint.dim(`         → ${cure}`)] : [])])
    .join('\n');
}

/** The document of `hapg doctor -o json`: every finding as a check with a code, and the findings themselves. */
export const doctorDocumentOf = (cluster: string, findings: readonly Finding[]) => {
  const ok = !findings.some(({ level }) => level === 'failure');
  return {
    format_version: 1,
    cluster,
    ok,
    checks: findings.map(({ check, host, level, seen, cure }) => ({
      code: check.replaceAll(/\W+/g, '_'),
      host,
      ok: level !== 'failure',
      level,
      message: seen,
      cure: cure ?? null,
    })),
    fit: ok,
    findings,
  };
};

/** What is wrong, in words for a refusal or a note. */
export const inWords = ({ check, host, seen, cure }: Finding): string =>
  `${host ? `${host}: ` : ''}${check}: ${seen}${cure ? `; ${cure}` : ''}`;

/** The line that sums up findings. */
export function verdictOn(name: string, findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((one) => one.level === level).length;
  const [failures, warnings] = [count('failure'), count('warning')];
  if (failures > 0)
    return paint.red(
      `${name}: ${failures} failure${failures === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}: an apply would not go through`,
    );
  return paint.green(
    `${name}: the hosts are fit${warnings > 0 ? `, with ${warnings} warning${warnings === 1 ? '' : 's'}` : ''}`,
  );
}
