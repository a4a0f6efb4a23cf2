import type { Option } from 'commander';

/** Command lines that show what a command is for; test/unit/docs.test.ts parses each of them. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: [
    'hapg init cluster.yaml --databases 10.0.0.1,10.0.0.2,10.0.0.3 --backup 10.0.0.4 --clients 10.0.0.0/24',
    'hapg init lab.yaml --lab --datacenters 3 --nodes 2',
  ],
  validate: ['hapg validate -i cluster.yaml'],
  schema: ['hapg schema > hapg.schema.json', 'hapg schema plan'],
  render: ['hapg render -i cluster.yaml rendered --limit db1'],
  trust: ['hapg trust -i cluster.yaml'],
  status: ['hapg status -i cluster.yaml --watch'],
  connect: [
    'hapg connect -i cluster.yaml --role replica',
    'hapg connect -i cluster.yaml --database app --user app --format jdbc --ca-out ./postgres-ca.crt',
    'hapg connect -i cluster.yaml --format k8s-secret --with-password | kubectl apply -f -',
  ],
  lock: ['hapg lock -i cluster.yaml'],
  audit: ['hapg audit -i cluster.yaml --hosts'],
  backup: ['hapg backup -i cluster.yaml --type full'],
  backups: ['hapg backups -i cluster.yaml'],
  kept: [
    'hapg kept list -i cluster.yaml',
    'hapg kept rm -i cluster.yaml db2:/var/lib/postgresql/17/main.replaced-20260131T140500',
  ],
  promote: ['hapg promote -i far.yaml'],
  restart: ['hapg restart -i cluster.yaml --pending', 'hapg restart -i cluster.yaml --limit db2'],
  reinit: ['hapg reinit -i cluster.yaml db3'],
  failover: ['hapg failover -i cluster.yaml --to db2'],
  pause: ['hapg pause -i cluster.yaml --for 2h'],
  resume: ['hapg resume -i cluster.yaml'],
  history: ['hapg history -i cluster.yaml'],
  topology: ['hapg topology -i cluster.yaml'],
  drain: ['hapg drain -i cluster.yaml db2 --for 2h'],
  undrain: ['hapg undrain -i cluster.yaml db2'],
  fence: ['hapg fence -i cluster.yaml db2', 'hapg fence -i cluster.yaml db1 --now    (a leader that must not write)'],
  unfence: ['hapg unfence -i cluster.yaml db2'],
  stop: ['hapg stop -i cluster.yaml'],
  start: ['hapg start -i cluster.yaml'],
  repair: ['hapg repair -i cluster.yaml'],
  destroy: ['hapg destroy -i cluster.yaml'],
  lab: ['hapg lab up -i inventory/lab.yaml', 'hapg lab kill -i inventory/lab.yaml db1'],
  completion: ['hapg completion bash > /etc/bash_completion.d/hapg'],
  doctor: ['hapg doctor -i cluster.yaml', 'hapg doctor -i cluster.yaml -o json'],
  plan: [
    'hapg plan -i cluster.yaml --out cluster.plan',
    'hapg plan -i cluster.yaml --detailed-exitcode -o json',
    'hapg plan show cluster.plan -o markdown    (for a merge request)',
  ],
  apply: ['hapg apply -i cluster.yaml', 'hapg apply -i cluster.yaml cluster.plan'],
  update: ['hapg update -i cluster.yaml --security-only', 'hapg update -i cluster.yaml --reboot always --probe'],
  switchover: ['hapg switchover -i cluster.yaml --to db2 --probe'],
  'add-replica': ['hapg add-replica -i cluster.yaml db4 --address 10.0.0.7 --roles etcd,patroni'],
  'remove-node': [
    'hapg remove-node -i cluster.yaml db4',
    'hapg remove-node -i cluster.yaml db3 db4 --gone    (lost for good)',
  ],
  drill: ['hapg drill restore -i cluster.yaml --count app.orders'],
  restore: [
    'hapg restore -i cluster.yaml --to-time "2026-01-31 14:05:00"',
    'hapg restore -i cluster.yaml --latest --yes --confirm main',
    'hapg restore -i cluster.yaml --into copy.yaml --latest',
  ],
  secrets: [
    'hapg secrets show app -i cluster.yaml',
    'hapg secrets rotate -i cluster.yaml',
    'hapg secrets set s3-key-backups -i cluster.yaml < key',
  ],
  certs: ['hapg certs renew -i cluster.yaml --authority postgres --trust-only'],
  config: [
    'hapg config edit -i cluster.yaml --set postgres.parameters.work_mem=8MB',
    'hapg config edit -i cluster.yaml --unset postgres.parameters.work_mem',
  ],
  ssh: ['hapg ssh -i cluster.yaml db1 -- patronictl -c /etc/patroni/config.yml list'],
  exec: [
    'hapg exec -i cluster.yaml -l patroni -- systemctl is-active patroni',
    "hapg exec -i cluster.yaml -l all -- 'df -h / | tail -n 1'",
  ],
  ping: ['hapg ping -i cluster.yaml'],
  report: ['hapg report -i cluster.yaml report.tar.gz'],
  psql: ['hapg psql -i cluster.yaml -- -c "select 1"'],
  explain: ['hapg explain no_sync_standby'],
  logs: ['hapg logs -i cluster.yaml patroni etcd --since -10min', 'hapg logs -i cluster.yaml -p err -n 50'],
};

/** The examples at the end of a command's help; empty where it has none. */
export const examples = (command: string): string =>
  (EXAMPLES[command] ?? []).map((line, index) => `${index === 0 ? '\nExamples:\n' : ''}  ${line}`).join('\n');

/** An option's text in the help, with its default unless that is "off" or "none". */
export function optionText({ description, defaultValue }: Option): string {
  const off = defaultValue === undefined || typeof defaultValue === 'boolean' || defaultValue === 0;
  const none = Array.isArray(defaultValue) && defaultValue.length === 0;
  return off || none ? description : `${description} (default: ${String(defaultValue)})`;
}
