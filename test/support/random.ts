/** Reproducible random numbers: the seed is printed, and taken from HAPG_SEED. */
export function seeded(): () => number {
  let state = Number(process.env.HAPG_SEED ?? Date.now() % 100_000);
  console.log(`HAPG_SEED=${state}`);
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
