import { z } from 'zod';

const item = (text: string) => z.boolean().optional().describe(text);

/** The items of hardening; each is on unless the inventory turns it off. */
const items = {
  sshd: z
    .union([
      z.boolean(),
      z.strictObject({
        tcp_forwarding: z
          .boolean()
          .optional()
          .describe('true: sshd goes on to forward TCP (ssh -L, -J), for tunnels of operators'),
      }),
    ])
    .optional()
    .describe('sshd: keys only, no forwarding but on jump hosts, modern algorithms, short sessions of the dead'),
  banner: item('/etc/issue and /etc/issue.net: that access is recorded'),
  network: item(
    'Network settings of the kernel: no redirects or source routes, no packet forwarding unless something uses it',
  ),
  kernel: item('Other settings of the kernel: restricted pointers, messages, ptrace and BPF, no SysRq'),
  modules: z
    .union([
      z.boolean(),
      z.strictObject({
        except: z
          .array(z.string().regex(/^[\w-]+$/, 'not a module'))
          .describe('Modules that may be loaded, such as udf'),
      }),
    ])
    .optional()
    .describe('Kernel modules that a database host does not need cannot be loaded'),
  core_dumps: item('No core dumps, which hold memory of the database'),
  accounts: item('Defaults of accounts: umask 027, age of passwords, rounds of hashes; temporary directories per user'),
  passwords: item('Passwords of accounts have 14 characters of three classes'),
  shells: item('Login shells: umask 027, the end after an idle hour'),
  sudo: item('/etc/sudoers.d is closed to others'),
  journal: item('The journal is kept for 90 days in at most 1 GB'),
  updates: item('Security updates install themselves, without restarts, and leave out what the cluster consists of'),
  restarts: item('needrestart never restarts what the cluster consists of'),
  audit: item('auditd with rules for accounts, privileges, sshd, time and the configuration of the cluster; debsums'),
  clock: item('A time daemon where none runs'),
};

export type HardeningItem = keyof typeof items;
export const HARDENING_ITEMS = Object.keys(items) as readonly HardeningItem[];

/** Hardening as the inventory says it: all, nothing, or all but what is turned off. */
export const hardening = z.union([z.boolean(), z.strictObject(items)], {
  error: 'true, false, or items that are off, such as {sshd: false}',
});
type Written = z.infer<typeof hardening>;

/** What of hardening a host gets. */
export interface Hardening {
  items: ReadonlySet<HardeningItem>;
  /** Whether sshd goes on to forward TCP. */
  tcpForwarding: boolean;
  /** Modules that may be loaded all the same. */
  loadable: readonly string[];
}

/** Returns what a host gets: its own words win over those of the inventory, item by item. */
export function hardeningOf(common: Written, own: Written | undefined): Hardening {
  const written = (one: Written) => (typeof one === 'boolean' ? undefined : one);
  if (own === false || (own === undefined && common === false))
    return { items: new Set(), tcpForwarding: false, loadable: [] };
  const all = { ...(own === true ? {} : written(common)), ...(own === undefined ? {} : written(own)) };
  return {
    items: new Set(HARDENING_ITEMS.filter((name) => all[name] !== false)),
    tcpForwarding: typeof all.sshd === 'object' && all.sshd.tcp_forwarding === true,
    loadable: typeof all.modules === 'object' ? all.modules.except : [],
  };
}
