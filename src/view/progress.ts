import type { Host } from '../inventory/model.ts';
import { type ProgressView, plainProgress } from './plain.ts';
import type { Screen } from './screen.ts';

/** Chooses the view: live on a terminal with room for all hosts, else plain lines; nothing when quiet. */
export async function progressFor(
  hosts: readonly Host[],
  options: { quiet: boolean; verbosity: number; json: boolean },
  screen: Screen,
): Promise<ProgressView> {
  if (options.quiet) return { emit: () => undefined, end: async () => undefined };
  // Listr2 is loaded on demand: loading it takes longer than a small command.
  if (!options.json && options.verbosity === 0 && screen.hasRoomFor(hosts.length))
    return (await import('./live.ts')).liveProgress(hosts, screen);
  return plainProgress(options.verbosity, screen);
}
