import { portsOf } from './address-checks.ts';
import { type Check, error, withRole } from './check.ts';
import { EXPORTERS } from './exporters.ts';
import { isMonitored } from './monitoring.ts';
import type { Receiver } from './monitoring-schema.ts';
import type { Problem } from './yaml-text.ts';

/** Checks that there is one Prometheus, and that something is there to be set. */
const onePrometheus: Check = (inventory, written) => {
  const [first, ...more] = withRole(inventory, 'monitoring');
  const { external } = inventory.monitoring;
  return [
    ...more.map(([name, { roles }]) =>
      error(
        ['hosts', name, 'roles', roles.indexOf('monitoring')],
        `Prometheus is already on ${first![0]}: one host with the role monitoring is supported`,
      ),
    ),
    ...(first && external
      ? [
          error(
            ['monitoring', 'external'],
            `external is for a Prometheus of others, and ${first[0]} has the role monitoring: keep one of them`,
            true,
          ),
        ]
      : []),
    ...(written.has('monitoring') && !isMonitored(inventory)
      ? [
          error(
            ['monitoring'],
            'nobody would read the metrics: give a host the role monitoring, or write external: {from: [NETWORK]} for a Prometheus that is there already',
            true,
          ),
        ]
      : []),
    ...(external && inventory.monitoring.alerts.receivers.length > 0
      ? [
          error(
            ['monitoring', 'alerts', 'receivers'],
            'with external your own Alertmanager tells of alerts: receivers go with the role monitoring',
            true,
          ),
        ]
      : []),
  ];
};

/** Checks that a receiver is told in one way, and that its name is its own. */
const receivers: Check = ({ monitoring: { alerts } }) =>
  alerts.receivers.flatMap((one, index) => {
    const path = ['monitoring', 'alerts', 'receivers', index];
    const ways = (['email', 'webhook'] as const).filter((key) => one[key] !== undefined);
    return [
      ...(one.name === 'nobody' ? [error([...path, 'name'], 'nobody is the receiver of alerts that nobody gets')] : []),
      ...(alerts.receivers.findIndex(({ name }) => name === one.name) < index
        ? [error([...path, 'name'], `the receiver ${one.name} is named twice`)]
        : []),
      ...(ways.length === 1
        ? []
        : [
            error(
              path,
              ways.length === 0
                ? `${one.name} is told in no way: give it email: {to, from, smarthost} or webhook: ADDRESS`
                : `${one.name} has email and webhook: make two receivers of it`,
            ),
          ]),
      ...smarthost(one).map((message) => error([...path, 'email', 'smarthost'], message)),
    ];
  });

const smarthost = ({ email }: Receiver): string[] => {
  const number = Number(email?.smarthost.slice(email.smarthost.lastIndexOf(':') + 1) ?? 25);
  return number >= 1 && number <= 65_535 ? [] : [`${number} is no port: 1 to 65535`];
};

/** Checks that every route leads to a receiver, and that alerts without one do too. */
const routes: Check = ({ monitoring: { alerts } }) => {
  const names = alerts.receivers.map(({ name }) => name);
  const known = names.length > 0 ? `there are ${names.join(', ')}` : 'there are no receivers';
  const missing = (name: string): string => `there is no receiver ${name}: ${known}`;
  return [
    ...alerts.routes.flatMap(({ severity, receiver }, index): Problem[] => {
      const path = ['monitoring', 'alerts', 'routes', index];
      return [
        ...(names.includes(receiver) ? [] : [error([...path, 'receiver'], missing(receiver))]),
        ...(alerts.routes.findIndex((other) => other.severity === severity) < index
          ? [error([...path, 'severity'], `alerts of the severity ${severity} have a route already`)]
          : []),
      ];
    }),
    ...(alerts.default !== undefined && !names.includes(alerts.default)
      ? [error(['monitoring', 'alerts', 'default'], missing(alerts.default))]
      : []),
    ...(alerts.default === undefined && names.length > 1
      ? [
          error(
            ['monitoring', 'alerts', 'receivers'],
            `say who gets the alerts without a route: monitoring.alerts.default, one of ${names.join(', ')}`,
            true,
          ),
        ]
      : []),
  ];
};

/** Checks that no service of a host has a port that exporters use on its loopback address. */
const ports: Check = (inventory) =>
  isMonitored(inventory)
    ? Object.entries(inventory.hosts).flatMap(([name, host]) =>
        portsOf(inventory, host).flatMap(({ port, what, path }) => {
          const taken = EXPORTERS.find((one) => one.port === port);
          return taken
            ? [error(path, `port ${port} of ${what} collides with the exporter ${taken.module} on ${name}`)]
            : [];
        }),
      )
    : [];

/** Checks of `monitoring:`. */
export const monitoring: Check = (inventory, written) => {
  const problems = [onePrometheus, receivers, routes, ports].flatMap((check) => check(inventory, written));
  // A port that is wrong on every host is one mistake.
  const same = (one: Problem, other: Problem) => JSON.stringify(one.path) === JSON.stringify(other.path);
  return problems.filter((one, index) => problems.findIndex((other) => same(one, other)) === index);
};
