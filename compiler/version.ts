/** The compiler's version, as `--version` prints it and manifests record it. */
export const version = '0.1.0';
