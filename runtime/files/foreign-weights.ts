/** Files that people give as weights and that are not safetensors: what each is, and how its weights become safetensors. */

export interface ForeignFile {
  /** As in `a zip archive`. */
  readonly what: string;
  readonly help: string;
}

const convert = 'cnnc reads safetensors';
const torch =
  'in Python: from safetensors.torch import save_file; ' +
  'save_file(torch.load("FILE", map_location="cpu"), "weights.safetensors"), of a state_dict; ' +
  'a whole model or a checkpoint holds it as .state_dict() or under a key such as "state_dict"';
const keras =
  'in Python: load it with the program that wrote it, and save its arrays by the names of the layers with ' +
  'safetensors.numpy.save_file; convolutions are [out, in, height, width] here';
const unpack = 'unpack it, and give the safetensors file that is inside';
const download = 'download the file itself: this is what stands in its place';

/** By its first bytes, `at` bytes from the start. Formats of archives and of programs alike. */
const signatures: readonly { readonly bytes: string; readonly at?: number; readonly file: ForeignFile }[] = [
  { bytes: '\u0089HDF\r\n\u001a\n', file: { what: 'an HDF5 file, as Keras writes (.h5)', help: keras } },
  { bytes: 'TFL3', at: 4, file: { what: 'a TensorFlow Lite model', help: keras } },
  { bytes: '\u0093NUMPY', file: { what: 'one NumPy array (.npy)', help: keras } },
  { bytes: 'GGUF', file: { what: 'a GGUF file', help: keras } },
  { bytes: '\u001f\u008b', file: { what: 'compressed with gzip', help: unpack } },
  { bytes: 'BZh', file: { what: 'compressed with bzip2', help: unpack } },
  { bytes: '\u00fd7zXZ\u0000', file: { what: 'compressed with xz', help: unpack } },
  { bytes: '\u0028\u00b5\u002f\u00fd', file: { what: 'compressed with Zstandard', help: unpack } },
  { bytes: "7z\u00bc\u00af'\u001c", file: { what: 'a 7z archive', help: unpack } },
  { bytes: 'Rar!\u001a\u0007', file: { what: 'a rar archive', help: unpack } },
  { bytes: 'ustar', at: 257, file: { what: 'a tar archive', help: unpack } },
  { bytes: '\u0089PNG', file: { what: 'a PNG picture', help: `${convert}, and this is a picture` } },
  { bytes: '\u00ff\u00d8\u00ff', file: { what: 'a JPEG picture', help: `${convert}, and this is a picture` } },
  { bytes: 'MATLAB 5.0', file: { what: 'a MATLAB file', help: keras } },
];

/** What a file is that is no safetensors; undefined where nothing is known of it. */
export function foreignFile(file: Uint8Array): ForeignFile | undefined {
  if (file.length === 0) return { what: 'empty', help: 'download or save it again' };
  const start = latin1(file.subarray(0, 4096));
  for (const { bytes, at = 0, file: found } of signatures) if (start.startsWith(bytes, at)) return found;
  if (start.startsWith('PK\u0003\u0004')) return zip(file);
  // Protocols 2 to 5 of pickle; PyTorch before 1.6 begins with the long integer of its magic number.
  const [first, second = 0] = file;
  if (first === 0x80 && second >= 2 && second <= 5) {
    return { what: 'a Python pickle, as PyTorch wrote before 1.6', help: torch };
  }
  return text(start) ?? protobuf(file);
}

/** The names of its entries tell who wrote an archive; they stand uncompressed in it, at its start and at its end. */
function zip(file: Uint8Array): ForeignFile {
  const names = latin1(file.subarray(0, 4096)) + latin1(file.subarray(-65536));
  if (/\/data\.pkl|\/data\/0/.test(names)) return { what: 'a zip archive that PyTorch wrote (.pt, .pth)', help: torch };
  if (names.includes('.npy')) return { what: 'an npz archive of NumPy', help: keras };
  if (names.includes('model.weights.h5')) return { what: 'a Keras archive (.keras)', help: keras };
  if (names.includes('.mlmodel') || names.includes('com.apple.CoreML'))
    return { what: 'a Core ML package', help: keras };
  return { what: 'a zip archive', help: unpack };
}

function text(start: string): ForeignFile | undefined {
  const trimmed = start.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  if (trimmed.startsWith('version https://git-lfs.github.com/spec/')) {
    const help = 'fetch the file itself: git lfs install, then git lfs pull';
    return { what: 'a pointer of git-lfs', help };
  }
  if (/^(?:<!doctype\s+html|<html|<head|<body)/i.test(trimmed)) return { what: 'an HTML page', help: download };
  if (trimmed.startsWith('<')) return { what: 'an XML file', help: download };
  if (/^\{[^]*"weight_map"/.test(trimmed)) {
    const help =
      'in Python, join its parts: save_file({k: v for f in parts for k, v in load_file(f).items()}, "weights.safetensors")';
    return { what: 'the index of weights in several safetensors files', help };
  }
  if (/^[[{]/.test(trimmed)) return { what: 'a JSON file', help: download };
  const isText = trimmed.length >= 16 && !/[^\t\n\r\u0020-\u007e]/.test(trimmed.slice(0, 16));
  return isText ? { what: 'a text file', help: download } : undefined;
}

/**
 * Messages of protocol buffers have no signature. An ONNX model begins with its version (field 1) and the name of its
 * producer (2), its graph (7) or its operator sets (8); a SavedModel with version 1 and a graph whose first field is 1.
 */
function protobuf(file: Uint8Array): ForeignFile | undefined {
  const [first, version = 0, next = 0] = file;
  if (first !== 0x08 || version < 1 || version > 0x20 || ![0x12, 0x1a, 0x22, 0x3a, 0x42].includes(next))
    return undefined;
  // The length of the graph, in groups of seven bits.
  const behind = file.subarray(3, 9).findIndex((byte) => byte < 0x80) + 4;
  if (version === 1 && next === 0x12 && file[behind] === 0x0a) return { what: 'a TensorFlow SavedModel', help: keras };
  const help =
    'in Python: onnx.numpy_helper.to_array of each of model.graph.initializer gives its weights, ' +
    'safetensors.numpy.save_file writes them by name';
  return { what: 'an ONNX model', help };
}

const latin1 = (bytes: Uint8Array): string => {
  let result = '';
  for (const byte of bytes) result += String.fromCharCode(byte);
  return result;
};
