import { z } from 'zod';
import { hostName, network, oneLine, port } from './values.ts';

/** A length of time as Prometheus reads it in one unit (Prometheus, "duration"). */
const age = z
  .string('expected a length of time such as 15d')
  .regex(/^[1-9]\d*[hdwy]$/, 'a number of hours, days, weeks or years, such as 12h or 15d');

/** An amount of storage as Prometheus reads it, in powers of 1024 (Prometheus, "--storage.tsdb.retention.size"). */
const size = z
  .string('expected an amount such as 5GB')
  .regex(/^[1-9]\d*(MB|GB|TB)$/, 'a number of MB, GB or TB, such as 5GB');

/** The pace of looking. The alerts count seconds, so nothing slower than a minute is taken. */
const pace = z
  .string('expected seconds such as 15s')
  .regex(
    /^([5-9]|[1-5]\d|60)s$/,
    'from 5s to 60s: alerts wait for seconds, and a faster pace costs more than it tells',
  );

const mailbox = oneLine.regex(/^[^\s@,<>"]+@[^\s@,<>"]+$/, 'not a mail address such as ops@example.com');

const receiver = z
  .strictObject({
    name: hostName.describe('Name of the receiver'),
    email: z
      .strictObject({
        to: z
          .union([mailbox, z.array(mailbox).min(1)], { error: 'a mail address, or a list of them' })
          .describe('Who gets the mail'),
        from: mailbox.describe('Sender of the mail'),
        smarthost: oneLine
          .regex(/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/, 'expected HOST:PORT, such as mail.example.com:587')
          .describe(
            'The mail server, HOST:PORT; it is spoken to with TLS (STARTTLS, or from the beginning on port 465)',
          ),
        username: oneLine
          .min(1)
          .optional()
          .describe(
            'Login at the mail server; its password is in the secret store ("hapg secrets set alerts-NAME-password")',
          ),
      })
      .optional()
      .describe('Alerts come by mail'),
    webhook: z
      .union([
        z.url({ protocol: /^https?$/, error: 'an address such as https://example.com/hook' }),
        z.literal('secret'),
      ])
      .optional()
      .describe(
        'Alerts come as JSON documents (POST, the form of Alertmanager) to this address. secret: the address is in the secret store ("hapg secrets set alerts-NAME-url")',
      ),
  })
  .describe('Somebody who gets alerts, by mail or at an address');

export const SEVERITIES = ['critical', 'warning', 'info'] as const;

/** `monitoring:` of an inventory. */
export const monitoring = z
  .strictObject({
    port: port
      .default(9998)
      .describe('Port of every host at which its metrics are read, with certificates on both sides'),
    external: z
      .strictObject({
        from: z
          .array(network)
          .min(1, 'name at least one network')
          .describe('Networks of that Prometheus; the firewall lets them reach the port'),
      })
      .optional()
      .describe(
        'Exporters for a Prometheus that is there already, in place of a host with the role monitoring; docs/monitoring.md has what to copy',
      ),
    scrape_interval: pace.default('15s').describe('How often Prometheus reads the metrics, 5s to 60s'),
    evaluation_interval: pace.default('15s').describe('How often Prometheus judges the alerts, 5s to 60s'),
    retention: z
      .strictObject({
        time: age.default('15d').describe('How long Prometheus keeps what it has read'),
        size: size.default('5GB').describe('How much room it takes at most; the oldest goes first'),
      })
      .prefault({})
      .describe('What Prometheus keeps'),
    prometheus: z
      .strictObject({
        port: port.default(9090).describe("Port of Prometheus' page, on the loopback address alone"),
      })
      .prefault({})
      .describe('Prometheus, on the host with the role monitoring'),
    alertmanager: z
      .strictObject({
        port: port.default(9093).describe("Port of Alertmanager's page, on the loopback address alone"),
      })
      .prefault({})
      .describe('Alertmanager, beside Prometheus'),
    alerts: z
      .strictObject({
        receivers: z.array(receiver).default([]).describe('Who gets alerts. Empty: alerts are only seen on the page'),
        default: hostName
          .optional()
          .describe('The receiver of every alert without a route; needed with more than one receiver'),
        routes: z
          .array(
            z
              .strictObject({
                severity: z
                  .enum(SEVERITIES, { error: 'one of critical, warning, info' })
                  .describe('The severity of the alerts'),
                receiver: hostName.describe('Who gets them: the name of a receiver'),
              })
              .describe('Alerts of one severity, and who gets them'),
          )
          .default([])
          .describe('Alerts that go to another receiver than the default, by severity'),
      })
      .prefault({})
      .describe('Who is told of an alert'),
  })
  .prefault({})
  .describe('Prometheus, Alertmanager and exporters: on as soon as a host has the role monitoring, or with external');

export type Receiver = z.output<typeof receiver>;

/** The name of a receiver's password in the secret store. */
export const passwordOf = ({ name }: Pick<Receiver, 'name'>): string => `alerts-${name}-password`;
/** The name of a receiver's address in the secret store. */
export const urlOf = ({ name }: Pick<Receiver, 'name'>): string => `alerts-${name}-url`;
