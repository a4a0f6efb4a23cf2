import { WEBHOOK_MS } from '../bounds/controller.ts';
import { WEBHOOK_SECRET } from '../secrets/external-secrets.ts';
import { scrubbed } from '../secrets/outlet.ts';
import { redact } from '../secrets/redact.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Run } from './run.ts';

/** How a run that changes hosts ended. */
export interface RunEnd {
  result: string;
  /** Number of changes. */
  changed: number;
  failed: readonly { host: string; step: string; message: string }[];
}

/** Sends the end of a run to the inventory's webhook. A webhook that fails is a note, and changes nothing of the result. */
export async function notify(run: Run, store: SecretStore, end: RunEnd): Promise<void> {
  const { webhook } = run.cluster.settings.hooks;
  if (webhook === undefined) return;
  if (webhook === 'secret') await store.fetch([WEBHOOK_SECRET]);
  const url = webhook === 'secret' ? store.externalSecret(WEBHOOK_SECRET).reveal() : webhook;
  const document = {
    source: 'hapg',
    format_version: 1,
    event: 'run',
    cluster: run.cluster.name,
    command: run.command,
    run: run.id,
    by: run.by,
    time: new Date().toISOString(),
    duration_ms: Math.round(performance.now() - run.started),
    ...end,
  };
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'hapg' },
      body: JSON.stringify(scrubbed(document)),
      redirect: 'error',
      signal: AbortSignal.timeout(WEBHOOK_MS),
    });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  } catch (cause) {
    const { message, cause: inner } = cause as Error & { cause?: { code?: string } };
    run.session.options.emit({
      type: 'note',
      text: redact(`hooks.webhook: ${inner?.code ?? message}`, store.all()),
    });
  }
}
