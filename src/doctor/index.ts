import type { Host } from '../inventory/model.ts';
import { addressCheck } from './address.ts';
import type { Check, Finding, Needs } from './check.ts';
import { diskCheck } from './disk.ts';
import { firewallsCheck, isClosedByUfw } from './firewalls.ts';
import { listenersCheck } from './listeners.ts';
import { localeCheck } from './locale.ts';
import { memoryCheck } from './memory.ts';
import { nameCheck } from './name.ts';
import { sourcesCheck } from './sources.ts';
import type { Way } from './ways.ts';

/** The checks of single hosts, in the order of their rows. Clocks and connections are asked apart. */
const CHECKS: readonly Check[] = [
  addressCheck,
  nameCheck,
  memoryCheck,
  diskCheck,
  localeCheck,
  listenersCheck,
  firewallsCheck,
  sourcesCheck,
];

/** POSIX sh of all checks of a host, by name. */
export const checkSections = (host: Host, needs: Needs): Map<string, string> =>
  new Map(
    CHECKS.flatMap((check): [string, string][] => {
      const script = check.script(host, needs);
      return script === undefined ? [] : [[check.name, script]];
    }),
  );

/** Judges the answers to `checkSections` of all hosts that gave them. */
export const judgeChecks = (answers: ReadonlyMap<Host, ReadonlyMap<string, string>>, needs: Needs): Finding[] =>
  CHECKS.flatMap((check) => check.judge(answersTo(check.name, answers), needs));

const answersTo = (name: string, answers: ReadonlyMap<Host, ReadonlyMap<string, string>>): Map<Host, string> =>
  new Map([...answers].flatMap(([host, its]): [Host, string][] => (its.has(name) ? [[host, its.get(name)!]] : [])));

/** Whether the own firewall of a way's host closes it now, although hapg manages it: an apply opens it. */
export const isOpenedByApply = (answers: ReadonlyMap<Host, ReadonlyMap<string, string>>, way: Way): boolean =>
  way.to?.roles.has('ufw') === true && isClosedByUfw(answers.get(way.to)?.get(firewallsCheck.name) ?? '', way);
