import { stringify } from 'yaml';
import { passwordOf, type Receiver, urlOf } from '../../src/inventory/monitoring-schema.ts';
import type { Inventory } from '../../src/inventory/schema.ts';

/** The receiver that nobody hears: where the inventory names none, and for the alert that always fires. */
const NOBODY = 'nobody';

/** Returns a receiver as Alertmanager has it; its secrets are in files of a directory (Alertmanager, "receiver"). */
function receiver(one: Receiver, directory: string): object {
  const { name, email, webhook } = one;
  return {
    name,
    ...(email
      ? {
          email_configs: [
            {
              to: [email.to].flat().join(', '),
              from: email.from,
              smarthost: email.smarthost,
              // On port 465 TLS is there from the beginning, and Alertmanager would ask for STARTTLS in it.
              require_tls: !email.smarthost.endsWith(':465'),
              send_resolved: true,
              ...(email.username === undefined
                ? {}
                : {
                    auth_username: email.username,
                    auth_password_file: `${directory}/${passwordOf(one)}`,
                  }),
            },
          ],
        }
      : {}),
    ...(webhook
      ? {
          webhook_configs: [
            {
              ...(webhook === 'secret' ? { url_file: `${directory}/${urlOf(one)}` } : { url: webhook }),
              send_resolved: true,
            },
          ],
        }
      : {}),
  };
}

/**
 * Returns the configuration of Alertmanager in a directory. Alerts of one cause come in one message; of a host that is
 * down nothing else is told.
 */
export function alertmanagerConfig(alerts: Inventory['monitoring']['alerts'], directory: string): string {
  const { receivers, routes } = alerts;
  return `# Managed by hapg\n${stringify(
    {
      route: {
        receiver: alerts.default ?? receivers[0]?.name ?? NOBODY,
        group_by: ['cluster', 'alertname'],
        group_wait: '15s',
        group_interval: '1m',
        repeat_interval: '4h',
        routes: [
          { matchers: ['alertname="Watchdog"'], receiver: NOBODY },
          ...routes.map((one) => ({ matchers: [`severity="${one.severity}"`], receiver: one.receiver })),
        ],
      },
      inhibit_rules: [
        {
          source_matchers: ['alertname="HostDown"'],
          target_matchers: ['alertname!="HostDown"', 'host!=""'],
          equal: ['cluster', 'host'],
        },
      ],
      receivers: [{ name: NOBODY }, ...receivers.map((one) => receiver(one, directory))],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )}`;
}
