/** The runtime in Node: devices, artifacts, images and datasets from files. */
export { describeAdapter } from './adapter-info.ts';
export type { AdapterInfo, DriverInfo } from './adapter-info.ts';
export { datasetFormats } from './datasets/dataset.ts';
export type { Dataset, DatasetFormat, DatasetOptions } from './datasets/dataset.ts';
export { isDatasetFormat, openDataset, parseDataArgument } from './datasets/open-dataset.ts';
export { openDevice } from './device.ts';
export type { DeviceOptions, OpenedDevice } from './device.ts';
export { diagnoseEnvironment } from './doctor.ts';
export type { AdapterReport, DoctorReport, Fix } from './doctor-report.ts';
export { decodeImage, readImage } from './images.ts';
export { openLoader } from './loader.ts';
export type { LoaderOptions } from './loader.ts';
export { readArtifact } from './read-artifact.ts';
export { readTrainingArtifact } from './read-training-artifact.ts';
export { openTrainingData } from './training-data.ts';
export type { DataOverrides, TrainingData } from './training-data.ts';
export type { VulkanDriver } from './vulkan.ts';
export { writeFolderAtomically } from './write-folder.ts';
