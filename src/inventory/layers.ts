import { type BadInventory, badInventory, type Problem, type YamlText } from './yaml-text.ts';

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lays one value over another: maps are joined key by key, everything else is replaced. */
const over = (lower: unknown, upper: unknown): unknown =>
  isMap(lower) && isMap(upper)
    ? Object.fromEntries(
        [...new Set([...Object.keys(lower), ...Object.keys(upper)])].map((key) => [
          key,
          Object.hasOwn(upper, key)
            ? Object.hasOwn(lower, key)
              ? over(lower[key], upper[key])
              : upper[key]
            : lower[key],
        ]),
      )
    : upper;

/**
 * The texts of one inventory. A later one lies over those before it: its maps are joined with theirs, its values and lists
 * replace theirs. The last one is the inventory's own file: paths are relative to it, and it alone is edited.
 */
export class Layers {
  readonly main: YamlText;

  constructor(
    under: readonly YamlText[],
    main: YamlText,
    private readonly all: readonly YamlText[] = [...under, main],
  ) {
    this.main = main;
  }

  /** Returns the value of all texts together. Throws BadInventory when aliases expand to something huge. */
  value(): unknown {
    return this.all
      .map((text) => text.value())
      .filter((value) => value !== null)
      .reduce(over, {});
  }

  /**
   * Sets a value on top of the uppermost text that has what it belongs to; `from` is the operator's own words for it. Throws
   * UsageError when it has no place.
   */
  override(path: readonly string[], value: unknown, from: string): void {
    const depths = this.all.map((text) => text.depthOf(path.slice(0, -1)));
    this.all[depths.lastIndexOf(Math.max(...depths))]!.override(path, value, from);
  }

  /** Formats a problem with its place in the uppermost text that has most of its path. */
  format(problem: Problem): string {
    const depths = this.all.map((text) => text.depthOf(problem.path));
    return this.all[depths.lastIndexOf(Math.max(...depths))]!.format(problem);
  }

  /** Returns where a path stands, FILE:LINE or the operator's words, in the uppermost text that has it; undefined where none has. */
  placeOf(path: readonly string[]): string | undefined {
    return this.all.findLast((text) => text.depthOf(path) === path.length)?.placeOf(path);
  }

  /** Returns the error for these problems, each with `file:line:column`, the line and a caret. */
  refuse(problems: readonly Problem[]): BadInventory {
    return badInventory(
      this.main.file,
      problems.map((problem) => this.format(problem)),
      problems.map(({ message }) => message),
    );
  }
}
