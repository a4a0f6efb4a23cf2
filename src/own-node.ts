import { isSea } from 'node:sea';

/** The word after which the executable runs a file, as `node` does, instead of the program. */
export const RUN_FILE = '__node';

/** The words that run a file of CommonJS with the Node of this process, which may be inside of the executable. */
export const nodeWords = (file: string): string[] =>
  isSea() ? [process.execPath, RUN_FILE, file] : [process.execPath, file];
