import { createHash } from 'node:crypto';
import { installScript } from '../debian.ts';
import { docker } from './engine.ts';
import { ENTRYPOINT, ensureImage, IMAGE } from './image.ts';

/** The warm image's name; it changes with the packages and the way to install them. */
function warmImage(packages: readonly string[]): string {
  const hash = createHash('sha256').update(installScript(packages)).digest('hex').slice(0, 8);
  return `${IMAGE}-warm-${hash}`;
}

/**
 * Makes sure that the image of a warm host exists: a bare one with these packages installed and nothing configured,
 * built once per machine. Returns its name. Throws LabError with the end of the installation's output.
 */
export async function ensureWarmImage(packages: readonly string[], say: (text: string) => void): Promise<string> {
  const image = warmImage(packages);
  await ensureImage(say);
  if ((await docker('image', 'ls', '-q', image)).trim()) return image;
  say(`building the image of a warm host: ${packages.length} packages on a bare one (about two minutes, once)`);
  const container = (
    await docker('create', '--network', 'bridge', '--entrypoint', 'sh', IMAGE, '-c', installScript(packages))
  ).trim();
  try {
    await docker('start', '--attach', container);
    await docker('commit', '--change', ENTRYPOINT, '--change', 'CMD []', container, image);
  } finally {
    await docker('rm', '-f', '-v', container);
  }
  return image;
}
