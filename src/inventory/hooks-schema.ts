import { z } from 'zod';
import { ownProgram } from './values.ts';

const hook = (text: string) => ownProgram.optional().describe(text);

/** `hooks:` of an inventory. */
export const hooks = z
  .strictObject({
    timeout: z
      .int()
      .min(1)
      .max(3600)
      .default(60)
      .describe('How long a hook may take (seconds); one that takes longer is killed, and counts as failed'),
    before_apply: hook('Called before apply changes anything. A failure stops it'),
    after_apply: hook('Called after apply, however it ended'),
    before_switchover: hook('Called before a leader hands over, whatever command does that. A failure stops it'),
    after_switchover: hook('Called after a leader has handed over, or could not'),
    before_host_update: hook('Called before update takes a host out of service. A failure stops it'),
    after_host_update: hook('Called after a host is back in service, or could not be updated'),
    backup_failed: hook('Called where "hapg backup" has failed'),
    drill_failed: hook('Called where "hapg drill" has failed'),
    webhook: z
      .union([
        z.url({ protocol: /^https?$/, error: 'an address such as https://example.com/hook' }),
        z.literal('secret'),
      ])
      .optional()
      .describe(
        'Address that gets a JSON document (POST) at the end of each run that changes hosts, and from the hosts when a scheduled backup or drill fails. secret: the address is in the secret store ("hapg secrets set webhook-url")',
      ),
  })
  .prefault({})
  .describe(
    'Programs of yours on this machine that are called at moments of a run, with facts in variables HAPG_*; docs/operations.md',
  );

/** The hooks that are programs. */
export const HOOK_NAMES = [
  'before_apply',
  'after_apply',
  'before_switchover',
  'after_switchover',
  'before_host_update',
  'after_host_update',
  'backup_failed',
  'drill_failed',
] as const;
export type HookName = (typeof HOOK_NAMES)[number];
