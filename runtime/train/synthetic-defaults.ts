/** What a dataset of generated pictures has where nothing else is written: samples, pixels a side, classes. */
export const syntheticDefaults = { samples: 4000, size: 32, classes: 4, seed: 0 } as const;
