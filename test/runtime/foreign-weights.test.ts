/** What is given as weights and is no safetensors file is named for what it is. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { foreignFile } from '../../runtime/foreign-weights.ts';
import { encodeNpy } from '../../runtime/npy.ts';
import { encodeSafetensors, parseSafetensors } from '../../runtime/safetensors.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { fromFloat32 } from '../../runtime/stored-tensor.ts';
import { zip } from './node/zip.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const raw = (...content: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(content.flatMap((each) => (typeof each === 'number' ? [each] : [...Buffer.from(each, 'latin1')])));
const rest = 'x'.repeat(300);

/** Headers as the programs write them: torch 1.13, Keras 2.11, ONNX 1.13, TensorFlow 2.11. */
const files: readonly (readonly [string, Uint8Array, RegExp, RegExp])[] = [
  [
    'a state_dict of PyTorch',
    zip([{ name: 'archive/data.pkl', bytes: raw(0x80, 2, '}q') }]),
    /PyTorch/,
    /save_file\(torch.load/,
  ],
  ['one of PyTorch before 1.6', raw(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, rest), /pickle/, /save_file/],
  ['a pickle of protocol 4', raw(0x80, 4, 0x95, rest), /pickle/, /save_file/],
  [
    'a pointer of git-lfs',
    text(`version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 12345\n`),
    /git-lfs/,
    /git lfs pull/,
  ],
  ['a page', text('\n<!DOCTYPE html><html lang="en"><head><title>404</title></head></html>'), /HTML/, /download/],
  ['a page behind a byte-order mark', raw(0xef, 0xbb, 0xbf, '<html><body>Sign in</body></html>'), /HTML/, /download/],
  ['an answer in XML', text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), /XML/, /download/],
  ['an answer in JSON', text('{"error": "Repository not found"}'), /JSON/, /download/],
  [
    'the index of several files',
    text('{"metadata": {"total_size": 9}, "weight_map": {"a": "model-1.safetensors"}}'),
    /index/,
    /load_file/,
  ],
  ['a line of text', text('Entry not found, sorry for that\n'), /text/, /download/],
  ['a gzip', gzipSync(encodeSafetensors(new Map([['w', fromFloat32(new Float32Array(99), [99])]]))), /gzip/, /unpack/],
  [
    'an npz',
    zip([{ name: 'arr_0.npy', bytes: encodeNpy(fromFloat32(new Float32Array(3), [3])) }]),
    /npz/,
    /safetensors/,
  ],
  ['an npy', encodeNpy(fromFloat32(new Float32Array(3), [3])), /NumPy/, /safetensors/],
  ['a .keras', zip([{ name: 'model.weights.h5', bytes: text('x') }]), /Keras/, /safetensors/],
  ['another zip', zip([{ name: 'model.safetensors', bytes: text('x') }]), /zip archive/, /unpack/],
  ['an .h5', raw(0x89, 'HDF\r\n', 0x1a, 10, rest), /HDF5/, /safetensors/],
  ['a .tflite', raw(0x1c, 0, 0, 0, 'TFL3', rest), /TensorFlow Lite/, /safetensors/],
  ['an ONNX model of PyTorch', raw(8, 7, 0x12, 7, 'pytorch', 0x1a, 6, '1.13.1', rest), /ONNX/, /initializer/],
  ['an ONNX model without a producer', raw(8, 8, 0x3a, 0x92, 1, rest), /ONNX/, /initializer/],
  ['a SavedModel', raw(8, 1, 0x12, 0x86, 0x57, 0x0a, 0x85, rest), /SavedModel/, /safetensors/],
  ['a picture', raw(0x89, 'PNG\r\n', 0x1a, 10, rest), /picture/, /picture/],
  ['a tar', raw('w'.repeat(257), 'ustar', rest), /tar/, /unpack/],
  ['nothing', new Uint8Array(), /empty/, /again/],
];

describe('a file that is no safetensors', () => {
  it.each(files)('%s', (_, file, what, help) => {
    let fault: unknown;
    try {
      parseSafetensors(file);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(RuntimeFault);
    const { code, message, help: said } = fault as RuntimeFault;
    expect(code).toBe('E0711');
    expect(message).toMatch(/^this is no safetensors file: it is /);
    expect(message).toMatch(what);
    expect(said).toMatch(help);
  });

  it('is not named where nothing is known of it', () => {
    expect(foreignFile(Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + 200) & 0xff))).toBeUndefined();
  });
});
