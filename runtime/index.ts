/** The browser-safe runtime: artifacts and sessions, tensors in files, images and preprocessing. */
export { artifactVersion, evaluateSize, parseManifest } from './artifact.ts';
export type { Artifact, Manifest, Plan, PreprocessStep, ProfileName, Size, Value } from './artifact.ts';
export { runtimeCodes, RuntimeFault } from './errors.ts';
export type { FaultKind, RuntimeCode } from './errors.ts';
export { toColour, toGrey } from './image.ts';
export type { Image8 } from './image.ts';
export { encodeNpy, parseNpy } from './npy.ts';
export { preprocessImage } from './preprocess.ts';
export type { ImageShape } from './preprocess.ts';
export { resizeImage } from './resize-image.ts';
export { encodeSafetensors, parseSafetensors } from './safetensors.ts';
export type { Safetensors, SafetensorsOptions } from './safetensors.ts';
export { createSession } from './session.ts';
export type { HostTensor, Session, SessionOptions } from './session.ts';
export { fromFloat32, toFloat32, toFloat64 } from './stored-tensor.ts';
export type { StoredTensor, StoredType } from './stored-tensor.ts';
export { labelOf } from './train/sample.ts';
export type { Mask8, Sample, SampleInput, Target } from './train/sample.ts';
