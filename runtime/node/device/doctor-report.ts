/** What the examination of a machine tells: adapters, drivers, the software adapter, and what to do. */
import type { AdapterInfo } from './adapter-info.ts';
import type { VulkanDriver } from './vulkan.ts';

export interface AdapterReport {
  readonly info: AdapterInfo;
  /** The limits that decide which kernels fit, by their WebGPU names. */
  readonly limits: Readonly<Record<string, number>>;
  /** In code-unit order. */
  readonly features: readonly string[];
}

export interface DoctorReport {
  readonly node: { readonly version: string; readonly supported: boolean };
  /** As in `linux-x64`, and the kernel's release. */
  readonly platform: string;
  readonly kernel: string;
  /** Dawn's binding: its version, and why it cannot be loaded if so. */
  readonly webgpu: { readonly version: string | undefined; readonly fault: string | undefined };
  readonly vulkan: {
    /** Path of `libvulkan.so.1`; undefined where there is none, and on systems that need none. */
    readonly loader: string | undefined;
    readonly drivers: readonly VulkanDriver[];
    /** The variables by which drivers can be chosen, where they are set. */
    readonly variables: Readonly<Record<string, string>>;
  };
  /** Display controllers on the PCI bus, as vendor names. */
  readonly hardware: readonly string[];
  /** Adapters of the system's drivers. */
  readonly adapters: readonly AdapterReport[];
  readonly software: {
    readonly state: 'ready' | 'not installed' | 'unsupported platform' | 'broken';
    readonly package: string | undefined;
    readonly koffi: string | undefined;
    /** Folder with the unpacked driver. */
    readonly folder: string | undefined;
    readonly adapter: AdapterReport | undefined;
    readonly fault: string | undefined;
  };
  /** Whether some adapter can run models. */
  readonly usable: boolean;
  readonly fixes: readonly Fix[];
}

export interface Fix {
  readonly problem: string;
  /** Commands for a shell; Debian's and Ubuntu's where packages are meant. */
  readonly commands: readonly string[];
}
