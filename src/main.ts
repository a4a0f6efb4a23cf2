import { hapg } from './cli.ts';
import { reportUncaughtErrors } from './run/outcome.ts';
import { screen } from './view/screen.ts';

reportUncaughtErrors();
// Exits explicitly: a dead connection must not keep the process.
void hapg(process.argv.slice(2)).then((code) => screen.exit(code));
