/** What is given as weights: files of other programs, and safetensors that are not whole or not of the model. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadWeights } from '../../../../compiler/driver/load-weights.ts';
import { encodeNpy } from '../../../../runtime/files/npy.ts';
import { encodeSafetensors, parseSafetensors } from '../../../../runtime/files/safetensors.ts';
import { fromFloat32, type StoredTensor } from '../../../../runtime/files/stored-tensor.ts';
import { zip } from '../zip.ts';
import type { OddCase, OddCases } from './odd-case.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const raw = (...content: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(content.flatMap((each) => (typeof each === 'number' ? [each] : [...Buffer.from(each, 'latin1')])));
const rest = 'x'.repeat(300);

const parameters = [
  { name: 'fc.weight', shape: [2, 3], init: { kind: 'zeros' } },
  { name: 'fc.bias', shape: [2], init: { kind: 'zeros' } },
] as const;

/** As `cnnc build --weights FILE` does for a model that ends in `fc: linear(2)`. */
async function loaded(folder: string): Promise<string> {
  const { tensors } = parseSafetensors(await readFile(join(folder, 'file')));
  const bufferNames = ['fc.num_batches_tracked'];
  return `${loadWeights('FILE', tensors, parameters, { bufferNames }).size} parameters`;
}

const of = (what: string, file: Uint8Array, becomes: OddCase['becomes'], help?: string): OddCase => ({
  what,
  files: { file },
  read: loaded,
  becomes,
  ...(help === undefined ? {} : { help }),
});
/** A file that is named for what it is. */
const foreign = (what: string, file: Uint8Array, is: string, help: string): OddCase =>
  of(what, file, new RegExp(`^E0711: this is no safetensors file: it is .*${is}`), help);

const ones = (...shape: readonly number[]): StoredTensor =>
  fromFloat32(new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1), shape);
const fileOf = (tensors: Readonly<Record<string, StoredTensor>>): Uint8Array =>
  encodeSafetensors(new Map(Object.entries(tensors)));
const good = { 'fc.weight': ones(2, 3), 'fc.bias': ones(2) };
const array = encodeNpy(ones(3));

/** Headers as the programs write them: torch 1.13, Keras 2.11, ONNX 1.13, TensorFlow 2.11. */
export const weightsFiles: OddCases = {
  reader: 'weights',
  listed: [
    foreign(
      'a state_dict of `torch.save`',
      zip([{ name: 'archive/data.pkl', bytes: raw(0x80, 2, '}q') }]),
      'PyTorch',
      'save_file(torch.load',
    ),
    foreign(
      'the same of PyTorch before 1.6',
      raw(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, rest),
      'pickle',
      'save_file',
    ),
    foreign('`.h5` of Keras', raw(0x89, 'HDF\r\n', 0x1a, 10, rest), 'HDF5', 'safetensors'),
    foreign(
      '`saved_model.pb` of TensorFlow',
      raw(8, 1, 0x12, 0x86, 0x57, 0x0a, 0x85, rest),
      'SavedModel',
      'safetensors',
    ),
    foreign('`.onnx`', raw(8, 7, 0x12, 7, 'pytorch', 0x1a, 6, '1.13.1', rest), 'ONNX', 'initializer'),
    foreign(
      '`model.safetensors.index.json`',
      text('{"metadata": {"total_size": 9}, "weight_map": {"a": "model-1.safetensors"}}'),
      'index',
      'load_file',
    ),
    foreign(
      'a git-lfs pointer',
      text(`version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 12345\n`),
      'git-lfs',
      'git lfs pull',
    ),
    foreign(
      'an HTML page, as a failed download leaves',
      text('\n<!DOCTYPE html><html lang="en"><head><title>404</title></head></html>'),
      'HTML',
      'download',
    ),
    of('safetensors that are cut', fileOf(good).subarray(0, -8), 'E0711: the tensors need 32 bytes of data, but the'),
    of(
      'a parameter that is missing',
      fileOf({ 'fc.weight': ones(2, 3) }),
      'E0720: FILE lacks 1 of 2 parameters: fc.bias',
    ),
    of(
      'names behind a prefix',
      fileOf({ 'module.fc.weight': ones(2, 3), 'module.fc.bias': ones(2) }),
      'E0720: FILE lacks 2 of 2 parameters',
      'write `rename = [("module.", "")]`',
    ),
    of(
      'more than the model has',
      fileOf({ ...good, 'aux.weight': ones(1) }),
      'E0721: FILE holds aux.weight, which the model does not have',
      '--ignore-extra',
    ),
    of(
      'another shape',
      fileOf({ ...good, 'fc.weight': ones(3, 2) }),
      'E0722: fc.weight in FILE is [3, 2], the model takes [2, 3]',
      'a.transpose(1, 0)',
    ),
    of(
      'integers',
      fileOf({ ...good, 'fc.bias': { dtype: 'I64', shape: [2], bytes: new Uint8Array(16) } }),
      'E0722: fc.bias in FILE is I64, the model takes floats',
    ),
  ],
  others: [
    foreign('`.tflite`', raw(0x1c, 0, 0, 0, 'TFL3', rest), 'TensorFlow Lite', 'safetensors'),
    foreign('`.npz`', zip([{ name: 'arr_0.npy', bytes: array }]), 'npz', 'safetensors'),
    foreign('`.keras`', zip([{ name: 'model.weights.h5', bytes: text('x') }]), 'Keras', 'safetensors'),
    foreign('a pickle of protocol 4', raw(0x80, 4, 0x95, rest), 'pickle', 'save_file'),
    foreign('ONNX without a producer', raw(8, 8, 0x3a, 0x92, 1, rest), 'ONNX', 'initializer'),
    foreign('`.npy`', array, 'NumPy', 'safetensors'),
    foreign('a page behind a byte-order mark', raw(0xef, 0xbb, 0xbf, '<html><body>Sign in'), 'HTML', 'download'),
    foreign('an answer in XML', text('<?xml version="1.0"?><Error>AccessDenied</Error>'), 'XML', 'download'),
    foreign('an answer in JSON', text('{"error": "Repository not found"}'), 'JSON', 'download'),
    foreign('a line of text', text('Entry not found, sorry for that\n'), 'text', 'download'),
    foreign('another zip', zip([{ name: 'model.safetensors', bytes: text('x') }]), 'zip archive', 'unpack'),
    foreign('a gzip', gzipSync(fileOf(good)), 'gzip', 'unpack'),
    foreign('a tar', raw('w'.repeat(257), 'ustar', rest), 'tar', 'unpack'),
    foreign('a picture', raw(0x89, 'PNG\r\n', 0x1a, 10, rest), 'picture', 'picture'),
    foreign('nothing', new Uint8Array(), 'empty', 'again'),
    of(
      'what nothing is known of',
      Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + 200) & 0xff),
      'E0711: the header',
    ),
    of('buffers that only count', fileOf({ ...good, 'fc.num_batches_tracked': ones() }), /^2 parameters$/),
    of(
      'half precision',
      fileOf({ ...good, 'fc.bias': { dtype: 'F16', shape: [2], bytes: new Uint8Array(4) } }),
      /^2 parameters$/,
    ),
  ],
};
