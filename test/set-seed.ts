/** Gives fast-check the seed of the run in every test file. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['CNNC_SEED']) });
