import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestLab } from './lab.ts';
import { seconds } from './time.ts';

const LOG = '/run/sampled-arguments';

/**
 * Records the argument lists of all processes, on all hosts and on the controller: what others can read of a process.
 * The secrets are searched for afterwards, so that the sampler needs to know none.
 */
export class Sampler {
  private readonly seen = new Set<string>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly lab: TestLab) {
    // Bounded: it ends by itself when nobody stops it.
    const loop = `n=0; while [ -e ${LOG}.on ] && [ $n -lt ${seconds(6000)} ]; do n=$((n+1)); cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' ; echo; sleep 0.1; done > ${LOG}`;
    for (const host of lab.hosts) {
      lab.on(host, `touch ${LOG}.on`);
      lab.docker('exec', '-d', `${lab.cluster}-${host}`, 'sh', '-c', loop);
    }
    // A test that fails before it stops the sampler must not keep the runner alive.
    this.timer = setInterval(() => this.look(), 50).unref();
  }

  private look(): void {
    for (const entry of readdirSync('/proc'))
      if (/^\d+$/.test(entry))
        try {
          this.seen.add(readFileSync(`/proc/${entry}/cmdline`, 'utf8'));
        } catch {
          // The process has ended in the meantime.
        }
  }

  /** Stops it. Returns where a secret of the store was seen, as `HOST: the argument list`, with the secret redacted. */
  stop(): string[] {
    clearInterval(this.timer);
    const secrets = storedSecrets(this.lab);
    const found: string[] = [];
    const look = (where: string, text: string) => {
      for (const line of text.split('\n'))
        for (const secret of secrets)
          if (line.includes(secret)) found.push(`${where}: ${line.replaceAll(secret, '<secret>').slice(0, 300)}`);
    };
    for (const host of this.lab.hosts) {
      this.lab.on(host, `rm -f ${LOG}.on; sleep 0.3`);
      const sampled = this.lab.on(host, `cat ${LOG}; rm -f ${LOG}`).out;
      if (!sampled.includes('systemd')) throw new Error(`the sampler on ${host} has seen nothing`);
      look(host, sampled);
    }
    look('controller', [...this.seen].join('\n'));
    return [...new Set(found)];
  }
}

/** All passwords of the store. */
export function storedSecrets(lab: TestLab): string[] {
  const text = readFileSync(join(lab.directory, '.hapg', lab.cluster, 'secrets.yaml'), 'utf8');
  const secrets = [...text.matchAll(/^ {2,4}\w+: ([A-Za-z0-9x]{20,})$/gm)].map((match) => match[1]!);
  if (secrets.length < 7) throw new Error(`only ${secrets.length} secrets are in the store`);
  return secrets;
}
