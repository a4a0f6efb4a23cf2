import type { Host } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { Secret } from '../../src/secret.ts';
import { WEBHOOK_SECRET } from '../../src/secrets/external-secrets.ts';
import { joined, type SecretText } from '../../src/secrets/text.ts';
import { CLEAN_ENVIRONMENT } from '../../src/shell/environment.ts';
import { quote } from '../../src/shell/quote.ts';
import { file, noFile } from '../../src/steps/file.ts';
import type { Step } from '../../src/steps/step.ts';

const role = 'pgbackrest';
const UNIT_FILE = '/etc/systemd/system/hapg-notice@.service';

/** The unit that tells of the failure of another one, as `OnFailure=` names it; undefined without a webhook. */
export const noticeUnit = ({ cluster }: Context): string | undefined =>
  cluster.settings.hooks.webhook === undefined ? undefined : 'hapg-notice@%n.service';

/** curl's configuration with the address, which is a secret more often than not, and must not be among its arguments. */
function address({ cluster, secrets }: Context): SecretText {
  const { webhook } = cluster.settings.hooks;
  const inQuotes = (text: string): string => text.replaceAll(/[\\"]/g, '\\$&');
  const url =
    webhook === 'secret' ? new Secret(inQuotes(secrets.externalSecret(WEBHOOK_SECRET).reveal())) : inQuotes(webhook!);
  return joined(['# Managed by hapg\nurl = "', url, '"\n']);
}

/** Steps for a host that tells the webhook of failed backups and drills of its timers. */
export function notice(host: Host, context: Context): Step[] {
  if (noticeUnit(context) === undefined)
    return [noFile(role, UNIT_FILE), noFile(role, PATHS.noticeScript), noFile(role, PATHS.webhook)];
  return [
    file(role, PATHS.webhook, address(context), { mode: '0600' }),
    file(
      role,
      PATHS.noticeScript,
      render('pgbackrest/notice.sh', {
        cluster: quote(context.cluster.name),
        host: quote(host.name),
        config: PATHS.webhook,
      }),
      { mode: '0755' },
    ),
    file(
      role,
      UNIT_FILE,
      render('pgbackrest/notice.service', { script: PATHS.noticeScript, environment: CLEAN_ENVIRONMENT }),
    ),
  ];
}
