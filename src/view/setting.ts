import type { ExplainedSetting, Origin } from '../cluster/setting-origin.ts';
import type { SessionValue } from '../observe/setting.ts';
import { paint, table } from './style.ts';

/** The document of `hapg config explain -o json`; its keys are part of the outside contract. */
export interface SettingDocument {
  name: string;
  /** `postgresql` or `patroni`. */
  of: string;
  hosts: Record<string, ExplainedSetting>;
}

/** Where a value comes from, in words. */
const ORIGINS: Record<Origin, string> = {
  inventory: 'inventory, all members',
  inventory_host: 'inventory, this host',
  computed: "computed from the host's memory",
  hapg: 'fixed by hapg',
  dcs: 'the DCS, changed beside hapg',
  patroni: 'decided by Patroni',
  alter_system: 'ALTER SYSTEM',
  session: 'ALTER ROLE or DATABASE',
  file: 'a file, changed by hand',
  postgresql: 'decided by the server',
  default: 'default',
  unknown: 'unknown',
};

/** When a setting may change, by pg_settings' word. */
const CONTEXTS: Record<string, string> = {
  internal: 'cannot be changed',
  postmaster: 'changes with a restart',
  sighup: 'changes with a reload',
  'superuser-backend': 'changes with a reload, for new sessions',
  backend: 'changes with a reload, for new sessions',
  superuser: 'changes with a reload; superusers may set it in a session',
  user: 'changes with a reload; sessions may set it',
};

const shown = (value: string | null): string => (value === null ? '?' : value === '' ? '""' : value);

const whose = ({ role, database }: SessionValue): string =>
  [role && `role ${role}`, database && `database ${database}`].filter(Boolean).join(' in ') || 'all roles';

/** Formats a setting of several hosts for an operator. */
export function showSetting({ name, of, hosts }: SettingDocument): string {
  const all = Object.entries(hosts);
  const one = all.map(([, its]) => its).find(({ silent }) => silent === undefined) ?? all[0]?.[1];
  const facts = [
    of === 'patroni' ? "Patroni's, the same on all members" : (one?.context && CONTEXTS[one.context]) || '',
    one?.default === null || one?.default === undefined ? '' : `default ${shown(one.default)}`,
  ].filter(Boolean);
  const lines = [
    `${paint.bold(name)}${facts.length > 0 ? `  ${facts.join('; ')}` : ''}`,
    '',
    table([
      ['HOST', 'VALUE', 'FROM', 'AT', ''],
      ...all.map(([host, its]) => [
        host,
        shown(its.value),
        its.silent ?? ORIGINS[its.source],
        its.place ?? '',
        its.pending ? paint.yellow(`waits for a ${its.pending}`) : '',
      ]),
    ]),
  ];
  const declared = new Map<string, string[]>();
  for (const [host, its] of all)
    if (its.differs) declared.set(its.declared!, [...(declared.get(its.declared!) ?? []), host]);
  for (const [value, names] of declared) lines.push(`hapg apply sets ${shown(value)} on ${names.join(', ')}`);
  // Roles and databases are the same on all members.
  for (const session of one?.sessions ?? []) lines.push(`${whose(session)}: ${shown(session.value)} in its sessions`);
  return lines.join('\n');
}
