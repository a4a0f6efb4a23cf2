import { ANSWER_S } from '../bounds/hosts.ts';
import { UPSTREAM_S } from '../bounds/programs.ts';
import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import type { Secret } from '../secret.ts';
import { print, quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface ReplicationLoginWant {
  /** Addresses of the upstream's database hosts; one of them takes writes. */
  hosts: readonly string[];
  port: number;
  /** The directory of PostgreSQL's programs on this host. */
  binDir: string;
  user: string;
  password: Secret;
  /** The host's file with the CAs of the upstream's servers. */
  authority: string;
  /** The slot in which the upstream keeps WAL for this cluster. */
  slot: string;
  /** The cure for the operator, when it fails. */
  cure: string;
}

/**
 * Check that the upstream lets this host in before a standby cluster is begun; Patroni would retry for ever, with the
 * reason only in its log.
 */
const replicationLoginKind: Kind<ReplicationLoginWant, boolean> = {
  name: 'source',
  probe: (steps) =>
    steps
      .map(({ want }) => `[ "$(cat ${PATHS.letIn} 2>/dev/null)" = ${quote(mark(want))} ] && echo yes || echo no`)
      .join('\n'),
  parse: (answer, steps) => new Map(steps.map((one, index) => [one.id, answer.split('\n')[index] === 'yes'])),
  diff: (_step, letIn) =>
    letIn ? undefined : { action: 'run', summary: 'is this host let in?', knownAfterApply: true },
  async change({ want }, _letIn, remote) {
    const server = `host=${want.hosts.join(',')} port=${want.port} user=${want.user} replication=true connect_timeout=2 sslmode=verify-full sslrootcert=${want.authority} target_session_attrs=read-write`;
    // The password is in a variable of root's shell and psql, so no process list shows it.
    await remote.run(
      `umask 077
out=$(export PGPASSWORD=${quote(want.password.reveal())}; timeout ${UPSTREAM_S} ${quote(`${want.binDir}/psql`)} -XAtq -d ${quote(server)} -c ${quote(`READ_REPLICATION_SLOT ${want.slot}`)} 2>&1) || { printf '%s\\n' "$out" | tail -n 1; echo ${quote(want.cure)}; exit 1; }
case "$out" in
  'physical|'?*'|'*) ;;
  physical*) echo ${quote(`WAL for this copy is kept no more in the slot ${want.slot}, for it stayed away for too long: take it out of standbys: there, apply, write it in again, and apply`)}; exit 1 ;;
  *) echo ${quote(`it has no slot ${want.slot}. ${want.cure}`)}; exit 1 ;;
esac
${print(mark(want))} > ${PATHS.letIn}`,
      UPSTREAM_S + ANSWER_S,
    );
  },
};

const mark = ({ hosts, slot }: ReplicationLoginWant): string => `${slot} ${hosts.join(',')}`;

/** A step: this host may replicate from the upstream. The login needs the PostgreSQL client. */
export const replicationLogin = (role: RoleName, name: string, want: ReplicationLoginWant): Step =>
  step(replicationLoginKind, role, name, want);
