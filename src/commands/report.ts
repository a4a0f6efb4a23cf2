import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { apply as playbook } from '../../playbooks/apply.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { expectWritable, onFile } from '../file-trouble.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { collectReport, type ReportPart } from '../run/report.ts';
import { withRun } from '../run/run.ts';
import { readSetup } from '../run/setup.ts';
import { SecretStore } from '../secrets/store.ts';
import { bytes } from '../units.ts';
import { table } from '../view/style.ts';

/**
 * `hapg report [FILE]`: writes a bundle for somebody who helps from afar: states, logs and journals, without secrets.
 * Changes nothing on the hosts. What is in it is listed before it is written.
 */
export async function reportCommand(given: string | undefined, options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const { cluster } = setup;
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const file = given ?? `hapg-report-${cluster.name}-${stamp}.tar.gz`;
  if (existsSync(file)) throw new UsageError(`${file} is there already: name another file`);
  expectWritable(file);
  const store = await SecretStore.read(cluster);
  return withRun(setup, 'report', { secrets: () => store?.all() ?? [] }, async (run) => {
    const parts = await collectReport(run, playbook, store);
    await run.progress.end();
    const sizes = parts.map(({ name, what, text }) => ({ name, what, bytes: Buffer.byteLength(text) }));
    const list = table([['FILE', 'SIZE', 'WHAT'], ...sizes.map((one) => [one.name, bytes(one.bytes), one.what])]);
    const notice =
      'Passwords and keys are redacted. Names, addresses, settings and what programs have logged are not: look before you give it away.';
    if (!setup.json) print(`${list}\n\n${notice}`);
    writeBundle(file, `hapg-report-${cluster.name}`, [
      { name: 'README.txt', what: '', text: `${list}\n\n${notice}\n` },
      ...parts,
    ]);
    if (setup.json) printJson({ file, files: sizes });
    else print(`Written to ${file}`);
    return EXIT.done;
  });
}

/** Packs the parts below a directory of this name; only the owner may read the file. Throws Refused. */
function writeBundle(file: string, top: string, parts: readonly ReportPart[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-report-'));
  try {
    for (const { name, text } of parts) {
      const path = join(directory, top, name);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600 });
    }
    const { status, stdout, stderr, error } = spawnSync('tar', ['-cz', '-f', '-', '-C', directory, basename(top)], {
      maxBuffer: 1024 * 1024 * 1024,
    });
    if (error || status !== 0)
      throw new Refused(
        `the tar program does not pack the report (${error?.message ?? stderr.toString().trim()})`,
        'program',
      );
    onFile(file, () => writeFileSync(file, stdout, { mode: 0o600, flag: 'wx' }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
